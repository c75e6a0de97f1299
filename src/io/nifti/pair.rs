//! Which files a name stands for: one `.nii`, or the `.hdr` and `.img` of a pair.
use super::header::Container;
use crate::io::Error;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The files of one scan.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) container: Container,
    pub(super) header: PathBuf,
    /// The same as `header` for a single file.
    pub(super) voxels: PathBuf,
}

/// A file name in three parts: `scan.v2`, `.hdr`, `.gz`.
struct Name {
    stem: String,
    extension: String,
    suffix: String,
}

impl Name {
    fn split(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let (rest, suffix) = match name
            .len()
            .checked_sub(3)
            .and_then(|at| name.split_at_checked(at))
        {
            Some((rest, suffix)) if suffix.eq_ignore_ascii_case(".gz") => (rest, suffix),
            _ => (name, ""),
        };
        let (stem, extension) = rest.split_at(rest.rfind('.')?);
        Some(Self {
            stem: stem.to_owned(),
            extension: extension.to_owned(),
            suffix: suffix.to_owned(),
        })
    }

    fn is(&self, extension: &str) -> bool {
        self.extension.eq_ignore_ascii_case(extension)
    }
}

/// Finds the files that belong to `path`, whichever half of a pair it names.
pub(super) fn files(path: &Path) -> Result<Files, Error> {
    let other = match Name::split(path) {
        Some(name) if name.is(".hdr") => Some((name, ".img")),
        Some(name) if name.is(".img") => Some((name, ".hdr")),
        _ => None,
    };
    let Some((name, extension)) = other else {
        return Ok(Files {
            container: Container::Single,
            header: path.to_owned(),
            voxels: path.to_owned(),
        });
    };
    // A folder or a missing file is reported for what was named, not for its partner.
    if !path.is_file() {
        super::source::Source::open(path)?;
    }
    let partner = partner(path, &name, extension)?;
    let (header, voxels) = if extension == ".img" {
        (path.to_owned(), partner)
    } else {
        (partner, path.to_owned())
    };
    Ok(Files {
        container: Container::Pair,
        header,
        voxels,
    })
}

fn partner(path: &Path, name: &Name, extension: &str) -> Result<PathBuf, Error> {
    let upper = extension.to_ascii_uppercase();
    let same_case = if name.extension.chars().any(|c| c.is_ascii_lowercase()) {
        [extension, &upper]
    } else {
        [&upper, extension]
    };
    let suffixes = if name.suffix.is_empty() {
        ["", ".gz"]
    } else {
        [&name.suffix, ""]
    };
    let with = |extension: &str, suffix: &str| {
        path.with_file_name(format!("{}{extension}{suffix}", name.stem))
    };
    for suffix in suffixes {
        for extension in same_case {
            let candidate = with(extension, suffix);
            if candidate.is_file() {
                return Ok(candidate);
            }
        }
    }
    let missing: OsString = format!("{}{}{}", name.stem, same_case[0], name.suffix).into();
    Err(Error::Partner {
        missing: missing.into(),
        path: path.to_owned(),
    })
}

/// All files of a scan, the one to open first, each with the ending that its name must keep. Of a pair this includes the MATLAB file beside it,
/// about which reading warns.
pub(in crate::io) fn files_with_endings(path: &Path) -> Result<Vec<(PathBuf, String)>, Error> {
    let files = files(path)?;
    let mut paths = vec![files.header.clone()];
    if files.voxels != files.header {
        paths.extend([files.voxels].into_iter().chain(mat_file(&files.header)));
    }
    Ok(paths.into_iter().map(|p| (p.clone(), ending(&p))).collect())
}

/// The ending of a scan's name, in lower case; empty where it is none that scans have, for it may be part of somebody's name.
fn ending(path: &Path) -> String {
    const KNOWN: [&str; 6] = [".nii", ".hdr", ".img", ".mat", ".dcm", ".ima"];
    let Some(name) = Name::split(path) else {
        return String::new();
    };
    let known = KNOWN.iter().find(|e| name.is(e));
    known.map_or_else(String::new, |e| {
        format!("{e}{}", name.suffix.to_ascii_lowercase())
    })
}

/// The MATLAB file in which SPM keeps an Analyze pair's affine, when there is one.
pub(super) fn mat_file(header: &Path) -> Option<PathBuf> {
    let name = Name::split(header)?;
    [".mat", ".MAT"]
        .iter()
        .map(|extension| header.with_file_name(format!("{}{extension}", name.stem)))
        .find(|path| path.is_file())
}
