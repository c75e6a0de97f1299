//! The loops of the engine that run in registers: packing of input rows, products with weights, Winograd's transforms.
//!
//! Vectors run over channels. One product kernel serves the direct convolution, Winograd's sixty-four products and the transposed
//! convolution: they differ in where its scalars and its weights lie.
#![expect(
    unsafe_code,
    reason = "std::arch loads and stores take pointers; each safe function checks the lengths first"
)]
#![expect(
    clippy::inline_always,
    reason = "a function that is not inlined into its caller does not get the caller's instruction set"
)]

use super::tensor::Blocked;
use crate::model::lanes::Lanes;
use crate::model::op::Isa;

/// Output channels are taken in groups of two blocks; an odd one is alone.
pub(super) const GROUP: usize = 2;

/// A run of input channels under one tap: where its scalars lie relative to the voxel's, and how many.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tap {
    pub(super) offset: usize,
    pub(super) channels: usize,
}

/// Sums of products for a row of voxels and one group of output channels.
pub(super) struct Product<'a> {
    /// Scalars; voxel `v` begins at `v * step`.
    pub(super) scalars: &'a [f32],
    pub(super) step: usize,
    pub(super) taps: &'a [Tap],
    /// `[tap][channel][output channel of the group]`.
    pub(super) weights: &'a [f32],
    pub(super) voxels: usize,
    /// Floats between the results of two voxels.
    pub(super) out_step: usize,
}

/// # Safety
/// The processor has the instruction set of `V`; `x` is valid for every tap of `NV` voxels, `w` for all channels of all taps times
/// `NB * V::N`, each `out` for `NV` steps.
#[inline(always)]
unsafe fn tile<V: Lanes, const NB: usize, const NV: usize>(
    x: *const f32,
    step: usize,
    taps: &[Tap],
    mut w: *const f32,
    out: [*mut f32; NB],
    out_step: usize,
) {
    // SAFETY: by the contract.
    unsafe {
        let mut sums = [[V::zero(); NV]; NB];
        for tap in taps {
            let x = x.add(tap.offset);
            for c in 0..tap.channels {
                let x = x.add(c);
                let mut weights = [V::zero(); NB];
                for b in 0..NB {
                    weights[b] = V::load(w.add(b * V::N));
                }
                for v in 0..NV {
                    let scalar = V::splat(x.add(v * step));
                    for b in 0..NB {
                        sums[b][v] = sums[b][v].add_product(scalar, weights[b]);
                    }
                }
                w = w.add(NB * V::N);
            }
        }
        for b in 0..NB {
            for v in 0..NV {
                sums[b][v].store(out[b].add(v * out_step));
            }
        }
    }
}

/// # Safety
/// As [`tile`] for all voxels of the product.
#[inline(always)]
unsafe fn product<V: Lanes, const NB: usize, const NV: usize>(
    p: &Product<'_>,
    out: [*mut f32; NB],
) {
    let mut v = 0;
    // SAFETY: by the contract; `v` stays below the voxels.
    unsafe {
        let (x, w) = (p.scalars.as_ptr(), p.weights.as_ptr());
        while v < p.voxels {
            let at = x.add(v * p.step);
            let to = out.map(|o| o.add(v * p.out_step));
            let left = p.voxels - v;
            if left >= NV {
                tile::<V, NB, NV>(at, p.step, p.taps, w, to, p.out_step);
                v += NV;
            } else if NV > 10 && left >= 10 {
                tile::<V, NB, 10>(at, p.step, p.taps, w, to, p.out_step);
                v += 10;
            } else if NV > 6 && left >= 6 {
                tile::<V, NB, 6>(at, p.step, p.taps, w, to, p.out_step);
                v += 6;
            } else if left >= 4 {
                tile::<V, NB, 4>(at, p.step, p.taps, w, to, p.out_step);
                v += 4;
            } else if left >= 2 {
                tile::<V, NB, 2>(at, p.step, p.taps, w, to, p.out_step);
                v += 2;
            } else {
                tile::<V, NB, 1>(at, p.step, p.taps, w, to, p.out_step);
                v += 1;
            }
        }
    }
}

