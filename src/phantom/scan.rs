//! A visit: pose, grid, scan.
use super::{
    Error, Modality, Patient, Truth,
    acquire::{Acquisition, Scanner, fat_shift_mm, receive, sample},
    anatomy::rigid,
    check,
    contact::push,
    draw::Draw,
    drawn::Drawn,
    motion::{Ghost, Jump},
    off_resonance::OffResonance,
    patient::Growth,
    region::{Zone, structure_values},
    scene::{Part, Scene},
    sequence::Sequence,
    shading::Shading,
    shape::Shape as Solid,
    tissue::{Paint, Palette},
    tumour::Tumour,
};
use crate::volume::{Grid, LabelMap, LabelTable, Observe, Shape, Volume, Voxels};
use glam::{DAffine3, DMat3, DQuat, DVec3};
use serde::Serialize;

/// Where a scan is made; decides sequence, contrast and grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Site {
    /// hrT2: 3D CISS, 0.547 × 0.547 × 1.5 mm, 384 × 384 × 80; ceT1: MPRAGE, 0.41 × 0.41 × 1.5 mm, 512 × 512 × 120.
    London,
    /// hrT2: 3D TSE, 0.4 × 0.4 × 1.0 mm, 512 × 512 × 80; ceT1: spoiled gradient echo, 0.8 × 0.8 × 1.5 mm, 256 × 256 × 90.
    Tilburg,
}

impl Site {
    /// Both.
    pub const ALL: [Self; 2] = [Self::London, Self::Tilburg];

    /// The grid of the site's scans.
    pub fn grid(self, modality: Modality) -> GridSpec {
        let (shape, spacing_mm) = match (self, modality) {
            (Self::London, Modality::HrT2) => ([384, 384, 80], [0.547, 0.547, 1.5]),
            (Self::Tilburg, Modality::HrT2) => ([512, 512, 80], [0.4, 0.4, 1.0]),
            (Self::London, Modality::CeT1) => ([512, 512, 120], [0.41, 0.41, 1.5]),
            (Self::Tilburg, Modality::CeT1) => ([256, 256, 90], [0.8, 0.8, 1.5]),
        };
        GridSpec { shape, spacing_mm }
    }
}

/// Size of a scan, centred on the head about the height of the canals.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GridSpec {
    /// Voxels along i (to the patient's left), j (to the front), k (up).
    pub shape: Shape,
    /// Distance of neighbouring voxels, mm, 0.1 to 5.
    pub spacing_mm: [f64; 3],
}

/// Random stream of the ceT1 scan of a visit.
const SECOND_SCAN_STREAM: u64 = 42;
/// Most voxels of a phantom scan.
const MOST_VOXELS: usize = 1 << 28;

impl GridSpec {
    pub(super) fn check(&self) -> Result<(), Error> {
        let count = self
            .shape
            .iter()
            .try_fold(1_usize, |n, &d| n.checked_mul(d));
        if count.is_none_or(|n| n == 0 || n > MOST_VOXELS) {
            return Err(Error::Grid(self.shape));
        }
        self.spacing_mm
            .iter()
            .try_for_each(|&mm| check("spacing in mm", mm, 0.1, 5.0))
    }
}

/// One visit of a patient.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VisitSpec {
    /// Years since the first visit, 0 to 50.
    pub years: f64,
    /// Where the scan is made.
    pub site: Site,
    /// What the scan shows. Both of one seed are of one session: the head moves about a millimetre and a degree between them.
    pub modality: Modality,
    /// Decides pose, scatter of the contrast, and noise.
    pub seed: u64,
    /// The grid; `None` for the site's own for the modality.
    pub grid: Option<GridSpec>,
}

/// A scan with its exact labels and truth.
#[derive(Debug, Clone)]
pub struct Scan {
    /// 12-bit intensities as `int16`.
    pub volume: Volume,
    /// Labels of the default table. A voxel belongs to the structure that covers at least half of it.
    pub labels: LabelMap,
    /// The anatomy map on the same grid, `i` fastest: values of [`Region`](super::Region), finer than the labels and consistent with them.
    pub regions: Vec<u8>,
    /// What is true of it, and what was drawn for it.
    pub truth: Truth,
}

impl Patient {
    /// Scans the patient.
    ///
    /// # Errors
    /// When the visit's time or grid makes no sense, the tumour cannot have the visit's volume, or the observer stops.
    pub fn scan(&self, visit: &VisitSpec, observe: &mut Observe<'_>) -> Result<Scan, Error> {
        self.scan_lying(visit, None, observe)
    }

