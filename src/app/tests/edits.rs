//! Editing outlines, taking it back, and what is said of them.
use super::{ended, outlines, view, visits, work};
use crate::{
    app::{
        AppState, BrushOptions, Command, DicomCommand, EditCommand, ExportCommand, Left, Outcome,
        Task, ViewCommand, VisitCommand, VisitId, WorkCommand, apply, next_task,
        rescue::{self, Note, Rescue},
        state::Outlines,
    },
    measure::Plane,
    patient::ReviewState,
    volume::{LabelMap, LabelTable, Structure, unobserved},
};
use glam::DVec3;
use std::sync::Arc;

const TUMOUR: Structure = Structure::VestibularSchwannoma;

fn edit(state: &mut AppState, visit: VisitId, command: EditCommand) {
    apply(state, Command::Edit(visit, command));
}

/// A stroke of some steps along x, all of it one step to be undone.
pub(super) fn stroke(state: &mut AppState, visit: VisitId, y: f64, erase: bool) {
    let place = |n: i32| DVec3::new(f64::from(n), y, 0.0);
    for n in -3..3 {
        let (plane, from, to) = (Plane::Axial, place(n), place(n + 1));
        let step = EditCommand::Stroke {
            plane,
            from,
            to,
            erase,
        };
        edit(state, visit, step);
    }
    edit(state, visit, EditCommand::EndStroke);
}

/// Gives a visit's notes to those who write journals, as the window does.
pub(super) fn hand_over(state: &mut AppState, rescue: &mut Rescue) {
    for (visit, note) in std::mem::take(&mut state.notes) {
        rescue.note(visit, note);
    }
}

/// Labels of a tumour as those of a model of the user's own, whose values mean something else.
fn of_own_values(labels: &LabelMap) -> LabelMap {
    let values = labels.labels().iter().map(|l| l * 7).collect();
    let table = LabelTable::new([(7, TUMOUR), (1, Structure::Cochlea)]);
    LabelMap::new(*labels.grid(), values, table).unwrap()
}

fn of(state: &AppState, visit: VisitId) -> &Outlines {
    state.visit(visit).unwrap().outlines.as_ref().unwrap()
}

fn labels(state: &AppState, visit: VisitId) -> LabelMap {
    (*of(state, visit).labels).clone()
}

/// Voxels of a structure in a map, or in a part of it, as those of the whole.
fn voxels(map: &LabelMap, whole: &LabelMap, structure: Structure) -> Vec<[usize; 3]> {
    let grid = map.grid();
    let there = (0..grid.len()).map(|n| grid.voxel(n));
    there
        .filter(|v| map.structure_at(*v) == Some(structure))
        .map(|v| whole.grid().nearest_voxel(grid.point_in_world(v)).unwrap())
        .collect()
}

/// What is drawn is the labels as they are, voxel by voxel.
fn assert_drawn(state: &AppState, visit: VisitId) {
    let outlines = of(state, visit);
    let whole = &outlines.labels;
    for structure in Structure::ALL {
        let part = outlines.parts.iter().find(|(s, _)| *s == structure);
        let drawn = part.map_or_else(Vec::new, |(_, part)| voxels(part, whole, structure));
        assert_eq!(drawn, voxels(whole, whole, structure), "{structure}");
    }
}

fn look_at_all(state: &mut AppState, visit: VisitId) {
    let axial = state.visit(visit).unwrap().planes[0];
    for slice in of(state, visit).unseen_slices(&axial) {
        edit(state, visit, EditCommand::Seen(slice));
    }
}

