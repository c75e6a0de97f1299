//! Synthetic patients with vestibular schwannoma whose truth is known exactly.
//!
//! A patient is an analytic head (signed distance functions in mm) with a tumour whose size solves for the wanted Koos grade and volume.
//! A scan samples that head on a site's grid in a new pose and passes its signals through k-space with the resolution, ringing, banding,
//! shading, motion and Rician noise of hrT2. Labels and truth come from the same functions as the signals, so volumes, gaps and contact areas
//! do not depend on the scan's voxels.
//!
//! This checks software; it says nothing about accuracy in patients.
//!
//! The head frame is RAS millimetres about the midpoint of the two pori, aligned with the skull.

mod acquire;
mod anatomy;
mod bone;
mod brain;
mod canal;
mod cochlea;
mod cohort;
mod contact;
mod content;
mod course;
pub mod demo;
mod displace;
mod draw;
mod drawn;
mod ear;
mod family;
mod geometry;
mod kspace;
mod lattice;
mod local;
mod mimic;
mod motion;
mod off_resonance;
mod outlined;
mod patient;
mod region;
mod relaxation;
mod scan;
mod scene;
mod sequence;
mod shading;
mod shape;
#[cfg(test)]
mod table;
mod tissue;
mod training;
mod truth;
mod tumour;
mod vessels;

pub use acquire::Acquisition;
pub use cohort::{Half, Member, members};
pub use course::{Course, GrowthModel};
pub use drawn::{CanalSize, Drawn, DrawnTumour};
pub use family::Family;
pub use geometry::PatientGeometry;
pub use mimic::Mimic;
pub use motion::{Ghost, Jump};
pub use off_resonance::{Cavity, OffResonance};
pub use patient::{Patient, PatientSpec, Sex};
pub use region::Region;
pub use relaxation::Relaxation;
pub use scan::{GridSpec, Scan, Site, VisitSpec};
pub use sequence::{Modality, Sequence};
pub use shading::{Element, Shading};
pub use training::{Crop, CropPlace, MEDIAL_MM, NEAR_EAR, training_crop};
pub use truth::{PorusPlane, Truth};
pub use tumour::{TumourForm, TumourLobe, TumourShape};

use crate::{measure::KoosGrade, volume};
use thiserror::Error as ThisError;

/// Why a phantom cannot be made.
#[derive(Debug, ThisError)]
pub enum Error {
    /// A parameter is not finite or lies outside what makes sense.
    #[error("{name} is {value}, which is not between {low} and {high}")]
    Parameter {
        /// The parameter, with its unit.
        name: &'static str,
        /// What was given.
        value: f64,
        /// Smallest value.
        low: f64,
        /// Largest value.
        high: f64,
    },
    /// The grid is empty or too large.
    #[error("a phantom on a grid of {0:?} voxels is not possible")]
    Grid(volume::Shape),
    /// No tumour of this grade fits into the drawn head.
    #[error("no Koos {0} tumour fits into this head")]
    Grade(KoosGrade),
    /// A look-alike is wanted in a patient with a tumour.
    #[error("a patient has either a tumour or a look-alike of one, not both")]
    Mimic,
    /// No tumour size has the volume that this visit needs.
    #[error("the tumour cannot have {0:.0} mm3 at this visit")]
    Growth(f64),
    /// The observer asked to stop.
    #[error("stopped")]
    Stopped,
    /// The grid or its data were refused.
    #[error(transparent)]
    Volume(#[from] volume::Error),
}

/// Refuses a parameter that is not finite or outside `low..=high`.
fn check(name: &'static str, value: f64, low: f64, high: f64) -> Result<(), Error> {
    if value >= low && value <= high {
        return Ok(());
    }
    Err(Error::Parameter {
        name,
        value,
        low,
        high,
    })
}
