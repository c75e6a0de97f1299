//! The lengths that a tumour is reported by, each with the line it was measured along.
//!
//! "Axial" means the scan's own axial slices, on which a reader draws: the voxel axis nearest to the patient's long axis. Up and down are the
//! patient's, from both cochleae; without them the scan's. Ends lie halfway between voxels, on the outline as it is drawn.
use super::{
    super::{
        PorusPlane,
        size::{max_axial_diameter, slices},
    },
    TumourGeometry,
    canal::{CanalAxis, RADIUS_MM},
};
use glam::DVec3;
use serde::Serialize;

/// The least of a tumour within the canal that has a length, mm³, and the least fluid that makes a fundal cap, mm³.
const MIN_INTRAMEATAL_MM3: f64 = 5.0;
const MIN_CAP_MM3: f64 = 2.0;
/// What of the canal's lateral end may be a nerve's way out, mm³.
const SPIKE_MM3: f64 = 1.0;
/// Half-width of the 95 % interval of an end that lies evenly anywhere within a voxel, in voxels: 1.96 / √12.
const END_95: f64 = 0.566;

/// Who set the ends of a line that a reader pulled.
const BY_HAND: &str = "ends set by a reader";

/// Which length, by which rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DiameterRule {
    /// Largest extrameatal diameter in an axial slice.
    ExtrameatalMax,
    /// Extrameatal extent along the posterior face of the petrous bone.
    ExtrameatalParallel,
    /// Extrameatal extent at right angles to that face.
    ExtrameatalPerpendicular,
    /// Craniocaudal extent.
    Craniocaudal,
    /// Largest diameter in any direction.
    Max3d,
    /// Length in the canal.
    CanalLength,
    /// Largest diameter in an axial slice, the part in the canal included.
    WholeAxial,
    /// Fluid between tumour and fundus.
    FundalCap,
}

impl DiameterRule {
    /// All, in the order of a report.
    pub const ALL: [Self; 8] = [
        Self::ExtrameatalMax,
        Self::ExtrameatalParallel,
        Self::ExtrameatalPerpendicular,
        Self::Craniocaudal,
        Self::Max3d,
        Self::CanalLength,
        Self::WholeAxial,
        Self::FundalCap,
    ];

    /// A short name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::ExtrameatalMax => "largest extrameatal, axial",
            Self::ExtrameatalParallel => "extrameatal, parallel to the petrous face",
            Self::ExtrameatalPerpendicular => "extrameatal, perpendicular to the petrous face",
            Self::Craniocaudal => "craniocaudal",
            Self::Max3d => "largest in 3D",
            Self::CanalLength => "length in the canal",
            Self::WholeAxial => "largest axial, canal included",
            Self::FundalCap => "fundal cap",
        }
    }

    /// The rule, in a sentence.
    pub fn rule(self) -> &'static str {
        match self {
            Self::ExtrameatalMax => {
                "Longest line between two points of the outline beyond the porus plane, in one axial slice of the scan."
            }
            Self::ExtrameatalParallel => {
                "Greatest extent beyond the porus plane, in one axial slice of the scan, along the posterior face of the petrous bone as the porus plane gives it; the ends lie on the two tangents across that direction."
            }
            Self::ExtrameatalPerpendicular => {
                "From the porus plane, at right angles to it, to the deepest point of the tumour."
            }
            Self::Craniocaudal => {
                "Extent of the whole tumour along the patient's long axis; the ends lie on the two tangents across that axis."
            }
            Self::Max3d => "Longest line between two points of the whole tumour's surface.",
            Self::CanalLength => {
                "Along the canal's axis, from the porus plane, or from where a tumour begins that does not reach it, to the tumour's lateral end."
            }
            Self::WholeAxial => {
                "Longest line between two points of the outline in one axial slice of the scan, the part in the canal included."
            }
            Self::FundalCap => {
                "Along the canal's axis, from the tumour's lateral end to the lateral end of the labelled canal."
            }
        }
    }
}

/// A length with its line.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Diameter {
    /// Which it is.
    #[serde(skip)]
    pub which: DiameterRule,
    /// Length, mm: the distance between the ends.
    pub value_mm: f64,
    /// Half-width of its 95 % interval from the voxels alone, mm: each end that lies on the outline is known to within one voxel along the line. The place of the
    /// outline among readers and that of the porus plane come on top.
    pub error95_mm: f64,
    /// The two ends, RAS mm.
    pub ends_ras_mm: [[f64; 3]; 2],
    /// The rule, in a sentence.
    pub rule: &'static str,
    /// Who set the ends, in words.
    pub source: &'static str,
}

