//! Windows that suit MR, whose intensities have no unit: by percentiles of the scan.
use crate::{
    render::whole_range,
    volume::{Volume, WindowLevel},
};
use serde::{Deserialize, Serialize};

/// A window that each scan has for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// All but the extreme 0.5 % at either end.
    #[default]
    Automatic,
    /// From the least to the greatest value.
    WholeRange,
    /// Brain, nerves and tumour.
    SoftTissue,
    /// The bright half: liquor, labyrinth, enhancing tumour.
    Fluid,
    /// The middle half of the values.
    HighContrast,
}

impl Preset {
    /// All, in the order of their keys: 0, 1, 2, …
    pub const ALL: [Self; 5] = [
        Self::Automatic,
        Self::WholeRange,
        Self::SoftTissue,
        Self::Fluid,
        Self::HighContrast,
    ];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Automatic => "automatic",
            Self::WholeRange => "whole range",
            Self::SoftTissue => "soft tissue",
            Self::Fluid => "fluid",
            Self::HighContrast => "high contrast",
        }
    }

    /// Percentiles of the scan that are black and white, in words.
    pub fn range(self) -> &'static str {
        match self {
            Self::Automatic => "0.5–99.5 %",
            Self::WholeRange => "0–100 %",
            Self::SoftTissue => "2–90 %",
            Self::Fluid => "50–99.9 %",
            Self::HighContrast => "25–75 %",
        }
    }

    /// The window of each preset for a scan, in the order of [`Preset::ALL`]. Sorts about a million values: not for the window's thread.
    pub fn windows(volume: &Volume) -> [WindowLevel; Self::ALL.len()] {
        let automatic = volume.default_window();
        let [p2, p90, p50, p999, p25, p75] = volume.quantiles([0.02, 0.9, 0.5, 0.999, 0.25, 0.75]);
        // A scan that is mostly of one value has no such range.
        let between = |low: f64, high: f64| {
            if high > low {
                WindowLevel::from_range(low, high)
            } else {
                automatic
            }
        };
        [
            automatic,
            whole_range(volume).unwrap_or(automatic),
            between(p2, p90),
            between(p50, p999),
            between(p25, p75),
        ]
    }
}
