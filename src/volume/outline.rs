//! Tumours as clinicians outlined them: stacked contours of real patients.
use super::Side;
use glam::DVec3;

/// The contours of one plane; what lies inside any of them is tumour.
#[derive(Debug, Clone, PartialEq)]
pub struct OutlinePlane {
    /// Distance of the plane from the origin along [`Outline::normal`], mm.
    pub offset: f64,
    /// Closed polygons, RAS mm relative to the centre of the cochlea; the last point is not the first again.
    pub contours: Vec<Vec<DVec3>>,
}

/// A tumour outlined on parallel planes, RAS mm relative to the centre of the cochlea on its side.
#[derive(Debug, Clone, PartialEq)]
pub struct Outline {
    /// What the patient is called in the source.
    pub name: String,
    /// Side of the tumour.
    pub side: Side,
    /// Unit normal of all planes, pointing upwards.
    pub normal: DVec3,
    /// In rising order of `offset`.
    pub planes: Vec<OutlinePlane>,
}

/// Area vector of a closed polygon (Newell): its length is the area, mm², its direction the normal.
pub fn area_vector(polygon: &[DVec3]) -> DVec3 {
    let Some(&first) = polygon.first() else {
        return DVec3::ZERO;
    };
    // Relative to the first point, so that places far from the origin lose no digits.
    let edges = polygon.iter().zip(polygon.iter().skip(1));
    0.5 * edges
        .map(|(&a, &b)| (a - first).cross(b - first))
        .sum::<DVec3>()
}

impl Outline {
    /// Distance between planes, mm: the median, since planes may be left out; zero for a single plane.
    pub fn spacing_mm(&self) -> f64 {
        let pairs = self.planes.iter().zip(self.planes.iter().skip(1));
        let mut gaps: Vec<f64> = pairs.map(|(a, b)| b.offset - a.offset).collect();
        gaps.sort_by(f64::total_cmp);
        gaps.get(gaps.len() / 2).copied().unwrap_or(0.0)
    }

    /// The sum of area times spacing, mm³. Contours of one plane count separately, which is exact where they do not overlap.
    pub fn volume_mm3(&self) -> f64 {
        let contours = self.planes.iter().flat_map(|p| &p.contours);
        let area: f64 = contours.map(|c| area_vector(c).length()).sum();
        area * self.spacing_mm()
    }
}
