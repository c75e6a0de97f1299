//! What is written is read back: voxels, place, labels; by us here, by nibabel once by hand.
use glam::{DAffine3, DMat3, DVec3};
use proptest::prelude::*;
use schwann::io::{
    Error, Warning, inspect, read_labels, read_volume, voxels_sha256, write_labels,
    write_labels_as, write_volume, write_volume_as,
};
use schwann::volume::{
    Grid, LabelMap, LabelTable, Progress, Volume, Voxels, sides_are_told, unobserved,
};
use std::ops::ControlFlow;
use std::path::Path;

const SHAPE: [usize; 3] = [4, 3, 2];

#[expect(trivial_numeric_casts, reason = "the macro casts one type to itself")]
fn every_type() -> Vec<Voxels> {
    macro_rules! spread {
        ($variant:ident, $type:ty) => {{
            let mut v: Vec<$type> = (0..24_u8).map(|n| (n * 5) as $type).collect();
            v[0] = <$type>::MIN;
            v[23] = <$type>::MAX;
            Voxels::$variant(v)
        }};
    }
    vec![
        spread!(U8, u8),
        spread!(I8, i8),
        spread!(U16, u16),
        spread!(I16, i16),
        spread!(U32, u32),
        spread!(I32, i32),
        spread!(U64, u64),
        spread!(I64, i64),
        spread!(F32, f32),
        spread!(F64, f64),
    ]
}

fn grids() -> Vec<Grid> {
    let zooms = DMat3::from_diagonal(DVec3::new(0.4, 0.5, 1.2));
    let turned = DMat3::from_axis_angle(DVec3::new(1.0, 2.0, -0.5).normalize_or_zero(), 0.4);
    let half_turn = DMat3::from_axis_angle(DVec3::new(0.6, 0.8, 0.0), std::f64::consts::PI);
    let mirror = DMat3::from_diagonal(DVec3::new(-1.0, 1.0, 1.0));
    let permuted = DMat3::from_cols(DVec3::Z, DVec3::X, DVec3::NEG_Y);
    let sheared = DMat3::from_cols(
        DVec3::X,
        DVec3::new(0.2, 1.0, 0.0),
        DVec3::new(0.0, -0.3, 1.0),
    );
    [
        zooms,
        turned * zooms,
        half_turn * zooms,
        mirror * zooms,
        turned * mirror * zooms,
        permuted * zooms,
        turned * zooms * sheared,
    ]
    .into_iter()
    .map(|m| {
        Grid::new(
            SHAPE,
            DAffine3::from_mat3_translation(m, DVec3::new(-80.5, 33.25, 12.0)),
        )
        .unwrap()
    })
    .collect()
}

/// float32 holds a coordinate of 100 mm to 8e-6 mm.
const PLACE_MM: f64 = 1e-4;

#[test]
fn every_type_and_place_survives() {
    let folder = tempfile::tempdir().unwrap();
    for (n, voxels) in every_type().into_iter().enumerate() {
        for (m, grid) in grids().into_iter().enumerate() {
            let name = if (n + m) % 2 == 0 {
                "a.nii"
            } else {
                "b.v2.NII.GZ"
            };
            let path = folder.path().join(name);
            let volume = Volume::new(grid, voxels.clone(), 0.5, -3.0).unwrap();
            write_volume(&path, &volume).unwrap();
            let (read, warnings) = read_volume(&path, &mut unobserved).unwrap();
            assert_eq!(warnings, [], "{} on grid {m}", voxels.datatype());
            assert_eq!(read.voxels(), &voxels);
            assert_eq!(read.rescale(), (0.5, -3.0));
            assert!(read.grid().matches(&grid, PLACE_MM));
            assert_eq!(read.grid().axis_codes(), grid.axis_codes());
            assert_eq!(voxels_sha256(&read), voxels_sha256(&volume));
            assert_eq!(
                inspect(&path, &mut unobserved).unwrap().voxels_sha256,
                voxels_sha256(&volume)
            );
        }
    }
}

#[test]
fn a_negative_zero_survives() {
    let folder = tempfile::tempdir().unwrap();
    let original = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/nifti/n1_f4_le.nii");
    let (volume, _) = read_volume(&original, &mut unobserved).unwrap();
    let copy = folder.path().join("copy.nii.gz");
    write_volume(&copy, &volume).unwrap();
    let hash = |path: &Path| inspect(path, &mut unobserved).unwrap().voxels_sha256;
    assert_eq!(hash(&copy), hash(&original));
}

#[test]
fn a_long_axis_is_written_as_nifti2() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.nii.gz");
    let grid =
        Grid::axis_aligned([40_000, 1, 1], [0.1, 0.2, 0.3], DVec3::new(-7.0, 1.0, 2.0)).unwrap();
    let voxels = Voxels::U16((0..40_000).collect());
    let volume = Volume::new(grid, voxels, 1.0, 0.0).unwrap();
    write_volume(&path, &volume).unwrap();
    assert_eq!(inspect(&path, &mut unobserved).unwrap().format, "nifti2");
    let (read, warnings) = read_volume(&path, &mut unobserved).unwrap();
    assert_eq!((read, warnings), (volume, vec![]));
}

