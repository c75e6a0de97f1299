//! Measurement reports: structured reports after TID 1500 (PS3.16), in three-dimensional form (PS3.3, A.35.13).
use super::authorship::{Authorship, ResultState};
use super::concepts as c;
use super::content::{
    Number, Relation, coded, coded_with, container, image, number, person, root, text, uid,
};
use super::elements::Elements;
use super::object::{Kind, Origin, notice, write_object};
use super::regions::{Region, prepared, warnings};
use super::uid::derived_uid;
use crate::io::dicom::code::{Code, EIGHTH_NERVE, side_code, structure_code};
use crate::io::dicom::grid::Slices;
use crate::io::dicom::header::read_header_keeping;
use crate::io::dicom::kept::Keep;
use crate::io::dicom::source::Source;
use crate::io::dicom::{DicomError, DicomSeries};
use crate::io::{Error, Warning};
use crate::measure::{DiameterRule, KoosAssessment, PartVolume};
use crate::patient::{Change, GrowthAssessment, TumourSize, Visit};
use crate::volume::{LabelMap, Structure};
use dicom_dictionary_std::{tags, uids};
use std::path::Path;

const KIND: Kind = Kind {
    class: uids::COMPREHENSIVE3_DSR_STORAGE,
    modality: "SR",
    name: "measurements",
    number: 3,
};

/// What is reported.
#[derive(Debug, Clone, Copy)]
pub struct Measurements<'a> {
    /// The outlines, on the grid of the series.
    pub labels: &'a LabelMap,
    /// What was measured on them.
    pub visit: &'a Visit,
    /// What changed since other visits; those that end at this visit are reported.
    pub assessment: Option<&'a GrowthAssessment>,
    /// The segmentation of the same outlines that was written before: the report then refers to the tumour's segment in it.
    pub segmentation: Option<&'a Path>,
}

/// Writes everything that was measured of a tumour as a structured report.
///
/// The tumour's group names it by the tracking UID that its segment has. A draft is UNVERIFIED and PRELIMINARY; an accepted result is VERIFIED by the reader who accepted it, unless the assessment beside it tells of a visit that
/// is a draft. What has no public code has one of the private scheme `99VSV`. Lengths carry the line that they were measured along.
///
/// # Errors
/// [`Error::Dicom`] when labels and series do not fit each other, the series lacks an identifier, or the segmentation is not of these outlines; [`Error::Write`].
pub fn write_measurements(
    path: &Path,
    series: &DicomSeries,
    measured: &Measurements<'_>,
    authorship: &Authorship,
) -> Result<Vec<Warning>, Error> {
    let (_, origin, regions) = prepared(path, series, measured.labels)?;
    let mut tumours = regions
        .iter()
        .filter(|r| r.structure == Structure::VestibularSchwannoma);
    // Tumours on both sides are measured together, so no side and no single segment belongs to the numbers.
    let tumour = tumours.next().filter(|_| tumours.next().is_none());
    let tracking = match tumour {
        Some(region) => region.tracking_uid(&origin, authorship),
        None => origin.tracking_uid(Structure::VestibularSchwannoma, None),
    };
    let segment = match (measured.segmentation, tumour) {
        (Some(path), Some(_)) => {
            let found = Segment::of(path, &tracking, &origin.frame_of_reference_uid);
            Some(found.map_err(|source| Error::Dicom {
                source,
                path: path.to_owned(),
            })?)
        }
        _ => None,
    };
    let report = Report {
        origin: &origin,
        authorship: &authorship.of_report(measured.assessment.is_some_and(|a| a.draft)),
        outlines: &authorship.state,
        measured,
        tumour,
        tracking,
        segment,
    };
    write_object(path, report.object())?;
    Ok(warnings(&origin, &regions, authorship))
}

/// The segment of a segmentation that holds the tumour.
#[derive(Debug)]
struct Segment {
    class: String,
    instance: String,
    series: String,
    number: u16,
}

