//! The cells of the window that show a scan.

mod brush;
mod cell;
mod cine;
mod gpu;
mod input;
mod outline;
mod overlay;
mod sizes;
mod solid;
mod tool;
mod wheel_device;

pub(super) use cell::{Cell, show_planes};
pub(super) use cine::run_cine;
pub(super) use gpu::Gpu;
pub(super) use input::Wheel;
pub(super) use outline::Outlined;
pub(super) use solid::{Solid, solid_ui};
pub(super) use tool::Drawing;
pub(super) use wheel_device::events_per_notch;

use super::state::{AppState, VisitId};
use crate::{measure::Plane, volume::Structure};
use egui::Color32;

/// What cells need besides the state.
#[derive(Debug)]
pub(super) struct Canvas {
    /// Textures and pipeline.
    pub(super) gpu: Gpu,
    /// Outlines of the shown slices.
    pub(super) outlined: Outlined,
    /// Surfaces and their picture.
    pub(super) solid: Solid,
    /// Movement of the wheel that is less than a notch.
    pub(super) wheel: Wheel,
    /// The cell that the pointer was last over; keys act on it.
    pub(super) hovered: Option<Cell>,
    /// Where the pointer is: the readout's visit and point.
    pub(super) pointer: Option<(VisitId, glam::DVec3)>,
    /// The distance or angle that is being drawn.
    pub(super) drawing: Option<Drawing>,
    /// The stroke or outline that is being drawn: its cell, and its points, RAS mm.
    pub(super) stroke: Option<(Cell, Vec<glam::DVec3>)>,
    /// The end of a line that is being pulled: its cell, the line, which of the two.
    pub(super) pulled: Option<(Cell, crate::measure::DiameterRule, usize)>,
    /// Movement of the scroll tool that is less than a slice, points.
    pub(super) scrolled: f32,
    /// When the cine showed its last slice, seconds of the window's clock.
    pub(super) cine_at: f64,
    /// A panel waits for a key.
    pub(super) keys_taken: bool,
    /// Where a box is being drawn: its cell, and the corner that was pressed.
    pub(super) boxed: Option<(Cell, egui::Pos2)>,
}

impl Canvas {
    /// Makes keys act on the next cell that is shown (the one before when negative).
    pub(super) fn next_view(&mut self, state: &AppState, by: i64) {
        let cells: Vec<Cell> = state
            .shown()
            .iter()
            .flat_map(|v| Plane::ALL.map(|plane| Cell { visit: v.id, plane }))
            .collect();
        let at = self
            .hovered
            .and_then(|h| cells.iter().position(|c| *c == h));
        let next = at.map_or(0, |at| {
            (at as i64 + by).rem_euclid(cells.len() as i64) as usize
        });
        self.hovered = cells.get(next).copied();
    }

    pub(super) fn new(gpu: Gpu, wheel: Wheel) -> Self {
        Self {
            gpu,
            outlined: Outlined::default(),
            solid: Solid::default(),
            wheel,
            hovered: None,
            pointer: None,
            drawing: None,
            stroke: None,
            pulled: None,
            scrolled: 0.0,
            cine_at: 0.0,
            keys_taken: false,
            boxed: None,
        }
    }
}

/// A structure's colour.
pub(super) fn colour(style: &crate::render::OverlayStyle, structure: Structure) -> Color32 {
    let [r, g, b] = style.structure(structure).colour;
    Color32::from_rgb(r, g, b)
}
