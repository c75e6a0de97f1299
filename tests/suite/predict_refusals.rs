//! What `schwann segment` refuses of an nnU-Net folder: the words name file and field, and nothing is written.
use super::predict_nnunet::{archive, copy, golden};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Runs the command; its output would be the only file of a folder.
fn segment(model: &Path, scans: &[PathBuf]) -> (Output, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_schwann"))
        .arg("segment")
        .args(scans)
        .arg("--model")
        .arg(model)
        .args(["--device", "cpu", "-o"])
        .arg(folder.path().join("labels.nii.gz"))
        .output()
        .unwrap();
    let files = fs::read_dir(folder.path()).unwrap();
    (done, files.map(|f| f.unwrap().path()).collect())
}

fn refused(model: &Path, scans: &[PathBuf], words: &[&str]) {
    let (done, files) = segment(model, scans);
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(!done.status.success(), "{words:?} was accepted: {said}");
    assert!(files.is_empty(), "{words:?} left {files:?}");
    for word in words {
        assert!(said.contains(word), "no {word} in: {said}");
    }
    let trouble = ["panicked", "takes at most"];
    assert!(trouble.iter().all(|t| !said.contains(t)), "{said}");
}

fn scan() -> Vec<PathBuf> {
    vec![golden("plain").join("scan_0000.nii.gz")]
}

fn checkpoint(folder: &Path) -> PathBuf {
    folder.join("fold_0/checkpoint_final.pth")
}

#[test]
fn a_missing_or_truncated_checkpoint_is_refused() {
    let folder = copy("plain");
    let path = checkpoint(folder.path());
    let whole = fs::read(&path).unwrap();
    for part in [0, 1, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..part]).unwrap();
        refused(folder.path(), &scan(), &["fold_0/checkpoint_final.pth"]);
    }
    fs::remove_file(&path).unwrap();
    fs::remove_dir_all(folder.path().join("fold_1")).unwrap();
    refused(
        folder.path(),
        &scan(),
        &["no fold with checkpoint_final.pth"],
    );
    fs::remove_file(folder.path().join("dataset.json")).unwrap();
    refused(folder.path(), &scan(), &["plan.json"]);
}

#[test]
fn plans_that_cannot_be_run_are_refused_by_field() {
    let plans = fs::read_to_string(golden("plain").join("model/plans.json")).unwrap();
    let plans: serde_json::Value = serde_json::from_str(&plans).unwrap();
    for (pointer, to, words) in [
        (
            "patch_size",
            serde_json::json!([4096, 4096, 4096]),
            ["plans.json", "patch_size"],
        ),
        (
            "patch_size",
            serde_json::json!([16, 33, 32]),
            ["plans.json", "patch_size"],
        ),
        (
            "architecture/arch_kwargs/features_per_stage",
            serde_json::json!([4, 8, 4000]),
            ["plans.json", "channels of a level"],
        ),
        (
            "architecture/arch_kwargs/strides",
            serde_json::json!([[1, 2, 2], [1, 2, 2], [2, 2, 2]]),
            ["plans.json", "stride of a level"],
        ),
        (
            "architecture/arch_kwargs/kernel_sizes",
            serde_json::json!([[1, 3, 3], [3, 3, 3], [5, 3, 3]]),
            ["checkpoint_final.pth", "ask for [12, 8, 5, 3, 3]"],
        ),
    ] {
        let folder = copy("plain");
        let mut changed = plans.clone();
        let pointer = format!("/configurations/3d_fullres/{pointer}");
        *changed.pointer_mut(&pointer).unwrap() = to;
        fs::write(folder.path().join("plans.json"), changed.to_string()).unwrap();
        refused(folder.path(), &scan(), &words);
    }
}

#[test]
fn a_wrong_number_of_channels_is_refused_before_anything_is_read() {
    let two = golden("regions").join("model");
    let missing = PathBuf::from("there is no such scan.nii.gz");
    refused(&two, &vec![missing; 3], &["takes 2 (hrT2, ceT1), not 3"]);
    let one = golden("regions").join("scan_0000.nii.gz");
    refused(
        &two,
        std::slice::from_ref(&one),
        &["takes 2 (hrT2, ceT1), not 1"],
    );
    refused(
        &golden("plain").join("model"),
        &[one.clone(), one],
        &["takes 1 (hrT2), not 2"],
    );
}

