//! Table E.1-1 of PS3.15 as data: what is done to which attribute.
//!
//! Edition 2026c for the basic profile and the attributes; 2025b for the columns of the options. Checked against two other programs' tables
//! in `tests/golden/dicom_anonymise`. Private attributes, curves and overlays (odd groups, 50xx, 60xx) are not rows but rules.
use super::profile::Basic::{self, D, U, X, XD, XZ, XZD, XZU, Z, ZD};

/// Tag, action of the basic profile, and the options that change it: `T` dates are shifted, `V` devices are kept, `P` characteristics are
/// kept, `p` characteristics are cleaned, `S` descriptors are cleaned. In the order of tags.
#[rustfmt::skip]
pub(super) const TABLE: &[(u32, Basic, &str)] = &[
    (0x0000_1000, X, ""), // Affected SOP Instance UID
    (0x0000_1001, U, ""), // Requested SOP Instance UID
    (0x0002_0003, U, ""), // Media Storage SOP Instance UID
    (0x0004_1511, U, ""), // Referenced SOP Instance UID in File
    (0x0008_0012, XD, "T"), // Instance Creation Date
    (0x0008_0013, XZD, "T"), // Instance Creation Time
    (0x0008_0014, U, ""), // Instance Creator UID
    (0x0008_0015, X, "T"), // Instance Coercion DateTime
    (0x0008_0017, U, ""), // Acquisition UID
    (0x0008_0018, U, ""), // SOP Instance UID
    (0x0008_0019, U, ""), // Pyramid UID
    (0x0008_0020, Z, "T"), // Study Date
    (0x0008_0021, XD, "T"), // Series Date
    (0x0008_0022, XZ, "T"), // Acquisition Date
    (0x0008_0023, ZD, "T"), // Content Date
    (0x0008_0024, X, "T"), // Overlay Date
    (0x0008_0025, X, "T"), // Curve Date
    (0x0008_002a, XZD, "T"), // Acquisition DateTime
    (0x0008_0030, Z, "T"), // Study Time
    (0x0008_0031, XD, "T"), // Series Time
    (0x0008_0032, XZ, "T"), // Acquisition Time
    (0x0008_0033, ZD, "T"), // Content Time
    (0x0008_0034, X, "T"), // Overlay Time
    (0x0008_0035, X, "T"), // Curve Time
    (0x0008_0050, Z, ""), // Accession Number
    (0x0008_0054, X, "V"), // Retrieve AE Title
    (0x0008_0055, X, "V"), // Station AE Title
    (0x0008_0058, U, ""), // Failed SOP Instance UID List
    (0x0008_0080, XZD, ""), // Institution Name
    (0x0008_0081, X, ""), // Institution Address
    (0x0008_0082, XZD, ""), // Institution Code Sequence
    (0x0008_0090, Z, ""), // Referring Physician's Name
    (0x0008_0092, X, ""), // Referring Physician's Address
    (0x0008_0094, X, ""), // Referring Physician's Telephone Numbers
    (0x0008_0096, X, ""), // Referring Physician Identification Sequence
    (0x0008_009c, Z, ""), // Consulting Physician's Name
    (0x0008_009d, X, ""), // Consulting Physician Identification Sequence
    (0x0008_0106, D, "T"), // Context Group Version
    (0x0008_0107, D, "T"), // Context Group Local Version
    (0x0008_0201, X, ""), // Timezone Offset From UTC
    (0x0008_1000, X, "V"), // Network ID
    (0x0008_1010, XZD, "V"), // Station Name
    (0x0008_1030, X, "S"), // Study Description
    (0x0008_103e, X, "S"), // Series Description
    (0x0008_1040, X, ""), // Institutional Department Name
    (0x0008_1041, X, ""), // Institutional Department Type Code Sequence
    (0x0008_1048, X, ""), // Physician(s) of Record
    (0x0008_1049, X, ""), // Physician(s) of Record Identification Sequence
    (0x0008_1050, X, ""), // Performing Physician's Name
    (0x0008_1052, X, ""), // Performing Physician Identification Sequence
    (0x0008_1060, X, ""), // Name of Physician(s) Reading Study
    (0x0008_1062, X, ""), // Physician(s) Reading Study Identification Sequence
    (0x0008_1070, XZD, ""), // Operators' Name
    (0x0008_1072, XD, ""), // Operator Identification Sequence
    (0x0008_1080, X, "S"), // Admitting Diagnoses Description
    (0x0008_1084, X, "S"), // Admitting Diagnoses Code Sequence
    (0x0008_1088, X, "S"), // Pyramid Description
    (0x0008_1110, XZ, ""), // Referenced Study Sequence
    (0x0008_1111, XZD, ""), // Referenced Performed Procedure Step Sequence
    (0x0008_1120, X, ""), // Referenced Patient Sequence
    (0x0008_1140, XZU, ""), // Referenced Image Sequence
    (0x0008_1155, U, ""), // Referenced SOP Instance UID
    (0x0008_1195, U, ""), // Transaction UID
    (0x0008_1301, X, "S"), // Principal Diagnosis Code Sequence
    (0x0008_1302, X, "S"), // Primary Diagnosis Code Sequence
    (0x0008_1303, X, "S"), // Secondary Diagnoses Code Sequence
    (0x0008_1304, X, "S"), // Histological Diagnoses Code Sequence
    (0x0008_2111, X, "S"), // Derivation Description
    (0x0008_2112, XZU, ""), // Source Image Sequence
    (0x0008_3010, U, ""), // Irradiation Event UID
    (0x0008_4000, X, "S"), // Identifying Comments
    (0x0010_0010, Z, ""), // Patient's Name
    (0x0010_0011, X, ""), // Person Names to Use Sequence
    (0x0010_0012, X, ""), // Name to Use
    (0x0010_0013, X, ""), // Name to Use Comment
    (0x0010_0014, X, ""), // Third Person Pronouns Sequence
    (0x0010_0015, X, ""), // Pronoun Code Sequence
    (0x0010_0016, X, "S"), // Pronoun Comment
    (0x0010_0020, ZD, ""), // Patient ID
    (0x0010_0021, X, ""), // Issuer of Patient ID
    (0x0010_0030, Z, ""), // Patient's Birth Date
    (0x0010_0032, X, ""), // Patient's Birth Time
    (0x0010_0040, Z, "P"), // Patient's Sex
    (0x0010_0041, X, ""), // Gender Identity Sequence
    (0x0010_0042, X, "pS"), // Sex Parameters for Clinical Use Category Comment
    (0x0010_0043, X, "P"), // Sex Parameters for Clinical Use Category Sequence
    (0x0010_0044, X, ""), // Gender Identity Code Sequence
    (0x0010_0045, X, "S"), // Gender Identity Comment
    (0x0010_0046, X, "P"), // Sex Parameters for Clinical Use Category Code Sequence
    (0x0010_0047, X, "P"), // Sex Parameters for Clinical Use Category Reference
    (0x0010_0050, X, ""), // Patient's Insurance Plan Code Sequence
    (0x0010_0101, X, ""), // Patient's Primary Language Code Sequence
    (0x0010_0102, X, ""), // Patient's Primary Language Modifier Code Sequence
    (0x0010_1000, X, ""), // Other Patient IDs
    (0x0010_1001, X, ""), // Other Patient Names
    (0x0010_1002, X, ""), // Other Patient IDs Sequence
    (0x0010_1005, X, ""), // Patient's Birth Name
    (0x0010_1010, X, "P"), // Patient's Age
    (0x0010_1020, X, "P"), // Patient's Size
    (0x0010_1030, X, "P"), // Patient's Weight
    (0x0010_1040, X, ""), // Patient's Address
    (0x0010_1050, X, ""), // Insurance Plan Identification
    (0x0010_1060, X, ""), // Patient's Mother's Birth Name
    (0x0010_1080, X, ""), // Military Rank
    (0x0010_1081, X, ""), // Branch of Service
    (0x0010_1090, X, ""), // Medical Record Locator
    (0x0010_1100, X, ""), // Referenced Patient Photo Sequence
    (0x0010_2000, X, "S"), // Medical Alerts
    (0x0010_2110, X, "pS"), // Allergies
    (0x0010_2150, X, ""), // Country of Residence
    (0x0010_2152, X, ""), // Region of Residence
    (0x0010_2154, X, ""), // Patient's Telephone Numbers
    (0x0010_2155, X, ""), // Patient's Telecom Information
    (0x0010_2160, X, "P"), // Ethnic Group
    (0x0010_2161, X, "P"), // Ethnic Group Code Sequence
    (0x0010_2162, X, "P"), // Ethnic Groups
    (0x0010_2180, X, "S"), // Occupation
    (0x0010_21a0, X, "P"), // Smoking Status
    (0x0010_21b0, X, "S"), // Additional Patient History
    (0x0010_21c0, X, "P"), // Pregnancy Status
    (0x0010_21d0, X, "T"), // Last Menstrual Date
    (0x0010_21f0, X, ""), // Patient's Religious Preference
    (0x0010_2203, XZ, "P"), // Patient's Sex Neutered
    (0x0010_2297, X, ""), // Responsible Person
    (0x0010_2299, X, ""), // Responsible Organization
    (0x0010_4000, X, "S"), // Patient Comments
    (0x0012_0010, D, ""), // Clinical Trial Sponsor Name
    (0x0012_0020, D, ""), // Clinical Trial Protocol ID
    (0x0012_0021, Z, ""), // Clinical Trial Protocol Name
    (0x0012_0022, X, ""), // Issuer of Clinical Trial Protocol ID
    (0x0012_0023, X, ""), // Other Clinical Trial Protocol IDs Sequence
    (0x0012_0030, Z, ""), // Clinical Trial Site ID
    (0x0012_0031, Z, ""), // Clinical Trial Site Name
    (0x0012_0032, X, ""), // Issuer of Clinical Trial Site ID
    (0x0012_0040, D, ""), // Clinical Trial Subject ID
    (0x0012_0041, X, ""), // Issuer of Clinical Trial Subject ID
    (0x0012_0042, D, ""), // Clinical Trial Subject Reading ID
    (0x0012_0043, X, ""), // Issuer of Clinical Trial Subject Reading ID
    (0x0012_0050, Z, ""), // Clinical Trial Time Point ID
    (0x0012_0051, X, "S"), // Clinical Trial Time Point Description
    (0x0012_0055, X, ""), // Issuer of Clinical Trial Time Point ID
    (0x0012_0060, Z, ""), // Clinical Trial Coordinating Center Name
    (0x0012_0071, X, ""), // Clinical Trial Series ID
    (0x0012_0072, X, "S"), // Clinical Trial Series Description
    (0x0012_0073, X, ""), // Issuer of Clinical Trial Series ID
    (0x0012_0081, D, ""), // Clinical Trial Protocol Ethics Committee Name
    (0x0012_0082, X, ""), // Clinical Trial Protocol Ethics Committee Approval Number
    (0x0012_0086, X, "T"), // Ethics Committee Approval Effectiveness Start Date
    (0x0012_0087, X, "T"), // Ethics Committee Approval Effectiveness End Date
    (0x0014_407c, X, "TV"), // Calibration Time
    (0x0014_407e, X, "TV"), // Calibration Date
    (0x0016_002b, X, "S"), // Maker Note
    (0x0016_004b, X, "S"), // Device Setting Description
    (0x0016_004d, X, ""), // Camera Owner Name
    (0x0016_004e, X, "V"), // Lens Specification
    (0x0016_004f, X, "V"), // Lens Make
    (0x0016_0050, X, "V"), // Lens Model
    (0x0016_0051, X, "V"), // Lens Serial Number
    (0x0016_0070, X, ""), // GPS Version ID
    (0x0016_0071, X, ""), // GPS Latitude Ref
    (0x0016_0072, X, ""), // GPS Latitude
    (0x0016_0073, X, ""), // GPS Longitude Ref
    (0x0016_0074, X, ""), // GPS Longitude
    (0x0016_0075, X, ""), // GPS Altitude Ref
    (0x0016_0076, X, ""), // GPS Altitude
    (0x0016_0077, X, ""), // GPS Time Stamp
    (0x0016_0078, X, ""), // GPS Satellites
    (0x0016_0079, X, ""), // GPS Status
    (0x0016_007a, X, ""), // GPS Measure Mode
    (0x0016_007b, X, ""), // GPS DOP
    (0x0016_007c, X, ""), // GPS Speed Ref
    (0x0016_007d, X, ""), // GPS Speed
    (0x0016_007e, X, ""), // GPS Track Ref
    (0x0016_007f, X, ""), // GPS Track
    (0x0016_0080, X, ""), // GPS Img Direction Ref
    (0x0016_0081, X, ""), // GPS Img Direction
    (0x0016_0082, X, ""), // GPS Map Datum
    (0x0016_0083, X, ""), // GPS Dest Latitude Ref
    (0x0016_0084, X, ""), // GPS Dest Latitude
    (0x0016_0085, X, ""), // GPS Dest Longitude Ref
    (0x0016_0086, X, ""), // GPS Dest Longitude
    (0x0016_0087, X, ""), // GPS Dest Bearing Ref
    (0x0016_0088, X, ""), // GPS Dest Bearing
    (0x0016_0089, X, ""), // GPS Dest Distance Ref
    (0x0016_008a, X, ""), // GPS Dest Distance
    (0x0016_008b, X, ""), // GPS Processing Method
    (0x0016_008c, X, ""), // GPS Area Information
    (0x0016_008d, X, "T"), // GPS Date Stamp
    (0x0016_008e, X, ""), // GPS Differential
    (0x0018_0010, ZD, "S"), // Contrast/Bolus Agent
    (0x0018_0027, X, "T"), // Intervention Drug Stop Time
    (0x0018_0035, X, "T"), // Intervention Drug Start Time
    (0x0018_1000, XZD, "V"), // Device Serial Number
    (0x0018_1002, U, "V"), // Device UID
    (0x0018_1004, X, "V"), // Plate ID
    (0x0018_1005, X, "V"), // Generator ID
    (0x0018_1007, X, "V"), // Cassette ID
    (0x0018_1008, X, "V"), // Gantry ID
    (0x0018_1009, X, "V"), // Unique Device Identifier
    (0x0018_100a, X, "V"), // UDI Sequence
    (0x0018_100b, U, "V"), // Manufacturer's Device Class UID
    (0x0018_1010, X, "V"), // Secondary Capture Device ID
    (0x0018_1011, X, "V"), // Hardcopy Creation Device ID
    (0x0018_1012, X, "T"), // Date of Secondary Capture
    (0x0018_1014, X, "T"), // Time of Secondary Capture
    (0x0018_1030, XD, "S"), // Protocol Name
    (0x0018_1042, X, "T"), // Contrast/Bolus Start Time
    (0x0018_1043, X, "T"), // Contrast/Bolus Stop Time
    (0x0018_1072, X, "T"), // Radiopharmaceutical Start Time
    (0x0018_1073, X, "T"), // Radiopharmaceutical Stop Time
    (0x0018_1078, X, "T"), // Radiopharmaceutical Start DateTime
    (0x0018_1079, X, "T"), // Radiopharmaceutical Stop DateTime
    (0x0018_11bb, D, "S"), // Acquisition Field Of View Label
    (0x0018_1200, X, "TV"), // Date of Last Calibration
    (0x0018_1201, X, "TV"), // Time of Last Calibration
    (0x0018_1202, X, "TV"), // DateTime of Last Calibration
    (0x0018_1203, Z, "TV"), // Calibration DateTime
    (0x0018_1204, X, "TV"), // Date of Manufacture
    (0x0018_1205, X, "TV"), // Date of Installation
    (0x0018_1400, XD, "S"), // Acquisition Device Processing Description
    (0x0018_2042, U, ""), // Target UID
    (0x0018_4000, X, "S"), // Acquisition Comments
    (0x0018_5011, X, "V"), // Transducer Identification Sequence
    (0x0018_700a, XD, "V"), // Detector ID
    (0x0018_700c, XD, "TV"), // Date of Last Detector Calibration
    (0x0018_700e, XD, "TV"), // Time of Last Detector Calibration
    (0x0018_9074, D, "T"), // Frame Acquisition DateTime
    (0x0018_9151, D, "T"), // Frame Reference DateTime
    (0x0018_9185, X, "S"), // Respiratory Motion Compensation Technique Description
    (0x0018_9367, D, "V"), // X-Ray Source ID
    (0x0018_9369, D, "T"), // Source Start DateTime
    (0x0018_936a, D, "T"), // Source End DateTime
    (0x0018_9371, D, "V"), // X-Ray Detector ID
    (0x0018_9373, X, "V"), // X-Ray Detector Label
    (0x0018_937b, X, "S"), // Multi-energy Acquisition Description
    (0x0018_937f, X, "S"), // Decomposition Description
    (0x0018_9424, X, "S"), // Acquisition Protocol Description
    (0x0018_9516, XD, "T"), // Start Acquisition DateTime
    (0x0018_9517, XD, "T"), // End Acquisition DateTime
    (0x0018_9623, D, "T"), // Functional Sync Pulse
    (0x0018_9701, D, "T"), // Decay Correction DateTime
    (0x0018_9804, D, "T"), // Exclusion Start DateTime
    (0x0018_9919, ZD, "T"), // Instruction Performed DateTime
    (0x0018_9937, X, "S"), // Requested Series Description
    (0x0018_a002, X, "T"), // Contribution DateTime
    (0x0018_a003, X, "S"), // Contribution Description
    (0x0020_000d, U, ""), // Study Instance UID
    (0x0020_000e, U, ""), // Series Instance UID
    (0x0020_0010, Z, ""), // Study ID
    (0x0020_0027, X, "S"), // Pyramid Label
    (0x0020_0052, U, ""), // Frame of Reference UID
    (0x0020_0200, U, ""), // Synchronization Frame of Reference UID
    (0x0020_3401, X, "V"), // Modifying Device ID
    (0x0020_3403, X, "T"), // Modified Image Date
    (0x0020_3405, X, "T"), // Modified Image Time
    (0x0020_3406, X, ""), // Modified Image Description
    (0x0020_4000, X, "S"), // Image Comments
    (0x0020_9158, X, "S"), // Frame Comments
    (0x0020_9161, U, ""), // Concatenation UID
    (0x0020_9164, U, ""), // Dimension Organization UID
    (0x0028_1199, U, ""), // Palette Color Lookup Table UID
    (0x0028_1214, U, ""), // Large Palette Color Lookup Table UID
    (0x0028_4000, X, ""), // Image Presentation Comments
    (0x0032_0012, X, ""), // Study ID Issuer
    (0x0032_0032, X, "T"), // Study Verified Date
    (0x0032_0033, X, "T"), // Study Verified Time
    (0x0032_0034, X, "T"), // Study Read Date
    (0x0032_0035, X, "T"), // Study Read Time
    (0x0032_1000, X, "T"), // Scheduled Study Start Date
    (0x0032_1001, X, "T"), // Scheduled Study Start Time
    (0x0032_1010, X, "T"), // Scheduled Study Stop Date
    (0x0032_1011, X, "T"), // Scheduled Study Stop Time
    (0x0032_1020, X, "V"), // Scheduled Study Location
    (0x0032_1021, X, "V"), // Scheduled Study Location AE Title
    (0x0032_1030, X, "S"), // Reason for Study
    (0x0032_1032, X, ""), // Requesting Physician
    (0x0032_1033, X, "S"), // Requesting Service
    (0x0032_1040, X, "T"), // Study Arrival Date
    (0x0032_1041, X, "T"), // Study Arrival Time
    (0x0032_1050, X, "T"), // Study Completion Date
    (0x0032_1051, X, "T"), // Study Completion Time
    (0x0032_1060, XZ, "S"), // Requested Procedure Description
    (0x0032_1066, X, "S"), // Reason for Visit
    (0x0032_1067, X, "S"), // Reason for Visit Code Sequence
    (0x0032_1070, X, "S"), // Requested Contrast Agent
    (0x0032_4000, X, "S"), // Study Comments
    (0x0034_0001, D, ""), // Flow Identifier Sequence
    (0x0034_0002, D, ""), // Flow Identifier
    (0x0034_0005, D, ""), // Source Identifier
    (0x0034_0007, D, ""), // Frame Origin Timestamp
    (0x0038_0004, X, ""), // Referenced Patient Alias Sequence
    (0x0038_0010, X, ""), // Admission ID
    (0x0038_0011, X, ""), // Issuer of Admission ID
    (0x0038_0014, X, ""), // Issuer of Admission ID Sequence
    (0x0038_001a, X, "T"), // Scheduled Admission Date
    (0x0038_001b, X, "T"), // Scheduled Admission Time
    (0x0038_001c, X, "T"), // Scheduled Discharge Date
    (0x0038_001d, X, "T"), // Scheduled Discharge Time
    (0x0038_001e, X, ""), // Scheduled Patient Institution Residence
    (0x0038_0020, X, "T"), // Admitting Date
    (0x0038_0021, X, "T"), // Admitting Time
    (0x0038_0030, X, "T"), // Discharge Date
    (0x0038_0032, X, "T"), // Discharge Time
    (0x0038_0040, X, "S"), // Discharge Diagnosis Description
    (0x0038_0050, X, "p"), // Special Needs
    (0x0038_0060, X, ""), // Service Episode ID
    (0x0038_0061, X, ""), // Issuer of Service Episode ID
    (0x0038_0062, X, "S"), // Service Episode Description
    (0x0038_0064, X, ""), // Issuer of Service Episode ID Sequence
    (0x0038_0300, X, ""), // Current Patient Location
    (0x0038_0400, X, ""), // Patient's Institution Residence
    (0x0038_0500, X, "pS"), // Patient State
    (0x0038_4000, X, "S"), // Visit Comments
    (0x003a_0020, X, "S"), // Multiplex Group Label
    (0x003a_0203, X, "S"), // Channel Label
    (0x003a_020c, X, "S"), // Channel Derivation Description
    (0x003a_0310, U, ""), // Multiplex Group UID
    (0x003a_0314, D, "T"), // Impedance Measurement DateTime
    (0x003a_0329, X, "S"), // Waveform Filter Description
    (0x003a_032b, X, "S"), // Filter Lookup Table Description
    (0x0040_0001, X, "V"), // Scheduled Station AE Title
    (0x0040_0002, X, "T"), // Scheduled Procedure Step Start Date
    (0x0040_0003, X, "T"), // Scheduled Procedure Step Start Time
    (0x0040_0004, X, "T"), // Scheduled Procedure Step End Date
    (0x0040_0005, X, "T"), // Scheduled Procedure Step End Time
    (0x0040_0006, X, ""), // Scheduled Performing Physician's Name
    (0x0040_0007, X, "S"), // Scheduled Procedure Step Description
    (0x0040_0009, X, ""), // Scheduled Procedure Step ID
    (0x0040_000b, X, ""), // Scheduled Performing Physician Identification Sequence
    (0x0040_0010, X, "V"), // Scheduled Station Name
    (0x0040_0011, X, "V"), // Scheduled Procedure Step Location
    (0x0040_0012, X, "p"), // Pre-Medication
    (0x0040_0241, X, "V"), // Performed Station AE Title
    (0x0040_0242, X, "V"), // Performed Station Name
    (0x0040_0243, X, ""), // Performed Location
    (0x0040_0244, X, "T"), // Performed Procedure Step Start Date
    (0x0040_0245, X, "T"), // Performed Procedure Step Start Time
    (0x0040_0250, X, "T"), // Performed Procedure Step End Date
    (0x0040_0251, X, "T"), // Performed Procedure Step End Time
    (0x0040_0253, X, ""), // Performed Procedure Step ID
    (0x0040_0254, X, "S"), // Performed Procedure Step Description
    (0x0040_0275, X, "S"), // Request Attributes Sequence
    (0x0040_0280, X, "S"), // Comments on the Performed Procedure Step
    (0x0040_0310, X, "S"), // Comments on Radiation Dose
    (0x0040_050a, X, ""), // Specimen Accession Number
    (0x0040_0512, D, ""), // Container Identifier
    (0x0040_0513, Z, ""), // Issuer of the Container Identifier Sequence
    (0x0040_051a, X, "S"), // Container Description
    (0x0040_0551, D, ""), // Specimen Identifier
    (0x0040_0554, U, ""), // Specimen UID
    (0x0040_0555, XZ, ""), // Acquisition Context Sequence
    (0x0040_0556, X, "S"), // Acquisition Context Description
    (0x0040_0562, Z, ""), // Issuer of the Specimen Identifier Sequence
    (0x0040_0600, X, "S"), // Specimen Short Description
    (0x0040_0602, X, "S"), // Specimen Detailed Description
    (0x0040_0610, Z, ""), // Specimen Preparation Sequence
    (0x0040_06fa, X, ""), // Slide Identifier
    (0x0040_1001, X, ""), // Requested Procedure ID
    (0x0040_1002, X, "S"), // Reason for the Requested Procedure
    (0x0040_1004, X, ""), // Patient Transport Arrangements
    (0x0040_1005, X, ""), // Requested Procedure Location
    (0x0040_100a, X, "S"), // Reason for Requested Procedure Code Sequence
    (0x0040_1010, X, ""), // Names of Intended Recipients of Results
    (0x0040_1011, X, ""), // Intended Recipients of Results Identification Sequence
    (0x0040_1101, D, ""), // Person Identification Code Sequence
    (0x0040_1102, X, ""), // Person's Address
    (0x0040_1103, X, ""), // Person's Telephone Numbers
    (0x0040_1104, X, ""), // Person's Telecom Information
    (0x0040_1400, X, "S"), // Requested Procedure Comments
    (0x0040_2001, X, "S"), // Reason for the Imaging Service Request
    (0x0040_2004, X, "T"), // Issue Date of Imaging Service Request
    (0x0040_2005, X, "T"), // Issue Time of Imaging Service Request
    (0x0040_2008, X, ""), // Order Entered By
    (0x0040_2009, X, ""), // Order Enterer's Location
    (0x0040_2010, X, ""), // Order Callback Phone Number
    (0x0040_2011, X, ""), // Order Callback Telecom Information
    (0x0040_2016, Z, ""), // Placer Order Number / Imaging Service Request
    (0x0040_2017, Z, ""), // Filler Order Number / Imaging Service Request
    (0x0040_2400, X, "S"), // Imaging Service Request Comments
    (0x0040_3001, X, ""), // Confidentiality Constraint on Patient Data Description
    (0x0040_4005, X, "T"), // Scheduled Procedure Step Start DateTime
    (0x0040_4008, X, "T"), // Scheduled Procedure Step Expiration DateTime
    (0x0040_4010, X, "T"), // Scheduled Procedure Step Modification DateTime
    (0x0040_4011, X, "T"), // Expected Completion DateTime
    (0x0040_4023, U, ""), // Referenced General Purpose Scheduled Procedure Step Transaction UID
    (0x0040_4025, X, "V"), // Scheduled Station Name Code Sequence
    (0x0040_4027, X, "V"), // Scheduled Station Geographic Location Code Sequence
    (0x0040_4028, X, "V"), // Performed Station Name Code Sequence
    (0x0040_4030, X, "V"), // Performed Station Geographic Location Code Sequence
    (0x0040_4034, X, ""), // Scheduled Human Performers Sequence
    (0x0040_4035, X, ""), // Actual Human Performers Sequence
    (0x0040_4036, X, ""), // Human Performer's Organization
    (0x0040_4037, X, ""), // Human Performer's Name
    (0x0040_4050, X, "T"), // Performed Procedure Step Start DateTime
    (0x0040_4051, X, "T"), // Performed Procedure Step End DateTime
    (0x0040_4052, X, "T"), // Procedure Step Cancellation DateTime
    (0x0040_a023, X, "T"), // Findings Group Recording Date (Trial)
    (0x0040_a024, X, "T"), // Findings Group Recording Time (Trial)
    (0x0040_a027, D, ""), // Verifying Organization
    (0x0040_a030, D, "T"), // Verification DateTime
    (0x0040_a032, XD, "T"), // Observation DateTime
    (0x0040_a033, X, "T"), // Observation Start DateTime
    (0x0040_a034, X, "T"), // Effective Start DateTime
    (0x0040_a035, X, "T"), // Effective Stop DateTime
    (0x0040_a073, D, ""), // Verifying Observer Sequence
    (0x0040_a075, D, ""), // Verifying Observer Name
    (0x0040_a078, X, ""), // Author Observer Sequence
    (0x0040_a07a, X, ""), // Participant Sequence
    (0x0040_a07c, X, ""), // Custodial Organization Sequence
    (0x0040_a082, Z, "T"), // Participation DateTime
    (0x0040_a088, Z, ""), // Verifying Observer Identification Code Sequence
    (0x0040_a110, X, "T"), // Date of Document or Verbal Transaction (Trial)
    (0x0040_a112, X, "T"), // Time of Document Creation or Verbal Transaction (Trial)
    (0x0040_a120, D, "T"), // DateTime
    (0x0040_a121, D, "T"), // Date
    (0x0040_a122, D, "T"), // Time
    (0x0040_a123, D, ""), // Person Name
    (0x0040_a124, U, ""), // UID
    (0x0040_a13a, D, "T"), // Referenced DateTime
    (0x0040_a171, U, ""), // Observation UID
    (0x0040_a172, U, ""), // Referenced Observation UID (Trial)
    (0x0040_a192, X, "T"), // Observation Date (Trial)
    (0x0040_a193, X, "T"), // Observation Time (Trial)
    (0x0040_a307, X, ""), // Current Observer (Trial)
    (0x0040_a352, X, ""), // Verbal Source (Trial)
    (0x0040_a353, X, ""), // Address (Trial)
    (0x0040_a354, X, ""), // Telephone Number (Trial)
    (0x0040_a358, X, ""), // Verbal Source Identifier Code Sequence (Trial)
    (0x0040_a402, U, ""), // Observation Subject UID (Trial)
    (0x0040_a730, D, ""), // Content Sequence
    (0x0040_b020, XD, ""), // Waveform Annotation Sequence
    (0x0040_b034, X, "T"), // Annotation DateTime
    (0x0040_b036, X, "T"), // Segment Definition DateTime
    (0x0040_b03b, X, "S"), // Montage Name
    (0x0040_b03f, X, "S"), // Montage Channel Label
    (0x0040_db06, X, "T"), // Template Version
    (0x0040_db07, X, "T"), // Template Local Version
    (0x0040_db0c, U, ""), // Template Extension Organization UID
    (0x0040_db0d, U, ""), // Template Extension Creator UID
    (0x0040_e004, X, "T"), // HL7 Document Effective Time
    (0x0040_e012, X, ""), // Display URI
    (0x0042_0011, D, ""), // Encapsulated Document
    (0x0044_0004, X, "T"), // Approval Status DateTime
    (0x0044_000b, X, "T"), // Product Expiration DateTime
    (0x0044_0010, X, "T"), // Substance Administration DateTime
    (0x0044_0104, D, "T"), // Assertion DateTime
    (0x0044_0105, X, "T"), // Assertion Expiration DateTime
    (0x0050_001b, X, ""), // Container Component ID
    (0x0050_0020, X, "V"), // Device Description
    (0x0050_0021, X, "S"), // Long Device Description
    (0x0062_0021, U, ""), // Tracking UID
    (0x0064_0003, U, ""), // Source Frame of Reference UID
    (0x0068_6226, D, "T"), // Effective DateTime
    (0x0068_6270, D, "T"), // Information Issue DateTime
    (0x006a_0003, D, ""), // Annotation Group UID
    (0x006a_0005, D, "S"), // Annotation Group Label
    (0x006a_0006, X, "S"), // Annotation Group Description
    (0x0070_0001, D, ""), // Graphic Annotation Sequence
    (0x0070_0006, D, "S"), // Unformatted Text Value
    (0x0070_0082, X, "T"), // Presentation Creation Date
    (0x0070_0083, X, "T"), // Presentation Creation Time
    (0x0070_0084, ZD, ""), // Content Creator's Name
    (0x0070_0086, X, ""), // Content Creator's Identification Code Sequence
    (0x0070_031a, U, ""), // Fiducial UID
    (0x0070_1101, U, ""), // Presentation Display Collection UID
    (0x0070_1102, U, ""), // Presentation Sequence Collection UID
    (0x0072_000a, D, "T"), // Hanging Protocol Creation DateTime
    (0x0072_005e, D, "V"), // Selector AE Value
    (0x0072_005f, D, "P"), // Selector AS Value
    (0x0072_0061, D, "T"), // Selector DA Value
    (0x0072_0063, D, "T"), // Selector DT Value
    (0x0072_0065, D, ""), // Selector OB Value
    (0x0072_0066, D, "S"), // Selector LO Value
    (0x0072_0068, D, "S"), // Selector LT Value
    (0x0072_006a, D, ""), // Selector PN Value
    (0x0072_006b, D, "T"), // Selector TM Value
    (0x0072_006c, D, "S"), // Selector SH Value
    (0x0072_006d, D, ""), // Selector UN Value
    (0x0072_006e, D, "S"), // Selector ST Value
    (0x0072_0070, D, "S"), // Selector UT Value
    (0x0072_0071, D, ""), // Selector UR Value
    (0x0074_1234, X, "V"), // Receiving AE
    (0x0074_1236, X, "V"), // Requesting AE
    (0x0088_0140, U, ""), // Storage Media File-set UID
    (0x0088_0200, X, ""), // Icon Image Sequence
    (0x0088_0904, X, ""), // Topic Title
    (0x0088_0906, X, ""), // Topic Subject
    (0x0088_0910, X, ""), // Topic Author
    (0x0088_0912, X, ""), // Topic Keywords
    (0x0100_0420, X, "T"), // SOP Authorization DateTime
    (0x0400_0100, U, ""), // Digital Signature UID
    (0x0400_0105, D, "T"), // Digital Signature DateTime
    (0x0400_0115, D, ""), // Certificate of Signer
    (0x0400_0310, X, ""), // Certified Timestamp
    (0x0400_0402, X, ""), // Referenced Digital Signature Sequence
    (0x0400_0403, X, ""), // Referenced SOP Instance MAC Sequence
    (0x0400_0404, X, ""), // MAC
    (0x0400_0550, X, ""), // Modified Attributes Sequence
    (0x0400_0551, X, ""), // Nonconforming Modified Attributes Sequence
    (0x0400_0552, X, ""), // Nonconforming Data Element Value
    (0x0400_0561, X, ""), // Original Attributes Sequence
    (0x0400_0562, D, "T"), // Attribute Modification DateTime
    (0x0400_0563, D, "V"), // Modifying System
    (0x0400_0564, Z, ""), // Source of Previous Values
    (0x0400_0565, D, "S"), // Reason for the Attribute Modification
    (0x0400_0600, X, ""), // Instance Origin Status
    (0x2030_0020, X, ""), // Text String
    (0x2100_0040, X, "T"), // Creation Date
    (0x2100_0050, X, "T"), // Creation Time
    (0x2100_0070, X, "V"), // Originator
    (0x2100_0140, D, "V"), // Destination AE
    (0x2200_0002, XZ, "S"), // Label Text
    (0x2200_0005, XZ, ""), // Barcode Value
    (0x3002_0121, X, "S"), // Position Acquisition Template Name
    (0x3002_0123, X, "S"), // Position Acquisition Template Description
    (0x3006_0002, D, "S"), // Structure Set Label
    (0x3006_0004, X, "S"), // Structure Set Name
    (0x3006_0006, X, "S"), // Structure Set Description
    (0x3006_0008, Z, "T"), // Structure Set Date
    (0x3006_0009, Z, "T"), // Structure Set Time
    (0x3006_0024, U, ""), // Referenced Frame of Reference UID
    (0x3006_0026, Z, "S"), // ROI Name
    (0x3006_0028, X, "S"), // ROI Description
    (0x3006_002d, X, "T"), // ROI DateTime
    (0x3006_002e, X, "T"), // ROI Observation DateTime
    (0x3006_0038, X, "S"), // ROI Generation Description
    (0x3006_004d, X, ""), // ROI Creator Sequence
    (0x3006_004e, X, ""), // ROI Interpreter Sequence
    (0x3006_0085, X, "S"), // ROI Observation Label
    (0x3006_0088, X, "S"), // ROI Observation Description
    (0x3006_00a6, Z, ""), // ROI Interpreter
    (0x3006_00c2, U, ""), // Related Frame of Reference UID
    (0x3008_0024, D, "T"), // Treatment Control Point Date
    (0x3008_0025, D, "T"), // Treatment Control Point Time
    (0x3008_0054, XD, "T"), // First Treatment Date
    (0x3008_0056, XD, "T"), // Most Recent Treatment Date
    (0x3008_0105, XZ, "V"), // Source Serial Number
    (0x3008_0162, D, "T"), // Safe Position Exit Date
    (0x3008_0164, D, "T"), // Safe Position Exit Time
    (0x3008_0166, D, "T"), // Safe Position Return Date
    (0x3008_0168, D, "T"), // Safe Position Return Time
    (0x3008_0250, XD, "T"), // Treatment Date
    (0x3008_0251, XD, "T"), // Treatment Time
    (0x300a_0002, D, "S"), // RT Plan Label
    (0x300a_0003, X, "S"), // RT Plan Name
    (0x300a_0004, X, "S"), // RT Plan Description
    (0x300a_0006, XD, "T"), // RT Plan Date
    (0x300a_0007, XD, "T"), // RT Plan Time
    (0x300a_000b, X, "S"), // Treatment Sites
    (0x300a_000e, X, "S"), // Prescription Description
    (0x300a_0013, U, ""), // Dose Reference UID
    (0x300a_0016, X, "S"), // Dose Reference Description
    (0x300a_0054, U, ""), // Table Top Position Alignment UID
    (0x300a_0072, X, "S"), // Fraction Group Description
    (0x300a_0083, U, ""), // Referenced Dose Reference UID
    (0x300a_00b2, XZ, "V"), // Treatment Machine Name
    (0x300a_00c3, X, "S"), // Beam Description
    (0x300a_00dd, X, "S"), // Bolus Description
    (0x300a_0196, X, "S"), // Fixation Device Description
    (0x300a_01a6, X, "S"), // Shielding Device Description
    (0x300a_01b2, X, "S"), // Setup Technique Description
    (0x300a_0216, X, "V"), // Source Manufacturer
    (0x300a_022c, D, "T"), // Source Strength Reference Date
    (0x300a_022e, D, "T"), // Source Strength Reference Time
    (0x300a_02eb, X, "S"), // Compensator Description
    (0x300a_0608, D, "S"), // Treatment Position Group Label
    (0x300a_0609, U, ""), // Treatment Position Group UID
    (0x300a_0611, Z, ""), // RT Accessory Holder Slot ID
    (0x300a_0615, Z, ""), // RT Accessory Device Slot ID
    (0x300a_0619, D, "S"), // Radiation Dose Identification Label
    (0x300a_0623, D, "S"), // Radiation Dose In-Vivo Measurement Label
    (0x300a_062a, D, "S"), // RT Tolerance Set Label
    (0x300a_0650, U, ""), // Patient Setup UID
    (0x300a_0676, X, "S"), // Equipment Frame of Reference Description
    (0x300a_067c, D, "S"), // Radiation Generation Mode Label
    (0x300a_067d, Z, "S"), // Radiation Generation Mode Description
    (0x300a_0700, U, ""), // Treatment Session UID
    (0x300a_0734, D, "S"), // Treatment Tolerance Violation Description
    (0x300a_0736, D, "T"), // Treatment Tolerance Violation DateTime
    (0x300a_073a, D, "T"), // Recorded RT Control Point DateTime
    (0x300a_0741, D, "T"), // Interlock DateTime
    (0x300a_0742, D, "S"), // Interlock Description
    (0x300a_0760, D, "T"), // Override DateTime
    (0x300a_0783, D, "S"), // Interlock Origin Description
    (0x300a_0785, U, ""), // Referenced Treatment Position Group UID
    (0x300a_078e, X, "S"), // Patient Treatment Preparation Procedure Parameter Description
    (0x300a_0792, X, "S"), // Patient Treatment Preparation Method Description
    (0x300a_0794, X, "S"), // Patient Setup Photo Description
    (0x300a_079a, X, "S"), // Displacement Reference Label
    (0x300c_0113, X, "S"), // Reason for Omission Description
    (0x300c_0127, D, "TV"), // Beam Hold Transition DateTime
    (0x300e_0004, Z, "T"), // Review Date
    (0x300e_0005, Z, "T"), // Review Time
    (0x300e_0008, XZ, ""), // Reviewer Name
    (0x3010_0006, U, ""), // Conceptual Volume UID
    (0x3010_000b, U, ""), // Referenced Conceptual Volume UID
    (0x3010_000f, Z, "S"), // Conceptual Volume Combination Description
    (0x3010_0013, U, ""), // Constituent Conceptual Volume UID
    (0x3010_0015, U, ""), // Source Conceptual Volume UID
    (0x3010_0017, Z, "S"), // Conceptual Volume Description
    (0x3010_001b, Z, ""), // Device Alternate Identifier
    (0x3010_002d, D, "V"), // Device Label
    (0x3010_0031, U, ""), // Referenced Fiducials UID
    (0x3010_0033, D, "S"), // User Content Label
    (0x3010_0034, D, "S"), // User Content Long Label
    (0x3010_0035, D, "S"), // Entity Label
    (0x3010_0036, X, "S"), // Entity Name
    (0x3010_0037, X, "S"), // Entity Description
    (0x3010_0038, D, "S"), // Entity Long Label
    (0x3010_003b, U, ""), // RT Treatment Phase UID
    (0x3010_0043, Z, "V"), // Manufacturer's Device Identifier
    (0x3010_004c, XD, "T"), // Intended Phase Start Date
    (0x3010_004d, XD, "T"), // Intended Phase End Date
    (0x3010_0054, D, "S"), // RT Prescription Label
    (0x3010_0056, XD, "S"), // RT Treatment Approach Label
    (0x3010_005a, Z, "S"), // RT Physician Intent Narrative
    (0x3010_005c, Z, "S"), // Reason for Superseding
    (0x3010_0061, X, "S"), // Prior Treatment Dose Description
    (0x3010_006e, U, ""), // Dosimetric Objective UID
    (0x3010_006f, U, ""), // Referenced Dosimetric Objective UID
    (0x3010_0077, XD, "S"), // Treatment Site
    (0x3010_007a, Z, "S"), // Treatment Technique Notes
    (0x3010_007b, Z, "S"), // Prescription Notes
    (0x3010_007f, Z, "S"), // Fractionation Notes
    (0x3010_0081, Z, "S"), // Prescription Notes Sequence
    (0x3010_0085, X, "T"), // Intended Fraction Start Time
    (0x4000_0010, X, ""), // Arbitrary
    (0x4000_4000, X, ""), // Text Comments
    (0x4008_0040, X, ""), // Results ID
    (0x4008_0042, X, ""), // Results ID Issuer
    (0x4008_0100, X, "T"), // Interpretation Recorded Date
    (0x4008_0101, X, "T"), // Interpretation Recorded Time
    (0x4008_0102, X, ""), // Interpretation Recorder
    (0x4008_0108, X, "T"), // Interpretation Transcription Date
    (0x4008_0109, X, "T"), // Interpretation Transcription Time
    (0x4008_010a, X, ""), // Interpretation Transcriber
    (0x4008_010b, X, "S"), // Interpretation Text
    (0x4008_010c, X, ""), // Interpretation Author
    (0x4008_0111, X, ""), // Interpretation Approver Sequence
    (0x4008_0112, X, "T"), // Interpretation Approval Date
    (0x4008_0113, X, "T"), // Interpretation Approval Time
    (0x4008_0114, X, ""), // Physician Approving Interpretation
    (0x4008_0115, X, "S"), // Interpretation Diagnosis Description
    (0x4008_0118, X, ""), // Results Distribution List Sequence
    (0x4008_0119, X, ""), // Distribution Name
    (0x4008_011a, X, ""), // Distribution Address
    (0x4008_0200, X, ""), // Interpretation ID
    (0x4008_0202, X, ""), // Interpretation ID Issuer
    (0x4008_0300, X, "S"), // Impressions
    (0x4008_4000, X, "S"), // Results Comments
    (0xfffa_fffa, X, ""), // Digital Signatures Sequence
    (0xfffc_fffc, X, ""), // Data Set Trailing Padding
];
