//! Structure sets: contours for planning systems (PS3.3, A.19, C.8.8.5, C.8.8.6, C.8.8.8).
use super::authorship::{Authorship, ResultState};
use super::elements::Elements;
use super::keyhole::keyholed;
use super::object::{Kind, Origin, notice, write_object};
use super::regions::{Region, prepared, warnings};
use super::uid::derived_uid;
use crate::io::dicom::DicomSeries;
use crate::io::dicom::code::{side_code, structure_code};
use crate::io::dicom::grid::Slices;
use crate::io::{Error, Warning};
use crate::measure::pixel_outlines;
use crate::volume::{LabelMap, Structure};
use dicom_dictionary_std::{tags, uids};
use std::path::Path;

const KIND: Kind = Kind {
    class: uids::RT_STRUCTURE_SET_STORAGE,
    modality: "RTSTRUCT",
    name: "structure set",
    number: 2,
};

/// Detached Study Management, the class by which structure sets name their study.
const DETACHED_STUDY: &str = "1.2.840.10008.3.1.2.3.1";
/// Digits behind the point that coordinates have: nanometres.
const DIGITS: f64 = 1e6;

/// Writes the outlines of a label map as a structure set: a region of interest for each structure and side, named in the style of AAPM TG-263 (`GTV_VS`, `Cochlea_L`, `Cochlea_R`, `Brainstem`), with closed contours on the
/// slices of the series, holes joined by keyholes.
///
/// A contour runs halfway between the centres of the voxels inside and outside, so that a voxel is labelled exactly when its centre is inside. An accepted result is `APPROVED` by its reader, a draft `UNAPPROVED`.
///
/// # Errors
/// [`Error::Dicom`] when labels and series do not fit each other or the series lacks an identifier; [`Error::Write`].
pub fn write_structure_set(
    path: &Path,
    series: &DicomSeries,
    labels: &LabelMap,
    authorship: &Authorship,
) -> Result<Vec<Warning>, Error> {
    let (slices, origin, regions) = prepared(path, series, labels)?;
    let writing = Writing {
        slices: &slices,
        origin: &origin,
        regions: &regions,
        names: names(&regions),
        authorship,
    };
    write_object(path, writing.object())?;
    Ok(warnings(&origin, &regions, authorship))
}

/// One name a region. Where the tumour has parts on both sides, those names get sides too.
fn names(regions: &[Region]) -> Vec<String> {
    let tumours = regions
        .iter()
        .filter(|r| r.structure == Structure::VestibularSchwannoma);
    let several = tumours.count() > 1;
    regions
        .iter()
        .map(|region| match region.side {
            Some(side) if several && region.structure == Structure::VestibularSchwannoma => {
                let letter = side.name().get(..1).unwrap_or_default().to_uppercase();
                format!("{}_{letter}", region.roi_name())
            }
            _ => region.roi_name(),
        })
        .collect()
}

/// All that a structure set is made from.
struct Writing<'a> {
    slices: &'a Slices,
    origin: &'a Origin,
    regions: &'a [Region],
    names: Vec<String>,
    authorship: &'a Authorship,
}

/// The closed contours of one region: the slice and its points, LPS mm.
type Contours = Vec<(usize, Vec<f64>)>;

