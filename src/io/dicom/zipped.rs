//! The entries of a zip archive, with nothing unpacked to disk.
use super::DicomError;
use super::source::{Member, Source};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;
use zip::{CompressionMethod, ZipArchive};

/// More entries than any study has files.
const MOST_ENTRIES: usize = 200_000;
/// More than any DICOM file here holds.
const LARGEST_ENTRY: u64 = 4 << 30;

/// Deflate makes at most 1032 bytes of one.
const HIGHEST_RATIO: u64 = 1032;

/// Entries that may be DICOM, and for each that is refused its name and the reason.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) members: Vec<Source>,
    pub(super) refused: Vec<(String, DicomError)>,
}

/// Whether a file begins as a zip archive does.
pub(super) fn is_zip(start: &[u8]) -> bool {
    start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06")
}

/// What an archive holds.
///
/// # Errors
/// When its directory cannot be followed.
pub(super) fn entries(path: &Path) -> Result<Listing, DicomError> {
    let file = File::open(path).map_err(|e| DicomError::Unreadable(e.to_string()))?;
    let mut archive =
        ZipArchive::new(BufReader::new(file)).map_err(|e| DicomError::Zip(e.to_string()))?;
    if archive.len() > MOST_ENTRIES {
        return Err(DicomError::Zip(format!("{} entries", archive.len())));
    }
    let mut listing = Listing::default();
    for index in 0..archive.len() {
        let entry = match archive.by_index_raw(index) {
            Ok(entry) => entry,
            Err(error) => {
                let problem = DicomError::Zip(error.to_string());
                listing.refused.push((format!("entry {index}"), problem));
                continue;
            }
        };
        if !entry.is_file() {
            continue;
        }
        let name = entry
            .name()
            // One line of a message is what it is for.
            .map_or_else(
                |_| format!("entry {index}"),
                |name| name.replace(char::is_control, "?"),
            );
        let problem = if entry.enclosed_name().is_none() {
            Some("its path leads out of the archive")
        } else if entry.encrypted() {
            Some("it is encrypted")
        } else if entry.size() > LARGEST_ENTRY {
            Some("it claims more bytes than a DICOM file has")
        } else {
            None
        };
        let deflated = match entry.compression() {
            CompressionMethod::Stored => Some(false),
            CompressionMethod::DEFLATE => Some(true),
            _ => None,
        };
        match (problem, deflated, entry.data_start()) {
            (None, Some(deflated), Some(start)) => {
                listing.members.push(Source::Member(Arc::new(Member {
                    archive: path.to_owned(),
                    name,
                    start,
                    stored: entry.compressed_size(),
                    // No more than its bytes can become, whatever the directory claims.
                    size: entry
                        .size()
                        .min(entry.compressed_size().saturating_mul(if deflated {
                            HIGHEST_RATIO
                        } else {
                            1
                        })),
                    deflated,
                })));
            }
            (problem, ..) => {
                let problem = problem.unwrap_or("it is compressed in a way that is not read");
                listing
                    .refused
                    .push((name, DicomError::Zip(problem.to_owned())));
            }
        }
    }
    Ok(listing)
}
