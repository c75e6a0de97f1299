//! An edit as bytes, for a journal.
//!
//! `SLE1`; the shape, three numbers; the length of the name and the name in UTF-8; the number of runs; for each run the voxels since the end
//! of the one before, its length, the label before and the label after, one byte each. Numbers have seven bits a byte, least significant first;
//! the high bit says that more follow (LEB128). A brush stroke takes about five bytes a row of voxels.
use super::{EditError, LabelEdit, delta::Run};
use crate::volume::Shape;

const MAGIC: &[u8] = b"SLE1";
/// Fewest bytes that a run takes.
const LEAST_RUN: usize = 4;

impl LabelEdit {
    /// The edit as bytes that [`LabelEdit::from_bytes`] reads.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        self.shape.iter().for_each(|&n| put(&mut out, n));
        put(&mut out, self.name.len());
        out.extend_from_slice(self.name.as_bytes());
        put(&mut out, self.runs.len());
        let mut end = 0;
        for run in &self.runs {
            put(&mut out, run.start - end);
            put(&mut out, run.length as usize);
            out.extend_from_slice(&[run.before, run.after]);
            end = run.start + run.length as usize;
        }
        out
    }

    /// The edit that was written to these bytes, all of them.
    ///
    /// # Errors
    /// When they are not such an edit. No more memory is taken than the bytes have runs.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EditError> {
        let mut reader = Reader(bytes);
        if reader.take(MAGIC.len())? != MAGIC {
            return Err(EditError::Damaged("it does not begin as one"));
        }
        let shape = [reader.number()?, reader.number()?, reader.number()?];
        let length = reader.number()?;
        let Ok(name) = str::from_utf8(reader.take(length)?) else {
            return Err(EditError::Damaged("its name is not text"));
        };
        let runs = reader.runs(shape)?;
        if !reader.0.is_empty() {
            return Err(EditError::Damaged("something follows its end"));
        }
        Ok(Self {
            name: name.to_owned(),
            shape,
            runs,
        })
    }
}

fn put(out: &mut Vec<u8>, number: usize) {
    let mut rest = number as u64;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], EditError> {
        let (taken, rest) = self
            .0
            .split_at_checked(count)
            .ok_or(EditError::Damaged("it ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, EditError> {
        Ok(self.take(1)?[0])
    }

    fn number(&mut self) -> Result<usize, EditError> {
        const TOO_LARGE: EditError = EditError::Damaged("a number is too large");
        let mut number = 0_u64;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return Err(TOO_LARGE);
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return usize::try_from(number).or(Err(TOO_LARGE));
            }
        }
        Err(TOO_LARGE)
    }

    fn runs(&mut self, shape: Shape) -> Result<Vec<Run>, EditError> {
        let voxels = shape
            .iter()
            .try_fold(1_usize, |n, &d| n.checked_mul(d))
            .filter(|n| (1..=isize::MAX as usize).contains(n))
            .ok_or(EditError::Damaged("its map is not possible"))?;
        let count = self.number()?;
        if count > self.0.len() / LEAST_RUN {
            return Err(EditError::Damaged("it ends too early"));
        }
        let mut runs = Vec::with_capacity(count);
        let mut end = 0_usize;
        for _ in 0..count {
            let (gap, length) = (self.number()?, self.number()?);
            let (before, after) = (self.byte()?, self.byte()?);
            let start = end.checked_add(gap);
            let stop = start.and_then(|s| s.checked_add(length));
            let (Some(start), Some(stop)) = (start, stop.filter(|s| *s <= voxels)) else {
                return Err(EditError::Damaged("a run leaves the map"));
            };
            let Some(length) = u32::try_from(length).ok().filter(|l| *l > 0) else {
                return Err(EditError::Damaged("a run has an impossible length"));
            };
            if before == after {
                return Err(EditError::Damaged("a run changes nothing"));
            }
            runs.push(Run {
                start,
                length,
                before,
                after,
            });
            end = stop;
        }
        Ok(runs)
    }
}