impl Writing<'_> {
    fn object(&self) -> Elements {
        let contours: Vec<Contours> = self.regions.iter().map(|r| self.contours(r)).collect();
        let content = derived_uid(&[format!(
            "{contours:?} {:?} {}",
            self.names,
            self.authorship.fingerprint()
        )
        .as_bytes()]);
        let mut object = self
            .origin
            .object(&KIND, self.authorship, content.as_bytes());
        self.structure_set(&mut object);
        let contoured = self.regions.iter().zip(contours).enumerate();
        object.items(
            tags::ROI_CONTOUR_SEQUENCE,
            contoured
                .map(|(n, (region, contours))| self.roi_contour(n, region, contours))
                .collect(),
        );
        let observed = self.regions.iter().enumerate();
        object.items(
            tags::RTROI_OBSERVATIONS_SEQUENCE,
            observed.map(|(n, region)| observation(n, region)).collect(),
        );
        self.approval(&mut object);
        object
    }

    /// The outlines of a region on each slice that it reaches.
    fn contours(&self, region: &Region) -> Contours {
        let [width, height, _] = self.slices.grid().shape();
        let size = width * height;
        let mut contours = Vec::new();
        for voxels in region.voxels.chunk_by(|a, b| a / size == b / size) {
            let slice = voxels.first().map_or(0, |v| v / size);
            // The part of the slice that holds them.
            let of = |v: &usize| [v % size % width, v % size / width];
            let (mut low, mut high) = ([width, height], [0, 0]);
            for [i, j] in voxels.iter().map(of) {
                low = [low[0].min(i), low[1].min(j)];
                high = [high[0].max(i), high[1].max(j)];
            }
            let shape = [0, 1].map(|a| (high[a] + 1).saturating_sub(low[a]));
            let mut mask = vec![false; shape[0] * shape[1]];
            for [i, j] in voxels.iter().map(of) {
                if let Some(place) = mask.get_mut(i - low[0] + shape[0] * (j - low[1])) {
                    *place = true;
                }
            }
            for polygon in keyholed(pixel_outlines(&mask, shape)) {
                let points = polygon.iter().filter_map(|&[i, j]| {
                    let at = [i + low[0] as f64, j + low[1] as f64];
                    self.slices.point(slice, at)
                });
                let rounded = points.flatten().map(|x| (x * DIGITS).round() / DIGITS);
                contours.push((slice, rounded.collect()));
            }
        }
        contours
    }

    /// Structure Set module.
    fn structure_set(&self, object: &mut Elements) {
        let state = &self.authorship.state;
        let created = self.authorship.created;
        object.empty(tags::OPERATORS_NAME);
        object.text(tags::STRUCTURE_SET_LABEL, &format!("VS {}", state.word()));
        object.text(tags::STRUCTURE_SET_DESCRIPTION, &notice(state));
        object.text(
            tags::STRUCTURE_SET_DATE,
            &created.format("%Y%m%d").to_string(),
        );
        object.text(
            tags::STRUCTURE_SET_TIME,
            &created.format("%H%M%S").to_string(),
        );
        let origin = self.origin;
        let mut series = Elements::new();
        series.text(tags::SERIES_INSTANCE_UID, &origin.series_uid);
        series.items(
            tags::CONTOUR_IMAGE_SEQUENCE,
            origin.slices.iter().map(Origin::reference).collect(),
        );
        let mut study = Elements::new();
        study.text(tags::REFERENCED_SOP_CLASS_UID, DETACHED_STUDY);
        study.text(tags::REFERENCED_SOP_INSTANCE_UID, &origin.study_uid);
        study.item(tags::RT_REFERENCED_SERIES_SEQUENCE, series);
        let mut frame = Elements::new();
        frame.text(tags::FRAME_OF_REFERENCE_UID, &origin.frame_of_reference_uid);
        frame.item(tags::RT_REFERENCED_STUDY_SEQUENCE, study);
        object.item(tags::REFERENCED_FRAME_OF_REFERENCE_SEQUENCE, frame);
        let regions = self.regions.iter().zip(&self.names).enumerate();
        let regions = regions.map(|(n, (region, name))| {
            let mut item = Elements::new();
            item.integer(tags::ROI_NUMBER, n as i32 + 1);
            item.text(
                tags::REFERENCED_FRAME_OF_REFERENCE_UID,
                &origin.frame_of_reference_uid,
            );
            item.text(tags::ROI_NAME, name);
            item.text(tags::ROI_DESCRIPTION, &region.label());
            // Of type 2: empty where nobody has said.
            item.text(
                tags::ROI_GENERATION_ALGORITHM,
                self.authorship.making.term(),
            );
            if let Some(algorithm) = self.authorship.drawn_by() {
                let words = format!("{} {}", algorithm.name, algorithm.version);
                item.text(tags::ROI_GENERATION_DESCRIPTION, &words);
            }
            item
        });
        object.items(tags::STRUCTURE_SET_ROI_SEQUENCE, regions.collect());
    }

    fn roi_contour(&self, n: usize, region: &Region, contours: Contours) -> Elements {
        let mut item = Elements::new();
        item.integers(
            tags::ROI_DISPLAY_COLOR,
            &(self.authorship.colour)(region.structure).map(i32::from),
        );
        let contours = contours.into_iter().enumerate();
        let contours = contours.map(|(number, (slice, points))| {
            let mut contour = Elements::new();
            if let Some(image) = self.origin.slices.get(slice) {
                contour.item(tags::CONTOUR_IMAGE_SEQUENCE, Origin::reference(image));
            }
            contour.text(tags::CONTOUR_GEOMETRIC_TYPE, "CLOSED_PLANAR");
            contour.integer(tags::NUMBER_OF_CONTOUR_POINTS, (points.len() / 3) as i32);
            contour.integer(tags::CONTOUR_NUMBER, number as i32 + 1);
            contour.decimals(tags::CONTOUR_DATA, &points);
            contour
        });
        item.items(tags::CONTOUR_SEQUENCE, contours.collect());
        item.integer(tags::REFERENCED_ROI_NUMBER, n as i32 + 1);
        item
    }

    /// Approval module (PS3.3, C.8.8.16).
    fn approval(&self, object: &mut Elements) {
        match &self.authorship.state {
            ResultState::Draft => object.text(tags::APPROVAL_STATUS, "UNAPPROVED"),
            ResultState::Accepted { by, at } => {
                object.text(tags::APPROVAL_STATUS, "APPROVED");
                object.text(tags::REVIEW_DATE, &at.format("%Y%m%d").to_string());
                object.text(tags::REVIEW_TIME, &at.format("%H%M%S").to_string());
                object.person(tags::REVIEWER_NAME, by);
            }
        }
    }
}

/// What a region is in treatment planning.
fn observation(n: usize, region: &Region) -> Elements {
    let mut item = Elements::new();
    item.integer(tags::OBSERVATION_NUMBER, n as i32 + 1);
    item.integer(tags::REFERENCED_ROI_NUMBER, n as i32 + 1);
    let mut code = Elements::coded(structure_code(region.structure));
    if let Some(side) = region.side {
        code.code(
            tags::SEGMENTED_PROPERTY_TYPE_MODIFIER_CODE_SEQUENCE,
            side_code(side),
        );
    }
    item.item(tags::RTROI_IDENTIFICATION_CODE_SEQUENCE, code);
    let kind = match region.structure {
        Structure::VestibularSchwannoma => "GTV",
        _ => "ORGAN",
    };
    item.text(tags::RTROI_INTERPRETED_TYPE, kind);
    item.empty(tags::ROI_INTERPRETER);
    item
}
