//! Whether the scan shows fluid between tumour and brainstem.
//!
//! On hrT2 fluid is bright, and a film of it that no label shows still raises the intensity between two dark surfaces: a film of width w in a voxel of size d by about w/d of the
//! difference between fluid and brain. Along the shortest ways from tumour to brainstem the intensity is read; a peak above a threshold between brain and fluid is a cleft.
use super::contact::{Contact, Normals};
use crate::{
    measure::Boundary,
    volume::{Grid, LabelMap, Sequence, Structure, Volume, sample_linear},
};
use glam::DVec3;
use serde::{Serialize, Serializer};

/// Profiles that are taken, at most, and the least distance between two of them, mm.
const PROFILES: usize = 10;
const APART_MM: f64 = 1.2;
/// Fewer do not tell.
const LEAST: usize = 3;
/// A way that is longer than the shortest by so much, and by such a part of it, is not one of the shortest, mm.
const LONGER_MM: f64 = 0.4;
const LONGER: f64 = 0.15;
/// Part of the ways that must show fluid: nerves and vessels cross even a wide gap.
const SEEN: f64 = 1.0 / 3.0;
/// How far the profile goes on into tumour and brainstem, mm, and the distance between its samples.
const BEYOND_MM: f64 = 4.0;
const STEP_MM: f64 = 0.1;
/// The peak is looked for so far into either surface, mm: the outline's own error.
const SLACK_MM: f64 = 0.8;
/// What lies deeper than this counts as the inside, mm.
const INSIDE_MM: f64 = 1.5;
/// A peak above brain by this part of the way to fluid is fluid (clinical proposal: 0.35).
const THRESHOLD: f64 = 0.35;
/// Fluid is looked for within so far of the nearest point, mm; the part of the unlabelled voxels there that may be brighter; and how many times brighter than brain it is at least.
const FLUID_MM: f64 = 22.0;
const FLUID_QUANTILE: f64 = 0.95;
const LEAST_CONTRAST: f64 = 1.6;
/// Where the sequence is not known, what is brighter than this part of those voxels must be so too: on ceT1 only vessels and meninges are, which are few.
const UNKNOWN_QUANTILE: f64 = 0.88;
/// A voxel that is longer than this along the way cannot show a film, mm.
const COARSE_MM: f64 = 1.25;

/// What a cleft test says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CleftVerdict {
    /// Fluid lies between tumour and brainstem.
    Seen,
    /// No fluid is seen there.
    None,
    /// The scan does not tell; the reason is given.
    CannotBeTold,
}

impl CleftVerdict {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Seen => "cleft seen",
            Self::None => "no cleft",
            Self::CannotBeTold => "cannot be told",
        }
    }
}

impl Serialize for CleftVerdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.words())
    }
}

/// Intensities along one of the shortest ways.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CleftProfile {
    /// End on the tumour, RAS mm.
    pub tumour_ras_mm: [f64; 3],
    /// End on the brainstem, RAS mm.
    pub brainstem_ras_mm: [f64; 3],
    /// Axial slice of the scan.
    pub axial_slice: usize,
    /// Places of the samples, mm: 0 at the tumour's surface, positive towards the brainstem.
    pub positions_mm: Vec<f64>,
    /// Intensities there.
    pub intensities: Vec<f64>,
    /// Where between the surfaces it is brightest, mm.
    pub peak_mm: f64,
    /// Height of that peak between brain (0) and fluid (1), above the brighter of the two insides.
    pub peak: f64,
    /// Whether that is fluid.
    pub cleft: bool,
}

/// The cleft test with all that it rests on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CleftTest {
    /// What it says.
    pub verdict: CleftVerdict,
    /// Why it cannot be told.
    pub reason: Option<String>,
    /// Intensity of the brainstem near the tumour.
    pub brain_intensity: Option<f64>,
    /// Intensity of fluid near the tumour.
    pub fluid_intensity: Option<f64>,
    /// Intensity from which a peak over dark surfaces counts as fluid.
    pub threshold_intensity: Option<f64>,
    /// The profiles, the one with the least fluid first.
    pub profiles: Vec<CleftProfile>,
}

