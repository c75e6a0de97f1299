//! Networks from descriptions, and their weights on disk.
use candle_core::{Device, Tensor};
use schwann::model::{
    Error, Level, Metadata, UNet, UNetDescription, read_tensors, sha256, write_tensors,
};

fn small() -> UNetDescription {
    let level = |channels, stride| Level {
        channels,
        kernel: [3; 3],
        stride,
        encoder_convs: 1,
        decoder_convs: 1,
    };
    UNetDescription::plain(
        1,
        3,
        vec![level(4, [1; 3]), level(6, [1, 2, 2]), level(8, [2; 3])],
    )
}

fn wave(shape: (usize, usize, usize, usize, usize)) -> Tensor {
    let count = shape.0 * shape.1 * shape.2 * shape.3 * shape.4;
    let values: Vec<f32> = (0..count).map(|i| (i as f32 * 0.37).sin()).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

#[test]
fn scores_have_the_size_of_the_input() {
    let description = small();
    assert_eq!(description.divisor(), [2, 4, 4]);
    let net = UNet::new(
        description.clone(),
        description.initial_parameters(1).unwrap(),
    )
    .unwrap();
    let scores = net.forward(&wave((2, 1, 4, 8, 12))).unwrap();
    assert_eq!(scores.dims(), [2, 3, 4, 8, 12]);
    let refused = net.forward(&wave((1, 1, 4, 6, 12)));
    assert!(matches!(refused, Err(Error::Input(_))));
}

#[test]
fn brightness_and_contrast_of_the_scan_do_not_matter_inside() {
    // Instance normalisation takes scale out of every layer; only zero padding at the border knows the offset.
    let description = small();
    let net = UNet::new(
        description.clone(),
        description.initial_parameters(2).unwrap(),
    )
    .unwrap();
    let x = wave((1, 1, 4, 8, 8));
    let values = |t: Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let (a, b) = (
        values(net.forward(&x).unwrap()),
        values(net.forward(&(x * 40.0).unwrap()).unwrap()),
    );
    let largest = a
        .iter()
        .zip(&b)
        .fold(0.0_f32, |m, (a, b)| m.max((a - b).abs()));
    assert!(largest < 1e-2, "{largest}");
}

#[test]
fn weights_survive_the_disk_and_have_one_fingerprint() {
    let parameters = small().initial_parameters(3).unwrap();
    let metadata = Metadata::from([("a".to_owned(), "b".to_owned())]);
    let bytes = write_tensors(&parameters, &metadata, false).unwrap();
    assert_eq!(
        sha256(&bytes),
        sha256(&write_tensors(&parameters, &metadata, false).unwrap())
    );
    let (read, found) = read_tensors(&bytes).unwrap();
    assert_eq!(found, metadata);
    assert!(read.keys().eq(parameters.keys()));
    for (name, tensor) in &parameters {
        let values = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(values(tensor), values(&read[name]), "{name}");
    }
    let half = write_tensors(&parameters, &Metadata::new(), true).unwrap();
    assert!(half.len() < bytes.len() * 2 / 3);
}

#[test]
fn weights_that_do_not_fit_are_refused_by_name() {
    let name = "decoder.0.up.weight";
    let mut missing = small().initial_parameters(4).unwrap();
    missing.remove(name);
    let error = UNet::new(small(), missing).unwrap_err();
    assert!(
        matches!(&error, Error::MissingTensor(n) if n == name),
        "{error}"
    );

    let mut unknown = small().initial_parameters(4).unwrap();
    unknown.insert("encoder.9.0.conv.weight".to_owned(), wave((1, 1, 1, 1, 1)));
    let error = UNet::new(small(), unknown).unwrap_err();
    assert!(
        error.to_string().contains("encoder.9.0.conv.weight"),
        "{error}"
    );

    let mut wrong = small().initial_parameters(4).unwrap();
    wrong.insert(name.to_owned(), wave((6, 4, 1, 2, 3)));
    let error = UNet::new(small(), wrong).unwrap_err();
    assert!(
        matches!(&error, Error::TensorShape { name: n, .. } if n == name),
        "{error}"
    );
}

#[test]
fn damaged_weights_and_absurd_descriptions_are_refused() {
    let parameters = small().initial_parameters(5).unwrap();
    let bytes = write_tensors(&parameters, &Metadata::new(), false).unwrap();
    assert!(read_tensors(&bytes[..bytes.len() - 1]).is_err());
    assert!(read_tensors(b"not a safetensors file").is_err());
    let mut infinite = parameters;
    infinite.insert(
        "head.bias".to_owned(),
        Tensor::new(&[f32::NAN, 0.0, 0.0], &Device::Cpu).unwrap(),
    );
    let bytes = write_tensors(&infinite, &Metadata::new(), false).unwrap();
    let error = read_tensors(&bytes).unwrap_err();
    assert!(error.to_string().contains("head.bias"), "{error}");
    for change in [
        (|d| d.levels.clear()) as fn(&mut UNetDescription),
        |d| d.levels[1].channels = 1_000_000,
        |d| d.levels[1].kernel = [2; 3],
        |d| d.levels[0].stride = [2; 3],
        |d| d.classes = 0,
    ] {
        let mut description = small();
        change(&mut description);
        assert!(
            description.initial_parameters(1).is_err(),
            "{description:?}"
        );
    }
}
