//! Model folders of nnU-Net give the labels that nnU-Net itself gives, and broken ones a clear error.
//!
//! `tests/golden/nnunet` holds small folders with random weights and what nnU-Net makes of them; `generate.py` there made both.
use safetensors::SafeTensors;
use schwann::io;
use schwann::model::DeviceChoice;
use schwann::predict::{
    Error, Folds, SegmentOptions, Segmenter, segment, segment_channels, segment_early,
};
use schwann::volume::{Grid, LabelMap, Structure, Volume, Voxels, unobserved};
use std::fs;
use std::io::Read as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

pub(super) fn golden(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/nnunet")
        .join(case)
}

fn scans(case: &str) -> Vec<Volume> {
    (0..10)
        .map(|n| golden(case).join(format!("scan_{n:04}.nii.gz")))
        .take_while(|path| path.is_file())
        .map(|path| io::read_volume(&path, &mut unobserved).unwrap().0)
        .collect()
}

fn options(segmenter: &Segmenter, parity: bool) -> SegmentOptions {
    SegmentOptions {
        device: DeviceChoice::Cpu,
        parity,
        ..SegmentOptions::of(segmenter)
    }
}

fn labels(case: &str, model: &str, parity: bool) -> Vec<u8> {
    let segmenter = Segmenter::from_folder(&golden(case).join(model), &Folds::Present).unwrap();
    let scans = scans(case);
    let channels: Vec<&Volume> = scans.iter().collect();
    let options = options(&segmenter, parity);
    let found = segment_channels(&channels, &segmenter, &options, &mut unobserved).unwrap();
    assert_eq!(found.labels.grid(), scans[0].grid());
    found.labels.labels().to_vec()
}

