//! Broken headers: each ends in one clear sentence, or is read to the same voxels as the whole file, or with a warning.
use super::io_bench::End::{Refused, Same, Warned};
use super::io_bench::{Bench, gzip, nifti1, nifti2, with};
use schwann::io::{Error, inspect, read_volume};
use schwann::volume::unobserved;

#[test]
fn a_file_that_ends_early_is_refused() {
    let mut bench = Bench::new("sform_oblique.nii");
    // Every field of the header, every row of voxels.
    for (whole, name) in [(nifti1(), "a.nii"), (nifti2(), "b.nii")] {
        for length in (0..whole.len()).filter(|n| n % 4 == 0 || *n > whole.len() - 5) {
            bench.try_file(
                name,
                &whole[..length],
                &format!("{name} of {length} bytes"),
                Refused,
            );
        }
    }
    let zipped = gzip(&nifti1());
    for length in 0..zipped.len() {
        bench.try_file(
            "c.nii.gz",
            &zipped[..length],
            &format!("gzip of {length} bytes"),
            Refused,
        );
    }
    assert!(bench.tried > 500);
}

#[test]
fn impossible_dimensions_are_refused() {
    let mut bench = Bench::new("sform_oblique.nii");
    for count in [-32768_i16, -1, 0, 8, 127, 32767] {
        bench.try_file(
            "a.nii",
            &with(nifti1(), 40, count.to_le_bytes()),
            &format!("dim[0] = {count}"),
            Refused,
        );
    }
    for axis in 1..=3 {
        for length in [-32768_i16, -5, -1, 0, 100, 32767] {
            let file = with(nifti1(), 40 + 2 * axis, length.to_le_bytes());
            bench.try_file("a.nii", &file, &format!("dim[{axis}] = {length}"), Refused);
            bench.try_file(
                "a.nii.gz",
                &gzip(&file),
                &format!("zipped dim[{axis}] = {length}"),
                Refused,
            );
        }
        let shorter = with(nifti1(), 40 + 2 * axis, 2_i16.to_le_bytes());
        bench.try_file("a.nii", &shorter, &format!("dim[{axis}] = 2"), Warned);
        for length in [i64::MIN, -1, 0, 1 << 20, 1 << 40, 1 << 62, i64::MAX] {
            let file = with(nifti2(), 16 + 8 * axis, length.to_le_bytes());
            bench.try_file(
                "b.nii",
                &file,
                &format!("NIfTI-2 dim[{axis}] = {length}"),
                Refused,
            );
            bench.try_file(
                "b.nii.gz",
                &gzip(&file),
                &format!("zipped NIfTI-2 dim[{axis}] = {length}"),
                Refused,
            );
        }
    }
    bench.try_file(
        "a.nii",
        &with(nifti1(), 40, 2_i16.to_le_bytes()),
        "dim[0] = 2",
        Warned,
    );
    bench.try_file(
        "a.nii",
        &with(nifti1(), 40, 7_i16.to_le_bytes()),
        "dim[0] = 7, the rest 1",
        Same,
    );
    let terabytes: Vec<u8> = [7_i16, 32767, 32767, 32767, 32767, 32767, 32767, 32767]
        .iter()
        .flat_map(|n| n.to_le_bytes())
        .collect();
    let mut file = nifti1();
    file[40..56].copy_from_slice(&terabytes);
    bench.try_file("a.nii", &file, "all dimensions 32767", Refused);
    bench.try_file(
        "a.nii.gz",
        &gzip(&file),
        "zipped, all dimensions 32767",
        Refused,
    );
}

#[test]
fn impossible_types_offsets_and_scalings_are_refused() {
    let mut bench = Bench::new("sform_oblique.nii");
    for code in [0_i16, 1, 3, 32, 128, 255, 1536, 1792, 2048, 2304, -1, 32767] {
        bench.try_file(
            "a.nii",
            &with(nifti1(), 70, code.to_le_bytes()),
            &format!("datatype {code}"),
            Refused,
        );
    }
    for offset in [
        0.0_f32,
        1.0,
        348.0,
        351.5,
        -1.0,
        -352.0,
        353.0,
        1e9,
        1e30,
        f32::NAN,
        f32::INFINITY,
        f32::NEG_INFINITY,
    ] {
        bench.try_file(
            "a.nii",
            &with(nifti1(), 108, offset.to_le_bytes()),
            &format!("vox_offset {offset}"),
            Refused,
        );
        let file = with(nifti1(), 108, offset.to_le_bytes());
        bench.try_file(
            "a.nii.gz",
            &gzip(&file),
            &format!("zipped vox_offset {offset}"),
            Refused,
        );
    }
    for offset in [i64::MIN, -1, 0, 352, 543, 1 << 40, i64::MAX] {
        bench.try_file(
            "b.nii",
            &with(nifti2(), 168, offset.to_le_bytes()),
            &format!("NIfTI-2 vox_offset {offset}"),
            Refused,
        );
    }
    for slope in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0] {
        bench.try_file(
            "a.nii",
            &with(nifti1(), 112, slope.to_le_bytes()),
            &format!("slope {slope}"),
            Same,
        );
    }
    for intercept in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let file = with(
            with(nifti1(), 112, 2_f32.to_le_bytes()),
            116,
            intercept.to_le_bytes(),
        );
        bench.try_file("a.nii", &file, &format!("intercept {intercept}"), Refused);
    }
}

