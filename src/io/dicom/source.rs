//! Where a DICOM file lies: on disk, or in a zip archive, which is never unpacked to disk.
use flate2::read::DeflateDecoder;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;

/// A file on disk or in an archive.
#[derive(Debug, Clone)]
pub(super) enum Source {
    File(PathBuf),
    Member(Arc<Member>),
}

/// An entry of a zip archive.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) archive: PathBuf,
    /// Name inside the archive, for messages only.
    pub(super) name: String,
    /// Where its bytes begin in the archive.
    pub(super) start: u64,
    /// Bytes that it takes there.
    pub(super) stored: u64,
    /// Bytes that it has.
    pub(super) size: u64,
    pub(super) deflated: bool,
}

impl Source {
    /// Name for messages.
    pub(super) fn path(&self) -> PathBuf {
        match self {
            Self::File(path) => path.clone(),
            Self::Member(member) => member.archive.join(&member.name),
        }
    }

    /// Bytes that it takes on disk; none when it is gone.
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::File(path) => std::fs::metadata(path).map_or(0, |kind| kind.len()),
            Self::Member(member) => member.size,
        }
    }

    /// Bytes that it takes where it lies: in an archive those of its compressed form.
    pub(super) fn stored(&self) -> u64 {
        match self {
            Self::File(_) => self.size(),
            Self::Member(member) => member.stored,
        }
    }

    /// Whether its archive deflates it.
    pub(super) fn is_deflated(&self) -> bool {
        matches!(self, Self::Member(member) if member.deflated)
    }

    /// The bytes from `offset` on, and how many there are from the beginning. A file may end before `offset`.
    pub(super) fn open(&self, offset: u64) -> io::Result<(Box<dyn Read>, u64)> {
        const BUFFER: usize = 1 << 15;
        match self {
            Self::File(path) => {
                let mut file = File::open(path)?;
                let size = file.metadata()?.len();
                file.seek(SeekFrom::Start(offset))?;
                Ok((Box::new(BufReader::with_capacity(BUFFER, file)), size))
            }
            Self::Member(member) => {
                let mut file = File::open(&member.archive)?;
                file.seek(SeekFrom::Start(member.start))?;
                let stored = BufReader::with_capacity(BUFFER, file).take(member.stored);
                let mut bytes: Box<dyn Read> = if member.deflated {
                    Box::new(DeflateDecoder::new(stored))
                } else {
                    Box::new(stored)
                };
                skip(&mut bytes, offset)?;
                // No more than the archive's directory says, whatever the stream holds.
                let rest = member.size.saturating_sub(offset);
                Ok((Box::new(bytes.take(rest)), member.size))
            }
        }
    }
}

/// Passes over `count` bytes, or fewer when there are no more.
pub(super) fn skip(bytes: &mut dyn Read, count: u64) -> io::Result<()> {
    io::copy(&mut bytes.take(count), &mut io::sink()).map(drop)
}
