//! Training examples from labelled scans: crops of the cases of a folder, in the layouts of the crossMoDA challenge.
use super::data::{BALL_MM, CropSource, Sample, is_validation, mix};
use super::local_intensity::LocalIntensity;
use super::{Error, SegmenterTraining, UNKNOWN};
use crate::io::{self, LabelledScan, Warning, labelled_scans, read_labels, read_volume};
use crate::measure::{HeadAxes, porus_plane};
use crate::model::UNetDescription;
use crate::phantom::{MEDIAL_MM, NEAR_EAR};
use crate::predict::Plan;
use crate::volume::{
    Grid, LabelMap, LabelTable, Observe, Progress, Shape, Side, Structure, Volume, sample_linear,
    unobserved,
};
use glam::{DAffine3, DMat3, DVec3, EulerRot};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Every so many cases is held out for validation.
const HELD_OUT: u64 = 5;
/// Bytes of scans and label maps that are kept at a time.
const CACHE_BYTES: usize = 512 << 20;
/// A label map lies on its scan's grid when no corner is farther off, mm: programs round affines differently.
pub(super) const SAME_GRID_MM: f64 = 0.05;
/// More of the value 3 than this is no cochlea of crossMoDA 2023 but the brainstem of Schwann's own label maps, mm³.
const MOST_COCHLEA_MM3: f64 = 1500.0;

/// Part of the crops about an ear that are about the tumour's.
const TUMOUR_SIDE: f64 = 0.75;
/// From a porus to the midline, mm, where the other porus is not known.
const TO_MIDLINE_MM: f64 = 24.0;
/// Largest rotation of a crop about each axis, degrees.
const MOST_DEGREES: f64 = 12.0;
/// Largest logarithm of a crop's scale.
const MOST_SCALE: f64 = 0.1;

/// Crops of the labelled scans of a folder, about the ears for a segmenter and of the head for a localiser.
#[derive(Debug)]
pub struct FolderCrops {
    cases: Vec<Case>,
    /// Numbers of the cases that are trained on, and of those that validate.
    groups: [Vec<usize>; 2],
    localiser: bool,
    /// How tumours and cochleae of scans whose labels are not another model's are changed for training.
    local: Option<LocalIntensity>,
    cache: Mutex<Cache>,
}

/// A case that was found sound.
#[derive(Debug)]
struct Case {
    files: LabelledScan,
    /// Whether its labels are another model's.
    pseudo: bool,
    /// The left and the right porus, RAS mm.
    pori: [Option<DVec3>; 2],
    tumour: Option<Side>,
}

/// What a training on a folder learned from, for the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FolderFacts {
    /// Labelled scans.
    pub scans: usize,
    /// Those of them that are T1-weighted after contrast agent; the others are hrT2.
    pub enhanced: usize,
    /// Scans that were held out for validation; 0 when the only case had to serve for both.
    pub held_out: usize,
}

impl FolderFacts {
    /// The contrasts in words.
    pub(super) fn contrasts(&self) -> &'static str {
        match self.enhanced {
            0 => "hrT2",
            n if n == self.scans => "ceT1",
            _ => "hrT2 or ceT1",
        }
    }
}

impl FolderCrops {
    /// Finds and reads every labelled scan of a folder (see [`labelled_scans`]), so that a fault is told before hours of training. Label values: 1 the tumour,
    /// 2 the cochleae, as in the challenges of 2021 and 2022; or 1 and 2 the tumour's parts in either order and 3 the cochleae, as in 2023, where the parts become one;
    /// or Schwann's own, of which 3 to 5 are not learned. A fifth of the cases, chosen by a hash of their names, is held out for validation.
    ///
    /// # Errors
    /// Names the file: no labelled scan, one that cannot be read or does not say how it lies in the patient, a label map on another grid, without a cochlea or with a value that is not known.
    pub fn open(folder: &Path, plan: &Plan, observe: &mut Observe<'_>) -> Result<Self, Error> {
        Self::of(labelled_scans(folder)?, plan, observe)
    }

