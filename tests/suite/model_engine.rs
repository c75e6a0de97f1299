//! The inference engine against the network made of candle's tensors.
use candle_core::{Device, Tensor};
use proptest::prelude::*;
use schwann::model::{Arena, Encoder, Engine, Level, UNet, UNetDescription, op::Isa};
use std::ops::ControlFlow;

fn level(channels: usize, kernel: [usize; 3], stride: [usize; 3], convs: [usize; 2]) -> Level {
    Level {
        channels,
        kernel,
        stride,
        encoder_convs: convs[0],
        decoder_convs: convs[1],
    }
}

fn wave(len: usize) -> Vec<f32> {
    (0..len)
        .map(|n| ((n * 37 % 101) as f32 * 0.13).sin() + 0.2)
        .collect()
}

fn network(description: &UNetDescription, seed: u64) -> UNet {
    let mut parameters = description.initial_parameters(seed).unwrap();
    // Scales and shifts other than one and zero, so that they are seen.
    for (name, tensor) in &mut parameters {
        if tensor.rank() == 1 {
            let noise = Tensor::new(wave(tensor.elem_count()), &Device::Cpu).unwrap();
            let by = if name.ends_with("norm.weight") {
                0.3
            } else {
                0.2
            };
            *tensor = (&*tensor + (noise * by).unwrap()).unwrap();
        }
    }
    UNet::new(description.clone(), parameters).unwrap()
}

/// Largest difference between the engine and the tensors, relative to the largest score.
fn difference(description: &UNetDescription, [d, h, w]: [usize; 3], isa: Isa) -> f32 {
    let network = network(description, 5);
    let image = wave(description.in_channels * d * h * w);
    let shape = (1, description.in_channels, d, h, w);
    let x = Tensor::from_vec(image.clone(), shape, &Device::Cpu).unwrap();
    let expected: Vec<f32> = network
        .forward(&x)
        .unwrap()
        .flatten_all()
        .unwrap()
        .to_vec1()
        .unwrap();
    let engine = Engine::new(&network, isa).unwrap();
    let mut arena = Arena::default();
    let mut unwatched = |_| ControlFlow::Continue(());
    // The second run reads memory that the first one left.
    let mut found = Vec::new();
    for _ in 0..2 {
        found = engine
            .run(&image, [d, h, w], &mut arena, &mut unwatched)
            .unwrap();
    }
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
    let pairs = found.iter().zip(&expected);
    pairs.fold(0.0_f32, |m, (a, b)| m.max((a - b).abs())) / largest
}

fn cubic() -> UNetDescription {
    let levels = vec![
        level(16, [3; 3], [1; 3], [2, 2]),
        level(40, [3; 3], [2; 3], [2, 1]),
        level(48, [3; 3], [1, 2, 2], [1, 1]),
    ];
    UNetDescription::plain(1, 3, levels)
}

fn residual() -> UNetDescription {
    UNetDescription {
        encoder: Encoder::Residual { stem_channels: 16 },
        up_bias: true,
        ..cubic()
    }
}

#[test]
fn the_engine_gives_the_scores_of_the_tensors_on_every_instruction_set() {
    let flat = UNetDescription {
        up_bias: true,
        slope: 0.1,
        ..UNetDescription::plain(
            2,
            19,
            vec![
                level(24, [1, 3, 3], [1; 3], [2, 2]),
                level(33, [3; 3], [1, 2, 2], [3, 1]),
                level(50, [3, 3, 3], [2, 2, 1], [2, 1]),
            ],
        )
    };
    for isa in Isa::available() {
        for (description, size) in [
            (residual(), [6, 20, 28]),
            (cubic(), [6, 20, 28]),
            (cubic(), [2, 4, 68]),
            (flat.clone(), [10, 12, 14]),
        ] {
            let found = difference(&description, size, isa);
            assert!(found < 2e-5, "{isa}: {found} at {size:?}");
        }
    }
}

#[test]
fn the_engine_refuses_what_does_not_fit_and_stops_when_told() {
    let description = cubic();
    let engine = Engine::new(&network(&description, 1), Isa::best()).unwrap();
    let mut arena = Arena::default();
    let mut unwatched = |_| ControlFlow::Continue(());
    for (len, size) in [
        (3 * 8 * 8, [3, 8, 8]),
        (2 * 8 * 8 - 1, [2, 8, 8]),
        (0, [0, 8, 8]),
    ] {
        let refused = engine.run(&wave(len), size, &mut arena, &mut unwatched);
        assert!(refused.is_err(), "{size:?}");
    }
    let mut heard = Vec::new();
    let mut stop = |part: f32| {
        heard.push(part);
        if heard.len() == 3 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let stopped = engine.run(&wave(2 * 8 * 8), [2, 8, 8], &mut arena, &mut stop);
    assert!(matches!(stopped, Err(schwann::model::Error::Stopped)));
    assert!(heard.is_sorted() && heard.len() == 3);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_size_and_any_channels_give_the_scores_of_the_tensors(
        channels in prop::collection::vec(1_usize..40, 2),
        size in prop::array::uniform3(1_usize..9),
        stride in prop::array::uniform3(1_usize..3),
        kernel in prop::array::uniform3(prop::sample::select(vec![1_usize, 3, 5])),
    ) {
        let levels = vec![
            level(channels[0], kernel, [1; 3], [2, 1]),
            level(channels[1], [3; 3], stride, [2, 1]),
        ];
        let description = UNetDescription::plain(1, 2, levels);
        let size = std::array::from_fn(|a| 2 * size[a] * stride[a]);
        let found = difference(&description, size, Isa::best());
        prop_assert!(found < 1e-4, "{found}");
    }
}
