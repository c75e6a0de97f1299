//! Layers and optimisers against `PyTorch`.
use candle_core::{DType, Device, Tensor, Var};
use schwann::model::op::{
    Conv3d, Isa, average_pool3d, conv3d, instance_norm_leaky_relu, leaky_relu, max_pool3d,
    transposed_conv3d, upsample_nearest3d, upsample_nearest3d_composed, upsample_trilinear3d,
    upsample_trilinear3d_composed,
};
use schwann::model::{Parameters, read_tensors};
use schwann::train::{Optimiser, Rule, polynomial_decay};
use std::collections::BTreeMap;

fn golden() -> Parameters {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/golden/layers/golden.safetensors"
    );
    read_tensors(&std::fs::read(path).unwrap()).unwrap().0
}

fn flat(t: &Tensor) -> Vec<f32> {
    t.flatten_all().unwrap().to_vec1().unwrap()
}

/// Largest difference, relative to the largest value of `b`.
fn difference(a: &Tensor, b: &Tensor) -> f32 {
    assert_eq!(a.dims(), b.dims());
    let largest = flat(b).iter().fold(1e-6_f32, |m, v| m.max(v.abs()));
    let pairs = flat(a).into_iter().zip(flat(b));
    pairs.fold(0.0_f32, |m, (a, b)| m.max((a - b).abs())) / largest
}

/// Compares output and gradients of a layer, called with its input and its weights.
fn compare(golden: &Parameters, name: &str, f: impl Fn(&Tensor, &[Var]) -> Tensor) {
    let get = |part: &str| golden.get(&format!("{name}.{part}"));
    let x = Var::from_tensor(get("x").unwrap()).unwrap();
    let weights: Vec<Var> = (0..3)
        .map_while(|n| get(&format!("w{n}")))
        .map(|w| Var::from_tensor(w).unwrap())
        .collect();
    let y = f(&x, &weights);
    let forward = difference(&y, get("y").unwrap());
    assert!(forward < 1e-5, "{name}: output differs by {forward}");
    let loss = (y * get("g").unwrap()).unwrap().sum_all().unwrap();
    let gradients = loss.backward().unwrap();
    let check = |variable: &Var, part: &str| {
        let found = difference(gradients.get(variable).unwrap(), get(part).unwrap());
        assert!(found < 1e-4, "{name}: {part} differs by {found}");
    };
    check(&x, "gx");
    for (n, w) in weights.iter().enumerate() {
        check(w, &format!("gw{n}"));
    }
}

#[test]
fn layers_and_their_gradients_equal_pytorchs() {
    let golden = golden();
    for (name, stride, padding) in [
        ("conv cubic", [1; 3], [1; 3]),
        ("conv flat", [1, 2, 2], [0, 1, 1]),
        ("conv strided", [2; 3], [1; 3]),
        ("conv point", [1; 3], [0; 3]),
    ] {
        for isa in Isa::available() {
            let mut conv = Conv3d::new(stride, padding);
            conv.isa = isa;
            compare(&golden, name, |x, w| conv3d(x, &w[0], conv).unwrap());
        }
    }
    for name in ["up cubic", "up flat"] {
        compare(&golden, name, |x, w| transposed_conv3d(x, &w[0]).unwrap());
    }
    for (name, slope) in [("norm", 1.0), ("norm relu", 0.01)] {
        compare(&golden, name, |x, w| {
            instance_norm_leaky_relu(x, &w[0], &w[1], slope).unwrap()
        });
    }
    compare(&golden, "relu", |x, _| leaky_relu(x, 0.01).unwrap());
    compare(&golden, "max pool", |x, _| {
        max_pool3d(x, [2, 2, 3]).unwrap()
    });
    compare(&golden, "average pool", |x, _| {
        average_pool3d(x, [1, 2, 2]).unwrap()
    });
    for (name, size) in [("double", [6, 8, 10]), ("uneven", [4, 9, 7])] {
        compare(&golden, &format!("nearest {name}"), |x, _| {
            upsample_nearest3d(x, size).unwrap()
        });
        compare(&golden, &format!("nearest {name}"), |x, _| {
            upsample_nearest3d_composed(x, size).unwrap()
        });
        for f in [upsample_trilinear3d, upsample_trilinear3d_composed] {
            compare(&golden, &format!("trilinear {name}"), |x, _| {
                f(x, size).unwrap()
            });
        }
    }
}

/// The numbers that `wide.py` gives its inputs.
fn numbers(shape: &[usize], seed: u32) -> Tensor {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12_345);
    let values = (0..shape.iter().product::<usize>()).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32 - 0.5
    });
    Tensor::from_vec(values.collect::<Vec<_>>(), shape, &Device::Cpu).unwrap()
}

