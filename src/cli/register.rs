//! `schwann register`: rigid alignment of two visits.
use super::{output, scheme::Scheme, segment::read_scan};
use crate::{
    io,
    volume::{
        EarResidual, LabelMap, Landmark, ToAlign, Verdict, VisitAlignment, register_rigid,
        resample_linear, sides_are_told,
    },
};
use anyhow::Context;
use glam::DAffine3;
use serde::Serialize;
use std::{
    path::{Path, PathBuf},
    time::Instant,
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The scan that stays.
    fixed: PathBuf,
    /// The scan that is brought over it.
    moving: PathBuf,
    /// Where the transform goes (JSON).
    #[arg(short, long)]
    output: PathBuf,
    /// Outlines of the scan that stays: its cochleae become landmarks, its tumour is left out.
    #[arg(long, value_name = "LABELS")]
    fixed_labels: Option<PathBuf>,
    /// Outlines of the other scan.
    #[arg(long, value_name = "LABELS")]
    moving_labels: Option<PathBuf>,
    #[command(flatten)]
    scheme: Scheme,
    /// Also write the moving scan on the fixed scan's grid; not done where the two are not aligned.
    #[arg(long, value_name = "OUT.nii.gz")]
    resampled: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Output {
    world_moving_from_world_fixed: [[f64; 4]; 4],
    similarity_before: f64,
    similarity_after: f64,
    /// `aligned` or `not aligned`.
    verdict: &'static str,
    reasons: Vec<String>,
    residual_mm: Option<f64>,
    residuals: Vec<AtEar>,
    overlap: f64,
    seconds: f64,
    warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct AtEar {
    side: &'static str,
    landmark: &'static str,
    point_ras_mm: [f64; 3],
    residual_mm: f64,
    cochleae_apart_mm: Option<f64>,
}

impl From<&EarResidual> for AtEar {
    fn from(ear: &EarResidual) -> Self {
        Self {
            side: ear.side.name(),
            landmark: match ear.landmark {
                Landmark::Cochlea => "cochlea",
                Landmark::Half => "half of the head",
            },
            point_ras_mm: ear.point_mm.to_array(),
            residual_mm: ear.block_mm,
            cochleae_apart_mm: ear.centroid_mm,
        }
    }
}

impl AtEar {
    fn in_words(&self) -> String {
        let (side, mm) = (self.side, self.residual_mm);
        format!("{mm:.2} mm remain at the {side} {}", self.landmark)
    }
}

/// Four rows of four.
pub(super) fn rows(transform: DAffine3) -> [[f64; 4]; 4] {
    let m = transform.matrix3;
    let t = transform.translation;
    let row = |r: usize| [m.x_axis[r], m.y_axis[r], m.z_axis[r], t[r]];
    [row(0), row(1), row(2), [0.0, 0.0, 0.0, 1.0]]
}

/// Aligns two scans with a bar.
fn align(fixed: ToAlign<'_>, moving: ToAlign<'_>) -> anyhow::Result<VisitAlignment> {
    let mut bar = output::Bar::new();
    Ok(register_rigid(fixed, moving, &mut |p| bar.show(p))?)
}

/// Outlines, where a file is named.
fn read_outlines(
    path: Option<&Path>,
    scheme: &Scheme,
    warnings: &mut Vec<String>,
) -> anyhow::Result<Option<LabelMap>> {
    let Some(path) = path else {
        return Ok(None);
    };
    let (labels, more) = scheme.read(path)?;
    warnings.extend(more);
    Ok(Some(labels))
}

pub(super) fn run(arguments: &Arguments, json: bool) -> anyhow::Result<()> {
    let outlines = [&arguments.fixed_labels, &arguments.moving_labels].map(Option::as_deref);
    let mut inputs = vec![arguments.fixed.as_path(), arguments.moving.as_path()];
    inputs.extend(outlines.iter().flatten());
    output::check_target(&arguments.output, &[".json"], &inputs)?;
    if let Some(path) = &arguments.resampled {
        output::check_target(path, output::SCAN, &inputs)?;
    }
    let (fixed, mut warnings) = read_scan(&arguments.fixed)?;
    // What is resampled lies on the fixed scan's grid.
    let sides = sides_are_told(&warnings);
    let (moving, more) = read_scan(&arguments.moving)?;
    warnings.extend(more);
    let fixed_labels = read_outlines(outlines[0], &arguments.scheme, &mut warnings)?;
    let moving_labels = read_outlines(outlines[1], &arguments.scheme, &mut warnings)?;
    let started = Instant::now();
    let [a, b] =
        [(&fixed, &fixed_labels), (&moving, &moving_labels)].map(|(scan, labels)| ToAlign {
            scan,
            labels: labels.as_ref(),
        });
    let found =
        align(a, b).with_context(|| format!("cannot align {}", arguments.moving.display()))?;
    let seconds = started.elapsed().as_secs_f64();
    let reasons: Vec<String> = match &found.verdict {
        Verdict::Aligned => Vec::new(),
        Verdict::NotAligned(reasons) => reasons.iter().map(ToString::to_string).collect(),
    };
    let aligned = reasons.is_empty();
    if !aligned {
        warnings.push(found.verdict.to_string());
    }
    if found.same_scan {
        warnings.push("both files hold the same scan: nothing can be said about change".to_owned());
    }
    if !aligned && arguments.resampled.is_some() {
        warnings.push("the resampled scan was not written".to_owned());
    }
    output::warnings(&warnings);
    let output = Output {
        world_moving_from_world_fixed: rows(found.registration.world_moving_from_world_fixed),
        similarity_before: found.registration.similarity_before,
        similarity_after: found.registration.similarity_after,
        verdict: if aligned { "aligned" } else { "not aligned" },
        reasons,
        residual_mm: found.residual_mm(),
        residuals: found.residuals.iter().map(AtEar::from).collect(),
        overlap: found.overlap,
        seconds,
        warnings,
    };
    let text = serde_json::to_string_pretty(&output)?;
    io::write_atomically(&arguments.output, |w| w.write_all(text.as_bytes()))?;
    if let Some(path) = arguments.resampled.as_ref().filter(|_| aligned) {
        let resampled = resample_linear(
            &moving,
            fixed.grid(),
            found.registration.world_moving_from_world_fixed,
            0.0,
        )?;
        io::write_volume_as(path, &resampled, sides)?;
    }
    output::result(json, &output, || {
        let mut parts = vec![format!(
            "{}; similarity {:.3} before, {:.3} after",
            output.verdict, output.similarity_before, output.similarity_after
        )];
        parts.extend(output.residuals.iter().map(AtEar::in_words));
        parts.push(format!("{:.1} s", output.seconds));
        parts.join("; ")
    })
}