#[test]
fn a_stroke_on_a_scan_without_outlines_is_measured_and_is_one_step_to_undo() {
    let (mut state, ids) = visits(&[Some("2020-01-01")]);
    stroke(&mut state, ids[0], 0.0, false);
    let outlines = of(&state, ids[0]);
    let painted = outlines.labels.count(TUMOUR);
    let voxel = outlines.labels.grid().voxel_volume_mm3();
    assert!(painted > 20, "{painted}");
    assert!(outlines.edits.measuring);
    let live = outlines.live_volume_mm3(TUMOUR);
    assert!((live - painted as f64 * voxel).abs() < 1e-9, "{live}");
    assert_eq!(
        outlines.measured.finding.provenance.state,
        ReviewState::Edited
    );
    assert_eq!(outlines.edits.history.done().len(), 1);
    let words = outlines.edits.history.undo_words().unwrap();
    assert_eq!(words, "Undo: brush on vestibular schwannoma");
    work(&mut state);
    let outlines = of(&state, ids[0]);
    assert!(!outlines.edits.measuring && outlines.edits.live.is_empty());
    assert_eq!(outlines.sizes[0].voxels, painted);
    edit(&mut state, ids[0], EditCommand::Undo);
    assert_eq!(labels(&state, ids[0]).count(TUMOUR), 0);
    assert!(of(&state, ids[0]).live_volume_mm3(TUMOUR).abs() < 1e-9);
    edit(&mut state, ids[0], EditCommand::Redo);
    assert_eq!(labels(&state, ids[0]).count(TUMOUR), painted);
}

#[test]
fn many_strokes_are_undone_one_by_one_to_where_they_began() {
    let (mut state, ids) = visits(&[None]);
    let first = outlines(&state, ids[0], 0);
    ended(&mut state, first);
    let mut states = vec![labels(&state, ids[0])];
    for n in 0..120 {
        stroke(&mut state, ids[0], f64::from(n % 13) - 6.0, n % 5 == 4);
        states.push(labels(&state, ids[0]));
        // What is drawn is cut from the labels as they are.
        assert_drawn(&state, ids[0]);
    }
    states.dedup();
    for before in states.iter().rev().skip(1) {
        edit(&mut state, ids[0], EditCommand::Undo);
        assert_eq!(labels(&state, ids[0]), *before);
    }
    for after in states.iter().skip(1) {
        edit(&mut state, ids[0], EditCommand::Redo);
        assert_eq!(labels(&state, ids[0]), *after);
    }
}

/// One voxel painted or erased: a stroke of a thin brush that goes nowhere.
fn dot(state: &mut AppState, visit: VisitId, at: DVec3, erase: bool) {
    let radius_mm = 0.5;
    let brush = BrushOptions {
        radius_mm,
        ..BrushOptions::default()
    };
    view(state, ViewCommand::Brush(brush));
    let step = EditCommand::Stroke {
        plane: Plane::Axial,
        from: at,
        to: at,
        erase,
    };
    edit(state, visit, step);
    edit(state, visit, EditCommand::EndStroke);
}

#[test]
fn what_is_drawn_follows_a_border_that_is_smoothed_though_its_volume_stays() {
    let (mut state, ids) = visits(&[None]);
    let cube = outlines(&state, ids[0], 0);
    ended(&mut state, cube);
    // A hole in the cube, and a speck as large away from it.
    dot(&mut state, ids[0], DVec3::new(-4.0, -6.0, -6.0), true);
    dot(&mut state, ids[0], DVec3::new(4.0, 2.0, -6.0), false);
    work(&mut state);
    let rough = labels(&state, ids[0]);
    edit(&mut state, ids[0], EditCommand::Smooth);
    work(&mut state);
    let smooth = labels(&state, ids[0]);
    assert_ne!(smooth, rough);
    assert_eq!(smooth.count(TUMOUR), rough.count(TUMOUR));
    assert_drawn(&state, ids[0]);
    edit(&mut state, ids[0], EditCommand::Undo);
    assert_eq!(labels(&state, ids[0]), rough);
    assert_drawn(&state, ids[0]);
}

