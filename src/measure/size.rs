//! Size of each labelled structure.
use super::{
    Boundary, BoundaryPoint,
    boundary::{diameter, diameter_mm},
    parts::{MIN_PART_MM3, Part, part_boundaries, parts, specks, without_specks},
    sides::{Sides, voxels_by_side},
    surface_area_mm2,
};
use crate::volume::{LabelMap, Side, Structure};
use glam::DVec3;
use serde::{Serialize, Serializer};

/// Which side of the patient a structure lies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SizeSide {
    /// Left only.
    Left,
    /// Right only.
    Right,
    /// Parts on both sides.
    Both,
}

impl SizeSide {
    /// What may be told of it where a scan's file tells left from right or does not: that there are parts on both sides, always.
    pub fn where_told(self, sides_are_told: bool) -> Option<Self> {
        (sides_are_told || self == Self::Both).then_some(self)
    }
}

impl From<Side> for SizeSide {
    fn from(side: Side) -> Self {
        match side {
            Side::Left => Self::Left,
            Side::Right => Self::Right,
        }
    }
}

/// The size of one structure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StructureSize {
    /// Value in the label map.
    pub label: u8,
    /// What it is.
    #[serde(rename = "name", serialize_with = "name")]
    pub structure: Structure,
    /// Number of voxels.
    pub voxels: usize,
    /// Voxels times the volume of one, mm³.
    pub volume_mm3: f64,
    /// Surface area (Crofton), mm².
    pub surface_mm2: f64,
    /// Largest distance between two boundary points, mm; of tumours on both sides, the largest within one connected part; of what each ear has, the largest within one ear.
    pub max_diameter_3d_mm: f64,
    /// Largest distance between two boundary points of one axial slice of the scan, mm; of tumours and ears as above.
    pub max_axial_diameter_mm: f64,
    /// Mean of the voxel centres, RAS mm.
    pub centroid_ras_mm: [f64; 3],
    /// Number of 26-connected parts.
    pub components: usize,
    /// How many of them, of a tumour, are smaller than 10 mm³ and beside a larger one: they count in the volume, and in no length.
    pub specks: usize,
    /// Side of the patient; none for structures in the midline, and where the midline is not known.
    pub side: Option<SizeSide>,
    /// Whether the structure reaches the edge of the scan, so that its size is a lower limit.
    pub at_scan_edge: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's form")]
fn name<S: Serializer>(structure: &Structure, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(structure.name())
}

/// Size of every structure that has voxels, in the order of the label table.
pub fn structure_sizes(labels: &LabelMap) -> Vec<StructureSize> {
    labels
        .table()
        .entries()
        .iter()
        .filter_map(|&(_, structure)| structure_size(labels, structure))
        .collect()
}

/// Size of one structure; `None` when it has no voxels.
pub fn structure_size(labels: &LabelMap, structure: Structure) -> Option<StructureSize> {
    let label = labels.table().value(structure)?;
    let grid = labels.grid();
    let parts = parts(labels, structure);
    let voxels: usize = parts.iter().map(|p| p.voxels).sum();
    if voxels == 0 {
        return None;
    }
    let centroid = parts
        .iter()
        .map(|p| p.centroid * p.voxels as f64)
        .sum::<DVec3>()
        / voxels as f64;
    // A stray voxel of a tumour would make centimetres of a diameter.
    let (specks, whole) = if structure == Structure::VestibularSchwannoma {
        let specks = specks(&parts, grid.voxel_volume_mm3());
        (specks, without_specks(labels, structure))
    } else {
        (0, None)
    };
    let whole = whole.as_ref().unwrap_or(labels);
    let side = side(labels, structure, &parts);
    let boundaries = bodies(whole, structure, side);
    let longest = |of: fn(&Boundary) -> f64| boundaries.iter().map(of).fold(0.0, f64::max);
    Some(StructureSize {
        label,
        structure,
        voxels,
        volume_mm3: voxels as f64 * grid.voxel_volume_mm3(),
        surface_mm2: surface_area_mm2(labels, structure),
        max_diameter_3d_mm: longest(max_diameter_3d_mm),
        max_axial_diameter_mm: longest(max_axial_diameter_mm),
        centroid_ras_mm: centroid.to_array(),
        components: parts.len(),
        specks,
        side,
        at_scan_edge: at_scan_edge(labels, structure),
    })
}

