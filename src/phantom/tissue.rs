//! What each tissue looks like: its signal relative to cerebrospinal fluid, and the patterns inside it.
use super::{
    Site,
    content::Content,
    draw::{Draw, cell, field, waves},
    family::shifted,
    relaxation::{drawn, typical},
    sequence::{Modality, Sequence},
};
use glam::DVec3;
use std::{collections::BTreeMap, sync::Arc};

/// Signal of fluid, of solid tissue and of fat, relative to CSF: a balanced sequence dims the first two differently off resonance, and the
/// scanner shifts the third along the readout.
pub(super) type Signal = DVec3;

/// Tissues that differ in signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tissue {
    Air,
    Bone,
    Marrow,
    Fat,
    Muscle,
    Csf,
    Grey,
    White,
    Cerebellum,
    Brainstem,
    Nerve,
    Artery,
    Vein,
    Labyrinth,
    Tumour,
    Cyst,
    Dura,
    Mucosa,
    Vitreous,
    Lens,
    /// Loose tumour tissue, Antoni's type B.
    LooseTumour,
    /// The core of a tumour that lost its enhancement after radiosurgery.
    TreatedCore,
}

const COUNT: usize = Tissue::TreatedCore as usize + 1;

/// Signal of every tissue relative to CSF, and how uneven it is.
#[derive(Debug, Clone)]
pub(super) struct Palette {
    signal: [f64; COUNT],
    /// Signal of a meningioma.
    meningioma: f64,
    /// Depth of the fine texture of soft tissue, relative.
    pub(super) texture: f64,
    /// Depth of the coarse texture of the tumour, relative.
    pub(super) tumour_texture: f64,
    /// Period of that texture, mm.
    pub(super) tumour_grain_mm: f64,
    /// Signal lost by pulsating CSF where it is worst, relative.
    pub(super) flow: f64,
    /// The sequence behind the signals; `None` where they are drawn at large.
    pub(super) sequence: Option<Sequence>,
}

/// All tissues, in the order of their numbers.
const ALL: [Tissue; COUNT] = [
    Tissue::Air,
    Tissue::Bone,
    Tissue::Marrow,
    Tissue::Fat,
    Tissue::Muscle,
    Tissue::Csf,
    Tissue::Grey,
    Tissue::White,
    Tissue::Cerebellum,
    Tissue::Brainstem,
    Tissue::Nerve,
    Tissue::Artery,
    Tissue::Vein,
    Tissue::Labyrinth,
    Tissue::Tumour,
    Tissue::Cyst,
    Tissue::Dura,
    Tissue::Mucosa,
    Tissue::Vitreous,
    Tissue::Lens,
    Tissue::LooseTumour,
    Tissue::TreatedCore,
];

/// The site's sequence with the scatter of settings.
fn protocol(site: Site, modality: Modality, draw: &mut Draw) -> Sequence {
    match (site, modality) {
        (Site::London, Modality::HrT2) => Sequence::Ciss {
            tr: 9.4,
            te: 4.23,
            flip_deg: draw.clipped(67.0, 2.0, 2.0),
            dual: true,
        },
        (Site::Tilburg, Modality::HrT2) => Sequence::Tse {
            tr: 2700.0,
            te: draw.clipped(245.0, 6.0, 2.0),
            train: 250.0,
            t2_factor: 1.3,
        },
        (Site::London, Modality::CeT1) => Sequence::Mprage {
            tr: 1900.0,
            te: 2.97,
            ti: 1100.0,
            flip_deg: 15.0,
            spacing: 7.5,
            echoes: 160.0,
        },
        (Site::Tilburg, Modality::CeT1) => Sequence::SpoiledGradientEcho {
            tr: 25.0,
            te: 1.82,
            flip_deg: 30.0,
        },
    }
}