/// Winograd's F(2, 3): four inputs to the four points of the product (Lavin and Gray 2016).
#[inline(always)]
unsafe fn to_points<V: Lanes>([a, b, c, d]: [V; 4]) -> [V; 4] {
    // SAFETY: the caller has the instruction set.
    unsafe { [a.minus(c), b.plus(c), c.minus(b), b.minus(d)] }
}

/// The two outputs of four points.
#[inline(always)]
unsafe fn from_points<V: Lanes>([a, b, c, d]: [V; 4]) -> [V; 2] {
    // SAFETY: the caller has the instruction set.
    unsafe { [a.plus(b).plus(c), b.minus(c).minus(d)] }
}

/// A rectangle of Winograd's tiles of one pair of output planes (or of one plane, where the kernel is flat).
#[derive(Debug, Clone, Copy)]
pub(super) struct Chunk {
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// Whether the kernel has three taps along the depth.
    pub(super) deep: bool,
}

impl Chunk {
    pub(super) fn tiles(&self) -> usize {
        self.rows * self.columns
    }

    pub(super) fn points(&self) -> usize {
        if self.deep { 64 } else { 16 }
    }

    /// Planes, rows and columns of input below it.
    pub(super) fn input(&self) -> [usize; 3] {
        let planes = if self.deep { 4 } else { 1 };
        [planes, 2 * self.rows + 2, 2 * self.columns + 2]
    }
}

/// # Safety
/// The processor has the instruction set; `from` holds the chunk's input vectors, `to` `points * tiles` vectors `step` floats apart.
#[inline(always)]
unsafe fn transform<V: Lanes, const DEEP: bool>(
    chunk: Chunk,
    from: *const f32,
    to: *mut f32,
    step: usize,
) {
    let [_, rows, columns] = chunk.input();
    let tiles = chunk.tiles();
    let depth = if DEEP { 4 } else { 1 };
    // SAFETY: by the contract.
    unsafe {
        for r in 0..chunk.rows {
            for c in 0..chunk.columns {
                let mut d = [[V::zero(); 16]; 4];
                for z in 0..depth {
                    for y in 0..4 {
                        let p = from.add(((z * rows + 2 * r + y) * columns + 2 * c) * V::N);
                        let line = to_points([
                            V::load(p),
                            V::load(p.add(V::N)),
                            V::load(p.add(2 * V::N)),
                            V::load(p.add(3 * V::N)),
                        ]);
                        for x in 0..4 {
                            d[z][y * 4 + x] = line[x];
                        }
                    }
                    for x in 0..4 {
                        let line = to_points([d[z][x], d[z][4 + x], d[z][8 + x], d[z][12 + x]]);
                        for y in 0..4 {
                            d[z][y * 4 + x] = line[y];
                        }
                    }
                }
                let to = to.add((r * chunk.columns + c) * step);
                for i in 0..16 {
                    if DEEP {
                        let line = to_points([d[0][i], d[1][i], d[2][i], d[3][i]]);
                        for z in 0..4 {
                            line[z].store(to.add((z * 16 + i) * tiles * step));
                        }
                    } else {
                        d[0][i].store(to.add(i * tiles * step));
                    }
                }
            }
        }
    }
}

/// Where the outputs of a chunk go: rows of one block of channels in one or two planes.
pub(super) struct Target<'a, 'b> {
    /// Each `[row][column][lane]`; a second plane is absent at the end of an odd depth.
    pub(super) planes: &'a mut [&'b mut [f32]],
    /// Rows that exist, columns of a whole row, first column of the chunk.
    pub(super) rows: usize,
    pub(super) width: usize,
    pub(super) first_row: usize,
    pub(super) first_column: usize,
}

