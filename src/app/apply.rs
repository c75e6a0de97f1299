//! The one place that changes the state.

mod by_hand;
mod crosshair;
mod dicom;
pub(super) mod edit;
mod koos;
mod marks;
pub(super) mod patient;
mod school;
mod series;
mod told;

use super::{
    DicomWork, Work as SchoolWork, assess,
    command::{Command, ViewCommand, VisitCommand, WorkCommand},
    meaning::MeaningCommand,
    preferences::PreferenceCommand,
    preset::Preset,
    report::usable,
    rescue::Note,
    state::{
        Alignment, AppState, BrushOptions, Kept, Message, Outlines, RelativeWindow, Running,
        VisitId, VisitState, ZoomPan,
    },
    task::{NewOutlines, NewScan, Outcome, Places, Target, Task},
    told::Fact,
};
use crate::{
    measure::Plane,
    patient::{PatientFacts, ReviewState, ScanOrigin},
    phantom,
    render::{NativePlane, point_of_interest},
    volume::{RegisterError, Registration, Structure, WindowLevel},
};
use glam::DVec3;
use std::sync::Arc;

/// Smallest and largest magnification.
const ZOOM: (f64, f64) = (0.25, 64.0);
/// Narrowest and widest window, in widths of the preset.
const WINDOW_WIDTH: (f64, f64) = (1e-3, 100.0);
/// Farthest shift of the window, in widths of the preset.
const WINDOW_SHIFT: f64 = 100.0;

/// Thinnest and thickest brush, mm.
const BRUSH_MM: (f64, f64) = (0.2, 15.0);

/// Carries out a command.
pub fn apply(state: &mut AppState, command: Command) {
    match command {
        Command::View(command) => apply_view(state, command),
        Command::Visit(command) => apply_visit(state, &command),
        Command::Work(command) => apply_work(state, command),
        Command::Prefer(command) => prefer(state, command),
        Command::Edit(visit, command) => {
            if school::may_edit(state, visit, &command) {
                edit::apply(state, visit, command);
            }
        }
        Command::Patient(command) => patient::apply(state, command),
        Command::School(command) => school::apply(state, command),
        Command::Dicom(command) => dicom::apply(state, command),
        Command::Koos(command) => koos::apply(state, command),
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
        } => crosshair::scroll(state, visit, plane, slices),
        ViewCommand::Crosshair {
            visit,
            point_in_world,
        } => crosshair::mark(state, visit, point_in_world),
        ViewCommand::TakeBackCrosshair => crosshair::take_back(state),
        ViewCommand::SetWindow { visit, window } => set_window(state, visit, window),
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
            state.view.preset = Preset::Automatic;
            state.view.window = RelativeWindow::default();
            state.view.solid.camera = None;
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
        ViewCommand::AddMark(..)
        | ViewCommand::RemoveMark(_)
        | ViewCommand::KeepImage(..)
        | ViewCommand::ShowImage(..)
        | ViewCommand::DropImage(..)
        | ViewCommand::NextUnseen(_) => {
            let changed = match &command {
                ViewCommand::AddMark(id, _)
                | ViewCommand::RemoveMark(id)
                | ViewCommand::KeepImage(id, _)
                | ViewCommand::DropImage(id, _) => Some(*id),
                _ => None,
            };
            marks::apply(state, command);
            if let Some(id) = changed {
                patient::marks(state, id);
            }
        }
        ViewCommand::Maximise(plane) => state.view.maximised = plane,
        ViewCommand::LogVolume(on) => state.view.log_volume = on,
        ViewCommand::Blink(on) => {
            if on && state.prior().is_none() {
                enqueue_alignments(state);
            }
            state.view.blink = on;
        }
        ViewCommand::SolidCamera(camera) => state.view.solid.camera = camera,
        ViewCommand::ToggleName => state.view.name_hidden = !state.view.name_hidden,
        ViewCommand::TogglePorus => state.view.porus = !state.view.porus,
        ViewCommand::SolidGrowth(on) => {
            state.view.solid.growth = on;
            if on && state.prior().is_none() {
                enqueue_alignments(state);
            }
        }
        ViewCommand::Diameter(id, which) => {
            state.view.diameter = which;
            let middle = state.visit(id).zip(which).and_then(|(v, which)| {
                let tumour = v.outlines.as_ref()?.measured.finding.tumour.as_ref()?;
                let [a, b] = tumour.measures.as_ref()?.diameters.get(which)?.ends_ras_mm;
                Some((DVec3::from(a) + DVec3::from(b)) / 2.0)
            });
            if let Some(middle) = middle {
                crosshair::mark(state, id, middle);
            }
        }
        ViewCommand::SolidCut(cut) => state.view.solid.cut = cut,
        ViewCommand::SolidAlone(alone) => state.view.solid.alone = alone,
        ViewCommand::Shortcuts(open) => state.view.shortcuts = open,
        command => apply_style(state, &command),
    }
}