impl CleftTest {
    fn cannot(reason: String) -> Self {
        Self {
            verdict: CleftVerdict::CannotBeTold,
            reason: Some(reason),
            brain_intensity: None,
            fluid_intensity: None,
            threshold_intensity: None,
            profiles: Vec::new(),
        }
    }

    /// Tests a scan that the labels lie on.
    pub(super) fn of(
        scan: &Volume,
        sequence: Sequence,
        labels: &LabelMap,
        (tumour, normals): (&Boundary, &Normals),
        brainstem: &Boundary,
        contact: &Contact,
    ) -> Self {
        if sequence == Sequence::CeT1 {
            return Self::cannot("fluid is dark on ceT1, as are thin vessels and bone".to_owned());
        }
        if !scan.grid().matches(labels.grid(), 0.1) {
            return Self::cannot("the scan is not on the labels' grid".to_owned());
        }
        let ways = ways(tumour, normals, brainstem, contact);
        let Some(reader) = Reader::about(scan, contact.nearest[1], &ways) else {
            return Self::cannot("the brainstem lies at the scan's edge".to_owned());
        };
        let fine: Vec<&Way> = (ways.iter())
            .filter(|w| {
                // A gap of more than a voxel needs no partial volume.
                let length = w.tumour.distance(w.brainstem);
                reader.voxel_along_mm(w.direction) <= COARSE_MM.max(length)
            })
            .collect();
        if fine.len() < LEAST {
            let coarsest = (ways.iter())
                .map(|w| reader.voxel_along_mm(w.direction))
                .fold(0.0, f64::max);
            return Self::cannot(format!(
                "voxels are up to {coarsest:.1} mm long across the gap, too coarse for a film of fluid"
            ));
        }
        let mut inside: Vec<f64> = (fine.iter())
            .flat_map(|w| {
                let deep = |n: u32| w.brainstem + w.direction * (INSIDE_MM + 0.5 * f64::from(n));
                (0..6)
                    .filter_map(|n| reader.at(deep(n)))
                    .collect::<Vec<_>>()
            })
            .collect();
        let Some(brain) = quantile(&mut inside, 0.5) else {
            return Self::cannot("the brainstem lies at the scan's edge".to_owned());
        };
        let about = contact.nearest[1];
        let bright = |part| {
            let found = fluid(&reader, labels, about, part);
            found.filter(|f| *f > LEAST_CONTRAST * brain && *f - brain > 0.0)
        };
        let known = sequence == Sequence::HrT2 || bright(UNKNOWN_QUANTILE).is_some();
        let Some(fluid) = bright(FLUID_QUANTILE).filter(|_| known) else {
            return Self {
                brain_intensity: Some(brain),
                ..Self::cannot(
                    "no fluid that is brighter than the brainstem is seen near the tumour"
                        .to_owned(),
                )
            };
        };
        let mut profiles: Vec<CleftProfile> = (fine.iter())
            .filter_map(|w| reader.profile(w, [brain, fluid]))
            .collect();
        profiles.sort_by(|a, b| a.peak.total_cmp(&b.peak));
        let (verdict, reason) = verdict(&profiles);
        Self {
            verdict,
            reason,
            brain_intensity: Some(brain),
            fluid_intensity: Some(fluid),
            threshold_intensity: Some(brain + THRESHOLD * (fluid - brain)),
            profiles,
        }
    }
}