#[test]
fn convolutions_of_many_channels_and_wide_rows_equal_pytorchs() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/golden/layers/wide.safetensors"
    );
    let mut golden = read_tensors(&std::fs::read(path).unwrap()).unwrap().0;
    let mut inputs = |name: &str, x: &[usize], w: &[usize]| {
        let y = golden[&format!("{name}.y")].dims().to_vec();
        for (part, shape, seed) in [("x", x, 1), ("w0", w, 2), ("g", &y, 3)] {
            golden.insert(format!("{name}.{part}"), numbers(shape, seed));
        }
        let gw = golden[&format!("{name}.gw")].clone();
        golden.insert(format!("{name}.gw0"), gw);
    };
    inputs("conv cubic", &[1, 33, 2, 4, 68], &[20, 33, 3, 3, 3]);
    inputs("conv flat", &[1, 17, 2, 6, 130], &[35, 17, 1, 3, 3]);
    inputs("conv strided", &[1, 24, 4, 4, 70], &[18, 24, 3, 3, 3]);
    inputs("up", &[1, 37, 2, 3, 20], &[37, 19, 1, 2, 2]);
    for (name, stride, padding) in [
        ("conv cubic", [1; 3], [1; 3]),
        ("conv flat", [1, 2, 2], [0, 1, 1]),
        ("conv strided", [2; 3], [1; 3]),
    ] {
        for isa in Isa::available() {
            let mut conv = Conv3d::new(stride, padding);
            conv.isa = isa;
            compare(&golden, name, |x, w| conv3d(x, &w[0], conv).unwrap());
        }
    }
    compare(&golden, "up", |x, w| transposed_conv3d(x, &w[0]).unwrap());
}

/// The derivative of a weighted sum of the outputs by each input, by differences and by the gradient.
fn compare_with_differences(name: &str, x: &Tensor, f: impl Fn(&Tensor) -> Tensor) {
    let loss = |x: &Tensor| {
        let y = f(x);
        let weights: Vec<f32> = (0..y.elem_count())
            .map(|n| (n as f32 * 0.7).sin())
            .collect();
        let weights = Tensor::from_vec(weights, y.shape(), y.device()).unwrap();
        (y * weights).unwrap().sum_all().unwrap()
    };
    let variable = Var::from_tensor(x).unwrap();
    let gradients = loss(&variable).backward().unwrap();
    let gradient = flat(gradients.get(&variable).unwrap());
    for index in (0..gradient.len()).step_by(7) {
        let moved = |by: f32| {
            let mut values = flat(x);
            values[index] += by;
            let at = Tensor::from_vec(values, x.shape(), x.device()).unwrap();
            loss(&at).to_scalar::<f32>().unwrap()
        };
        // Piecewise linear: a step that passes no kink gives the slope up to rounding.
        let difference = (moved(1e-3) - moved(-1e-3)) / 2e-3;
        let close = (difference - gradient[index]).abs() < 2e-2 * (1.0 + gradient[index].abs());
        assert!(close, "{name}, {index}: {difference}, {}", gradient[index]);
    }
}

#[test]
fn gradients_are_slopes() {
    // All values 0.01 apart and none nearer to zero than half of that, so that no step passes a kink.
    let count = 2 * 5 * 6 * 7;
    let values = (0..count).map(|n| ((n * 37 % count) as f32 + 0.5 - count as f32 / 2.0) * 0.01);
    let shape = (1, 2, 5, 6, 7);
    let x = &Tensor::from_vec(values.collect::<Vec<_>>(), shape, &Device::Cpu).unwrap();
    compare_with_differences("relu", x, |x| leaky_relu(x, 0.01).unwrap());
    compare_with_differences("max", x, |x| max_pool3d(x, [2, 2, 3]).unwrap());
    compare_with_differences("mean", x, |x| average_pool3d(x, [1, 2, 2]).unwrap());
    let size = [4, 9, 11];
    compare_with_differences("nearest", x, |x| upsample_nearest3d(x, size).unwrap());
    compare_with_differences("trilinear", x, |x| upsample_trilinear3d(x, size).unwrap());
}

#[test]
fn only_weights_decay_under_adamw() {
    let start = |shape: &[usize]| Tensor::ones(shape, DType::F32, &Device::Cpu);
    for (rule, decays) in [
        (
            Rule::AdamW {
                betas: [0.9, 0.99],
                weight_decay: 0.5,
            },
            [true, false],
        ),
        (
            Rule::Nesterov {
                momentum: 0.9,
                weight_decay: 0.5,
            },
            [true, true],
        ),
    ] {
        let weight = Var::from_tensor(&start(&[2, 2]).unwrap()).unwrap();
        let bias = Var::from_tensor(&start(&[2]).unwrap()).unwrap();
        let variables = BTreeMap::from([
            ("bias".to_owned(), bias.clone()),
            ("weight".to_owned(), weight.clone()),
        ]);
        let mut optimiser = Optimiser::new(variables, rule).unwrap();
        // No slope at all: what moves, moves by decay.
        let nothing = |v: &Var| {
            (v.as_tensor() * v.zeros_like().unwrap())
                .unwrap()
                .sum_all()
                .unwrap()
        };
        let gradients = (nothing(&weight) + nothing(&bias))
            .unwrap()
            .backward()
            .unwrap();
        optimiser.step(&gradients, 1, 0.1, 1.0).unwrap();
        let moved = [&weight, &bias].map(|v| flat(v)[0] < 1.0 - 1e-4);
        assert_eq!(moved, decays, "{rule:?}");
    }
}

