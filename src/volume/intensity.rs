//! Intensities on a grid, in their stored type.
use super::{Error, Grid, Shape};

/// What a scan shows; decides which model may read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sequence {
    /// Heavily T2-weighted high-resolution scan (CISS, FIESTA, 3D TSE).
    HrT2,
    /// T1-weighted scan after gadolinium.
    CeT1,
    /// Not known.
    Unknown,
}

/// Voxels as they were stored.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "each variant is named after its element type")]
pub enum Voxels {
    U8(Vec<u8>),
    I8(Vec<i8>),
    U16(Vec<u16>),
    I16(Vec<i16>),
    U32(Vec<u32>),
    I32(Vec<i32>),
    U64(Vec<u64>),
    I64(Vec<i64>),
    F32(Vec<f32>),
    F64(Vec<f64>),
}

/// Runs `$body` with `$v` bound to the vector inside, whatever its type.
macro_rules! each {
    ($voxels:expr, $v:ident => $body:expr) => {
        match $voxels {
            Voxels::U8($v) => $body,
            Voxels::I8($v) => $body,
            Voxels::U16($v) => $body,
            Voxels::I16($v) => $body,
            Voxels::U32($v) => $body,
            Voxels::I32($v) => $body,
            Voxels::U64($v) => $body,
            Voxels::I64($v) => $body,
            Voxels::F32($v) => $body,
            Voxels::F64($v) => $body,
        }
    };
}

impl Voxels {
    /// Number of values.
    pub fn len(&self) -> usize {
        each!(self, v => v.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Parts of `length` values each, in their order; the last may be shorter.
    pub fn split(self, length: usize) -> Vec<Self> {
        macro_rules! parts {
            ($($variant:ident),*) => {
                match self {
                    $(Self::$variant(values) => values
                        .chunks(length.max(1))
                        .map(|part| Self::$variant(part.to_vec()))
                        .collect(),)*
                }
            };
        }
        parts!(U8, I8, U16, I16, U32, I32, U64, I64, F32, F64)
    }

    /// Name of the element type as the `inspect` command prints it.
    pub fn datatype(&self) -> &'static str {
        match self {
            Self::U8(_) => "uint8",
            Self::I8(_) => "int8",
            Self::U16(_) => "uint16",
            Self::I16(_) => "int16",
            Self::U32(_) => "uint32",
            Self::I32(_) => "int32",
            Self::U64(_) => "uint64",
            Self::I64(_) => "int64",
            Self::F32(_) => "float32",
            Self::F64(_) => "float64",
        }
    }

    /// The stored value at a position in memory, before rescaling. `None` outside.
    #[expect(
        trivial_numeric_casts,
        clippy::unnecessary_cast,
        reason = "one arm of the macro for every element type"
    )]
    pub fn get(&self, index: usize) -> Option<f64> {
        each!(self, v => v.get(index).map(|&x| x as f64))
    }
}

/// A scan: a grid, one stored value for each voxel, and the line that turns stored values into intensities.
#[derive(Debug, Clone, PartialEq)]
pub struct Volume {
    grid: Grid,
    voxels: Voxels,
    slope: f64,
    intercept: f64,
}

impl Volume {
    /// A scan whose intensity is `stored × slope + intercept`.
    ///
    /// # Errors
    /// When the number of values is not the grid's.
    pub fn new(grid: Grid, voxels: Voxels, slope: f64, intercept: f64) -> Result<Self, Error> {
        if voxels.len() != grid.len() {
            return Err(Error::Length {
                expected: grid.len(),
                found: voxels.len(),
            });
        }
        Ok(Self {
            grid,
            voxels,
            slope,
            intercept,
        })
    }

    /// The part of the scan that begins at voxel `low` and has `shape` voxels.
    ///
    /// # Errors
    /// When it is empty or reaches beyond the scan.
    pub fn cropped(&self, low: [usize; 3], shape: Shape) -> Result<Self, Error> {
        let grid = self.grid.cropped(low, shape)?;
        macro_rules! part {
            ($($variant:ident),*) => {
                match &self.voxels {
                    $(Voxels::$variant(values) => {
                        let mut part = Vec::with_capacity(grid.len());
                        for k in low[2]..low[2] + shape[2] {
                            for j in low[1]..low[1] + shape[1] {
                                let start = self.grid.index([low[0], j, k]);
                                part.extend_from_slice(&values[start..start + shape[0]]);
                            }
                        }
                        Voxels::$variant(part)
                    })*
                }
            };
        }
        let voxels = part!(U8, I8, U16, I16, U32, I32, U64, I64, F32, F64);
        Self::new(grid, voxels, self.slope, self.intercept)
    }

