//! Concepts of measurement reports: DICOM's own, SNOMED CT, IBSI, UCUM, and those of Schwann for what has no code (PS3.16).
use crate::io::dicom::code::Code;
use crate::measure::{DiameterRule, KoosGrade};

const fn code(value: &'static str, scheme: &'static str, meaning: &'static str) -> Code {
    Code {
        value,
        scheme,
        meaning,
    }
}

const fn dcm(value: &'static str, meaning: &'static str) -> Code {
    code(value, "DCM", meaning)
}

const fn sct(value: &'static str, meaning: &'static str) -> Code {
    code(value, "SCT", meaning)
}

/// Of the private scheme for what no public one has.
const fn own(value: &'static str, meaning: &'static str) -> Code {
    code(value, OWN_SCHEME, meaning)
}

const fn ucum(value: &'static str) -> Code {
    code(value, "UCUM", value)
}

/// Designator of the private scheme.
pub(super) const OWN_SCHEME: &str = "99VSV";

pub(super) const REPORT: Code = dcm("126000", "Imaging Measurement Report");
pub(super) const LANGUAGE: Code = dcm("121049", "Language of Content Item and Descendants");
pub(super) const ENGLISH: Code = code("en", "RFC5646", "English");
pub(super) const OBSERVER_TYPE: Code = dcm("121005", "Observer Type");
pub(super) const PERSON: Code = dcm("121006", "Person");
pub(super) const DEVICE: Code = dcm("121007", "Device");
pub(super) const PERSON_NAME: Code = dcm("121008", "Person Observer Name");
pub(super) const DEVICE_UID: Code = dcm("121012", "Device Observer UID");
pub(super) const DEVICE_NAME: Code = dcm("121013", "Device Observer Name");
pub(super) const DEVICE_MAKER: Code = dcm("121014", "Device Observer Manufacturer");
pub(super) const DEVICE_MODEL: Code = dcm("121015", "Device Observer Model Name");
pub(super) const DEVICE_SERIAL: Code = dcm("121016", "Device Observer Serial Number");
pub(super) const PROCEDURE: Code = dcm("121058", "Procedure reported");
pub(super) const MRI: Code = code("25056-3", "LN", "MRI Report");
pub(super) const IMAGE_LIBRARY: Code = dcm("111028", "Image Library");
pub(super) const IMAGE_GROUP: Code = dcm("126200", "Image Library Group");
pub(super) const MEASUREMENTS: Code = dcm("126010", "Imaging Measurements");
pub(super) const GROUP: Code = dcm("125007", "Measurement Group");
pub(super) const TRACKING_ID: Code = dcm("112039", "Tracking Identifier");
pub(super) const TRACKING_UID: Code = dcm("112040", "Tracking Unique Identifier");
pub(super) const FINDING: Code = dcm("121071", "Finding");
pub(super) const FINDING_SITE: Code = sct("363698007", "Finding Site");
pub(super) const LATERALITY: Code = sct("272741003", "Laterality");
pub(super) const SEGMENT: Code = dcm("121191", "Referenced Segment");
pub(super) const SOURCE_SERIES: Code = dcm("121232", "Source series for segmentation");
pub(super) const SOURCE_OF_MEASUREMENT: Code = dcm("121112", "Source of Measurement");
pub(super) const METHOD: Code = sct("370129005", "Measurement Method");
pub(super) const VOXEL_SUM: Code = dcm("126030", "Sum of segmented voxel method for volume");
pub(super) const ALGORITHM_NAME: Code = dcm("111001", "Algorithm Name");
pub(super) const ALGORITHM_VERSION: Code = dcm("111003", "Algorithm Version");
pub(super) const COMMENT: Code = dcm("121106", "Comment");

pub(super) const MM: Code = ucum("mm");
pub(super) const MM2: Code = ucum("mm2");
pub(super) const MM3: Code = ucum("mm3");
pub(super) const PERCENT: Code = ucum("%");
pub(super) const YEARS: Code = ucum("a");
pub(super) const PERCENT_PER_YEAR: Code = ucum("%/a");
pub(super) const PER_YEAR: Code = ucum("/a");
pub(super) const NO_UNIT: Code = code("1", "UCUM", "no units");

