//! The slices of many scans, and what a training step draws from them.
use super::slices::{SlicePlan, Stack};
use crate::io::{read_labels, read_volume};
use crate::train::Error;
use crate::volume::{LabelTable, Observe, Progress, resample_labels, unobserved};
use candle_core::{Device, Tensor};
use glam::DAffine3;
use rand::Rng;
use std::ops::ControlFlow;
use std::path::PathBuf;

/// Grey levels that a pixel is kept with.
const LEVELS: f32 = 65_535.0;

/// All slices of one contrast in memory, two bytes a pixel.
#[derive(Debug)]
pub struct SliceSet {
    plan: SlicePlan,
    stacks: Vec<Kept>,
}

#[derive(Debug)]
struct Kept {
    pixels: Vec<u16>,
    /// Class of each pixel, where classes are wanted.
    labels: Option<Vec<u8>>,
    slices: usize,
}

/// A part of a slice.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Patch {
    pub(super) pixels: Vec<f32>,
    pub(super) labels: Vec<u32>,
}

impl SliceSet {
    /// Reads scans and, where they are given, their label maps: 1 the tumour, 2 the cochleae.
    ///
    /// # Errors
    /// Names the file that cannot be read; [`Error::Cancelled`].
    pub fn read(
        scans: &[(PathBuf, Option<PathBuf>)],
        plan: &SlicePlan,
        observe: &mut Observe<'_>,
    ) -> Result<Self, Error> {
        plan.validate()?;
        let mut stacks = Vec::with_capacity(scans.len());
        for (n, (path, labels)) in scans.iter().enumerate() {
            let progress = Progress {
                stage: "cutting slices",
                fraction: n as f32 / scans.len() as f32,
            };
            if observe(progress) == ControlFlow::Break(()) {
                return Err(Error::Cancelled);
            }
            let (scan, _) = read_volume(path, &mut unobserved)?;
            let stack = Stack::of(&scan, plan).map_err(|error| match error {
                Error::Settings(problem) => Error::Folder {
                    problem,
                    path: path.clone(),
                },
                other => other,
            })?;
            let labels = match labels {
                Some(path) => {
                    let (map, _) = read_labels(path, &LabelTable::default())?;
                    let on_slices = resample_labels(&map, &stack.grid, DAffine3::IDENTITY);
                    let on_slices = on_slices.map_err(|e| Error::Predict(e.into()))?;
                    Some(on_slices.labels().to_vec())
                }
                None => None,
            };
            let level = |v: &f32| ((v + 1.0) * 0.5 * LEVELS).round() as u16;
            stacks.push(Kept {
                pixels: stack.pixels.iter().map(level).collect(),
                labels,
                slices: stack.slices(),
            });
        }
        if stacks.is_empty() {
            let text = "there is no scan to cut slices from";
            return Err(Error::Settings(text.to_owned()));
        }
        Ok(Self {
            plan: *plan,
            stacks,
        })
    }

    /// Scans, and slices of all of them.
    pub fn counts(&self) -> [usize; 2] {
        let slices = self.stacks.iter().map(|s| s.slices).sum();
        [self.stacks.len(), slices]
    }

    /// A square somewhere in a slice of a scan, half of the time as in a mirror.
    pub(super) fn draw(&self, random: &mut impl Rng) -> Patch {
        let stack = &self.stacks[random.random_range(0..self.stacks.len())];
        let k = random.random_range(self.plan.learned_slices(stack.slices));
        let [w, h] = self.plan.size;
        let edge = self.plan.patch;
        let first = [w, h].map(|n| random.random_range(0..=n - edge));
        let mirrored = random.random_bool(0.5);
        let rows = (first[1]..first[1] + edge).map(|y| (k * h + y) * w + first[0]);
        let mut patch = Patch {
            pixels: Vec::with_capacity(edge * edge),
            labels: Vec::new(),
        };
        for start in rows {
            let at = patch.pixels.len();
            let row = stack.pixels[start..start + edge].iter();
            patch
                .pixels
                .extend(row.map(|v| f32::from(*v) / LEVELS * 2.0 - 1.0));
            if let Some(labels) = &stack.labels {
                let row = labels[start..start + edge].iter();
                // Other structures are background here.
                patch
                    .labels
                    .extend(row.map(|l| if *l <= 2 { u32::from(*l) } else { 0 }));
            }
            if mirrored {
                patch.pixels[at..].reverse();
                if let Some(row) = patch.labels.get_mut(at..) {
                    row.reverse();
                }
            }
        }
        patch
    }

    /// A batch of such squares, `N, 1, H, W`, and their labels, `N, H, W`, where there are any.
    pub(super) fn batch(
        &self,
        count: usize,
        random: &mut impl Rng,
        device: &Device,
    ) -> Result<(Tensor, Option<Tensor>), Error> {
        let edge = self.plan.patch;
        let patches: Vec<Patch> = (0..count).map(|_| self.draw(random)).collect();
        let pixels: Vec<f32> = patches.iter().flat_map(|p| p.pixels.clone()).collect();
        let labels: Vec<u32> = patches.into_iter().flat_map(|p| p.labels).collect();
        let labels = if labels.len() == pixels.len() {
            Some(Tensor::from_vec(labels, (count, edge, edge), device)?)
        } else {
            None
        };
        Ok((
            Tensor::from_vec(pixels, (count, 1, edge, edge), device)?,
            labels,
        ))
    }
}
