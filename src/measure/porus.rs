//! The patient's own axes and the porus plane, from the cochleae.
//!
//! The cochleae are bright, rigid and nearly symmetric, so the line between them is the best left–right axis that a label map holds. From each
//! cochlea the porus acusticus lies 10.8 mm medial, 5.1 mm posterior and 2.7 mm superior on average (both scaled with the distance between the
//! cochleae, 69.5 mm on average): a compromise between tables of anatomy and where outlines of real tumours end beside the cochlea. The
//! posterior face of the petrous bone runs at 45° to the midline. The plane through that point along that face divides the intrameatal from
//! the extrameatal part. The place of the porus varies between people by about 1.5 mm (SD), which the Koos probabilities take into account.
use super::{PlaneFrame, parts::parts};
use crate::volume::{LabelMap, Side, Structure};
use glam::{DAffine3, DVec3};
use serde::Serialize;

/// Mean distance between the cochlea centroids, mm.
const INTERCOCHLEAR_MM: f64 = 69.5;
/// Porus relative to the cochlea centroid, mm towards medial, posterior and superior.
const PORUS_FROM_COCHLEA_MM: [f64; 3] = [10.8, 5.1, 2.7];
/// The smallest part that is taken for a cochlea, mm³.
const MIN_COCHLEA_MM3: f64 = 15.0;
/// No tumour's middle lies farther from its own cochlea, mm.
pub(super) const FARTHEST_MM: f64 = 45.0;

/// The patient's axes in the scan's world.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeadAxes {
    /// A point of the midsagittal plane, RAS mm.
    pub midpoint: DVec3,
    /// Unit vector towards the patient's right; normal of the midsagittal plane.
    pub right: DVec3,
    /// Unit vector towards anterior.
    pub anterior: DVec3,
    /// Unit vector towards superior.
    pub superior: DVec3,
    /// Left and right cochlea centroids, where known.
    pub cochleae: [Option<DVec3>; 2],
    /// Whether the axes come from both cochleae; otherwise they are the scan's own axes through the midpoint.
    pub from_cochleae: bool,
}

impl HeadAxes {
    /// The axes of the patient in a label map; `None` when it holds neither a cochlea pair nor a brainstem.
    pub fn of(labels: &LabelMap) -> Option<Self> {
        let parts = parts_by_size(labels, Structure::Cochlea);
        for (n, a) in parts.iter().enumerate() {
            for b in &parts[n + 1..] {
                let (left, right) = if a.x < b.x { (*a, *b) } else { (*b, *a) };
                let apart = right - left;
                // Far enough apart, and more sideways than any other way: otherwise the two are not a pair.
                if (50.0..110.0).contains(&apart.length()) && apart.x > 0.5 * apart.length() {
                    return Some(Self::from_pair(left, right));
                }
            }
        }
        let brainstem = parts_by_size(labels, Structure::Brainstem)
            .first()
            .copied()?;
        let mut cochleae = [None, None];
        if let Some(&c) = parts.first() {
            cochleae[usize::from(c.x > brainstem.x)] = Some(c);
        }
        Some(Self {
            midpoint: brainstem,
            right: DVec3::X,
            anterior: DVec3::Y,
            superior: DVec3::Z,
            cochleae,
            from_cochleae: false,
        })
    }

    /// The scan's own axes where only one ear is labelled, as in a slab about it: the tumour, which lies medial of its cochlea, tells the side; without one near it, the side of
    /// the scan's middle does. `None` without a cochlea.
    pub fn of_one_ear(labels: &LabelMap) -> Option<Self> {
        let (cochlea, tumour) = one_ear(labels)?;
        let middle = labels.grid().centre_in_world();
        let medial = tumour.unwrap_or(middle);
        let mut cochleae = [None, None];
        cochleae[usize::from(cochlea.x > medial.x)] = Some(cochlea);
        Some(Self {
            midpoint: middle,
            right: DVec3::X,
            anterior: DVec3::Y,
            superior: DVec3::Z,
            cochleae,
            from_cochleae: false,
        })
    }

    fn from_pair(left: DVec3, right: DVec3) -> Self {
        let x = (right - left).normalize_or(DVec3::X);
        let z = (DVec3::Z - x * x.z).normalize_or(DVec3::Z);
        Self {
            midpoint: (left + right) / 2.0,
            right: x,
            anterior: z.cross(x),
            superior: z,
            cochleae: [Some(left), Some(right)],
            from_cochleae: true,
        }
    }

    /// Which side of the midsagittal plane a point lies on.
    pub fn side(&self, point_in_world: DVec3) -> Side {
        if self.right_of_midline_mm(point_in_world) < 0.0 {
            Side::Left
        } else {
            Side::Right
        }
    }

    /// Height above the midpoint along the patient's long axis, mm.
    pub fn height_mm(&self, point_in_world: DVec3) -> f64 {
        (point_in_world - self.midpoint).dot(self.superior)
    }

    /// Distance to the right of the midsagittal plane, mm; negative on the left.
    pub fn right_of_midline_mm(&self, point_in_world: DVec3) -> f64 {
        (point_in_world - self.midpoint).dot(self.right)
    }
}

/// The middle of the largest labelled cochlea, and that of the largest part of a tumour near it; `None` without a cochlea.
pub(super) fn one_ear(labels: &LabelMap) -> Option<(DVec3, Option<DVec3>)> {
    let cochlea = parts_by_size(labels, Structure::Cochlea).first().copied()?;
    let tumour = parts_by_size(labels, Structure::VestibularSchwannoma)
        .into_iter()
        .find(|t| t.distance(cochlea) < FARTHEST_MM);
    Some((cochlea, tumour))
}