#[test]
fn what_nifti_cannot_hold_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let grid = grids()[0];
    let volume = |slope| Volume::new(grid, Voxels::U8(vec![1; 24]), slope, 0.0).unwrap();
    let path = folder.path().join("a.nii");
    for slope in [0.0, f64::NAN, 1e-60, 1e60] {
        assert!(
            matches!(
                write_volume(&path, &volume(slope)),
                Err(Error::Unwritable { .. })
            ),
            "{slope}"
        );
    }
    for name in ["a.nrrd", "a.gz", "a", "nii.gz"] {
        let result = write_volume(&folder.path().join(name), &volume(1.0));
        assert!(matches!(result, Err(Error::Name { .. })), "{name}");
    }
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        0,
        "something was left behind"
    );
}

#[test]
fn labels_survive_and_unknown_values_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("labels.nii.gz");
    let labels: Vec<u8> = (0..24).map(|n| [0, 1, 2, 77, 255][n % 5]).collect();
    let map = LabelMap::new(grids()[1], labels, LabelTable::default()).unwrap();
    write_labels(&path, &map).unwrap();
    let (read, warnings) = read_labels(&path, &LabelTable::default()).unwrap();
    assert_eq!(read.labels(), map.labels());
    assert!(read.grid().matches(map.grid(), PLACE_MM));
    assert_eq!(
        warnings,
        [Warning::UnknownLabels {
            values: vec![77, 255]
        }]
    );
}

#[test]
fn labels_may_be_whole_floats_or_scaled() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("labels.nii");
    let stored = Voxels::F32((0..24).map(|n| (n % 3) as f32 * 10.0).collect());
    write_volume(&path, &Volume::new(grids()[0], stored, 0.1, 0.0).unwrap()).unwrap();
    let (read, _) = read_labels(&path, &LabelTable::default()).unwrap();
    assert_eq!(read.labels()[..6], [0, 1, 2, 0, 1, 2]);
}

#[test]
fn what_is_no_label_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("labels.nii");
    for value in [0.5_f32, -1.0, 256.0, f32::NAN, f32::INFINITY, 3e9] {
        let mut stored = vec![1.0; 24];
        stored[20] = value;
        write_volume(
            &path,
            &Volume::new(grids()[0], Voxels::F32(stored), 1.0, 0.0).unwrap(),
        )
        .unwrap();
        match read_labels(&path, &LabelTable::default()) {
            Err(Error::Label { value: named, .. }) => {
                assert!(named == f64::from(value) || value.is_nan());
            }
            other => panic!("{value}: {other:?}"),
        }
    }
}