/// # Safety
/// The processor has the instruction set; `from` holds `points * tiles` vectors `step` floats apart; the target's slices hold its rows.
#[inline(always)]
unsafe fn untransform<V: Lanes, const DEEP: bool>(
    chunk: Chunk,
    from: *const f32,
    step: usize,
    target: &mut Target<'_, '_>,
    sums: &mut [f64],
) {
    let tiles = chunk.tiles();
    // SAFETY: by the contract.
    unsafe {
        let (mut sum, mut squares) = (V::zero(), V::zero());
        for r in 0..chunk.rows {
            for c in 0..chunk.columns {
                let from = from.add((r * chunk.columns + c) * step);
                let mut flat = [[V::zero(); 16]; 2];
                for i in 0..16 {
                    let from = from.add(i * tiles * step);
                    let plane = 16 * tiles * step;
                    if DEEP {
                        let line = from_points([
                            V::load(from),
                            V::load(from.add(plane)),
                            V::load(from.add(2 * plane)),
                            V::load(from.add(3 * plane)),
                        ]);
                        flat[0][i] = line[0];
                        flat[1][i] = line[1];
                    } else {
                        flat[0][i] = V::load(from);
                    }
                }
                for (m, plane) in flat.iter().zip(target.planes.iter_mut()) {
                    let mut half = [[V::zero(); 4]; 2];
                    for x in 0..4 {
                        let line = from_points([m[x], m[4 + x], m[8 + x], m[12 + x]]);
                        half[0][x] = line[0];
                        half[1][x] = line[1];
                    }
                    for y in 0..2 {
                        let row = target.first_row + 2 * r + y;
                        if row >= target.rows {
                            continue;
                        }
                        let line = from_points(half[y]);
                        for x in 0..2 {
                            let column = target.first_column + 2 * c + x;
                            if column < target.width {
                                let to = plane.as_mut_ptr();
                                line[x].store(to.add((row * target.width + column) * V::N));
                                sum = sum.plus(line[x]);
                                squares = squares.add_product(line[x], line[x]);
                            }
                        }
                    }
                }
            }
        }
        add_lanes(sum, squares, sums);
    }
}

/// Adds the lanes of two vectors to sums in double precision, `[sum, square]` of each lane.
///
/// # Safety
/// The processor has the instruction set.
#[inline(always)]
unsafe fn add_lanes<V: Lanes>(sum: V, squares: V, sums: &mut [f64]) {
    let (mut a, mut b) = ([0.0_f32; 16], [0.0_f32; 16]);
    // SAFETY: no vector has more than 16 lanes.
    unsafe {
        sum.store(a.as_mut_ptr());
        squares.store(b.as_mut_ptr());
    }
    for (pair, (a, b)) in sums.chunks_exact_mut(2).zip(a.iter().zip(&b)).take(V::N) {
        pair[0] += f64::from(*a);
        pair[1] += f64::from(*b);
    }
}

/// # Safety
/// The processor has the instruction set; `row` holds whole vectors.
#[inline(always)]
unsafe fn row_sums<V: Lanes>(row: &[f32], sums: &mut [f64]) {
    // SAFETY: the loop stays inside the slice.
    unsafe {
        let (mut sum, mut squares) = (V::zero(), V::zero());
        for v in 0..row.len() / V::N {
            let x = V::load(row.as_ptr().add(v * V::N));
            sum = sum.plus(x);
            squares = squares.add_product(x, x);
        }
        add_lanes(sum, squares, sums);
    }
}

/// A row of packed input: columns from `first` on, which may lie before the image; `count` of them, `step` floats apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packing {
    pub(super) first: isize,
    pub(super) count: usize,
    pub(super) step: usize,
}

/// # Safety
/// The processor has the instruction set; `to` is valid for all columns; `row` lies within a plane of the image.
#[inline(always)]
unsafe fn pack<V: Lanes>(
    from: &Blocked,
    block: usize,
    row: Option<[usize; 2]>,
    packing: Packing,
    to: *mut f32,
) {
    let [_, height, width] = from.size;
    // SAFETY: columns are checked against the width, all else by the contract.
    unsafe {
        let zero = V::zero();
        let Some([z, y]) = row else {
            for column in 0..packing.count {
                zero.store(to.add(column * packing.step));
            }
            return;
        };
        let scale = V::load(from.pending.scale.as_ptr().add(block * V::N));
        let shift = V::load(from.pending.shift.as_ptr().add(block * V::N));
        let slope = V::splat(&raw const from.pending.slope);
        let start = block * from.block_len() + (z * height + y) * width * V::N;
        let values = from.memory.values().as_ptr().add(start);
        for column in 0..packing.count {
            let at = packing.first + column as isize;
            let value = if at < 0 || at >= width as isize {
                zero
            } else {
                let x = V::load(values.add(at as usize * V::N));
                let t = shift.add_product(x, scale);
                t.or_larger(t.times(slope))
            };
            value.store(to.add(column * packing.step));
        }
    }
}

