//! Structure sets (PS3.3, C.8.8.5 and C.8.8.6): contours, and their voxels.
use super::meaning::{coded, named, named_side};
use super::paint::Painting;
use super::{DerivedKind, DicomRegion, Opened, Stopped};
use crate::io::Error;
use crate::io::dicom::attributes::Attributes;
use crate::io::dicom::grid::Slices;
use crate::io::dicom::{DicomError, Making};
use crate::io::report::report;
use crate::volume::{Observe, Side, Structure};
use dicom_dictionary_std::tags;
use glam::DVec3;
use std::collections::BTreeMap;
use std::path::Path;

/// Part of the distance between slices by which a point may lie off its slice: what coordinates rounded to a tenth of a millimetre make.
const OFF_SLICE: f64 = 0.2;
/// Places in a slice are rounded to this part of a pixel, so that points on pixel centres are, however they were written.
const ROUNDED: f64 = 1e-4;
/// Rows that all edges of a slice may cross: outlines cross thousands.
const MOST_CROSSINGS: u64 = 1 << 31;
/// Regions of a structure set.
const MOST_REGIONS: usize = 10_000;

/// The contours of a region of interest.
#[derive(Debug, Clone, PartialEq)]
pub struct DicomContours {
    /// Its number in the structure set.
    pub number: i64,
    /// What it is called there.
    pub name: String,
    /// What it is here; nothing when neither code nor name tells.
    pub structure: Option<Structure>,
    /// Closed contours, RAS mm; what is inside an odd number of those of a plane is inside.
    pub contours: Vec<Vec<DVec3>>,
}

/// Reads the closed planar contours of a structure set.
///
/// # Errors
/// [`Error::Dicom`] when the file is no structure set, or is broken.
pub fn read_contours(path: &Path) -> Result<Vec<DicomContours>, Error> {
    let read = || {
        let opened = Opened::at(path)?;
        if opened.kind != DerivedKind::StructureSet {
            return Err(DicomError::NotDerived);
        }
        let regions = regions(&opened, &BTreeMap::new())?;
        regions
            .into_iter()
            .map(|(region, contours)| {
                let contours = contours.iter().filter_map(|c| points(c).transpose());
                let contours: Result<Vec<Vec<[f64; 3]>>, DicomError> = contours.collect();
                Ok(DicomContours {
                    number: region.number,
                    name: region.name,
                    structure: region.structure,
                    contours: contours?
                        .into_iter()
                        .map(|points| points.into_iter().map(Slices::ras_mm).collect())
                        .collect(),
                })
            })
            .collect()
    };
    read().map_err(|source| Error::Dicom {
        source,
        path: path.to_owned(),
    })
}

/// Reads all regions onto the painting. A voxel is inside when its centre is inside an odd number of the region's contours on its slice.
pub(super) fn read(
    opened: &Opened,
    slices: &Slices,
    meaning: &BTreeMap<i64, Structure>,
    painting: &mut Painting,
    observe: &mut Observe<'_>,
) -> Result<Vec<DicomRegion>, Stopped> {
    let found = regions(opened, meaning)?;
    let total = found.len() as u64;
    let mut regions = Vec::with_capacity(found.len());
    for (n, (mut region, contours)) in found.into_iter().enumerate() {
        report(observe, "reading contours", n as u64, total)?;
        let mut by_slice: BTreeMap<usize, Vec<Vec<[f64; 2]>>> = BTreeMap::new();
        for contour in contours {
            match points(contour)? {
                Some(points) => {
                    if let Some((slice, polygon)) = on_slice(&points, slices, &region.name)? {
                        by_slice.entry(slice).or_default().push(polygon);
                    } else {
                        painting.missed_contour();
                    }
                }
                None => painting.skipped_open_contour(),
            }
        }
        let ends = by_slice.first_key_value().zip(by_slice.last_key_value());
        if ends.is_some_and(|((first, _), (last, _))| last - first + 1 > by_slice.len()) {
            painting.found_gaps(&region.name);
        }
        for (slice, polygons) in by_slice {
            report(observe, "reading contours", n as u64, total)?;
            let [width, height, _] = slices.grid().shape();
            for pixel in inside(&polygons, [width, height])? {
                region.voxels += 1;
                if let Some(structure) = region.structure {
                    painting.claim(pixel + slice * width * height, structure);
                }
            }
        }
        regions.push(region);
    }
    Ok(regions)
}

