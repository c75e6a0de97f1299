//! Which scans were opened, so that they are found again. The list is a file of its own on this machine, beside the preferences: paths can hold names.
use crate::io;
use std::path::{Path, PathBuf};

/// Longest list.
const MOST: usize = 10;
/// Longest file that is read, bytes.
const LONGEST: u64 = 1 << 20;

/// The list in a file, the last one opened first; empty where there is none.
pub(super) fn read(file: &Path) -> Vec<PathBuf> {
    let short = std::fs::metadata(file).is_ok_and(|m| m.is_file() && m.len() <= LONGEST);
    let text = if short {
        std::fs::read_to_string(file).ok()
    } else {
        None
    };
    let paths: Vec<PathBuf> = text
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default();
    paths.into_iter().take(MOST).collect()
}

/// The list with a scan at its front. That it cannot be kept is no reason not to show the scan.
pub(super) fn add(file: &Path, scan: &Path) -> Vec<PathBuf> {
    let scan = std::path::absolute(scan).unwrap_or_else(|_| scan.to_owned());
    let mut paths = read(file);
    paths.retain(|p| *p != scan);
    paths.insert(0, scan);
    paths.truncate(MOST);
    let written = write(file, &paths);
    if let Err(error) = written {
        log::warn!("the list of opened scans was not written: {error}");
    }
    paths
}

/// Empties the list.
pub(super) fn forget(file: &Path) -> Result<(), io::Error> {
    write(file, &[])
}

fn write(file: &Path, paths: &[PathBuf]) -> Result<(), io::Error> {
    if let Some(folder) = file.parent()
        && let Err(error) = std::fs::create_dir_all(folder)
    {
        // Writing says it to the user.
        log::debug!("no folder for the list of opened scans: {error}");
    }
    let text = serde_json::to_string_pretty(paths).unwrap_or_default();
    io::write_atomically(file, |out| out.write_all(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_scan_comes_first_and_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kept/recent.json");
        for n in 0..12 {
            add(&file, &folder.path().join(format!("{n}.nii")));
        }
        let paths = add(&file, &folder.path().join("5.nii"));
        assert_eq!(paths, read(&file));
        assert_eq!(paths.len(), MOST);
        assert_eq!(paths[0], folder.path().join("5.nii"));
        assert_eq!(paths.iter().filter(|p| p.ends_with("5.nii")).count(), 1);
        forget(&file).unwrap();
        assert!(read(&file).is_empty());
    }

    #[test]
    fn a_broken_list_is_an_empty_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("recent.json");
        for text in ["", "{", "[1]", "{\"a\":1}"] {
            std::fs::write(&file, text).unwrap();
            assert!(read(&file).is_empty(), "{text}");
        }
        assert!(read(folder.path()).is_empty());
    }
}