impl Segment {
    fn of(path: &Path, tracking: &str, space: &str) -> Result<Self, DicomError> {
        let header = read_header_keeping(&Source::File(path.to_owned()), Keep::Derived)?;
        let a = &header.attributes;
        let segments = a.items(tags::SEGMENT_SEQUENCE);
        let number = segments
            .iter()
            .find(|s| s.code(tags::TRACKING_UID).as_deref() == Some(tracking))
            .and_then(|s| u16::try_from(s.integer(tags::SEGMENT_NUMBER)?).ok());
        if a.code(tags::FRAME_OF_REFERENCE_UID).as_deref() != Some(space) {
            return Err(DicomError::OtherSpace);
        }
        Ok(Self {
            number: number.ok_or(DicomError::NoTumourSegment)?,
            class: header.class.clone(),
            instance: a
                .code(tags::SOP_INSTANCE_UID)
                .ok_or(DicomError::NoTumourSegment)?,
            series: a
                .code(tags::SERIES_INSTANCE_UID)
                .ok_or(DicomError::NoTumourSegment)?,
        })
    }

    fn reference(&self, with_number: bool) -> Elements {
        let mut item = Elements::new();
        item.text(tags::REFERENCED_SOP_CLASS_UID, &self.class);
        item.text(tags::REFERENCED_SOP_INSTANCE_UID, &self.instance);
        if with_number {
            item.shorts(tags::REFERENCED_SEGMENT_NUMBER, &[self.number]);
        }
        item
    }
}

struct Report<'a> {
    origin: &'a Origin,
    /// Of the whole report.
    authorship: &'a Authorship,
    /// How far the outlines of this visit alone have come.
    outlines: &'a ResultState,
    measured: &'a Measurements<'a>,
    tumour: Option<&'a Region>,
    tracking: String,
    segment: Option<Segment>,
}