impl Diameter {
    /// `free_ends` of the two lie on the outline; the others lie on a plane that was given.
    fn new(
        which: DiameterRule,
        ends: [DVec3; 2],
        geometry: &TumourGeometry,
        free_ends: f64,
    ) -> Self {
        let direction = (ends[1] - ends[0]).normalize_or_zero();
        let voxel = geometry.voxel_along_mm(direction);
        Self {
            which,
            value_mm: ends[0].distance(ends[1]),
            error95_mm: END_95 * free_ends.sqrt() * voxel,
            ends_ras_mm: ends.map(|e| e.to_array()),
            rule: which.rule(),
            source: "measured on the outline",
        }
    }

    /// The same line with ends that a reader set.
    #[must_use]
    pub fn dragged(&self, ends_in_world: [DVec3; 2]) -> Self {
        Self {
            value_mm: ends_in_world[0].distance(ends_in_world[1]),
            ends_ras_mm: ends_in_world.map(|e| e.to_array()),
            source: BY_HAND,
            ..*self
        }
    }

    /// Whether a reader set the ends.
    pub fn is_by_hand(&self) -> bool {
        self.source == BY_HAND
    }
}

/// The lengths of a tumour. What the labels or the plane do not allow is absent.
///
/// The extrameatal ones are absent for a tumour that hardly leaves the canal (less than 10 mm³ or 1.5 mm beyond the plane).
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct TumourDiameters {
    /// Largest extrameatal diameter in an axial slice (the Tokyo consensus' size).
    pub extrameatal_max: Option<Diameter>,
    /// Largest extrameatal extent parallel to the posterior petrous face in an axial slice.
    pub extrameatal_parallel: Option<Diameter>,
    /// From the porus plane to the deepest point beyond it.
    pub extrameatal_perpendicular: Option<Diameter>,
    /// Craniocaudal extent of the whole tumour.
    pub craniocaudal: Option<Diameter>,
    /// Largest distance between two boundary points.
    pub max_3d: Option<Diameter>,
    /// Length within the canal along its axis.
    pub canal_length: Option<Diameter>,
    /// Largest diameter in an axial slice, the part in the canal included.
    pub whole_axial: Option<Diameter>,
    /// Fluid between the tumour's lateral end and the fundus; only where the canal's label reaches further than the tumour.
    pub fundal_cap: Option<Diameter>,
}

impl TumourDiameters {
    /// Those that could be measured, in the order of [`DiameterRule::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = &Diameter> {
        DiameterRule::ALL
            .into_iter()
            .filter_map(|which| self.get(which))
    }

    /// One of them.
    pub fn get(&self, which: DiameterRule) -> Option<&Diameter> {
        match which {
            DiameterRule::ExtrameatalMax => self.extrameatal_max.as_ref(),
            DiameterRule::ExtrameatalParallel => self.extrameatal_parallel.as_ref(),
            DiameterRule::ExtrameatalPerpendicular => self.extrameatal_perpendicular.as_ref(),
            DiameterRule::Craniocaudal => self.craniocaudal.as_ref(),
            DiameterRule::Max3d => self.max_3d.as_ref(),
            DiameterRule::CanalLength => self.canal_length.as_ref(),
            DiameterRule::WholeAxial => self.whole_axial.as_ref(),
            DiameterRule::FundalCap => self.fundal_cap.as_ref(),
        }
    }
}

impl TumourDiameters {
    /// One of them, to be changed.
    pub fn get_mut(&mut self, which: DiameterRule) -> Option<&mut Diameter> {
        match which {
            DiameterRule::ExtrameatalMax => self.extrameatal_max.as_mut(),
            DiameterRule::ExtrameatalParallel => self.extrameatal_parallel.as_mut(),
            DiameterRule::ExtrameatalPerpendicular => self.extrameatal_perpendicular.as_mut(),
            DiameterRule::Craniocaudal => self.craniocaudal.as_mut(),
            DiameterRule::Max3d => self.max_3d.as_mut(),
            DiameterRule::CanalLength => self.canal_length.as_mut(),
            DiameterRule::WholeAxial => self.whole_axial.as_mut(),
            DiameterRule::FundalCap => self.fundal_cap.as_mut(),
        }
    }
}

impl TumourGeometry {
    /// Diameters at a plane that a reader set or, without one, at the plane that was found.
    pub fn diameters(&self, plane: Option<&PorusPlane>) -> TumourDiameters {
        let of = |which, ends: Option<[DVec3; 2]>| Some(Diameter::new(which, ends?, self, 2.0));
        let whole = [self.boundary.points.iter().map(|p| p.point).collect()];
        let upright = self.max_3d.and(extent(&whole, self.superior()));
        let mut found = TumourDiameters {
            craniocaudal: of(DiameterRule::Craniocaudal, upright),
            max_3d: of(DiameterRule::Max3d, self.max_3d),
            whole_axial: of(DiameterRule::WholeAxial, self.whole_axial),
            ..TumourDiameters::default()
        };
        let Some(plane) = self.plane(plane) else {
            return found;
        };
        if self.is_extrameatal(plane) {
            let max = max_axial_diameter(self.faces(plane, true));
            found.extrameatal_max = of(DiameterRule::ExtrameatalMax, max);
            let along = plane.normal().cross(self.superior()).try_normalize();
            let beyond = slices(self.faces(plane, true));
            let parallel = along.and_then(|along| extent(&beyond, along));
            found.extrameatal_parallel = of(DiameterRule::ExtrameatalParallel, parallel);
            found.extrameatal_perpendicular = self.perpendicular(plane);
        }
        self.in_canal(plane, &mut found);
        found
    }

