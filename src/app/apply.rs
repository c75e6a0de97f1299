//! The one place that changes the state.
use super::{
    assess,
    command::{Command, ViewCommand, VisitCommand, WorkCommand},
    state::{
        Alignment, AppState, Message, Outlines, RelativeWindow, Running, VisitId, VisitState,
        ZoomPan,
    },
    task::{NewOutlines, NewScan, Outcome, Target, Task},
};
use crate::{
    measure::Plane,
    patient::ScanOrigin,
    phantom,
    render::{Interpolation, NativePlane},
    volume::{Grid, RegisterError, Registration, Structure},
};
use glam::DVec3;
use std::sync::Arc;

/// Smallest and largest magnification.
const ZOOM: (f64, f64) = (0.25, 64.0);
/// Narrowest and widest window, in automatic widths.
const WINDOW_WIDTH: (f64, f64) = (1e-3, 100.0);

/// Carries out a command.
pub fn apply(state: &mut AppState, command: Command) {
    match command {
        Command::View(command) => apply_view(state, command),
        Command::Visit(command) => apply_visit(state, &command),
        Command::Work(command) => apply_work(state, command),
    }
}

/// Takes the next waiting task when nothing is running; from then on it counts as running.
pub fn next_task(state: &mut AppState) -> Option<Task> {
    if state.work.running.is_some() {
        return None;
    }
    let task = state.work.queue.pop_front()?;
    state.work.running = Some(Running {
        name: task.name(),
        stage: String::new(),
        fraction: 0.0,
        cancelling: false,
    });
    Some(task)
}

fn apply_view(state: &mut AppState, command: ViewCommand) {
    match command {
        ViewCommand::Scroll {
            visit,
            plane,
            slices,
        } => scroll(state, visit, plane, slices),
        ViewCommand::Crosshair {
            visit,
            point_in_world,
        } => {
            if let Some(visit) = state.visit(visit) {
                let point = inside(visit, point_in_world);
                set_crosshair(state, visit.id, point);
            }
        }
        ViewCommand::Pan {
            visit,
            plane,
            by_mm,
        } => {
            if let Some(zoom_pan) = zoom_pan(state, visit, plane) {
                zoom_pan.centre_mm = std::array::from_fn(|a| zoom_pan.centre_mm[a] - by_mm[a]);
            }
        }
        ViewCommand::Zoom {
            visit,
            plane,
            factor,
            about_mm,
        } => {
            if let Some(zoom_pan) = zoom_pan(state, visit, plane) {
                let zoom = (zoom_pan.zoom * factor).clamp(ZOOM.0, ZOOM.1);
                // What lies under the pointer stays there.
                let kept = 1.0 - zoom_pan.zoom / zoom;
                zoom_pan.centre_mm =
                    std::array::from_fn(|a| zoom_pan.centre_mm[a] + about_mm[a] * kept);
                zoom_pan.zoom = zoom;
            }
        }
        ViewCommand::Reset => {
            state.view.window = RelativeWindow::default();
            for visit in &mut state.visits {
                visit.zoom_pan = [ZoomPan::default(); 3];
            }
        }
        ViewCommand::Compare(on) => {
            state.view.compare = on;
            if on {
                enqueue_alignments(state);
            }
        }
        ViewCommand::Maximise(plane) => state.view.maximised = plane,
        ViewCommand::Shortcuts(open) => state.view.shortcuts = open,
        command => apply_style(state, &command),
    }
}

fn apply_style(state: &mut AppState, command: &ViewCommand) {
    let view = &mut state.view;
    match *command {
        ViewCommand::Window { wider, brighter } => {
            view.window.width =
                (view.window.width * wider.exp2()).clamp(WINDOW_WIDTH.0, WINDOW_WIDTH.1);
            // Brighter is a lower level: more intensities are above it.
            view.window.centre =
                (view.window.centre - brighter * view.window.width).clamp(-100.0, 100.0);
        }
        ViewCommand::AutomaticWindow => view.window = RelativeWindow::default(),
        ViewCommand::Invert => view.style.invert = !view.style.invert,
        ViewCommand::ToggleInterpolation => {
            view.style.interpolation = match view.style.interpolation {
                Interpolation::Linear => Interpolation::Nearest,
                Interpolation::Nearest => Interpolation::Linear,
            };
        }
        ViewCommand::HideOverlays(hidden) => view.hidden = hidden,
        ViewCommand::FillOpacity(opacity) => view.style.fill_opacity = opacity.clamp(0.0, 1.0),
        ViewCommand::Contour(structure, on) => view.style.structure_mut(structure).contour = on,
        ViewCommand::Fill(structure, on) => view.style.structure_mut(structure).fill = on,
        // The others are carried out above.
        _ => {}
    }
}

