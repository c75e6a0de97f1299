//! Outlines of tumours from JSON: `{patient, structures: [{structure, contours_lps_mm: [[[x, y, z], ..], ..]}]}`.
//!
//! Points are DICOM's LPS millimetres in the file and RAS from here on.
use super::Error;
use crate::volume::{Outline, OutlinePlane, Side, area_vector};
use glam::DVec3;
use serde::Deserialize;
use std::{fs::File, io::Read, path::Path};

/// Largest file that is read.
const MOST_BYTES: u64 = 64 << 20;
/// Points further from the scanner's centre are a mistake, mm.
const FURTHEST: f64 = 10_000.0;
/// Most points of one file.
const MOST_POINTS: usize = 1_000_000;
/// Contours whose planes lie closer together share one, mm.
const SAME_PLANE: f64 = 0.2;
/// How far a point may lie off the plane of its contour, mm.
const FLAT: f64 = 0.2;
/// Contours of a cochlea lie within this distance of each other, mm.
const COCHLEA: f64 = 15.0;

#[derive(Deserialize)]
struct Record {
    patient: String,
    structures: Vec<Structure>,
}

#[derive(Deserialize)]
struct Structure {
    structure: String,
    contours_lps_mm: Vec<Vec<[f64; 3]>>,
}

/// Reads the outline of one patient's tumour.
///
/// # Errors
/// When the file cannot be read, is larger than 64 MB, is not of this form, or has no tumour or no cochlea to place it by.
pub fn read_outline(path: &Path) -> Result<Outline, Error> {
    let open = |source| Error::Open {
        source,
        path: path.to_path_buf(),
    };
    let file = File::open(path).map_err(open)?;
    let mut bytes = Vec::new();
    // One byte more than allowed tells a file that is too large, whatever its claimed length.
    file.take(MOST_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(open)?;
    parse_outline(&bytes).map_err(|problem| Error::Outline {
        problem,
        path: path.to_path_buf(),
    })
}

/// Reads every `.json` file of a folder in the order of their names, or one file. Files of a folder that hold no usable outline are left out:
/// collections have patients without a cochlea outlined.
///
/// # Errors
/// When the folder cannot be read or has no such file, or, where no file of it is usable, for the first as in [`read_outline`].
pub fn read_outlines(path: &Path) -> Result<Vec<Outline>, Error> {
    if !path.is_dir() {
        return Ok(vec![read_outline(path)?]);
    }
    let open = |source| Error::Open {
        source,
        path: path.to_path_buf(),
    };
    let mut files = Vec::new();
    for entry in path.read_dir().map_err(open)? {
        let file = entry.map_err(open)?.path();
        if file.extension().is_some_and(|e| e == "json") {
            files.push(file);
        }
    }
    files.sort();
    let mut outlines = Vec::new();
    let mut refused = None;
    for file in &files {
        match read_outline(file) {
            Ok(outline) => outlines.push(outline),
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    if !outlines.is_empty() {
        return Ok(outlines);
    }
    // No outlines would mean generated shapes, which is not what was asked for.
    Err(refused.unwrap_or_else(|| Error::Outline {
        problem: "the folder has no .json file".to_owned(),
        path: path.to_path_buf(),
    }))
}

/// The outline in the bytes of a file; otherwise what is wrong with them.
fn parse_outline(bytes: &[u8]) -> Result<Outline, String> {
    if bytes.len() as u64 > MOST_BYTES {
        return Err("the file is larger than 64 MB".to_owned());
    }
    let record: Record = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    let mut points = 0;
    let mut contours = |wanted: &str| -> Result<Vec<Vec<DVec3>>, String> {
        let structures = record.structures.iter().filter(|s| s.structure == wanted);
        let mut found = Vec::new();
        for contour in structures.flat_map(|s| &s.contours_lps_mm) {
            points += contour.len();
            if points > MOST_POINTS {
                return Err(format!("there are more than {MOST_POINTS} points"));
            }
            let sound = |x: &f64| x.is_finite() && x.abs() <= FURTHEST;
            if !contour.iter().flatten().all(sound) {
                return Err(format!("a point of {wanted} lies outside any scanner"));
            }
            let ras = contour.iter().map(|&[l, p, s]| DVec3::new(-l, -p, s));
            found.push(ras.collect());
        }
        Ok(found)
    };
    let mut tumour = contours("vestibular_schwannoma")?;
    let cochlea = contours("cochlea")?;
    tumour.retain(|c| c.len() >= 3 && area_vector(c).length() > 0.0);
    let middle = mean(&tumour).ok_or("there is no contour of a vestibular_schwannoma")?;
    let centre = nearest_cochlea(&cochlea, middle).ok_or("there is no contour of a cochlea")?;
    for p in tumour.iter_mut().flatten() {
        *p -= centre;
    }
    let (normal, planes) = by_plane(tumour)?;
    Ok(Outline {
        name: record.patient,
        // The cochlea lies lateral of the tumour, and the patient's left is -x.
        side: if middle.x > centre.x {
            Side::Left
        } else {
            Side::Right
        },
        normal,
        planes,
    })
}

/// Mean of all points; `None` without any.
fn mean(contours: &[Vec<DVec3>]) -> Option<DVec3> {
    let count = contours.iter().map(Vec::len).sum::<usize>();
    (count > 0).then(|| contours.iter().flatten().sum::<DVec3>() / count as f64)
}

/// Centre of the cochlea that lies nearest to a point: both may be outlined.
fn nearest_cochlea(contours: &[Vec<DVec3>], to: DVec3) -> Option<DVec3> {
    let points = || contours.iter().flatten().copied();
    let nearest = points().min_by(|a, b| a.distance(to).total_cmp(&b.distance(to)))?;
    let own: Vec<DVec3> = points().filter(|p| p.distance(nearest) < COCHLEA).collect();
    mean(&[own])
}

/// The common normal, and the contours sorted by plane.
fn by_plane(contours: Vec<Vec<DVec3>>) -> Result<(DVec3, Vec<OutlinePlane>), String> {
    // Contours run either way round: the largest decides the direction, and the others are turned to it.
    let areas: Vec<DVec3> = contours.iter().map(|c| area_vector(c)).collect();
    let largest = areas
        .iter()
        .copied()
        .max_by(|a, b| a.length().total_cmp(&b.length()))
        .unwrap_or(DVec3::Z);
    let sum: DVec3 = areas.iter().map(|&a| a * a.dot(largest).signum()).sum();
    let normal = sum.normalize_or(DVec3::Z);
    let normal = if normal.z < 0.0 { -normal } else { normal };
    let mut placed = Vec::with_capacity(contours.len());
    for contour in contours {
        let offset = contour.iter().map(|p| p.dot(normal)).sum::<f64>() / contour.len() as f64;
        if contour
            .iter()
            .any(|p| (p.dot(normal) - offset).abs() > FLAT)
        {
            return Err("the contours do not lie on parallel planes".to_owned());
        }
        placed.push((offset, contour));
    }
    placed.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut planes: Vec<OutlinePlane> = Vec::new();
    for (offset, contour) in placed {
        match planes.last_mut() {
            Some(plane) if offset - plane.offset < SAME_PLANE => plane.contours.push(contour),
            _ => planes.push(OutlinePlane {
                offset,
                contours: vec![contour],
            }),
        }
    }
    Ok((normal, planes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Two squares of 4 mm, 1.5 mm apart, 20 mm medial of a left cochlea (LPS: left is +x).
    const GOLDEN: &str = r#"{"patient": "a", "structures": [
        {"structure": "vestibular_schwannoma", "contours_lps_mm": [
            [[10, 0, 0], [14, 0, 0], [14, 4, 0], [10, 4, 0]],
            [[10, 0, 1.5], [10, 4, 1.5], [14, 4, 1.5], [14, 0, 1.5]]]},
        {"structure": "cochlea", "contours_lps_mm": [
            [[31, 1, 0], [33, 1, 0], [33, 3, 0], [31, 3, 0]],
            [[-33, 1, 0], [-31, 1, 0], [-31, 3, 0]]]}]}"#;

    #[test]
    fn outline_is_relative_to_the_nearest_cochlea() {
        let outline = parse_outline(GOLDEN.as_bytes()).expect("sound");
        assert_eq!((outline.name.as_str(), outline.side), ("a", Side::Left));
        assert_eq!(outline.planes.len(), 2);
        assert_eq!(outline.planes[0].contours[0][0], DVec3::new(22.0, 2.0, 0.0));
        // Two areas of 16 mm² at 1.5 mm.
        assert!((outline.volume_mm3() - 48.0).abs() < 1e-9);
    }

    #[test]
    fn broken_outlines_are_refused() {
        let broken = [
            (
                "vestibular_schwannoma",
                "other",
                "no contour of a vestibular",
            ),
            ("\"cochlea\"", "\"ear\"", "no contour of a cochlea"),
            ("[14, 4, 0]", "[14, 4e9, 0]", "outside any scanner"),
            ("[14, 4, 0]", "[14, 4, 3]", "parallel"),
            ("[14, 4, 0]", "[14, 4]", "invalid length"),
        ];
        for (from, to, says) in broken {
            let error = parse_outline(GOLDEN.replace(from, to).as_bytes()).expect_err(to);
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn a_folder_without_an_outline_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let said = || {
            read_outlines(folder.path())
                .expect_err("nothing to read")
                .to_string()
        };
        assert!(said().contains("no .json file"), "{}", said());
        std::fs::write(folder.path().join("a.json"), "{}").expect("a file");
        assert!(said().contains("missing field"), "{}", said());
        std::fs::write(folder.path().join("b.json"), GOLDEN).expect("a file");
        assert_eq!(read_outlines(folder.path()).expect("one is sound").len(), 1);
    }

    #[test]
    fn real_outlines_are_read() {
        let folder = Path::new("../shared/data/vs_contours");
        if !folder.is_dir() {
            println!("skipped: {} is absent", folder.display());
            return;
        }
        // Some patients have no tumour or no cochlea outlined in this space: those are refused one by one.
        let files = folder.read_dir().expect("a folder").flatten();
        let read: Vec<_> = files.map(|f| read_outline(&f.path())).collect();
        let outlines: Vec<_> = read.iter().flatten().collect();
        for o in &outlines {
            assert!(
                o.volume_mm3() > 10.0 && o.volume_mm3() < 60_000.0,
                "{}",
                o.name
            );
            assert!((0.5..4.0).contains(&o.spacing_mm()), "{}", o.name);
        }
        assert!(
            2 * outlines.len() > read.len(),
            "{} of {}",
            outlines.len(),
            read.len()
        );
        println!("{} of {} outlines", outlines.len(), read.len());
    }

    proptest! {
        #[test]
        fn damaged_bytes_never_panic(end in 0..=GOLDEN.len(), at in 0..GOLDEN.len(), byte: u8) {
            let mut bytes = GOLDEN.as_bytes().to_vec();
            bytes[at] = byte;
            bytes.truncate(end);
            if let Ok(outline) = parse_outline(&bytes) {
                prop_assert!(outline.volume_mm3().is_finite());
            }
        }
    }
}
