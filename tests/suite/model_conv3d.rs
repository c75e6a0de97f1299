//! The 3D operators against `SciPy`, the plain sum of 2D convolutions, and finite differences; on every kernel this processor can run.
use candle_core::{Device, Tensor, Var};
use schwann::model::op::{
    Conv3d, Isa, conv3d, conv3d_composed, instance_norm_leaky_relu,
    instance_norm_leaky_relu_composed, transposed_conv3d, transposed_conv3d_composed,
};
use schwann::model::{Parameters, read_tensors};

/// Numbers without structure, the same every time.
fn numbers(shape: &[usize], seed: u32) -> Tensor {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12_345);
    let values: Vec<f32> = (0..shape.iter().product::<usize>())
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 24) as f32 - 0.5
        })
        .collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

fn flat(t: &Tensor) -> Vec<f32> {
    t.flatten_all().unwrap().to_vec1().unwrap()
}

/// Largest difference, relative to the largest value of `b`.
fn relative_difference(a: &Tensor, b: &Tensor) -> f32 {
    assert_eq!(a.dims(), b.dims());
    let largest = flat(b).iter().fold(1e-6_f32, |m, v| m.max(v.abs()));
    flat(a)
        .iter()
        .zip(flat(b))
        .fold(0.0_f32, |m, (a, b)| m.max((a - b).abs()))
        / largest
}

struct Case {
    x: [usize; 5],
    w: [usize; 5],
    stride: [usize; 3],
    padding: [usize; 3],
}

fn cases() -> Vec<Case> {
    let case = |x, w, stride, padding| Case {
        x,
        w,
        stride,
        padding,
    };
    vec![
        case([1, 1, 3, 4, 5], [1, 1, 3, 3, 3], [1; 3], [1; 3]),
        case([2, 3, 5, 7, 9], [5, 3, 3, 3, 3], [1; 3], [1; 3]),
        case([1, 16, 9, 17, 50], [17, 16, 3, 3, 3], [1; 3], [1; 3]),
        case([2, 37, 4, 6, 20], [9, 37, 1, 3, 3], [1; 3], [0, 1, 1]),
        case([1, 4, 19, 18, 33], [3, 4, 1, 1, 1], [1; 3], [0; 3]),
        case([2, 3, 8, 10, 12], [6, 3, 3, 3, 3], [2; 3], [1; 3]),
        case([1, 5, 6, 12, 14], [8, 5, 1, 3, 3], [1, 2, 2], [0, 1, 1]),
        case([1, 2, 6, 8, 8], [4, 2, 3, 3, 3], [2, 1, 1], [1; 3]),
        case([1, 2, 6, 70, 8], [4, 2, 2, 3, 3], [1; 3], [0; 3]),
    ]
}

/// Output, gradient of the input and gradient of the weights, for a given gradient of the output.
fn all_three(
    x: &Tensor,
    w: &Tensor,
    g: Option<&Tensor>,
    f: impl Fn(&Tensor, &Tensor) -> Tensor,
) -> [Tensor; 3] {
    let (x, w) = (Var::from_tensor(x).unwrap(), Var::from_tensor(w).unwrap());
    let y = f(&x, &w);
    let g = g.cloned().unwrap_or_else(|| numbers(y.dims(), 3));
    let gradients = (&y * g).unwrap().sum_all().unwrap().backward().unwrap();
    [
        y,
        gradients.get(&x).unwrap().clone(),
        gradients.get(&w).unwrap().clone(),
    ]
}

const PARTS: [&str; 3] = ["output", "input gradient", "weight gradient"];

#[test]
fn convolution_and_gradients_equal_the_sum_of_2d_convolutions_on_every_kernel() {
    for case in cases() {
        let mut conv = Conv3d::new(case.stride, case.padding);
        let (x, w) = (numbers(&case.x, 1), numbers(&case.w, 2));
        let expected = all_three(&x, &w, None, |x, w| conv3d_composed(x, w, conv).unwrap());
        for isa in Isa::available() {
            conv.isa = isa;
            let found = all_three(&x, &w, None, |x, w| conv3d(x, w, conv).unwrap());
            for (what, (f, e)) in PARTS.iter().zip(found.iter().zip(&expected)) {
                let difference = relative_difference(f, e);
                assert!(
                    difference < 1e-5,
                    "{isa}, {:?} with {:?}: {what} differs by {difference}",
                    case.x,
                    case.w
                );
            }
        }
    }
}

fn golden() -> Parameters {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/golden/conv3d/golden.safetensors"
    );
    read_tensors(&std::fs::read(path).unwrap()).unwrap().0
}

#[test]
fn convolution_and_gradients_equal_scipys() {
    let golden = golden();
    let triple = |name: String| -> [usize; 3] {
        let values = flat(&golden[&name]);
        [0, 1, 2].map(|i| values[i] as usize)
    };
    for case in ["plain", "flat", "strided", "uneven"] {
        let get = |part: &str| &golden[&format!("{case}.{part}")];
        let mut conv = Conv3d::new(
            triple(format!("{case}.stride")),
            triple(format!("{case}.padding")),
        );
        for isa in Isa::available() {
            conv.isa = isa;
            let found = all_three(get("x"), get("w"), Some(get("g")), |x, w| {
                conv3d(x, w, conv).unwrap()
            });
            for (what, (f, part)) in PARTS.iter().zip(found.iter().zip(["y", "gx", "gw"])) {
                let difference = relative_difference(f, get(part));
                assert!(
                    difference < 2e-6,
                    "{isa}, {case}: {what} differs by {difference}"
                );
            }
        }
    }
}

