//! The grade of a visit: its wording, what is shown of its evidence, and what is computed for it.
use super::{by_hand, crosshair, edit, patient, school, target};
use crate::{
    app::{
        by_hand::What,
        command::{EditCommand, PatientCommand},
        koos::{BRAINSTEM_EDIT, Graded, KoosCommand, KoosWork},
        state::{AppState, VisitId},
        task::Task,
    },
    measure::{HeadPosition, KoosWording},
    render::scene::Camera,
    volume::{LabelEdit, Structure},
};
use glam::DVec3;
use std::sync::Arc;

/// Length in the patient of the surgeon's view, mm: the cerebellopontine angle.
const SURGEON_MM: f64 = 70.0;

/// Carries out a command on the grade.
pub(super) fn apply(state: &mut AppState, command: KoosCommand) {
    match command {
        KoosCommand::Draw(on) => state.view.koos.drawn = on,
        KoosCommand::Show(id, point) => {
            state.view.koos.drawn = true;
            crosshair::mark(state, id, point);
        }
        KoosCommand::Way(id, way) => show_way(state, id, way),
        KoosCommand::Compression(on) => {
            state.view.koos.compression = on;
            if on {
                state.view.solid.growth = false;
            }
        }
        KoosCommand::Surgeon(id, position) => surgeon(state, id, position),
        KoosCommand::Seek(visit) => {
            state.view.koos.seeking = visit.filter(|id| !state.school.is_blind(*id));
        }
        KoosCommand::Wording(wording) => say_wording(state, wording),
        // The school's cases are not changed.
        KoosCommand::PostOperative(id, _) if state.school.is_case(id) => {}
        KoosCommand::PostOperative(id, on) => {
            by_hand::step(state, id, What::PostOperative, |now| {
                now.with_post_operative(on)
            });
            by_hand::end(state, id);
        }
        KoosCommand::Grade(id) => grade(state, id),
    }
}

fn say_wording(state: &mut AppState, wording: KoosWording) {
    let mut facts = state.facts.clone();
    facts.koos_wording = Some(wording.name().to_owned());
    patient::apply(state, PatientCommand::Facts(facts));
}

/// Grades all visits anew after the wording or the operations have changed: nothing is measured for it.
pub(super) fn reassess(state: &mut AppState) {
    let ids: Vec<VisitId> = state.visits.iter().map(|v| v.id).collect();
    for id in ids {
        // Hidden outlines too: they are shown later.
        school::with_hidden(state, id, |state| by_hand::reassess(state, id));
    }
}

fn show_way(state: &mut AppState, id: VisitId, way: usize) {
    state.view.koos.way = way;
    let cleft = state.visit(id).and_then(|v| {
        let koos = &v.outlines.as_ref()?.measured.finding.koos;
        koos.evidence.cleft.as_ref()?.profiles.get(way)
    });
    let ends = cleft.map(|p| [p.tumour_ras_mm, p.brainstem_ras_mm].map(DVec3::from));
    if let Some([a, b]) = ends {
        state.view.koos.drawn = true;
        crosshair::mark(state, id, a.midpoint(b));
    }
}

fn surgeon(state: &mut AppState, id: VisitId, position: HeadPosition) {
    let outlines = state.visit(id).and_then(|v| v.outlines.as_ref());
    let view = outlines.and_then(|o| o.tumour.as_ref()?.surgeon_view(position));
    let Some((view, centre)) = view else {
        return;
    };
    let camera = Camera {
        frame: view.frame(centre),
        field_mm: SURGEON_MM,
    };
    state.view.solid.camera = Some(camera);
    state.view.koos.surgeon = Some((position, camera));
    // The surfaces are shown beside the planes of one visit.
    state.view.maximised = None;
    state.view.compare = false;
    state.active = Some(id);
}

/// Looks for the brainstem about a point that the user showed.
pub(super) fn seek(state: &mut AppState, id: VisitId, point: DVec3) {
    state.view.koos.seeking = None;
    let outlines = state.visit(id).and_then(|v| v.outlines.as_ref());
    if outlines.is_some_and(|o| o.labels.count(Structure::Brainstem) > 0) {
        let text = "The outlines hold a brainstem already: remove it first to look for it anew.";
        return edit::tell_once(state, text);
    }
    state.view.koos.asked = Some((id, point));
    edit::change(state, id, &EditCommand::Brainstem(point));
}

/// An edit was made: a brainstem that was found from one click is marked as such. Says whether it was.
pub(super) fn made(state: &mut AppState, id: VisitId, edit: &LabelEdit) -> bool {
    if edit.name() != BRAINSTEM_EDIT {
        return false;
    }
    let asked = state.view.koos.asked.take().filter(|(of, _)| *of == id);
    if let (Some((_, point)), Some(outlines)) = (asked, edit::outlines_mut(state, id)) {
        outlines.by_hand.brainstem_from = Some(point.to_array());
        return true;
    }
    false
}

/// Has the trained graders asked, where there is a grade to be discussed; an older request that waits is dropped.
pub(super) fn grade(state: &mut AppState, id: VisitId) {
    let of = |task: &Task| matches!(task, Task::Koos(work) if work.visit() == id);
    state.work.queue.retain(|task| !of(task));
    let work = state.visit(id).and_then(|visit| {
        let outlines = visit.outlines.as_ref().filter(|o| !o.edits.measuring)?;
        let assessment = Box::new(outlines.measured.finding.koos.clone());
        let labels = Arc::clone(&outlines.labels);
        assessment.grade?;
        Some(KoosWork::Grade(target(visit), labels, assessment))
    });
    state.work.queue.extend(work.map(Task::Koos));
}

/// What the graders said, unless the outlines have changed since.
pub(super) fn graded(state: &mut AppState, id: VisitId, graded: Graded) {
    let visit = state.visit_mut(id);
    let visit = visit.filter(|v| v.revision == graded.revision);
    if let Some(outlines) = visit.and_then(|v| v.outlines.as_mut()) {
        outlines.graded = Some(graded);
    }
}
