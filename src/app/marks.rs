//! What a reader leaves on slices: distances, angles and slices to come back to, and how the patient's folder keeps them.
use super::{preset::Preset, state::RelativeWindow};
use crate::measure::{Plane, angle_degrees};
use glam::DVec3;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A distance (two points) or an angle (three, its vertex second) that was drawn on a slice. It is for the eye: no report has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// The plane that it was drawn in.
    pub plane: Plane,
    /// RAS mm of the visit's own space.
    pub points: Vec<DVec3>,
}

impl Mark {
    /// What it measures, in words.
    pub fn words(&self) -> String {
        match self.points[..] {
            [a, b] => format!("{:.1} mm", a.distance(b)),
            [a, vertex, b] => angle_degrees(a, vertex, b)
                .map_or_else(|| "no angle".to_owned(), |d| format!("{d:.1}°")),
            _ => String::new(),
        }
    }
}

/// A slice worth coming back to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KeyImage {
    /// The plane that was shown.
    pub plane: Plane,
    /// The marked point, RAS mm of the visit's own space.
    pub crosshair: DVec3,
    /// Brightness and contrast.
    pub preset: Preset,
    /// The same by hand.
    pub window: RelativeWindow,
}

/// A mark as the patient's folder keeps it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredMark {
    plane: Plane,
    points_ras_mm: Vec<[f64; 3]>,
}

impl StoredMark {
    pub(super) fn of(mark: &Mark) -> Option<Value> {
        let points = mark.points.iter().map(DVec3::to_array);
        serde_json::to_value(Self {
            plane: mark.plane,
            points_ras_mm: points.collect(),
        })
        .ok()
    }

    /// A distance or an angle; `None` where it is neither.
    pub(super) fn restored(value: Value) -> Option<Mark> {
        let stored: Self = serde_json::from_value(value).ok()?;
        let points: Vec<DVec3> = stored.points_ras_mm.into_iter().map(DVec3::from).collect();
        let whole = (2..=3).contains(&points.len()) && points.iter().all(|p| p.is_finite());
        whole.then_some(Mark {
            plane: stored.plane,
            points,
        })
    }
}

/// A key image as the patient's folder keeps it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredImage {
    plane: Plane,
    crosshair_ras_mm: [f64; 3],
    preset: Preset,
    window: RelativeWindow,
}

impl StoredImage {
    pub(super) fn of(image: &KeyImage) -> Option<Value> {
        serde_json::to_value(Self {
            plane: image.plane,
            crosshair_ras_mm: image.crosshair.to_array(),
            preset: image.preset,
            window: image.window,
        })
        .ok()
    }

    /// A kept slice; `None` where it cannot be shown.
    pub(super) fn restored(value: Value) -> Option<KeyImage> {
        let stored: Self = serde_json::from_value(value).ok()?;
        let crosshair = DVec3::from(stored.crosshair_ras_mm);
        let window = stored.window;
        let sound = window.centre.is_finite() && window.width.is_finite() && window.width > 0.0;
        (sound && crosshair.is_finite()).then_some(KeyImage {
            plane: stored.plane,
            crosshair,
            preset: stored.preset,
            window,
        })
    }
}