/// Labels that differ from nnU-Net's, and the largest margin by which nnU-Net decided one of them.
fn differences(case: &str, found: &[u8]) -> (usize, f32) {
    let bytes = fs::read(golden(case).join("expected.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let expected = file.tensor("labels").unwrap();
    let margins = file.tensor("margin").unwrap();
    assert_eq!(expected.data().len(), found.len());
    let margin = |n: usize| {
        let bytes = &margins.data()[2 * n..2 * n + 2];
        half::f16::from_le_bytes([bytes[0], bytes[1]]).to_f32()
    };
    let differing: Vec<usize> = (0..found.len())
        .filter(|&n| found[n] != expected.data()[n])
        .collect();
    let largest = differing.iter().map(|&n| margin(n)).fold(0.0, f32::max);
    (differing.len(), largest)
}

#[test]
fn labels_are_those_of_nnunet() {
    for (case, model) in [
        ("plain", "model"),
        ("residual", "model"),
        ("separate_z", "model"),
        ("masked_padded", "model"),
        ("regions", "model"),
        ("parts", "model"),
        ("flat", "model"),
        ("reoriented", "model"),
        ("cascade", "nnUNetTrainer__nnUNetPlans__3d_cascade_fullres"),
    ] {
        for parity in [true, false] {
            let found = labels(case, model, parity);
            let (count, margin) = differences(case, &found);
            // What differs must have hung on a hair. Without parity scores are more exact than nnU-Net's, which adds scores of up to a hundred in
            // half precision, that is in steps of 1/16.
            let (most, widest) = if parity {
                (found.len() / 2000, 0.02)
            } else {
                (found.len() / 100, 0.5)
            };
            assert!(
                count <= most && margin <= widest,
                "{case}, parity {parity}: {count} of {} voxels differ, margin {margin}",
                found.len()
            );
        }
    }
}

/// A copy of a golden model folder that a test may damage.
pub(super) fn copy(case: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let from = golden(case).join("model");
    for entry in fs::read_dir(&from).unwrap() {
        let path = entry.unwrap().path();
        let to = folder.path().join(path.file_name().unwrap());
        if path.is_dir() {
            fs::create_dir(&to).unwrap();
            fs::copy(
                path.join("checkpoint_final.pth"),
                to.join("checkpoint_final.pth"),
            )
            .unwrap();
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
    folder
}

const CASCADE: &str = "nnUNetTrainer__nnUNetPlans__3d_cascade_fullres";
const FIRST_STAGE: &str = "nnUNetTrainer__nnUNetPlans__3d_lowres";

/// Copies a model folder of the golden cascade into another folder.
fn copy_stage(name: &str, folder: &Path) -> PathBuf {
    let to = folder.join(name);
    for entry in fs::read_dir(golden("cascade").join(name)).unwrap() {
        let path = entry.unwrap().path();
        let own = to.join(path.file_name().unwrap());
        let (from, own) = if path.is_dir() {
            (
                path.join("checkpoint_final.pth"),
                own.join("checkpoint_final.pth"),
            )
        } else {
            (path, own)
        };
        fs::create_dir_all(own.parent().unwrap()).unwrap();
        fs::copy(from, own).unwrap();
    }
    to
}

/// Sets fields of a configuration in a folder's plans.
fn set(folder: &Path, configuration: &str, fields: &[(&str, &str)]) {
    let path = folder.join("plans.json");
    let mut json: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    for (field, value) in fields {
        json["configurations"][configuration][*field] = (*value).into();
    }
    fs::write(&path, json.to_string()).unwrap();
}

#[test]
fn a_cascade_that_names_itself_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let to = copy_stage(CASCADE, folder.path());
    let fields = [("previous_stage", "3d_cascade_fullres")];
    set(&to, "3d_cascade_fullres", &fields);
    let told = refusal(&to);
    assert!(told.contains("more than two networks"), "{told}");
}

#[test]
fn a_cascade_that_resamples_its_scan_or_its_first_labels_alone_is_refused() {
    const SCAN: &str = "resampling_fn_data";
    const LABELS: &str = "resampling_fn_seg";
    const SCORES: &str = "resampling_fn_probabilities";
    const NOT: &str = "no_resampling_hack";
    let folder = tempfile::tempdir().unwrap();
    let first = copy_stage(FIRST_STAGE, folder.path());
    let cascade = copy_stage(CASCADE, folder.path());
    let read = || Segmenter::from_folder(&cascade, &Folds::Present);
    read().unwrap();
    let plans = [&first, &cascade].map(|f| fs::read(f.join("plans.json")).unwrap());
    let restore = || {
        for (folder, bytes) in [&first, &cascade].into_iter().zip(&plans) {
            fs::write(folder.join("plans.json"), bytes).unwrap();
        }
    };
    let resampling = "resample_data_or_seg_to_shape";
    for (at, configuration, fields, words) in [
        (
            &cascade,
            "3d_cascade_fullres",
            [(LABELS, NOT), (SCAN, resampling)],
            [LABELS, SCAN],
        ),
        (
            &cascade,
            "3d_cascade_fullres",
            [(SCAN, NOT), (LABELS, resampling)],
            [LABELS, SCAN],
        ),
        // The first network alone is as any other.
        (
            &first,
            "3d_lowres",
            [(SCORES, NOT), (SCAN, resampling)],
            [SCORES, "3d_lowres"],
        ),
    ] {
        // What the cascade inherits stays as it was, so that only what is set counts.
        set(at, configuration, &fields);
        let told = refusal(&cascade);
        for word in [words[0], words[1], "plans.json"] {
            assert!(told.contains(word), "{word}: {told}");
        }
        restore();
    }
    // Where neither is resampled all lie on the scan's voxels.
    set(
        &cascade,
        "3d_cascade_fullres",
        &[(LABELS, NOT), (SCAN, NOT), (SCORES, NOT)],
    );
    read().unwrap();
}

#[test]
fn two_folds_are_told_to_take_more_memory_than_one() {
    let folder = golden("plain").join("model");
    // One tile of the network, in its own spacing.
    let grid = Grid::axis_aligned([32, 32, 16], [0.5, 0.5, 1.0], glam::DVec3::ZERO).unwrap();
    let needed = |folds: &[usize]| {
        let segmenter = Segmenter::from_folder(&folder, &Folds::Numbers(folds.to_vec())).unwrap();
        segmenter.memory_bytes(&grid, &options(&segmenter, false))
    };
    let more = needed(&[0, 1]) - needed(&[0]);
    // Three scores a voxel in single precision wait for those of the second network, beside its weights.
    let waiting = 3 * 4 * grid.len() as u64;
    assert!(more > waiting && more < 2 * waiting, "{more} for {waiting}");
}

fn refusal(folder: &Path) -> String {
    Segmenter::from_folder(folder, &Folds::Present)
        .map(|s| s.info().clone())
        .unwrap_err()
        .to_string()
}

#[test]
fn broken_folders_are_refused_with_file_and_field() {
    let edit = |file: &str, from: &str, to: &str| {
        let folder = copy("plain");
        let path = folder.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from}");
        fs::write(&path, text.replace(from, to)).unwrap();
        refusal(folder.path())
    };
    for (file, from, to, words) in [
        (
            "plans.json",
            "DefaultPreprocessor",
            "FancyPreprocessor",
            ["FancyPreprocessor", "preprocessor_name"],
        ),
        (
            "plans.json",
            "unet.PlainConvUNet",
            "unet.UMambaBot",
            ["UMambaBot", "network_class_name"],
        ),
        (
            "plans.json",
            "ZScoreNormalization",
            "MyNormalization",
            ["MyNormalization", "normalization_schemes"],
        ),
        (
            "plans.json",
            "InstanceNorm3d",
            "BatchNorm3d",
            ["BatchNorm3d", "norm_op"],
        ),
        (
            "plans.json",
            "\"spacing\": [",
            "\"spacing\": [0,",
            ["spacing", "plans.json"],
        ),
        (
            "plans.json",
            "\"n_stages\": 3",
            "\"n_stages\": 4",
            ["features_per_stage", "plans.json"],
        ),
        (
            "plans.json",
            "SimpleITKIO",
            "Tiff3DIO",
            ["Tiff3DIO", "image_reader_writer"],
        ),
        (
            "plans.json",
            "3d_fullres",
            "2d",
            ["3d_fullres", "is missing"],
        ),
        (
            "plans.json",
            "resample_data_or_seg_to_shape",
            "my_resampling",
            ["my_resampling", "resampling_fn_data"],
        ),
        (
            "dataset.json",
            "\"cochlea\": 2",
            "\"cochlea\": 3",
            ["labels", "dataset.json"],
        ),
        (
            "dataset.json",
            "\"background\": 0",
            "\"back\": 0",
            ["background", "dataset.json"],
        ),
        (
            "dataset.json",
            "\"0\": \"hrT2\"",
            "\"0\": \"a\", \"1\": \"b\"",
            ["channels", "normalization_schemes"],
        ),
        ("dataset.json", "{", "", ["JSON", "dataset.json"]),
    ] {
        let error = edit(file, from, to);
        for word in words {
            assert!(error.contains(word), "{from} -> {to}: {error}");
        }
    }
}

#[test]
fn scores_that_stay_on_the_networks_voxels_where_the_scan_is_resampled_are_refused() {
    let folder = copy("plain");
    let path = folder.path().join("plans.json");
    let plans = fs::read_to_string(&path).unwrap();
    let mut value: serde_json::Value = serde_json::from_str(&plans).unwrap();
    let fields = ["resampling_fn_probabilities", "resampling_fn_data"];
    for (field, refused) in fields.into_iter().zip([true, false]) {
        value["configurations"]["3d_fullres"][field] = "no_resampling_hack".into();
        fs::write(&path, value.to_string()).unwrap();
        if refused {
            let error = refusal(folder.path());
            for word in [fields[0], fields[1], "plans.json"] {
                assert!(error.contains(word), "{error}");
            }
        } else {
            // Where neither is resampled the scores lie on the scan's voxels.
            Segmenter::from_folder(folder.path(), &Folds::Present).unwrap();
        }
    }
}

#[test]
fn plans_that_contradict_the_weights_are_refused_by_the_tensor() {
    let folder = copy("plain");
    let path = folder.path().join("plans.json");
    let plans = fs::read_to_string(&path).unwrap();
    let value: serde_json::Value = serde_json::from_str(&plans).unwrap();
    for (field, to, word) in [
        (
            "features_per_stage",
            serde_json::json!([4, 8, 16]),
            "encoder.stages.2",
        ),
        (
            "n_conv_per_stage",
            serde_json::json!([2, 1, 3]),
            "encoder.stages.2.0.convs.2",
        ),
        (
            "n_conv_per_stage",
            serde_json::json!([1, 1, 2]),
            "decoder.stages",
        ),
    ] {
        let mut changed = value.clone();
        changed["configurations"]["3d_fullres"]["architecture"]["arch_kwargs"][field] = to;
        fs::write(&path, changed.to_string()).unwrap();
        let error = refusal(folder.path());
        let named = error.contains(word) || error.contains("is not part of the network");
        assert!(
            named && error.contains("checkpoint_final.pth"),
            "{field}: {error}"
        );
    }
}

#[test]
fn a_checkpoint_cut_off_anywhere_or_changed_is_refused() {
    let folder = copy("separate_z");
    let path = folder.path().join("fold_0/checkpoint_final.pth");
    let whole = fs::read(&path).unwrap();
    for part in 0..40 {
        fs::write(&path, &whole[..whole.len() * part / 40]).unwrap();
        let error = refusal(folder.path());
        assert!(error.contains("checkpoint_final.pth"), "{error}");
    }
    // A changed byte anywhere is either found by the archive's checksums or changes nothing that is read.
    let reference = {
        fs::write(&path, &whole).unwrap();
        Segmenter::from_folder(folder.path(), &Folds::Present).unwrap()
    };
    drop(reference);
    for n in (0..whole.len()).step_by(whole.len() / 150 + 1) {
        let mut bytes = whole.clone();
        bytes[n] ^= 0x55;
        fs::write(&path, &bytes).unwrap();
        drop(Segmenter::from_folder(folder.path(), &Folds::Present));
    }
    fs::remove_file(&path).unwrap();
    assert!(refusal(folder.path()).contains("checkpoint_final.pth"));
    let missing = Segmenter::from_folder(folder.path(), &Folds::Numbers(vec![3]));
    assert!(missing.unwrap_err().to_string().contains("fold_3"));
}

/// A ZIP archive of stored members, as PyTorch writes them.
pub(super) fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut writer = zip::ZipWriter::new(&mut bytes);
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, data) in members {
        writer.start_file(*name, stored).unwrap();
        std::io::Write::write_all(&mut writer, data).unwrap();
    }
    writer.finish().unwrap();
    bytes.into_inner()
}

