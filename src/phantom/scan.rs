//! A visit: pose, grid, scan.
use super::{
    Error, Patient, Truth,
    acquire::{Scanner, receive, sample},
    anatomy::rigid,
    check,
    contact::push,
    draw::Draw,
    patient::Growth,
    region::{Zone, structure_values},
    scene::{Part, Scene},
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
    /// 3D CISS, 0.547 × 0.547 × 1.5 mm, 384 × 384 × 80.
    London,
    /// 3D TSE, 0.4 × 0.4 × 1.0 mm, 512 × 512 × 80.
    Tilburg,
}

impl Site {
    /// Both.
    pub const ALL: [Self; 2] = [Self::London, Self::Tilburg];

    /// The grid of the site's scans.
    pub fn grid(self) -> GridSpec {
        match self {
            Self::London => GridSpec {
                shape: [384, 384, 80],
                spacing_mm: [0.547, 0.547, 1.5],
            },
            Self::Tilburg => GridSpec {
                shape: [512, 512, 80],
                spacing_mm: [0.4, 0.4, 1.0],
            },
        }
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
    /// Decides pose, scatter of the contrast, and noise.
    pub seed: u64,
    /// The grid; `None` for the site's own.
    pub grid: Option<GridSpec>,
}

/// A scan with its exact labels and truth.
#[derive(Debug, Clone)]
pub struct Scan {
    /// 12-bit hrT2-like intensities as `int16`.
    pub volume: Volume,
    /// Labels of the default table. A voxel belongs to the structure that covers at least half of it.
    pub labels: LabelMap,
    /// The anatomy map on the same grid, `i` fastest: values of [`Region`](super::Region), finer than the labels and consistent with them.
    pub regions: Vec<u8>,
    /// What is true of it.
    pub truth: Truth,
}

impl Patient {
    /// Scans the patient.
    ///
    /// # Errors
    /// When the visit's time or grid makes no sense, the tumour cannot have the visit's volume, or the observer stops.
    pub fn scan(&self, visit: &VisitSpec, observe: &mut Observe<'_>) -> Result<Scan, Error> {
        check("years since the first visit", visit.years, 0.0, 50.0)?;
        let spec = visit.grid.unwrap_or(visit.site.grid());
        spec.check()?;
        let mut draw = Draw::new(visit.seed, 2);
        let world_from_head = draw_pose(&mut draw);
        let grid = draw_grid(&spec, world_from_head, &mut draw)?;
        let palette = Palette::of_site(visit.site, super::Modality::HrT2, &mut draw);
        let scanner = site_scanner(visit.site, &spec, &mut draw);
        let tumour = self.tumour(visit.years)?;
        let truth = Truth::new(self, visit, tumour.as_ref(), world_from_head);
        let tumour_part = tumour
            .as_ref()
            .zip(self.growth.as_ref())
            .map(|(t, g)| part(t, g));
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
        let stored = receive(sampled.water, &sampled.fat, spec.shape, &scanner);
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
pub(super) fn part(tumour: &Tumour, growth: &Growth) -> Part {
    Part {
        zone: Zone::Tumour {
            porus: tumour.canal().porus,
            face: tumour.canal().face,
        },
        ..rigid(
            Solid::Tumour(Box::new(tumour.clone())),
            Paint::Tumour {
                content: growth.content.clone(),
                ball: tumour.ball(),
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

fn site_scanner(site: Site, spec: &GridSpec, draw: &mut Draw) -> Scanner {
    // What the sequence resolves, mm; reconstruction interpolates it to the voxels of the file.
    let (fwhm, snr, csf) = match site {
        Site::London => ([0.75, 0.85, 1.3], draw.uniform(35.0, 80.0), 1100.0),
        Site::Tilburg => ([0.65, 0.75, 1.0], draw.uniform(45.0, 100.0), 1500.0),
    };
    // A voxel's samples already average over it: what is left is the difference of the variances.
    let sigma = |n: usize| {
        let voxel = spec.spacing_mm[n];
        let variance = (fwhm[n] / 2.355_f64).powi(2) - voxel * voxel / 12.0;
        (variance.max(0.0).sqrt() / voxel).min(4.0)
    };
    Scanner {
        blur: [sigma(0), sigma(1), sigma(2)],
        gamma: 1.0,
        shading: Scanner::shading(draw, 0.06),
        snr,
        csf: csf * draw.uniform(0.85, 1.15),
        noise_seed: draw.seed(),
    }
}