#[test]
fn numbers_of_labels_that_changed_meanwhile_are_dropped() {
    let (mut state, ids) = visits(&[None]);
    stroke(&mut state, ids[0], 0.0, false);
    let Some(Task::Measure(..)) = state.work.queue.front() else {
        panic!("{:?}", state.work.queue)
    };
    let old = next_task(&mut state).unwrap();
    stroke(&mut state, ids[0], 3.0, false);
    let outcome = old.run(&mut unobserved);
    ended(&mut state, outcome);
    assert!(of(&state, ids[0]).edits.measuring);
    work(&mut state);
    let now = of(&state, ids[0]);
    assert!(!now.edits.measuring);
    assert_eq!(now.sizes[0].voxels, now.labels.count(TUMOUR));
}

#[test]
fn nothing_is_accepted_unseen_unmeasured_or_by_nobody_and_what_is_accepted_is_locked() {
    let (mut state, ids) = visits(&[Some("2020-01-01")]);
    stroke(&mut state, ids[0], 0.0, false);
    let accept = |state: &mut AppState, who: &str| {
        edit(state, ids[0], EditCommand::Accept(who.to_owned()));
        of(state, ids[0]).is_locked()
    };
    look_at_all(&mut state, ids[0]);
    assert!(!accept(&mut state, "R. Eader"), "not measured yet");
    work(&mut state);
    assert!(!accept(&mut state, "  "), "nobody");
    stroke(&mut state, ids[0], 2.0, false);
    work(&mut state);
    assert!(!accept(&mut state, "R. Eader"), "the slice was changed");
    look_at_all(&mut state, ids[0]);
    assert!(accept(&mut state, "R. Eader"));
    let said = of(&state, ids[0])
        .edits
        .reviewed
        .as_ref()
        .unwrap()
        .to_string();
    assert!(said.starts_with("accepted by R. Eader at 20"), "{said}");
    let kept = labels(&state, ids[0]);
    let told = state.messages.len();
    stroke(&mut state, ids[0], -2.0, false);
    edit(&mut state, ids[0], EditCommand::Undo);
    edit(&mut state, ids[0], EditCommand::Smooth);
    assert_eq!(labels(&state, ids[0]), kept);
    assert_eq!(state.messages.len(), told + 1, "told once");
    let revision = state.visit(ids[0]).unwrap().revision;
    let again = outlines(&state, ids[0], revision);
    ended(&mut state, again);
    assert_eq!(labels(&state, ids[0]), kept, "a model does not replace it");
    edit(&mut state, ids[0], EditCommand::Reopen);
    stroke(&mut state, ids[0], -2.0, false);
    assert_ne!(labels(&state, ids[0]), kept);
    assert_eq!(of(&state, ids[0]).edits.reviewed, None);
    edit(
        &mut state,
        ids[0],
        EditCommand::Reject("R. Eader".to_owned()),
    );
    let provenance = &of(&state, ids[0]).measured.finding.provenance;
    assert_eq!(provenance.state, ReviewState::Rejected);
}

#[test]
fn segmenting_again_can_be_undone() {
    let (mut state, ids) = visits(&[None]);
    stroke(&mut state, ids[0], 0.0, false);
    let drawn = labels(&state, ids[0]);
    work(&mut state);
    let revision = state.visit(ids[0]).unwrap().revision;
    let new = outlines(&state, ids[0], revision);
    ended(&mut state, new);
    assert_ne!(labels(&state, ids[0]), drawn);
    edit(&mut state, ids[0], EditCommand::Undo);
    assert_eq!(labels(&state, ids[0]), drawn);
    edit(&mut state, ids[0], EditCommand::Undo);
    assert_eq!(labels(&state, ids[0]).count(TUMOUR), 0);
}