/// A region and the items of its contours.
type Outlined<'a> = (DicomRegion, &'a [Attributes]);

/// The regions of the structure set, in its order.
fn regions<'a>(
    opened: &'a Opened,
    meaning: &BTreeMap<i64, Structure>,
) -> Result<Vec<Outlined<'a>>, DicomError> {
    let a = &opened.header.attributes;
    let items = a.items(tags::STRUCTURE_SET_ROI_SEQUENCE);
    if items.is_empty() || items.len() > MOST_REGIONS {
        return Err(DicomError::Format(format!(
            "{} regions of interest",
            items.len()
        )));
    }
    let of = |sequence, number: i64| {
        let items = a.items(sequence).iter();
        items
            .filter(|item| item.integer(tags::REFERENCED_ROI_NUMBER) == Some(number))
            .collect::<Vec<&Attributes>>()
    };
    let mut regions: Vec<Outlined<'a>> = Vec::with_capacity(items.len());
    for item in items {
        let number = item.integer(tags::ROI_NUMBER);
        let number = number.filter(|n| !regions.iter().any(|(r, _)| r.number == *n));
        let number = number.ok_or_else(|| {
            DicomError::Format(
                "regions of interest that their numbers do not tell apart".to_owned(),
            )
        })?;
        let name = opened.text(item, tags::ROI_NAME);
        let observations = of(tags::RTROI_OBSERVATIONS_SEQUENCE, number);
        let kind = observations
            .iter()
            .find_map(|o| coded(o.items(tags::RTROI_IDENTIFICATION_CODE_SEQUENCE), &[]));
        let outlined = of(tags::ROI_CONTOUR_SEQUENCE, number);
        let region = DicomRegion {
            number,
            structure: meaning
                .get(&number)
                .copied()
                .or(kind.filter(|_| !is_about(&name)))
                .or_else(|| named(&name)),
            side: side_of(&name, &observations),
            name,
            making: item
                .code(tags::ROI_GENERATION_ALGORITHM)
                .and_then(|term| Making::from_term(&term)),
            tracking_uid: None,
            voxels: 0,
        };
        let contours = outlined
            .first()
            .map_or(&[][..], |o| o.items(tags::CONTOUR_SEQUENCE));
        regions.push((region, contours));
    }
    Ok(regions)
}

/// Whether a name says that the region is only about what its code names.
fn is_about(name: &str) -> bool {
    let name = name.to_lowercase();
    ["ptv", "ctv", "prv", "ring", "minus"]
        .iter()
        .any(|w| name.contains(w))
}

fn side_of(name: &str, observations: &[&Attributes]) -> Option<Side> {
    let modifier = tags::SEGMENTED_PROPERTY_TYPE_MODIFIER_CODE_SEQUENCE;
    named_side(name).or_else(|| {
        let codes = observations.iter();
        let mut codes = codes.flat_map(|o| o.items(tags::RTROI_IDENTIFICATION_CODE_SEQUENCE));
        codes.find_map(|code| super::meaning::coded_side(code.items(modifier)))
    })
}

/// The points of a closed planar contour, LPS mm; nothing when it is open or a point.
fn points(contour: &Attributes) -> Result<Option<Vec<[f64; 3]>>, DicomError> {
    let kind = contour
        .code(tags::CONTOUR_GEOMETRIC_TYPE)
        .unwrap_or_default();
    let numbers = contour.numbers(tags::CONTOUR_DATA);
    let (points, rest) = numbers.as_chunks::<3>();
    let count = contour.integer(tags::NUMBER_OF_CONTOUR_POINTS);
    let broken = !rest.is_empty()
        || points.is_empty()
        || count.is_some_and(|n| n != points.len() as i64)
        || !numbers.iter().all(|x| x.abs() < 1e6);
    if broken {
        return Err(DicomError::Damaged(
            "a contour without all of its points".to_owned(),
        ));
    }
    // CLOSEDPLANAR_XOR is the even-odd rule by name.
    let closed = matches!(kind.as_str(), "CLOSED_PLANAR" | "CLOSEDPLANAR_XOR");
    Ok((closed && points.len() >= 3).then(|| points.to_vec()))
}

