//! The school's cases and blind reads: what is hidden, when it is shown, and what is noted.
use super::{
    add_visit, assess, crosshair, patient, remove_visits, set_outlines, target, tell, tell_error,
};
use crate::{
    app::{
        command::EditCommand,
        keeper::Change,
        preferences::PreferenceCommand,
        school::{
            CaseState, Deciding, Done, Grader, Hidden, NewCase, Page, Reading, SchoolCommand,
            Source, Work,
        },
        state::{AppState, Kept, VisitId},
        task::{NewOutlines, Task},
    },
    measure::{DiameterRule, KoosGrade},
    school::{
        Answer, AnswerKind, Difficulty, Progress, ReaderRecord, Reply, Schedule, SyntheticCase,
    },
    volume::Structure,
};
use chrono::Utc;
use glam::DVec3;
use std::sync::Arc;

/// Digits of a scan's hash that name it in a reader's record.
const SCAN_DIGITS: usize = 12;

/// Carries out a command on the school.
pub(super) fn apply(state: &mut AppState, command: SchoolCommand) {
    match command {
        SchoolCommand::Open(open) => {
            state.school.open = open;
            if open {
                load(state);
            }
        }
        SchoolCommand::Page(page) => {
            state.school.page = page;
            refresh(state);
        }
        SchoolCommand::Reader(name) => {
            state.preferences.apply(PreferenceCommand::Reader(name));
            load(state);
        }
        SchoolCommand::Source(source) => {
            state.school.source = source;
            unprepare(state);
        }
        SchoolCommand::Folder(path) => work(state, Work::Folder(path)),
        SchoolCommand::Difficulty(difficulty) => {
            state.school.difficulty = difficulty;
            unprepare(state);
        }
        SchoolCommand::TumourFree(free) => {
            state.school.tumour_free = free;
            unprepare(state);
        }
        SchoolCommand::Wording(wording) => state.school.wording = wording,
        SchoolCommand::AskModel(ask) => state.school.ask_model = ask,
        SchoolCommand::Begin | SchoolCommand::Next => next(state),
        SchoolCommand::Leave => leave(state),
        SchoolCommand::Choose(id, grade) => {
            if let Some(reading) = state.school.readings.get_mut(&id) {
                reading.grade = Some(grade);
            }
        }
        SchoolCommand::Confide(id, confidence) => {
            if let Some(reading) = state.school.readings.get_mut(&id) {
                reading.confidence = Some(confidence);
            }
        }
        SchoolCommand::Commit(id) => commit(state, id),
        SchoolCommand::Show(id, deciding) => show(state, id, deciding),
        SchoolCommand::Export(path) => {
            if let Some(record) = state.school.record.clone() {
                work(state, Work::Export(Box::new(record), path));
            }
        }
        SchoolCommand::Blind(on) => blind(state, on),
    }
}

fn work(state: &mut AppState, work: Work) {
    state.work.queue.push_back(Task::School(work));
}

/// What background work gave the school.
pub(super) fn receive(state: &mut AppState, done: Done) {
    match done {
        Done::Record(record, readers) => {
            for warning in &record.warnings {
                tell(
                    state,
                    format!("{}.", crate::app::panel::capitalised(warning)),
                );
            }
            state.school.readers = readers;
            // Of a reader who is no longer the one that reads: too late.
            if record.reader == state.preferences.reader.trim() {
                state.school.record = Some(*record);
                refresh(state);
                if state.school.wanted {
                    request(state);
                }
            }
        }
        Done::Folder(cases) => {
            state.school.own = Some(cases);
            state.school.source = Source::Folder;
            unprepare(state);
        }
        Done::Case(case) => {
            state.school.preparing = false;
            if state.school.wanted {
                show_case(state, *case);
            } else {
                state.school.next = Some(case);
            }
        }
        Done::NoCase(text) => {
            stopped(state);
            tell_error(state, text);
        }
    }
}

/// The work was stopped, or failed: no case is on its way any more.
pub(super) fn stopped(state: &mut AppState) {
    state.school.preparing = false;
    state.school.wanted = false;
}

/// Drops a case that was prepared for other wishes.
fn unprepare(state: &mut AppState) {
    state.school.next = None;
    let waits = |t: &Task| matches!(t, Task::School(work) if work.is_case());
    let before = state.work.queue.len();
    state.work.queue.retain(|t| !waits(t));
    if state.work.queue.len() < before {
        state.school.preparing = false;
    }
}