/// What the equations leave out: magnetisation transfer in brain, J-coupling in fat, and flow. The constants here are estimates that make
/// the pictures look like those of the clinic; none follows from an equation or is a published measurement.
fn corrected(tissue: Tissue, sequence: Sequence, signal: f64, transfer: f64) -> f64 {
    match (sequence, tissue) {
        // Magnetisation transfer takes 15 to 30 % off brain under the dense pulses of balanced steady state.
        (
            Sequence::Ciss { .. },
            Tissue::Grey | Tissue::White | Tissue::Cerebellum | Tissue::Brainstem | Tissue::Nerve,
        ) => signal * transfer,
        // Flow: arteries lie between void and a third of CSF on CISS, near void on TSE, and veins are slower. One typical value each.
        (Sequence::Ciss { .. }, Tissue::Artery) => 0.12,
        (Sequence::Tse { .. }, Tissue::Artery) => 0.025,
        (Sequence::Tse { .. }, Tissue::Vein) => 0.14,
        // Dense refocusing undoes J-coupling, so fat is 40 to 70 % of CSF, far above what its T2 predicts.
        (Sequence::Tse { .. }, Tissue::Fat) => 0.46,
        (Sequence::Tse { .. }, Tissue::Marrow) => 0.28,
        // Fitted: keeps fat near the contrast that the segmenter was trained on.
        (Sequence::Ciss { .. }, Tissue::Fat) => 0.84 * signal,
        // Cortical bone is never free of marrow and vessels: a floor chosen by eye.
        (Sequence::Ciss { .. } | Sequence::Tse { .. }, Tissue::Bone) => signal.max(0.02),
        // Marrow is fat among trabeculae, which take space and dephase: a share chosen by eye.
        (_, Tissue::Marrow) => 0.55 * signal,
        _ => signal,
    }
}

impl Palette {
    /// The signals of a site with the scatter of patients and settings: hrT2 relative to CSF, ceT1 relative to white matter.
    pub(super) fn of_site(site: Site, modality: Modality, draw: &mut Draw) -> Self {
        Self::of_people((site, modality), draw, None)
    }

    /// The same for people whose relaxation times lie beyond the usual scatter, where draws for them are given.
    pub(super) fn of_people(
        (site, modality): (Site, Modality),
        draw: &mut Draw,
        mut beyond: Option<Draw>,
    ) -> Self {
        let sequence = protocol(site, modality, draw);
        let transfer = draw.clipped(0.82, 0.02, 2.0);
        let reference = match modality {
            Modality::HrT2 => Tissue::Csf,
            Modality::CeT1 => Tissue::White,
        };
        let unit = sequence.signal(typical(reference), 0.0);
        let mut signal = ALL.map(|tissue| {
            let mut relaxation = drawn(tissue, draw);
            if let Some(beyond) = &mut beyond {
                relaxation = shifted(relaxation, beyond);
            }
            let relaxation = match modality {
                Modality::HrT2 => relaxation,
                Modality::CeT1 => relaxation.enhanced(),
            };
            corrected(
                tissue,
                sequence,
                sequence.signal(relaxation, 0.0) / unit,
                transfer,
            )
        });
        signal[reference as usize] = 1.0;
        let mut palette = Self {
            sequence: Some(sequence),
            ..Self::with(signal, draw)
        };
        if modality == Modality::CeT1 {
            // It takes up gadolinium as strongly as a schwannoma.
            palette.meningioma = 1.05 * signal[Tissue::Tumour as usize];
        }
        palette
    }

    /// With an inner ear up to twice as bright on ceT1, in bone that is not quite dark, for training: on the one real scan that it was held
    /// beside, the cochlea had 0.4 and the bone about it 0.2 of the signal of brain, where relaxation times predict half of both. Protein,
    /// gadolinium in the perilymph and the scanner's filters may each be a reason.
    pub(super) fn with_brighter_ears(mut self, modality: Modality, draw: &mut Draw) -> Self {
        if modality == Modality::CeT1 {
            self.signal[Tissue::Labyrinth as usize] *= draw.uniform(1.0, 2.2);
            self.signal[Tissue::Bone as usize] += draw.uniform(0.0, 0.2);
        }
        self
    }

    /// Signals drawn at large for training, in the order that all scans of a modality share.
    pub(super) fn random(modality: Modality, draw: &mut Draw) -> Self {
        match modality {
            Modality::HrT2 => Self::random_fluid_bright(draw),
            Modality::CeT1 => Self::random_enhanced(draw),
        }
    }