#[test]
fn a_pickle_that_would_run_code_is_refused_by_name() {
    let folder = copy("separate_z");
    let path = folder.path().join("fold_0/checkpoint_final.pth");
    for (pickle, word) in [
        (
            &b"\x80\x02cposix\nsystem\nX\x02\x00\x00\x00ls\x85R."[..],
            "posix.system",
        ),
        (
            &b"\x80\x02cbuiltins\neval\nX\x01\x00\x00\x001\x85R."[..],
            "builtins.eval",
        ),
        (&b"\x80\x04\x8c\x02os\x8c\x06system\x93."[..], "os.system"),
        (&b"\x80\x02(i__main__\nX\n."[..], "instruction"),
        (&b"\x80\x02}q\x00."[..], "network_weights"),
        (&b"\x80\x02]"[..], "ends too early"),
        (&b"\x80\x02."[..], "stack is empty"),
    ] {
        fs::write(&path, archive(&[("archive/data.pkl", pickle)])).unwrap();
        let error = refusal(folder.path());
        assert!(error.contains(word), "{error}");
    }
    fs::write(&path, archive(&[("other", b"x")])).unwrap();
    assert!(refusal(folder.path()).contains("data.pkl"));
}

/// The scans of a case as one file with a fourth dimension.
fn stacked(case: &str, folder: &Path) -> PathBuf {
    let mut whole = Vec::new();
    for n in 0..scans(case).len() {
        let packed = fs::File::open(golden(case).join(format!("scan_{n:04}.nii.gz"))).unwrap();
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(packed)
            .read_to_end(&mut bytes)
            .unwrap();
        if n == 0 {
            bytes[40..42].copy_from_slice(&4_i16.to_le_bytes());
            bytes[48..50].copy_from_slice(&(scans(case).len() as i16).to_le_bytes());
            whole = bytes;
        } else {
            assert_eq!(bytes[70..72], whole[70..72], "types differ");
            whole.extend(&bytes[352..]);
        }
    }
    let path = folder.join("stacked.nii");
    fs::write(&path, whole).unwrap();
    path
}