fn prefer(state: &mut AppState, command: PreferenceCommand) {
    if let PreferenceCommand::Mouse(mouse) = command {
        state.view.tool = mouse.tool();
    }
    if let Some(text) = state.preferences.apply(command) {
        tell(state, text);
    }
    state.view.style.patterns = state.preferences.patterns;
}

fn apply_style(state: &mut AppState, command: &ViewCommand) {
    let view = &mut state.view;
    match *command {
        ViewCommand::Window { wider, brighter } => {
            view.window.width =
                (view.window.width * wider.exp2()).clamp(WINDOW_WIDTH.0, WINDOW_WIDTH.1);
            // Brighter is a lower level: more intensities are above it.
            view.window.centre = (view.window.centre - brighter * view.window.width)
                .clamp(-WINDOW_SHIFT, WINDOW_SHIFT);
        }
        ViewCommand::Preset(preset) => {
            view.preset = preset;
            view.window = RelativeWindow::default();
        }
        ViewCommand::Tool(tool) => view.tool = tool,
        ViewCommand::Brush(brush) => {
            view.brush = BrushOptions {
                radius_mm: brush.radius_mm.clamp(BRUSH_MM.0, BRUSH_MM.1),
                ..brush
            };
        }
        ViewCommand::ToggleLines => view.lines_hidden = !view.lines_hidden,
        ViewCommand::NextCornerText => view.corner_text = view.corner_text.next(),
        ViewCommand::Cine(visit, plane) => {
            view.cine = Some((visit, plane)).filter(|cell| view.cine != Some(*cell));
        }
        ViewCommand::Invert => view.style.invert = !view.style.invert,
        ViewCommand::Interpolation(interpolation) => view.style.interpolation = interpolation,
        ViewCommand::ToggleEdgeTolerance => view.edge_tolerance = !view.edge_tolerance,
        ViewCommand::ToggleAnatomicalAxes => view.anatomical = !view.anatomical,
        ViewCommand::HideOverlays(hidden) => view.hidden = hidden,
        ViewCommand::FillOpacity(opacity) => view.style.fill_opacity = opacity.clamp(0.0, 1.0),
        ViewCommand::Contour(structure, on) => view.style.structure_mut(structure).contour = on,
        ViewCommand::Fill(structure, on) => view.style.structure_mut(structure).fill = on,
        // The others are carried out above.
        _ => {}
    }
}

/// The window that was chosen in one visit, relative to the automatic ones so that it suits the others too.
fn set_window(state: &mut AppState, visit: VisitId, window: WindowLevel) {
    let Some(visit) = state.visit(visit) else {
        return;
    };
    let automatic = visit.windows[Preset::Automatic as usize];
    let relative = RelativeWindow::between(automatic, window);
    if relative.centre.is_finite() && relative.width.is_finite() {
        state.view.preset = Preset::Automatic;
        state.view.window = RelativeWindow {
            centre: relative.centre.clamp(-WINDOW_SHIFT, WINDOW_SHIFT),
            width: relative.width.clamp(WINDOW_WIDTH.0, WINDOW_WIDTH.1),
        };
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
            told::tell(state, Fact::Date(id, Some((date, false))));
        }
        VisitCommand::SetSequence(id, sequence) => {
            told::tell(state, Fact::Sequence(id, sequence));
        }
        VisitCommand::Remove(id) => {
            remove_visits(state, |v| v.id == id);
            assess::refresh(state);
        }
    }
}

