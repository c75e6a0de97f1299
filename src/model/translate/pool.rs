//! The pictures that a discriminator has not forgotten (Shrivastava et al. 2017).
use crate::model::{Error, Parameters};
use candle_core::{Device, Tensor};
use rand::Rng;

/// Pictures translated before: a discriminator that sees them among new ones does not chase the generator's last step.
#[derive(Debug, Clone, Default)]
pub struct ImagePool {
    capacity: usize,
    pictures: Vec<Tensor>,
}

impl ImagePool {
    /// An empty pool for so many pictures; `CycleGAN` keeps 50. Without room it gives back what it gets.
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            pictures: Vec::new(),
        }
    }

    /// Pictures to judge instead of `new` (`N, C, H, W`): as long as there is room each is kept and given back; then each is given back half of the time, and otherwise
    /// takes the place of one that was kept, which is given back.
    ///
    /// # Errors
    /// When memory runs out.
    pub fn exchange(&mut self, new: &Tensor, random: &mut impl Rng) -> Result<Tensor, Error> {
        let mut given = Vec::new();
        for n in 0..new.dim(0)? {
            let picture = new.narrow(0, n, 1)?.detach().copy()?;
            if self.pictures.len() < self.capacity {
                self.pictures.push(picture.clone());
                given.push(picture);
            } else if self.capacity > 0 && random.random_bool(0.5) {
                let at = random.random_range(0..self.pictures.len());
                given.push(std::mem::replace(&mut self.pictures[at], picture));
            } else {
                given.push(picture);
            }
        }
        Ok(Tensor::cat(&given, 0)?)
    }

    /// The pictures under the names of a checkpoint.
    pub fn state(&self) -> Parameters {
        let named = |(n, t): (usize, &Tensor)| (format!("{n:04}"), t.clone());
        self.pictures.iter().enumerate().map(named).collect()
    }

    /// Takes over a [state](Self::state), as many as there is room for.
    ///
    /// # Errors
    /// When a copy fails.
    pub fn restore(&mut self, state: Parameters, device: &Device) -> Result<(), Error> {
        let pictures = state.into_values().take(self.capacity);
        let pictures = pictures.map(|t| t.to_device(device));
        self.pictures = pictures.collect::<candle_core::Result<_>>()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn a_full_pool_gives_back_an_old_picture_every_second_time() {
        let picture = |n: usize| Tensor::full(n as f32, (1, 1, 2, 2), &Device::Cpu).unwrap();
        let value = |t: &Tensor| t.mean_all().unwrap().to_scalar::<f32>().unwrap() as usize;
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let mut pool = ImagePool::new(5);
        let (mut old, mut given) = (0, Vec::new());
        for n in 0..400 {
            let back = value(&pool.exchange(&picture(n), &mut random).unwrap());
            assert!(n >= 5 || back == n);
            old += usize::from(back != n);
            given.push(back);
        }
        assert!((150..250).contains(&old), "{old}");
        // Nothing is given back as an old picture that was not kept, and nothing twice.
        let mut late: Vec<usize> = given.iter().skip(5).copied().filter(|n| *n >= 5).collect();
        late.sort_unstable();
        assert!(late.windows(2).all(|w| w[0] != w[1]));
        let mut again = ImagePool::new(5);
        again.restore(pool.state(), &Device::Cpu).unwrap();
        let kept = |pool: &ImagePool| pool.pictures.iter().map(value).collect::<Vec<_>>();
        assert_eq!(kept(&again), kept(&pool));
        let mut none = ImagePool::new(0);
        assert_eq!(value(&none.exchange(&picture(9), &mut random).unwrap()), 9);
    }
}