/// A slice, and the points of a polygon on it in pixels from the centre of the first.
type Polygon = (usize, Vec<[f64; 2]>);

/// The slice that a contour lies on, and its points in pixels; nothing when it lies beyond the first or the last.
fn on_slice(
    points: &[[f64; 3]],
    slices: &Slices,
    name: &str,
) -> Result<Option<Polygon>, DicomError> {
    let voxels: Vec<DVec3> = points.iter().map(|&p| slices.voxel(p)).collect();
    let slice = voxels.first().map_or(0.0, |v| v.z.round());
    let off = voxels
        .iter()
        .map(|v| (v.z - slice).abs())
        .fold(0.0, f64::max);
    let depth = slices.grid().shape()[2] as f64;
    if off > OFF_SLICE {
        // Beyond the ends nothing can be said of planes; between them, the object was drawn on others.
        let beyond = voxels.iter().all(|v| v.z < -0.5 || v.z > depth - 0.5);
        if beyond {
            return Ok(None);
        }
        return Err(DicomError::OffGrid {
            what: format!("a contour of {name}"),
            off_voxels: off,
        });
    }
    if !(0.0..depth).contains(&slice) {
        return Ok(None);
    }
    let rounded = |x: f64| (x / ROUNDED).round() * ROUNDED;
    let polygon = voxels.iter().map(|v| [rounded(v.x), rounded(v.y)]);
    Ok(Some((slice as usize, polygon.collect())))
}

/// Positions of the pixels whose centres lie inside an odd number of polygons, in pixels from the centre of the first; of centres on an edge, those on the side of greater
/// coordinates are outside.
fn inside(
    polygons: &[Vec<[f64; 2]>],
    [width, height]: [usize; 2],
) -> Result<Vec<usize>, DicomError> {
    // Where along each row the inside begins or ends.
    let mut turns = vec![false; width * height];
    let mut crossings = 0_u64;
    for polygon in polygons {
        let ends = polygon.iter().skip(1).chain(polygon.first());
        for (&[ax, ay], &[bx, by]) in polygon.iter().zip(ends) {
            let (low, high) = (ay.min(by), ay.max(by));
            let first = low.ceil().max(0.0);
            let last = (high.ceil() - 1.0).min(height as f64 - 1.0);
            if first > last {
                continue;
            }
            crossings += (last - first) as u64 + 1;
            if crossings > MOST_CROSSINGS {
                return Err(DicomError::Format(
                    "contours more intricate than any outline".to_owned(),
                ));
            }
            for row in first as usize..=last as usize {
                let x = ax + (row as f64 - ay) * (bx - ax) / (by - ay);
                let column = x.ceil().max(0.0);
                if column < width as f64
                    && let Some(turn) = turns.get_mut(row * width + column as usize)
                {
                    *turn = !*turn;
                }
            }
        }
    }
    let mut pixels = Vec::new();
    for (row, turns) in turns.chunks(width.max(1)).enumerate() {
        let mut within = false;
        for (column, turn) in turns.iter().enumerate() {
            within ^= turn;
            if within {
                pixels.push(row * width + column);
            }
        }
    }
    Ok(pixels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn centres_inside_an_odd_number_of_polygons_are_inside() {
        let square = |low: f64, high: f64| vec![[low, low], [high, low], [high, high], [low, high]];
        let ring = inside(&[square(0.5, 4.5), square(1.5, 3.5)], [6, 6]).unwrap();
        assert_eq!(ring.len(), 16 - 4);
        assert!(ring.contains(&7) && !ring.contains(&(2 + 6 * 2)));
        // Parts beyond the slice are left out; edges on centres count once.
        let beyond = inside(&[square(-9.0, 1.0), square(1.0, 3.0)], [6, 6]).unwrap();
        assert_eq!(beyond.len(), 1 + 4);
        assert!(inside(&[], [3, 3]).unwrap().is_empty());
    }
}
