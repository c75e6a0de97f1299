//! Damaged gzip streams, bombs, halves of pairs, and what is no scan at all.
use super::io_bench::End::{Refused, RefusedOrSame, Same, Warned};
use super::io_bench::{Bench, bytes_of, gzip, nifti1};
use schwann::io::{Error, inspect, read_volume};
use schwann::volume::unobserved;
use std::path::Path;

#[test]
fn a_damaged_gzip_stream_is_refused() {
    let mut bench = Bench::new("sform_oblique.nii");
    let zipped = gzip(&nifti1());
    for at in 0..zipped.len() {
        for bit in [0, 3, 7] {
            let mut file = zipped.clone();
            file[at] ^= 1 << bit;
            // Time stamp and operating system in the gzip header change nothing.
            bench.try_file(
                "a.nii.gz",
                &file,
                &format!("byte {at}, bit {bit} flipped"),
                RefusedOrSame,
            );
        }
    }
    let end = zipped.len();
    for at in end - 8..end {
        let mut file = zipped.clone();
        file[at] ^= 1;
        bench.try_file(
            "a.nii.gz",
            &file,
            &format!("checksum byte {at} flipped"),
            Refused,
        );
    }
    let behind = |tail: &[u8]| [&zipped[..], tail].concat();
    bench.try_file(
        "a.nii.gz",
        &behind(&[0; 512]),
        "zeros behind the stream",
        Same,
    );
    bench.try_file(
        "a.nii.gz",
        &behind(b"garbage"),
        "garbage behind the stream",
        Refused,
    );
    bench.try_file(
        "a.nii.gz",
        &behind(&[0, 0, 1]),
        "garbage behind zeros",
        Refused,
    );
    bench.try_file(
        "a.nii.gz",
        &behind(&[0x1f]),
        "half a signature behind the stream",
        Refused,
    );
    bench.try_file(
        "a.nii.gz",
        &behind(&zipped[..30]),
        "half a second stream",
        Refused,
    );
    bench.try_file(
        "a.nii.gz",
        &behind(&gzip(b"")),
        "an empty second stream",
        Same,
    );
    bench.try_file(
        "a.nii.gz",
        &behind(&gzip(b"more")),
        "a second stream with extra bytes",
        Warned,
    );
    bench.try_file("a.nii.gz", &gzip(&zipped), "compressed twice", Refused);
    bench.try_file(
        "a.nii.gz",
        &nifti1(),
        "not compressed, by its content",
        Same,
    );
    bench.try_file("a.nii", &zipped, "compressed, by its content", Same);
}

#[test]
fn a_bomb_is_refused_by_what_it_declares() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bomb.nii.gz");
    // 3 GiB of zeros that are really there would be 3 MiB compressed; the header alone is enough to refuse.
    let shape: Vec<u8> = [3_i16, 2048, 1024, 768]
        .iter()
        .flat_map(|n| n.to_le_bytes())
        .collect();
    let mut file = nifti1();
    file[40..48].copy_from_slice(&shape);
    file.extend(vec![0; 1 << 22]);
    std::fs::write(&path, gzip(&file)).unwrap();
    for result in [
        inspect(&path, &mut unobserved).map(|_| ()),
        read_volume(&path, &mut unobserved).map(|_| ()),
    ] {
        assert!(
            matches!(
                result,
                Err(Error::Bomb {
                    claimed: 3_221_225_824,
                    ..
                })
            ),
            "{result:?}"
        );
    }
    // A small header in front of an endless stream.
    let mut file = nifti1();
    file.extend(vec![0; 65 << 20]);
    std::fs::write(&path, gzip(&file)).unwrap();
    assert!(matches!(
        inspect(&path, &mut unobserved),
        Err(Error::Gzip { .. })
    ));
}

