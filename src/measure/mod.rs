//! Labels to numbers: sizes, outlines, the Koos grade with its evidence, and growth with its error.
//!
//! Lengths are mm, areas mm², volumes mm³, coordinates RAS mm. No number here depends on the order or direction in which a scan stores its
//! voxels.

mod agreement;
mod boundary;
mod brainstem;
mod contour;
mod ghosting;
mod grades;
mod growth;
mod growth_map;
mod koos;
mod koos_features;
mod mesh;
mod midline;
mod parts;
mod plane;
mod porus;
mod ranking;
mod reader_study;
mod ruler;
mod sides;
mod size;
mod surface;
mod tolerance;
mod tumour;
mod untold;

pub use agreement::{
    Agreement, EMPTY_MM, LimitsOfAgreement, Spread, agreement, dice,
    macro_averaged_mean_absolute_error,
};
pub use boundary::{Boundary, BoundaryPoint};
pub use brainstem::{BrainstemError, brainstem_at, brainstem_caution};
pub use contour::{Contour, contours, pixel_outlines};
pub use ghosting::{Ghosting, ghosting};
pub use grades::{ordinal_decision, quadratic_weighted_kappa};
pub use growth::*;
pub use growth_map::{
    DirectionTotals, GrowthDirection, GrowthDirections, GrowthMap, growth_between, growth_map,
};
pub use koos::*;
pub use koos_features::{
    FeatureScheme, parcellation_features, structure_features, with_parcellation,
};
pub use mesh::{
    Mesh, MeshError, NearestSurface, signed_distances_mm, surface_mesh, surface_meshes,
};
pub use plane::{Plane, PlaneFrame, direction_letters};
pub use porus::{HeadAxes, PorusPlane, porus_plane};
pub use ranking::{Ranking, Stability, TeamScores, rank};
pub use reader_study::{
    ConfidenceBin, ConfidenceCalibration, ConfusionMatrix, WeightedKappa, wilson95,
};
pub use ruler::angle_degrees;
pub use sides::{SidedVoxels, voxels_by_side};
pub use size::{SizeSide, StructureSize, structure_size, structure_sizes};
pub use surface::surface_area_mm2;
pub use tolerance::EdgeTolerance;
pub use tumour::{
    CanalAxis, Diameter, DiameterRule, PartVolume, TumourDiameters, TumourGeometry, TumourMeasures,
    TumourVolumes,
};
pub use untold::{TELLING_SLICE_MM, too_coarse, tumour_untold};

/// Two label maps that must lie on one grid do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the prediction does not lie on the reference's grid")]
pub struct GridsDiffer;
