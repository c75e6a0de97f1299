//! Planes of a scan as pictures: on the GPU with one shader, and on the CPU with its twin.
//!
//! Knows wgpu and no window. Screen directions are those of [`PlaneFrame`](crate::measure::PlaneFrame): radiological, nose to the left in
//! the sagittal. Patient coordinates are RAS+ millimetres.

mod figure;
mod font;
mod ink;
mod plane;
mod range;
mod sampler;
pub mod scene;
mod slice;
mod style;
mod texture;
pub mod twin;
mod view;

pub use figure::{figure, frame_through, point_of_interest};
pub use plane::{NativePlane, edge_letters, without_sides};
pub use range::{whole_range, window_in_box};
pub use slice::{SLICE_SHADER, SliceDraw, SliceRenderer, SliceUniforms};
pub use style::{Interpolation, OverlayStyle, StructureStyle};
pub use texture::{LabelTexture, VolumeTexture};
pub use twin::slice_image;
pub use view::{SliceView, scale_bar_mm};

use crate::volume::Shape;
use thiserror::Error as ThisError;

/// Why a scan cannot be drawn by the GPU.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
pub enum Error {
    /// The adapter's 3D textures are too small; the CPU twin draws instead.
    #[error(
        "the graphics adapter holds 3D textures of at most {limit} voxels an axis and the scan has {shape:?}"
    )]
    TextureSize {
        /// Voxels of the scan.
        shape: Shape,
        /// Largest edge the adapter allows.
        limit: u32,
    },
    /// The user stopped it.
    #[error("cancelled")]
    Cancelled,
}
