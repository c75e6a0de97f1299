//! The 3D operators against the plain sum of 2D convolutions, finite differences, and an independent program.
use candle_core::{Device, Tensor, Var};
use schwann::model::op::{
    Conv3d, Isa, conv3d, conv3d_composed, instance_norm_leaky_relu, instance_norm_leaky_relu_composed,
    transposed_conv3d, transposed_conv3d_composed,
};

/// Numbers without structure, the same every time.
fn numbers(shape: &[usize], seed: u32) -> Tensor {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12345);
    let values: Vec<f32> = (0..shape.iter().product::<usize>())
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 24) as f32 - 0.5
        })
        .collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

fn relative_difference(a: &Tensor, b: &Tensor) -> f32 {
    assert_eq!(a.dims(), b.dims());
    let scalar = |t: Tensor| t.abs().unwrap().flatten_all().unwrap().max(0).unwrap().to_scalar::<f32>().unwrap();
    scalar((a - b).unwrap()) / scalar(b.clone()).max(1e-6)
}

struct Case {
    x: [usize; 5],
    w: [usize; 5],
    stride: [usize; 3],
    padding: [usize; 3],
}

fn cases() -> Vec<Case> {
    let case = |x, w, stride, padding| Case { x, w, stride, padding };
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

/// Output, gradient of the input and gradient of the weights, for a fixed gradient of the output.
fn all_three(case: &Case, f: impl Fn(&Tensor, &Tensor) -> Tensor) -> [Tensor; 3] {
    let x = Var::from_tensor(&numbers(&case.x, 1)).unwrap();
    let w = Var::from_tensor(&numbers(&case.w, 2)).unwrap();
    let y = f(&x, &w);
    let gradients = (&y * numbers(y.dims(), 3)).unwrap().sum_all().unwrap().backward().unwrap();
    [y, gradients.get(&x).unwrap().clone(), gradients.get(&w).unwrap().clone()]
}

#[test]
fn convolution_and_gradients_equal_the_sum_of_2d_convolutions_on_every_kernel() {
    for case in cases() {
        let mut conv = Conv3d::new(case.stride, case.padding);
        let expected = all_three(&case, |x, w| conv3d_composed(x, w, conv).unwrap());
        for isa in Isa::available() {
            conv.isa = isa;
            let found = all_three(&case, |x, w| conv3d(x, w, conv).unwrap());
            for (what, (f, e)) in ["output", "input gradient", "weight gradient"].iter().zip(found.iter().zip(&expected)) {
                let difference = relative_difference(f, e);
                assert!(difference < 1e-5, "{isa}, {:?} with {:?}: {what} differs by {difference}", case.x, case.w);
            }
        }
    }
}