/// Instructions of a pickle.
mod pickle {
    pub(super) fn text(text: &str) -> Vec<u8> {
        let length = (text.len() as u32).to_le_bytes();
        [b"X", &length[..], text.as_bytes()].concat()
    }

    pub(super) fn int(n: i32) -> Vec<u8> {
        [b"J", &n.to_le_bytes()[..]].concat()
    }

    pub(super) fn tuple(items: &[Vec<u8>]) -> Vec<u8> {
        [b"(", &items.concat()[..], b"t"].concat()
    }

    pub(super) fn ints(numbers: &[i32]) -> Vec<u8> {
        tuple(&numbers.iter().map(|n| int(*n)).collect::<Vec<_>>())
    }

    pub(super) fn dict(items: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let items: Vec<Vec<u8>> = items
            .iter()
            .map(|(key, value)| [text(key), value.clone()].concat())
            .collect();
        [b"}(", &items.concat()[..], b"u"].concat()
    }

    pub(super) fn whole(value: &[u8]) -> Vec<u8> {
        [b"\x80\x02", value, b"."].concat()
    }
}

/// A tensor of the archive's member `key`, as a pickle.
struct Tensor<'a> {
    kind: &'a str,
    key: &'a str,
    count: i32,
    shape: &'a [i32],
    stride: &'a [i32],
}

impl Tensor<'_> {
    fn pickle(&self) -> Vec<u8> {
        let storage = pickle::tuple(&[
            pickle::text("storage"),
            format!("ctorch\n{}\n", self.kind).into_bytes(),
            pickle::text(self.key),
            pickle::text("cpu"),
            pickle::int(self.count),
        ]);
        let arguments = pickle::tuple(&[
            [&storage[..], b"Q"].concat(),
            pickle::int(0),
            pickle::ints(self.shape),
            pickle::ints(self.stride),
            b"\x89".to_vec(),
            b"ccollections\nOrderedDict\n)R".to_vec(),
        ]);
        [b"ctorch._utils\n_rebuild_tensor_v2\n", &arguments[..], b"R"].concat()
    }
}

/// The first tensor of the golden folder `plain` as it should be, of ones.
const FIRST: Tensor<'static> = Tensor {
    kind: "FloatStorage",
    key: "0",
    count: 36,
    shape: &[4, 1, 1, 3, 3],
    stride: &[9, 9, 9, 3, 1],
};

fn fields(trainer: &str, configuration: &str, tensor: Vec<u8>) -> Vec<u8> {
    let weights = [("encoder.stages.0.0.convs.0.conv.weight", tensor)];
    pickle::whole(&pickle::dict(&[
        ("trainer_name", pickle::text(trainer)),
        (
            "init_args",
            pickle::dict(&[("configuration", pickle::text(configuration))]),
        ),
        ("network_weights", pickle::dict(&weights)),
    ]))
}

fn ones() -> Vec<u8> {
    [1.0_f32; 36].iter().flat_map(|v| v.to_le_bytes()).collect()
}

const NAME: &str = "encoder.stages.0.0.convs.0.conv.weight";

/// Refused with a checkpoint of this one tensor.
fn refused_tensor(tensor: &Tensor<'_>, data: Option<&[u8]>, words: [&str; 2]) {
    let folder = copy("plain");
    let pickle = fields("nnUNetTrainer", "3d_fullres", tensor.pickle());
    let mut members = vec![("archive/data.pkl", &pickle[..])];
    members.extend(data.map(|data| ("archive/data/0", data)));
    fs::write(checkpoint(folder.path()), archive(&members)).unwrap();
    let words = [words[0], words[1], "fold_0/checkpoint_final.pth"];
    refused(folder.path(), &scan(), &words);
}