    /// As on T1-weighted scans after gadolinium: fluids, bone and air dark, brain between, fat, veins and tumour bright.
    fn random_enhanced(draw: &mut Draw) -> Self {
        let brain = draw.uniform(0.45, 1.0);
        let fluid = draw.uniform(0.08, 0.35);
        let solid = draw.uniform(1.15, 2.2);
        let mut signal = [0.0; COUNT];
        for (s, tissue) in signal.iter_mut().zip(ALL) {
            *s = match tissue {
                Tissue::Air => 0.0,
                Tissue::Bone => draw.uniform(0.0, 0.15),
                Tissue::Csf | Tissue::Labyrinth | Tissue::Vitreous => {
                    fluid * draw.uniform(0.8, 1.3)
                }
                Tissue::Grey
                | Tissue::White
                | Tissue::Cerebellum
                | Tissue::Brainstem
                | Tissue::Nerve => brain * draw.uniform(0.8, 1.2),
                Tissue::Fat | Tissue::Marrow | Tissue::Vein => draw.uniform(0.8, 2.2),
                Tissue::Tumour => solid,
                Tissue::LooseTumour => solid * draw.uniform(0.6, 1.0),
                Tissue::TreatedCore => solid * draw.uniform(0.3, 0.8),
                Tissue::Cyst => fluid * draw.uniform(0.9, 2.0),
                Tissue::Muscle | Tissue::Artery | Tissue::Dura | Tissue::Mucosa | Tissue::Lens => {
                    draw.uniform(0.3, 1.8)
                }
            };
        }
        Self {
            meningioma: solid * draw.uniform(0.8, 1.2),
            ..Self::with(signal, draw)
        }
    }

    /// As on heavily T2-weighted scans: fluids bright, bone and air dark, the tumour darker than fluid.
    fn random_fluid_bright(draw: &mut Draw) -> Self {
        let mut signal = [0.0; COUNT];
        let brain = draw.uniform(0.08, 0.55);
        for (n, s) in signal.iter_mut().enumerate() {
            *s = draw.uniform(0.0, 0.8);
            let fluid = [Tissue::Csf, Tissue::Labyrinth, Tissue::Vitreous]
                .iter()
                .any(|t| *t as usize == n);
            let soft = [
                Tissue::Grey,
                Tissue::White,
                Tissue::Cerebellum,
                Tissue::Brainstem,
                Tissue::Nerve,
            ]
            .iter()
            .any(|t| *t as usize == n);
            if fluid {
                *s = draw.uniform(0.75, 1.05);
            } else if soft {
                *s = brain * draw.uniform(0.75, 1.3);
            }
        }
        signal[Tissue::Csf as usize] = 1.0;
        signal[Tissue::Air as usize] = 0.0;
        for t in [Tissue::Bone, Tissue::Dura, Tissue::Artery] {
            signal[t as usize] = draw.uniform(0.0, 0.25) * brain.max(0.2);
        }
        signal[Tissue::Tumour as usize] = (brain * draw.uniform(0.7, 2.2)).min(0.72);
        signal[Tissue::Cyst as usize] = draw.uniform(0.6, 1.0);
        let solid = signal[Tissue::Tumour as usize];
        signal[Tissue::LooseTumour as usize] = (solid * draw.uniform(1.0, 1.7)).min(0.8);
        signal[Tissue::TreatedCore as usize] = (solid * draw.uniform(0.6, 1.3)).min(0.72);
        Self::with(signal, draw)
    }

    fn with(signal: [f64; COUNT], draw: &mut Draw) -> Self {
        Self {
            signal,
            meningioma: 1.05 * signal[Tissue::Grey as usize],
            texture: draw.uniform(0.02, 0.06),
            tumour_texture: draw.uniform(0.08, 0.35),
            tumour_grain_mm: draw.uniform(2.0, 5.0),
            flow: draw.uniform(0.0, 0.25),
            sequence: None,
        }
    }

