//! The bytes of a journal. All numbers are little-endian.
//!
//! - header: magic (8), version (u32), SHA-256 of the scan and of the outlines that edits begin from (64 hexadecimal digits each), shape
//!   (3 × u64), length of the payload (u32), payload, checksum of all that (8);
//! - records up to the file's end: kind (u8), length of the payload (u32), payload, checksum (8). The first has kind 0 and holds those
//!   outlines, gzip, one byte a voxel.
//!
//! A checksum is the beginning of a SHA-256. That of a record covers the header's checksum and the record's place in the file too, so that
//! what a disk brings back from an older file is not taken for a record.
use crate::volume::Shape;
use sha2::{Digest, Sha256};

pub(super) const MAGIC: [u8; 8] = *b"SCHWJRNL";
pub(super) const VERSION: u32 = 1;
/// Kind of the record that edits begin from; no edit has it.
pub(super) const BASE: u8 = 0;
/// Most bytes of a journal.
pub(super) const MOST_BYTES: u64 = 2 << 30;
/// Most bytes of a record's payload.
pub(super) const MOST_PAYLOAD: u64 = 256 << 20;
/// Most bytes of a header's payload.
pub(super) const MOST_HEADER: u64 = 1 << 20;
/// Most voxels of a label map: ten times those of the largest scans.
pub(super) const MOST_VOXELS: usize = 1 << 30;
/// Bytes of a SHA-256 in hexadecimal.
pub(super) const HASH: usize = 64;
/// Bytes of a record beside its payload.
pub(super) const FRAME: u64 = 1 + 4 + 8;

pub(super) type Sum = [u8; 8];

/// What a journal is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalHeader {
    /// SHA-256 of the scan's voxels, as `inspect` prints it: 64 hexadecimal digits in lower case. It names the file.
    pub scan_sha256: String,
    /// Shape of the label map, that of the scan.
    pub shape: Shape,
    /// Whatever the writer wants to know again, JSON for instance; at most 1 MiB.
    pub payload: Vec<u8>,
}

/// One edit, as it was given to [`Journal::append`](super::Journal::append).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalRecord {
    /// What the payload is; never 0.
    pub kind: u8,
    /// The edit.
    pub payload: Vec<u8>,
}

pub(super) fn sum(parts: &[&[u8]]) -> Sum {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    let hash: [u8; 32] = hasher.finalize().into();
    std::array::from_fn(|n| hash[n])
}

pub(super) fn is_hash(text: &str) -> bool {
    text.len() == HASH && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// Number of voxels of a shape that a label map can have.
pub(super) fn voxel_count(shape: Shape) -> Option<usize> {
    let count = shape.iter().try_fold(1_usize, |n, d| n.checked_mul(*d))?;
    (1..=MOST_VOXELS).contains(&count).then_some(count)
}

/// The header's bytes with the checksum at their end.
pub(super) fn encode_header(header: &JournalHeader, base_sha256: &str) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend(header.scan_sha256.as_bytes());
    bytes.extend(base_sha256.as_bytes());
    for length in header.shape {
        bytes.extend((length as u64).to_le_bytes());
    }
    bytes.extend((header.payload.len() as u32).to_le_bytes());
    bytes.extend(&header.payload);
    let sum = sum(&[&bytes]);
    bytes.extend(sum);
    bytes
}

/// Adds the bytes of a record that begins at `position` of its file.
pub(super) fn encode_record(
    bytes: &mut Vec<u8>,
    header_sum: Sum,
    position: u64,
    kind: u8,
    payload: &[u8],
) {
    let length = (payload.len() as u32).to_le_bytes();
    bytes.push(kind);
    bytes.extend(length);
    bytes.extend(payload);
    bytes.extend(record_sum(header_sum, position, kind, payload));
}

pub(super) fn record_sum(header_sum: Sum, position: u64, kind: u8, payload: &[u8]) -> Sum {
    let length = (payload.len() as u32).to_le_bytes();
    let place = position.to_le_bytes();
    sum(&[&header_sum, &place, &[kind], &length, payload])
}
