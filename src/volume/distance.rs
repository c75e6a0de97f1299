//! Exact Euclidean distances on an anisotropic grid, mm (Felzenszwalb and Huttenlocher 2012, one parabola envelope an axis).
use super::{Error, Shape};
use rayon::prelude::*;

/// For each voxel the distance in mm from its centre to the nearest voxel centre of the mask; infinite when the mask is empty.
///
/// # Errors
/// When the mask does not have one entry for each voxel.
pub fn distance_to_mask_mm(
    mask: &[bool],
    shape: Shape,
    spacing_mm: [f64; 3],
) -> Result<Vec<f32>, Error> {
    let squared = squared_distance_to_mask_mm2(mask, shape, spacing_mm)?;
    Ok(squared.par_iter().map(|d| d.sqrt() as f32).collect())
}

/// The square of [`distance_to_mask_mm`], mm², not rounded.
///
/// # Errors
/// As there.
pub fn squared_distance_to_mask_mm2(
    mask: &[bool],
    shape: Shape,
    spacing_mm: [f64; 3],
) -> Result<Vec<f64>, Error> {
    let expected = shape.iter().product();
    if mask.len() != expected {
        return Err(Error::Length {
            expected,
            found: mask.len(),
        });
    }
    let mut squared: Vec<f64> = mask
        .iter()
        .map(|&m| if m { 0.0 } else { f64::INFINITY })
        .collect();
    let [ni, nj, nk] = shape;
    squared
        .par_chunks_mut(ni)
        .for_each_init(Envelope::default, |e, row| e.transform(row, spacing_mm[0]));
    squared
        .par_chunks_mut(ni * nj)
        .for_each_init(Envelope::default, |e, slab| {
            let mut line = vec![0.0; nj];
            for i in 0..ni {
                (0..nj).for_each(|j| line[j] = slab[i + ni * j]);
                e.transform(&mut line, spacing_mm[1]);
                (0..nj).for_each(|j| slab[i + ni * j] = line[j]);
            }
        });
    if nk == 1 {
        return Ok(squared);
    }
    // Along k the lines are gathered, because neighbours in memory belong to different lines.
    let plane = ni * nj;
    let mut columns = vec![0.0; expected];
    columns
        .par_chunks_mut(nk)
        .enumerate()
        .for_each_init(Envelope::default, |e, (at, line)| {
            (0..nk).for_each(|k| line[k] = squared[at + plane * k]);
            e.transform(line, spacing_mm[2]);
        });
    squared
        .par_chunks_mut(plane)
        .enumerate()
        .for_each(|(k, slab)| (0..plane).for_each(|at| slab[at] = columns[k + nk * at]));
    Ok(squared)
}

/// The lower envelope of parabolas along one line, with its buffers.
#[derive(Default)]
struct Envelope {
    sites: Vec<usize>,
    starts: Vec<f64>,
    out: Vec<f64>,
}

impl Envelope {
    fn transform(&mut self, line: &mut [f64], spacing_mm: f64) {
        self.sites.clear();
        self.starts.clear();
        let x = |q: usize| q as f64 * spacing_mm;
        for q in 0..line.len() {
            if !line[q].is_finite() {
                continue;
            }
            let mut start = f64::NEG_INFINITY;
            while let Some(&p) = self.sites.last() {
                start = ((line[q] + x(q) * x(q)) - (line[p] + x(p) * x(p))) / (2.0 * (x(q) - x(p)));
                if start > self.starts[self.sites.len() - 1] {
                    break;
                }
                self.sites.pop();
                self.starts.pop();
                start = f64::NEG_INFINITY;
            }
            self.sites.push(q);
            self.starts.push(start);
        }
        if self.sites.is_empty() {
            return;
        }
        self.out.clear();
        let mut site = 0;
        for q in 0..line.len() {
            while site + 1 < self.sites.len() && self.starts[site + 1] < x(q) {
                site += 1;
            }
            let p = self.sites[site];
            let d = x(q) - x(p);
            self.out.push(d * d + line[p]);
        }
        line.copy_from_slice(&self.out);
    }
}
