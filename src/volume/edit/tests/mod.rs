//! Grids and labels that the tests share.
mod bytes;
mod edits;
mod operations;
mod selections;
mod speed;

use crate::volume::{Grid, LabelMap, LabelTable, Structure, Volume, Voxels};
use glam::{DAffine3, DMat3, DQuat, DVec3};

const TUMOUR: Structure = Structure::VestibularSchwannoma;

/// A grid about the origin: spacing, turned by a rotation vector, with mirrored axes.
fn grid(shape: [usize; 3], spacing_mm: [f64; 3], turn: [f64; 3], flip: [bool; 3]) -> Grid {
    let signed: [f64; 3] =
        std::array::from_fn(|a| spacing_mm[a] * if flip[a] { -1.0 } else { 1.0 });
    let rotation = DMat3::from_quat(DQuat::from_scaled_axis(turn.into()));
    let matrix = rotation * DMat3::from_diagonal(signed.into());
    let half = DVec3::from_array(shape.map(|n| (n as f64 - 1.0) / 2.0));
    Grid::new(
        shape,
        DAffine3::from_mat3_translation(matrix, -(matrix * half)),
    )
    .unwrap()
}

/// Anisotropic, oblique and mirrored grids of about 40 mm.
fn grids() -> [Grid; 4] {
    let spacing = [0.5, 0.4, 1.2];
    [
        grid([80, 100, 34], spacing, [0.0; 3], [false; 3]),
        grid([80, 100, 34], spacing, [0.3, -0.2, 0.4], [false; 3]),
        grid(
            [34, 80, 100],
            [1.2, 0.5, 0.4],
            [0.0; 3],
            [true, false, false],
        ),
        grid([80, 34, 100], [0.5, 1.2, 0.4], [-0.5, 0.1, 0.2], [true; 3]),
    ]
}

fn empty(grid: Grid) -> LabelMap {
    LabelMap::new(grid, vec![0; grid.len()], LabelTable::default()).unwrap()
}

/// Labels by a function of the voxel.
fn labels(grid: Grid, label: impl Fn([usize; 3]) -> u8) -> LabelMap {
    let values = (0..grid.len()).map(|n| label(grid.voxel(n))).collect();
    LabelMap::new(grid, values, LabelTable::default()).unwrap()
}

/// Intensities by a function of the voxel.
fn volume(grid: Grid, intensity: impl Fn([usize; 3]) -> f32) -> Volume {
    let values = (0..grid.len()).map(|n| intensity(grid.voxel(n))).collect();
    Volume::new(grid, Voxels::F32(values), 1.0, 0.0).unwrap()
}

/// A number from 0 to 1 that looks random, from a position.
fn noise(index: usize) -> f64 {
    let mut x = (index as u64).wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((x ^ (x >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}
