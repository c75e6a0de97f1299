//! Labels to numbers: sizes, outlines, the Koos grade with its evidence, and growth with its error.
//!
//! Lengths are mm, areas mm², volumes mm³, coordinates RAS mm. No number here depends on the order or direction in which a scan stores its
//! voxels.

mod boundary;
mod contour;
mod growth;
mod koos;
mod midline;
mod overlap;
mod parts;
mod plane;
mod porus;
mod size;
mod surface;

pub use boundary::{Boundary, BoundaryPoint};
pub use contour::{Contour, contours};
pub use growth::*;
pub use koos::{KoosAssessment, KoosEvidence, KoosGrade, koos};
pub use overlap::dice;
pub use plane::{Plane, PlaneFrame, direction_letters};
pub use porus::{HeadAxes, PorusPlane, porus_plane};
pub use size::{SizeSide, StructureSize, structure_size, structure_sizes};
pub use surface::surface_area_mm2;