/// Centroids of the 26-connected parts of a structure, the largest first; specks left out.
fn parts_by_size(labels: &LabelMap, structure: Structure) -> Vec<DVec3> {
    let voxel_mm3 = labels.grid().voxel_volume_mm3();
    parts(labels, structure)
        .into_iter()
        .filter(|p| p.voxels as f64 * voxel_mm3 >= MIN_COCHLEA_MM3)
        .map(|p| p.centroid)
        .collect()
}

/// The plane that divides the intrameatal from the extrameatal part of a tumour.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PorusPlane {
    /// Centre of the porus, RAS mm.
    pub point_ras_mm: [f64; 3],
    /// Unit normal towards the cerebellopontine angle (medial and posterior).
    pub normal_ras: [f64; 3],
    /// What it was made from, in words.
    pub source: &'static str,
}

/// What a plane that a reader moved is called.
const MOVED: &str = "moved by a reader";

impl PorusPlane {
    /// A plane that a reader set; the normal need not be a unit vector. `None` where it has no direction or a number is not finite.
    pub fn set_by_reader(point_in_world: DVec3, normal: DVec3) -> Option<Self> {
        let normal = normal.try_normalize()?;
        point_in_world.is_finite().then(|| Self {
            point_ras_mm: point_in_world.to_array(),
            normal_ras: normal.to_array(),
            source: MOVED,
        })
    }

    /// Distance beyond the plane towards the cerebellopontine angle, mm; negative inside the canal.
    pub fn beyond_mm(&self, point_in_world: DVec3) -> f64 {
        (point_in_world - self.point()).dot(self.normal())
    }

    /// The plane moved along its normal, mm towards the cerebellopontine angle. A distance that is not finite leaves it where it is.
    #[must_use]
    pub fn moved(&self, offset_mm: f64) -> Self {
        Self::set_by_reader(self.point() + self.normal() * offset_mm, self.normal())
            .unwrap_or(*self)
    }

    /// The plane turned about its point until its normal leans so many degrees towards a direction, for instance the patient's anterior or superior: the same call
    /// on the mirrored head gives the mirrored plane. Directions along the normal, and angles that are not finite, leave it as it is.
    #[must_use]
    pub fn tilted(&self, towards: DVec3, degrees: f64) -> Self {
        let normal = self.normal();
        let towards = towards.normalize_or_zero();
        let across = towards - normal * normal.dot(towards);
        if !degrees.is_finite() || across.length() < 1e-6 {
            return *self;
        }
        let (sin, cos) = degrees.to_radians().sin_cos();
        let turned = normal * cos + across.normalize_or_zero() * sin;
        Self::set_by_reader(self.point(), turned).unwrap_or(*self)
    }

    /// The same plane of the head in another scan's space, by a rigid transform to it.
    #[must_use]
    pub fn mapped(&self, world_other_from_world: DAffine3) -> Self {
        Self {
            point_ras_mm: (world_other_from_world.transform_point3(self.point())).to_array(),
            normal_ras: (world_other_from_world.transform_vector3(self.normal())).to_array(),
            source: self.source,
        }
    }

    /// The line in which a picture's plane cuts it, `[right, down]` mm from the picture's centre: the point nearest to the centre of the porus, and
    /// the unit direction. `None` where the two are parallel within a degree.
    pub fn line_in(&self, frame: &PlaneFrame) -> Option<([f64; 2], [f64; 2])> {
        let normal = self.normal();
        let across = [normal.dot(frame.right), normal.dot(frame.down)];
        let length = across[0].hypot(across[1]);
        if length < 0.0175 {
            return None;
        }
        let (centre, depth) = frame.project(self.point());
        // From the foot of the porus's centre along the picture to where the plane is met.
        let step = depth * normal.dot(frame.into_screen()) / (length * length);
        let point = [centre[0] + across[0] * step, centre[1] + across[1] * step];
        Some((point, [-across[1] / length, across[0] / length]))
    }

    /// Centre of the porus.
    pub(super) fn point(&self) -> DVec3 {
        DVec3::from_array(self.point_ras_mm)
    }

    /// Unit normal towards the cerebellopontine angle.
    pub(super) fn normal(&self) -> DVec3 {
        DVec3::from_array(self.normal_ras)
    }
}

/// The porus plane of one side; `None` when that side's cochlea is not labelled.
pub fn porus_plane(axes: &HeadAxes, side: Side) -> Option<PorusPlane> {
    let [left, right] = axes.cochleae;
    let (cochlea, medial) = match side {
        Side::Left => (left?, axes.right),
        Side::Right => (right?, -axes.right),
    };
    let scale = match (left, right) {
        (Some(l), Some(r)) => (l.distance(r) / INTERCOCHLEAR_MM).clamp(0.85, 1.15),
        _ => 1.0,
    };
    let [m, p, s] = PORUS_FROM_COCHLEA_MM.map(|mm| mm * scale);
    let point = cochlea + medial * m - axes.anterior * p + axes.superior * s;
    let normal = (medial - axes.anterior).normalize_or(medial);
    Some(PorusPlane {
        point_ras_mm: point.to_array(),
        normal_ras: normal.to_array(),
        source: if axes.from_cochleae {
            "average anatomy between both cochleae"
        } else {
            "average anatomy from one cochlea"
        },
    })
}
