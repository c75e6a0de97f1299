//! `schwann register`: rigid alignment of two visits.
use super::{output, segment::read_scan};
use crate::{
    io,
    volume::{Registration, Volume, register_rigid, resample_linear},
};
use anyhow::Context;
use glam::DAffine3;
use serde::Serialize;
use std::{path::PathBuf, time::Instant};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The scan that stays.
    fixed: PathBuf,
    /// The scan that is brought over it.
    moving: PathBuf,
    /// Where the transform goes (JSON).
    #[arg(short, long)]
    output: PathBuf,
    /// Also write the moving scan on the fixed scan's grid.
    #[arg(long, value_name = "OUT.nii.gz")]
    resampled: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Output {
    world_moving_from_world_fixed: [[f64; 4]; 4],
    similarity_before: f64,
    similarity_after: f64,
    seconds: f64,
    warnings: Vec<String>,
}

/// Four rows of four.
pub(super) fn rows(transform: DAffine3) -> [[f64; 4]; 4] {
    let m = transform.matrix3;
    let t = transform.translation;
    let row = |r: usize| [m.x_axis[r], m.y_axis[r], m.z_axis[r], t[r]];
    [row(0), row(1), row(2), [0.0, 0.0, 0.0, 1.0]]
}

/// Aligns two scans with a bar.
pub(super) fn align(fixed: &Volume, moving: &Volume) -> anyhow::Result<Registration> {
    let mut bar = output::Bar::new();
    Ok(register_rigid(fixed, moving, &mut |p| bar.show(p))?)
}

pub(super) fn run(arguments: &Arguments, json: bool) -> anyhow::Result<()> {
    let inputs = [arguments.fixed.as_path(), arguments.moving.as_path()];
    output::check_target(&arguments.output, &[".json"], &inputs)?;
    if let Some(path) = &arguments.resampled {
        output::check_target(path, output::SCAN, &inputs)?;
    }
    let (fixed, mut warnings) = read_scan(&arguments.fixed)?;
    let (moving, more) = read_scan(&arguments.moving)?;
    warnings.extend(more);
    let started = Instant::now();
    let found = align(&fixed, &moving)
        .with_context(|| format!("cannot align {}", arguments.moving.display()))?;
    let seconds = started.elapsed().as_secs_f64();
    if !found.is_aligned() {
        warnings.push(format!(
            "not aligned: the scans match only with a correlation of {:.2}",
            found.similarity_after
        ));
    }
    output::warnings(&warnings);
    let output = Output {
        world_moving_from_world_fixed: rows(found.world_moving_from_world_fixed),
        similarity_before: found.similarity_before,
        similarity_after: found.similarity_after,
        seconds,
        warnings,
    };
    let text = serde_json::to_string_pretty(&output)?;
    io::write_atomically(&arguments.output, |w| w.write_all(text.as_bytes()))?;
    if let Some(path) = &arguments.resampled {
        let resampled = resample_linear(
            &moving,
            fixed.grid(),
            found.world_moving_from_world_fixed,
            0.0,
        )?;
        io::write_volume(path, &resampled)?;
    }
    output::result(json, &output, || {
        format!(
            "correlation {:.3} before, {:.3} after; {:.1} s",
            output.similarity_before, output.similarity_after, output.seconds
        )
    })
}