    /// Where the voxels lie.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// The stored values.
    pub fn voxels(&self) -> &Voxels {
        &self.voxels
    }

    /// `(slope, intercept)` of `intensity = stored × slope + intercept`.
    pub fn rescale(&self) -> (f64, f64) {
        (self.slope, self.intercept)
    }

    /// Intensity of a voxel; `None` outside the grid.
    pub fn value(&self, voxel: [usize; 3]) -> Option<f64> {
        let inside = voxel.iter().zip(self.grid.shape()).all(|(&v, n)| v < n);
        if !inside {
            return None;
        }
        let stored = self.voxels.get(self.grid.index(voxel))?;
        Some(stored * self.slope + self.intercept)
    }

    /// Whether another scan with as many voxels along each axis holds the same picture, be it stored with other values or another place: intensities that follow each other along one
    /// line. A second acquisition has noise of its own.
    pub fn is_same_picture(&self, other: &Self) -> bool {
        /// Least correlation of one picture.
        const ONE_PICTURE: f64 = 0.999_99;
        /// Voxels that are looked at.
        const LOOKED_AT: usize = 200_000;
        if self.grid.shape() != other.grid.shape() {
            return false;
        }
        let step = (self.grid.len() / LOOKED_AT).max(1);
        let pairs = (0..self.grid.len()).step_by(step).filter_map(|n| {
            let pair = [self.voxels.get(n)?, other.voxels.get(n)?];
            pair.iter().all(|v| v.is_finite()).then_some(pair)
        });
        let pairs: Vec<[f64; 2]> = pairs.collect();
        let count = pairs.len() as f64;
        let mean = [0, 1].map(|a| pairs.iter().map(|p| p[a]).sum::<f64>() / count);
        let sum = |a: usize, b: usize| -> f64 {
            let products = pairs.iter().map(|p| (p[a] - mean[a]) * (p[b] - mean[b]));
            products.sum()
        };
        sum(0, 1) / (sum(0, 0) * sum(1, 1)).sqrt() > ONE_PICTURE
    }

    /// All intensities as `f32`, `i` fastest.
    #[expect(
        trivial_numeric_casts,
        clippy::unnecessary_cast,
        reason = "one arm of the macro for every element type"
    )]
    pub fn to_f32(&self) -> Vec<f32> {
        let (slope, intercept) = (self.slope, self.intercept);
        each!(&self.voxels, v => v.iter().map(|&x| (x as f64 * slope + intercept) as f32).collect())
    }

    /// Intensities below which the given fractions (0 to 1) of the finite voxels lie, from at most about a million voxels spread over the
    /// whole scan. Zeros when no voxel is finite.
    #[expect(
        trivial_numeric_casts,
        clippy::unnecessary_cast,
        reason = "one arm of the macro for every element type"
    )]
    pub fn quantiles<const N: usize>(&self, fractions: [f64; N]) -> [f64; N] {
        // An odd stride keeps the sample off the grid's own periods.
        let step = (self.grid.len() / 1_000_000).max(1) | 1;
        let (slope, intercept) = (self.slope, self.intercept);
        let mut sample: Vec<f64> = each!(&self.voxels, v => v.iter().step_by(step).map(|&x| x as f64 * slope + intercept).filter(|x| x.is_finite()).collect());
        if sample.is_empty() {
            return [0.0; N];
        }
        sample.sort_unstable_by(f64::total_cmp);
        fractions.map(|f| {
            let at = f.clamp(0.0, 1.0) * (sample.len() - 1) as f64;
            let low = sample[at.floor() as usize];
            let high = sample[at.ceil() as usize];
            low + (high - low) * at.fract()
        })
    }

    /// A window that spans the intensities without their extreme 0.5 % at either end.
    pub fn default_window(&self) -> WindowLevel {
        let [low, high] = self.quantiles([0.005, 0.995]);
        WindowLevel::from_range(low, high)
    }
}

/// Which intensities are shown: `centre ± width / 2` from black to white.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WindowLevel {
    /// Intensity shown as middle grey.
    pub centre: f64,
    /// Intensities from black to white; above zero.
    pub width: f64,
}

impl WindowLevel {
    /// The window from `low` (black) to `high` (white); an empty range is widened to one unit.
    pub fn from_range(low: f64, high: f64) -> Self {
        let width = high - low;
        Self {
            centre: f64::midpoint(low, high),
            width: if width > 0.0 && width.is_finite() {
                width
            } else {
                1.0
            },
        }
    }

    /// Grey from 0 (black) to 1 (white). CPU twin of `window_level` in `shaders/common/window.wgsl`.
    pub fn grey(&self, intensity: f64) -> f64 {
        ((intensity - self.centre) / self.width + 0.5).clamp(0.0, 1.0)
    }
}