/// Instances for each instruction set, each a function of its own with the set switched on, and a safe function that picks one.
macro_rules! kernels {
    ($(fn $name:ident($($arg:ident: $type:ty),*) = $kernel:ident;)*) => {
        $(pub(super) fn $name(isa: Isa, $($arg: $type),*) {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f")]
            unsafe fn wide($($arg: $type),*) {
                // SAFETY: the attribute gives the instruction set; the kernel checks lengths.
                unsafe { $kernel::<std::arch::x86_64::__m512, 14>($($arg),*) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            unsafe fn narrow($($arg: $type),*) {
                // SAFETY: as above.
                unsafe { $kernel::<std::arch::x86_64::__m256, 6>($($arg),*) }
            }
            // SAFETY: `supported` panics where the processor lacks the set; the kernels check lengths before they touch memory.
            unsafe {
                match isa.supported() {
                    #[cfg(target_arch = "x86_64")]
                    Isa::Avx512 => wide($($arg),*),
                    #[cfg(target_arch = "x86_64")]
                    Isa::Avx2 => narrow($($arg),*),
                    _ => $kernel::<[f32; 4], 6>($($arg),*),
                }
            }
        })*
    };
}

kernels! {
    fn multiply(p: &Product<'_>, out: [&mut [f32]; GROUP]) = checked_pair;
    fn multiply_one(p: &Product<'_>, out: &mut [f32]) = checked_one;
    fn multiply_points(p: &Product<'_>, points: usize, blocks: usize, out: &mut [f32]) = checked_points;
    fn pack_rows(from: &Blocked, block: usize, rows: &[Option<[usize; 2]>], packing: Packing, to: &mut [f32]) = checked_pack;
    fn to_winograd(chunk: Chunk, from: &[f32], to: &mut [f32], step: usize) = checked_transform;
    fn from_winograd(chunk: Chunk, from: &[f32], step: usize, target: &mut Target<'_, '_>, sums: &mut [f64]) = checked_untransform;
    fn add_row_sums(row: &[f32], sums: &mut [f64]) = checked_row_sums;
}

/// # Panics
/// When a slice is too short.
fn check_product(p: &Product<'_>, lanes: usize) {
    if let Some(last) = p.taps.iter().map(|t| t.offset + t.channels).max() {
        assert!(p.voxels > 0 && (p.voxels - 1) * p.step + last <= p.scalars.len());
    }
    let channels: usize = p.taps.iter().map(|t| t.channels).sum();
    assert!(channels * lanes <= p.weights.len());
}

#[inline(always)]
unsafe fn checked_pair<V: Lanes, const NV: usize>(p: &Product<'_>, out: [&mut [f32]; GROUP]) {
    check_product(p, GROUP * V::N);
    for o in &out {
        assert!((p.voxels - 1) * p.out_step + V::N <= o.len());
    }
    // SAFETY: the lengths were checked; the caller has the instruction set. So in every function below.
    unsafe { product::<V, GROUP, NV>(p, out.map(<[f32]>::as_mut_ptr)) }
}

#[inline(always)]
unsafe fn checked_one<V: Lanes, const NV: usize>(p: &Product<'_>, out: &mut [f32]) {
    check_product(p, V::N);
    assert!((p.voxels - 1) * p.out_step + V::N <= out.len());
    // SAFETY: as above.
    unsafe { product::<V, 1, NV>(p, [out.as_mut_ptr()]) }
}

/// The products of all of Winograd's points: scalars `[point][tile][channel]`, weights `[point][channel][lane]`, results
/// `[point][tile][lane]`.
#[inline(always)]
unsafe fn checked_points<V: Lanes, const NV: usize>(
    p: &Product<'_>,
    points: usize,
    blocks: usize,
    out: &mut [f32],
) {
    let channels: usize = p.taps.iter().map(|t| t.channels).sum();
    let (scalars, weights) = (p.voxels * p.step, channels * blocks * V::N);
    let results = p.voxels * p.out_step;
    assert!(points * scalars <= p.scalars.len() && points * weights <= p.weights.len());
    assert!(points * results <= out.len() && (1..=GROUP).contains(&blocks));
    for point in 0..points {
        let here = Product {
            scalars: &p.scalars[point * scalars..(point + 1) * scalars],
            weights: &p.weights[point * weights..(point + 1) * weights],
            ..*p
        };
        check_product(&here, blocks * V::N);
        let out = &mut out[point * results..(point + 1) * results];
        assert!((p.voxels - 1) * p.out_step + blocks * V::N <= out.len());
        let to = out.as_mut_ptr();
        // SAFETY: as above.
        unsafe {
            if blocks == GROUP {
                product::<V, GROUP, NV>(&here, [to, to.add(V::N)]);
            } else {
                product::<V, 1, NV>(&here, [to]);
            }
        }
    }
}

#[inline(always)]
unsafe fn checked_pack<V: Lanes, const NV: usize>(
    from: &Blocked,
    block: usize,
    rows: &[Option<[usize; 2]>],
    packing: Packing,
    to: &mut [f32],
) {
    let [depth, height, _] = from.size;
    assert!(from.lanes == V::N && block < from.blocks());
    assert!(from.memory.values().len() >= from.blocks() * from.block_len());
    assert!(from.pending.scale.len() >= from.blocks() * V::N);
    assert!(from.pending.shift.len() >= from.blocks() * V::N);
    let row_len = packing.count * packing.step;
    assert!(packing.count > 0 && packing.step >= V::N);
    assert!((rows.len() * packing.count - 1) * packing.step + V::N <= to.len());
    for (n, row) in rows.iter().enumerate() {
        assert!(row.is_none_or(|[z, y]| z < depth && y < height));
        // SAFETY: as above.
        unsafe { pack::<V>(from, block, *row, packing, to.as_mut_ptr().add(n * row_len)) }
    }
}

#[inline(always)]
unsafe fn checked_transform<V: Lanes, const NV: usize>(
    chunk: Chunk,
    from: &[f32],
    to: &mut [f32],
    step: usize,
) {
    assert!(chunk.input().iter().product::<usize>() * V::N <= from.len());
    assert!((chunk.points() * chunk.tiles() - 1) * step + V::N <= to.len());
    // SAFETY: as above.
    unsafe {
        if chunk.deep {
            transform::<V, true>(chunk, from.as_ptr(), to.as_mut_ptr(), step);
        } else {
            transform::<V, false>(chunk, from.as_ptr(), to.as_mut_ptr(), step);
        }
    }
}

#[inline(always)]
unsafe fn checked_untransform<V: Lanes, const NV: usize>(
    chunk: Chunk,
    from: &[f32],
    step: usize,
    target: &mut Target<'_, '_>,
    sums: &mut [f64],
) {
    assert!((chunk.points() * chunk.tiles() - 1) * step + V::N <= from.len());
    for plane in &*target.planes {
        assert!(target.rows * target.width * V::N <= plane.len());
    }
    // SAFETY: as above.
    unsafe {
        if chunk.deep {
            untransform::<V, true>(chunk, from.as_ptr(), step, target, sums);
        } else {
            untransform::<V, false>(chunk, from.as_ptr(), step, target, sums);
        }
    }
}

#[inline(always)]
unsafe fn checked_row_sums<V: Lanes, const NV: usize>(row: &[f32], sums: &mut [f64]) {
    // SAFETY: as above.
    unsafe { row_sums::<V>(row, sums) }
}
