//! Seconds of one convolution and of a whole tile of nnU-Net's usual network: the engine, on each instruction set, and candle's tensors.
//!
//! Prints one line of JSON for each; `peers.py` in this folder runs it and other programs in turn on the same cores.
//! `cargo bench --bench network -- REPETITIONS [NAME…]`
#![expect(clippy::print_stdout, reason = "a program for developers")]
use candle_core::{Device, Tensor};
use schwann::model::{Arena, Engine, Level, UNet, UNetDescription, op::Isa};
use std::{error::Error, ops::ControlFlow, time::Instant};

fn level(channels: usize, kernel: [usize; 3], stride: [usize; 3], convs: usize) -> Level {
    Level {
        channels,
        kernel,
        stride,
        encoder_convs: convs,
        decoder_convs: 2,
    }
}

/// The network that nnU-Net plans for hrT2 of about 0.5 × 0.5 × 1.5 mm: six stages, 32 to 320 channels, 30.7 million parameters.
fn usual() -> UNetDescription {
    let stage = |channels, kernel, stride| level(channels, kernel, stride, 2);
    UNetDescription::plain(
        1,
        3,
        vec![
            stage(32, [1, 3, 3], [1; 3]),
            stage(64, [3; 3], [1, 2, 2]),
            stage(128, [3; 3], [2; 3]),
            stage(256, [3; 3], [2; 3]),
            stage(320, [3; 3], [2; 3]),
            stage(320, [3; 3], [1, 2, 2]),
        ],
    )
}

/// The same with cubic kernels throughout.
fn cubic() -> UNetDescription {
    let mut description = usual();
    description.levels[0].kernel = [3; 3];
    description
}

const TILE: [usize; 3] = [40, 192, 160];
const LAYER: [usize; 3] = [48, 160, 160];

fn wave(len: usize) -> Vec<f32> {
    (0..len).map(|n| (n as f32 * 0.37).sin()).collect()
}

/// Fastest of some runs of the engine, seconds.
fn engine(
    description: &UNetDescription,
    size: [usize; 3],
    isa: Isa,
    repetitions: usize,
) -> Result<f64, Box<dyn Error>> {
    let network = UNet::new(description.clone(), description.initial_parameters(1)?)?;
    let engine = Engine::new(&network, isa)?;
    let image = wave(description.in_channels * size.iter().product::<usize>());
    let mut arena = Arena::default();
    let mut best = f64::INFINITY;
    for _ in 0..=repetitions {
        let start = Instant::now();
        engine.run(&image, size, &mut arena, &mut |_| ControlFlow::Continue(()))?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    Ok(best)
}

fn tensors(
    description: &UNetDescription,
    [d, h, w]: [usize; 3],
    repetitions: usize,
) -> Result<f64, Box<dyn Error>> {
    let network = UNet::new(description.clone(), description.initial_parameters(1)?)?;
    let x = Tensor::from_vec(wave(d * h * w), (1, 1, d, h, w), &Device::Cpu)?;
    let mut best = f64::INFINITY;
    for _ in 0..=repetitions {
        let start = Instant::now();
        network.forward(&x)?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    Ok(best)
}

/// One convolution of `channels` to as many with its normalisation: what eight more of them add to a network of one level.
fn layer(
    channels: usize,
    size: [usize; 3],
    isa: Isa,
    repetitions: usize,
) -> Result<f64, Box<dyn Error>> {
    let of = |convs| {
        let levels = vec![level(channels, [3; 3], [1; 3], convs)];
        engine(
            &UNetDescription::plain(1, 2, levels),
            size,
            isa,
            repetitions,
        )
    };
    Ok((of(9)? - of(1)?) / 8.0)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).filter(|a| a != "--bench");
    let repetitions: usize = arguments.next().map_or(Ok(3), |n| n.parse())?;
    let wanted: Vec<String> = arguments.collect();
    let tell = |name: &str, what: &str, seconds: &dyn Fn() -> Result<f64, Box<dyn Error>>| {
        if wanted.is_empty() || wanted.iter().any(|w| w == name) {
            println!(
                r#"{{"bench": "{name}", "with": "schwann {what}", "seconds": {:.4}}}"#,
                seconds()?
            );
        }
        Ok::<(), Box<dyn Error>>(())
    };
    for isa in Isa::available() {
        let name = isa.to_string();
        tell("layer 32", &name, &|| layer(32, LAYER, isa, repetitions))?;
        tell("layer 64", &name, &|| {
            layer(64, [24, 80, 80], isa, repetitions)
        })?;
        tell("layer 320", &name, &|| {
            layer(320, [6, 10, 10], isa, repetitions)
        })?;
        tell("tile flat", &name, &|| {
            engine(&usual(), TILE, isa, repetitions)
        })?;
        tell("tile cubic", &name, &|| {
            engine(&cubic(), TILE, isa, repetitions)
        })?;
    }
    tell("tile flat", "tensors", &|| {
        tensors(&usual(), TILE, repetitions)
    })?;
    tell("tile cubic", "tensors", &|| {
        tensors(&cubic(), TILE, repetitions)
    })?;
    Ok(())
}
