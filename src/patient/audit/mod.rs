//! Who did what to a patient's outlines, as a chain of hashes.
//!
//! Each entry holds the hash of the entry before it, so that one that was changed, taken out, put in or moved is noticed by [`verify_audit`].
//! Two things a chain alone cannot notice: entries that are missing at its end, and a chain that was written anew from some entry on by
//! somebody who knows how. Both change the hash of the last entry; it is there to be noted elsewhere, in a report for instance, and
//! compared ([`AuditLog::head_sha256`]).

mod action;
mod line;

pub use action::AuditAction;

use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, fmt};
use thiserror::Error as ThisError;

/// What stands for the hash of the entry before the first.
pub const NO_ENTRY_SHA256: &str =
    "0000000000000000000000000000000000000000000000000000000000000000";

/// What happened, before it has a place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// When; kept to the millisecond.
    pub time: DateTime<Utc>,
    /// The reader, as they are called in the settings.
    pub who: String,
    /// What was done.
    pub action: AuditAction,
    /// SHA-256 of the scan's voxels that it was done to, as `inspect` prints it; empty when it was done to no scan.
    pub subject: String,
    /// What else is worth knowing: model and version, voxels added and removed, the label map's hash. Never a patient's name.
    pub details: BTreeMap<String, String>,
}

impl AuditEvent {
    /// An event without details.
    pub fn new(time: DateTime<Utc>, who: &str, action: AuditAction, subject: &str) -> Self {
        Self {
            time,
            who: who.to_owned(),
            action,
            subject: subject.to_owned(),
            details: BTreeMap::new(),
        }
    }

    /// The event with one more detail.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.details.insert(name.to_owned(), value.to_string());
        self
    }
}

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditEntry {
    /// Place in the log, from 1.
    pub sequence: u64,
    /// When; RFC 3339 in UTC, with milliseconds.
    #[serde(with = "line::time")]
    pub time: DateTime<Utc>,
    /// The reader.
    pub who: String,
    /// What was done.
    pub action: AuditAction,
    /// SHA-256 of the scan that it was done to; empty for none.
    pub subject: String,
    /// What else is worth knowing.
    pub details: BTreeMap<String, String>,
    /// Hash of the entry before; [`NO_ENTRY_SHA256`] in the first.
    pub previous_sha256: String,
    /// Hash of all of the above, as they stand in [`AuditEntry::to_line`].
    pub sha256: String,
}

impl AuditEntry {
    /// The entry of an event that follows another, or that begins a log.
    pub fn after(previous: Option<&Self>, event: AuditEvent) -> Self {
        let mut entry = Self {
            sequence: previous.map_or(1, |p| p.sequence.saturating_add(1)),
            time: event.time.trunc_subsecs(3),
            who: event.who,
            action: event.action,
            subject: event.subject,
            details: event.details,
            previous_sha256: previous.map_or(NO_ENTRY_SHA256, |p| &p.sha256).to_owned(),
            sha256: String::new(),
        };
        entry.sha256 = entry.content_sha256();
        entry
    }

    /// Whether the content is the one that the entry's own hash was made from.
    pub fn holds_its_hash(&self) -> bool {
        self.sha256 == self.content_sha256()
    }

    fn content_sha256(&self) -> String {
        format!("{:x}", Sha256::digest(self.hashed_text()))
    }
}

/// In words, on one line, whatever the fields hold.
impl fmt::Display for AuditEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.time.format("%Y-%m-%d %H:%M:%S UTC");
        write!(f, "{:>4}  {time}  {}", self.sequence, self.action)?;
        if !self.who.is_empty() {
            write!(f, " by {}", plain(&self.who))?;
        }
        if !self.subject.is_empty() {
            let short: String = plain(&self.subject).chars().take(12).collect();
            write!(f, ", scan {short}")?;
        }
        for (name, value) in &self.details {
            write!(f, ", {} {}", plain(name).replace('_', " "), plain(value))?;
        }
        Ok(())
    }
}

/// Text from a file without what would move a terminal's cursor.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// Where a chain breaks first, and why. What stands before it holds.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
#[error("entry {sequence} {fault}")]
pub struct AuditBroken {
    /// The place in the log, from 1: what stands there, whatever number it gives itself.
    pub sequence: u64,
    /// What is wrong with it.
    pub fault: AuditFault,
}

/// What can be wrong with an entry; completes a sentence that begins with the entry.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
pub enum AuditFault {
    /// Another number than its place has.
    #[error("is numbered {0}: an entry was taken out, put in or moved")]
    Sequence(u64),
    /// Another hash than that of the entry before.
    #[error(
        "does not follow the entry before it: one of them was changed, or entries between them are missing"
    )]
    Previous,
    /// Another content than the hash was made from.
    #[error("was changed after it was written: its content does not have its hash")]
    Content,
    /// Not written by [`AuditEntry::to_line`].
    #[error("cannot be read: {0}")]
    Line(String),
}

/// Checks that entries are a whole chain from its beginning on. Entries missing at the end are not noticed; see the module's words on that.
///
/// # Errors
/// The first entry that does not belong where it stands.
pub fn verify_audit(entries: &[AuditEntry]) -> Result<(), AuditBroken> {
    let mut previous = NO_ENTRY_SHA256;
    for (sequence, entry) in (1..).zip(entries) {
        let fault = if entry.sequence != sequence {
            Some(AuditFault::Sequence(entry.sequence))
        } else if entry.previous_sha256 != previous {
            Some(AuditFault::Previous)
        } else if entry.holds_its_hash() {
            None
        } else {
            Some(AuditFault::Content)
        };
        if let Some(fault) = fault {
            return Err(AuditBroken { sequence, fault });
        }
        previous = &entry.sha256;
    }
    Ok(())
}

/// The entries of one patient, in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditLog {
    entries: Vec<AuditEntry>,
}

impl AuditLog {
    /// A log without entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// Entries as they were read, whether or not they are a chain.
    pub fn from_entries(entries: Vec<AuditEntry>) -> Self {
        Self { entries }
    }

    /// Adds an event at the end, and gives the entry that it became.
    pub fn append(&mut self, event: AuditEvent) -> AuditEntry {
        let entry = AuditEntry::after(self.entries.last(), event);
        self.entries.push(entry.clone());
        entry
    }

    /// All entries, the first first.
    pub fn entries(&self) -> &[AuditEntry] {
        &self.entries
    }

    /// Hash of the last entry; [`NO_ENTRY_SHA256`] when there is none. Noted elsewhere, it tells later whether entries went missing at the end.
    pub fn head_sha256(&self) -> &str {
        self.entries.last().map_or(NO_ENTRY_SHA256, |e| &e.sha256)
    }

    /// Whether the entries are a whole chain; see [`verify_audit`].
    ///
    /// # Errors
    /// The first entry that does not belong where it stands.
    pub fn verify(&self) -> Result<(), AuditBroken> {
        verify_audit(&self.entries)
    }
}

#[cfg(test)]
mod tests;