#[test]
fn impossible_places_are_refused() {
    let mut bench = Bench::new("sform_oblique.nii");
    for entry in 0..12 {
        for value in [f32::NAN, f32::INFINITY] {
            let file = with(nifti1(), 280 + 4 * entry, value.to_le_bytes());
            bench.try_file(
                "a.nii",
                &file,
                &format!("sform entry {entry} = {value}"),
                Refused,
            );
        }
    }
    let by_qform = with(
        with(nifti1(), 252, 1_i16.to_le_bytes()),
        254,
        0_i16.to_le_bytes(),
    );
    for field in 0..6 {
        for value in [f32::NAN, f32::INFINITY] {
            let file = with(by_qform.clone(), 256 + 4 * field, value.to_le_bytes());
            bench.try_file(
                "a.nii",
                &file,
                &format!("qform number {field} = {value}"),
                Refused,
            );
        }
    }
    for axis in 1..=3 {
        for value in [f32::NAN, f32::INFINITY] {
            let file = with(by_qform.clone(), 76 + 4 * axis, value.to_le_bytes());
            bench.try_file(
                "a.nii",
                &file,
                &format!("pixdim[{axis}] = {value}"),
                Refused,
            );
        }
    }
    bench.try_file(
        "a.nii",
        &with(by_qform, 256, 1.01_f32.to_le_bytes()),
        "a quaternion longer than 1",
        Refused,
    );
}

#[test]
fn a_flat_place_is_described_but_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flat.nii");
    std::fs::write(&path, with(nifti1(), 280, [0_u8; 48])).unwrap();
    let found = inspect(&path, &mut unobserved).unwrap();
    assert_eq!(
        (found.orientation.as_str(), found.spacing_mm),
        ("???", [0.0; 3])
    );
    assert!(
        found.warnings.iter().any(|w| w.contains("no volume")),
        "{:?}",
        found.warnings
    );
    assert!(matches!(
        read_volume(&path, &mut unobserved),
        Err(Error::Place { .. })
    ));
}

#[test]
fn a_changed_signature_is_refused() {
    let mut bench = Bench::new("sform_oblique.nii");
    for magic in [
        *b"\0\0\0\0",
        *b"n+2\0",
        *b"nii\0",
        *b"N+1\0",
        *b"n+1 ",
        *b"ni2\0",
    ] {
        bench.try_file(
            "a.nii",
            &with(nifti1(), 344, magic),
            &format!("magic {magic:?}"),
            Refused,
        );
    }
    bench.try_file("a.nii", &with(nifti1(), 0, [0; 4]), "sizeof_hdr 0", Same);
    bench.try_file(
        "a.nii",
        &with(nifti1(), 0, 540_i32.to_le_bytes()),
        "sizeof_hdr 540 before a NIfTI-1 header",
        Same,
    );
    for (at, what) in [(4, "magic"), (8, "line-end check")] {
        bench.try_file(
            "b.nii",
            &with(nifti2(), at, [9; 4]),
            &format!("NIfTI-2 {what}"),
            Refused,
        );
    }
    bench.try_file(
        "b.nii",
        &with(nifti2(), 0, [0; 4]),
        "NIfTI-2 without its size",
        Refused,
    );
}

#[test]
fn eighty_bit_numbers_are_not_taken_for_128_bit_ones() {
    let mut bench = Bench::new("sform_oblique.nii");
    let mut header = nifti1()[..352].to_vec();
    header[70..72].copy_from_slice(&1536_i16.to_le_bytes());
    // 1.0 in 60 voxels: as x86 stores it in 16 bytes, and as binary128.
    let x87 = [0, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0x3f, 0, 0, 0, 0, 0, 0];
    let quadruple = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0x3f];
    bench.try_file(
        "a.nii",
        &[&header[..], &x87.repeat(60)].concat(),
        "80-bit numbers",
        Refused,
    );
    bench.try_file(
        "a.nii",
        &[&header[..], &quadruple.repeat(60)].concat(),
        "128-bit numbers",
        Warned,
    );
    let found = inspect(&bench.folder.path().join("a.nii"), &mut unobserved).unwrap();
    assert_eq!(
        (found.minimum, found.maximum, found.datatype),
        (Some(1.0), Some(1.0), "float128")
    );
}