#[test]
fn the_next_unseen_slice_is_one_of_the_tumours() {
    let (mut state, ids) = visits(&[None]);
    let first = outlines(&state, ids[0], 0);
    ended(&mut state, first);
    let axial = state.visit(ids[0]).unwrap().planes[0];
    assert_eq!(of(&state, ids[0]).tumour_slices(&axial), 4..=7);
    assert_eq!(of(&state, ids[0]).tumour_middle(&axial, 3), None);
    // Somebody has zoomed in elsewhere.
    view(
        &mut state,
        ViewCommand::Zoom {
            visit: ids[0],
            plane: Plane::Axial,
            factor: 6.0,
            about_mm: [500.0, 500.0],
        },
    );
    let mut seen = Vec::new();
    for _ in 0..4 {
        view(&mut state, ViewCommand::NextUnseen(ids[0]));
        let visit = state.visit(ids[0]).unwrap();
        let slice = axial.slice_at(visit.volume.grid(), visit.crosshair);
        let middle = of(&state, ids[0]).tumour_middle(&axial, slice).unwrap();
        assert_eq!(axial.slice_at(visit.volume.grid(), middle), slice);
        // The picture is of the tumour now: only such slices count as seen.
        let size = [400.0; 2];
        let px = (state.slice_view(visit, Plane::Axial, size)).px_from_world(middle);
        assert!(
            (0..2).all(|a| (px[a] - size[a] / 2.0).abs() < 1.0),
            "{px:?}"
        );
        seen.push(slice);
        edit(&mut state, ids[0], EditCommand::Seen(slice));
    }
    seen.sort_unstable();
    assert_eq!(seen, [4, 5, 6, 7]);
    let before = state.visit(ids[0]).unwrap().crosshair;
    view(&mut state, ViewCommand::NextUnseen(ids[0]));
    assert_eq!(state.visit(ids[0]).unwrap().crosshair, before);
}

#[test]
fn a_cancelled_measurement_can_be_asked_for_again() {
    let (mut state, ids) = visits(&[None]);
    stroke(&mut state, ids[0], 0.0, false);
    next_task(&mut state).unwrap();
    ended(&mut state, Outcome::Cancelled);
    assert!(of(&state, ids[0]).edits.measuring);
    edit(&mut state, ids[0], EditCommand::Measure);
    work(&mut state);
    assert!(!of(&state, ids[0]).edits.measuring);
}

/// Two dated visits with outlines, measured and compared, while something long runs on the second.
fn busy() -> (AppState, Vec<VisitId>) {
    let (mut state, ids) = visits(&[Some("2024-01-01"), Some("2025-01-01")]);
    for id in &ids {
        let drawn = outlines(&state, *id, 0);
        ended(&mut state, drawn);
    }
    work(&mut state);
    assert!(state.assessment.is_some());
    let long = WorkCommand::Segment(ids[1]);
    apply(&mut state, Command::Work(long));
    assert!(matches!(next_task(&mut state), Some(Task::Segment(..))));
    (state, ids)
}

#[test]
fn nothing_is_compared_or_written_while_a_dated_visit_is_not_measured() {
    let (mut state, ids) = busy();
    stroke(&mut state, ids[0], 0.0, false);
    let report = || Command::Work(WorkCommand::Report("report.pdf".into()));
    apply(&mut state, report());
    for command in [ExportCommand::Begin(ids[1]), ExportCommand::Write] {
        apply(&mut state, Command::Dicom(DicomCommand::Export(command)));
    }
    assert!(state.assessment.is_none());
    let waiting: Vec<String> = state.work.queue.iter().map(Task::name).collect();
    assert_eq!(waiting, ["Measuring 2024-01-01"]);
    for what in ["The report was not begun", "The objects were not written"] {
        let told = format!("{what}: the changed outlines of 2024-01-01 are not measured yet.");
        let said = state.messages.iter().any(|m| m.text == told);
        assert!(said, "{:?}", state.messages);
    }
    ended(&mut state, Outcome::Cancelled);
    work(&mut state);
    assert!(state.assessment.is_some());
    apply(&mut state, report());
    assert!(matches!(state.work.queue.back(), Some(Task::Report(..))));
}

