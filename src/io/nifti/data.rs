//! Voxel bytes to numbers in their stored type.
use super::header::Datatype;
use super::source::{CHUNK, Source};
use crate::io::report::report;
use crate::io::{Error, HeaderError};
use crate::volume::{Observe, Voxels};
use std::collections::TryReserveError;

/// Bytes of voxels that are held at most.
const LIMIT: u64 = 8 << 30;

/// Reads the next `count` voxels. The vector grows with what the file really yields.
pub(super) fn read(
    source: &mut Source,
    datatype: Datatype,
    big_endian: bool,
    count: usize,
    observe: &mut Observe<'_>,
) -> Result<Voxels, Error> {
    let claimed = (count as u64).saturating_mul(datatype.size());
    if claimed > LIMIT {
        return Err(Error::TooLarge {
            claimed,
            limit: LIMIT,
            path: source.path().to_owned(),
        });
    }
    macro_rules! numbers {
        ($variant:ident, $type:ty) => {{
            let decode = if big_endian {
                <$type>::from_be_bytes
            } else {
                <$type>::from_le_bytes
            };
            Voxels::$variant(fill(source, count, decode, observe)?)
        }};
    }
    Ok(match datatype {
        Datatype::U8 => numbers!(U8, u8),
        Datatype::I8 => numbers!(I8, i8),
        Datatype::U16 => numbers!(U16, u16),
        Datatype::I16 => numbers!(I16, i16),
        Datatype::U32 => numbers!(U32, u32),
        Datatype::I32 => numbers!(I32, i32),
        Datatype::U64 => numbers!(U64, u64),
        Datatype::I64 => numbers!(I64, i64),
        Datatype::F32 => numbers!(F32, f32),
        Datatype::F64 => numbers!(F64, f64),
        Datatype::F128 => Voxels::F64(quadruple(source, count, big_endian, observe)?),
    })
}

/// `count` numbers of `N` bytes each, through `decode`.
fn fill<T, const N: usize>(
    source: &mut Source,
    count: usize,
    mut decode: impl FnMut([u8; N]) -> T,
    observe: &mut Observe<'_>,
) -> Result<Vec<T>, Error> {
    let expected = (count * N) as u64;
    let mut buffer = vec![0; CHUNK.min(count * N)];
    let mut numbers: Vec<T> = Vec::new();
    while numbers.len() < count {
        report(observe, "reading", (numbers.len() * N) as u64, expected)?;
        let want = buffer.len().min((count - numbers.len()) * N);
        let chunk = buffer.get_mut(..want).unwrap_or_default();
        let read = source.fill(chunk)?;
        if read < want {
            return Err(Error::Truncated {
                found: (numbers.len() * N + read) as u64,
                expected,
                path: source.path().to_owned(),
            });
        }
        if let Err(refused) = grow(&mut numbers, want / N, count) {
            log::warn!("no memory for {expected} bytes: {refused}");
            return Err(Error::TooLarge {
                claimed: expected,
                limit: (numbers.len() * N) as u64,
                path: source.path().to_owned(),
            });
        }
        let (whole, _) = chunk.as_chunks::<N>();
        numbers.extend(whole.iter().map(|bytes| decode(*bytes)));
    }
    Ok(numbers)
}

/// Room for `more` numbers: doubling, but never beyond the final `count`.
fn grow<T>(numbers: &mut Vec<T>, more: usize, count: usize) -> Result<(), TryReserveError> {
    let needed = numbers.len() + more;
    if needed > numbers.capacity() {
        let capacity = needed.max(2 * numbers.capacity()).min(count);
        numbers.try_reserve_exact(capacity - numbers.len())?;
    }
    Ok(())
}

/// 128-bit numbers, rounded to 64 bits. x86 compilers store 80-bit numbers in 16 bytes and some programs write those under this type;
/// they are recognised by their six unused bytes and refused, because read as 128-bit numbers they would be other numbers.
fn quadruple(
    source: &mut Source,
    count: usize,
    big_endian: bool,
    observe: &mut Observe<'_>,
) -> Result<Vec<f64>, Error> {
    let (mut padded, mut any) = (true, false);
    let decode = |bytes: [u8; 16]| {
        let bits = if big_endian {
            u128::from_be_bytes(bytes)
        } else {
            u128::from_le_bytes(bytes)
        };
        padded &= bits >> 80 == 0;
        any |= bits != 0;
        binary128(bits)
    };
    let numbers = fill(source, count, decode, observe)?;
    if padded && any {
        return Err(Error::Header {
            source: HeaderError::Extended,
            path: source.path().to_owned(),
        });
    }
    Ok(numbers)
}

