//! Which attributes are kept of a header: enough to read a scan, to say where an object comes from, or to read what others derived from a scan.
use dicom_core::Tag;
use dicom_dictionary_std::tags;

/// Siemens CSA image header and, of newer software, the number of slices in a mosaic (private, found by their usual places).
pub(super) const CSA_IMAGE: Tag = Tag(0x0029, 0x1010);
/// See [`CSA_IMAGE`].
pub(super) const SLICES_IN_MOSAIC: Tag = Tag(0x0019, 0x100a);

const VALUES: &[Tag] = &[
    tags::SPECIFIC_CHARACTER_SET,
    tags::IMAGE_TYPE,
    tags::SOP_CLASS_UID,
    tags::SOP_INSTANCE_UID,
    tags::STUDY_DATE,
    tags::SERIES_DATE,
    tags::ACQUISITION_DATE,
    tags::CONTENT_DATE,
    tags::ACQUISITION_DATE_TIME,
    tags::STUDY_TIME,
    tags::MODALITY,
    tags::MANUFACTURER,
    tags::MANUFACTURER_MODEL_NAME,
    tags::STUDY_DESCRIPTION,
    tags::SERIES_DESCRIPTION,
    tags::COMPLEX_IMAGE_COMPONENT,
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::PATIENT_BIRTH_DATE,
    tags::CONTRAST_BOLUS_AGENT,
    tags::SCANNING_SEQUENCE,
    tags::SEQUENCE_VARIANT,
    tags::SEQUENCE_NAME,
    tags::PULSE_SEQUENCE_NAME,
    tags::PROTOCOL_NAME,
    tags::MR_ACQUISITION_TYPE,
    tags::SLICE_THICKNESS,
    tags::REPETITION_TIME,
    tags::ECHO_TIME,
    tags::EFFECTIVE_ECHO_TIME,
    tags::INVERSION_TIME,
    tags::INVERSION_TIMES,
    tags::ECHO_NUMBERS,
    tags::FLIP_ANGLE,
    tags::MAGNETIC_FIELD_STRENGTH,
    tags::SPACING_BETWEEN_SLICES,
    tags::TRIGGER_TIME,
    tags::STUDY_INSTANCE_UID,
    tags::SERIES_INSTANCE_UID,
    tags::SERIES_NUMBER,
    tags::ACQUISITION_NUMBER,
    tags::INSTANCE_NUMBER,
    tags::IMAGE_POSITION_PATIENT,
    tags::IMAGE_ORIENTATION_PATIENT,
    tags::FRAME_OF_REFERENCE_UID,
    tags::TEMPORAL_POSITION_IDENTIFIER,
    tags::TEMPORAL_POSITION_INDEX,
    tags::STACK_ID,
    tags::IN_STACK_POSITION_NUMBER,
    tags::DIFFUSION_B_VALUE,
    tags::FRAME_TYPE,
    tags::SAMPLES_PER_PIXEL,
    tags::PHOTOMETRIC_INTERPRETATION,
    tags::NUMBER_OF_FRAMES,
    tags::ROWS,
    tags::COLUMNS,
    tags::PIXEL_SPACING,
    tags::BITS_ALLOCATED,
    tags::BITS_STORED,
    tags::HIGH_BIT,
    tags::PIXEL_REPRESENTATION,
    tags::RESCALE_INTERCEPT,
    tags::RESCALE_SLOPE,
    tags::LOSSY_IMAGE_COMPRESSION,
    tags::LUT_DESCRIPTOR,
    tags::LUT_DATA,
    CSA_IMAGE,
    SLICES_IN_MOSAIC,
];

const SEQUENCES: &[Tag] = &[
    tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE,
    tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE,
    tags::FRAME_CONTENT_SEQUENCE,
    tags::PLANE_POSITION_SEQUENCE,
    tags::PLANE_ORIENTATION_SEQUENCE,
    tags::PIXEL_MEASURES_SEQUENCE,
    tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE,
    tags::MR_ECHO_SEQUENCE,
    tags::MR_TIMING_AND_RELATED_PARAMETERS_SEQUENCE,
    tags::MR_MODIFIER_SEQUENCE,
    tags::MR_IMAGE_FRAME_TYPE_SEQUENCE,
    tags::MR_DIFFUSION_SEQUENCE,
    tags::MODALITY_LUT_SEQUENCE,
    tags::CONTRAST_BOLUS_AGENT_SEQUENCE,
];

/// What an object takes over of the series that it is made from: Patient, Patient Study, General Study, Frame of Reference (PS3.3, C.7.1 to C.7.4).
pub(super) const COPIED: &[Tag] = &[
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::ISSUER_OF_PATIENT_ID,
    tags::PATIENT_BIRTH_DATE,
    tags::PATIENT_SEX,
    tags::PATIENT_IDENTITY_REMOVED,
    tags::DEIDENTIFICATION_METHOD,
    tags::PATIENT_AGE,
    tags::PATIENT_SIZE,
    tags::PATIENT_WEIGHT,
    tags::STUDY_INSTANCE_UID,
    tags::STUDY_DATE,
    tags::STUDY_TIME,
    tags::REFERRING_PHYSICIAN_NAME,
    tags::STUDY_ID,
    tags::ACCESSION_NUMBER,
    tags::STUDY_DESCRIPTION,
    tags::FRAME_OF_REFERENCE_UID,
    tags::POSITION_REFERENCE_INDICATOR,
];

