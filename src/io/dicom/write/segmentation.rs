//! Segmentation objects (PS3.3, A.51 and C.8.20).
use super::authorship::{Authorship, ResultState};
use super::elements::Elements;
use super::object::{Kind, Origin, notice, write_object};
use super::regions::{Region, prepared, warnings};
use super::uid::derived_uid;
use crate::io::dicom::code::{
    ARTIFICIAL_INTELLIGENCE, EIGHTH_NERVE, SEGMENTATION, SOURCE_IMAGE, category_code, side_code,
    structure_code,
};
use crate::io::dicom::grid::Slices;
use crate::io::dicom::{DicomError, DicomSeries};
use crate::io::{Error, Warning};
use crate::measure::HeadAxes;
use crate::volume::{LabelMap, Structure};
use dicom_core::Tag;
use dicom_dictionary_std::{tags, uids};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const KIND: Kind = Kind {
    class: uids::SEGMENTATION_STORAGE,
    modality: "SEG",
    name: "segmentation",
    number: 1,
};

/// What a probability of 1 is stored as.
const FULL: u8 = 255;

/// Writes a label map as a binary segmentation: a segment for each structure and side, a frame for each slice that the segment reaches.
///
/// The labels must lie on the grid of the series; patient, study and frame of reference are those of its files, and each frame names the image that it lies on. Without
/// a tracking UID from the caller, that of a segment is derived from the patient's ID, the structure and the side, so that each visit gives the same one; whoever replaces the
/// patient's ID must replace it too, because it can be guessed from the ID.
///
/// # Errors
/// [`Error::Dicom`] when labels and series do not fit each other or the series lacks an identifier; [`Error::Write`].
pub fn write_segmentation(
    path: &Path,
    series: &DicomSeries,
    labels: &LabelMap,
    authorship: &Authorship,
) -> Result<Vec<Warning>, Error> {
    let (slices, origin, regions) = prepared(path, series, labels)?;
    let [width, height, depth] = slices.grid().shape();
    let size = width * height;
    let mut frames = Vec::new();
    for (segment, region) in regions.iter().enumerate() {
        for voxels in region.voxels.chunk_by(|a, b| a / size == b / size) {
            let slice = voxels.first().map_or(0, |v| v / size);
            frames.push(Frame { segment, slice });
        }
    }
    debug_assert!(frames.iter().all(|f| f.slice < depth));
    let bits = packed(&regions, size, frames.len());
    let object = Writing {
        slices: &slices,
        origin: &origin,
        regions: &regions,
        authorship,
        frames: &frames,
    }
    .object(bits, Stored::Binary);
    write_object(path, object)?;
    Ok(warnings(&origin, &regions, authorship))
}

/// Writes probabilities as a fractional segmentation with 8 bits: a segment for each structure and side, a frame for each slice where the probability is not 0 when rounded to 1/255.
///
/// `probabilities` holds 0 to 1 for each voxel of the series' grid. `labels` tell the sides: the probabilities of a structure that they show on one side all belong to that one, those of a structure on both sides to the
/// side of the midline that a voxel lies on. What has no label is not written.
///
/// # Errors
/// As [`write_segmentation`]; when a list has another length, or holds what is no probability.
pub fn write_fractional_segmentation(
    path: &Path,
    series: &DicomSeries,
    labels: &LabelMap,
    probabilities: &BTreeMap<Structure, Vec<f32>>,
    authorship: &Authorship,
) -> Result<Vec<Warning>, Error> {
    let (slices, origin, mut regions) = prepared(path, series, labels)?;
    let at_fault = |source| Error::Dicom {
        source,
        path: path.to_owned(),
    };
    regions.retain(|r| probabilities.contains_key(&r.structure));
    let valid =
        |p: &Vec<f32>| p.len() == labels.grid().len() && p.iter().all(|x| (0.0..=1.0).contains(x));
    if regions.is_empty() || !probabilities.values().all(valid) {
        return Err(at_fault(DicomError::Probabilities));
    }
    let [width, height, _] = slices.grid().shape();
    let size = width * height;
    let axes = HeadAxes::of(labels);
    let mut frames = Vec::new();
    let mut bytes = Vec::new();
    for (segment, region) in regions.iter().enumerate() {
        let Some(values) = probabilities.get(&region.structure) else {
            continue;
        };
        let shared = regions.iter().filter(|r| r.structure == region.structure);
        let alone = shared.count() == 1;
        let own = |voxel: usize| {
            alone
                || axes.is_none_or(|axes| {
                    let point = slices.grid().point_in_world(slices.grid().voxel(voxel));
                    region.side == Some(axes.side(point))
                })
        };
        for (slice, values) in values.chunks(size).enumerate() {
            let stored: Vec<u8> = values
                .iter()
                .enumerate()
                .map(|(n, &p)| match (p * f32::from(FULL)).round() as u8 {
                    value if value > 0 && own(slice * size + n) => value,
                    _ => 0,
                })
                .collect();
            if stored.iter().any(|&v| v > 0) {
                frames.push(Frame { segment, slice });
                bytes.extend(stored);
            }
        }
    }
    if frames.is_empty() {
        return Err(at_fault(DicomError::NoLabels));
    }
    let object = Writing {
        slices: &slices,
        origin: &origin,
        regions: &regions,
        authorship,
        frames: &frames,
    }
    .object(bytes, Stored::Probabilities);
    write_object(path, object)?;
    Ok(warnings(&origin, &regions, authorship))
}

