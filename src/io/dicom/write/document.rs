//! A report as people read it, and pictures: encapsulated PDF (PS3.3, A.45.1) and secondary capture (PS3.3, A.8.1).
use super::authorship::Authorship;
use super::concepts::REPORT;
use super::elements::Elements;
use super::object::{Kind, Origin, notice, write_object};
use crate::io::dicom::{DicomError, DicomSeries};
use crate::io::{Error, Warning};
use crate::patient::Picture;
use dicom_dictionary_std::{tags, uids};
use std::path::Path;

const PDF: Kind = Kind {
    class: uids::ENCAPSULATED_PDF_STORAGE,
    modality: "DOC",
    name: "report",
    number: 4,
};

const KEY_IMAGE: Kind = Kind {
    class: uids::SECONDARY_CAPTURE_IMAGE_STORAGE,
    modality: "OT",
    name: "key image",
    number: 5,
};

/// Bytes of a PDF; a report has some hundred thousand.
const LARGEST_PDF: usize = 64 << 20;

/// Writes a PDF as a DICOM object of a series' study: a draft also where it tells of other visits' drafts ([`Authorship::beside_drafts`]).
///
/// # Errors
/// [`Error::Dicom`] when the bytes are no PDF or the series lacks an identifier; [`Error::Write`].
pub fn write_encapsulated_pdf(
    path: &Path,
    series: &DicomSeries,
    pdf: &[u8],
    authorship: &Authorship,
) -> Result<Vec<Warning>, Error> {
    if !pdf.starts_with(b"%PDF-") || pdf.len() > LARGEST_PDF {
        return Err(Error::Dicom {
            source: DicomError::NotPdf,
            path: path.to_owned(),
        });
    }
    let origin = Origin::of(series)?;
    let authorship = authorship.of_report(false);
    let mut object = origin.object(&PDF, &authorship, pdf);
    dated(&mut object, &authorship);
    object.text(tags::CONVERSION_TYPE, "WSD");
    object.empty(tags::ACQUISITION_DATE_TIME);
    // The page names the patient as far as its author did.
    object.text(tags::BURNED_IN_ANNOTATION, "YES");
    let state = notice(&authorship.state);
    let title = format!("Vestibular schwannoma report. {state}");
    object.text(tags::DOCUMENT_TITLE, &title);
    object.code(tags::CONCEPT_NAME_CODE_SEQUENCE, REPORT);
    object.text(tags::MIME_TYPE_OF_ENCAPSULATED_DOCUMENT, "application/pdf");
    object.bytes(tags::ENCAPSULATED_DOCUMENT, pdf.to_vec());
    object.longs(tags::ENCAPSULATED_DOCUMENT_LENGTH, &[pdf.len() as u32]);
    object.items(tags::SOURCE_INSTANCE_SEQUENCE, origin.instances());
    write_object(path, object)?;
    Ok(origin.warnings)
}

/// Writes a picture as a secondary capture of a series' study. `number` tells the pictures of one report apart, from 1.
///
/// # Errors
/// [`Error::Dicom`] when the picture has no pixels or other than its size says, or the series lacks an identifier; [`Error::Write`].
pub fn write_key_image(
    path: &Path,
    series: &DicomSeries,
    picture: &Picture,
    number: u16,
    authorship: &Authorship,
) -> Result<Vec<Warning>, Error> {
    let size = (
        u16::try_from(picture.height).ok(),
        u16::try_from(picture.width).ok(),
    );
    let pixels = u64::from(picture.width) * u64::from(picture.height) * 3;
    let (Some(rows @ 1..), Some(columns @ 1..), true) =
        (size.0, size.1, pixels == picture.rgb.len() as u64)
    else {
        return Err(Error::Dicom {
            source: DicomError::Picture,
            path: path.to_owned(),
        });
    };
    let origin = Origin::of(series)?;
    let content = [&number.to_le_bytes()[..], &picture.rgb].concat();
    let mut object = origin.object(&KEY_IMAGE, authorship, &content);
    dated(&mut object, authorship);
    object.integer(tags::INSTANCE_NUMBER, i32::from(number));
    object.text(tags::CONVERSION_TYPE, "WSD");
    object.texts(tags::IMAGE_TYPE, &["DERIVED", "SECONDARY"]);
    // Of a paired part of the body in other programs' eyes; this picture may show both sides.
    object.empty(tags::LATERALITY);
    object.empty(tags::PATIENT_ORIENTATION);
    object.text(tags::BURNED_IN_ANNOTATION, "NO");
    object.text(
        tags::IMAGE_COMMENTS,
        &format!("{}\n{}", picture.caption, notice(&authorship.state)),
    );
    object.text(tags::DERIVATION_DESCRIPTION, &notice(&authorship.state));
    object.items(tags::SOURCE_IMAGE_SEQUENCE, origin.instances());
    object.shorts(tags::SAMPLES_PER_PIXEL, &[3]);
    object.text(tags::PHOTOMETRIC_INTERPRETATION, "RGB");
    object.shorts(tags::PLANAR_CONFIGURATION, &[0]);
    object.shorts(tags::ROWS, &[rows]);
    object.shorts(tags::COLUMNS, &[columns]);
    object.shorts(tags::BITS_ALLOCATED, &[8]);
    object.shorts(tags::BITS_STORED, &[8]);
    object.shorts(tags::HIGH_BIT, &[7]);
    object.shorts(tags::PIXEL_REPRESENTATION, &[0]);
    object.bytes(tags::PIXEL_DATA, picture.rgb.clone());
    write_object(path, object)?;
    Ok(origin.warnings)
}

fn dated(object: &mut Elements, authorship: &Authorship) {
    let created = authorship.created;
    object.text(tags::CONTENT_DATE, &created.format("%Y%m%d").to_string());
    object.text(tags::CONTENT_TIME, &created.format("%H%M%S").to_string());
}
