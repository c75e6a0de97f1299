//! No bytes make the readers panic.
use super::io_bench::{bytes_of, gzip, nifti1, nifti2};
use proptest::prelude::*;
use schwann::io::{inspect, read_volume};
use schwann::volume::unobserved;
use std::path::Path;

/// Whatever it holds, a file ends in a result, and a result holds as many voxels as it says.
fn ends_well(path: &Path) -> Result<(), TestCaseError> {
    match inspect(path, &mut unobserved) {
        Err(error) => prop_assert!(!error.to_string().contains('\n')),
        Ok(found) => prop_assert_eq!(found.voxels_sha256.len(), 64),
    }
    if let Ok((volume, _)) = read_volume(path, &mut unobserved) {
        prop_assert_eq!(volume.voxels().len(), volume.grid().len());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn changed_bytes_never_panic(
        of in 0..4_usize,
        changes in prop::collection::vec((0..560_usize, any::<u8>()), 1..12),
        zipped: bool,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let (name, mut file) = match of {
            0 => ("a.nii", nifti1()),
            1 => ("a.nii", nifti2()),
            2 => ("a.hdr", bytes_of("n1pair_i2_le.hdr.gz")),
            _ => ("a.hdr", bytes_of("analyze_slope.hdr")),
        };
        for (at, byte) in changes {
            if let Some(place) = file.get_mut(at) {
                *place = byte;
            }
        }
        std::fs::write(folder.path().join("a.img"), bytes_of("analyze_slope.img")).unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, if zipped { gzip(&file) } else { file }).unwrap();
        ends_well(&path)?;
    }

    #[test]
    fn random_bytes_never_panic(content in prop::collection::vec(any::<u8>(), 0..900), magic in 0..4_usize) {
        let folder = tempfile::tempdir().unwrap();
        let mut file = content;
        if file.len() > 352 {
            match magic {
                0 => file[344..348].copy_from_slice(b"n+1\0"),
                1 => file[..8].copy_from_slice(&[0, 0, 2, 28, b'n', b'+', b'2', 0]),
                2 => file[..4].copy_from_slice(&348_i32.to_be_bytes()),
                _ => {}
            }
        }
        let path = folder.path().join(if magic == 2 { "a.hdr" } else { "a.nii" });
        std::fs::write(folder.path().join("a.img"), [1; 300]).unwrap();
        std::fs::write(&path, file).unwrap();
        ends_well(&path)?;
    }
}