    /// [`Self::open`] of scans from anywhere.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn of(
        found: Vec<LabelledScan>,
        plan: &Plan,
        observe: &mut Observe<'_>,
    ) -> Result<Self, Error> {
        if found.is_empty() {
            return Err(Error::Settings("no labelled scan to learn from".to_owned()));
        }
        let cases = checked(found, false, observe)?;
        Ok(Self {
            groups: split(&cases),
            cases,
            localiser: plan.is_localiser(),
            local: None,
            cache: Mutex::default(),
        })
    }

    /// The same with further scans that are trained on and validate nothing, for their labels are another model's. Their label maps may hold [`UNKNOWN`] where nothing is
    /// known.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn with_pseudo_labelled(
        mut self,
        scans: Vec<LabelledScan>,
        observe: &mut Observe<'_>,
    ) -> Result<Self, Error> {
        let first = self.cases.len();
        self.cases.extend(checked(scans, true, observe)?);
        self.groups[0].extend(first..self.cases.len());
        Ok(self)
    }

    /// The same with tumours and cochleae whose intensities are changed on their own, but for scans that validate and those with pseudo-labels.
    ///
    /// # Errors
    /// When a part or level is out of range.
    pub fn with_local_intensity(self, local: Option<LocalIntensity>) -> Result<Self, Error> {
        if let Some(local) = &local {
            local.validate()?;
        }
        Ok(Self { local, ..self })
    }

    /// How many scans there are, and what they are for.
    pub fn facts(&self) -> FolderFacts {
        let [training, validation] = &self.groups;
        FolderFacts {
            scans: self.cases.len(),
            enhanced: self.cases.iter().filter(|c| c.files.enhanced).count(),
            held_out: if validation.iter().any(|n| training.contains(n)) {
                0
            } else {
                validation.len()
            },
        }
    }

    /// A case's scan and labels, from memory if they were wanted lately.
    fn load(&self, number: usize) -> Result<Arc<Loaded>, Error> {
        // The cache is whole even when a thread died that held it.
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(loaded) = cache.take(number) {
            return Ok(cache.keep(number, loaded));
        }
        let case = &self.cases[number];
        let loaded = Arc::new(Loaded::read(&case.files, case.pseudo)?);
        Ok(cache.keep(number, loaded))
    }
}

/// Reads every case, so that a fault is told before hours of training.
fn checked(
    found: Vec<LabelledScan>,
    pseudo: bool,
    observe: &mut Observe<'_>,
) -> Result<Vec<Case>, Error> {
    let count = found.len();
    let mut cases = Vec::with_capacity(count);
    for (n, files) in found.into_iter().enumerate() {
        let progress = Progress {
            stage: "checking the scans",
            fraction: n as f32 / count as f32,
        };
        if observe(progress) == ControlFlow::Break(()) {
            return Err(Error::Cancelled);
        }
        cases.push(Case::checked(files, pseudo)?);
    }
    Ok(cases)
}

/// Numbers of the cases to train on and of those to validate with. A case's hash alone decides, so that it stays where it is when others are added, and scans of one
/// case stay together; but neither group may be empty, and one case alone is in both.
fn split(cases: &[Case]) -> [Vec<usize>; 2] {
    let hash = |n: &usize| {
        let name = cases[*n].files.case.bytes();
        name.fold(0, |hash, byte| mix(hash, u64::from(byte)))
    };
    /// The scans whose hash is the smallest, and the others.
    fn divided(all: &[usize], hash: impl Fn(&usize) -> u64) -> [Vec<usize>; 2] {
        let smallest = all.iter().map(&hash).min();
        let (first, others) = all.iter().partition(|n| Some(hash(n)) == smallest);
        [first, others]
    }
    let all: Vec<usize> = (0..cases.len()).collect();
    let (mut validation, mut training): (Vec<_>, Vec<_>) =
        all.iter().partition(|n| hash(n).is_multiple_of(HELD_OUT));
    if validation.is_empty() {
        [validation, training] = divided(&all, hash);
    } else if training.is_empty() {
        [training, validation] = divided(&all, hash);
    }
    if training.is_empty() || validation.is_empty() {
        return [all.clone(), all];
    }
    [training, validation]
}

/// How the head lies, by the cochleae or the only one that is labelled; `None` where no cochlea tells.
pub(super) fn ears(labels: &LabelMap) -> Option<HeadAxes> {
    HeadAxes::of(labels).or_else(|| HeadAxes::of_one_ear(labels))
}