impl Report<'_> {
    fn object(&self) -> Elements {
        let content = derived_uid(&[
            format!("{:?} {:?}", self.measured.visit, self.measured.assessment).as_bytes(),
            format!("{:?} {}", self.segment, self.authorship.fingerprint()).as_bytes(),
        ]);
        let mut object = self
            .origin
            .object(&KIND, self.authorship, content.as_bytes());
        self.document(&mut object);
        let mut children = vec![coded(Relation::Modifier, c::LANGUAGE, c::ENGLISH)];
        children.extend(self.observers());
        children.push(coded(Relation::Modifier, c::PROCEDURE, c::MRI));
        children.push(self.images());
        let mut groups = vec![self.tumour_group()];
        let changes = self.measured.assessment.iter().flat_map(|a| &a.changes);
        let day = self.measured.visit.date;
        let changes = changes.filter(|change| change.to == day);
        groups.extend(changes.map(|change| self.change_group(change)));
        children.push(container(c::MEASUREMENTS, groups, None));
        root(&mut object, c::REPORT, children, "1500");
        object
    }

    /// SR Document General module (PS3.3, C.17.2).
    fn document(&self, object: &mut Elements) {
        let created = self.authorship.created;
        object.items(
            tags::REFERENCED_PERFORMED_PROCEDURE_STEP_SEQUENCE,
            Vec::new(),
        );
        object.items(tags::PERFORMED_PROCEDURE_CODE_SEQUENCE, Vec::new());
        object.text(tags::CONTENT_DATE, &created.format("%Y%m%d").to_string());
        object.text(tags::CONTENT_TIME, &created.format("%H%M%S").to_string());
        object.text(tags::COMPLETION_FLAG, "COMPLETE");
        match &self.authorship.state {
            ResultState::Draft => {
                object.text(tags::VERIFICATION_FLAG, "UNVERIFIED");
                object.text(tags::PRELIMINARY_FLAG, "PRELIMINARY");
            }
            ResultState::Accepted { by, at } => {
                object.text(tags::VERIFICATION_FLAG, "VERIFIED");
                object.text(tags::PRELIMINARY_FLAG, "FINAL");
                let mut observer = Elements::new();
                observer.person(tags::VERIFYING_OBSERVER_NAME, by);
                observer.items(
                    tags::VERIFYING_OBSERVER_IDENTIFICATION_CODE_SEQUENCE,
                    Vec::new(),
                );
                // Schwann is not told where its reader works.
                observer.text(tags::VERIFYING_ORGANIZATION, "not stated");
                let moment = at.format("%Y%m%d%H%M%S").to_string();
                observer.text(tags::VERIFICATION_DATE_TIME, &moment);
                object.item(tags::VERIFYING_OBSERVER_SEQUENCE, observer);
            }
        }
        let mut images = Elements::new();
        images.text(tags::SERIES_INSTANCE_UID, &self.origin.series_uid);
        images.items(tags::REFERENCED_SOP_SEQUENCE, self.origin.instances());
        let mut series = vec![images];
        if let Some(segment) = &self.segment {
            let mut item = Elements::new();
            item.text(tags::SERIES_INSTANCE_UID, &segment.series);
            item.item(tags::REFERENCED_SOP_SEQUENCE, segment.reference(false));
            series.push(item);
        }
        let mut study = Elements::new();
        study.text(tags::STUDY_INSTANCE_UID, &self.origin.study_uid);
        study.items(tags::REFERENCED_SERIES_SEQUENCE, series);
        object.item(tags::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE, study);
        let mut scheme = Elements::new();
        scheme.text(tags::CODING_SCHEME_DESIGNATOR, c::OWN_SCHEME);
        scheme.text(tags::CODING_SCHEME_NAME, "Schwann");
        scheme.text(tags::CODING_SCHEME_VERSION, env!("CARGO_PKG_VERSION"));
        scheme.text(tags::CODING_SCHEME_RESPONSIBLE_ORGANIZATION, "Schwann");
        object.item(tags::CODING_SCHEME_IDENTIFICATION_SEQUENCE, scheme);
    }

    /// TID 1001: the program, and the reader who accepted its result.
    fn observers(&self) -> Vec<Elements> {
        const NAME: &str = "Schwann";
        let version = env!("CARGO_PKG_VERSION");
        let context = Relation::Context;
        let device = derived_uid(&[b"schwann device", version.as_bytes()]);
        let mut items = vec![
            coded(context, c::OBSERVER_TYPE, c::DEVICE),
            uid(context, c::DEVICE_UID, &device),
            text(context, c::DEVICE_NAME, NAME),
            text(context, c::DEVICE_MAKER, NAME),
            text(context, c::DEVICE_MODEL, NAME),
            text(context, c::DEVICE_SERIAL, version),
        ];
        if let ResultState::Accepted { by, .. } = &self.authorship.state {
            items.push(coded(context, c::OBSERVER_TYPE, c::PERSON));
            items.push(person(context, c::PERSON_NAME, by));
        }
        items
    }

    /// TID 1600.
    fn images(&self) -> Elements {
        let images = self.origin.instances().into_iter();
        let images = images.map(|reference| image(None, reference)).collect();
        let group = container(c::IMAGE_GROUP, images, None);
        container(c::IMAGE_LIBRARY, vec![group], Some("1600"))
    }

    /// What every group begins with: the tumour, followed over time, at this visit.
    fn subject(&self, name: &str) -> Vec<Elements> {
        let mut place = Vec::new();
        if let Some(side) = self.tumour.and_then(|region| region.side) {
            place.push(coded(Relation::Modifier, c::LATERALITY, side_code(side)));
        }
        vec![
            text(Relation::Context, c::TRACKING_ID, name),
            uid(Relation::Context, c::TRACKING_UID, &self.tracking),
            coded(
                Relation::Contains,
                c::FINDING,
                structure_code(Structure::VestibularSchwannoma),
            ),
            text(
                Relation::Context,
                c::TIME_POINT,
                &self.measured.visit.date.to_string(),
            ),
            coded_with(Relation::Modifier, c::FINDING_SITE, EIGHTH_NERVE, place),
        ]
    }

    /// TID 1411 with a segment, TID 1501 without.
    fn tumour_group(&self) -> Elements {
        let finding = &self.measured.visit.finding;
        let name = self.tumour.map_or_else(
            || Structure::VestibularSchwannoma.name().to_owned(),
            Region::label,
        );
        let mut items = self.subject(&name);
        if let Some(algorithm) = self.authorship.drawn_by() {
            let modifier = Relation::Modifier;
            items.push(text(modifier, c::ALGORITHM_NAME, &algorithm.name));
            items.push(text(modifier, c::ALGORITHM_VERSION, &algorithm.version));
        }
        if let Some(segment) = &self.segment {
            items.push(image(Some(c::SEGMENT), segment.reference(true)));
            items.push(uid(
                Relation::Contains,
                c::SOURCE_SERIES,
                &self.origin.series_uid,
            ));
        }
        let mut numbers = Vec::new();
        if let Some(tumour) = &finding.tumour {
            numbers.extend(sizes(tumour));
        }
        numbers.extend(evidence(&finding.koos));
        items.extend(self.numbers(&numbers));
        let koos = &finding.koos;
        let grade = match (koos.tumour, koos.grade) {
            (false, _) => c::NO_TUMOUR,
            (true, None) => c::KOOS_WITHHELD,
            (true, Some(grade)) => c::koos_code(grade),
        };
        items.push(coded(Relation::Contains, c::KOOS, grade));
        items.push(text(Relation::Contains, c::KOOS_RULES, koos.wording));
        // What the codes cannot say: lower limits, open grades, and what else to beware of.
        let mut words = vec![notice(self.outlines)];
        if finding.tumour.as_ref().is_some_and(|t| t.at_scan_edge) {
            words.push("The scan cuts the tumour: sizes and grade are lower limits.".to_owned());
        }
        words.extend(koos.warnings.iter().chain(&finding.warnings).cloned());
        items.push(text(Relation::Contains, c::COMMENT, &words.join("\n")));
        let template = if self.segment.is_some() {
            "1411"
        } else {
            "1501"
        };
        container(c::GROUP, items, Some(template))
    }

    fn change_group(&self, change: &Change) -> Elements {
        let name = format!("Change from {} to {}", change.from, change.to);
        let mut items = self.subject(&name);
        items.extend(self.numbers(&changes(change)));
        let relation = Relation::Contains;
        items.push(text(relation, c::VERDICT, &change.verdict.to_string()));
        let words = self.state_of(change);
        let words = words.iter().chain(&change.reasons).chain(&change.cautions);
        let words: Vec<&str> = words.map(String::as_str).collect();
        items.push(text(relation, c::COMMENT, &words.join("\n")));
        container(c::GROUP, items, Some("1501"))
    }

    /// How far the outlines of both visits of a change have come, in words.
    fn state_of(&self, change: &Change) -> Vec<String> {
        let visits = self.measured.assessment.iter().flat_map(|a| &a.visits);
        let drafts: Vec<String> = visits
            .filter(|v| v.state.is_draft() && (v.date == change.from || v.date == change.to))
            .map(|v| v.date.to_string())
            .collect();
        if drafts.is_empty() {
            return vec![notice(self.outlines)];
        }
        let drafts = drafts.join(", ");
        vec![
            notice(&ResultState::Draft),
            format!("The outlines of {drafts} were not reviewed and accepted."),
        ]
    }

    fn numbers(&self, numbers: &[Number]) -> Vec<Elements> {
        numbers
            .iter()
            .filter(|n| n.value.is_finite())
            .map(|n| number(n, &self.origin.frame_of_reference_uid))
            .collect()
    }
}