fn apply_work(state: &mut AppState, command: WorkCommand) {
    match command {
        WorkCommand::Enqueue(task) => state.work.queue.push_back(task),
        WorkCommand::Open(path) => {
            let places = places(state);
            state.work.queue.push_back(Task::Open(path, places));
        }
        WorkCommand::ForgetRecent => {
            state.recent.clear();
            let forget = state.recent_file.clone().map(Task::ForgetRecent);
            state.work.queue.extend(forget);
        }
        WorkCommand::Demo => {
            let scans = (0..phantom::demo::VISITS).map(|visit| Task::DemoScan { visit });
            state.work.queue.extend(scans);
        }
        WorkCommand::Segment(id) => {
            let model = state.model.clone();
            if let Some(task) = state.visit(id).map(|v| Task::Segment(target(v), model)) {
                state.work.queue.push_back(task);
            }
        }
        WorkCommand::SegmentAll => {
            let open = |v: &&VisitState| !v.outlines.as_ref().is_some_and(Outlines::is_locked);
            let all = state.visits.iter().filter(open);
            let tasks: Vec<Task> = all
                .map(|v| Task::Segment(target(v), state.model.clone()))
                .collect();
            state.work.queue.extend(tasks);
        }
        WorkCommand::ShippedModel => state.model = None,
        WorkCommand::Report(path) => {
            if let Some(why) = assess::no_report(state) {
                tell(state, why);
            } else if assess::reportable(state) {
                let inputs = assess::Inputs::of(state);
                state.work.queue.push_back(Task::Report(inputs, path));
            }
        }
        WorkCommand::Align => enqueue_alignments(state),
        WorkCommand::Meaning(command) => mean(state, command),
        WorkCommand::Series(command) => series::apply(state, command),
        WorkCommand::Cancel => {
            state.work.queue.retain(outlasts_cancel);
            school::stopped(state);
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
        WorkCommand::Early(new) => {
            // Outlines that are there stay until the final ones replace them.
            if !state.school.is_blind(new.visit)
                && let Some(visit) = state.visit_mut(new.visit)
                && visit.revision == new.revision
                && visit.outlines.is_none()
            {
                visit.early = new.parts;
            }
        }
        WorkCommand::Ended(outcome) => {
            let running = state.work.running.take();
            state.visits.iter_mut().for_each(|v| v.early.clear());
            if let Some(outcome) = outcome {
                receive(state, outcome);
            } else {
                school::stopped(state);
                let name = running.map_or_else(String::new, |r| r.name);
                tell_error(state, format!("{name} crashed; nothing else was lost."));
            }
        }
        WorkCommand::Dismiss(at) if at < state.messages.len() => drop(state.messages.remove(at)),
        WorkCommand::Dismiss(_) => {}
        WorkCommand::Tell(message) => state.messages.push(message),
    }
}

/// Whether a task that waits is done though the work is stopped: what a reader changed is measured and compared, what was to be written is written,
/// and a patient is not left without some of the visits.
fn outlasts_cancel(task: &Task) -> bool {
    matches!(
        task,
        Task::Measure(..)
            | Task::Assess(_)
            | Task::ReadVisit(..)
            | Task::Report(..)
            | Task::WriteLabels { .. }
            | Task::WritePicture { .. }
            | Task::NewPatient(..)
            | Task::ThrowAway(_)
            | Task::ForgetRecent(_)
            | Task::Dicom(DicomWork::Export(_) | DicomWork::Anonymise { .. })
            | Task::School(SchoolWork::Export(..))
    )
}

/// Where the program keeps what belongs to scans.
fn places(state: &AppState) -> Places {
    Places {
        journals: state.journals.clone(),
        recent: state.recent_file.clone(),
    }
}

/// Says what the values of a label map mean.
fn mean(state: &mut AppState, command: MeaningCommand) {
    let Some(meaning) = &mut state.meaning else {
        return;
    };
    match command {
        MeaningCommand::Set(value, structure) => meaning.set(value, structure),
        MeaningCommand::Follow(scheme) => meaning.follow(scheme),
        MeaningCommand::Leave => state.meaning = None,
        MeaningCommand::Read if meaning.means_something() => {
            let meaning = meaning.clone();
            state.meaning = None;
            let task = state.visit(meaning.visit).and_then(|v| meaning.task(v));
            state.work.queue.extend(task);
        }
        MeaningCommand::Read => {}
    }
}

fn receive(state: &mut AppState, outcome: Outcome) {
    match outcome {
        Outcome::Values(meaning) => state.meaning = Some(*meaning),
        Outcome::Series(choice) => series::begin(state, *choice),
        Outcome::Thumbnail(row, picture) => series::pictured(state, row, picture),
        Outcome::Edited(visit, revision, edit) => edit::made(state, visit, revision, edit),
        Outcome::Scan(scan) => drop(add_visit(state, *scan)),
        Outcome::Patient(folder, warnings, new) => patient::open(state, *folder, warnings, new),
        Outcome::Visit(read) => patient::visit_read(state, *read),
        Outcome::Found(paths) => {
            for path in paths {
                apply_work(state, WorkCommand::Open(path));
            }
        }
        Outcome::Outlined(outlines) => {
            if let Some(outlines) = school::take_model(state, *outlines) {
                let id = outlines.visit;
                let journalled = state.visit(id).is_some_and(|v| v.journalled);
                // Where its journal has ended, what replaced the edits is kept in their place.
                if set_outlines(state, outlines) && journalled {
                    edit::begin_journal(state, id);
                }
            }
        }
        Outcome::Measured(numbers) => {
            let id = numbers.visit;
            school::unhide(state, id);
            edit::set_measured(state, *numbers);
            school::hide(state, id);
        }
        Outcome::School(done) => school::receive(state, done),
        Outcome::Dicom(done) => dicom::receive(state, done),
        Outcome::Graded(id, graded) => koos::graded(state, id, *graded),
        Outcome::BroughtBack(outlines, set, path) => {
            edit::bring_back(state, *outlines, set.as_deref(), path);
        }
        Outcome::Saved(visit, revision, text) => {
            edit::saved(state, visit, revision);
            tell(state, text);
        }
        Outcome::Model(model) => {
            tell(
                state,
                format!(
                    "{} segments from now on: {}",
                    model.name,
                    model.folder.display()
                ),
            );
            state.model = Some(model);
        }
        Outcome::Written(text) => tell(state, text),
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
        Outcome::Cancelled => {
            school::stopped(state);
            tell(state, "Stopped.".to_owned());
        }
    }
}

fn add_visit(state: &mut AppState, scan: NewScan) -> Option<VisitId> {
    if !make_room(state, scan.demo) {
        return None;
    }
    let id = VisitId(state.next_id);
    state.next_id += 1;
    if let Some(recent) = scan.recent {
        state.recent = recent;
    }
    let grid = *scan.volume.grid();
    state.visits.push(VisitState {
        id,
        origin: scan.origin,
        source: scan.source,
        series: scan.series,
        kept: Kept::No,
        results_kept: None,
        date: scan.date,
        date_from_name: scan.date_from_name,
        demo: scan.demo,
        planes: Plane::ALL.map(|plane| NativePlane::new(&grid, plane)),
        windows: scan.windows,
        volume: Arc::new(scan.volume),
        scan_sha256: scan.scan_sha256,
        sequence: scan.sequence,
        acquisition: scan.acquisition,
        ghosting: scan.ghosting,
        crosshair: crosshair::start(&grid),
        placed: false,
        marks: Vec::new(),
        key_images: Vec::new(),
        zoom_pan: [ZoomPan::default(); 3],
        outlines: None,
        early: Vec::new(),
        revision: 0,
        fill_revision: 0,
        left: scan.left,
        journalled: false,
        alignment: Alignment::NotAligned,
        warnings: scan.warnings,
    });
    sort_visits(state);
    school::begin(state, id);
    if state.active.is_none() || !scan.demo {
        state.active = Some(id);
    }
    if scan.demo {
        let segment = state.visit(id).map(|v| Task::Segment(target(v), None));
        state.work.queue.extend(segment);
        enqueue_alignments(state);
    }
    assess::refresh(state);
    Some(id)
}

/// Keeps the synthetic patient apart from scans: it gives way to them, and a scan of it that comes late is not taken.
fn make_room(state: &mut AppState, demo: bool) -> bool {
    if demo {
        return state.patient.is_none() && state.visits.iter().all(|v| v.demo);
    }
    school::make_room(state);
    if state.visits.iter().any(|v| v.demo) {
        remove_visits(state, |v| v.demo);
        tell(
            state,
            "The demo patient was closed: it must not be compared with the scan that was opened."
                .to_owned(),
        );
    }
    state
        .work
        .queue
        .retain(|task| !matches!(task, Task::DemoScan { .. }));
    true
}

/// Takes visits off the list, with the work that waits for them.
fn remove_visits(state: &mut AppState, gone: impl Fn(&VisitState) -> bool) {
    // Their edits stay on the disk, to be offered when the scan is opened again.
    let journalled = state.visits.iter().filter(|v| gone(v) && v.journalled);
    state.notes.extend(journalled.map(|v| (v.id, Note::Close)));
    state.visits.retain(|v| !gone(v));
    let there = |id: VisitId| state.visits.iter().any(|v| v.id == id);
    state.work.queue.retain(|task| match task {
        Task::Segment(target, _)
        | Task::ReadLabels(target, ..)
        | Task::Edit(target, ..)
        | Task::Measure(target, ..)
        | Task::BringBack(target, _) => there(target.visit),
        Task::Dicom(work) => work.visit().is_none_or(there),
        Task::Koos(work) => there(work.visit()),
        Task::Align { fixed, moving } => there(fixed.0) && there(moving.0),
        _ => true,
    });
    if !state.active.is_some_and(there) {
        state.active = state.visits.first().map(|v| v.id);
    }
    state.meaning = state
        .meaning
        .take()
        .filter(|m| state.visits.iter().any(|v| v.id == m.visit));
    state.view.cine = state.view.cine.filter(|(visit, _)| there(*visit));
    dicom::forget(state);
    school::forget(state);
    if state.visits.is_empty() && state.patient.is_none() {
        // The next scan may be of another patient, whose facts these are not.
        state.facts = PatientFacts::default();
        state.told.forget();
    }
    if state.visits.len() < 2 {
        state.view.compare = false;
    }
}

/// Puts outlines in the place of those that are there, and says whether it did.
fn set_outlines(state: &mut AppState, new: NewOutlines) -> bool {
    let (id, mut notes) = (new.visit, Vec::new());
    // The trained graders speak of what a model has just drawn; of everything else they are asked.
    let drawn = new.measured.finding.provenance.state == ReviewState::AiDraft;
    let asks = drawn && !new.from_folder;
    school::unhide(state, id);
    let taken = replace_outlines(state, new, &mut notes);
    state.notes.append(&mut notes);
    if !school::hide(state, id) {
        go_to_tumour(state, id);
        if asks {
            koos::grade(state, id);
        }
    }
    assess::refresh(state);
    taken
}

fn replace_outlines(
    state: &mut AppState,
    new: NewOutlines,
    notes: &mut Vec<(VisitId, Note)>,
) -> bool {
    let Some(visit) = state.visit_mut(new.visit) else {
        return false;
    };
    // The outlines changed while these were computed: the newer ones stay.
    if visit.revision != new.revision {
        return false;
    }
    if visit.outlines.as_ref().is_some_and(Outlines::is_locked) {
        let text = "The outlines were accepted and are locked: the new ones were not taken.";
        tell(state, text.to_owned());
        return false;
    }
    let (edits, set) = edit::replacing(visit, &new.labels, notes);
    visit.revision += 1;
    visit.fill_revision = visit.revision;
    // Those that are read from the folder, or brought back, are saved or told already.
    let drawn_anew =
        new.measured.finding.provenance.state != ReviewState::Edited && !new.from_folder;
    let warnings = new.measured.finding.warnings.iter();
    // What is known of the scan itself is told with it each time.
    let warnings = warnings.filter(|w| !visit.warnings.contains(w));
    let sequence = new.measured.sequence;
    visit.outlines = Some(Outlines {
        warnings: warnings.cloned().collect(),
        labels: Arc::new(new.labels),
        parts: new.parts,
        sizes: new.sizes,
        measured: new.measured,
        seconds: new.seconds,
        tumour_interval95_mm3: new.tumour_interval95_mm3,
        probabilities: new.probabilities,
        making: new.making,
        edge: new.edge,
        tumour: new.tumour,
        by_hand: set.clone(),
        graded: None,
        edits,
    });
    notes.extend(edit::drawn_note(visit));
    // The scan may have been told to show something else while these were computed.
    let other = sequence != visit.sequence;
    by_hand::measure_at(state, new.visit, &set);
    if other {
        edit::measure_anew(state, new.visit);
    }
    if drawn_anew {
        patient::save(state, new.visit);
    }
    true
}

/// Marks the tumour, unless a point was chosen.
fn go_to_tumour(state: &mut AppState, id: VisitId) {
    let labels = state
        .visit(id)
        .filter(|v| !v.placed)
        .and_then(|v| Some(&v.outlines.as_ref()?.labels));
    let tumour = labels.filter(|l| l.bounds(Structure::VestibularSchwannoma).is_some());
    if let Some(point) = tumour.map(|l| point_of_interest(l)) {
        crosshair::place(state, id, point);
    }
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
    visit.alignment = match usable(result) {
        Ok(registration) => Alignment::Aligned {
            reference: fixed,
            registration,
        },
        Err(reason) => Alignment::Failed {
            reference: fixed,
            reason,
        },
    };
    crosshair::join(state, fixed, moving);
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
