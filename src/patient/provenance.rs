//! Where a finding comes from and who has looked at it.
use serde::{Deserialize, Serialize};
use std::fmt;

/// Which model drew an outline. Two models are the same only when all three agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Name in the model card.
    pub name: String,
    /// Version in the model card.
    pub version: String,
    /// SHA-256 of the weights, hexadecimal.
    pub sha256: String,
}

impl fmt::Display for ModelInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}

/// What a reader has done with an outline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewState {
    /// As the model left it; nobody has looked.
    AiDraft,
    /// Changed by a reader, not accepted yet.
    Edited,
    /// Accepted by a reader.
    Accepted,
    /// Rejected by a reader; must not be used.
    Rejected,
    /// Read from a file or drawn by hand, not accepted here.
    Imported,
}

impl ReviewState {
    /// Whether the result must be marked as a draft.
    pub fn is_draft(self) -> bool {
        self != Self::Accepted
    }
}

impl fmt::Display for ReviewState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AiDraft => "AI draft, not reviewed",
            Self::Edited => "edited, not accepted",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Imported => "imported, not reviewed",
        })
    }
}

/// What a finding was made from and by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// The model that drew the outline; none when it was imported or drawn by hand.
    pub model: Option<ModelInfo>,
    /// SHA-256 of the scan's voxels, as `inspect` prints it.
    pub scan_sha256: String,
    /// Version of this program.
    pub software_version: String,
    /// Device that the model ran on, in words; none without a model.
    pub device: Option<String>,
    /// Review state of the outline.
    pub state: ReviewState,
}
