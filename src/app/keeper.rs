//! The patient's folder that is open. A thread of its own changes it; the window hands it changes and never waits for the disk.
use super::state::VisitId;
use crate::{
    io::{NewLabels, NewVisit, PatientFolder, ScanFiles},
    patient::{DateSource, Outline, PatientFacts, Review, ScanFacts, Signature, VisitDate},
    school,
    volume::{LabelMap, Sequence, unobserved},
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
};

/// Changes that may wait for the disk, and answers that may wait for the window.
const WAITING: usize = 4096;

/// Why nothing is said of outlines that are not in the folder.
const UNSAVED: &str = "they could not be written before, so what was said of them is not in the patient's folder either; save them again";

/// The files that a scan was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScanSource {
    /// One file, or either half of a pair.
    File(PathBuf),
    /// The files of one DICOM series, in the order of its slices.
    Series(Vec<PathBuf>),
}

/// What happens to the patient's folder.
#[derive(Debug)]
pub enum Change {
    /// This folder is the patient's from now on; its visits have these names.
    Open(Box<PatientFolder>, Vec<(VisitId, String)>),
    /// A visit of it was opened.
    Known(VisitId, String),
    /// No patient is open any more.
    Close,
    /// A scan becomes a visit.
    Add {
        /// The visit.
        visit: VisitId,
        /// Its files.
        source: ScanSource,
        /// What is known of the scan.
        facts: Box<ScanFacts>,
        /// Its day.
        date: Option<VisitDate>,
    },
    /// Outlines of a visit are saved.
    Save(VisitId, Box<Saved>),
    /// A reader says what is thought of the outlines that were saved last.
    Say(VisitId, Box<Said>),
    /// What was measured anew on the outlines that were saved last.
    Results(VisitId, Box<Value>),
    /// A new version of what was accepted or rejected begins.
    Reopen(VisitId),
    /// The day of a scan, or that it is not known.
    Date(VisitId, Option<VisitDate>),
    /// What a scan shows.
    Sequence(VisitId, Sequence),
    /// Slices that were kept, and distances and angles that were drawn.
    Marks(VisitId, Vec<Value>, Vec<Value>),
    /// What is told of the patient.
    Facts(PatientFacts),
    /// A reader committed the grade of a visit before seeing its outlines.
    Graded(VisitId, Box<school::Answer>),
    /// A reader's answer, for the reader's own file; no patient need be open.
    Answered(PathBuf, Box<school::Answer>),
}

impl Change {
    /// The visit whose outlines are not in the folder as they are, or not with what was said of them, where this is not made.
    pub(super) fn outlines_of(&self) -> Option<VisitId> {
        match self {
            Self::Save(visit, _)
            | Self::Say(visit, _)
            | Self::Results(visit, _)
            | Self::Reopen(visit) => Some(*visit),
            _ => None,
        }
    }
}

/// Outlines that are saved.
#[derive(Debug, Clone)]
pub struct Saved {
    /// The labels.
    pub labels: Arc<LabelMap>,
    /// Their revision in the window.
    pub revision: u64,
    /// Who drew them.
    pub outline: Outline,
    /// What was said of them.
    pub review: Review,
    /// What was measured on them.
    pub results: Option<Value>,
    /// Axial slices that were seen with them.
    pub seen: BTreeSet<usize>,
}

/// What a reader says of outlines.
#[derive(Debug, Clone)]
pub struct Said {
    /// Accepted or rejected, by whom and when.
    pub review: Review,
    /// Axial slices that were seen with them.
    pub seen: BTreeSet<usize>,
    /// What was measured on them; the folder keeps what it has without.
    pub results: Option<Value>,
}

/// What the folder answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// A scan is a visit of the folder now.
    Added(VisitId),
    /// A scan could not be added; why, in words.
    NotAdded(VisitId, String),
    /// Outlines of that revision are in the folder.
    Saved(VisitId, u64),
    /// They could not be saved, and stay in memory and in the journal; why, in words.
    NotSaved(VisitId, String),
    /// A reader's answer could not be written; why, in words.
    NotNoted(String),
    /// What is to be known of a reader's file, in words.
    Noted(String),
    /// Something else could not be written; why, in words.
    Failed(String),
}

