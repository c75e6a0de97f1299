//! Scans of which a model cannot tell whether there is a tumour.
use crate::volume::{Grid, LabelMap, Structure};

/// The thickest slices in which a model is relied on to tell whether there is a tumour, mm: the thickest that the training of Schwann's own imitates. Partial volumes hide a
/// tumour there from any model, or look like one.
pub const TELLING_SLICE_MM: f64 = 3.0;
/// What single precision may add to the thickness of slices in an oblique scan's affine, mm: nominal ones of 3 mm are not beyond [`TELLING_SLICE_MM`].
const ROUNDING_MM: f64 = 1e-3;

/// Why a model's outlines without a tumour do not say that there is none: the model has no label for one, the scan is too coarse ([`too_coarse`]), or the model, which knows
/// the cochlea, found none of it either: not a head, not its base, or nothing that the model can read. `None` where they say it.
pub fn tumour_untold(labels: &LabelMap) -> Option<String> {
    let knows = |structure| labels.table().value(structure).is_some();
    if !knows(Structure::VestibularSchwannoma) {
        let why = "none of the model's labels is known to be a vestibular schwannoma";
        return Some(why.to_owned());
    }
    let no_ear = knows(Structure::Cochlea) && labels.count(Structure::Cochlea) == 0;
    too_coarse(labels.grid()).or_else(|| {
        no_ear.then(|| {
            "no inner ear is outlined, and without one it cannot be told whether there is a tumour"
                .to_owned()
        })
    })
}

/// Why a model tells nothing of a tumour on a scan's grid, where its slices are too thick: no tumour is outlined there.
pub fn too_coarse(grid: &Grid) -> Option<String> {
    let thickest = TELLING_SLICE_MM + ROUNDING_MM;
    let coarse = grid.spacing_mm().iter().any(|mm| *mm > thickest);
    coarse.then(|| {
        format!(
            "in slices of more than {TELLING_SLICE_MM} mm the model cannot be relied on to tell whether there is a tumour"
        )
    })
}