impl Case {
    /// Reads a case and checks all that training relies on.
    fn checked(files: LabelledScan, pseudo: bool) -> Result<Self, Error> {
        let Loaded { scan, labels } = Loaded::read(&files, pseudo)?;
        let wrong = |problem: &str, path: &Path| Error::Folder {
            problem: problem.to_owned(),
            path: path.to_owned(),
        };
        if !scan.grid().matches(labels.grid(), SAME_GRID_MM) {
            let problem = format!(
                "the label map does not lie on the grid of its scan ({})",
                files.scan.display()
            );
            return Err(wrong(&problem, &files.labels));
        }
        let [low, high] = scan.quantiles([0.0, 1.0]);
        if low >= high {
            return Err(wrong("the scan is the same everywhere", &files.scan));
        }
        let tumour = centroid(&labels, Structure::VestibularSchwannoma);
        let Some(axes) = ears(&labels) else {
            let problem = if tumour.is_some() {
                "no cochlea is labelled, which tells where the ear is"
            } else {
                "neither tumour nor cochlea is labelled"
            };
            return Err(wrong(problem, &files.labels));
        };
        let pori = [Side::Left, Side::Right].map(|side| {
            porus_plane(&axes, side).map(|plane| DVec3::from_array(plane.point_ras_mm))
        });
        let tumour = tumour.map(|centre| match pori {
            [Some(_), None] => Side::Left,
            [None, Some(_)] => Side::Right,
            _ => axes.side(centre),
        });
        Ok(Self {
            files,
            pseudo,
            pori,
            tumour,
        })
    }

    /// The middle of a crop about an ear, near or aside of it, or anywhere in the scan; RAS mm.
    fn near_ear(&self, grid: &Grid, random: &mut ChaCha8Rng) -> DVec3 {
        let drawn = if random.random_bool(0.5) {
            Side::Left
        } else {
            Side::Right
        };
        let tumours = random.random_bool(TUMOUR_SIDE);
        let side = self.tumour.filter(|_| tumours).unwrap_or(drawn);
        let porus = |side: Side| self.pori[usize::from(side == Side::Right)].map(|p| (side, p));
        let kind = random.random_range(0.0..1.0);
        let close = spread([6.0; 3], random);
        let aside = spread([24.0, 24.0, 20.0], random);
        let anywhere = spread([0.5; 3], random);
        match porus(side).or_else(|| porus(side.other())) {
            Some((side, porus)) if kind < NEAR_EAR[0] + NEAR_EAR[1] => {
                let medial = DVec3::X * towards_midline(side) * MEDIAL_MM;
                porus + medial + if kind < NEAR_EAR[0] { close } else { aside }
            }
            _ => {
                let (axes, extent) = axes_ras(grid);
                grid.centre_in_world() + axes * (anywhere * extent)
            }
        }
    }

    /// The middle of a crop of the head at large, RAS mm.
    fn in_head(&self, random: &mut ChaCha8Rng) -> DVec3 {
        let to_midline = |side| DVec3::X * towards_midline(side) * TO_MIDLINE_MM;
        let middle = match self.pori {
            [Some(left), Some(right)] => (left + right) / 2.0,
            [Some(left), None] => left + to_midline(Side::Left),
            [None, Some(right)] => right + to_midline(Side::Right),
            [None, None] => DVec3::ZERO,
        };
        middle + spread([25.0, 30.0, 30.0], random)
    }
}

/// 1 where the midline lies towards the right, −1 where towards the left.
fn towards_midline(side: Side) -> f64 {
    match side {
        Side::Left => 1.0,
        Side::Right => -1.0,
    }
}

fn spread(most: [f64; 3], random: &mut ChaCha8Rng) -> DVec3 {
    DVec3::from_array(most.map(|m| random.random_range(-m..m)))
}

/// The scan's own directions nearest to right, anterior and superior as columns, and its extent along them, mm.
pub(super) fn axes_ras(grid: &Grid) -> (DMat3, DVec3) {
    let ras = grid.closest_ras();
    let axes = [0, 1, 2].map(|world| ras.voxel_axis(world));
    let columns: [DVec3; 3] = std::array::from_fn(|world| {
        let axis = axes[world];
        let sign = if ras.flipped[axis] { -1.0 } else { 1.0 };
        let column = grid.world_from_voxel().matrix3.col(axis) * sign;
        column.normalize_or(DVec3::AXES[world])
    });
    let extent = axes.map(|axis| grid.shape()[axis] as f64 * grid.spacing_mm()[axis]);
    (
        DMat3::from_cols(columns[0], columns[1], columns[2]),
        DVec3::from_array(extent),
    )
}