/// The thread that changes the folder.
#[derive(Debug)]
pub(super) struct Keeper {
    changes: SyncSender<(Change, Signature)>,
    answers: Receiver<Answer>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Keeper {
    /// Begins the thread, which calls `wake` after each answer. `None` when the system gives none.
    pub(super) fn new(wake: impl Fn() + Send + 'static) -> Option<Self> {
        let (changes, received) = sync_channel(WAITING);
        let (sender, answers) = sync_channel(WAITING);
        let work = move || keep(&received, &sender, &wake);
        let thread = std::thread::Builder::new()
            .name("patient".to_owned())
            .spawn(work)
            .inspect_err(|error| log::error!("no thread for the patient's folder: {error}"))
            .ok()?;
        Some(Self {
            changes,
            answers,
            thread: Some(thread),
        })
    }

    /// Hands over a change, signed by who makes it. Says so where the disk is too far behind.
    pub(super) fn change(&self, change: Change, by: &str) -> Result<(), String> {
        let signed = (change, Signature::now(by));
        self.changes.try_send(signed).map_err(|_full| {
            "The patient's folder cannot be written fast enough: this change is in memory only."
                .to_owned()
        })
    }

    /// The next answer.
    pub(super) fn answer(&self) -> Option<Answer> {
        self.answers.try_recv().ok()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // What was handed over is written before the program ends.
        let (closed, _) = sync_channel(1);
        drop(std::mem::replace(&mut self.changes, closed));
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the thread of the patient's folder crashed");
        }
    }
}

/// Changes the folder as it is told, until nobody tells any more.
fn keep(changes: &Receiver<(Change, Signature)>, answers: &SyncSender<Answer>, wake: &dyn Fn()) {
    let mut open = Open::default();
    while let Ok((change, by)) = changes.recv() {
        if let Some(answer) = open.make(change, &by) {
            // A window that is gone needs no answer.
            drop(answers.try_send(answer));
            wake();
        }
    }
}

/// The folder that is open, and the names of its visits.
#[derive(Debug, Default)]
pub(super) struct Open {
    folder: Option<PatientFolder>,
    names: BTreeMap<VisitId, String>,
    /// Visits whose newest outlines, or what was said of them, could not be written: what comes then must not fall on the ones before.
    unsaved: BTreeSet<VisitId>,
}

impl Open {
    /// Makes a change; what there is to answer.
    pub(super) fn make(&mut self, change: Change, by: &Signature) -> Option<Answer> {
        match change {
            Change::Open(folder, names) => {
                *self = Self {
                    folder: Some(*folder),
                    names: names.into_iter().collect(),
                    unsaved: BTreeSet::new(),
                };
                return None;
            }
            Change::Known(visit, name) => {
                self.names.insert(visit, name);
                return None;
            }
            Change::Close => {
                *self = Self::default();
                return None;
            }
            Change::Answered(path, answer) => return noted(&path, by, &answer),
            _ => {}
        }
        let folder = self.folder.as_mut()?;
        let outlines_of = change.outlines_of();
        let name = |visit: &VisitId| self.names.get(visit).map(String::as_str);
        let written = match change {
            Change::Add {
                visit,
                source,
                facts,
                date,
            } => {
                let files = match &source {
                    ScanSource::File(path) => ScanFiles::Image(path),
                    ScanSource::Series(files) => ScanFiles::Series(files),
                };
                let new = NewVisit {
                    files,
                    facts: *facts,
                    date,
                };
                return Some(match folder.add_visit(new, by, &mut unobserved) {
                    Ok(name) => {
                        self.names.insert(visit, name);
                        Answer::Added(visit)
                    }
                    Err(error) => Answer::NotAdded(visit, error.to_string()),
                });
            }
            Change::Save(visit, saved) => {
                let name = name(&visit)?;
                let new = NewLabels {
                    labels: &saved.labels,
                    outline: saved.outline,
                    review: saved.review,
                    results: saved.results.as_ref(),
                    seen: saved.seen,
                };
                return Some(match folder.save_labels(name, &new, by) {
                    Ok(_) => {
                        self.unsaved.remove(&visit);
                        Answer::Saved(visit, saved.revision)
                    }
                    Err(error) => {
                        self.unsaved.insert(visit);
                        Answer::NotSaved(visit, error.to_string())
                    }
                });
            }
            Change::Say(visit, ..) if self.unsaved.contains(&visit) => {
                return Some(Answer::NotSaved(visit, UNSAVED.to_owned()));
            }
            Change::Say(visit, said) => {
                let (seen, results) = (&said.seen, said.results.as_ref());
                folder.say(name(&visit)?, said.review.clone(), seen, results)
            }
            // Told already; they must not fall on the outlines before either.
            Change::Results(visit, _) if self.unsaved.contains(&visit) => return None,
            Change::Results(visit, results) => folder.measured_anew(name(&visit)?, &results, by),
            Change::Reopen(visit) => folder.reopen(name(&visit)?, by).map(drop),
            Change::Date(visit, date) => folder.set_date(name(&visit)?, date, by),
            Change::Sequence(visit, sequence) => folder.set_sequence(name(&visit)?, sequence, by),
            Change::Marks(visit, images, marks) => {
                folder.set_marks(name(&visit)?, images, marks, by)
            }
            Change::Facts(facts) => folder.set_facts(facts, by),
            Change::Graded(visit, answer) => {
                let model = answer.model.map(|g| g.to_string());
                let said = format!("{}, {} % sure", answer.grade, answer.confidence_percent);
                folder.note_grade(name(&visit)?, &said, model.as_deref(), by)
            }
            Change::Open(..) | Change::Known(..) | Change::Close | Change::Answered(..) => Ok(()),
        };
        let error = written.err()?.to_string();
        let Some(visit) = outlines_of else {
            return Some(Answer::Failed(error));
        };
        self.unsaved.insert(visit);
        Some(Answer::NotSaved(visit, error))
    }
}

