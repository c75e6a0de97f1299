//! Losses between pictures.
use super::Error;
use candle_core::{Device, Result, Tensor};

/// Least-squares adversarial loss (Mao et al. 2017): mean square of a discriminator's scores less `target`, 1 for real and 0 for translated.
///
/// # Errors
/// When memory runs out.
pub fn least_squares(scores: &Tensor, target: f64) -> std::result::Result<Tensor, Error> {
    Ok((scores - target)?.sqr()?.mean_all()?)
}

/// Mean absolute difference. Where two values are equal its gradient is zero, as in `PyTorch`.
///
/// # Errors
/// When the shapes differ.
pub fn l1(a: &Tensor, b: &Tensor) -> std::result::Result<Tensor, Error> {
    let apart = (a - b)?;
    let sign = apart.detach().sign()?;
    Ok((apart * sign)?.mean_all()?)
}

/// Mean modulus of the difference of two pictures (`N, C, H, W`) in k-space, whose transform keeps their energy.
///
/// # Errors
/// When the shapes differ.
pub fn fourier_l1(a: &Tensor, b: &Tensor) -> std::result::Result<Tensor, Error> {
    let apart = (a - b)?;
    let (n, c, h, w) = apart.dims4()?;
    let rows = Transform::new(h, apart.device())?;
    let columns = Transform::new(w, apart.device())?;
    // Along the width, then along the height: (cos - i sin) twice. Both matrices are symmetric.
    let flat = apart.reshape((n * c * h, w))?;
    let along_height = |x: &Tensor, matrix: &Tensor| -> Result<Tensor> {
        let turned = x.reshape((n * c, h, w))?.transpose(1, 2)?.contiguous()?;
        turned.reshape((n * c * w, h))?.matmul(matrix)
    };
    let (cosine, sine) = (flat.matmul(&columns.cosine)?, flat.matmul(&columns.sine)?);
    let real = (along_height(&cosine, &rows.cosine)? - along_height(&sine, &rows.sine)?)?;
    let imaginary = (along_height(&cosine, &rows.sine)? + along_height(&sine, &rows.cosine)?)?;
    // The modulus as a sum weighted by its known gradient, which is zero where the modulus is.
    let (re, im) = (real.detach(), imaginary.detach());
    let modulus = (re.sqr()? + im.sqr()?)?.sqrt()?;
    let inverse = modulus.maximum(f64::from(f32::MIN_POSITIVE))?.recip()?;
    let weighted = ((real * (re * &inverse)?)? + (imaginary * (im * inverse)?)?)?;
    Ok(weighted.mean_all()?)
}

/// The matrices of a discrete Fourier transform of `n` values, scaled by `1 / √n`.
struct Transform {
    cosine: Tensor,
    sine: Tensor,
}

impl Transform {
    fn new(n: usize, device: &Device) -> Result<Self> {
        let scale = 1.0 / (n as f64).sqrt();
        let of = |f: fn(f64) -> f64| {
            let values = (0..n * n).map(|at| {
                // The product modulo n keeps the angle exact.
                let turns = (at / n * (at % n) % n) as f64 / n as f64;
                (scale * f(turns * std::f64::consts::TAU)) as f32
            });
            Tensor::from_vec(values.collect::<Vec<_>>(), (n, n), device)
        };
        Ok(Self {
            cosine: of(f64::cos)?,
            sine: of(f64::sin)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transform_keeps_a_pictures_energy_and_equal_pictures_cost_nothing() {
        // A single bright pixel has the same modulus everywhere in k-space.
        let mut values = vec![0.0_f32; 48];
        values[17] = 3.0;
        let a = Tensor::from_vec(values, (1, 1, 6, 8), &Device::Cpu).unwrap();
        let zero = a.zeros_like().unwrap();
        let loss = |a: &Tensor, b: &Tensor| fourier_l1(a, b).unwrap().to_scalar::<f32>().unwrap();
        assert!((loss(&a, &zero) - 3.0 / 48.0_f32.sqrt()).abs() < 1e-6);
        assert!(loss(&a, &a).abs() < 1e-12);
        assert!(l1(&a, &a).unwrap().to_scalar::<f32>().unwrap().abs() < 1e-12);
    }
}