#[test]
fn sizes_of_nothing_are_refused() {
    let x = golden()["nearest double.x"].clone();
    assert!(upsample_nearest3d(&x, [0, 4, 4]).is_err());
    assert!(upsample_trilinear3d(&x.get(0).unwrap(), [2, 4, 4]).is_err());
}

#[test]
fn optimisers_take_pytorchs_steps() {
    let golden = golden();
    let nesterov = Rule::Nesterov {
        momentum: 0.9,
        weight_decay: 0.02,
    };
    let betas = [0.9, 0.99];
    let weight_decay = 0.1;
    for (name, rule, learning_rate, clip) in [
        ("nesterov", nesterov, 0.03, 1e9),
        ("nesterov clipped", nesterov, 0.03, 2.0),
        (
            "adam",
            Rule::Adam {
                betas,
                weight_decay,
            },
            0.05,
            1e9,
        ),
        (
            "adamw",
            Rule::AdamW {
                betas,
                weight_decay,
            },
            0.05,
            1e9,
        ),
    ] {
        let steps = &golden[&format!("{name}.steps")];
        let target = &golden[&format!("{name}.target")];
        let norms = flat(&golden[&format!("{name}.norms")]);
        let weights = Var::from_tensor(&steps.get(0).unwrap()).unwrap();
        let variables = BTreeMap::from([("w".to_owned(), weights.clone())]);
        let mut optimiser = Optimiser::new(variables, rule).unwrap();
        for step in 1..=5 {
            // Half way the state goes through a checkpoint's names.
            if step == 3 {
                let state = optimiser.state().into_iter();
                let state = state.map(|(name, t)| (name, t.copy().unwrap())).collect();
                let variables = BTreeMap::from([("w".to_owned(), weights.clone())]);
                optimiser = Optimiser::new(variables, rule).unwrap();
                optimiser.restore(state).unwrap();
            }
            let apart = (weights.as_tensor() - target).unwrap();
            let gradients = apart.sqr().unwrap().sum_all().unwrap().backward().unwrap();
            let norm = optimiser
                .step(&gradients, step, learning_rate, clip)
                .unwrap();
            assert!((norm / f64::from(norms[step - 1]) - 1.0).abs() < 1e-5);
            let found = difference(&weights, &steps.get(step).unwrap());
            assert!(found < 2e-6, "{name}, step {step}: {found}");
        }
    }
}

/// A moment that remembers how it was computed holds every tensor of every step before it: a long training would run out of memory.
#[test]
fn moments_do_not_remember_how_they_were_computed() {
    let (momentum, betas, weight_decay) = (0.9, [0.9, 0.99], 0.1);
    let rules = [
        Rule::Nesterov {
            momentum,
            weight_decay,
        },
        Rule::Adam {
            betas,
            weight_decay,
        },
        Rule::AdamW {
            betas,
            weight_decay,
        },
    ];
    for rule in rules {
        let weights = Var::new(&[1.0_f32, -2.0], &Device::Cpu).unwrap();
        let variables = BTreeMap::from([("w".to_owned(), weights.clone())]);
        let mut optimiser = Optimiser::new(variables, rule).unwrap();
        for step in 1..=2 {
            let loss = weights.as_tensor().sqr().unwrap().sum_all().unwrap();
            let gradients = loss.backward().unwrap();
            optimiser
                .step(&gradients, step, 0.1, f64::INFINITY)
                .unwrap();
        }
        for (name, tensor) in optimiser.state() {
            let of_moment = !name.starts_with("parameter");
            assert!(!(of_moment && tensor.track_op()), "{rule:?}: {name}");
        }
    }
}

#[test]
fn the_learning_rate_falls_as_nnu_nets() {
    assert!((polynomial_decay(0.0) - 1.0).abs() < 1e-12);
    // 0.01 * (1 - 500 / 1000)^0.9, as nnU-Net's scheduler gives for epoch 500.
    assert!((0.01 * polynomial_decay(0.5) - 0.005_358_867_3).abs() < 1e-9);
    assert!(polynomial_decay(1.0).abs() < 1e-12 && polynomial_decay(2.0).abs() < 1e-12);
}
