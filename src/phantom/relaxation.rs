//! Proton density and relaxation times of tissues at 1.5 T.
use super::{draw::Draw, tissue::Tissue};

/// What the signal equations need to know of a tissue.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Relaxation {
    /// Proton density relative to water.
    pub density: f64,
    /// Longitudinal relaxation time, ms.
    pub t1_ms: f64,
    /// Transverse relaxation time, ms.
    pub t2_ms: f64,
    /// Longitudinal relaxation time three to eight minutes after 0.1 mmol/kg of gadolinium, ms.
    pub t1_gadolinium_ms: f64,
    /// Whether it is fluid: its echoes do not last longer under the variable flip angles of 3D TSE.
    pub fluid: bool,
}

/// Typical values at 1.5 T.
///
/// Near published measurements (T1/T2 in ms): grey matter 1124/95, muscle 1008/44 and blood 1441/290 in Stanisz et al. 2005, Magn Reson Med
/// 54:507, whose white matter (884/72) has a longer T1 than the value here; subcutaneous fat 343/58 and marrow 549/49 in de Bazelaire et al.
/// 2004, Radiology 230:652. Both are cited from memory, the papers were not looked up again. The rest are estimates: CSF ranges over 3800 to
/// 4500 and 1500 to 2300, other fluids more with their protein; brainstem, cerebellum and nerve are set beside white and grey matter.
/// Relaxation times of schwannoma, its loose tissue, its core after radiosurgery and its cysts are hardly published: those rows are guesses.
/// Times after gadolinium suppose about 0.5 mM at a relaxivity of 4.3 per mM and s.
pub(super) fn typical(tissue: Tissue) -> Relaxation {
    let (density, t1_ms, t2_ms, t1_gadolinium_ms) = match tissue {
        Tissue::Air => (0.0, 1000.0, 1.0, 1000.0),
        Tissue::Bone => (0.03, 1000.0, 1.0, 1000.0),
        Tissue::Marrow | Tissue::Fat => (0.95, 290.0, 65.0, 290.0),
        Tissue::Muscle => (0.78, 1000.0, 45.0, 800.0),
        Tissue::Csf => (1.0, 4200.0, 2000.0, 4200.0),
        Tissue::Grey => (0.83, 1080.0, 95.0, 1080.0),
        Tissue::White => (0.70, 640.0, 78.0, 640.0),
        Tissue::Cerebellum => (0.82, 1050.0, 95.0, 1050.0),
        Tissue::Brainstem => (0.74, 800.0, 82.0, 800.0),
        Tissue::Nerve => (0.72, 780.0, 80.0, 780.0),
        Tissue::Artery | Tissue::Vein => (0.90, 1440.0, 250.0, 300.0),
        Tissue::Labyrinth => (1.0, 3800.0, 1500.0, 3800.0),
        Tissue::Tumour => (0.88, 1250.0, 110.0, 360.0),
        Tissue::Cyst => (0.97, 2600.0, 600.0, 2000.0),
        Tissue::Dura => (0.70, 900.0, 40.0, 400.0),
        // Swollen, as lining that shows on these scans usually is.
        Tissue::Mucosa => (0.85, 1200.0, 140.0, 350.0),
        Tissue::Vitreous => (1.0, 4000.0, 1300.0, 4000.0),
        Tissue::Lens => (0.60, 1000.0, 30.0, 1000.0),
        Tissue::LooseTumour => (0.92, 1700.0, 200.0, 480.0),
        Tissue::TreatedCore => (0.90, 1400.0, 120.0, 1100.0),
    };
    let fluid = matches!(
        tissue,
        Tissue::Csf | Tissue::Labyrinth | Tissue::Cyst | Tissue::Vitreous
    );
    Relaxation {
        density,
        t1_ms,
        t2_ms,
        t1_gadolinium_ms,
        fluid,
    }
}

/// A patient's value: typical, with scatter between people, which is larger for schwannoma.
pub(super) fn drawn(tissue: Tissue, draw: &mut Draw) -> Relaxation {
    let mean = typical(tissue);
    let (t1, t2) = match tissue {
        Tissue::Tumour | Tissue::LooseTumour | Tissue::TreatedCore => (0.08, 0.13),
        Tissue::Cyst => (0.15, 0.2),
        _ => (0.03, 0.03),
    };
    Relaxation {
        density: mean.density * draw.clipped(1.0, 0.01, 2.0),
        t1_ms: mean.t1_ms * draw.clipped(1.0, t1, 2.0),
        t2_ms: mean.t2_ms * draw.clipped(1.0, t2, 2.0),
        t1_gadolinium_ms: mean.t1_gadolinium_ms * draw.clipped(1.0, t1, 2.0),
        ..mean
    }
}