    /// The signals by the tissues' names.
    pub(super) fn signals(&self) -> BTreeMap<String, f64> {
        let named = ALL.iter().zip(self.signal);
        named
            .map(|(tissue, signal)| (format!("{tissue:?}").to_lowercase(), signal))
            .collect()
    }

    pub(super) fn of(&self, tissue: Tissue) -> Signal {
        let signal = self.signal[tissue as usize];
        match tissue {
            Tissue::Csf | Tissue::Labyrinth | Tissue::Cyst | Tissue::Vitreous => {
                Signal::new(signal, 0.0, 0.0)
            }
            Tissue::Fat | Tissue::Marrow => Signal::new(0.0, 0.0, signal),
            _ => Signal::new(0.0, signal, 0.0),
        }
    }
}

/// How a solid is filled.
#[derive(Debug, Clone)]
pub(super) enum Paint {
    Plain(Tissue),
    /// Fluid with pulsation.
    Cistern,
    /// Folded cortex around white matter, with sulci about so many mm wide.
    Cerebrum {
        sulcus_mm: f64,
    },
    /// Cortex in sheets about the fourth ventricle.
    Cerebellum,
    /// White matter, slightly streaked.
    BrainstemTissue,
    /// Bone with marrow inside.
    Diploe,
    /// Muscles in layers of fat.
    Face,
    /// Cells with thin walls: this part of them holds air (the others are bone), and this part of the air is replaced by fluid.
    Cells {
        air: f64,
        opaque: f64,
    },
    /// Even and finely grained.
    Meningioma,
    /// As bright as a part of cerebrospinal fluid on hrT2 and as much above it on ceT1, in layers like an onion's.
    Epidermoid {
        level: f64,
    },
    /// Solid tumour with its cysts and spots; centre and radius of its ball place them. `core` is how far the core has turned into what
    /// radiosurgery leaves, 0 to 1.
    Tumour {
        content: Arc<Content>,
        ball: (DVec3, f64),
        core: f64,
    },
}

/// Where a sample is taken: at rest (before any push), how deep under the surface of its solid, and over which width it averages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot {
    pub(super) rest: DVec3,
    pub(super) depth: f64,
    pub(super) width: f64,
}

/// Part of a layer's `width` that lies on the positive side of a boundary at signed distance `d`.
pub(super) fn coverage(d: f64, width: f64) -> f64 {
    (0.5 + d / width).clamp(0.0, 1.0)
}

fn mix(a: Signal, b: Signal, t: f64) -> Signal {
    a + (b - a) * t
}

impl Paint {
    /// Signal relative to CSF.
    pub(super) fn signal(&self, spot: Spot, palette: &Palette, seed: u64) -> Signal {
        let p = spot.rest;
        match self {
            Self::Plain(tissue) => palette.of(*tissue),
            Self::Cistern => {
                let pulse = field(p / 9.0, seed ^ 0x0b).max(0.0);
                palette.of(Tissue::Csf) * (1.0 - palette.flow * pulse)
            }
            Self::Cerebrum { sulcus_mm } => cerebrum(spot, palette, seed, *sulcus_mm),
            Self::Cerebellum => cerebellum(spot, palette, seed),
            Self::BrainstemTissue => {
                let streak = field(p / DVec3::new(5.0, 4.0, 9.0), seed ^ 0x15);
                palette.of(Tissue::Brainstem)
                    * (1.0 + 0.06 * streak + 0.5 * palette.texture * field(p / 1.5, seed ^ 0x16))
            }
            Self::Diploe => {
                let marrow = coverage(spot.depth - 2.2, 1.2)
                    * (0.5 + 0.5 * field(p / 4.0, seed ^ 0x1f)).powi(2);
                mix(
                    palette.of(Tissue::Bone),
                    palette.of(Tissue::Marrow),
                    0.8 * marrow,
                )
            }
            Self::Face => {
                let layers = waves(p / DVec3::new(22.0, 26.0, 60.0), seed ^ 0x29).abs();
                let fat = coverage(0.16 - layers, 0.16);
                let muscle =
                    palette.of(Tissue::Muscle) * (1.0 + 0.15 * field(p / 2.5, seed ^ 0x2a));
                mix(muscle, palette.of(Tissue::Fat), fat)
            }
            Self::Cells { air, opaque } => cells(spot, palette, seed, *air, *opaque),
            Self::Meningioma => {
                let grain = 1.0 + palette.texture * field(p / 1.8, seed ^ 0x61);
                Signal::new(0.0, palette.meningioma * grain, 0.0)
            }
            Self::Epidermoid { level } => {
                let csf = palette.of(Tissue::Csf);
                let bright = csf.element_sum() > palette.of(Tissue::White).element_sum();
                let level = if bright { *level } else { 2.0 - level };
                csf * (level * (1.0 + 0.1 * waves(p / 4.0, seed ^ 0x62)))
            }
            Self::Tumour {
                content,
                ball,
                core,
            } => tumour(spot, palette, seed, content, *ball, *core),
        }
    }
}

