//! Whether an alignment may be used.
use crate::volume::Side;
use glam::DVec3;
use std::fmt;

/// What an ear was recognised by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Landmark {
    /// The outline of its cochlea.
    Cochlea,
    /// Nothing: the middle of that half of the head stands for it.
    Half,
}

/// What remains at one ear after alignment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EarResidual {
    /// The side.
    pub side: Side,
    /// What it was recognised by.
    pub landmark: Landmark,
    /// Where it lies in the fixed scan's patient space, RAS mm.
    pub point_mm: DVec3,
    /// How far a block about it lies from where it would match best, mm.
    pub block_mm: f64,
    /// Distance of the centroids of the two cochlear outlines, mm; none without both.
    pub centroid_mm: Option<f64>,
}

/// Why two scans are not linked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Refusal {
    /// The scans match no better than scans of different heads do.
    Unlike {
        /// Mutual information after alignment, nats.
        information: f64,
        /// What scans of one head reach.
        least: f64,
    },
    /// More than a voxel remains at an ear.
    Residual {
        /// The ear.
        side: Side,
        /// What remains, mm.
        mm: f64,
        /// Longest edge of a voxel, mm.
        voxel_mm: f64,
    },
    /// The outlines of a cochlea lie apart.
    Cochleae {
        /// The ear.
        side: Side,
        /// Distance of their centroids, mm.
        mm: f64,
    },
    /// Neither ear shows enough to tell what remains.
    Unchecked,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unlike { information, least } => write!(
                f,
                "the scans match no better than those of different heads (information {information:.2}, at least {least:.2} is needed)"
            ),
            Self::Residual { side, mm, voxel_mm } => write!(
                f,
                "{mm:.1} mm remain at the {side} ear, more than a voxel ({voxel_mm:.1} mm)"
            ),
            Self::Cochleae { side, mm } => {
                write!(f, "the outlines of the {side} cochlea lie {mm:.1} mm apart")
            }
            Self::Unchecked => write!(f, "too little is seen about the ears to check it"),
        }
    }
}

/// All reasons in a line.
pub(super) fn in_words(reasons: &[Refusal]) -> String {
    let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
    reasons.join("; ")
}

/// Whether two scans may be shown as one head.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// They may.
    Aligned,
    /// They may not, and why.
    NotAligned(Vec<Refusal>),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aligned => write!(f, "aligned"),
            Self::NotAligned(reasons) => write!(f, "not aligned: {}", in_words(reasons)),
        }
    }
}

/// Least mutual information of one head, nats: for scans of one contrast, and of two. Phantoms of one head reach at least 0.52 and 0.26,
/// of different heads at most 0.43 and 0.22 (`examples/align_report.rs`).
const LEAST_INFORMATION: [f64; 2] = [0.47, 0.235];
/// Distance of cochlear outlines from which one of them, or the alignment, is wrong, mm.
const COCHLEAE_MM: f64 = 3.0;

/// What decides.
pub(super) struct Evidence<'a> {
    pub(super) residuals: &'a [EarResidual],
    pub(super) information: f64,
    pub(super) one_contrast: bool,
    pub(super) voxel_mm: f64,
}

impl Evidence<'_> {
    pub(super) fn verdict(&self) -> Verdict {
        let Self {
            information,
            voxel_mm,
            ..
        } = *self;
        let mut reasons = Vec::new();
        let least = LEAST_INFORMATION[usize::from(!self.one_contrast)];
        let beyond = |mm: f64, limit: f64| mm.is_nan() || mm > limit;
        if information.is_nan() || information < least {
            reasons.push(Refusal::Unlike { information, least });
        }
        for r in self.residuals {
            let (side, mm) = (r.side, r.block_mm);
            if beyond(mm, voxel_mm) {
                reasons.push(Refusal::Residual { side, mm, voxel_mm });
            }
            if let Some(mm) = r.centroid_mm.filter(|mm| beyond(*mm, COCHLEAE_MM)) {
                reasons.push(Refusal::Cochleae { side, mm });
            }
        }
        if self.residuals.is_empty() {
            reasons.push(Refusal::Unchecked);
        }
        if reasons.is_empty() {
            Verdict::Aligned
        } else {
            Verdict::NotAligned(reasons)
        }
    }
}