#[test]
fn normalisation_and_transposed_convolution_equal_numpys() {
    let golden = golden();
    let get = |name: &str| &golden[name];
    let y = instance_norm_leaky_relu(get("norm.x"), get("norm.scale"), get("norm.shift"), 0.01)
        .unwrap();
    assert!(relative_difference(&y, get("norm.y")) < 2e-6);
    let y = transposed_conv3d(get("transposed.x"), get("transposed.w")).unwrap();
    assert!(relative_difference(&y, get("transposed.y")) < 2e-6);
}

#[test]
fn normalisation_and_its_gradients_equal_the_composition() {
    let inputs = [
        numbers(&[2, 3, 4, 5, 6], 4),
        numbers(&[3], 5),
        numbers(&[3], 6),
    ];
    let gradients = |f: fn(&Tensor, &Tensor, &Tensor, f32) -> candle_core::Result<Tensor>| {
        let [x, scale, shift] = inputs.each_ref().map(|t| Var::from_tensor(t).unwrap());
        let y = f(&x, &scale, &shift, 0.1).unwrap();
        let g = (&y * numbers(y.dims(), 7))
            .unwrap()
            .sum_all()
            .unwrap()
            .backward()
            .unwrap();
        [&x, &scale, &shift].map(|v| g.get(v).unwrap().clone())
    };
    let found = gradients(instance_norm_leaky_relu);
    let expected = gradients(instance_norm_leaky_relu_composed);
    for (f, e) in found.iter().zip(&expected) {
        assert!(relative_difference(f, e) < 1e-5);
    }
}

#[test]
fn transposed_convolution_and_its_gradients_equal_the_composition() {
    let (x, w) = (numbers(&[2, 5, 3, 4, 5], 8), numbers(&[5, 3, 2, 1, 3], 9));
    let found = all_three(&x, &w, None, |x, w| transposed_conv3d(x, w).unwrap());
    let expected = all_three(&x, &w, None, |x, w| {
        transposed_conv3d_composed(x, w).unwrap()
    });
    for (f, e) in found.iter().zip(&expected) {
        assert!(relative_difference(f, e) < 1e-6);
    }
}

/// The derivative of `f` with respect to one value by a difference, and by the gradient.
fn compare_with_a_difference(input: &Tensor, index: usize, f: impl Fn(&Tensor) -> Tensor) {
    let variable = Var::from_tensor(input).unwrap();
    let gradients = f(&variable).backward().unwrap();
    let gradient = flat(gradients.get(&variable).unwrap())[index];
    let moved = |by: f32| {
        let mut values = flat(input);
        values[index] += by;
        let at = Tensor::from_vec(values, input.shape(), &Device::Cpu).unwrap();
        f(&at).to_scalar::<f32>().unwrap()
    };
    let difference = (moved(0.01) - moved(-0.01)) / 0.02;
    let close = (difference - gradient).abs() < 2e-2 * (1.0 + gradient.abs());
    assert!(close, "difference {difference}, gradient {gradient}");
}

#[test]
fn gradients_are_the_slopes_of_finite_differences() {
    let (x, w) = (numbers(&[1, 2, 5, 6, 7], 10), numbers(&[3, 2, 3, 3, 3], 11));
    let conv = Conv3d::new([2; 3], [1; 3]);
    let squares = |y: Tensor| y.sqr().unwrap().sum_all().unwrap();
    for index in [0, 17, 100, 161] {
        compare_with_a_difference(&w, index, |w| squares(conv3d(&x, w, conv).unwrap()));
        compare_with_a_difference(&x, index, |x| squares(conv3d(x, &w, conv).unwrap()));
    }
    let (scale, shift) = (numbers(&[2], 12), numbers(&[2], 13));
    let pattern = numbers(&[1, 2, 5, 6, 7], 14);
    for index in [3, 200] {
        compare_with_a_difference(&x, index, |x| {
            let y = instance_norm_leaky_relu(x, &scale, &shift, 0.5).unwrap();
            (y * &pattern).unwrap().sum_all().unwrap()
        });
    }
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let refused = |x: &[usize], w: &[usize], stride: [usize; 3], padding: [usize; 3]| {
        conv3d(&numbers(x, 1), &numbers(w, 2), Conv3d::new(stride, padding)).is_err()
    };
    assert!(
        refused(&[1, 2, 4, 4, 4], &[1, 3, 3, 3, 3], [1; 3], [1; 3]),
        "other channels"
    );
    assert!(
        refused(&[1, 1, 1, 4, 4], &[1, 1, 3, 3, 3], [1; 3], [0; 3]),
        "kernel larger than the input"
    );
    assert!(
        refused(&[1, 1, 4, 4, 4], &[1, 1, 3, 3, 3], [0; 3], [1; 3]),
        "no stride"
    );
    assert!(
        refused(&[1, 1, 4, 4, 4], &[1, 1, 1, 1, 1], [1; 3], [1; 3]),
        "padding as large as the kernel"
    );
    assert!(
        transposed_conv3d(&numbers(&[1, 2, 2, 2, 2], 1), &numbers(&[3, 1, 2, 2, 2], 2)).is_err()
    );
    let (x, one) = (numbers(&[1, 2, 2, 2, 2], 1), numbers(&[1], 2));
    assert!(instance_norm_leaky_relu(&x, &one, &one, 0.0).is_err());
}
