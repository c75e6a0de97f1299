//! Translators' layers, networks and losses against `PyTorch`.
use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Tensor, Var};
use schwann::model::op::{
    TransposedConv2d, blur_downsample2d, blur_upsample2d, conv2d, instance_norm2d, reflect_pad2d,
    transposed_conv2d, transposed_conv2d_composed, upsample_nearest2d,
};
use schwann::model::translate::{
    Contrast, ContrastDescription, CycleGan, CycleWeights, Discriminator, DiscriminatorDescription,
    Generator, GeneratorDescription, Initialisation, QueryAttention, Segmentation, fourier_l1,
    judgement, l1, least_squares, weighted_cross_entropy,
};
use schwann::model::{Parameters, read_tensors};
use std::collections::BTreeMap;

fn golden() -> Parameters {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/golden/translate/golden.safetensors"
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

fn close(name: &str, found: &Tensor, expected: &Tensor, most: f32) {
    let apart = difference(found, expected);
    assert!(apart < most, "{name} differs by {apart}");
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
    close(name, &y, get("y").unwrap(), 1e-5);
    let gradients = (y * get("g").unwrap())
        .unwrap()
        .sum_all()
        .unwrap()
        .backward()
        .unwrap();
    let check = |variable: &Var, part: &str| {
        let found = gradients.get(variable).unwrap();
        close(&format!("{name}: {part}"), found, get(part).unwrap(), 1e-4);
    };
    check(&x, "gx");
    for (n, w) in weights.iter().enumerate() {
        check(w, &format!("gw{n}"));
    }
}

#[test]
fn layers_of_pictures_and_their_gradients_equal_pytorchs() {
    let golden = golden();
    for (name, stride, padding) in [
        ("conv 7", 1, 0),
        ("conv 4 strided", 2, 1),
        ("conv 4", 1, 1),
        ("conv 3 strided", 2, 1),
    ] {
        compare(&golden, name, |x, w| {
            conv2d(x, &w[0], stride, padding).unwrap()
        });
    }
    for (name, output_padding) in [("up conv", 1), ("up conv plain", 0)] {
        let conv = TransposedConv2d {
            stride: 2,
            padding: 1,
            output_padding,
        };
        for f in [transposed_conv2d, transposed_conv2d_composed] {
            compare(&golden, name, |x, w| f(x, &w[0], conv).unwrap());
        }
    }
    compare(&golden, "reflect", |x, _| reflect_pad2d(x, 3).unwrap());
    for name in ["blur down", "blur down odd"] {
        compare(&golden, name, |x, _| blur_downsample2d(x).unwrap());
    }
    compare(&golden, "blur up", |x, _| blur_upsample2d(x).unwrap());
    compare(&golden, "norm", |x, _| instance_norm2d(x, 0.2).unwrap());
    // candle's own operator forgets the gradient of the other use.
    compare(&golden, "nearest twice", |x, _| {
        let up = upsample_nearest2d(x, 2).unwrap();
        up.broadcast_add(&x.mean_all().unwrap()).unwrap()
    });
}

#[test]
fn losses_of_pictures_and_their_gradients_equal_pytorchs() {
    let golden = golden();
    compare(&golden, "least squares", |x, _| {
        least_squares(x, 1.0).unwrap()
    });
    compare(&golden, "l1", |x, w| l1(x, &w[0]).unwrap());
    compare(&golden, "fourier", |x, w| fourier_l1(x, &w[0]).unwrap());
    let labels = labels(&golden, "cross entropy.labels");
    compare(&golden, "cross entropy", |x, _| {
        weighted_cross_entropy(x, &labels, &[0.5, 2.0, 3.0]).unwrap()
    });
}

fn labels(golden: &Parameters, name: &str) -> Tensor {
    golden[name].to_dtype(DType::U32).unwrap()
}

/// The parameters `NAME.p.…` as variables, and the tensors of these.
fn variables(golden: &Parameters, name: &str) -> (BTreeMap<String, Var>, Parameters) {
    let prefix = format!("{name}.p.");
    let of = |(n, t): (&String, &Tensor)| {
        let n = n.strip_prefix(&prefix)?;
        Some((n.to_owned(), Var::from_tensor(t).unwrap()))
    };
    let variables: BTreeMap<String, Var> = golden.iter().filter_map(of).collect();
    assert!(!variables.is_empty(), "{name}");
    let tensors = variables
        .iter()
        .map(|(n, v)| (n.clone(), v.as_tensor().clone()))
        .collect();
    (variables, tensors)
}

/// Compares the gradients of all of a network's parameters with `NAME.g.…`.
fn compare_parameters(
    golden: &Parameters,
    name: &str,
    variables: &BTreeMap<String, Var>,
    found: &GradStore,
) {
    // Relative to the network's largest: some are zero but for rounding.
    let expected = |n: &str| &golden[&format!("{name}.g.{n}")];
    let largest = variables
        .keys()
        .flat_map(|n| flat(expected(n)))
        .fold(0.0_f32, |m, v| m.max(v.abs()));
    for (n, variable) in variables {
        let gradient = found
            .get(variable)
            .unwrap_or_else(|| panic!("{name}.{n} has no gradient"));
        let pairs = flat(gradient).into_iter().zip(flat(expected(n)));
        let apart = pairs.fold(0.0_f32, |m, (a, b)| m.max((a - b).abs())) / largest;
        assert!(
            apart < 2e-4,
            "{name}: the gradient of {n} differs by {apart}"
        );
    }
}

fn compare_network(golden: &Parameters, name: &str, f: impl FnOnce(Parameters, &Tensor) -> Tensor) {
    let get = |part: &str| &golden[&format!("{name}.{part}")];
    let (variables, parameters) = variables(golden, name);
    let x = Var::from_tensor(get("x")).unwrap();
    let y = f(parameters, &x);
    close(name, &y, get("y"), 2e-5);
    let loss = (y * get("g")).unwrap().sum_all().unwrap();
    let gradients = loss.backward().unwrap();
    close(name, gradients.get(&x).unwrap(), get("gx"), 2e-4);
    compare_parameters(golden, name, &variables, &gradients);
}

fn generator(blocks: usize, antialiased: bool, classes: usize) -> GeneratorDescription {
    GeneratorDescription {
        channels: 2,
        blocks,
        antialiased,
        segmentation_classes: classes,
    }
}

fn judge(antialiased: bool) -> DiscriminatorDescription {
    DiscriminatorDescription {
        channels: 2,
        layers: 3,
        antialiased,
    }
}

#[test]
fn generators_and_discriminators_equal_pytorchs_in_output_and_all_gradients() {
    let golden = golden();
    for (name, antialiased) in [("generator", false), ("generator antialiased", true)] {
        compare_network(&golden, name, |parameters, x| {
            let network = Generator::new(generator(2, antialiased, 0), parameters).unwrap();
            network.forward(x).unwrap()
        });
    }
    compare_network(&golden, "generator with head", |parameters, x| {
        let network = Generator::new(generator(1, false, 3), parameters).unwrap();
        let (picture, scores) = network.forward_with_segmentation(x).unwrap();
        assert!(difference(&network.segment(x).unwrap(), &scores) < 1e-6);
        Tensor::cat(&[picture, scores], 1).unwrap()
    });
    for (name, antialiased) in [
        ("discriminator", false),
        ("discriminator antialiased", true),
    ] {
        compare_network(&golden, name, |parameters, x| {
            let network = Discriminator::new(judge(antialiased), parameters).unwrap();
            network.forward(x).unwrap()
        });
    }
}

fn contrast(
    layers: &[usize],
    at_random: usize,
    patches: usize,
    width: usize,
) -> ContrastDescription {
    ContrastDescription {
        layers: layers.to_vec(),
        at_random,
        patches,
        width,
        temperature: 0.07,
    }
}

fn places(golden: &Parameters, name: &str) -> Vec<u32> {
    golden[name]
        .to_dtype(DType::U32)
        .unwrap()
        .to_vec1()
        .unwrap()
}

fn scalar(t: &Tensor) -> f32 {
    t.to_scalar().unwrap()
}

#[test]
fn the_contrast_of_selected_queries_equals_pytorchs_through_the_attention_too() {
    let golden = golden();
    let (variables, parameters) = variables(&golden, "contrast");
    // Features of two and three channels: those of no generator, so the description is checked against one that has them.
    let description = contrast(&[0, 1], 1, 5, 4);
    let parameters = parameters.into_iter();
    let contrast = Contrast::of_channels(description, &[2, 3], parameters.collect()).unwrap();
    let leaf = |n: &str| Var::from_tensor(&golden[&format!("contrast.{n}")]).unwrap();
    let [s0, s1, t0, t1] = ["source0", "source1", "translated0", "translated1"].map(leaf);
    let at = [places(&golden, "contrast.places0")];
    let tensors = |a: &Var, b: &Var| [a.as_tensor().clone(), b.as_tensor().clone()];
    let loss = contrast
        .loss(&tensors(&s0, &s1), &tensors(&t0, &t1), &at)
        .unwrap();
    close("contrast", &loss, &golden["contrast.loss"], 1e-5);
    let gradients = loss.backward().unwrap();
    for (variable, name) in [
        (&s1, "gsource1"),
        (&t0, "gtranslated0"),
        (&t1, "gtranslated1"),
    ] {
        let found = gradients.get(variable).unwrap();
        close(name, found, &golden[&format!("contrast.{name}")], 2e-4);
    }
    // Keys at random places are left as they are.
    assert!(gradients.get(&s0).is_none());
    compare_parameters(&golden, "contrast", &variables, &gradients);
}

#[test]
fn a_patch_that_no_unit_answers_to_leaves_gradients_finite_and_right() {
    let description = ContrastDescription {
        layers: vec![0],
        at_random: 1,
        patches: 6,
        width: 3,
        temperature: 0.5,
    };
    let drawn = [
        (
            "first.weight",
            vec![3, 2],
            vec![0.9, -0.5, 0.4, 0.8, -0.7, 0.6],
        ),
        ("first.bias", vec![3_usize], vec![0.0; 3]),
        (
            "second.weight",
            vec![3, 3],
            vec![0.5, -0.3, 0.8, 0.9, 0.2, -0.6, -0.4, 0.7, 0.3],
        ),
        ("second.bias", vec![3], vec![0.0; 3]),
    ];
    let variables: BTreeMap<String, Var> = drawn
        .into_iter()
        .map(|(name, shape, values): (_, _, Vec<f32>)| {
            let values = Tensor::from_vec(values, shape, &Device::Cpu).unwrap();
            (format!("mlp.0.{name}"), Var::from_tensor(&values).unwrap())
        })
        .collect();
    let picture = |values: [f32; 12]| {
        let values = Tensor::from_slice(&values, (1, 2, 2, 3), &Device::Cpu).unwrap();
        Var::from_tensor(&values).unwrap()
    };
    let keys = picture([
        0.9, -0.4, 0.3, 1.2, -0.8, 0.5, 0.2, 0.7, -1.1, 0.6, 0.4, -0.9,
    ]);
    // Both channels are zero at the fifth place, as air is in a network that has only begun to learn.
    let queries = picture([
        0.8, -0.6, 0.1, 1.0, 0.0, 0.4, 0.3, 0.9, -1.0, 0.5, 0.0, -0.7,
    ]);
    let loss = || {
        let parameters = variables.iter();
        let parameters = parameters.map(|(n, v)| (n.clone(), v.as_tensor().clone()));
        Contrast::of_channels(description.clone(), &[2], parameters.collect())
            .unwrap()
            .loss(
                &[keys.as_tensor().clone()],
                &[queries.as_tensor().clone()],
                &[(0..6).collect()],
            )
            .unwrap()
    };
    let gradients = loss().backward().unwrap();
    for variable in variables.values().chain([&queries]) {
        let found = flat(gradients.get(variable).unwrap());
        assert!(found.iter().all(|g| g.abs() < 50.0), "{found:?}");
    }
    // The other patches' gradients are the loss's slopes.
    let (values, found) = (flat(&queries), flat(gradients.get(&queries).unwrap()));
    let with = |n: usize, change: f32| {
        let mut moved = values.clone();
        moved[n] += change;
        let moved = Tensor::from_vec(moved, queries.dims(), &Device::Cpu).unwrap();
        queries.set(&moved).unwrap();
        loss().to_scalar::<f32>().unwrap()
    };
    for n in (0..12).filter(|n| n % 6 != 4) {
        let slope = (with(n, 2e-3) - with(n, -2e-3)) / 4e-3;
        assert!(
            (slope - found[n]).abs() < 0.02 * slope.abs() + 2e-3,
            "{n}: {slope} {}",
            found[n]
        );
    }
}

#[test]
fn a_step_of_a_cycle_with_heads_and_k_space_equals_pytorchs() {
    let golden = golden();
    let (of_there, there) = variables(&golden, "cycle.there");
    let (of_back, back) = variables(&golden, "cycle.back");
    let (of_judge, target_judge) = variables(&golden, "cycle.target_judge");
    let (_, source_judge) = variables(&golden, "cycle.source_judge");
    let cycle = CycleGan {
        there: Generator::new(generator(1, false, 3), there).unwrap(),
        back: Generator::new(generator(1, false, 3), back).unwrap(),
        target_judge: Discriminator::new(judge(false), target_judge).unwrap(),
        source_judge: Discriminator::new(judge(false), source_judge).unwrap(),
    };
    let (source, target) = (&golden["cycle.s"], &golden["cycle.t"]);
    let weights = CycleWeights {
        fourier: 3.0,
        segmentation: 2.0,
        ..CycleWeights::default()
    };
    let labels = labels(&golden, "cycle.labels");
    let taught = Segmentation {
        labels: &labels,
        class_weights: &[0.1, 1.0, 2.0],
        translated: true,
    };
    let step = cycle
        .generators(source, target, &weights, Some(&taught))
        .unwrap();
    close("cycle", &step.objective.total, &golden["cycle.loss"], 2e-5);
    let gradients = step.objective.total.backward().unwrap();
    compare_parameters(&golden, "cycle.there", &of_there, &gradients);
    compare_parameters(&golden, "cycle.back", &of_back, &gradients);
    let judged = judgement(&cycle.target_judge, &step.to_target, target).unwrap();
    close("judged", &judged, &golden["cycle.judged"], 2e-5);
    let gradients = judged.backward().unwrap();
    compare_parameters(&golden, "cycle.target_judge", &of_judge, &gradients);
}

#[test]
fn a_step_of_query_selected_attention_equals_pytorchs() {
    let golden = golden();
    let (of_generator, parameters) = variables(&golden, "query.generator");
    let (of_contrast, compared) = variables(&golden, "query.contrast");
    let (_, judged) = variables(&golden, "query.judge");
    let network = generator(5, true, 0);
    let layers = [0, 4, 8, 12, 16];
    let translator = QueryAttention {
        generator: Generator::new(network, parameters).unwrap(),
        judge: Discriminator::new(judge(true), judged).unwrap(),
        contrast: Contrast::new(contrast(&layers, 3, 6, 5), &network, compared).unwrap(),
        layers: layers.to_vec(),
        weight: 1.0,
    };
    let pictures = [&golden["query.s"], &golden["query.t"]];
    let seen = pictures.map(|p| translator.see(p).unwrap());
    let at = ["s", "t"].map(|picture| {
        (0..3)
            .map(|n| places(&golden, &format!("query.places.{picture}.{n}")))
            .collect()
    });
    let (objective, _) = translator.generator_at(&seen, &at).unwrap();
    close("query", &objective.total, &golden["query.loss"], 2e-5);
    let gradients = objective.total.backward().unwrap();
    compare_parameters(&golden, "query.generator", &of_generator, &gradients);
    compare_parameters(&golden, "query.contrast", &of_contrast, &gradients);
}

#[test]
fn first_weights_have_the_spread_that_their_rule_says() {
    let network = GeneratorDescription {
        channels: 16,
        ..generator(6, false, 0)
    };
    let spread = |how| {
        let parameters = network.initial_parameters(how, 4).unwrap();
        let values = flat(&parameters["model.10.first.weight"]);
        (values.iter().map(|v| v * v).sum::<f32>() / values.len() as f32).sqrt()
    };
    assert!((spread(Initialisation::Normal) - 0.02).abs() < 5e-4);
    let xavier = 0.02 * (2.0_f32 / (2.0 * 64.0 * 9.0)).sqrt();
    assert!((spread(Initialisation::Xavier) / xavier - 1.0).abs() < 0.03);
    let again = |seed| {
        network
            .initial_parameters(Initialisation::Normal, seed)
            .unwrap()
    };
    assert_eq!(
        flat(&again(4)["model.1.weight"]),
        flat(&again(4)["model.1.weight"])
    );
    assert_ne!(
        flat(&again(4)["model.1.weight"]),
        flat(&again(5)["model.1.weight"])
    );
}

#[test]
fn what_the_networks_cannot_take_is_refused() {
    let network = generator(1, false, 0);
    let parameters = network
        .initial_parameters(Initialisation::Normal, 1)
        .unwrap();
    let made = Generator::new(network, parameters.clone()).unwrap();
    let zeros = |shape: [usize; 4]| Tensor::zeros(&shape, DType::F32, &Device::Cpu).unwrap();
    assert!(made.forward(&zeros([1, 1, 12, 8])).is_ok());
    for shape in [[1, 1, 10, 8], [1, 1, 4, 8], [1, 2, 8, 8], [0, 1, 8, 8]] {
        assert!(made.forward(&zeros(shape)).is_err(), "{shape:?}");
    }
    assert!(made.segment(&zeros([1, 1, 8, 8])).is_err());
    assert!(made.features(&zeros([1, 1, 8, 8]), &[0, 99]).is_err());
    let mut less = parameters.clone();
    less.pop_first();
    assert!(Generator::new(network, less).is_err());
    let mut more = parameters;
    more.insert("model.99.weight".to_owned(), zeros([1; 4]));
    assert!(Generator::new(network, more).is_err());
    for wrong in [
        generator(0, false, 0),
        generator(1, true, 1),
        generator(99, true, 0),
    ] {
        assert!(wrong.validate().is_err());
    }
    let five = contrast(&[0, 4, 8, 12, 16], 3, 6, 5);
    assert!(five.validate(&generator(5, true, 0)).is_ok());
    assert!(five.validate(&generator(4, true, 0)).is_err());
    assert!(
        contrast(&[4, 4], 1, 6, 5)
            .validate(&generator(5, true, 0))
            .is_err()
    );
    assert!(scalar(&l1(&zeros([1; 4]), &zeros([1; 4])).unwrap()).abs() < 1e-12);
}