/// One slice of one segment.
#[derive(Debug, Clone, Copy)]
struct Frame {
    segment: usize,
    slice: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stored {
    Binary,
    Probabilities,
}

/// The frames of all regions as single bits, the first pixel lowest, one frame directly behind the other (PS3.5, 8.1.1 and annex D).
fn packed(regions: &[Region], size: usize, frames: usize) -> Vec<u8> {
    let mut bits = vec![0_u8; (size * frames).div_ceil(8)];
    let mut frame = 0;
    for region in regions {
        for voxels in region.voxels.chunk_by(|a, b| a / size == b / size) {
            for voxel in voxels {
                let at = frame * size + voxel % size;
                if let Some(byte) = bits.get_mut(at / 8) {
                    *byte |= 1 << (at % 8);
                }
            }
            frame += 1;
        }
    }
    bits
}

/// All that a segmentation is made from.
struct Writing<'a> {
    slices: &'a Slices,
    origin: &'a Origin,
    regions: &'a [Region],
    authorship: &'a Authorship,
    frames: &'a [Frame],
}

impl Writing<'_> {
    fn object(&self, pixels: Vec<u8>, stored: Stored) -> Elements {
        let content = derived_uid(&[
            &pixels,
            format!("{:?} {}", self.frames, self.authorship.fingerprint()).as_bytes(),
        ]);
        let mut object = self
            .origin
            .object(&KIND, self.authorship, content.as_bytes());
        self.image(&mut object, stored);
        let segments = self.regions.iter().enumerate();
        let segments = segments.map(|(n, region)| self.segment(n, region));
        object.items(tags::SEGMENT_SEQUENCE, segments.collect());
        self.dimensions(&mut object);
        let used: BTreeSet<usize> = self.frames.iter().map(|f| f.slice).collect();
        let used: Vec<usize> = used.into_iter().collect();
        object.item(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, self.shared());
        object.items(
            tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE,
            self.frames.iter().map(|f| self.frame(f, &used)).collect(),
        );
        object.item(
            tags::REFERENCED_SERIES_SEQUENCE,
            self.origin.referenced_series(),
        );
        object.bytes(tags::PIXEL_DATA, pixels);
        object
    }

    /// General Image, Image Pixel and Segmentation Image modules.
    fn image(&self, object: &mut Elements, stored: Stored) {
        let state = &self.authorship.state;
        let created = self.authorship.created;
        object.texts(tags::IMAGE_TYPE, &["DERIVED", "PRIMARY"]);
        object.text(tags::CONTENT_DATE, &created.format("%Y%m%d").to_string());
        object.text(tags::CONTENT_TIME, &created.format("%H%M%S").to_string());
        object.text(tags::CONTENT_LABEL, &format!("VS_{}", state.word()));
        object.text(tags::CONTENT_DESCRIPTION, &notice(state));
        match state {
            ResultState::Accepted { by, .. } => object.person(tags::CONTENT_CREATOR_NAME, by),
            ResultState::Draft => object.empty(tags::CONTENT_CREATOR_NAME),
        }
        object.text(tags::LOSSY_IMAGE_COMPRESSION, "00");
        object.shorts(tags::SAMPLES_PER_PIXEL, &[1]);
        object.text(tags::PHOTOMETRIC_INTERPRETATION, "MONOCHROME2");
        let [columns, rows, _] = self.slices.grid().shape();
        object.shorts(tags::ROWS, &[rows as u16]);
        object.shorts(tags::COLUMNS, &[columns as u16]);
        object.integer(tags::NUMBER_OF_FRAMES, self.frames.len() as i32);
        object.shorts(tags::PIXEL_REPRESENTATION, &[0]);
        let bits = match stored {
            Stored::Binary => {
                object.text(tags::SEGMENTATION_TYPE, "BINARY");
                object.text(tags::SEGMENTS_OVERLAP, "NO");
                1
            }
            Stored::Probabilities => {
                object.text(tags::SEGMENTATION_TYPE, "FRACTIONAL");
                object.text(tags::SEGMENTATION_FRACTIONAL_TYPE, "PROBABILITY");
                object.shorts(tags::MAXIMUM_FRACTIONAL_VALUE, &[u16::from(FULL)]);
                object.text(tags::SEGMENTS_OVERLAP, "UNDEFINED");
                8
            }
        };
        object.shorts(tags::BITS_ALLOCATED, &[bits]);
        object.shorts(tags::BITS_STORED, &[bits]);
        object.shorts(tags::HIGH_BIT, &[bits - 1]);
    }

    /// Segment description (PS3.3, C.8.20.4).
    fn segment(&self, n: usize, region: &Region) -> Elements {
        let authorship = self.authorship;
        let structure = region.structure;
        let mut item = Elements::new();
        item.shorts(tags::SEGMENT_NUMBER, &[n as u16 + 1]);
        item.text(tags::SEGMENT_LABEL, &region.label());
        item.text(tags::SEGMENT_DESCRIPTION, &notice(&authorship.state));
        item.text(
            tags::SEGMENT_ALGORITHM_TYPE,
            authorship.making.segment_term(),
        );
        if let Some(name) = authorship.segment_algorithm() {
            item.text(tags::SEGMENT_ALGORITHM_NAME, name);
        }
        if let Some(algorithm) = authorship.drawn_by() {
            let mut identity = Elements::new();
            identity.code(
                tags::ALGORITHM_FAMILY_CODE_SEQUENCE,
                ARTIFICIAL_INTELLIGENCE,
            );
            identity.text(tags::ALGORITHM_NAME, &algorithm.name);
            identity.text(tags::ALGORITHM_VERSION, &algorithm.version);
            item.item(
                tags::SEGMENTATION_ALGORITHM_IDENTIFICATION_SEQUENCE,
                identity,
            );
        }
        item.code(
            tags::SEGMENTED_PROPERTY_CATEGORY_CODE_SEQUENCE,
            category_code(structure),
        );
        let mut kind = Elements::coded(structure_code(structure));
        if let Some(side) = region.side {
            kind.code(
                tags::SEGMENTED_PROPERTY_TYPE_MODIFIER_CODE_SEQUENCE,
                side_code(side),
            );
        }
        item.item(tags::SEGMENTED_PROPERTY_TYPE_CODE_SEQUENCE, kind);
        if structure == Structure::VestibularSchwannoma {
            let mut place = Elements::coded(EIGHTH_NERVE);
            if let Some(side) = region.side {
                place.code(tags::ANATOMIC_REGION_MODIFIER_SEQUENCE, side_code(side));
            }
            item.item(tags::ANATOMIC_REGION_SEQUENCE, place);
        }
        item.text(tags::TRACKING_ID, &region.label());
        item.text(
            tags::TRACKING_UID,
            &region.tracking_uid(self.origin, authorship),
        );
        item.shorts(
            tags::RECOMMENDED_DISPLAY_CIE_LAB_VALUE,
            &cie_lab((authorship.colour)(structure)),
        );
        item
    }

    /// Multi-frame Dimension module: frames are sorted by segment, then by position.
    fn dimensions(&self, object: &mut Elements) {
        let uid = derived_uid(&[b"dimensions", self.origin.series_uid.as_bytes()]);
        let mut organization = Elements::new();
        organization.text(tags::DIMENSION_ORGANIZATION_UID, &uid);
        object.item(tags::DIMENSION_ORGANIZATION_SEQUENCE, organization);
        let index = |pointer: Tag, group: Tag, label: &str| {
            let mut item = Elements::new();
            item.text(tags::DIMENSION_ORGANIZATION_UID, &uid);
            item.pointer(tags::DIMENSION_INDEX_POINTER, pointer);
            item.pointer(tags::FUNCTIONAL_GROUP_POINTER, group);
            item.text(tags::DIMENSION_DESCRIPTION_LABEL, label);
            item
        };
        object.items(
            tags::DIMENSION_INDEX_SEQUENCE,
            vec![
                index(
                    tags::REFERENCED_SEGMENT_NUMBER,
                    tags::SEGMENT_IDENTIFICATION_SEQUENCE,
                    "Segment Number",
                ),
                index(
                    tags::IMAGE_POSITION_PATIENT,
                    tags::PLANE_POSITION_SEQUENCE,
                    "Image Position Patient",
                ),
            ],
        );
    }

    fn shared(&self) -> Elements {
        let [across, down] = self.slices.spacing_mm();
        let distance = self.slices.distance_mm();
        let mut measures = Elements::new();
        // The slab that a labelled voxel stands for, not the thickness of the excited slice.
        measures.decimals(tags::SLICE_THICKNESS, &[distance]);
        measures.decimals(tags::SPACING_BETWEEN_SLICES, &[distance]);
        measures.decimals(tags::PIXEL_SPACING, &[down, across]);
        let mut orientation = Elements::new();
        orientation.decimals(tags::IMAGE_ORIENTATION_PATIENT, &self.slices.orientation());
        let mut shared = Elements::new();
        shared.item(tags::PIXEL_MEASURES_SEQUENCE, measures);
        shared.item(tags::PLANE_ORIENTATION_SEQUENCE, orientation);
        shared
    }

    /// Functional groups of a frame; `used` are the slices that any frame lies on, ascending, whose order the dimension index counts.
    fn frame(&self, frame: &Frame, used: &[usize]) -> Elements {
        let mut item = Elements::new();
        if let Some(image) = self.origin.slices.get(frame.slice) {
            let mut source = Origin::reference(image);
            source.code(tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE, SOURCE_IMAGE);
            source.text(tags::SPATIAL_LOCATIONS_PRESERVED, "YES");
            let mut derivation = Elements::new();
            derivation.item(tags::SOURCE_IMAGE_SEQUENCE, source);
            derivation.code(tags::DERIVATION_CODE_SEQUENCE, SEGMENTATION);
            item.item(tags::DERIVATION_IMAGE_SEQUENCE, derivation);
        }
        let segment = frame.segment as u16 + 1;
        let mut content = Elements::new();
        content.longs(
            tags::DIMENSION_INDEX_VALUES,
            &[
                u32::from(segment),
                used.partition_point(|&slice| slice < frame.slice) as u32 + 1,
            ],
        );
        item.item(tags::FRAME_CONTENT_SEQUENCE, content);
        let mut position = Elements::new();
        let place = self.slices.position(frame.slice).unwrap_or_default();
        position.decimals(tags::IMAGE_POSITION_PATIENT, &place);
        item.item(tags::PLANE_POSITION_SEQUENCE, position);
        let mut identity = Elements::new();
        identity.shorts(tags::REFERENCED_SEGMENT_NUMBER, &[segment]);
        item.item(tags::SEGMENT_IDENTIFICATION_SEQUENCE, identity);
        item
    }
}