#[test]
fn cancel_leaves_what_is_to_be_measured_compared_and_written() {
    let folder = tempfile::tempdir().unwrap();
    let (mut state, ids) = busy();
    apply(&mut state, Command::Work(WorkCommand::SegmentAll));
    stroke(&mut state, ids[0], 0.0, false);
    let path = folder.path().join("outlines.nii.gz");
    let write = Task::WriteLabels {
        visit: ids[0],
        revision: state.visit(ids[0]).unwrap().revision,
        labels: Arc::clone(&of(&state, ids[0]).labels),
        told: true,
        path: path.clone(),
    };
    apply(&mut state, Command::Work(WorkCommand::Enqueue(write)));
    apply(&mut state, Command::Work(WorkCommand::Cancel));
    let waiting: Vec<String> = state.work.queue.iter().map(Task::name).collect();
    assert_eq!(waiting, ["Measuring 2024-01-01", "Writing outlines"]);
    ended(&mut state, Outcome::Cancelled);
    work(&mut state);
    assert!(path.exists());
    assert!(!of(&state, ids[0]).edits.measuring);
    assert!(state.assessment.is_some());
}

#[test]
fn what_a_model_warned_of_is_told_of_its_edited_outlines_too() {
    let (mut state, ids) = visits(&[None]);
    let Outcome::Outlined(mut drawn) = outlines(&state, ids[0], 0) else {
        unreachable!()
    };
    let warned = "only the left inner ear was found".to_owned();
    drawn.measured.finding.warnings.push(warned.clone());
    ended(&mut state, Outcome::Outlined(drawn));
    for y in [0.0, 3.0] {
        stroke(&mut state, ids[0], y, false);
        work(&mut state);
        let told = &of(&state, ids[0]).measured.finding.warnings;
        assert_eq!(told.iter().filter(|w| **w == warned).count(), 1, "{told:?}");
    }
}

#[test]
fn edits_that_come_back_too_late_stay_in_their_journal_and_this_is_told() {
    let (mut state, ids) = visits(&[None]);
    let left = Left {
        path: "left.journal".into(),
        modified: None,
    };
    state.visit_mut(ids[0]).unwrap().left = Some(left.clone());
    let Outcome::Outlined(late) = outlines(&state, ids[0], 0) else {
        unreachable!()
    };
    // Segmented meanwhile.
    let first = outlines(&state, ids[0], 0);
    ended(&mut state, first);
    let late = Outcome::BroughtBack(late, None, left.path.clone());
    ended(&mut state, late);
    let visit = state.visit(ids[0]).unwrap();
    assert!(!visit.journalled && state.notes.is_empty());
    assert_eq!(visit.left.as_ref(), Some(&left));
    let told = &state.messages.last().unwrap().text;
    assert!(told.contains("were not brought back"), "{told}");
    // Asked for again, they come.
    let revision = visit.revision;
    let Outcome::Outlined(again) = outlines(&state, ids[0], revision) else {
        unreachable!()
    };
    let again = Outcome::BroughtBack(again, None, left.path.clone());
    ended(&mut state, again);
    assert_eq!(state.visit(ids[0]).unwrap().left, None);
    assert!(matches!(state.notes.last(), Some((_, Note::GoOn(path))) if *path == left.path));
}

#[test]
fn outlines_whose_values_mean_something_else_begin_a_journal_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let (mut state, ids) = visits(&[None]);
    state.journals = Some(folder.path().to_owned());
    let mut rescue = Rescue::new(state.journals.clone());
    let first = outlines(&state, ids[0], 0);
    ended(&mut state, first);
    stroke(&mut state, ids[0], 0.0, false);
    let revision = state.visit(ids[0]).unwrap().revision;
    let Outcome::Outlined(mut other) = outlines(&state, ids[0], revision) else {
        unreachable!()
    };
    other.labels = of_own_values(&other.labels);
    ended(&mut state, Outcome::Outlined(other));
    stroke(&mut state, ids[0], 3.0, false);
    let edited = labels(&state, ids[0]);
    let visit = state.visit(ids[0]).unwrap();
    let (sha, grid) = (visit.scan_sha256.clone(), *visit.volume.grid());
    apply(&mut state, Command::Visit(VisitCommand::Remove(ids[0])));
    hand_over(&mut state, &mut rescue);
    wait_for(|| {
        let left = rescue::left(folder.path(), &sha)?;
        let (found, _) = rescue::bring_back(&left.path, &grid).ok()?;
        (found == edited).then_some(())
    });
    assert_eq!(rescue.trouble(), None);
}

