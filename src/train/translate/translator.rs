//! A trained translator, and scans through it.
use super::slices::{SlicePlan, Stack};
use crate::model::translate::{Generator, GeneratorDescription};
use crate::model::{Metadata, read_tensors, sha256, write_tensors};
use crate::train::Error;
use crate::train::checkpoint::write_whole;
use crate::volume::{LabelMap, Observe, Progress, Volume};
use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;
use std::path::Path;

const FILE: &str = "translator.safetensors";
const KEY: &str = "schwann.translator";

/// A generator with the slices that it takes.
#[derive(Debug, Clone)]
pub struct Translator {
    name: String,
    slices: SlicePlan,
    generator: Generator,
}

/// What a translator's file says besides tensors.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    name: String,
    slices: SlicePlan,
    generator: GeneratorDescription,
}

/// The middle of a scan in another contrast, on the scan's own grid.
#[derive(Debug, Clone)]
pub struct TranslatedScan {
    /// The picture.
    pub volume: Volume,
    /// Its first voxel in the scan.
    pub low: [usize; 3],
}

impl TranslatedScan {
    /// The part of the scan's label map that belongs to it.
    ///
    /// # Errors
    /// When the label map is not on the scan's grid.
    pub fn labels(&self, labels: &LabelMap) -> Result<LabelMap, Error> {
        part_of_labels(labels, self.low, self.volume.grid().shape())
    }
}

/// The labels of a part of a scan.
pub(in crate::train) fn part_of_labels(
    labels: &LabelMap,
    low: [usize; 3],
    shape: [usize; 3],
) -> Result<LabelMap, Error> {
    let geometry = |e: crate::volume::Error| Error::Predict(e.into());
    let grid = labels.grid().cropped(low, shape).map_err(geometry)?;
    let values = (0..grid.len()).map(|n| {
        let [i, j, k] = grid.voxel(n);
        let whole = [i + low[0], j + low[1], k + low[2]];
        labels.labels()[labels.grid().index(whole)]
    });
    LabelMap::new(grid, values.collect(), labels.table().clone()).map_err(geometry)
}

impl Translator {
    pub(super) fn new(name: String, slices: SlicePlan, generator: Generator) -> Self {
        Self {
            name,
            slices,
            generator,
        }
    }

    /// How scans become slices.
    pub fn slices(&self) -> &SlicePlan {
        &self.slices
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Writes `translator.safetensors`; returns its SHA-256.
    pub(super) fn write(&self, folder: &Path) -> Result<String, Error> {
        let described = Described {
            name: self.name.clone(),
            slices: self.slices,
            generator: *self.generator.description(),
        };
        let text = serde_json::to_string(&described).map_err(|e| Error::Settings(e.to_string()))?;
        let metadata = Metadata::from([(KEY.to_owned(), text)]);
        let bytes = write_tensors(self.generator.parameters(), &metadata, false)?;
        write_whole(&folder.join(FILE), &bytes)?;
        Ok(sha256(&bytes))
    }

    /// Reads the translator of a folder that [`train_translator`](super::train_translator) wrote.
    ///
    /// # Errors
    /// When the file is missing or not one.
    pub fn from_folder(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(FILE);
        let bytes = std::fs::read(&path).map_err(|source| Error::File {
            action: "read the translator",
            source,
            path: path.clone(),
        })?;
        let (parameters, metadata) = read_tensors(&bytes)?;
        let wrong = |problem: String| Error::Folder {
            problem,
            path: path.clone(),
        };
        let text = metadata
            .get(KEY)
            .ok_or_else(|| wrong("this is no translator".to_owned()))?;
        let described: Described = serde_json::from_str(text)
            .map_err(|e| wrong(format!("the translator's description is not valid: {e}")))?;
        described.slices.validate()?;
        Ok(Self {
            generator: Generator::new(described.generator, parameters)?,
            slices: described.slices,
            name: described.name,
        })
    }

    /// Translates the middle of a scan, slice by slice.
    ///
    /// # Errors
    /// When the scan is larger than a head or the same everywhere, and [`Error::Cancelled`].
    pub fn translate(
        &self,
        scan: &Volume,
        device: &Device,
        observe: &mut Observe<'_>,
    ) -> Result<TranslatedScan, Error> {
        let generator = self.generator.detached(device)?;
        let mut stack = Stack::of(scan, &self.slices)?;
        let [w, h, slices] = stack.grid.shape();
        for k in 0..slices {
            let progress = Progress {
                stage: "translating",
                fraction: k as f32 / slices as f32,
            };
            if observe(progress) == ControlFlow::Break(()) {
                return Err(Error::Cancelled);
            }
            let x = Tensor::from_slice(stack.slice(k), (1, 1, h, w), device)?;
            let y = generator.forward(&x)?.flatten_all()?;
            let y: Vec<f32> = y.to_device(&Device::Cpu)?.to_vec1()?;
            stack.pixels[k * w * h..][..w * h].copy_from_slice(&y);
        }
        let (low, _) = self.slices.part_of(scan.grid());
        Ok(TranslatedScan {
            volume: stack.restored(scan.grid(), &self.slices)?,
            low,
        })
    }
}