/// The `f64` nearest to an IEEE 754 binary128, ties to even.
fn binary128(bits: u128) -> f64 {
    let sign = if bits >> 127 == 1 { -1.0 } else { 1.0 };
    let exponent = (bits >> 112) as i32 & 0x7fff;
    let fraction = bits & ((1 << 112) - 1);
    if exponent == 0x7fff {
        return if fraction == 0 {
            sign * f64::INFINITY
        } else {
            f64::NAN
        };
    }
    // Below the smallest exponent of f64 everything of binary128's own subnormals is zero.
    if exponent == 0 {
        return sign * 0.0;
    }
    let significand = fraction | 1 << 112;
    // The value is significand × 2^(power).
    let power = exponent - 16383 - 112;
    if power + 112 > 1023 {
        return sign * f64::INFINITY;
    }
    // Bits below the last one that an f64 of this size keeps: 60 for normal numbers, more for subnormal ones.
    let dropped = 60.max(-1074 - power);
    if dropped > 113 {
        return sign * 0.0;
    }
    let kept = (significand >> dropped) as u64;
    let rest = significand & ((1 << dropped) - 1);
    let half = 1_u128 << (dropped - 1);
    let up = rest > half || (rest == half && kept & 1 == 1);
    // At most 2^53: exact, and so is the product with a power of two, taken in two steps because 2^-1074 alone is subnormal.
    let kept = (kept + u64::from(up)) as f64;
    let scale = power + dropped;
    let first = scale / 2;
    sign * kept * 2_f64.powi(first) * 2_f64.powi(scale - first)
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these results are exact")]
mod tests {
    use super::*;

    /// A binary128 from an `f64`: every `f64` has one.
    fn widen(x: f64) -> u128 {
        let bits = x.to_bits();
        let sign = u128::from(bits >> 63) << 127;
        let exponent = bits >> 52 & 0x7ff;
        let fraction = bits & ((1 << 52) - 1);
        let (exponent, fraction) = match (exponent, fraction) {
            (0, 0) => return sign,
            (0x7ff, f) => (0x7fff, u128::from(f) << 60),
            (0, f) => {
                let shift = f.leading_zeros() - 11;
                let f = (f << shift) & ((1 << 52) - 1);
                (16383 - 1022 - u128::from(shift), u128::from(f) << 60)
            }
            (e, f) => (u128::from(e) + 16383 - 1023, u128::from(f) << 60),
        };
        sign | exponent << 112 | fraction
    }

    proptest::proptest! {
        #[test]
        fn every_f64_survives_binary128(bits: u64) {
            let x = f64::from_bits(bits);
            let y = binary128(widen(x));
            proptest::prop_assert!(x.to_bits() == y.to_bits() || x.is_nan() && y.is_nan(), "{x:e} {y:e}");
        }
    }

    #[test]
    fn binary128_rounds_to_even_and_saturates() {
        for x in [
            0.0,
            -0.0,
            1.0,
            -2.5,
            f64::MAX,
            f64::MIN_POSITIVE,
            5e-324,
            f64::INFINITY,
        ] {
            assert_eq!(binary128(widen(x)).to_bits(), x.to_bits());
        }
        let one = widen(1.0);
        let half_step = 1_u128 << 59;
        assert_eq!(binary128(one + half_step), 1.0);
        assert_eq!(binary128(one + half_step + 1), 1.0 + f64::EPSILON);
        assert_eq!(binary128(one + 3 * half_step), 1.0 + 2.0 * f64::EPSILON);
        assert_eq!(binary128(widen(f64::MAX) + (1 << 59)), f64::INFINITY);
        assert_eq!(binary128(0x7ffe_u128 << 112), f64::INFINITY);
        assert_eq!(binary128(1), 0.0);
    }
}