#[test]
fn edits_that_were_not_saved_come_back_after_a_crash_and_go_once_they_are_saved() {
    let folder = tempfile::tempdir().unwrap();
    let (mut state, ids) = visits(&[None]);
    state.journals = Some(folder.path().to_owned());
    let first = outlines(&state, ids[0], 0);
    ended(&mut state, first);
    let mut rescue = Rescue::new(state.journals.clone());
    for n in 0..6 {
        stroke(&mut state, ids[0], f64::from(n), n == 3);
        hand_over(&mut state, &mut rescue);
    }
    edit(&mut state, ids[0], EditCommand::Undo);
    hand_over(&mut state, &mut rescue);
    let edited = labels(&state, ids[0]);
    let sha = state.visit(ids[0]).unwrap().scan_sha256.clone();
    // The window that is in use is not offered what it is doing itself.
    assert_eq!(rescue::left(folder.path(), &sha), None);
    drop(rescue);
    let left = wait_for(|| rescue::left(folder.path(), &sha));
    let (mut state, ids) = visits(&[None]);
    state.journals = Some(folder.path().to_owned());
    let mut rescue = Rescue::new(state.journals.clone());
    state.visit_mut(ids[0]).unwrap().left = Some(left);
    edit(&mut state, ids[0], EditCommand::BringBack);
    work(&mut state);
    assert_eq!(labels(&state, ids[0]), edited);
    let found = of(&state, ids[0]);
    assert_eq!(found.measured.finding.provenance.state, ReviewState::Edited);
    assert_eq!(found.sizes[0].voxels, edited.count(TUMOUR));
    // What is done now goes on in the same journal.
    stroke(&mut state, ids[0], -4.0, false);
    hand_over(&mut state, &mut rescue);
    assert!(rescue.trouble().is_none());
    let path = folder.path().join("outlines.nii.gz");
    let revision = state.visit(ids[0]).unwrap().revision;
    let write = |state: &AppState, revision| Task::WriteLabels {
        visit: ids[0],
        revision,
        labels: Arc::clone(&of(state, ids[0]).labels),
        told: true,
        path: path.clone(),
    };
    // What is edited while the file is written is not in it: the journal stays.
    let old = write(&state, revision);
    stroke(&mut state, ids[0], -5.0, false);
    apply(&mut state, Command::Work(WorkCommand::Enqueue(old)));
    work(&mut state);
    assert!(!state.notes.iter().any(|(_, n)| matches!(n, Note::Done)));
    let now = write(&state, state.visit(ids[0]).unwrap().revision);
    apply(&mut state, Command::Work(WorkCommand::Enqueue(now)));
    work(&mut state);
    hand_over(&mut state, &mut rescue);
    wait_for(|| {
        let files = std::fs::read_dir(folder.path()).unwrap();
        let mut names = files.map(|f| f.unwrap().path());
        (!names.any(|n| n.extension().is_some_and(|e| e == "journal"))).then_some(())
    });
    drop(rescue);
}