/// Mean of a structure's voxel centres, RAS mm.
fn centroid(labels: &LabelMap, structure: Structure) -> Option<DVec3> {
    let value = labels.table().value(structure)?;
    let (mut sum, mut count) = (DVec3::ZERO, 0.0);
    for (index, _) in labels
        .labels()
        .iter()
        .enumerate()
        .filter(|(_, l)| **l == value)
    {
        sum += DVec3::from_array(labels.grid().voxel(index).map(|n| n as f64));
        count += 1.0;
    }
    (count > 0.0).then(|| {
        let world_from_voxel = labels.grid().world_from_voxel();
        world_from_voxel.transform_point3(sum / count)
    })
}

/// A scan in its stored type, and its labels: 1 tumour, 2 cochlea.
#[derive(Debug)]
struct Loaded {
    scan: Volume,
    labels: LabelMap,
}

impl Loaded {
    fn read(files: &LabelledScan, pseudo: bool) -> Result<Self, Error> {
        let (scan, warnings) = read_volume(&files.scan, &mut unobserved)?;
        if warnings.contains(&Warning::OrientationUnknown) {
            return Err(Error::Folder {
                problem: Warning::OrientationUnknown.to_string(),
                path: files.scan.clone(),
            });
        }
        let (labels, _) = read_labels(&files.labels, &LabelTable::default())?;
        Ok(Self {
            scan,
            labels: tumour_and_cochlea(&labels, pseudo, &files.labels)?,
        })
    }

    fn bytes(&self) -> usize {
        let datatype = self.scan.voxels().datatype();
        let bits = datatype.trim_start_matches(char::is_alphabetic).parse();
        self.scan.grid().len() * (bits.unwrap_or(64) / 8 + 1)
    }
}

/// The labels in one form, whatever the challenge's year. Pseudo-labels may hold [`UNKNOWN`], which stays.
pub(super) fn tumour_and_cochlea(
    labels: &LabelMap,
    pseudo: bool,
    path: &Path,
) -> Result<LabelMap, Error> {
    let mut counts = [0_usize; 256];
    for label in labels.labels() {
        counts[usize::from(*label)] += 1;
    }
    if pseudo {
        counts[usize::from(UNKNOWN)] = 0;
    }
    let largest = counts.iter().rposition(|n| *n > 0).unwrap_or(0);
    let cochlea_is_3 =
        largest == 3 && counts[3] as f64 * labels.grid().voxel_volume_mm3() < MOST_COCHLEA_MM3;
    let of_value: [u8; 6] = match largest {
        3 if cochlea_is_3 => [0, 1, 1, 2, 0, 0],
        0..=5 => [0, 1, 2, 0, 0, 0],
        _ => {
            return Err(Error::Folder {
                problem: format!(
                    "the label map holds the value {largest}, which is not known: 1 is the tumour and 2 the cochlea, or 1 and 2 its parts and 3 the cochlea"
                ),
                path: path.to_owned(),
            });
        }
    };
    let value = |l: &u8| of_value.get(usize::from(*l)).copied().unwrap_or(UNKNOWN);
    let values = labels.labels().iter().map(value);
    let table = LabelTable::new([
        (1, Structure::VestibularSchwannoma),
        (2, Structure::Cochlea),
    ]);
    let place = |source| io::Error::Place {
        source,
        path: path.to_owned(),
    };
    Ok(LabelMap::new(*labels.grid(), values.collect(), table).map_err(place)?)
}

/// The cases that were used last, the latest at the end.
#[derive(Debug, Default)]
struct Cache {
    kept: Vec<(usize, Arc<Loaded>)>,
}

impl Cache {
    fn take(&mut self, number: usize) -> Option<Arc<Loaded>> {
        let at = self.kept.iter().position(|(n, _)| *n == number)?;
        Some(self.kept.remove(at).1)
    }

    /// Keeps a case, and lets go of those that were not used for longest where there are too many.
    fn keep(&mut self, number: usize, loaded: Arc<Loaded>) -> Arc<Loaded> {
        self.kept.push((number, Arc::clone(&loaded)));
        let mut bytes: usize = self.kept.iter().map(|(_, l)| l.bytes()).sum();
        while bytes > CACHE_BYTES && self.kept.len() > 1 {
            bytes -= self.kept.remove(0).1.bytes();
        }
        loaded
    }
}