#[test]
fn a_file_with_a_fourth_dimension_holds_the_channels() {
    let folder = tempfile::tempdir().unwrap();
    let path = stacked("regions", folder.path());
    let (channels, warnings) = io::read_channels(&path, &mut unobserved).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    let apart = scans("regions");
    assert_eq!(channels.len(), 2);
    for (a, b) in channels.iter().zip(&apart) {
        assert_eq!((a.grid(), a.voxels()), (b.grid(), b.voxels()));
    }
    // The command gives the same labels either way, and says how many it needs when the file holds too few.
    let segment = |inputs: &[&Path], name: &str| {
        let out = folder.path().join(name);
        let done = std::process::Command::new(env!("CARGO_BIN_EXE_schwann"))
            .arg("segment")
            .args(inputs)
            .arg("--model")
            .arg(golden("regions").join("model"))
            .args(["--device", "cpu", "-o"])
            .arg(&out)
            .output()
            .unwrap();
        (done, out)
    };
    let names = [0, 1].map(|n| golden("regions").join(format!("scan_{n:04}.nii.gz")));
    let (done, one) = segment(&[&path], "one.nii");
    assert!(done.status.success(), "{done:?}");
    let (done, two) = segment(&[&names[0], &names[1]], "two.nii");
    assert!(done.status.success(), "{done:?}");
    assert_eq!(fs::read(one).unwrap(), fs::read(two).unwrap());
    let (done, none) = segment(&[&names[0]], "none.nii");
    assert!(!done.status.success() && !none.exists());
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(said.contains('2') && said.contains("ceT1"), "{said}");
}