/// Adds an answer to its reader's file.
fn noted(path: &Path, by: &Signature, answer: &school::Answer) -> Option<Answer> {
    match school::ReaderRecord::append(path, &by.by, answer) {
        Ok(None) => None,
        Ok(Some(aside)) => Some(Answer::Noted(format!(
            "The last line of the reader's record was not written to its end, as after a crash; it is kept in {}",
            aside.display()
        ))),
        Err(error) => Some(Answer::NotNoted(error.to_string())),
    }
}

/// A day with where it comes from.
pub(super) fn visit_date(day: chrono::NaiveDate, from_name: bool) -> VisitDate {
    let source = if from_name {
        DateSource::FileName
    } else {
        DateSource::Typed
    };
    VisitDate { day, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        io,
        patient::ReviewState,
        volume::{Grid, LabelTable, Volume, Voxels},
    };
    use glam::DVec3;

    #[test]
    fn what_is_said_of_outlines_that_could_not_be_saved_does_not_fall_on_those_before() {
        let folder = tempfile::tempdir().unwrap();
        let [scan, patient] = ["scan.nii", "patient"].map(|name| folder.path().join(name));
        let grid = Grid::axis_aligned([4, 4, 4], [1.0; 3], DVec3::ZERO).unwrap();
        let volume = Volume::new(grid, Voxels::I16((0..64).collect()), 1.0, 0.0).unwrap();
        io::write_volume(&scan, &volume).unwrap();
        let (by, id, mut open) = (Signature::now("R. Eader"), VisitId(1), Open::default());
        let begun = PatientFolder::create(&patient, &by).unwrap();
        let mut make = |change| open.make(change, &by);
        assert_eq!(make(Change::Open(Box::new(begun), Vec::new())), None);
        let added = Change::Add {
            visit: id,
            source: ScanSource::File(scan),
            facts: Box::new(ScanFacts {
                voxels_sha256: io::voxels_sha256(&volume),
                shape: grid.shape(),
                sequence: Sequence::Unknown,
                other: serde_json::Map::new(),
            }),
            date: None,
        };
        assert_eq!(make(added), Some(Answer::Added(id)));
        let save = |revision: u64| {
            let values = (0..64).map(|n| u8::from(n < revision)).collect();
            let labels = LabelMap::new(grid, values, LabelTable::default()).unwrap();
            let saved = Saved {
                labels: Arc::new(labels),
                revision,
                outline: Outline::Imported,
                review: Review::Imported,
                results: None,
                seen: BTreeSet::new(),
            };
            Change::Save(id, Box::new(saved))
        };
        let accept = || {
            let said = Said {
                review: Review::Accepted(by.clone()),
                seen: BTreeSet::new(),
                results: None,
            };
            Change::Say(id, Box::new(said))
        };
        let states = || {
            let (read, _) = PatientFolder::open_to_read(&patient).unwrap();
            let versions = read.record().visits[0].versions.iter();
            let states = versions.map(|v| v.review.state());
            states.collect::<Vec<ReviewState>>()
        };
        assert_eq!(make(save(1)), Some(Answer::Saved(id, 1)));
        // As when a network drive vanishes for a moment.
        let [labels, away] = ["labels", "away"].map(|name| patient.join(name));
        std::fs::rename(&labels, &away).unwrap();
        std::fs::write(&labels, b"").unwrap();
        assert!(matches!(make(save(2)), Some(Answer::NotSaved(..))));
        std::fs::remove_file(&labels).unwrap();
        std::fs::rename(&away, &labels).unwrap();
        let answer = make(accept());
        assert!(matches!(answer, Some(Answer::NotSaved(..))), "{answer:?}");
        assert_eq!(states(), [ReviewState::Imported]);
        assert_eq!(make(save(3)), Some(Answer::Saved(id, 3)));
        assert_eq!(make(accept()), None);
        assert_eq!(states(), [ReviewState::Imported, ReviewState::Accepted]);
    }
}