#[test]
fn what_is_no_scan_is_refused_by_name() {
    let mut bench = Bench::new("sform_oblique.nii");
    let mut dicom = vec![0; 400];
    dicom[128..132].copy_from_slice(b"DICM");
    let page = b"<!DOCTYPE html>\n<html><body>404 Not Found</body></html>".repeat(20);
    let text = b"Dear colleague, please find the scan attached.\n".repeat(20);
    for (content, word) in [
        (&b""[..], "empty"),
        (b"\n", "shorter than a header"),
        (b"x", "text"),
        (b"Not a scan", "text"),
        (&page, "web page"),
        (&text, "text"),
        (&dicom, "DICOM"),
        (b"PK\x03\x04rest of the archive", "zip"),
        (b"BZh91AY&SY", "unpack"),
        (&[0; 1000], "not recognised"),
        (&[0xff; 1000], "not recognised"),
        (&[0; 3], "shorter"),
    ] {
        for name in ["a.nii", "a.nii.gz", "a.hdr"] {
            std::fs::write(bench.folder.path().join("a.img"), [0; 10]).unwrap();
            let path = bench.folder.path().join(name);
            bench.try_file(name, content, word, Refused);
            let text = inspect(&path, &mut unobserved).unwrap_err().to_string();
            assert!(text.contains(word), "{name} {word}: {text}");
        }
    }
}

#[test]
fn what_is_no_file_is_refused() {
    let mut bench = Bench::new("sform_oblique.nii");
    let folder = bench.folder.path().to_owned();
    for name in [
        "folder.nii",
        "folder.nii.gz",
        "folder.hdr",
        "folder.img",
        "folder",
    ] {
        std::fs::create_dir(folder.join(name)).unwrap();
        bench.check(&folder.join(name), name, Refused);
        let text = inspect(&folder.join(name), &mut unobserved)
            .unwrap_err()
            .to_string();
        // A folder without such a name may hold DICOM.
        let word = if name == "folder" {
            "no DICOM series"
        } else {
            "is a folder, not a scan"
        };
        assert!(text.starts_with(word), "{text}");
    }
    for name in [
        "missing.nii",
        "missing.nii.gz",
        "missing.hdr",
        "missing.img",
        "missing",
    ] {
        bench.check(&folder.join(name), name, Refused);
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(folder.join("loop.nii"), folder.join("loop.nii")).unwrap();
        bench.check(&folder.join("loop.nii"), "a link to itself", Refused);
        assert!(matches!(
            inspect(Path::new("/dev/zero"), &mut unobserved),
            Err(Error::NotAFile { .. })
        ));
    }
}

#[test]
fn a_pair_needs_both_halves_whole() {
    let mut bench = Bench::new("n1pair_u1_le.hdr");
    let (header, voxels) = (bytes_of("n1pair_u1_le.hdr"), bytes_of("n1pair_u1_le.img"));
    let path = |name: &str| bench.folder.path().join(name);
    let (hdr, img, img_gz) = (path("a.hdr"), path("a.img"), path("a.img.gz"));
    std::fs::write(&hdr, &header).unwrap();
    bench.check(&hdr, "no .img", Refused);
    for length in [0, 1, voxels.len() - 1] {
        std::fs::write(&img, &voxels[..length]).unwrap();
        bench.check(&hdr, &format!(".img of {length} bytes"), Refused);
    }
    std::fs::write(&img, &voxels).unwrap();
    bench.check(&hdr, "both, by .hdr", Same);
    bench.check(&img, "both, by .img", Same);
    std::fs::write(&hdr, &header[..200]).unwrap();
    bench.check(&img, "half a header", Refused);
    std::fs::remove_file(&hdr).unwrap();
    bench.check(&img, "no .hdr", Refused);
    std::fs::write(&hdr, &header).unwrap();
    std::fs::remove_file(&img).unwrap();
    std::fs::write(&img_gz, gzip(&voxels)).unwrap();
    bench.check(&hdr, "plain .hdr, compressed .img", Same);
    bench.check(&img_gz, "compressed .img, plain .hdr", Same);
    std::fs::create_dir(&img).unwrap();
    std::fs::remove_file(&img_gz).unwrap();
    bench.check(&hdr, ".img is a folder", Refused);
}

#[test]
fn a_mat_file_beside_analyze_is_mentioned() {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in [
        ("a.hdr", bytes_of("analyze_slope.hdr")),
        ("a.img", bytes_of("analyze_slope.img")),
        ("a.mat", vec![1]),
    ] {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    let found = inspect(&folder.path().join("a.img"), &mut unobserved).unwrap();
    assert!(
        found.warnings.iter().any(|w| w.contains(".mat file")),
        "{:?}",
        found.warnings
    );
}