/// Sulci between gyri are where a field passes zero; they reach 14 mm deep, and cortex of 2.7 mm lines them.
fn cerebrum(spot: Spot, palette: &Palette, seed: u64, sulcus_mm: f64) -> Signal {
    let p = spot.rest;
    let wobble = 3.0 * field(p / 14.0, seed ^ 0x3d);
    // Zeros of such waves are about 0.87 periods apart along a line: gyri of 14 mm.
    // Seen from the middle of the brain they keep their place with depth, so that sulci run inwards from the surface.
    let out = p - DVec3::new(0.0, -5.0, 32.0);
    let place = out * (0.5 + 35.0 / out.length().max(45.0));
    let gyri = waves((place + wobble) / 16.0, seed ^ 0x3e);
    // About its zeros the field changes by about one over a fifth of its period.
    let to_sulcus = gyri.abs() * 3.4 + (spot.depth - 15.0).max(0.0);
    let open = 0.5 * sulcus_mm * (1.0 + 0.6 * field(p / 12.0, seed ^ 0x41));
    let grey = coverage(3.0 - to_sulcus.min(spot.depth), spot.width.max(1.0));
    let fluid = 0.9 * coverage(open - to_sulcus, spot.width.max(0.9));
    let deep =
        coverage(field(p / 11.0, seed ^ 0x3f) - 0.35, 0.4) * coverage(spot.depth - 26.0, 6.0);
    let tissue = mix(
        palette.of(Tissue::White),
        palette.of(Tissue::Grey),
        grey.max(deep),
    );
    mix(tissue, palette.of(Tissue::Csf), fluid)
        * (1.0 + palette.texture * field(p / 1.7, seed ^ 0x40))
}

/// Air cells of about 2 to 8 mm behind walls of bone.
fn cells(spot: Spot, palette: &Palette, seed: u64, air: f64, opaque: f64) -> Signal {
    const SPACING: f64 = 4.5;
    let (to_wall, own) = cell(spot.rest / SPACING, seed ^ 0x33);
    let bone = palette.of(Tissue::Bone);
    if own > air {
        return mix(bone, palette.of(Tissue::Marrow), 0.3);
    }
    let inside = coverage(to_wall * SPACING - 0.3, spot.width.max(0.5));
    let fluid = own < air * opaque;
    let filled = palette.of(if fluid { Tissue::Mucosa } else { Tissue::Air });
    // Mucosa of a fraction of a millimetre lines the walls.
    let wall = mix(bone, palette.of(Tissue::Mucosa), 0.25);
    mix(wall, filled, inside)
}

