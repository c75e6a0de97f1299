//! Edits are kept outside the window as they are made, so that a crash loses at most those of the last second.
//!
//! One thread a visit writes its journal; the window hands it notes and never waits for it. What a crash left is offered again when its scan is
//! opened.
use super::{by_hand::ByHand, state::VisitId};
use crate::{
    io::{Journal, JournalContent, JournalHeader, JournalRecord, list_journals},
    patient::ModelInfo,
    volume::{Grid, LabelEdit, LabelMap, LabelTable, Structure},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant, SystemTime},
};

/// The longest that an edit stays unwritten.
const SYNC: Duration = Duration::from_millis(500);
/// Notes that a writer may be behind: minutes of painting.
const NOTES: usize = 16_384;
/// Troubles that may wait to be told.
const TROUBLES: usize = 16;
/// Records of an edit that was made, of one that was taken back, and of what belongs to the outlines from then on besides their labels.
const MADE: u8 = 1;
const TAKEN_BACK: u8 = 2;
const DRAWN: u8 = 3;

/// What the journal must learn.
#[derive(Debug)]
pub enum Note {
    /// Edits begin from these outlines.
    Begin {
        /// SHA-256 of the scan.
        scan_sha256: String,
        /// The outlines before the first edit.
        base: Arc<LabelMap>,
        /// Who drew them.
        drawn: Drawn,
    },
    /// Edits go on in a journal that a crash left.
    GoOn(PathBuf),
    /// An edit was made.
    Made(LabelEdit),
    /// An edit was taken back.
    TakenBack(LabelEdit),
    /// From now on the outlines are these, or this is set on them.
    Drawn(Box<Drawn>),
    /// The work is safe elsewhere.
    Done,
    /// The visit was closed: what was not saved stays for the next time.
    Close,
}

/// Who drew the outlines that edits began from, and what a reader set on them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Drawn {
    /// The model, where one drew them.
    pub model: Option<ModelInfo>,
    /// Where it ran.
    pub device: Option<String>,
    /// What the label values mean, by the names of structures; a model of the user's own may have others than Schwann.
    pub table: Vec<(u8, String)>,
    /// Plane and lines as a reader set them, and whether the brainstem was found from one click; none where a journal of before does not tell.
    pub by_hand: Option<ByHand>,
}

impl Drawn {
    /// A table by names.
    pub(super) fn named(table: &LabelTable) -> Vec<(u8, String)> {
        let entries = table.entries().iter();
        entries.map(|(v, s)| (*v, s.name().to_owned())).collect()
    }

    /// The table that names mean; `None` where one is no structure's.
    fn label_table(&self) -> Option<LabelTable> {
        let structure = |name: &str| Structure::ALL.into_iter().find(|s| s.name() == name);
        let entries = self.table.iter();
        let entries = entries.map(|(v, name)| Some((*v, structure(name)?)));
        entries.collect::<Option<Vec<_>>>().map(LabelTable::new)
    }
}

/// Work that a crash left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Its journal.
    pub path: PathBuf,
    /// When it was last written to.
    pub modified: Option<SystemTime>,
}

/// The journals of the visits that are edited.
#[derive(Debug)]
pub(super) struct Rescue {
    /// Where they lie; without a folder nothing is kept.
    folder: Option<PathBuf>,
    writers: BTreeMap<VisitId, Writer>,
    trouble: (SyncSender<String>, Receiver<String>),
}

/// The thread that writes a visit's journal.
#[derive(Debug)]
struct Writer {
    notes: SyncSender<Note>,
    thread: JoinHandle<()>,
}

impl Writer {
    /// Sends no more, and waits until what was sent is on the disk.
    fn end(self) {
        drop(self.notes);
        if self.thread.join().is_err() {
            log::error!("the thread of a journal crashed");
        }
    }
}

impl Rescue {
    pub(super) fn new(folder: Option<PathBuf>) -> Self {
        Self {
            folder,
            writers: BTreeMap::new(),
            trouble: sync_channel(TROUBLES),
        }
    }

    /// Hands over what happened to a visit's outlines.
    pub(super) fn note(&mut self, visit: VisitId, note: Note) {
        let Some(folder) = self.folder.clone() else {
            return;
        };
        if matches!(note, Note::Close) {
            self.writers.remove(&visit);
            return;
        }
        if matches!(note, Note::Begin { .. } | Note::GoOn(_)) {
            let (sender, notes) = sync_channel(NOTES);
            let trouble = self.trouble.0.clone();
            let before = self.writers.remove(&visit);
            let work = move || {
                // All journals of a scan have the same name: there is one at a time.
                if let Some(before) = before {
                    before.end();
                }
                if let Err(text) = write(&folder, &notes) {
                    log::warn!("a journal cannot be written");
                    // A window that is gone needs no words.
                    drop(trouble.try_send(text));
                }
            };
            match std::thread::Builder::new()
                .name("journal".to_owned())
                .spawn(work)
            {
                Ok(thread) => {
                    let writer = Writer {
                        notes: sender,
                        thread,
                    };
                    drop(self.writers.insert(visit, writer));
                }
                Err(error) => drop(self.trouble.0.try_send(words(&error.to_string()))),
            }
        }
        let Some(writer) = self.writers.get(&visit) else {
            return;
        };
        // A writer that has given up has told so. One that is far behind must not stop the window, and a gap must not be written over.
        if matches!(writer.notes.try_send(note), Err(TrySendError::Full(_))) {
            self.writers.remove(&visit);
            drop(self.trouble.0.try_send(words("the disk is too slow")));
        }
    }