impl CropSource for FolderCrops {
    fn crop(&self, seed: u64, plan: &Plan) -> Result<Sample, Error> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let group = &self.groups[usize::from(is_validation(seed))];
        let number = group[random.random_range(0..group.len())];
        let (case, loaded) = (&self.cases[number], self.load(number)?);
        let grid = loaded.scan.grid();
        let centre = if self.localiser {
            case.in_head(&mut random)
        } else {
            case.near_ear(grid, &mut random)
        };
        let [a, b, c] = spread([MOST_DEGREES.to_radians(); 3], &mut random).to_array();
        let scale = random.random_range(-MOST_SCALE..MOST_SCALE).exp();
        let cut = Cut::new(
            &loaded,
            centre,
            DMat3::from_euler(EulerRot::XYZ, a, b, c) * scale,
            plan,
        );
        let mut intensities = cut.intensities()?;
        let labels = if self.localiser {
            cut.balls(&case.pori)
        } else {
            let of = |structure: Structure| {
                let name = |c: &String| c == structure.name();
                plan.classes.iter().position(name).ok_or(Error::Labels)
            };
            let tumour = of(Structure::VestibularSchwannoma)? as u8;
            let cochlea = of(Structure::Cochlea)? as u8;
            let labels = cut.labels([0, tumour, cochlea]);
            if let Some(local) = self.local.filter(|_| !case.pseudo && !is_validation(seed)) {
                let what = (labels.as_slice(), plan.patch);
                local.change(&mut intensities, what, [tumour, cochlea], &mut random);
            }
            labels
        };
        Ok(Sample {
            intensities,
            labels,
        })
    }

    fn mirrored(&self, class: u8) -> u8 {
        match class {
            1 if self.localiser => 2,
            2 if self.localiser => 1,
            other => other,
        }
    }
}

/// A crop's place in a scan. Beyond the scan's border it goes on as at the border.
struct Cut<'a> {
    loaded: &'a Loaded,
    shape: Shape,
    scan_from_crop: DAffine3,
    world_from_crop: DAffine3,
    /// How many points along each axis an intensity is the mean of: where the plan's voxels are larger than the scan's, they are averages of them.
    points: [usize; 3],
}

impl<'a> Cut<'a> {
    /// A crop along the scan's own axes in the order right, anterior, superior, turned and scaled by `turn` and moved into the scan as a region is in prediction.
    fn new(loaded: &'a Loaded, centre_in_world: DVec3, turn: DMat3, plan: &Plan) -> Self {
        let grid = loaded.scan.grid();
        let ras = grid.closest_ras();
        let (axes, _) = axes_ras(grid);
        let mut centre = grid
            .voxel_from_world()
            .transform_point3(centre_in_world)
            .to_array();
        let mut points = [1; 3];
        for world in 0..3 {
            let axis = ras.voxel_axis(world);
            let step = plan.spacing_mm[world] / grid.spacing_mm()[axis];
            points[world] = step.round().clamp(1.0, 8.0) as usize;
            let last = grid.shape()[axis] as f64 - 1.0;
            let half = ((plan.patch[world] as f64 * step - 1.0) / 2.0).min(last / 2.0);
            centre[axis] = centre[axis].clamp(half.max(0.0), last - half.max(0.0));
        }
        let centre = grid
            .world_from_voxel()
            .transform_point3(DVec3::from_array(centre));
        let matrix = axes * turn * DMat3::from_diagonal(DVec3::from_array(plan.spacing_mm));
        let middle = DVec3::from_array(plan.patch.map(|n| (n as f64 - 1.0) / 2.0));
        let world_from_crop = DAffine3::from_mat3_translation(matrix, centre - matrix * middle);
        Self {
            loaded,
            shape: plan.patch,
            scan_from_crop: grid.voxel_from_world() * world_from_crop,
            world_from_crop,
            points,
        }
    }

    /// The voxels of the crop, right fastest.
    fn voxels(&self) -> impl Iterator<Item = DVec3> {
        let [w, h, d] = self.shape;
        (0..w * h * d).map(move |n| {
            DVec3::from_array([n % w, n / w % h, n / (w * h)].map(|index| index as f64))
        })
    }