/// A cleft where enough of the ways show fluid.
fn verdict(profiles: &[CleftProfile]) -> (CleftVerdict, Option<String>) {
    if profiles.len() < LEAST {
        let reason = "the tumour is as bright as fluid at the brainstem (a cyst), or lies at the scan's edge";
        return (CleftVerdict::CannotBeTold, Some(reason.to_owned()));
    }
    let seen = profiles.iter().filter(|p| p.cleft).count();
    if seen as f64 >= SEEN * profiles.len() as f64 {
        (CleftVerdict::Seen, None)
    } else {
        (CleftVerdict::None, None)
    }
}

/// One of the shortest ways from tumour to brainstem.
#[derive(Debug, Clone, Copy)]
struct Way {
    tumour: DVec3,
    brainstem: DVec3,
    /// Unit vector from the tumour into the brainstem.
    direction: DVec3,
    axial_slice: usize,
}

/// The shortest ways; of a contact, ways through its middle, where the rim's fluid is far.
fn ways(tumour: &Boundary, normals: &Normals, brainstem: &Boundary, contact: &Contact) -> Vec<Way> {
    let near: Vec<usize> = (0..tumour.points.len())
        .filter(|&n| contact.distances[n].0 <= contact.gap_mm * (1.0 + LONGER) + LONGER_MM)
        .collect();
    let place = |n: usize| tumour.points[n].point;
    // How much of the near surface lies about each place: most in the middle of a contact.
    let mut order: Vec<(usize, usize)> = (near.iter())
        .map(|&n| {
            let about = near.iter().filter(|&&m| place(m).distance(place(n)) < 2.5);
            (about.count(), n)
        })
        .collect();
    order.sort_by(|a, b| {
        let nearer = contact.distances[a.1]
            .0
            .total_cmp(&contact.distances[b.1].0);
        b.0.cmp(&a.0).then(nearer)
    });
    let mut ways: Vec<Way> = Vec::new();
    for (_, n) in order {
        let (mm, at) = contact.distances[n];
        let from = place(n);
        if ways.iter().any(|w| w.tumour.distance(from) < APART_MM) {
            continue;
        }
        let to = brainstem.points[at].point;
        let along = normals.at(from);
        // Faces that meet have no way between them: there the surface's own direction counts.
        let direction = if mm > 1.0 {
            (to - from).normalize_or(along)
        } else {
            along
        };
        if direction.length_squared() < 0.5 {
            continue;
        }
        ways.push(Way {
            tumour: from,
            brainstem: from + direction * mm,
            direction,
            axial_slice: tumour.points[n].axial_slice,
        });
        if ways.len() == PROFILES {
            break;
        }
    }
    ways
}

/// Reads the part of a scan that matters, between its voxels.
struct Reader {
    grid: Grid,
    data: Vec<f32>,
}

impl Reader {
    /// The part about a point and some ways; `None` where none of it is in the scan.
    fn about(scan: &Volume, point: DVec3, ways: &[Way]) -> Option<Self> {
        let grid = scan.grid();
        let rows = grid.voxel_from_world().matrix3;
        let mut low = [f64::INFINITY; 3];
        let mut high = [f64::NEG_INFINITY; 3];
        let mut hold = |p: DVec3, mm: f64| {
            let centre = grid.voxel_from_world().transform_point3(p);
            for a in 0..3 {
                let reach = mm * rows.row(a).length();
                low[a] = low[a].min(centre[a] - reach);
                high[a] = high[a].max(centre[a] + reach);
            }
        };
        hold(point, FLUID_MM);
        for way in ways {
            hold(way.tumour, BEYOND_MM + STEP_MM);
            hold(way.brainstem, BEYOND_MM + STEP_MM);
        }
        let shape = grid.shape();
        let first = [0, 1, 2].map(|a| low[a].floor().clamp(0.0, shape[a] as f64) as usize);
        let end = [0, 1, 2].map(|a| (high[a].ceil() + 1.0).clamp(0.0, shape[a] as f64) as usize);
        let count = [0, 1, 2].map(|a| end[a].saturating_sub(first[a]));
        let part = scan.cropped(first, count).ok()?;
        Some(Self {
            grid: *part.grid(),
            data: part.to_f32(),
        })
    }