/// Has the reader's record read, unless it is there.
fn load(state: &mut AppState) {
    let reader = state.preferences.reader.trim().to_owned();
    if reader.is_empty()
        || state
            .school
            .record
            .as_ref()
            .is_some_and(|r| r.reader == reader)
    {
        return refresh(state);
    }
    (state.school.record, state.school.progress) = (None, None);
    if let Some(folder) = state.school.records.clone() {
        return work(state, Work::Record(folder, reader));
    }
    state.school.record = Some(ReaderRecord {
        reader,
        path: std::path::PathBuf::new(),
        answers: Vec::new(),
        warnings: Vec::new(),
    });
    refresh(state);
}

/// Brings the statistics up to date.
fn refresh(state: &mut AppState) {
    let record = state.school.record.as_ref();
    state.school.progress = record.map(|r| Progress::of(&r.answers, Utc::now()));
}

/// Shows the next case, as soon as there is one. A case that is not answered stays.
fn next(state: &mut AppState) {
    let unanswered = state.school.case().is_some_and(|c| c.revealed().is_none());
    if unanswered || state.school_obstacle().is_some() {
        return;
    }
    state.school.page = Page::Case;
    state.school.wanted = true;
    load(state);
    match state.school.next.take() {
        Some(case) => show_case(state, *case),
        None if state.school.record.is_some() => request(state),
        // It is being read; then a case is asked for.
        None => {}
    }
}

/// Has a case prepared: a mistake that is due before a new one.
fn request(state: &mut AppState) {
    if state.school.preparing || state.school.next.is_some() {
        return;
    }
    let Some(work) = wanted(state) else {
        return;
    };
    state.school.preparing = true;
    // Before what takes longer: the reader waits for it.
    state.work.queue.push_front(Task::School(work));
}

fn wanted(state: &mut AppState) -> Option<Work> {
    let school = &state.school;
    let answers = &school.record.as_ref()?.answers;
    let schedule = Schedule::of(answers);
    let due = schedule.due(Utc::now());
    let shown = |name: &str| answers.iter().filter(|a| a.case == name).count();
    if school.source == Source::Folder {
        let own = Arc::clone(school.own.as_ref()?);
        let names: Vec<String> = own.names().collect();
        let current = school.case.as_ref().map(|c| c.hidden.name.as_str());
        let again = due.iter().find(|d| own.holds(d) && Some(**d) != current);
        let again = again.map(|d| (*d).to_owned());
        // Hashes: their order says nothing. Of those that were all seen, the one that was seen least.
        let rest = names.iter().filter(|n| Some(n.as_str()) != current);
        let new = rest.min_by_key(|n| (shown(n), (*n).clone()));
        let name = again.or_else(|| new.or(names.first()).cloned())?;
        return Some(Work::Own(own, name));
    }
    let again = due
        .into_iter()
        .find_map(|d| Some((d.parse::<SyntheticCase>().ok()?, shown(d))));
    if let Some((case, shown)) = again {
        return Some(Work::Again(case, shown as u64));
    }
    let now = Utc::now().timestamp_micros();
    state.school.seed = state.school.seed.wrapping_add(now.unsigned_abs());
    Some(Work::New(state.school.wish(), state.school.seed))
}

fn show_case(state: &mut AppState, case: NewCase) {
    state.school.wanted = false;
    remove_case(state);
    state.school.shown += 1;
    let number = state.school.shown;
    let (mut scan, mut hidden) = (case.scan, case.hidden);
    if let Some(exact) = &hidden.exact {
        let wording = state.school.wording;
        hidden.truth = exact.grade_in(wording).into();
        hidden.difficulty = Some(Difficulty::of_margin(exact.margin_in(wording)));
    }
    scan.origin = format!("Case {number}");
    let Some(visit) = add_visit(state, scan) else {
        return;
    };
    state.active = Some(visit);
    // What was drawn at the last case's end.
    (state.view.diameter, state.view.porus) = (None, false);
    state.school.readings.insert(visit, Reading::new());
    state.school.case = Some(CaseState {
        visit,
        number,
        may_be_free: may_be_free(state, &hidden),
        hidden,
        answer: None,
        models: Vec::new(),
    });
    if state.school.ask_model {
        let model = state.model.clone();
        let task = state.visit(visit).map(|v| Task::Segment(target(v), model));
        state.work.queue.extend(task);
    }
}

/// Whether a case may be answered with that there is no tumour. Once the reader has seen a case without one, which may come back in any session, this is offered
/// for every synthetic case: so it tells nothing of the truth.
fn may_be_free(state: &AppState, hidden: &Hidden) -> bool {
    let record = state.school.record.as_ref();
    let seen = record.is_some_and(|r| r.answers.iter().any(|a| a.truth == Some(Reply::NoTumour)));
    let drawn = hidden.kind == AnswerKind::Synthetic && (state.school.tumour_free || seen);
    // Whatever the reader changed meanwhile, the right answer can be given.
    drawn || hidden.truth == Reply::NoTumour
}