    /// The scan's last voxel along each axis.
    fn last(&self) -> DVec3 {
        DVec3::from_array(self.loaded.scan.grid().shape().map(|n| n as f64 - 1.0))
    }

    fn intensities(&self) -> Result<Vec<f32>, Error> {
        let last = self.last();
        // Only the box of the scan that holds the crop is taken out of its stored type.
        let (mut low, mut high) = (last, DVec3::ZERO);
        for corner in 0..8 {
            let at: [f64; 3] = std::array::from_fn(|a| {
                let end = self.shape[a] as f64 - 0.5;
                if corner >> a & 1 == 0 { -0.5 } else { end }
            });
            let at = self
                .scan_from_crop
                .transform_point3(DVec3::from_array(at))
                .clamp(DVec3::ZERO, last);
            (low, high) = (low.min(at.floor()), high.max(at.ceil()));
        }
        let first = low.to_array().map(|v| v as usize);
        let shape = (high - low).to_array().map(|v| v as usize + 1);
        let part = self.loaded.scan.cropped(first, shape);
        let part = part.map_err(|e| Error::Predict(e.into()))?;
        let [fallback] = part.quantiles([0.005]);
        let mut data = part.to_f32();
        for value in data.iter_mut().filter(|v| !v.is_finite()) {
            *value = fallback as f32;
        }
        let offsets = self.offsets();
        let value = |voxel: DVec3| {
            let sum: f32 = offsets
                .iter()
                .filter_map(|offset| {
                    let at = self.scan_from_crop.transform_point3(voxel + *offset);
                    sample_linear(&data, part.grid(), at.clamp(low, high) - low)
                })
                .sum();
            sum / offsets.len() as f32
        };
        Ok(self.voxels().map(value).collect())
    }

    /// The points that an intensity is the mean of, from the voxel's middle, in voxels of the crop.
    fn offsets(&self) -> Vec<DVec3> {
        let along = |axis: usize, n: usize| (n as f64 + 0.5) / self.points[axis] as f64 - 0.5;
        let [nx, ny, nz] = self.points;
        let mut offsets = Vec::new();
        for z in 0..nz {
            for y in 0..ny {
                offsets.extend((0..nx).map(|x| DVec3::new(along(0, x), along(1, y), along(2, z))));
            }
        }
        offsets
    }

    /// The class of the nearest voxel, from that of each label.
    fn labels(&self, class_of: [u8; 3]) -> Vec<u8> {
        let (last, map) = (self.last(), &self.loaded.labels);
        let class = |voxel: DVec3| {
            let at = self.scan_from_crop.transform_point3(voxel);
            let nearest = at.clamp(DVec3::ZERO, last).round().to_array();
            let index = map.grid().index(nearest.map(|v| v as usize));
            let label = usize::from(map.labels()[index]);
            class_of.get(label).copied().unwrap_or(UNKNOWN)
        };
        self.voxels().map(class).collect()
    }

    /// Balls about the left and the right porus: what a localiser learns.
    fn balls(&self, pori: &[Option<DVec3>; 2]) -> Vec<u8> {
        let class = |voxel: DVec3| {
            let at = self.world_from_crop.transform_point3(voxel);
            let near = |porus: &Option<DVec3>| porus.is_some_and(|p| p.distance(at) <= BALL_MM);
            pori.iter().position(near).map_or(0, |n| n as u8 + 1)
        };
        self.voxels().map(class).collect()
    }
}

impl SegmenterTraining {
    /// The same settings for the scans of a folder. A segmenter then has the classes that the challenge labels: tumour and cochlea.
    #[must_use]
    pub fn on_folder(self, source: &FolderCrops) -> Self {
        let mut plan = Plan {
            version: format!("{}+folder", self.plan.version),
            trained_on: "the labelled scans of a folder".to_owned(),
            ..self.plan
        };
        let mut class_weights = self.class_weights;
        if !plan.is_localiser() {
            let structures = [Structure::VestibularSchwannoma, Structure::Cochlea];
            plan.classes = std::iter::once("background")
                .chain(structures.map(Structure::name))
                .map(str::to_owned)
                .collect();
            plan.network = UNetDescription {
                classes: plan.classes.len(),
                ..plan.network
            };
            class_weights = vec![1.0, 10.0, 20.0];
        }
        Self {
            plan,
            class_weights,
            folder: Some(source.facts()),
            command: format!("{} --data DIR", self.command),
            ..self
        }
    }
}
