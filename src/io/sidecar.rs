//! What a converter from DICOM writes beside a scan: `scan.json` of `scan.nii.gz` (BIDS, MRI metadata).
use super::Error;
use crate::patient::Acquisition;
use serde_json::{Map, Value};
use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

/// Largest file that is read.
const MOST_BYTES: u64 = 4 << 20;
/// Longest text that is kept, characters.
const MOST_CHARACTERS: usize = 80;
/// Fields of which any tells that the file is a sidecar of an MR scan.
const ANY_OF: [&str; 4] = [
    "Modality",
    "Manufacturer",
    "MagneticFieldStrength",
    "ConversionSoftware",
];

/// Where the sidecar of a scan lies.
fn sidecar_path(scan: &Path) -> Option<PathBuf> {
    let name = scan.file_name()?.to_str()?;
    let lower = name.to_lowercase();
    let ending = [".nii.gz", ".nii"]
        .into_iter()
        .find(|e| lower.ends_with(e))?;
    let stem = name.get(..name.len() - ending.len())?;
    Some(scan.with_file_name(format!("{stem}.json")))
}

/// Reads the sidecar of a scan. None where there is no file, or one that is not of an MR scan.
///
/// # Errors
/// When it cannot be read, is larger than 4 MB or is not JSON.
pub fn read_sidecar(scan: &Path) -> Option<Result<Acquisition, Error>> {
    let path = sidecar_path(scan)?;
    if !path.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    // One byte more than allowed tells a file that is too large, whatever its claimed length.
    let read = File::open(&path).and_then(|f| f.take(MOST_BYTES + 1).read_to_end(&mut bytes));
    if let Err(source) = read {
        return Some(Err(Error::Open { source, path }));
    }
    match parse(&bytes) {
        Ok(found) => found.map(Ok),
        Err(problem) => Some(Err(Error::Sidecar { problem, path })),
    }
}

/// The acquisition in the bytes of a sidecar, none of another JSON file; otherwise what is wrong with them.
fn parse(bytes: &[u8]) -> Result<Option<Acquisition>, String> {
    if bytes.len() as u64 > MOST_BYTES {
        return Err("it is larger than 4 MB".to_owned());
    }
    let value: Value = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    let Some(fields) = value.as_object() else {
        return Ok(None);
    };
    if !ANY_OF.iter().any(|name| fields.contains_key(*name)) {
        return Ok(None);
    }
    let given = |name: &str| text(fields, name).filter(|t| !t.is_empty());
    let scanner: Vec<String> = ["Manufacturer", "ManufacturersModelName"]
        .into_iter()
        .filter_map(given)
        .collect();
    Ok(Some(Acquisition {
        patient_id: given("PatientID"),
        birth_date: given("PatientBirthDate"),
        sex: given("PatientSex"),
        institution: given("InstitutionName"),
        scanner: (!scanner.is_empty()).then(|| scanner.join(" ")),
        field_tesla: (fields.get("MagneticFieldStrength"))
            .and_then(Value::as_f64)
            .filter(|t| t.is_finite() && (0.0..100.0).contains(t)),
        contrast_agent: text(fields, "ContrastBolusAgent"),
    }))
}

/// A text of one line, cut.
fn text(fields: &Map<String, Value>, name: &str) -> Option<String> {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let text = fields.get(name)?.as_str()?;
    let kept: String = text.chars().map(plain).take(MOST_CHARACTERS).collect();
    Some(kept.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_sidecar_of_a_scan_is_read_and_another_json_file_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let scan = folder.path().join("Scan.nii.gz");
        assert!(read_sidecar(&scan).is_none());
        let beside = folder.path().join("Scan.json");
        std::fs::write(
            &beside,
            r#"{"Modality": "MR", "Manufacturer": "Siemens", "ManufacturersModelName": "Avanto\n", "MagneticFieldStrength": 1.5,
                "PatientID": "", "ContrastBolusAgent": ""}"#,
        )
        .unwrap();
        let found = read_sidecar(&scan).unwrap().unwrap();
        assert_eq!(found.scanner.as_deref(), Some("Siemens Avanto"));
        assert_eq!(found.field_tesla, Some(1.5));
        assert_eq!(found.contrast_agent.as_deref(), Some(""));
        assert_eq!(found.patient_id, None);
        std::fs::write(&beside, r#"{"volume_mm3": 3}"#).unwrap();
        assert!(read_sidecar(&scan).is_none());
        std::fs::write(&beside, "{").unwrap();
        let error = read_sidecar(&scan).unwrap().unwrap_err().to_string();
        assert!(error.contains("Scan.json"), "{error}");
    }

    proptest! {
        #[test]
        fn whatever_stands_there_is_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), name in ".{0,20}", value in ".{0,200}") {
            drop(parse(&bytes));
            let json = serde_json::json!({"Modality": 3, "Manufacturer": value, "PatientID": [1], name.as_str(): null});
            let found = parse(json.to_string().as_bytes()).unwrap().unwrap();
            prop_assert!(found.scanner.is_none_or(|s| s.chars().count() <= 80 && !s.contains(char::is_control)));
            drop(sidecar_path(Path::new(&name)));
        }
    }
}
