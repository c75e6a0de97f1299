//! The bytes of a file, plain or gzip, read once from front to back and never beyond what the file can hold.
use crate::io::Error;
use crate::io::error::shown;
use crate::io::report::report;
use crate::volume::Observe;
use flate2::bufread::GzDecoder;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Bytes that are read between two reports: a few milliseconds of inflation.
pub(super) const CHUNK: usize = 1 << 20;
/// Deflate makes at most 1032 bytes of one.
const HIGHEST_RATIO: u64 = 1032;
/// From this size on a scan that shrinks more than [`BOMB_RATIO`] times is taken for a bomb; smaller ones do no harm.
const BOMB_BYTES: u64 = 1 << 30;
/// Even sparse label maps of such a size stay below.
const BOMB_RATIO: u64 = 200;
/// Unused bytes behind the voxels of a compressed file that are still looked through.
const PADDING: u64 = 64 << 20;

/// A file that is read from front to back.
pub(super) struct Source {
    path: PathBuf,
    /// Size of the file on disk.
    stored: u64,
    /// Content bytes handed out.
    position: u64,
    content: Content,
}

enum Content {
    Plain(BufReader<File>),
    Gzip(Gzip),
}

impl Source {
    /// Opens a regular file that is not empty.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let cannot = |source| Error::Open {
            source,
            path: path.to_owned(),
        };
        // Looked at before opening: opening a pipe would wait for its other end.
        let kind = std::fs::metadata(path).map_err(cannot)?;
        if kind.is_dir() {
            return Err(Error::Folder {
                path: path.to_owned(),
            });
        }
        if !kind.is_file() {
            return Err(Error::NotAFile {
                path: path.to_owned(),
            });
        }
        if kind.len() == 0 {
            return Err(Error::Empty {
                path: path.to_owned(),
            });
        }
        let mut file = BufReader::with_capacity(1 << 16, File::open(path).map_err(cannot)?);
        let start = file.fill_buf().map_err(|source| Error::Read {
            source,
            path: path.to_owned(),
        })?;
        let content = if start.starts_with(&[0x1f, 0x8b]) {
            Content::Gzip(Gzip::Member(Box::new(GzDecoder::new(file))))
        } else {
            Content::Plain(file)
        };
        log::debug!("opened {}", shown(path));
        Ok(Self {
            path: path.to_owned(),
            stored: kind.len(),
            position: 0,
            content,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Fills `buffer` as far as the content reaches.
    pub(super) fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|r| !r.is_empty()) {
            let read = match &mut self.content {
                Content::Plain(file) => file.read(rest),
                Content::Gzip(gzip) => gzip.read(rest),
            };
            match read {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(self.broken(e)),
            }
        }
        self.position += filled as u64;
        Ok(filled)
    }

    fn broken(&self, source: std::io::Error) -> Error {
        let path = self.path.clone();
        match (&self.content, source.kind()) {
            (Content::Gzip(_), ErrorKind::UnexpectedEof) => Error::Gzip {
                problem: "it ends too early".to_owned(),
                path,
            },
            (Content::Gzip(_), ErrorKind::InvalidInput | ErrorKind::InvalidData) => Error::Gzip {
                problem: source.to_string(),
                path,
            },
            _ => Error::Read { source, path },
        }
    }

    /// Checks that `bytes` voxel bytes from `offset` can be there at all, before anything is made to hold them.
    pub(super) fn check_claim(&self, offset: u64, bytes: u64) -> Result<(), Error> {
        let path = self.path.clone();
        let claimed = offset.saturating_add(bytes);
        match self.content {
            Content::Plain(_) if claimed > self.stored => Err(Error::Truncated {
                found: self.stored.saturating_sub(offset),
                expected: bytes,
                path,
            }),
            Content::Gzip(_)
                if claimed > self.stored.saturating_mul(HIGHEST_RATIO)
                    || (claimed > BOMB_BYTES
                        && claimed > self.stored.saturating_mul(BOMB_RATIO)) =>
            {
                Err(Error::Bomb {
                    claimed,
                    stored: self.stored,
                    path,
                })
            }
            _ => Ok(()),
        }
    }

    /// Moves on to `offset`. The content may end before it.
    pub(super) fn skip_to(&mut self, offset: u64, observe: &mut Observe<'_>) -> Result<(), Error> {
        let gap = offset.saturating_sub(self.position);
        self.discard(gap, observe).map(|_| ())
    }

    /// Passes over at most `bytes`; how many there were.
    pub(super) fn discard(&mut self, bytes: u64, observe: &mut Observe<'_>) -> Result<u64, Error> {
        if let Content::Plain(file) = &mut self.content {
            let there = bytes.min(self.stored.saturating_sub(self.position));
            file.seek_relative(there as i64)
                .map_err(|source| Error::Read {
                    source,
                    path: self.path.clone(),
                })?;
            self.position += there;
            return Ok(there);
        }
        let mut buffer = vec![0; CHUNK.min(bytes as usize)];
        let mut done = 0;
        while done < bytes {
            report(observe, "reading", done, bytes)?;
            let want = buffer.len().min((bytes - done) as usize);
            let read = buffer.get_mut(..want).map_or(Ok(0), |b| self.fill(b))?;
            if read == 0 {
                break;
            }
            done += read as u64;
        }
        Ok(done)
    }

    /// Looks at what follows the voxels: the number of unused bytes. A gzip stream is read to its end, because its checksum stands there.
    pub(super) fn finish(mut self, observe: &mut Observe<'_>) -> Result<u64, Error> {
        if matches!(self.content, Content::Plain(_)) {
            return Ok(self.stored.saturating_sub(self.position));
        }
        let limit = self.position.saturating_add(PADDING);
        let extra = self.discard(limit, observe)?;
        if extra == limit {
            return Err(Error::Gzip {
                problem: "it goes on far behind the last voxel".to_owned(),
                path: self.path,
            });
        }
        Ok(extra)
    }
}

/// A gzip file: members one after the other, perhaps zeros behind the last (as tapes and block devices leave), nothing else.
enum Gzip {
    Member(Box<GzDecoder<BufReader<File>>>),
    End,
}

impl Gzip {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let Self::Member(decoder) = self else {
                return Ok(0);
            };
            let read = decoder.read(buffer)?;
            if read > 0 {
                return Ok(read);
            }
            let Self::Member(decoder) = std::mem::replace(self, Self::End) else {
                return Ok(0);
            };
            let mut file = decoder.into_inner();
            if file.fill_buf()?.starts_with(&[0x1f]) {
                *self = Self::Member(Box::new(GzDecoder::new(file)));
            } else {
                only_zeros(&mut file)?;
            }
        }
    }
}

fn only_zeros(file: &mut BufReader<File>) -> std::io::Result<()> {
    loop {
        let rest = file.fill_buf()?;
        if rest.is_empty() {
            return Ok(());
        }
        if rest.iter().any(|&b| b != 0) {
            return Err(std::io::Error::new(
                ErrorKind::InvalidData,
                "something else follows its end",
            ));
        }
        let length = rest.len();
        file.consume(length);
    }
}
