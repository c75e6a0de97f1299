//! Schwann: a viewer for people who follow vestibular schwannoma on MRI.
//!
//! The rooms stand in the order in which data flows; `ARCHITECTURE.md` says who may use whom, and a test holds it.
//!
//! ```text
//! path ─io─▶ Volume ─predict─▶ tiles ─model─▶ scores ─▶ LabelMap ─measure─▶ Finding ─▶ Visit ─patient─▶ growth, report
//! Volume, LabelMap ─render─▶ pixels          phantom ─train─▶ model folder ─▶ predict
//! ```

pub mod app;
pub mod cli;
pub mod io;
pub mod measure;
pub mod model;
pub mod patient;
pub mod phantom;
pub mod predict;
pub mod render;
pub mod school;
pub mod train;
pub mod volume;
