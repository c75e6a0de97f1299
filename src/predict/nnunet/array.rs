//! Three-dimensional arrays as nnU-Net sees them: axis 0 slowest, axis 2 fastest.
use rayon::prelude::*;

/// Voxels along axis 0, 1, 2.
pub(super) type Size = [usize; 3];

/// First and one past the last index along each axis.
pub(super) type Bounds = [[usize; 2]; 3];

pub(super) fn count(size: Size) -> usize {
    size.iter().product()
}

pub(super) fn size_of(bounds: Bounds) -> Size {
    bounds.map(|[first, end]| end - first)
}

/// The array whose axis `a` is axis `order[a]` of `data`.
pub(super) fn transposed<T: Copy + Send + Sync + Default>(
    data: &[T],
    size: Size,
    order: [usize; 3],
) -> (Vec<T>, Size) {
    let to = order.map(|axis| size[axis]);
    if order == [0, 1, 2] {
        return (data.to_vec(), to);
    }
    let strides = [size[1] * size[2], size[2], 1];
    let [s0, s1, s2] = order.map(|axis| strides[axis]);
    let mut out = vec![T::default(); data.len()];
    out.par_chunks_mut(to[2].max(1))
        .enumerate()
        .for_each(|(row, out)| {
            let start = row / to[1] * s0 + row % to[1] * s1;
            for (n, value) in out.iter_mut().enumerate() {
                *value = data[start + n * s2];
            }
        });
    (out, to)
}

/// Mirrors an array along the axes that are flagged.
pub(super) fn mirror<T: Copy>(data: &mut [T], size: Size, axes: [bool; 3]) {
    let [na, nb, nc] = size;
    if axes[2] {
        data.chunks_exact_mut(nc.max(1)).for_each(<[T]>::reverse);
    }
    let mut swap = |a: [usize; 2], b: [usize; 2]| {
        let (one, other) = (nc * (a[1] + nb * a[0]), nc * (b[1] + nb * b[0]));
        for c in 0..nc {
            data.swap(one + c, other + c);
        }
    };
    if axes[1] {
        for a in 0..na {
            (0..nb / 2).for_each(|b| swap([a, b], [a, nb - 1 - b]));
        }
    }
    if axes[0] {
        for a in 0..na / 2 {
            (0..nb).for_each(|b| swap([a, b], [na - 1 - a, b]));
        }
    }
}

/// The order that undoes `order`.
pub(super) fn inverse(order: [usize; 3]) -> [usize; 3] {
    let mut back = [0; 3];
    for (to, from) in order.into_iter().enumerate() {
        back[from] = to;
    }
    back
}

/// The part of an array within bounds.
pub(super) fn cropped<T: Copy>(data: &[T], size: Size, bounds: Bounds) -> Vec<T> {
    let mut out = Vec::with_capacity(count(size_of(bounds)));
    for a in bounds[0][0]..bounds[0][1] {
        for b in bounds[1][0]..bounds[1][1] {
            let row = size[2] * (b + size[1] * a);
            out.extend_from_slice(&data[row + bounds[2][0]..row + bounds[2][1]]);
        }
    }
    out
}

/// Writes a part back where it came from.
pub(super) fn insert<T: Copy>(into: &mut [T], size: Size, bounds: Bounds, part: &[T]) {
    let width = bounds[2][1] - bounds[2][0];
    let mut rows = part.chunks_exact(width.max(1));
    for a in bounds[0][0]..bounds[0][1] {
        for b in bounds[1][0]..bounds[1][1] {
            let row = size[2] * (b + size[1] * a);
            if let Some(from) = rows.next() {
                into[row + bounds[2][0]..row + bounds[2][1]].copy_from_slice(from);
            }
        }
    }
}

/// The smallest box that holds all true voxels.
pub(super) fn bounds_of(mask: &[bool], size: Size) -> Option<Bounds> {
    let mut bounds: Option<Bounds> = None;
    for (row, values) in mask.chunks_exact(size[2].max(1)).enumerate() {
        let Some(first) = values.iter().position(|v| *v) else {
            continue;
        };
        let last = values.iter().rposition(|v| *v).unwrap_or(first);
        let (a, b) = (row / size[1], row % size[1]);
        let all = bounds.get_or_insert([[a, a + 1], [b, b + 1], [first, last + 1]]);
        for (range, [low, high]) in all
            .iter_mut()
            .zip([[a, a + 1], [b, b + 1], [first, last + 1]])
        {
            *range = [range[0].min(low), range[1].max(high)];
        }
    }
    bounds
}

/// Fills what of the false voxels cannot be reached from the array's faces through faces of voxels.
pub(super) fn fill_holes(mask: &mut [bool], size: Size) {
    let [na, nb, nc] = size;
    let mut outside = vec![false; mask.len()];
    let mut queue = Vec::new();
    for (n, &inside) in mask.iter().enumerate() {
        let (a, b, c) = (n / (nb * nc), n / nc % nb, n % nc);
        let face = a == 0 || b == 0 || c == 0 || a + 1 == na || b + 1 == nb || c + 1 == nc;
        if face && !inside {
            outside[n] = true;
            queue.push(n);
        }
    }
    while let Some(n) = queue.pop() {
        let (a, b, c) = (n / (nb * nc), n / nc % nb, n % nc);
        let neighbours = [
            (a > 0).then(|| n - nb * nc),
            (a + 1 < na).then(|| n + nb * nc),
            (b > 0).then(|| n - nc),
            (b + 1 < nb).then(|| n + nc),
            (c > 0).then(|| n - 1),
            (c + 1 < nc).then(|| n + 1),
        ];
        for m in neighbours.into_iter().flatten() {
            if !mask[m] && !outside[m] {
                outside[m] = true;
                queue.push(m);
            }
        }
    }
    for (inside, outside) in mask.iter_mut().zip(outside) {
        *inside = !outside;
    }
}