#[test]
fn tensors_of_wrong_shape_are_refused_by_name() {
    // As it should be: the next one is missing.
    let next = "encoder.stages.0.0.convs.0.norm.weight";
    refused_tensor(&FIRST, Some(&ones()), [next, "is missing"]);
    for (shape, words) in [
        (
            &[4, 1, 3, 3, 1][..],
            [
                NAME,
                "shape [4, 1, 3, 3, 1], plans.json and dataset.json ask for [4, 1, 1, 3, 3]",
            ],
        ),
        (&[], [NAME, "shape []"]),
        (&[4, 1, 1, 3, -3], ["tensor", "wrongly"]),
        (&[1; 9], ["tensor", "wrongly"]),
    ] {
        let tensor = Tensor {
            shape,
            stride: &FIRST.stride[..shape.len().min(5)],
            ..FIRST
        };
        refused_tensor(&tensor, Some(&ones()), words);
    }
}

#[test]
fn tensors_that_are_not_what_the_file_holds_are_refused_by_name() {
    let ones = ones();
    let beyond = Tensor {
        stride: &[9, 9, 9, 3, 2],
        ..FIRST
    };
    refused_tensor(&beyond, Some(&ones), [NAME, "its storage"]);
    let repeated = Tensor {
        count: 1,
        stride: &[0; 5],
        ..FIRST
    };
    refused_tensor(&repeated, Some(&ones[..4]), [NAME, "its storage"]);
    let whole_numbers = Tensor {
        kind: "IntStorage",
        ..FIRST
    };
    refused_tensor(&whole_numbers, Some(&ones), [NAME, "floating-point"]);
    let mut holed = ones.clone();
    holed[20..24].copy_from_slice(&f32::NAN.to_le_bytes());
    refused_tensor(&FIRST, Some(&holed), [NAME, "not finite"]);
    let member = "archive/data/0";
    refused_tensor(&FIRST, Some(&ones[..140]), [member, "another size"]);
    refused_tensor(&FIRST, None, [member, "has no member"]);
    let long = Tensor {
        key: &"0".repeat(1000),
        ..FIRST
    };
    refused_tensor(&long, Some(&ones), ["storage", "wrongly"]);
}

#[test]
fn other_trainers_configurations_and_calls_are_refused_by_name() {
    let folder = copy("plain");
    let ones = ones();
    for (pickle, words) in [
        (
            fields("nnUNetTrainer", "3d_fullres", pickle::int(1)),
            [NAME, "is no tensor"],
        ),
        (
            fields("nnUNetTrainerUMamba", "3d_fullres", FIRST.pickle()),
            [
                "trainer_name is nnUNetTrainerUMamba",
                "checkpoint_final.pth",
            ],
        ),
        (
            fields("nnUNetTrainer", "3d_huge", FIRST.pickle()),
            ["configurations.3d_huge is missing", "plans.json"],
        ),
        (
            pickle::whole(b"cposix\nsystem\nX\x02\x00\x00\x00ls\x85R"),
            ["posix.system", "checkpoint_final.pth"],
        ),
        (
            pickle::whole(b"cbuiltins\nexec\nX\x01\x00\x00\x001\x85R"),
            ["builtins.exec", "checkpoint_final.pth"],
        ),
    ] {
        let members = [("archive/data.pkl", &pickle[..]), ("archive/data/0", &ones)];
        fs::write(checkpoint(folder.path()), archive(&members)).unwrap();
        refused(folder.path(), &scan(), &words);
    }
}

#[test]
fn a_scan_without_numbers_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan.nii");
    let grid =
        schwann::volume::Grid::axis_aligned([20, 20, 20], [1.0; 3], glam::DVec3::ZERO).unwrap();
    let mut values = vec![1.0_f32; grid.len()];
    values[7] = f32::NAN;
    let voxels = schwann::volume::Voxels::F32(values);
    let volume = schwann::volume::Volume::new(grid, voxels, 1.0, 0.0).unwrap();
    schwann::io::write_volume(&path, &volume).unwrap();
    let (done, files) = segment(&golden("plain").join("model"), &[path]);
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(!done.status.success() && files.is_empty(), "{said}");
    assert!(
        said.contains("the scan has voxels that are not finite"),
        "{said}"
    );
}
