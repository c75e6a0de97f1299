//! What a translator's training writes for people: the log and sample pictures.
use super::data::SliceSet;
use super::networks::Networks;
use crate::train::Error;
use crate::train::checkpoint::write_whole;
use candle_core::{Device, Tensor};
use image::{GrayImage, ImageFormat, Luma};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::fs::OpenOptions;
use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};

const LOG: &str = "log.csv";
/// Slices of a sample picture, and the seed that chooses them: the same at every step.
const SAMPLES: usize = 4;
const SAMPLE_SEED: u64 = 20_220_918;
/// Pixels between the tiles of a picture.
const GAP: u32 = 4;

/// The log, one line a step, open at its end.
pub(super) struct Log {
    path: PathBuf,
    begun: bool,
}

impl Log {
    /// The log of a training that is at `step`; lines after it, of a run that was lost, are dropped.
    pub(super) fn open(folder: &Path, step: usize) -> Result<Self, Error> {
        let path = folder.join(LOG);
        let mut text = String::new();
        if step > 0 {
            let old = std::fs::read_to_string(&path).unwrap_or_default();
            let number = |line: &str| line.split(',').next().and_then(|n| n.parse::<usize>().ok());
            for (n, line) in old.lines().enumerate() {
                if n == 0 || number(line).is_some_and(|n| n <= step) {
                    text.push_str(line);
                    text.push('\n');
                }
            }
        }
        write_whole(&path, text.as_bytes())?;
        Ok(Self {
            path,
            begun: !text.is_empty(),
        })
    }

    /// Adds a step's line.
    pub(super) fn line(
        &mut self,
        step: usize,
        seconds: f64,
        rate: f64,
        values: &[(&'static str, f64)],
    ) -> Result<(), Error> {
        let mut text = String::new();
        if !self.begun {
            text.push_str("step,seconds,learning_rate");
            text.extend(values.iter().map(|(name, _)| format!(",{name}")));
            text.push('\n');
            self.begun = true;
        }
        text.push_str(&format!("{step},{seconds:.1},{rate:.3e}"));
        text.extend(values.iter().map(|(_, value)| format!(",{value:.5}")));
        text.push('\n');
        let file = OpenOptions::new().append(true).open(&self.path);
        file.and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(|source| Error::File {
                action: "write the log",
                source,
                path: self.path.clone(),
            })
    }
}

/// Writes a picture: each row a source square, what the generator makes of it, where there is a way back that of it, and a target square of another patient.
pub(super) fn write_samples(
    path: &Path,
    networks: &Networks,
    [source, target]: [&SliceSet; 2],
    device: &Device,
) -> Result<(), Error> {
    let mut random = ChaCha8Rng::seed_from_u64(SAMPLE_SEED);
    let (source, _) = source.batch(SAMPLES, &mut random, device)?;
    let (target, _) = target.batch(SAMPLES, &mut random, device)?;
    let (there, back) = networks.generators();
    let there = there.detached(device)?.forward(&source)?;
    let mut columns = vec![source, there.clone()];
    if let Some(back) = back {
        columns.push(back.detached(device)?.forward(&there)?);
    }
    columns.push(target);
    let picture = tiled(&columns)?;
    let mut bytes = Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, ImageFormat::Png)
        .map_err(|e| Error::File {
            action: "write the picture",
            source: std::io::Error::other(e),
            path: path.to_owned(),
        })?;
    write_whole(path, bytes.get_ref())
}

/// Pictures of a batch below each other, batches side by side; the front of the head is up and its right to the left, as radiologists look at it.
fn tiled(columns: &[Tensor]) -> Result<GrayImage, Error> {
    let (rows, _, height, width) = match columns.first() {
        Some(first) => first.dims4()?,
        None => (0, 1, 0, 0),
    };
    let (w, h) = (width as u32, height as u32);
    let size = |n: usize, edge: u32| n as u32 * (edge + GAP) + GAP;
    let mut picture = GrayImage::from_pixel(size(columns.len(), w), size(rows, h), Luma([96]));
    for (column, batch) in columns.iter().enumerate() {
        let values: Vec<f32> = batch.to_device(&Device::Cpu)?.flatten_all()?.to_vec1()?;
        for (row, tile) in values.chunks_exact(width * height).enumerate() {
            for (at, value) in tile.iter().enumerate() {
                let (x, y) = ((at % width) as u32, (at / width) as u32);
                let grey = ((value.clamp(-1.0, 1.0) + 1.0) * 127.5).round() as u8;
                let x = GAP + column as u32 * (w + GAP) + (w - 1 - x);
                let y = GAP + row as u32 * (h + GAP) + (h - 1 - y);
                picture.put_pixel(x, y, Luma([grey]));
            }
        }
    }
    Ok(picture)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_of_the_head_is_to_the_left_of_the_picture_and_its_front_up() {
        // Brighter to the right (fastest) and to the front.
        let values = vec![-1.0_f32, 0.0, 0.5, 1.0];
        let tile = Tensor::from_vec(values, (1, 1, 2, 2), &Device::Cpu).unwrap();
        let picture = tiled(&[tile]).unwrap();
        assert_eq!(picture.dimensions(), (10, 10));
        let at = |x, y| picture.get_pixel(GAP + x, GAP + y).0[0];
        assert_eq!([at(0, 0), at(1, 0), at(0, 1), at(1, 1)], [255, 191, 128, 0]);
    }
}