    /// Scans the patient with the head at a given place in the scanner, in place of the one drawn from the visit's seed. The slab lies along
    /// the scanner's axes about the head, as ever.
    ///
    /// # Errors
    /// As [`Patient::scan`], and when the transform is not finite.
    pub fn scan_in_pose(
        &self,
        visit: &VisitSpec,
        world_from_head: DAffine3,
        observe: &mut Observe<'_>,
    ) -> Result<Scan, Error> {
        self.scan_lying(visit, Some(world_from_head), observe)
    }

    fn scan_lying(
        &self,
        visit: &VisitSpec,
        given: Option<DAffine3>,
        observe: &mut Observe<'_>,
    ) -> Result<Scan, Error> {
        check("years since the first visit", visit.years, 0.0, 50.0)?;
        let spec = visit.grid.unwrap_or(visit.site.grid(visit.modality));
        spec.check()?;
        let mut draw = Draw::new(visit.seed, 2);
        let mut world_from_head = draw_pose(&mut draw);
        if visit.modality == Modality::CeT1 {
            draw = Draw::new(visit.seed, SECOND_SCAN_STREAM);
            world_from_head = draw_motion(&mut draw) * world_from_head;
        }
        let world_from_head = given.unwrap_or(world_from_head);
        let grid = draw_grid(&spec, world_from_head, &mut draw)?;
        let of = (visit.site, visit.modality);
        let palette = Palette::of_people(of, &mut draw, self.family.tissues(visit.seed));
        let field_axis = world_from_head.inverse().transform_vector3(DVec3::Z);
        let mut scanner = site_scanner(of, palette.sequence, field_axis, &mut draw);
        self.family.scanned(visit.seed, &mut scanner.acquisition);
        let tumour = self.tumour(visit.years)?;
        let drawn = Drawn::new(self, tumour.as_ref(), &palette, scanner.acquisition.clone());
        let truth = Truth::new(self, visit, tumour.as_ref(), world_from_head, drawn);
        let tumour_part = tumour
            .as_ref()
            .zip(self.growth.as_ref())
            .map(|(t, g)| part(t, g, visit.years));
        let scene = self.scene(tumour.as_ref(), tumour_part.as_ref(), &palette);
        let head_from_voxel = world_from_head.inverse() * grid.world_from_voxel();
        let sampled = sample(&scene, spec.shape, head_from_voxel, observe)?;
        let of_region = structure_values();
        let labels = sampled
            .regions
            .iter()
            .map(|&r| of_region[usize::from(r)])
            .collect();
        let regions = sampled.regions;
        let stored = receive(&sampled.signal, spec.shape, head_from_voxel, &scanner);
        let voxels = stored
            .iter()
            .map(|v| v.round().clamp(0.0, 4095.0) as i16)
            .collect();
        Ok(Scan {
            volume: Volume::new(grid, Voxels::I16(voxels), 1.0, 0.0)?,
            labels: LabelMap::new(grid, labels, LabelTable::default())?,
            regions,
            truth,
        })
    }

    /// The head with the tumour in it.
    pub(super) fn scene<'a>(
        &'a self,
        tumour: Option<&Tumour>,
        part: Option<&'a Part>,
        palette: &'a Palette,
    ) -> Scene<'a> {
        Scene {
            parts: self.anatomy.parts.iter().chain(part).collect(),
            push: tumour.and_then(|t| push(t, &self.anatomy)),
            palette,
            seed: self.anatomy.seed,
        }
    }
}

/// The tumour as the last solid to be painted.
pub(super) fn part(tumour: &Tumour, growth: &Growth, years: f64) -> Part {
    Part {
        zone: Zone::Tumour {
            porus: tumour.canal().porus,
            face: tumour.canal().face,
        },
        ..rigid(
            Solid::Tumour(Box::new(tumour.clone())),
            Paint::Tumour {
                content: growth.content.clone(),
                ball: growth.content.ball(tumour),
                core: growth.core_at(years),
            },
        )
    }
}

/// How the head lies in the scanner: pitch, yaw and roll of a few degrees and a few millimetres.
pub(super) fn draw_pose(draw: &mut Draw) -> DAffine3 {
    let mut angle = |sd: f64| draw.normal(0.0, sd).clamp(-12.0, 12.0).to_radians();
    let rotation = DQuat::from_rotation_x(angle(5.0))
        * DQuat::from_rotation_y(angle(3.0))
        * DQuat::from_rotation_z(angle(3.0));
    let mut shift = || draw.normal(0.0, 5.0).clamp(-15.0, 15.0);
    DAffine3::from_rotation_translation(rotation, DVec3::new(shift(), shift(), shift()))
}

/// How the head moves between the scans of one session: about a millimetre and a degree.
fn draw_motion(draw: &mut Draw) -> DAffine3 {
    let turn = draw.direction() * draw.clipped(0.0, 1.0, 2.5).to_radians();
    let shift = DVec3::from_array(std::array::from_fn(|_| draw.clipped(0.0, 0.6, 2.5)));
    DAffine3::from_rotation_translation(DQuat::from_scaled_axis(turn), shift)
}

