//! Label edits that can be undone: what the window's editing tools call.
//!
//! A tool first selects voxels ([`ball`], [`disc`], [`polygon`], [`adaptive`], [`flood`]: sorted positions in memory, each once), then makes a
//! [`LabelEdit`] of them ([`paint()`]) or of a whole structure ([`smooth()`], [`fill_between_slices`], [`keep_largest`], …). An edit is a value:
//! it changes nothing until it is applied, and a [`History`] takes it back. Lengths are millimetres of the patient, so that anisotropic and
//! oblique grids get round brushes.

mod between;
mod block;
mod brush;
mod bytes;
mod delta;
mod error;
mod grow;
mod history;
mod lasso;
mod paint;
mod pieces;
mod slice;
mod smooth;

#[cfg(test)]
mod tests;

pub use between::fill_between_slices;
pub use brush::{ball, disc};
pub use delta::LabelEdit;
pub use error::EditError;
pub use grow::{Flood, FloodLimits, adaptive, flood, suggested_tolerance};
pub use history::History;
pub use lasso::polygon;
pub use paint::{Over, Paint, paint};
pub use pieces::{keep_largest, keep_piece, move_to, remove_piece};
pub use smooth::smooth;