    fn perpendicular(&self, plane: &PorusPlane) -> Option<Diameter> {
        let beyond = |p: &DVec3| plane.beyond_mm(*p);
        let deepest = (self.faces(plane, true).map(|p| p.point))
            .max_by(|a, b| beyond(a).total_cmp(&beyond(b)))?;
        let foot = deepest - plane.normal() * beyond(&deepest);
        let ends = [foot, deepest];
        let which = DiameterRule::ExtrameatalPerpendicular;
        Some(Diameter::new(which, ends, self, 1.0))
    }

    /// Length in the canal and fundal cap.
    fn in_canal(&self, plane: &PorusPlane, found: &mut TumourDiameters) {
        let inside = self.volumes(Some(plane)).intrameatal;
        if inside.is_none_or(|i| i.volume_mm3 < MIN_INTRAMEATAL_MM3) {
            return;
        }
        let axis = self.canal_axis(plane);
        let slope = plane.normal().dot(axis.lateral);
        // A plane along the canal does not cut its axis.
        if slope.abs() < 0.1 {
            return;
        }
        let porus = -plane.beyond_mm(axis.point) / slope;
        let (near, far) = (self.faces(plane, false).map(|p| p.point))
            .filter(|p| axis.off_mm(*p) < RADIUS_MM)
            .map(|p| axis.along_mm(p))
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), s| {
                (l.min(s), h.max(s))
            });
        let (start, free_ends) = if near > porus {
            (near, 2.0)
        } else {
            (porus, 1.0)
        };
        if far <= start {
            return;
        }
        let ends = [axis.at(start), axis.at(far)];
        found.canal_length = Some(Diameter::new(
            DiameterRule::CanalLength,
            ends,
            self,
            free_ends,
        ));
        let cap = self.fundus_mm(&axis, far).map(|fundus| {
            let ends = [axis.at(far), axis.at(fundus)];
            Diameter::new(DiameterRule::FundalCap, ends, self, 2.0)
        });
        found.fundal_cap = cap;
    }

    /// Where the labelled canal ends laterally along its axis, mm; `None` where it does not reach clearly beyond a place. A few voxels, as of a nerve that leaves through the
    /// fundus, do not count.
    fn fundus_mm(&self, axis: &CanalAxis, beyond_mm: f64) -> Option<f64> {
        let mut along: Vec<f64> = (self.canal_voxels.iter())
            .filter(|p| axis.off_mm(**p) < RADIUS_MM)
            .map(|p| axis.along_mm(*p))
            .filter(|mm| *mm > beyond_mm)
            .collect();
        if (along.len() as f64) * self.voxel_mm3() < MIN_CAP_MM3 {
            return None;
        }
        along.sort_by(|a, b| b.total_cmp(a));
        let last = along.get((SPIKE_MM3 / self.voxel_mm3()) as usize)?;
        Some(last + self.voxel_along_mm(axis.lateral) / 2.0)
    }

    /// Size of a voxel along a unit direction, mm: the root of the squares that its edges have along it.
    fn voxel_along_mm(&self, direction: DVec3) -> f64 {
        let edges = [0, 1, 2].map(|a| self.edges.col(a).dot(direction));
        edges.iter().map(|e| e * e).sum::<f64>().sqrt()
    }
}

/// The greatest extent of one of some groups of points along a unit direction: a line along it through the middle between the two outermost points, from tangent to
/// tangent. `None` without two points.
fn extent(groups: &[Vec<DVec3>], along: DVec3) -> Option<[DVec3; 2]> {
    let at = |p: &DVec3| p.dot(along);
    let ends = groups.iter().filter_map(|group| {
        let low = group.iter().min_by(|a, b| at(a).total_cmp(&at(b)))?;
        let high = group.iter().max_by(|a, b| at(a).total_cmp(&at(b)))?;
        Some([*low, *high])
    });
    let length = |[a, b]: &[DVec3; 2]| at(b) - at(a);
    let widest = ends.max_by(|a, b| length(a).total_cmp(&length(b)))?;
    let middle = widest[0].midpoint(widest[1]);
    let half = along * (length(&widest) / 2.0);
    (length(&widest) > 0.0).then_some([middle - half, middle + half])
}