    fn at(&self, point: DVec3) -> Option<f64> {
        let voxel = self.grid.voxel_from_world().transform_point3(point);
        let value = f64::from(sample_linear(&self.data, &self.grid, voxel)?);
        value.is_finite().then_some(value)
    }

    /// Length of a voxel along a direction, mm.
    fn voxel_along_mm(&self, direction: DVec3) -> f64 {
        let m = self.grid.world_from_voxel().matrix3;
        [m.x_axis, m.y_axis, m.z_axis]
            .map(|edge| edge.dot(direction).powi(2))
            .iter()
            .sum::<f64>()
            .sqrt()
    }

    /// `None` where the scan ends, or where the tumour's inside is as bright as fluid.
    fn profile(&self, way: &Way, [brain, fluid]: [f64; 2]) -> Option<CleftProfile> {
        let length = (way.brainstem - way.tumour).dot(way.direction);
        let count = ((length + 2.0 * BEYOND_MM) / STEP_MM).ceil() as usize + 1;
        let mut positions_mm = Vec::with_capacity(count);
        let mut intensities = Vec::with_capacity(count);
        for n in 0..count {
            let mm = n as f64 * STEP_MM - BEYOND_MM;
            positions_mm.push(mm);
            intensities.push(self.at(way.tumour + way.direction * mm)?);
        }
        let within = |low: f64, high: f64| -> Vec<f64> {
            (positions_mm.iter().zip(&intensities))
                .filter(|(mm, _)| (low..=high).contains(*mm))
                .map(|(_, v)| *v)
                .collect()
        };
        let tumour = quantile(&mut within(-BEYOND_MM, -INSIDE_MM), 0.5)?;
        let deep = quantile(&mut within(length + INSIDE_MM, length + BEYOND_MM), 0.5)?;
        let (peak_mm, top) = (positions_mm.iter().zip(&intensities))
            .filter(|(mm, _)| (-SLACK_MM..=length + SLACK_MM).contains(*mm))
            .max_by(|a, b| a.1.total_cmp(b.1))?;
        if tumour > brain + 0.6 * (fluid - brain) {
            return None;
        }
        // Above the brighter inside: a bright tumour's edge is no fluid.
        let base = tumour.max(deep).max(brain);
        let peak = (top - base) / (fluid - base).max(1e-9);
        Some(CleftProfile {
            tumour_ras_mm: way.tumour.to_array(),
            brainstem_ras_mm: way.brainstem.to_array(),
            axial_slice: way.axial_slice,
            peak_mm: *peak_mm,
            peak,
            cleft: peak > THRESHOLD,
            positions_mm,
            intensities,
        })
    }
}

/// Intensity of fluid about a point: the brightest of what is neither tumour, brainstem, cerebellum nor ear.
fn fluid(reader: &Reader, labels: &LabelMap, about: DVec3, part: f64) -> Option<f64> {
    let fluid = labels.table().value(Structure::FourthVentricle);
    let grid = labels.grid();
    let mut values: Vec<f64> = (reader.data.iter().enumerate())
        .filter(|(n, value)| {
            let point = reader.grid.point_in_world(reader.grid.voxel(*n));
            let label = (grid.nearest_voxel(point)).map(|v| labels.labels()[grid.index(v)]);
            let free = label == Some(0) || (label.is_some() && label == fluid);
            free && value.is_finite() && point.distance(about) <= FLUID_MM
        })
        .map(|(_, value)| f64::from(*value))
        .collect();
    quantile(&mut values, part)
}

/// The value below which a part of the values lies; `None` without values.
fn quantile(values: &mut [f64], part: f64) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    let at = ((part * last as f64).round() as usize).min(last);
    Some(*values.select_nth_unstable_by(at, f64::total_cmp).1)
}
