//! Numbers at fixed places of a header, in either byte order.

/// Bytes of the longest header (NIfTI-2); shorter ones are followed by zeros.
pub(super) const LONGEST: usize = 540;

/// A header's bytes and their byte order.
#[derive(Debug, Clone)]
pub(super) struct Fields {
    bytes: [u8; LONGEST],
    /// Whether the most significant byte comes first.
    pub(super) big_endian: bool,
}

impl Fields {
    pub(super) fn new(bytes: &[u8; LONGEST], big_endian: bool) -> Self {
        Self {
            bytes: *bytes,
            big_endian,
        }
    }

    /// `N` bytes from `at`, least significant first for numbers.
    fn number<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut bytes = self.raw(at);
        if self.big_endian {
            bytes.reverse();
        }
        bytes
    }

    /// `N` bytes as they stand; zeros where the header ends, which no caller asks for.
    pub(super) fn raw<const N: usize>(&self, at: usize) -> [u8; N] {
        self.bytes
            .get(at..)
            .and_then(|b| b.first_chunk())
            .copied()
            .unwrap_or([0; N])
    }

    pub(super) fn u8(&self, at: usize) -> u8 {
        u8::from_le_bytes(self.number(at))
    }

    pub(super) fn i16(&self, at: usize) -> i64 {
        i64::from(i16::from_le_bytes(self.number(at)))
    }

    pub(super) fn i32(&self, at: usize) -> i64 {
        i64::from(i32::from_le_bytes(self.number(at)))
    }

    pub(super) fn i64(&self, at: usize) -> i64 {
        i64::from_le_bytes(self.number(at))
    }

    pub(super) fn f32(&self, at: usize) -> f64 {
        f64::from(f32::from_le_bytes(self.number(at)))
    }

    pub(super) fn f64(&self, at: usize) -> f64 {
        f64::from_le_bytes(self.number(at))
    }
}