#[test]
fn the_observer_stops_the_work_at_any_report() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.nii.gz");
    let volume = Volume::new(grids()[0], Voxels::F32(vec![2.0; 24]), 1.0, 0.0).unwrap();
    write_volume(&path, &volume).unwrap();
    let mut stages = Vec::new();
    inspect(&path, &mut |p: Progress| {
        assert!((0.0..=1.0).contains(&p.fraction));
        stages.push(p.stage);
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(
        stages.contains(&"reading") && stages.contains(&"hashing"),
        "{stages:?}"
    );
    for stop in 0..stages.len() {
        let mut left = stop;
        let result = inspect(&path, &mut |_| {
            if left == 0 {
                return ControlFlow::Break(());
            }
            left -= 1;
            ControlFlow::Continue(())
        });
        assert!(matches!(result, Err(Error::Cancelled)), "report {stop}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_affine_survives(
        entries in prop::array::uniform9(-3.0..3.0_f64),
        offset in prop::array::uniform3(-200.0..200.0_f64),
        stored in prop::collection::vec(any::<i16>(), 24),
    ) {
        let matrix = DMat3::from_cols_array(&entries);
        prop_assume!(matrix.determinant().abs() > 1e-2);
        let grid = Grid::new(SHAPE, DAffine3::from_mat3_translation(matrix, offset.into())).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.nii");
        let volume = Volume::new(grid, Voxels::I16(stored), 1.0, 0.0).unwrap();
        write_volume(&path, &volume).unwrap();
        let (read, warnings) = read_volume(&path, &mut unobserved).unwrap();
        prop_assert_eq!(warnings, vec![]);
        prop_assert!(read.grid().matches(&grid, PLACE_MM));
        prop_assert_eq!(read.voxels(), volume.voxels());
    }
}

#[test]
fn what_comes_from_a_file_without_sides_is_read_back_without_sides_in_the_same_place() {
    let folder = tempfile::tempdir().unwrap();
    // Longer than 32767 voxels along one axis, it is written as NIfTI-2.
    for shape in [SHAPE, [40_000, 2, 1]] {
        let half = DVec3::from_array(shape.map(|n| (n as f64 - 1.0) / 2.0));
        let matrix = DMat3::from_diagonal(DVec3::new(-0.41, 0.5, 1.3));
        let plain = DAffine3::from_mat3_translation(matrix, -(matrix * half));
        let grid = Grid::new(shape, plain).unwrap();
        let volume = Volume::new(grid, Voxels::U8(vec![3; grid.len()]), 1.0, 0.0).unwrap();
        let labels = LabelMap::new(grid, vec![1; grid.len()], LabelTable::default()).unwrap();
        let [scan, map] = ["scan.nii.gz", "labels.nii"].map(|n| folder.path().join(n));
        for told in [true, false] {
            write_volume_as(&scan, &volume, told).unwrap();
            write_labels_as(&map, &labels, told).unwrap();
            let (read, warnings) = read_volume(&scan, &mut unobserved).unwrap();
            let (read_map, more) = read_labels(&map, &LabelTable::default()).unwrap();
            assert!(read.grid().matches(&grid, 1e-3) && read_map.grid().matches(&grid, 1e-3));
            assert_eq!(warnings.contains(&Warning::OrientationUnknown), !told);
            assert_eq!(more.contains(&Warning::OrientationUnknown), !told);
        }
        // Elsewhere, a file without orientation would be read in another place.
        let moved = DAffine3::from_mat3_translation(matrix, DVec3::new(5.0, 6.0, 7.0));
        let moved = LabelMap::new(
            Grid::new(shape, moved).unwrap(),
            vec![1; grid.len()],
            LabelTable::default(),
        );
        write_labels_as(&map, moved.as_ref().unwrap(), false).unwrap();
        let (read, warnings) = read_labels(&map, &LabelTable::default()).unwrap();
        assert!(read.grid().matches(moved.unwrap().grid(), 1e-3));
        // And yet they say of no form that it tells the orientation.
        assert_eq!(warnings, [Warning::OrientationUnknown]);
        let bytes = std::fs::read(&map).unwrap();
        let codes = if shape == SHAPE {
            &bytes[252..256]
        } else {
            &bytes[344..352]
        };
        assert!(codes.iter().all(|b| *b == 0), "{codes:?}");
    }
}

#[test]
fn a_place_without_codes_that_another_program_left_behind_gives_no_millimetres() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("labels.nii");
    let matrix = DMat3::from_diagonal(DVec3::new(-0.4, 0.5, 1.2));
    let moved = DAffine3::from_mat3_translation(matrix, DVec3::new(5.0, 6.0, 7.0));
    let grid = Grid::new(SHAPE, moved).unwrap();
    let labels = LabelMap::new(grid, vec![1; grid.len()], LabelTable::default()).unwrap();
    write_labels_as(&path, &labels, false).unwrap();
    // Resampled to 1 mm by what sets the sizes and keeps the rest of the header.
    let mut bytes = std::fs::read(&path).unwrap();
    for size in bytes[80..92].chunks_exact_mut(4) {
        size.copy_from_slice(&1_f32.to_le_bytes());
    }
    std::fs::write(&path, bytes).unwrap();
    let (read, warnings) = read_labels(&path, &LabelTable::default()).unwrap();
    assert_eq!(warnings, [Warning::OrientationUnknown]);
    let mm3 = read.grid().voxel_volume_mm3();
    assert!((mm3 - 1.0).abs() < 1e-6, "{mm3}");
}

#[test]
fn outlines_of_an_analyze_scan_with_an_origin_lie_on_it_and_claim_no_orientation() {
    let folder = tempfile::tempdir().unwrap();
    let [header, voxels, map] = ["a.hdr", "a.img", "labels.nii"].map(|n| folder.path().join(n));
    let shape = [4_usize, 3, 2];
    let mut bytes = vec![0_u8; 348];
    let mut put = |at: usize, of: &[u8]| bytes[at..at + of.len()].copy_from_slice(of);
    put(0, &348_i32.to_le_bytes());
    for (n, dim) in [3, 4, 3, 2, 1].into_iter().enumerate() {
        put(40 + 2 * n, &i16::to_le_bytes(dim));
    }
    put(70, &2_i16.to_le_bytes());
    put(72, &8_i16.to_le_bytes());
    for (n, mm) in [0.4, 0.5, 1.2].into_iter().enumerate() {
        put(80 + 4 * n, &f32::to_le_bytes(mm));
        // The voxel at 0 mm, counted from 1: not the middle of the scan.
        put(253 + 2 * n, &1_i16.to_le_bytes());
    }
    std::fs::write(&header, &bytes).unwrap();
    std::fs::write(&voxels, vec![7_u8; shape.iter().product()]).unwrap();
    let (scan, warnings) = read_volume(&header, &mut unobserved).unwrap();
    assert!(warnings.contains(&Warning::OrientationByConvention));
    assert_eq!(scan.grid().point_in_world([0; 3]), DVec3::ZERO);
    let labels = LabelMap::new(*scan.grid(), vec![1; 24], LabelTable::default()).unwrap();
    let told = sides_are_told(&warnings.iter().map(ToString::to_string).collect::<Vec<_>>());
    write_labels_as(&map, &labels, told).unwrap();
    assert_eq!(std::fs::read(&map).unwrap()[252..256], [0_u8; 4]);
    let (read, warnings) = read_labels(&map, &LabelTable::default()).unwrap();
    assert_eq!(warnings, [Warning::OrientationUnknown]);
    assert!(read.grid().matches(scan.grid(), 1e-3));
}