/// sRGB as `CIELab` with the white point D50, in DICOM's 16 bits (PS3.3, C.10.7.1.1).
fn cie_lab(srgb: [u8; 3]) -> [u16; 3] {
    let [r, g, b] = srgb.map(|c| {
        let c = f64::from(c) / 255.0;
        if c <= 0.04045 {
            c / 12.92
        } else {
            ((c + 0.055) / 1.055).powf(2.4)
        }
    });
    // sRGB to XYZ, adapted to D50 (Bradford), and its white.
    let x = (0.436_074_7 * r + 0.385_064_9 * g + 0.143_080_4 * b) / 0.964_22;
    let y = 0.222_504_5 * r + 0.716_878_6 * g + 0.060_616_9 * b;
    let z = (0.013_932_2 * r + 0.097_104_5 * g + 0.714_173_3 * b) / 0.825_21;
    let f = |t: f64| {
        if t > 216.0 / 24_389.0 {
            t.cbrt()
        } else {
            (24_389.0 / 27.0 * t + 16.0) / 116.0
        }
    };
    let [x, y, z] = [x, y, z].map(f);
    let scaled = |value: f64, low: f64, range: f64| {
        ((value - low) / range * 65_535.0)
            .round()
            .clamp(0.0, 65_535.0) as u16
    };
    [
        scaled(116.0 * y - 16.0, 0.0, 100.0),
        scaled(500.0 * (x - y), -128.0, 255.0),
        scaled(200.0 * (y - z), -128.0, 255.0),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_given_at_the_white_point_of_dicom() {
        // The white point, black, and sRGB's red at D50: L 54.29, a 80.80, b 69.89 (Lindbloom's calculator).
        for (rgb, lab) in [
            ([255, 255, 255], [65_535, 32_896, 32_896]),
            ([0, 0, 0], [0, 32_896, 32_896]),
            ([255, 0, 0], [35_579, 53_662, 50_858]),
        ] {
            let found = cie_lab(rgb);
            for (found, wanted) in found.iter().zip(lab) {
                assert!(found.abs_diff(wanted) < 20, "{rgb:?}: {found} for {wanted}");
            }
        }
    }

    #[test]
    fn bits_are_packed_over_the_ends_of_frames() {
        let region = |voxels: &[usize]| Region {
            structure: Structure::Cochlea,
            side: None,
            voxels: voxels.to_vec(),
        };
        // Frames of three pixels: slice 0 with pixel 1, slice 2 with pixel 2, then slice 1 of the second region with pixel 0.
        let bits = packed(&[region(&[1, 8]), region(&[3])], 3, 3);
        assert_eq!(bits, [0b0110_0010, 0]);
    }
}
