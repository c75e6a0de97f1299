//! A journal from its bytes, as far as they can be trusted.
use super::format::{
    BASE, FRAME, HASH, JournalHeader, JournalRecord, MAGIC, MOST_BYTES, MOST_HEADER, MOST_PAYLOAD,
    Sum, VERSION, is_hash, record_sum, sum, voxel_count,
};
use flate2::bufread::GzDecoder;
use sha2::{Digest, Sha256};
use std::io::Read;

/// What a journal holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalContent {
    /// What it is about.
    pub header: JournalHeader,
    /// SHA-256 of the outlines that edits begin from: of their labels, one byte a voxel.
    pub base_sha256: String,
    /// Those outlines: a label for each voxel, `i` fastest.
    pub base: Vec<u8>,
    /// The edits up to the first that is not whole, in their order.
    pub records: Vec<JournalRecord>,
    /// Whether something follows that is no whole record: the end of one that a crash cut off, or damage.
    pub torn: bool,
}

/// Why a journal cannot be used at all.
pub(super) enum Problem {
    Read(std::io::Error),
    Wrong(String),
}

impl From<std::io::Error> for Problem {
    fn from(error: std::io::Error) -> Self {
        Self::Read(error)
    }
}

fn wrong<T>(problem: impl Into<String>) -> Result<T, Problem> {
    Err(Problem::Wrong(problem.into()))
}

/// Bytes of which it is known how many there are.
pub(super) struct Source<R> {
    inner: R,
    position: u64,
    end: u64,
}

impl<R: Read> Source<R> {
    pub(super) fn new(inner: R, length: u64) -> Self {
        Self {
            inner,
            position: 0,
            end: length,
        }
    }

    /// The next bytes, or `None` when so many are not there. Takes memory for bytes that came, not for those that were asked for.
    fn take(&mut self, count: u64) -> std::io::Result<Option<Vec<u8>>> {
        if count > self.end - self.position {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        self.inner.by_ref().take(count).read_to_end(&mut bytes)?;
        self.position += bytes.len() as u64;
        Ok((bytes.len() as u64 == count).then_some(bytes))
    }

    fn array<const N: usize>(&mut self) -> std::io::Result<Option<[u8; N]>> {
        let bytes = self.take(N as u64)?;
        Ok(bytes.and_then(|b| b.try_into().ok()))
    }
}

/// The start of a journal.
pub(super) struct Head {
    pub(super) header: JournalHeader,
    pub(super) base_sha256: String,
    pub(super) sum: Sum,
}

/// A journal and how far it goes.
pub(super) struct Parsed {
    pub(super) content: JournalContent,
    pub(super) header_sum: Sum,
    /// Bytes up to the end of the last whole record.
    pub(super) length: u64,
}

/// Reads all that can be trusted.
pub(super) fn parse<R: Read>(source: &mut Source<R>) -> Result<Parsed, Problem> {
    if source.end > MOST_BYTES {
        return wrong("it is larger than the 2 GiB that a journal may have");
    }
    let head = parse_head(source)?;
    let Next::Record(BASE, zipped) = next(source, head.sum) else {
        return wrong("the outlines that its edits begin from are damaged");
    };
    let base = unzipped(&zipped, &head)?;
    let mut records = Vec::new();
    let mut length = source.position;
    let torn = loop {
        match next(source, head.sum) {
            Next::Record(BASE, _) | Next::Damaged => break true,
            Next::Record(kind, payload) => {
                records.push(JournalRecord { kind, payload });
                length = source.position;
            }
            Next::End => break false,
        }
    };
    Ok(Parsed {
        content: JournalContent {
            header: head.header,
            base_sha256: head.base_sha256,
            base,
            records,
            torn,
        },
        header_sum: head.sum,
        length,
    })
}

/// Reads the header.
pub(super) fn parse_head<R: Read>(source: &mut Source<R>) -> Result<Head, Problem> {
    const LENGTH: usize = 8 + 4 + 2 * HASH + 3 * 8 + 4;
    const DAMAGED: &str = "its header is damaged";
    let Some(fixed) = source.array::<LENGTH>()? else {
        return wrong("it ends inside its header");
    };
    let mut fields = Fields(&fixed);
    if fields.next::<8>() != MAGIC {
        return wrong("this is no journal");
    }
    let version = u32::from_le_bytes(fields.next());
    if version != VERSION {
        return wrong(format!(
            "it has format {version}, and this program reads format {VERSION}; use the program that wrote it"
        ));
    }
    let hash = |bytes: [u8; HASH]| {
        String::from_utf8(bytes.to_vec())
            .ok()
            .filter(|h| is_hash(h))
    };
    let (scan, base) = (hash(fields.next()), hash(fields.next()));
    let shape: [u64; 3] = std::array::from_fn(|_| u64::from_le_bytes(fields.next()));
    let length = u64::from(u32::from_le_bytes(fields.next()));
    if length > MOST_HEADER {
        return wrong(DAMAGED);
    }
    let (Some(payload), Some(stored)) = (source.take(length)?, source.array()?) else {
        return wrong("it ends inside its header");
    };
    let shape = shape.map(|n| usize::try_from(n).unwrap_or(usize::MAX));
    match (scan, base) {
        (Some(scan_sha256), Some(base_sha256))
            if sum(&[&fixed, &payload]) == stored && voxel_count(shape).is_some() =>
        {
            Ok(Head {
                header: JournalHeader {
                    scan_sha256,
                    shape,
                    payload,
                },
                base_sha256,
                sum: stored,
            })
        }
        _ => wrong(DAMAGED),
    }
}

/// Fields of a known length, one after the other. Zeros where there are none.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn next<const N: usize>(&mut self) -> [u8; N] {
        match self.0.split_first_chunk::<N>() {
            Some((field, rest)) => {
                self.0 = rest;
                *field
            }
            None => [0; N],
        }
    }
}

