//! What a record must not hold, whoever wrote it.
use super::{LabelVersion, PatientRecord, ScanRecord, VisitRecord};
use std::collections::BTreeSet;

/// Most visits of a patient.
const MOST_VISITS: usize = 1000;
/// Most versions of a visit's outlines.
const MOST_VERSIONS: usize = 10_000;
/// Most files of a scan.
const MOST_FILES: usize = 20_000;
/// Most bytes of a path.
const MOST_PATH: usize = 200;

impl PatientRecord {
    /// Whether the record makes sense by itself: names and versions once each, paths inside the folder, hashes that are hashes.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn check(&self) -> Result<(), String> {
        if self.schema == 0 {
            return Err("its layout has the version 0".to_owned());
        }
        if self.visits.len() > MOST_VISITS {
            return Err(format!("it has more than {MOST_VISITS} visits"));
        }
        let mut ids = BTreeSet::new();
        for visit in &self.visits {
            if !VisitRecord::is_id(&visit.id) {
                return Err(format!("{:?} is no name of a visit", visit.id));
            }
            if !ids.insert(&visit.id) {
                return Err(format!("it has {} twice", visit.id));
            }
            check_visit(visit).map_err(|problem| format!("{}: {problem}", visit.id))?;
        }
        Ok(())
    }
}

fn check_visit(visit: &VisitRecord) -> Result<(), String> {
    check_scan(&visit.id, &visit.scan)?;
    if visit.versions.len() > MOST_VERSIONS {
        return Err(format!("it has more than {MOST_VERSIONS} versions"));
    }
    let mut before = BTreeSet::new();
    for version in &visit.versions {
        let number = version.version;
        if before.last().is_some_and(|last| *last >= number) || number == 0 {
            return Err(format!("version {number} is out of order"));
        }
        if version.parent.is_some_and(|p| !before.contains(&p)) {
            return Err(format!(
                "version {number} was made from one that is not there"
            ));
        }
        check_version(&visit.id, version).map_err(|p| format!("version {number}: {p}"))?;
        before.insert(number);
    }
    match visit.current {
        Some(current) if !before.contains(&current) => {
            Err(format!("version {current} counts, but is not there"))
        }
        None if !before.is_empty() => Err("no version of its outlines counts".to_owned()),
        _ => Ok(()),
    }
}

fn check_scan(id: &str, scan: &ScanRecord) -> Result<(), String> {
    let folder = format!("scans/{id}");
    let inside = |path: &str| {
        path.strip_prefix(&folder)
            .is_some_and(|p| p.starts_with('/'))
    };
    if scan.files.is_empty() || scan.files.len() > MOST_FILES {
        return Err(format!("its scan has {} files", scan.files.len()));
    }
    for file in &scan.files {
        if !is_path(&file.path) || !inside(&file.path) || !is_hash(&file.sha256) {
            return Err(format!("{:?} is no file of its scan", file.path));
        }
    }
    if scan.path != folder && !scan.files.iter().any(|f| f.path == scan.path) {
        return Err(format!("its scan {:?} is none of its files", scan.path));
    }
    if !is_hash(&scan.facts.voxels_sha256) {
        return Err("the hash of its scan's voxels is none".to_owned());
    }
    Ok(())
}

fn check_version(id: &str, version: &LabelVersion) -> Result<(), String> {
    let results = version.results.iter().map(|f| (f, "results", ".json"));
    let files = std::iter::once((&version.labels, "labels", ".nii.gz")).chain(results);
    for (file, folder, ending) in files {
        let name = file.path.strip_prefix(folder);
        let name = name.and_then(|p| p.strip_prefix('/'));
        let ours = name.is_some_and(|n| n.starts_with(&format!("{id}-")) && !n.contains('/'));
        if !ours || !file.path.ends_with(ending) || !is_path(&file.path) || !is_hash(&file.sha256) {
            return Err(format!("{:?} is no file of its {folder}", file.path));
        }
    }
    Ok(())
}

impl VisitRecord {
    /// Whether a text can be a visit's name: `visit-` and a number, which is a file name everywhere.
    pub fn is_id(id: &str) -> bool {
        let number = id.strip_prefix("visit-");
        number.is_some_and(|n| {
            (1..=9).contains(&n.len())
                && n.bytes().all(|b| b.is_ascii_digit())
                && !n.starts_with('0')
        })
    }
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether a path stays in the folder on every system: plain names with `/` between them.
fn is_path(path: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    path.len() <= MOST_PATH
        && path
            .split('/')
            .all(|name| !name.is_empty() && !name.starts_with('.') && name.bytes().all(plain))
}