fn apply_visit(state: &mut AppState, command: &VisitCommand) {
    match *command {
        VisitCommand::Select(id) if state.visit(id).is_some() => state.active = Some(id),
        VisitCommand::Select(_) => {}
        VisitCommand::Move(by) => {
            let at = state.visits.iter().position(|v| Some(v.id) == state.active);
            if let Some(at) = at {
                let last = state.visits.len() as i64 - 1;
                let to = (at as i64).saturating_add(by).clamp(0, last) as usize;
                state.active = state.visits.get(to).map(|v| v.id);
            }
        }
        VisitCommand::SetDate(id, date) => {
            if let Some(visit) = state.visit_mut(id) {
                visit.date = Some(date);
            }
            sort_visits(state);
            assess::refresh(state);
        }
        VisitCommand::Remove(id) => {
            state.visits.retain(|v| v.id != id);
            if state.active == Some(id) {
                state.active = state.visits.first().map(|v| v.id);
            }
            if state.visits.len() < 2 {
                state.view.compare = false;
            }
            assess::refresh(state);
        }
    }
}

fn apply_work(state: &mut AppState, command: WorkCommand) {
    match command {
        WorkCommand::Enqueue(task) => state.work.queue.push_back(task),
        WorkCommand::Demo => {
            let scans = (0..phantom::demo::VISITS).map(|visit| Task::DemoScan { visit });
            state.work.queue.extend(scans);
        }
        WorkCommand::Segment(id) => {
            if let Some(task) = state.visit(id).map(|v| Task::Segment(target(v))) {
                state.work.queue.push_back(task);
            }
        }
        WorkCommand::Align => enqueue_alignments(state),
        WorkCommand::Cancel => {
            state.work.queue.clear();
            if let Some(running) = &mut state.work.running {
                running.cancelling = true;
            }
        }
        WorkCommand::Progressed(progress) => {
            if let Some(running) = &mut state.work.running {
                progress.stage.clone_into(&mut running.stage);
                running.fraction = progress.fraction;
            }
        }
        WorkCommand::Ended(outcome) => {
            let running = state.work.running.take();
            match outcome {
                Some(outcome) => receive(state, outcome),
                None => tell_error(
                    state,
                    format!(
                        "{} crashed; nothing else was lost.",
                        running.map_or_else(String::new, |r| r.name)
                    ),
                ),
            }
        }
        WorkCommand::Dismiss(at) if at < state.messages.len() => drop(state.messages.remove(at)),
        WorkCommand::Dismiss(_) => {}
        WorkCommand::Tell(message) => state.messages.push(message),
    }
}

fn receive(state: &mut AppState, outcome: Outcome) {
    match outcome {
        Outcome::Scan(scan) => add_visit(state, *scan),
        Outcome::Outlined(outlines) => set_outlines(state, *outlines),
        Outcome::Written(path) => tell(state, format!("Outlines written to {}", path.display())),
        Outcome::Aligned {
            fixed,
            moving,
            result,
        } => set_alignment(state, fixed, moving, result),
        Outcome::Assessed(revision, assessment) => {
            if revision == state.assessment_revision {
                state.assessment = Some(assessment.map(|a| *a));
            }
        }
        Outcome::Failed(text) => tell_error(state, text),
        Outcome::Cancelled => tell(state, "Stopped.".to_owned()),
    }
}

fn add_visit(state: &mut AppState, scan: NewScan) {
    let id = VisitId(state.next_id);
    state.next_id += 1;
    let grid = *scan.volume.grid();
    state.visits.push(VisitState {
        id,
        origin: scan.origin,
        date: scan.date,
        planes: Plane::ALL.map(|plane| NativePlane::new(&grid, plane)),
        automatic_window: scan.volume.default_window(),
        volume: Arc::new(scan.volume),
        scan_sha256: scan.scan_sha256,
        sequence: scan.sequence,
        crosshair: start(&grid),
        zoom_pan: [ZoomPan::default(); 3],
        outlines: None,
        revision: 0,
        alignment: Alignment::NotAligned,
        warnings: scan.warnings,
    });
    sort_visits(state);
    if state.active.is_none() || !scan.demo {
        state.active = Some(id);
    }
    if scan.demo {
        let segment = state.visit(id).map(|v| Task::Segment(target(v)));
        state.work.queue.extend(segment);
        enqueue_alignments(state);
    }
    assess::refresh(state);
}

/// Where the crosshair starts: the voxel in the middle, so that every plane starts on a slice.
fn start(grid: &Grid) -> DVec3 {
    grid.point_in_world(grid.shape().map(|n| n / 2))
}

fn set_outlines(state: &mut AppState, new: NewOutlines) {
    let Some(visit) = state.visit_mut(new.visit) else {
        return;
    };
    // The outlines changed while these were computed: the newer ones stay.
    if visit.revision != new.revision {
        return;
    }
    let untouched = visit.crosshair == start(visit.volume.grid());
    let tumour = new
        .sizes
        .iter()
        .find(|s| s.structure == Structure::VestibularSchwannoma)
        .map(|s| DVec3::from_array(s.centroid_ras_mm));
    visit.revision += 1;
    visit.outlines = Some(Outlines {
        labels: Arc::new(new.labels),
        parts: new.parts,
        sizes: new.sizes,
        measured: new.measured,
        seconds: new.seconds,
    });
    if let (true, Some(centroid)) = (untouched, tumour) {
        set_crosshair(state, new.visit, centroid);
    }
    assess::refresh(state);
}

