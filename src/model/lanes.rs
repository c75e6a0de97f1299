//! A vector register of floats, for the kernels that run in registers.
#![expect(
    unsafe_code,
    reason = "std::arch loads and stores take pointers; the kernels' callers check every bound first"
)]
#![expect(
    clippy::inline_always,
    reason = "a function that is not inlined into its caller does not get the caller's instruction set"
)]

/// A vector register of floats.
///
/// # Safety
/// The functions may only run on a processor that has the instruction set; the pointers must be valid for `N` floats (`splat`: one).
pub(super) trait Lanes: Copy {
    const N: usize;
    unsafe fn zero() -> Self;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn splat(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    unsafe fn plus(self, other: Self) -> Self;
    unsafe fn minus(self, other: Self) -> Self;
    unsafe fn times(self, other: Self) -> Self;
    unsafe fn or_larger(self, other: Self) -> Self;
    /// `a × b + self`
    unsafe fn add_product(self, a: Self, b: Self) -> Self;
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Lanes;
    use std::arch::x86_64 as arch;

    macro_rules! lanes {
        ($vector:ident, $n:literal, $zero:ident, $load:ident, $splat:ident, $store:ident, $add:ident, $sub:ident, $mul:ident, $max:ident, $fma:ident) => {
            // SAFETY: the trait's contract gives the instruction set and valid pointers to every function.
            impl Lanes for arch::$vector {
                const N: usize = $n;
                #[inline(always)]
                unsafe fn zero() -> Self {
                    // SAFETY: as above; so in every function below.
                    unsafe { arch::$zero() }
                }
                #[inline(always)]
                unsafe fn load(from: *const f32) -> Self {
                    // SAFETY: as above.
                    unsafe { arch::$load(from) }
                }
                #[inline(always)]
                unsafe fn splat(from: *const f32) -> Self {
                    // SAFETY: as above.
                    unsafe { arch::$splat(*from) }
                }
                #[inline(always)]
                unsafe fn store(self, to: *mut f32) {
                    // SAFETY: as above.
                    unsafe { arch::$store(to, self) }
                }
                #[inline(always)]
                unsafe fn plus(self, other: Self) -> Self {
                    // SAFETY: as above.
                    unsafe { arch::$add(self, other) }
                }
                #[inline(always)]
                unsafe fn minus(self, other: Self) -> Self {
                    // SAFETY: as above.
                    unsafe { arch::$sub(self, other) }
                }
                #[inline(always)]
                unsafe fn times(self, other: Self) -> Self {
                    // SAFETY: as above.
                    unsafe { arch::$mul(self, other) }
                }
                #[inline(always)]
                unsafe fn or_larger(self, other: Self) -> Self {
                    // SAFETY: as above.
                    unsafe { arch::$max(self, other) }
                }
                #[inline(always)]
                unsafe fn add_product(self, a: Self, b: Self) -> Self {
                    // SAFETY: as above.
                    unsafe { arch::$fma(a, b, self) }
                }
            }
        };
    }
    lanes!(
        __m512,
        16,
        _mm512_setzero_ps,
        _mm512_loadu_ps,
        _mm512_set1_ps,
        _mm512_storeu_ps,
        _mm512_add_ps,
        _mm512_sub_ps,
        _mm512_mul_ps,
        _mm512_max_ps,
        _mm512_fmadd_ps
    );
    lanes!(
        __m256,
        8,
        _mm256_setzero_ps,
        _mm256_loadu_ps,
        _mm256_set1_ps,
        _mm256_storeu_ps,
        _mm256_add_ps,
        _mm256_sub_ps,
        _mm256_mul_ps,
        _mm256_max_ps,
        _mm256_fmadd_ps
    );
}

impl Lanes for [f32; 4] {
    const N: usize = 4;
    #[inline(always)]
    unsafe fn zero() -> Self {
        [0.0; 4]
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the contract gives four readable floats.
        unsafe { from.cast::<Self>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn splat(from: *const f32) -> Self {
        // SAFETY: the contract gives a readable float.
        [unsafe { *from }; 4]
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the contract gives four writable floats.
        unsafe { to.cast::<Self>().write_unaligned(self) }
    }
    #[inline(always)]
    unsafe fn plus(self, other: Self) -> Self {
        std::array::from_fn(|i| self[i] + other[i])
    }
    #[inline(always)]
    unsafe fn minus(self, other: Self) -> Self {
        std::array::from_fn(|i| self[i] - other[i])
    }
    #[inline(always)]
    unsafe fn times(self, other: Self) -> Self {
        std::array::from_fn(|i| self[i] * other[i])
    }
    #[inline(always)]
    unsafe fn or_larger(self, other: Self) -> Self {
        std::array::from_fn(|i| {
            if self[i] > other[i] {
                self[i]
            } else {
                other[i]
            }
        })
    }
    #[inline(always)]
    unsafe fn add_product(self, a: Self, b: Self) -> Self {
        // Not `mul_add`: without the instruction that is a slow library call.
        std::array::from_fn(|i| self[i] + a[i] * b[i])
    }
}