/// Takes the case off the list of visits.
pub(super) fn remove_case(state: &mut AppState) {
    if let Some(case) = state.school.case.take() {
        remove_visits(state, |v| v.id == case.visit);
        assess::refresh(state);
    }
}

fn leave(state: &mut AppState) {
    unprepare(state);
    state.school.wanted = false;
    remove_case(state);
}

/// A patient's scan comes: the school's case goes, because the two must not be compared.
pub(super) fn make_room(state: &mut AppState) {
    if state.school.case.is_some() || state.school.wanted {
        leave(state);
        tell(
            state,
            "The school was left: its cases are not shown among a patient's visits.".to_owned(),
        );
    }
}

/// Forgets the reads of visits that are gone.
pub(super) fn forget(state: &mut AppState) {
    let there = |id: &VisitId| state.visits.iter().any(|v| v.id == *id);
    state.school.readings.retain(|id, _| there(id));
    state.school.committed.retain(|id, _| there(id));
    state.school.case = state.school.case.take().filter(|c| there(&c.visit));
}

/// A visit has come: it is read blind where the reader reads so.
pub(super) fn begin(state: &mut AppState, id: VisitId) {
    if state.preferences.blind_reads {
        state.school.readings.insert(id, Reading::new());
    }
}

/// Outlines of the school's case that a model drew: they give its grade, and what is drawn stays the truth. Gives back all others.
pub(super) fn take_model(state: &mut AppState, new: NewOutlines) -> Option<NewOutlines> {
    let Some(case) = state.school.case.as_mut().filter(|c| c.visit == new.visit) else {
        return Some(new);
    };
    let finding = new.measured.finding;
    let Some(model) = &finding.provenance.model else {
        tell(
            state,
            "The school's cases keep their own outlines.".to_owned(),
        );
        return None;
    };
    let grader = Grader {
        name: format!("{model}'s outlines"),
        assessment: finding.koos,
    };
    case.models.retain(|g| g.name != grader.name);
    case.models.push(grader);
    None
}

/// Takes the outlines of a visit that is read blind out of every view's reach. Says whether it is hidden.
pub(super) fn hide(state: &mut AppState, id: VisitId) -> bool {
    let Some(reading) = state.school.readings.get_mut(&id) else {
        return false;
    };
    let Some(visit) = state.visits.iter_mut().find(|v| v.id == id) else {
        return false;
    };
    visit.early.clear();
    if let Some(outlines) = visit.outlines.take() {
        reading.held = Some(outlines);
        assess::refresh(state);
    }
    true
}

/// Puts hidden outlines back, to be changed or shown.
pub(super) fn unhide(state: &mut AppState, id: VisitId) {
    let held = state
        .school
        .readings
        .get_mut(&id)
        .and_then(|r| r.held.take());
    if let (Some(held), Some(visit)) = (held, state.visit_mut(id)) {
        visit.outlines = Some(held);
    }
}

/// Does something with the outlines of a visit though they may be hidden, and hides them again.
pub(super) fn with_hidden(state: &mut AppState, id: VisitId, act: impl FnOnce(&mut AppState)) {
    unhide(state, id);
    act(state);
    hide(state, id);
}

/// Whether a visit's outlines may be changed now; says why not.
pub(super) fn may_edit(state: &mut AppState, id: VisitId, command: &EditCommand) -> bool {
    let text = if state.school.is_blind(id) {
        "This visit is read blind: commit a grade first."
    } else if state.school.is_case(id) && !matches!(command, EditCommand::Seen(_)) {
        "The school's cases are not changed."
    } else {
        return true;
    };
    if state.messages.last().is_none_or(|m| m.text != text) {
        tell(state, text.to_owned());
    }
    false
}

/// Real visits are read blind from now on, or not any more.
fn blind(state: &mut AppState, on: bool) {
    state.preferences.apply(PreferenceCommand::BlindReads(on));
    let ids = state.visits.iter().map(|v| v.id);
    let real: Vec<VisitId> = ids.filter(|id| !state.school.is_case(*id)).collect();
    for id in real {
        if on && state.school.committed(id).is_none() {
            state.school.readings.entry(id).or_insert_with(Reading::new);
            hide(state, id);
        } else if !on {
            unhide(state, id);
            state.school.readings.remove(&id);
            assess::refresh(state);
        }
    }
}