#[test]
fn several_labels_of_a_structure_are_measured_as_one_and_written_apart() {
    let folder = copy("plain");
    let path = folder.path().join("dataset.json");
    let text = fs::read_to_string(&path).unwrap();
    let text = text.replace("\"VS\"", "\"VS intrameatal\"");
    fs::write(&path, text.replace("\"cochlea\"", "\"VS extrameatal\"")).unwrap();
    let segmenter = Segmenter::from_folder(folder.path(), &Folds::Numbers(vec![0])).unwrap();
    let options = SegmentOptions {
        mirror: false,
        ..options(&segmenter, false)
    };
    let scan = &scans("plain")[0];
    let found = segment(scan, &segmenter, &options, &mut unobserved).unwrap();
    let own = found.unmerged.unwrap();
    let count = |labels: &[u8], value| {
        labels
            .iter()
            .map(|l| usize::from(*l == value))
            .sum::<usize>()
    };
    let [one, two] = [1, 2].map(|value| count(own.labels(), value));
    assert!(one > 100 && two > 100, "{one}, {two}");
    assert_eq!(count(found.labels.labels(), 1), one + two);
    assert_eq!(
        found.labels.count(Structure::VestibularSchwannoma),
        one + two
    );
    assert!(
        found.warnings.iter().any(|w| w.contains("1, 2")),
        "{:?}",
        found.warnings
    );
    let out = folder.path().join("out.nii");
    let done = std::process::Command::new(env!("CARGO_BIN_EXE_schwann"))
        .arg("segment")
        .arg(golden("plain").join("scan_0000.nii.gz"))
        .arg("--model")
        .arg(folder.path())
        .args(["--device", "cpu", "--folds", "0", "--no-mirror", "-o"])
        .arg(&out)
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    let (written, _) = io::read_labels(&out, own.table()).unwrap();
    assert_eq!(written.labels(), own.labels());
}

/// A scan of several tiles of the golden folder `residual`, in the network's own spacing; its axes are not the network's.
fn wide_scan() -> Volume {
    let shape = [40, 60, 100];
    let grid = Grid::axis_aligned(shape, [1.0, 0.5, 0.5], glam::DVec3::ZERO).unwrap();
    let value = |n: usize| {
        let [x, y, z] = grid.voxel(n).map(|v| v as f32 * 0.21);
        500.0 + 100.0 * (x.sin() + (1.7 * y).sin() + (0.8 * z + x).cos())
    };
    let values = (0..grid.len()).map(value).collect();
    Volume::new(grid, Voxels::F32(values), 1.0, 0.0).unwrap()
}