    /// What the user must know, in words.
    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble.1.try_recv().ok()
    }
}

fn words(why: &str) -> String {
    format!("Edits are in memory only, a crash would lose them: {why}. Save the outlines.")
}

/// Writes what the notes say until nobody sends any more; the last ones are on the disk then.
fn write(folder: &Path, notes: &Receiver<Note>) -> Result<(), String> {
    let failed = |error: crate::io::Error| words(&error.to_string());
    let mut journal = match notes.recv() {
        Ok(Note::Begin {
            scan_sha256,
            base,
            drawn,
        }) => {
            let header = JournalHeader {
                scan_sha256,
                shape: base.grid().shape(),
                payload: serde_json::to_vec(&drawn).map_err(|e| words(&e.to_string()))?,
            };
            std::fs::create_dir_all(folder).map_err(|e| words(&e.to_string()))?;
            Journal::create(folder, &header, base.labels()).map_err(failed)?
        }
        Ok(Note::GoOn(path)) => Journal::resume(&path).map_err(failed)?.0,
        _ => return Ok(()),
    };
    // When what is unwritten must be written: edits that keep coming must not put that off.
    let mut due: Option<Instant> = None;
    loop {
        // Nothing is waited for by the clock when nothing is unwritten.
        let note = match due {
            Some(due) => notes.recv_timeout(due.saturating_duration_since(Instant::now())),
            None => notes
                .recv()
                .map_err(|_closed| RecvTimeoutError::Disconnected),
        };
        match note {
            Ok(Note::Made(edit)) => journal.append(MADE, &edit.to_bytes()).map_err(failed)?,
            Ok(Note::TakenBack(edit)) => {
                journal
                    .append(TAKEN_BACK, &edit.to_bytes())
                    .map_err(failed)?;
            }
            Ok(Note::Drawn(drawn)) => {
                let payload = serde_json::to_vec(&drawn).map_err(|e| words(&e.to_string()))?;
                journal.append(DRAWN, &payload).map_err(failed)?;
            }
            Ok(Note::Done) => return journal.discard().map_err(failed),
            Ok(Note::Begin { .. } | Note::GoOn(_) | Note::Close)
            | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return journal.sync().map_err(failed),
        }
        if due.is_some_and(|due| Instant::now() >= due) {
            journal.sync().map_err(failed)?;
        }
        due = match due {
            _ if !journal.has_unsynced() => None,
            None => Some(Instant::now() + SYNC),
            due => due,
        };
    }
}

/// The work that a crash left on a scan.
pub(super) fn left(folder: &Path, scan_sha256: &str) -> Option<Left> {
    let journals = list_journals(folder).ok()?;
    let of_scan = |f: &&crate::io::FoundJournal| {
        f.header
            .as_ref()
            .is_ok_and(|h| h.scan_sha256 == scan_sha256)
    };
    let found = journals.iter().find(of_scan).filter(|f| !f.in_use)?;
    Some(Left {
        path: found.path.clone(),
        modified: found.modified,
    })
}

/// The outlines that a journal leads to on a scan's grid, who drew those that were edited last, and what is set on them.
///
/// # Errors
/// In words, when the journal cannot be read or does not fit the scan.
pub(super) fn bring_back(path: &Path, grid: &Grid) -> Result<(LabelMap, Drawn), String> {
    let content: JournalContent = Journal::read(path).map_err(|e| e.to_string())?;
    if content.header.shape != grid.shape() {
        return Err(format!("it belongs to another scan: {}", path.display()));
    }
    // A value that is taken for another structure would be worse than no edits.
    let unclear = || format!("what its labels mean is not clear: {}", path.display());
    let mut drawn: Drawn =
        serde_json::from_slice(&content.header.payload).map_err(|_damaged| unclear())?;
    let table = drawn.label_table().ok_or_else(unclear)?;
    let mut labels = LabelMap::new(*grid, content.base, table).map_err(|e| e.to_string())?;
    for JournalRecord { kind, payload } in content.records {
        if kind == DRAWN {
            drawn = serde_json::from_slice(&payload).map_err(|_damaged| unclear())?;
            continue;
        }
        let step = LabelEdit::from_bytes(&payload).and_then(|edit| match kind {
            MADE => edit.apply(&mut labels),
            _ => edit.revert(&mut labels),
        });
        step.map_err(|e| format!("an edit in it does not fit: {e}: {}", path.display()))?;
    }
    Ok((labels, drawn))
}