/// An axial slab through the canals, stored to the left, front and top; every second one is tilted towards the skull base.
fn draw_grid(spec: &GridSpec, world_from_head: DAffine3, draw: &mut Draw) -> Result<Grid, Error> {
    let tilt = if draw.chance(0.5) {
        draw.clipped(0.0, 4.0, 2.0)
    } else {
        0.0
    };
    let mut jitter = |sd: f64| draw.clipped(0.0, sd, 2.0);
    let in_head = DVec3::new(
        jitter(1.5),
        jitter(1.5) - 4.0 * wide(spec),
        jitter(1.5) + 2.0,
    );
    let centre = world_from_head.transform_point3(in_head);
    let spacing = DVec3::from_array(spec.spacing_mm);
    let axes = DMat3::from_quat(DQuat::from_rotation_x(tilt.to_radians()))
        * DMat3::from_diagonal(spacing * DVec3::new(-1.0, 1.0, 1.0));
    let half = DVec3::from_array(spec.shape.map(|n| (n as f64 - 1.0) / 2.0));
    Ok(Grid::new(
        spec.shape,
        DAffine3::from_mat3_translation(axes, centre - axes * half),
    )?)
}

/// Whether the field of view shows the whole head (1) or the ears only (0).
fn wide(spec: &GridSpec) -> f64 {
    let depth = spec.shape[1] as f64 * spec.spacing_mm[1];
    ((depth - 90.0) / 90.0).clamp(0.0, 1.0)
}

/// Part of the visits during which the patient moves, and during which fluid pulsates in step with the echoes.
const MOVING: f64 = 0.12;
const PULSATING: f64 = 0.1;

/// The scanner of a site with the scatter of visits.
///
/// On ceT1 signals are relative to white matter, and so are the ratio to noise and the stored value.
fn site_scanner(
    (site, modality): (Site, Modality),
    sequence: Option<Sequence>,
    field_axis: DVec3,
    draw: &mut Draw,
) -> Scanner {
    // These come from the visit's own stream, the rest from another, so that a visit keeps its signal-to-noise ratio and shading.
    let (snr, unit) = match (site, modality) {
        (Site::London, Modality::HrT2) => (draw.uniform(35.0, 80.0), 1100.0),
        (Site::Tilburg, Modality::HrT2) => (draw.uniform(45.0, 100.0), 1500.0),
        (Site::London, Modality::CeT1) => (draw.uniform(10.0, 25.0), 420.0),
        (Site::Tilburg, Modality::CeT1) => (draw.uniform(15.0, 35.0), 600.0),
    };
    let mut shading = Shading::polynomial(draw, 0.06);
    let unit_value = unit * draw.uniform(0.85, 1.15);
    let noise_seed = draw.seed();
    let mut draw = Scanner::draw(noise_seed);
    // What the sequence resolves, mm; reconstruction interpolates it to the voxels of the file.
    let resolved = match (site, modality) {
        (Site::London, Modality::HrT2) => [0.75, 0.85, draw.uniform(1.3, 1.5)],
        (Site::Tilburg, Modality::HrT2) => [0.65, 0.75, 1.0],
        (Site::London, Modality::CeT1) => [0.8, 0.9, 1.5],
        (Site::Tilburg, Modality::CeT1) => [0.9, 1.0, 1.5],
    };
    let resolution_mm = resolved.map(|mm| mm * draw.clipped(1.0, 0.03, 2.0));
    let window_alpha = draw.uniform(0.0, 0.6);
    let elliptical = draw.chance(0.5);
    let bandwidth_hz = draw.uniform(130.0, 400.0);
    let fat_shift_mm = fat_shift_mm(bandwidth_hz, resolution_mm[0], &mut draw);
    let off_resonance = OffResonance::draw(field_axis, &mut draw);
    // London receives with one coil, Tilburg with an array whose image is evened out, but not wholly.
    if site == Site::Tilburg && draw.chance(0.5) {
        shading.elements = Shading::array(&mut draw);
    }
    let slab_edges = [0, 1].map(|_| draw.uniform(0.85, 1.0));
    let jumps = if draw.chance(MOVING) {
        Jump::draw_some(&mut draw)
    } else {
        Vec::new()
    };
    let ghost = draw.chance(PULSATING).then(|| Ghost::draw(&mut draw));
    Scanner {
        acquisition: Acquisition {
            sequence,
            resolution_mm,
            window_alpha,
            elliptical,
            bandwidth_hz,
            fat_shift_mm,
            off_resonance: matches!(sequence, Some(Sequence::Ciss { .. })).then_some(off_resonance),
            shading,
            slab_edges,
            jumps,
            ghost,
            snr,
            unit_value,
        },
        gamma: 1.0,
        noise_seed,
    }
}