/// What another thread brings about within a few seconds.
pub(super) fn wait_for<T>(mut found: impl FnMut() -> Option<T>) -> T {
    for _ in 0..500 {
        if let Some(found) = found() {
            return found;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("it does not come")
}

#[test]
fn a_folder_that_cannot_be_written_is_told_and_the_edits_stay() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("not a folder");
    std::fs::write(&file, "").unwrap();
    let (mut state, ids) = visits(&[None]);
    state.journals = Some(file);
    let mut rescue = Rescue::new(state.journals.clone());
    stroke(&mut state, ids[0], 0.0, false);
    hand_over(&mut state, &mut rescue);
    let told = wait_for(|| rescue.trouble());
    assert!(told.contains("in memory only"), "{told}");
    assert!(labels(&state, ids[0]).count(TUMOUR) > 0);
}

#[test]
fn edits_of_a_visit_that_is_closed_are_offered_when_its_scan_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let (mut state, ids) = visits(&[None]);
    state.journals = Some(folder.path().to_owned());
    let mut rescue = Rescue::new(state.journals.clone());
    // The labels of a model of the user's own: the values mean something else.
    let first = outlines(&state, ids[0], 0);
    ended(&mut state, first);
    let outlines = state.visit_mut(ids[0]).unwrap().outlines.as_mut().unwrap();
    outlines.labels = Arc::new(of_own_values(&outlines.labels));
    stroke(&mut state, ids[0], 0.0, false);
    let edited = labels(&state, ids[0]);
    let visit = state.visit(ids[0]).unwrap();
    let (sha, grid) = (visit.scan_sha256.clone(), *visit.volume.grid());
    apply(&mut state, Command::Visit(VisitCommand::Remove(ids[0])));
    hand_over(&mut state, &mut rescue);
    let left = wait_for(|| rescue::left(folder.path(), &sha));
    let (found, _) = rescue::bring_back(&left.path, &grid).unwrap();
    assert_eq!(found, edited);
    assert_eq!(found.count(Structure::Cochlea), 0);
}

#[test]
fn what_a_reader_said_while_it_was_measured_holds() {
    let (mut state, ids) = visits(&[None]);
    stroke(&mut state, ids[0], 0.0, false);
    let measuring = next_task(&mut state).unwrap();
    edit(
        &mut state,
        ids[0],
        EditCommand::Reject("R. Eader".to_owned()),
    );
    let outcome = measuring.run(&mut unobserved);
    ended(&mut state, outcome);
    let provenance = &of(&state, ids[0]).measured.finding.provenance;
    assert_eq!(provenance.state, ReviewState::Rejected);
}

#[test]
fn what_looks_at_the_whole_is_made_in_the_background_and_is_a_step_to_undo() {
    let (mut state, ids) = visits(&[Some("2020-01-01")]);
    stroke(&mut state, ids[0], 0.0, false);
    stroke(&mut state, ids[0], 8.0, false);
    work(&mut state);
    let both = labels(&state, ids[0]);
    edit(&mut state, ids[0], EditCommand::KeepLargest);
    assert_eq!(labels(&state, ids[0]), both, "not on the window's thread");
    work(&mut state);
    let one = labels(&state, ids[0]);
    assert!(one.count(TUMOUR) < both.count(TUMOUR));
    let numbers = of(&state, ids[0]);
    assert_eq!(
        numbers.sizes[0].voxels,
        one.count(TUMOUR),
        "measured after it"
    );
    edit(&mut state, ids[0], EditCommand::Undo);
    assert_eq!(labels(&state, ids[0]), both);
    // What was painted meanwhile is not overwritten.
    edit(&mut state, ids[0], EditCommand::KeepLargest);
    let task = next_task(&mut state).unwrap();
    let outcome = task.run(&mut unobserved);
    stroke(&mut state, ids[0], -8.0, false);
    let newer = labels(&state, ids[0]);
    ended(&mut state, outcome);
    assert_eq!(labels(&state, ids[0]), newer);
    let told = state.messages.last().unwrap();
    assert!(told.text.contains("changed meanwhile"), "{told:?}");
}

#[test]
fn nothing_is_drawn_across_the_scans_own_slices() {
    let (mut state, ids) = visits(&[Some("2020-01-01")]);
    stroke(&mut state, ids[0], 0.0, false);
    let before = labels(&state, ids[0]);
    view(&mut state, ViewCommand::ToggleAnatomicalAxes);
    stroke(&mut state, ids[0], 4.0, false);
    assert_eq!(labels(&state, ids[0]), before);
    let told = state.messages.last().unwrap();
    assert!(told.text.contains("own slices"), "{told:?}");
}