/// The grade stands: it is noted, and what was hidden is shown.
fn commit(state: &mut AppState, id: VisitId) {
    let Some(reading) = state.school.readings.get(&id) else {
        return;
    };
    let (Some(grade), Some(confidence)) = (reading.grade, reading.confidence) else {
        return;
    };
    if state.preferences.reader.trim().is_empty() {
        return tell(state, "To commit a grade, write your name.".to_owned());
    }
    let held = reading.held.as_ref().map(|o| &o.measured.finding.koos);
    let answer = Answer {
        time: Utc::now(),
        case: String::new(),
        kind: AnswerKind::Read,
        difficulty: None,
        truth: None,
        grade,
        confidence_percent: confidence.percent(),
        seconds: reading.began.elapsed().as_secs_f64(),
        model: held.and_then(|koos| koos.grade),
    };
    if state.school.is_case(id) {
        commit_case(state, id, &answer);
    } else {
        commit_read(state, id, &answer);
    }
}

fn commit_case(state: &mut AppState, id: VisitId, answer: &Answer) {
    let Some(case) = &mut state.school.case else {
        return;
    };
    let hidden = &mut case.hidden;
    let outlines = hidden.outlines.take();
    let answer = Answer {
        case: hidden.name.clone(),
        kind: hidden.kind,
        difficulty: hidden.difficulty,
        truth: Some(hidden.truth),
        model: case.models.first().and_then(|g| g.assessment.grade),
        ..answer.clone()
    };
    let truth = hidden.truth;
    let answer = note(state, answer);
    if let Some(case) = &mut state.school.case {
        case.answer = Some(answer);
    }
    state.school.readings.remove(&id);
    if let (Some(outlines), Some(visit)) = (outlines, state.visit(id)) {
        let outlines = NewOutlines {
            visit: id,
            revision: visit.revision,
            ..*outlines
        };
        set_outlines(state, outlines);
        let deciding = if truth == Reply::Koos(KoosGrade::I) {
            Deciding::Porus
        } else {
            Deciding::Brainstem
        };
        show(state, id, deciding);
    }
    // While the reader looks at the truth.
    request(state);
}

fn commit_read(state: &mut AppState, id: VisitId, answer: &Answer) {
    let Some(visit) = state.visit(id) else {
        return;
    };
    let digits = visit.scan_sha256.get(..SCAN_DIGITS).unwrap_or_default();
    let answer = Answer {
        case: format!("scan-{digits}"),
        ..answer.clone()
    };
    let answer = note(state, answer);
    patient::change_visit(state, id, |_| Change::Graded(id, Box::new(answer.clone())));
    state.school.committed.insert(id, answer);
    unhide(state, id);
    state.school.readings.remove(&id);
    // What came while it was hidden.
    if state
        .visit(id)
        .is_some_and(|v| v.kept == Kept::Yes(None) && v.outlines.is_some())
    {
        patient::save(state, id);
    }
    if state
        .visit(id)
        .is_some_and(|v| v.outlines.as_ref().is_some_and(|o| o.edits.measuring))
    {
        super::edit::remeasure(state, id);
    }
    super::go_to_tumour(state, id);
    assess::refresh(state);
}

/// Keeps an answer, in memory and in the reader's file.
fn note(state: &mut AppState, answer: Answer) -> Answer {
    let reader = state.preferences.reader.trim().to_owned();
    let answer = answer.tidied();
    let record = state.school.record.as_mut();
    if let Some(record) = record.filter(|r| r.reader == reader) {
        record.answers.push(answer.clone());
    }
    if let Some(folder) = &state.school.records {
        let path = ReaderRecord::path_of(folder, &reader);
        let noted = Change::Answered(path, Box::new(answer.clone()));
        state.changes.push(noted);
    }
    refresh(state);
    answer
}

/// Goes to the place in the outlines that decides a question.
fn show(state: &mut AppState, id: VisitId, deciding: Deciding) {
    let Some(outlines) = state.visit(id).and_then(|v| v.outlines.as_ref()) else {
        return;
    };
    let finding = &outlines.measured.finding;
    let evidence = &finding.koos.evidence;
    let measures = finding.tumour.as_ref().and_then(|t| t.measures.as_ref());
    let middle = |ends: [[f64; 3]; 2]| DVec3::from(ends[0]).midpoint(DVec3::from(ends[1]));
    let largest = measures.and_then(|m| m.diameters.get(DiameterRule::ExtrameatalMax));
    let point = match deciding {
        Deciding::Brainstem => evidence.nearest_points_ras_mm.map(middle),
        Deciding::Extent => largest.map(|d| middle(d.ends_ras_mm)),
        Deciding::Porus => evidence.porus_plane.map(|p| DVec3::from(p.point_ras_mm)),
    };
    let labels = &outlines.labels;
    let tumour = labels.bounds(Structure::VestibularSchwannoma).is_some();
    let point = point.or_else(|| tumour.then(|| crate::render::point_of_interest(labels)));
    state.view.porus = deciding == Deciding::Porus;
    state.view.diameter = (deciding == Deciding::Extent).then_some(DiameterRule::ExtrameatalMax);
    if let Some(point) = point {
        crosshair::mark(state, id, point);
    }
}
