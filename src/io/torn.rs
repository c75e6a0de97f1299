//! What a crash left half written.
use std::fs::OpenOptions;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Where the torn ends of a file are kept: beside it, `.torn` behind its name.
pub(super) fn torn_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".torn");
    name.into()
}

/// Adds the torn end of a file to those that are kept beside it, safe on the disk before anybody cuts it off.
pub(super) fn keep_torn(path: &Path, mut end: impl Read) -> std::io::Result<PathBuf> {
    let kept = torn_path(path);
    let mut file = OpenOptions::new().append(true).create(true).open(&kept)?;
    std::io::copy(&mut end, &mut file)?;
    file.sync_all()?;
    Ok(kept)
}