/// Folia: sheets of cortex and thin fissures at constant angle about a transverse axis through the roof of the fourth ventricle, bent
/// forwards at the sides, around a core of white matter.
fn cerebellum(spot: Spot, palette: &Palette, seed: u64) -> Signal {
    let p = spot.rest;
    let bend = 0.35 * p.x.abs();
    let (back, up) = (-p.y - 20.0 + bend, p.z - 4.0);
    let warp = 1.6 * field(p / 9.0, seed ^ 0x47) + 0.5 * field(p / 3.0, seed ^ 0x48);
    let arc = up.atan2(back.max(0.0) + 6.0) * 22.0 + 0.55 * back + warp;
    // Folia of about 2.2 mm within lobules of about 7 mm; `wave` is the distance to the next fissure in mm.
    let wave = |period: f64| (arc / period - (arc / period).round()).abs() * period;
    let deep_fissure = wave(7.0);
    let shallow = wave(2.3);
    let lobule_depth = 10.0 + 4.0 * field(p / 15.0, seed ^ 0x49);
    let fissure = coverage(0.35 - deep_fissure, spot.width.max(0.8))
        * coverage(lobule_depth - spot.depth, 3.0);
    let folium = coverage(0.12 - shallow, spot.width.max(0.7))
        * coverage(0.8 * lobule_depth - spot.depth, 2.0);
    let fluid = (fissure * 0.75).max(folium * 0.5);
    let core = coverage(spot.depth - lobule_depth, 3.0);
    let branch = coverage(deep_fissure - 2.5, 1.0);
    let white = core.max(branch * 0.8);
    // The dentate nucleus: a thin dark crimped shell in the core.
    let crimp = 0.8 * field(p / 1.8, seed ^ 0x4a);
    let dentate =
        ((p - DVec3::new(14.0 * p.x.signum(), -32.0, 2.0)) / DVec3::new(7.0, 8.0, 5.0)).length();
    let shell = coverage(0.8 - ((dentate - 1.0) * 6.0 + crimp).abs(), 1.0);
    let tissue = mix(
        palette.of(Tissue::Cerebellum),
        palette.of(Tissue::White),
        white,
    ) * (1.0 - 0.12 * shell);
    mix(tissue, palette.of(Tissue::Csf), fluid)
        * (1.0 + palette.texture * field(p / 1.4, seed ^ 0x4b))
}

/// Tumour that keeps its enhancement around the core after radiosurgery, mm.
const CORE_DEPTH_MM: f64 = 2.5;

fn tumour(
    spot: Spot,
    palette: &Palette,
    seed: u64,
    content: &Content,
    ball: (DVec3, f64),
    core: f64,
) -> Signal {
    let p = spot.rest;
    let grain = palette.tumour_grain_mm;
    let texture = 0.7 * field(p / grain, seed ^ 0x51) + 0.3 * field(p / (0.4 * grain), seed ^ 0x52);
    // A slightly darker capsule.
    let rim = 1.0 - 0.12 * coverage(0.5 - spot.depth, 0.6);
    let tissue = mix(
        palette.of(Tissue::Tumour),
        palette.of(Tissue::LooseTumour),
        content.loose(p),
    );
    let treated = core * coverage(spot.depth - CORE_DEPTH_MM, 2.0);
    let tissue = mix(tissue, palette.of(Tissue::TreatedCore), treated);
    let solid = tissue * (1.0 + palette.tumour_texture * texture) * rim;
    let spots = coverage(-content.spot_distance(p, ball), spot.width);
    let solid = solid * (1.0 - 0.7 * spots);
    let cyst = coverage(
        -content.cyst_distance(p, spot.depth, ball),
        spot.width.max(0.5),
    );
    if cyst <= 0.0 {
        return solid;
    }
    // Settled blood darkens the back of a cyst: the patient lies supine.
    let settled = if content.settled {
        0.45 * coverage(content.behind(p, ball), spot.width.max(0.5))
    } else {
        0.0
    };
    mix(solid, palette.of(Tissue::Cyst) * (1.0 - settled), cyst)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_contrast_is_that_of_the_sequences() {
        for seed in 0..50 {
            let mut draw = Draw::new(seed, 7);
            for (site, low, high) in [(Site::London, 3.0, 5.5), (Site::Tilburg, 4.0, 10.0)] {
                let palette = Palette::of_site(site, Modality::HrT2, &mut draw);
                let ratio = palette.of(Tissue::Csf).x / palette.of(Tissue::Brainstem).y;
                assert!((low..high).contains(&ratio), "{site:?}: {ratio}");
                let palette = Palette::of_site(site, Modality::CeT1, &mut draw);
                let tumour = palette.of(Tissue::Tumour).y;
                assert!((1.4..2.4).contains(&tumour), "{site:?}: {tumour}");
                assert!(palette.of(Tissue::Csf).x < 0.5);
            }
        }
    }
}
