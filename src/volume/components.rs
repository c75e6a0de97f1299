//! Connected parts of a mask.
use super::Shape;

/// The 26-connected parts of a mask.
#[derive(Debug, Clone)]
pub struct Components {
    /// For each voxel 0 (outside) or the number of its component, from 1.
    pub component: Vec<u32>,
    /// Voxels of each component; component `n` at `n - 1`.
    pub sizes: Vec<usize>,
}

/// Finds the 26-connected parts of a mask that has one entry for each voxel, `i` fastest.
pub fn components(mask: &[bool], shape: Shape) -> Components {
    let [ni, nj, nk] = shape;
    let mut found = Components {
        component: vec![0; mask.len()],
        sizes: Vec::new(),
    };
    let mut stack = Vec::new();
    for seed in 0..mask.len() {
        if !mask[seed] || found.component[seed] != 0 {
            continue;
        }
        let number = found.sizes.len() as u32 + 1;
        let mut size = 0;
        found.component[seed] = number;
        stack.push(seed);
        while let Some(at) = stack.pop() {
            size += 1;
            let (i, j, k) = (at % ni, at / ni % nj, at / (ni * nj));
            for z in k.saturating_sub(1)..(k + 2).min(nk) {
                for y in j.saturating_sub(1)..(j + 2).min(nj) {
                    for x in i.saturating_sub(1)..(i + 2).min(ni) {
                        let next = x + ni * (y + nj * z);
                        if mask[next] && found.component[next] == 0 {
                            found.component[next] = number;
                            stack.push(next);
                        }
                    }
                }
            }
        }
        found.sizes.push(size);
    }
    found
}

/// The mask's largest 26-connected part; the first found among equals.
pub fn largest_component(mask: &[bool], shape: Shape) -> Vec<bool> {
    let parts = components(mask, shape);
    let mut best = 0;
    for (index, size) in parts.sizes.iter().enumerate() {
        if *size > parts.sizes[best] {
            best = index;
        }
    }
    let number = best as u32 + 1;
    parts.component.iter().map(|&c| c == number).collect()
}