fn plain(concept: Code, unit: Code) -> impl Fn(f64) -> Number {
    move |value| Number {
        concept,
        value,
        unit,
        method: None,
        line: None,
    }
}

/// Volumes and lengths.
fn sizes(tumour: &TumourSize) -> Vec<Number> {
    let mut numbers = vec![
        Number {
            method: Some(c::VOXEL_SUM),
            ..plain(c::VOLUME, c::MM3)(tumour.volume_mm3)
        },
        plain(c::SURFACE, c::MM2)(tumour.surface_mm2),
    ];
    let Some(measures) = &tumour.measures else {
        numbers.push(plain(c::diameter_code(DiameterRule::WholeAxial), c::MM)(
            tumour.max_axial_diameter_mm,
        ));
        return numbers;
    };
    let volumes = &measures.volumes;
    // Of a tumour that goes on beyond the scan there is a lower limit only.
    if !tumour.at_scan_edge {
        let [low, high] = volumes.whole.interval95_mm3;
        numbers.push(plain(c::VOLUME_LOW, c::MM3)(low));
        numbers.push(plain(c::VOLUME_HIGH, c::MM3)(high));
    }
    let part = |concept: Code, part: Option<PartVolume>| {
        part.map(|part| plain(concept, c::MM3)(part.volume_mm3))
    };
    numbers.extend(part(c::INTRAMEATAL_VOLUME, volumes.intrameatal));
    numbers.extend(part(c::EXTRAMEATAL_VOLUME, volumes.extrameatal));
    numbers.extend(volumes.porus_area_mm2.map(plain(c::PORUS_AREA, c::MM2)));
    numbers.extend(measures.diameters.iter().map(|diameter| Number {
        line: Some(diameter.ends_ras_mm.map(Slices::lps_mm)),
        ..plain(c::diameter_code(diameter.which), c::MM)(diameter.value_mm)
    }));
    numbers
}

