//! Linear maps of the rows and columns of a picture: reflecting borders, binomial down- and upsampling, repetition.
//!
//! Each output row is a weighted sum of few input rows, and likewise each column; the gradient is the transposed map.
use super::values;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

/// Puts `padding` rows and columns around `x` (`N, C, H, W`), in which the picture goes on as in a mirror that lies on its outermost row: `PyTorch`'s `ReflectionPad2d`.
///
/// # Errors
/// When the picture is not larger than the padding, or not `f32`.
pub fn reflect_pad2d(x: &Tensor, padding: usize) -> Result<Tensor> {
    resample(x, |n| reflected(n, padding))
}

/// Halves a picture (`N, C, H, W`) without aliasing (Zhang 2019): smoothed by `[1, 2, 1] / 4` along rows and columns, borders reflected, every second value kept,
/// beginning with the first.
///
/// # Errors
/// As [`reflect_pad2d`].
pub fn blur_downsample2d(x: &Tensor) -> Result<Tensor> {
    resample(x, |n| {
        let padded = reflected(n, 1)?;
        let tap = |o: usize, k: usize| padded.taps.get(2 * o + k).and_then(|t| t.first()).copied();
        let taps = (0..n.div_ceil(2)).map(|o| {
            let weighted = [0.25, 0.5, 0.25].into_iter().enumerate();
            weighted
                .filter_map(|(k, w)| Some((tap(o, k)?.0, w)))
                .collect()
        });
        Some(Axis {
            inputs: n,
            taps: taps.collect(),
        })
    })
}

/// Doubles a picture (`N, C, H, W`) smoothly (Zhang 2019): zeros between the values, then `[1, 3, 3, 1] / 4` along rows and columns, borders repeated.
///
/// # Errors
/// As [`reflect_pad2d`].
pub fn blur_upsample2d(x: &Tensor) -> Result<Tensor> {
    resample(x, |n| {
        let last = n.checked_sub(1)?;
        let taps = (0..2 * n).map(|o| {
            // Outputs lie a quarter before and behind each input.
            let (near, far) = (
                o / 2,
                if o % 2 == 0 {
                    (o / 2).saturating_sub(1)
                } else {
                    (o / 2 + 1).min(last)
                },
            );
            vec![(near, 0.75), (far, 0.25)]
        });
        Some(Axis {
            inputs: n,
            taps: taps.collect(),
        })
    })
}

/// Repeats each value of a picture (`N, C, H, W`) `factor` times along rows and columns. Unlike candle's operator its gradient adds to others of the same tensor.
///
/// # Errors
/// As [`reflect_pad2d`].
pub fn upsample_nearest2d(x: &Tensor, factor: usize) -> Result<Tensor> {
    resample(x, |n| {
        let taps = (0..n * factor).map(|o| vec![(o / factor, 1.0)]).collect();
        Some(Axis { inputs: n, taps })
    })
}

/// The rows or columns of an output: for each the inputs that it is made of, and their weights.
#[derive(Debug, Clone, PartialEq)]
struct Axis {
    inputs: usize,
    taps: Vec<Vec<(usize, f32)>>,
}

/// `None` when the mirror would have to reach beyond the far border.
fn reflected(inputs: usize, padding: usize) -> Option<Axis> {
    if inputs <= padding {
        return None;
    }
    let last = inputs as isize - 1;
    let taps = (0..inputs + 2 * padding).map(|o| {
        let at = (o as isize - padding as isize).abs();
        let at = if at > last { 2 * last - at } else { at };
        vec![(at as usize, 1.0)]
    });
    Some(Axis {
        inputs,
        taps: taps.collect(),
    })
}

impl Axis {
    fn transposed(&self) -> Self {
        let mut taps = vec![Vec::new(); self.inputs];
        for (output, of) in self.taps.iter().enumerate() {
            for &(input, weight) in of {
                taps[input].push((output, weight));
            }
        }
        Self {
            inputs: self.taps.len(),
            taps,
        }
    }

    /// Outputs as rows of a matrix, inputs as columns.
    fn matrix(&self, device: &candle_core::Device) -> Result<Tensor> {
        let mut matrix = vec![0.0_f32; self.inputs * self.taps.len()];
        for (row, taps) in matrix.chunks_exact_mut(self.inputs).zip(&self.taps) {
            for &(i, w) in taps {
                row[i] += w;
            }
        }
        Tensor::from_vec(matrix, (self.taps.len(), self.inputs), device)
    }
}

