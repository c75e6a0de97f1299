//! Label edits that can be undone: what the window's editing tools call.
//!
//! A [`LabelEdit`] is a value: it changes nothing until it is applied, and a [`History`] takes it back.

mod bytes;
mod delta;
mod error;
mod history;
mod paint;

#[cfg(test)]
mod tests;

pub use delta::LabelEdit;
pub use error::EditError;
pub use history::History;
pub use paint::{Over, Paint, paint};