fn set_alignment(
    state: &mut AppState,
    fixed: VisitId,
    moving: VisitId,
    result: Result<Registration, RegisterError>,
) {
    let Some(visit) = state.visit_mut(moving) else {
        return;
    };
    visit.alignment = match result {
        Ok(registration) => Alignment::Aligned {
            reference: fixed,
            registration,
        },
        Err(error) => Alignment::Failed(error.to_string()),
    };
    if let Some(crosshair) = state.visit(fixed).map(|v| v.crosshair) {
        set_crosshair(state, fixed, crosshair);
    }
    assess::refresh(state);
}

/// Aligns every visit to the first, unless it is aligned to it or the work waits already.
fn enqueue_alignments(state: &mut AppState) {
    let Some(reference) = state.reference() else {
        return;
    };
    let fixed = (reference.id, Arc::clone(&reference.volume));
    let waiting = |id: VisitId| {
        state.work.queue.iter().any(
            |t| matches!(t, Task::Align { fixed: f, moving: m } if f.0 == fixed.0 && m.0 == id),
        )
    };
    let tasks: Vec<Task> = state
        .visits
        .iter()
        .filter(|v| !state.linked(v) && !waiting(v.id))
        .map(|v| Task::Align {
            fixed: fixed.clone(),
            moving: (v.id, Arc::clone(&v.volume)),
        })
        .collect();
    // Before what takes longer: linked planes are of use while the rest is computed.
    for task in tasks.into_iter().rev() {
        state.work.queue.push_front(task);
    }
}

/// What a task needs to outline a visit.
pub(super) fn target(visit: &VisitState) -> Target {
    Target {
        visit: visit.id,
        title: visit.title(),
        revision: visit.revision,
        volume: Arc::clone(&visit.volume),
        origin: ScanOrigin {
            // Set anew when visits are compared; a scan without a date is never compared.
            date: visit.date.unwrap_or_default(),
            sequence: visit.sequence,
            scan_sha256: visit.scan_sha256.clone(),
            warnings: visit.warnings.clone(),
        },
    }
}

fn scroll(state: &mut AppState, visit: VisitId, plane: Plane, slices: i64) {
    let Some(visit) = state.visit(visit) else {
        return;
    };
    let (guide, _) = state.cut_by(visit);
    let point = guide.planes[plane as usize].step(guide.volume.grid(), guide.crosshair, slices);
    set_crosshair(state, guide.id, point);
}

/// Marks a point in a visit and the same point of the head in every visit that is linked to it.
fn set_crosshair(state: &mut AppState, id: VisitId, point_in_world: DVec3) {
    let Some(visit) = state.visit(id) else { return };
    let in_reference = state
        .world_visit_from_world_reference(visit)
        .map(|t| t.inverse().transform_point3(point_in_world));
    let moved: Vec<(VisitId, DVec3)> = in_reference.map_or_else(Vec::new, |point| {
        let linked = |v: &VisitState| {
            Some((
                v.id,
                state
                    .world_visit_from_world_reference(v)?
                    .transform_point3(point),
            ))
        };
        state.visits.iter().filter_map(linked).collect()
    });
    for (other, point) in moved {
        if let Some(visit) = state.visit_mut(other) {
            visit.crosshair = point;
        }
    }
    if let Some(visit) = state.visit_mut(id) {
        // As given, without the rounding of the way there and back.
        visit.crosshair = point_in_world;
    }
}

/// A point moved into the scan.
fn inside(visit: &VisitState, point_in_world: DVec3) -> DVec3 {
    let grid = visit.volume.grid();
    let last = DVec3::from_array(grid.shape().map(|n| n as f64 - 1.0));
    let voxel = grid.voxel_from_world().transform_point3(point_in_world);
    if voxel.cmpge(DVec3::ZERO).all() && voxel.cmple(last).all() {
        return point_in_world;
    }
    grid.world_from_voxel()
        .transform_point3(voxel.clamp(DVec3::ZERO, last))
}

/// Zoom and pan of what a visit's cell shows.
fn zoom_pan(state: &mut AppState, visit: VisitId, plane: Plane) -> Option<&mut ZoomPan> {
    let guide = state.cut_by(state.visit(visit)?).0.id;
    state.visit_mut(guide)?.zoom_pan.get_mut(plane as usize)
}

fn sort_visits(state: &mut AppState) {
    // Stable: visits without a date stay in the order in which they were opened, behind the dated ones.
    state.visits.sort_by_key(|v| (v.date.is_none(), v.date));
}

fn tell(state: &mut AppState, text: String) {
    state.messages.push(Message { error: false, text });
}

fn tell_error(state: &mut AppState, text: String) {
    log::warn!("a task failed");
    state.messages.push(Message { error: true, text });
}