/// The boundaries within each of which a structure has its lengths: from one ear to the other, or from one tumour to that of the other side, there is no diameter.
fn bodies(labels: &LabelMap, structure: Structure, side: Option<SizeSide>) -> Vec<Boundary> {
    let both = side == Some(SizeSide::Both);
    if structure.is_paired() {
        let ears = voxels_by_side(labels, structure);
        // Where nothing tells the sides of both, each part is taken by itself.
        if !both || ears.iter().all(|ear| ear.side.is_some()) {
            return ears.iter().map(|ear| of_one(labels, &ear.voxels)).collect();
        }
    }
    if both {
        part_boundaries(labels, structure)
    } else {
        vec![Boundary::of(labels, structure)]
    }
}

/// The boundary of some voxels, given by their ascending positions in memory.
fn of_one(labels: &LabelMap, voxels: &[usize]) -> Boundary {
    let grid = labels.grid();
    let mut bounds = [[usize::MAX, 0]; 3];
    for &n in voxels {
        for (bound, at) in bounds.iter_mut().zip(grid.voxel(n)) {
            *bound = [bound[0].min(at), bound[1].max(at)];
        }
    }
    Boundary::of_voxels(grid, bounds, |n| voxels.binary_search(&n).is_ok())
}

/// Largest distance between two boundary points, mm.
fn max_diameter_3d_mm(boundary: &Boundary) -> f64 {
    let all: Vec<DVec3> = boundary.points.iter().map(|p| p.point).collect();
    diameter_mm(&all)
}

/// Largest distance between two boundary points of one axial slice, mm.
fn max_axial_diameter_mm(boundary: &Boundary) -> f64 {
    max_axial_diameter(&boundary.points).map_or(0.0, |[a, b]| a.distance(b))
}

/// The two boundary points of one axial slice that lie farthest apart; `None` when no slice has two.
pub(super) fn max_axial_diameter<'a>(
    points: impl IntoIterator<Item = &'a BoundaryPoint>,
) -> Option<[DVec3; 2]> {
    slices(points)
        .iter()
        .filter_map(|slice| diameter(slice))
        .fold(None, |longest: Option<[DVec3; 2]>, [a, b]| {
            let keep = longest.filter(|[c, d]| c.distance(*d) >= a.distance(b));
            keep.or(Some([a, b]))
        })
}

/// The boundary points between voxels of one axial slice, slice by slice.
pub(super) fn slices<'a>(points: impl IntoIterator<Item = &'a BoundaryPoint>) -> Vec<Vec<DVec3>> {
    let mut points: Vec<(usize, DVec3)> = points
        .into_iter()
        .filter(|p| p.in_slice)
        .map(|p| (p.axial_slice, p.point))
        .collect();
    points.sort_by_key(|(slice, _)| *slice);
    points
        .chunk_by(|a, b| a.0 == b.0)
        .map(|slice| slice.iter().map(|(_, p)| *p).collect())
        .collect()
}

/// Whether a structure has a voxel in the grid's outermost layer. Along an axis of one voxel there is no inside to compare with.
fn at_scan_edge(labels: &LabelMap, structure: Structure) -> bool {
    let shape = labels.grid().shape();
    labels.bounds(structure).is_some_and(|bounds| {
        bounds
            .iter()
            .zip(shape)
            .any(|([low, high], n)| n > 1 && (*low == 0 || *high == n - 1))
    })
}

/// No tumour reaches so far sideways: where one of two parts has no side, parts that lie farther apart are two tumours, mm.
const FAR_APART_MM: f64 = 35.0;

/// Side of the parts of a lateral structure, each by the rule of [`Sides`]. None where nothing tells it.
fn side(labels: &LabelMap, structure: Structure, parts: &[Part]) -> Option<SizeSide> {
    if matches!(
        structure,
        Structure::Brainstem | Structure::FourthVentricle | Structure::Cerebellum
    ) {
        return None;
    }
    let voxel_mm3 = labels.grid().voxel_volume_mm3();
    let told = Sides::of(labels);
    let mut sides = Vec::new();
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for (n, part) in parts.iter().enumerate() {
        // The largest part counts however small it is.
        if n == 0 || part.voxels as f64 * voxel_mm3 >= MIN_PART_MM3 {
            sides.push(told.side(part.centroid));
            low = low.min(part.centroid.x);
            high = high.max(part.centroid.x);
        }
    }
    let has = |side| sides.contains(&side);
    match (has(Some(Side::Left)), has(Some(Side::Right))) {
        (true, true) => Some(SizeSide::Both),
        _ if has(None) && high - low > FAR_APART_MM => Some(SizeSide::Both),
        (true, false) => Some(SizeSide::Left),
        (false, true) => Some(SizeSide::Right),
        (false, false) => None,
    }
}