fn resample(x: &Tensor, axis: impl Fn(usize) -> Option<Axis>) -> Result<Tensor> {
    let (_, _, h, w) = x.dims4()?;
    let (Some(rows), Some(columns)) = (axis(h), axis(w)) else {
        bail!("a picture of {h} x {w} is too small to be resampled");
    };
    let map = Resample2d { rows, columns };
    if x.device().is_cpu() {
        x.contiguous()?.apply_op1(map)
    } else {
        map.composed(x)
    }
}

struct Resample2d {
    rows: Axis,
    columns: Axis,
}

impl Resample2d {
    /// As products with matrices; runs on any device.
    fn composed(&self, x: &Tensor) -> Result<Tensor> {
        let (n, c, h, w) = x.dims4()?;
        let (rows, columns) = (self.rows.taps.len(), self.columns.taps.len());
        let of_columns = self.columns.matrix(x.device())?.t()?;
        let of_rows = self.rows.matrix(x.device())?.t()?;
        x.contiguous()?
            .reshape((n * c * h, w))?
            .matmul(&of_columns)?
            .reshape((n * c, h, columns))?
            .transpose(1, 2)?
            .contiguous()?
            .reshape((n * c * columns, h))?
            .matmul(&of_rows)?
            .reshape((n, c, columns, rows))?
            .transpose(2, 3)?
            .contiguous()
    }
}

impl CustomOp1 for Resample2d {
    fn name(&self) -> &'static str {
        "resample2d"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = values(storage, layout)?;
        let (n, c, h, w) = layout.shape().dims4()?;
        if [h, w] != [self.rows.inputs, self.columns.inputs] {
            bail!("a resampling made for another size");
        }
        let (rows, columns) = (self.rows.taps.len(), self.columns.taps.len());
        let mut out = vec![0.0; n * c * rows * columns];
        if !out.is_empty() {
            out.par_chunks_mut(rows * columns)
                .zip(x.par_chunks(h * w))
                .for_each_init(|| vec![0.0; w], |row, (out, x)| self.plane(x, row, out));
        }
        Ok((CpuStorage::F32(out), (n, c, rows, columns).into()))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let back = Self {
            rows: self.rows.transposed(),
            columns: self.columns.transposed(),
        };
        gradient.contiguous()?.apply_op1_no_bwd(&back).map(Some)
    }
}

impl Resample2d {
    fn plane(&self, x: &[f32], row: &mut [f32], out: &mut [f32]) {
        let (width, columns) = (self.columns.inputs, self.columns.taps.len());
        for (out, taps) in out.chunks_exact_mut(columns).zip(&self.rows.taps) {
            row.fill(0.0);
            for &(input, weight) in taps {
                let from = &x[input * width..][..width];
                row.iter_mut().zip(from).for_each(|(r, v)| *r += weight * v);
            }
            for (out, taps) in out.iter_mut().zip(&self.columns.taps) {
                *out = taps
                    .iter()
                    .map(|&(input, weight)| weight * row[input])
                    .sum();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};

    #[test]
    fn the_composed_form_is_the_same_map() {
        let x = Tensor::rand(0.0_f32, 1.0, (2, 3, 6, 9), &Device::Cpu).unwrap();
        let maps: [fn(usize) -> Option<Axis>; 1] = [|n| reflected(n, 3)];
        for axis in maps {
            let map = || Resample2d {
                rows: axis(6).unwrap(),
                columns: axis(9).unwrap(),
            };
            let apart = (x.apply_op1(map()).unwrap() - map().composed(&x).unwrap()).unwrap();
            let largest = apart.abs().unwrap().flatten_all().unwrap().max(0).unwrap();
            assert!(largest.to_scalar::<f32>().unwrap() < 1e-6);
        }
    }

    #[test]
    fn a_constant_stays_and_sizes_are_told() {
        let ones = Tensor::ones((1, 1, 7, 6), DType::F32, &Device::Cpu).unwrap();
        for (y, size) in [
            (reflect_pad2d(&ones, 2).unwrap(), [11, 10]),
            (blur_downsample2d(&ones).unwrap(), [4, 3]),
            (blur_upsample2d(&ones).unwrap(), [14, 12]),
            (upsample_nearest2d(&ones, 3).unwrap(), [21, 18]),
        ] {
            assert_eq!(y.dims()[2..], size);
            let values: Vec<f32> = y.flatten_all().unwrap().to_vec1().unwrap();
            assert!(values.iter().all(|v| (v - 1.0).abs() < 1e-6));
        }
        assert!(reflect_pad2d(&ones, 6).is_err());
    }
}