/// What the grade follows from.
fn evidence(koos: &KoosAssessment) -> Vec<Number> {
    let e = &koos.evidence;
    let gap = e.brainstem_gap_mm.map(|mm| Number {
        line: e.nearest_points_ras_mm.map(|ends| ends.map(Slices::lps_mm)),
        ..plain(c::BRAINSTEM_GAP, c::MM)(mm)
    });
    let mut numbers: Vec<Number> = [
        e.protrusion_mm.map(plain(c::PROTRUSION, c::MM)),
        gap,
        e.contact_area_mm2.map(plain(c::CONTACT_AREA, c::MM2)),
        e.brainstem_shift_mm.map(plain(c::BRAINSTEM_SHIFT, c::MM)),
        e.fourth_ventricle_shift_mm
            .map(plain(c::VENTRICLE_SHIFT, c::MM)),
    ]
    .into_iter()
    .flatten()
    .collect();
    if koos.grade.is_some() {
        let each = c::KOOS_PROBABILITIES.into_iter().zip(koos.probabilities);
        numbers.extend(each.map(|(concept, p)| plain(concept, c::NO_UNIT)(p)));
    }
    numbers
}

/// Everything in numbers that a change says; absent where visits must not be compared.
fn changes(change: &Change) -> Vec<Number> {
    let rate = change.specific_growth_rate_ci95;
    [
        Some(change.interval_years).map(plain(c::INTERVAL, c::YEARS)),
        change
            .volume_change_mm3
            .map(plain(c::VOLUME_CHANGE, c::MM3)),
        change
            .volume_change_percent
            .map(plain(c::VOLUME_CHANGE_PERCENT, c::PERCENT)),
        change
            .detectable_change_percent
            .map(plain(c::DETECTABLE_INCREASE, c::PERCENT)),
        change
            .detectable_decrease_percent
            .map(plain(c::DETECTABLE_DECREASE, c::PERCENT)),
        change
            .annual_growth_percent
            .map(plain(c::ANNUAL_GROWTH, c::PERCENT_PER_YEAR)),
        change
            .specific_growth_rate
            .map(plain(c::GROWTH_RATE, c::PER_YEAR)),
        rate.map(|[low, _]| plain(c::GROWTH_RATE_LOW, c::PER_YEAR)(low)),
        rate.map(|[_, high]| plain(c::GROWTH_RATE_HIGH, c::PER_YEAR)(high)),
        change
            .doubling_time_years
            .map(plain(c::DOUBLING_TIME, c::YEARS)),
        change
            .diameter_change_mm
            .map(plain(c::DIAMETER_CHANGE, c::MM)),
    ]
    .into_iter()
    .flatten()
    .collect()
}