enum Next {
    Record(u8, Vec<u8>),
    End,
    Damaged,
}

/// The next record. Bytes that a disk does not give back are as damaged as those that it changed: what stands before them is whole.
fn next<R: Read>(source: &mut Source<R>, header_sum: Sum) -> Next {
    if source.position == source.end {
        return Next::End;
    }
    let start = source.position;
    let mut record = || -> std::io::Result<Option<Next>> {
        let Some([kind, length @ ..]) = source.array::<5>()? else {
            return Ok(None);
        };
        let length = u64::from(u32::from_le_bytes(length));
        if length > MOST_PAYLOAD {
            return Ok(None);
        }
        let (Some(payload), Some(stored)) = (source.take(length)?, source.array()?) else {
            return Ok(None);
        };
        let whole = record_sum(header_sum, start, kind, &payload) == stored;
        Ok(whole.then_some(Next::Record(kind, payload)))
    };
    record().ok().flatten().unwrap_or(Next::Damaged)
}

/// The labels, never more than the shape has and than so many bytes can hold.
fn unzipped(zipped: &[u8], head: &Head) -> Result<Vec<u8>, Problem> {
    const DAMAGED: &str = "the outlines that its edits begin from do not fit its header";
    let Some(count) = voxel_count(head.header.shape) else {
        return wrong(DAMAGED);
    };
    let mut base = Vec::new();
    let decoder = GzDecoder::new(zipped);
    let inflated = decoder.take(count as u64 + 1).read_to_end(&mut base);
    let fits = inflated.is_ok_and(|n| n == count);
    if fits && format!("{:x}", Sha256::digest(&base)) == head.base_sha256 {
        Ok(base)
    } else {
        wrong(DAMAGED)
    }
}

/// Whether a record with such a payload still fits behind so many bytes.
pub(super) fn fits(length: u64, payload: usize) -> bool {
    let payload = payload as u64;
    payload <= MOST_PAYLOAD && length.saturating_add(payload + FRAME) <= MOST_BYTES
}