/// What else is looked at when an object is made.
const ASIDE: &[Tag] = &[
    tags::SPECIFIC_CHARACTER_SET,
    tags::SOP_CLASS_UID,
    tags::SERIES_INSTANCE_UID,
    tags::SERIES_NUMBER,
];

/// Values of segmentations and structure sets.
const DERIVED_VALUES: &[Tag] = &[
    tags::SPECIFIC_CHARACTER_SET,
    tags::SOP_CLASS_UID,
    tags::SOP_INSTANCE_UID,
    tags::MODALITY,
    tags::SERIES_INSTANCE_UID,
    tags::FRAME_OF_REFERENCE_UID,
    tags::NUMBER_OF_FRAMES,
    tags::ROWS,
    tags::COLUMNS,
    tags::SAMPLES_PER_PIXEL,
    tags::BITS_ALLOCATED,
    tags::BITS_STORED,
    tags::HIGH_BIT,
    tags::PIXEL_REPRESENTATION,
    tags::PIXEL_SPACING,
    tags::IMAGE_POSITION_PATIENT,
    tags::IMAGE_ORIENTATION_PATIENT,
    tags::SEGMENTATION_TYPE,
    tags::SEGMENTATION_FRACTIONAL_TYPE,
    tags::MAXIMUM_FRACTIONAL_VALUE,
    tags::SEGMENT_NUMBER,
    tags::SEGMENT_LABEL,
    tags::SEGMENT_ALGORITHM_TYPE,
    tags::SEGMENT_ALGORITHM_NAME,
    tags::REFERENCED_SEGMENT_NUMBER,
    tags::TRACKING_UID,
    tags::CODE_VALUE,
    tags::CODING_SCHEME_DESIGNATOR,
    tags::CODE_MEANING,
    tags::APPROVAL_STATUS,
    tags::ROI_NUMBER,
    tags::ROI_NAME,
    tags::ROI_GENERATION_ALGORITHM,
    tags::REFERENCED_ROI_NUMBER,
    tags::REFERENCED_FRAME_OF_REFERENCE_UID,
    tags::RTROI_INTERPRETED_TYPE,
    tags::CONTOUR_GEOMETRIC_TYPE,
    tags::NUMBER_OF_CONTOUR_POINTS,
    tags::CONTOUR_DATA,
];

/// Sequences of segmentations and structure sets.
const DERIVED_SEQUENCES: &[Tag] = &[
    tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE,
    tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE,
    tags::PLANE_POSITION_SEQUENCE,
    tags::PLANE_ORIENTATION_SEQUENCE,
    tags::PIXEL_MEASURES_SEQUENCE,
    tags::SEGMENT_IDENTIFICATION_SEQUENCE,
    tags::SEGMENT_SEQUENCE,
    tags::SEGMENTED_PROPERTY_TYPE_CODE_SEQUENCE,
    tags::SEGMENTED_PROPERTY_TYPE_MODIFIER_CODE_SEQUENCE,
    tags::ANATOMIC_REGION_SEQUENCE,
    tags::ANATOMIC_REGION_MODIFIER_SEQUENCE,
    tags::REFERENCED_SERIES_SEQUENCE,
    tags::REFERENCED_FRAME_OF_REFERENCE_SEQUENCE,
    tags::RT_REFERENCED_STUDY_SEQUENCE,
    tags::RT_REFERENCED_SERIES_SEQUENCE,
    tags::STRUCTURE_SET_ROI_SEQUENCE,
    tags::ROI_CONTOUR_SEQUENCE,
    tags::CONTOUR_SEQUENCE,
    tags::RTROI_OBSERVATIONS_SEQUENCE,
    tags::RTROI_IDENTIFICATION_CODE_SEQUENCE,
];

/// What a header is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// To find and read scans.
    Scan,
    /// To make an object that belongs to the same patient and study.
    Copied,
    /// To read what was derived from a scan: segmentations, structure sets.
    Derived,
    /// To copy the file: everything but the pixels.
    Whole,
}

/// Bytes of one value that is looked at.
const LONGEST_VALUE: u64 = 1 << 20;

impl Keep {
    /// Whether the value of a tag is kept that has this many bytes.
    pub(super) fn value(self, tag: Tag, length: u64) -> bool {
        let named = match self {
            Self::Scan => VALUES.contains(&tag),
            Self::Copied => COPIED.contains(&tag) || ASIDE.contains(&tag),
            Self::Derived => DERIVED_VALUES.contains(&tag),
            Self::Whole => return true,
        };
        named && length <= LONGEST_VALUE
    }

    /// Bytes of all values together. An enhanced series of a thousand frames has about one million that are looked at; what is copied may hold
    /// look-up tables and whole private images.
    pub(super) fn most_bytes(self) -> u64 {
        match self {
            Self::Scan | Self::Copied | Self::Derived => 64 << 20,
            Self::Whole => 256 << 20,
        }
    }

    /// Whether this element of the main data set holds pixels, where reading ends.
    pub(super) fn pixels(self, tag: Tag) -> bool {
        let float = matches!(tag, tags::FLOAT_PIXEL_DATA | tags::DOUBLE_FLOAT_PIXEL_DATA);
        tag == tags::PIXEL_DATA || (float && self == Self::Whole)
    }

    /// Whether what is inside a sequence is kept.
    pub(super) fn sequence(self, tag: Tag) -> bool {
        match self {
            Self::Scan => SEQUENCES.contains(&tag),
            Self::Copied => false,
            Self::Derived => DERIVED_SEQUENCES.contains(&tag),
            Self::Whole => true,
        }
    }
}
