//! A network ready to score images, one after another.
use super::{Arena, Engine, Error, UNet, Watch, op::Isa};
use candle_core::{Device, Tensor};

/// A network on its device, with the memory that it keeps from image to image.
#[derive(Debug)]
pub struct Runner(Way);

#[derive(Debug)]
enum Way {
    Engine(Box<Engine>, Arena),
    Tensors(UNet, Device),
}

impl Runner {
    /// The fastest way on the device: the engine on the CPU, tensors elsewhere.
    ///
    /// # Errors
    /// When the parameters cannot be read or copied.
    pub fn new(network: &UNet, device: &Device) -> Result<Self, Error> {
        if device.is_cpu() {
            let engine = Engine::new(network, Isa::best())?;
            return Ok(Self(Way::Engine(Box::new(engine), Arena::default())));
        }
        Self::direct(network, device)
    }

    /// Sums of products alone, without Winograd's transforms: nearer to the last bit to other programs that do the same.
    ///
    /// # Errors
    /// When the parameters cannot be copied.
    pub fn direct(network: &UNet, device: &Device) -> Result<Self, Error> {
        let network = network.to_device(device)?;
        Ok(Self(Way::Tensors(network, device.clone())))
    }

    /// Gives back the memory that is kept from image to image; the next one takes it anew.
    pub fn rest(&mut self) {
        if let Way::Engine(_, arena) = &mut self.0 {
            *arena = Arena::default();
        }
    }

    /// Class scores before the softmax, `[class][D][H][W]`, of an image `[C][D][H][W]` of `size` voxels (depth, height, width).
    ///
    /// # Errors
    /// As [`UNet::forward_watched`].
    pub fn scores(
        &mut self,
        image: &[f32],
        size: [usize; 3],
        watch: &mut Watch<'_>,
    ) -> Result<Vec<f32>, Error> {
        match &mut self.0 {
            Way::Engine(engine, arena) => engine.run(image, size, arena, watch),
            Way::Tensors(network, device) => {
                let [d, h, w] = size;
                let channels = network.description().in_channels;
                let x = Tensor::from_slice(image, (1, channels, d, h, w), device)?;
                let scores = network.forward_watched(&x, watch)?;
                Ok(scores.to_device(&Device::Cpu)?.flatten_all()?.to_vec1()?)
            }
        }
    }
}