pub(super) const VOLUME: Code = sct("118565006", "Volume");
pub(super) const VOLUME_LOW: Code = own("VOL_CI95_LOW", "Volume, lower limit of 95 % interval");
pub(super) const VOLUME_HIGH: Code = own("VOL_CI95_HIGH", "Volume, upper limit of 95 % interval");
pub(super) const SURFACE: Code = code("C0JK", "IBSI", "Surface Area of Mesh");
pub(super) const INTRAMEATAL_VOLUME: Code = own("VOL_INTRAMEATAL", "Intrameatal volume");
pub(super) const EXTRAMEATAL_VOLUME: Code = own("VOL_EXTRAMEATAL", "Extrameatal volume");
pub(super) const PORUS_AREA: Code = own("PORUS_AREA", "Area of the section by the porus plane");
pub(super) const PROTRUSION: Code = own("PROTRUSION", "Protrusion beyond the porus plane");
pub(super) const BRAINSTEM_GAP: Code = own("BRAINSTEM_GAP", "Distance of tumour from brainstem");
pub(super) const CONTACT_AREA: Code = own("CONTACT_AREA", "Contact area with brainstem");
pub(super) const BRAINSTEM_SHIFT: Code = own("BRAINSTEM_SHIFT", "Brainstem shift off the midline");
pub(super) const VENTRICLE_SHIFT: Code =
    own("VENTRICLE_SHIFT", "Fourth ventricle shift off the midline");

pub(super) const KOOS: Code = own("KOOS", "Koos grade");
pub(super) const KOOS_RULES: Code = own("KOOS_RULES", "Rule set of the Koos grade");
pub(super) const KOOS_WITHHELD: Code = own("KOOS_WITHHELD", "Koos grade withheld");
pub(super) const NO_TUMOUR: Code = own("NO_TUMOUR", "No vestibular schwannoma in the outline");

/// Probabilities of the grades, from I to IV.
pub(super) const KOOS_PROBABILITIES: [Code; 4] = [
    own("KOOS_P1", "Probability of Koos grade I"),
    own("KOOS_P2", "Probability of Koos grade II"),
    own("KOOS_P3", "Probability of Koos grade III"),
    own("KOOS_P4", "Probability of Koos grade IV"),
];

pub(super) const TIME_POINT: Code = code("C2348792", "UMLS", "Time Point");
pub(super) const INTERVAL: Code = own("INTERVAL", "Interval between visits");
pub(super) const VOLUME_CHANGE: Code = own("VOL_CHANGE", "Volume change");
pub(super) const VOLUME_CHANGE_PERCENT: Code = own("VOL_CHANGE_PCT", "Relative volume change");
pub(super) const DETECTABLE_INCREASE: Code = own("DETECTABLE_UP", "Smallest detectable increase");
pub(super) const DETECTABLE_DECREASE: Code = own("DETECTABLE_DOWN", "Smallest detectable decrease");
pub(super) const ANNUAL_GROWTH: Code = own("ANNUAL_GROWTH", "Annual growth of volume");
pub(super) const GROWTH_RATE: Code = own("SGR", "Specific growth rate");
pub(super) const GROWTH_RATE_LOW: Code = own(
    "SGR_CI95_LOW",
    "Specific growth rate, lower limit of 95 % interval",
);
pub(super) const GROWTH_RATE_HIGH: Code = own(
    "SGR_CI95_HIGH",
    "Specific growth rate, upper limit of 95 % interval",
);
pub(super) const DOUBLING_TIME: Code = own("VDT", "Volume doubling time");
pub(super) const DIAMETER_CHANGE: Code = own("DIAMETER_CHANGE", "Change of diameter");
pub(super) const VERDICT: Code = own("VERDICT", "Verdict on growth");

/// A grade.
pub(super) fn koos_code(grade: KoosGrade) -> Code {
    match grade {
        KoosGrade::I => own("KOOS_I", "Koos grade I"),
        KoosGrade::II => own("KOOS_II", "Koos grade II"),
        KoosGrade::III => own("KOOS_III", "Koos grade III"),
        KoosGrade::IV => own("KOOS_IV", "Koos grade IV"),
    }
}

/// A length.
pub(super) fn diameter_code(rule: DiameterRule) -> Code {
    match rule {
        DiameterRule::WholeAxial => sct("103339001", "Long Axis"),
        DiameterRule::Max3d => code("L0JK", "IBSI", "Maximum 3D Diameter of a Mesh"),
        DiameterRule::ExtrameatalMax => own("EXT_MAX", "Largest extrameatal diameter, axial"),
        DiameterRule::ExtrameatalParallel => own(
            "EXT_PARALLEL",
            "Extrameatal extent parallel to the petrous face",
        ),
        DiameterRule::ExtrameatalPerpendicular => own(
            "EXT_PERPEND",
            "Extrameatal extent perpendicular to the petrous face",
        ),
        DiameterRule::Craniocaudal => own("CRANIOCAUDAL", "Craniocaudal extent"),
        DiameterRule::CanalLength => own("CANAL_LENGTH", "Length within the auditory canal"),
        DiameterRule::FundalCap => own("FUNDAL_CAP", "Fundal cap"),
    }
}