#[test]
fn first_labels_come_early_and_change_nothing() {
    let folder = golden("residual").join("model");
    let segmenter = Segmenter::from_folder(&folder, &Folds::Present).unwrap();
    let options = SegmentOptions {
        mirror: false,
        ..options(&segmenter, false)
    };
    let scan = wide_scan();
    let expected = segment(&scan, &segmenter, &options, &mut unobserved).unwrap();
    let mut first: Vec<LabelMap> = Vec::new();
    let fraction = std::cell::Cell::new(0.0);
    let mut at = 1.0;
    let found = segment_early(
        &scan,
        &segmenter,
        &options,
        &mut |labels| {
            at = fraction.get();
            first.push(labels);
            ControlFlow::Continue(())
        },
        &mut |p| {
            fraction.set(p.fraction);
            ControlFlow::Continue(())
        },
    )
    .unwrap();
    assert_eq!(found.labels, expected.labels);
    assert_eq!(first.len(), 1);
    assert!(at > 0.0 && at < 0.5, "at {at}");
    let grid = scan.grid();
    let (mut same, mut middle, mut named) = (0, 0, 0);
    for (n, (early, last)) in first[0]
        .labels()
        .iter()
        .zip(found.labels.labels())
        .enumerate()
    {
        let near = grid
            .voxel(n)
            .iter()
            .zip(grid.shape())
            .all(|(v, size)| (2 * v).abs_diff(size) < size / 10);
        if near {
            middle += 1;
            same += usize::from(early == last);
            named += usize::from(*last > 0);
        }
    }
    // All tiles that see the very middle are among the first.
    assert!(
        middle > 100 && named > 20 && same == middle,
        "{same} of {middle}, {named} named"
    );
    // The corners no tile has seen.
    assert_eq!(first[0].labels().first(), Some(&0));
    assert_eq!(first[0].labels().last(), Some(&0));
    let stopped = segment_early(
        &scan,
        &segmenter,
        &options,
        &mut |_| ControlFlow::Break(()),
        &mut unobserved,
    );
    assert!(matches!(stopped, Err(Error::Cancelled)));
}

#[test]
fn with_parity_tiles_keep_their_order_and_nothing_comes_early() {
    let folder = golden("residual").join("model");
    let segmenter = Segmenter::from_folder(&folder, &Folds::Present).unwrap();
    let options = SegmentOptions {
        mirror: false,
        step: 1.0,
        ..options(&segmenter, true)
    };
    let found = segment_early(
        &wide_scan(),
        &segmenter,
        &options,
        &mut |_| panic!("labels came early"),
        &mut unobserved,
    );
    assert!(found.is_ok());
}

#[test]
fn a_wrong_number_of_scans_and_a_stop_are_told() {
    let segmenter =
        Segmenter::from_folder(&golden("regions").join("model"), &Folds::Present).unwrap();
    assert_eq!(segmenter.channels(), ["hrT2", "ceT1"]);
    let scans = scans("regions");
    let options = options(&segmenter, false);
    let one = segment_channels(&[&scans[0]], &segmenter, &options, &mut unobserved);
    assert!(matches!(
        one,
        Err(Error::Channels {
            expected: 2,
            found: 1,
            ..
        })
    ));
    let channels: Vec<&Volume> = scans.iter().collect();
    let mut fractions = Vec::new();
    let stopped = segment_channels(&channels, &segmenter, &options, &mut |p| {
        if p.stage == "segmenting" {
            fractions.push(p.fraction);
        }
        if fractions.len() == 2 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    assert!(matches!(stopped, Err(Error::Cancelled)));
    // The second report came from within the first tile.
    assert!(fractions[1] < 0.1, "{fractions:?}");
    let other = self::scans("plain");
    let apart = segment_channels(
        &[&scans[0], &other[0]],
        &segmenter,
        &options,
        &mut unobserved,
    );
    assert!(apart.is_ok() || matches!(apart, Err(Error::Grids(2))));
    let shifted = self::scans("masked_padded");
    let apart = segment_channels(
        &[&scans[0], &shifted[0]],
        &segmenter,
        &options,
        &mut unobserved,
    );
    assert!(matches!(apart, Err(Error::Grids(2))));
}
