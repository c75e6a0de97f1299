//! Which attributes are kept of a header.
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

/// Bytes of one value that is kept to show an image.
const LONGEST_VALUE: u64 = 1 << 20;

/// What stays in memory of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// What is needed to show the image.
    Shown,
    /// All of it, to copy the file.
    All,
}

impl Keep {
    /// Whether the value of a tag is kept that has this many bytes.
    pub(super) fn value(self, tag: Tag, length: u64) -> bool {
        self == Self::All || (VALUES.contains(&tag) && length <= LONGEST_VALUE)
    }

    /// Whether what is inside a sequence is kept.
    pub(super) fn sequence(self, tag: Tag) -> bool {
        self == Self::All || SEQUENCES.contains(&tag)
    }

    /// Bytes of all values. An enhanced series of a thousand frames has about one million that are shown; a copy may hold look-up tables
    /// and whole private images.
    pub(super) fn most_bytes(self) -> u64 {
        match self {
            Self::Shown => 64 << 20,
            Self::All => 256 << 20,
        }
    }

    /// Whether an element of the main data set is where reading ends: the pixels.
    pub(super) fn pixels(self, tag: Tag) -> bool {
        tag == tags::PIXEL_DATA
            || (self == Self::All
                && matches!(tag, tags::FLOAT_PIXEL_DATA | tags::DOUBLE_FLOAT_PIXEL_DATA))
    }
}
