//! A plane on a screen of pixels.
use crate::measure::PlaneFrame;
use glam::{DAffine3, DMat3, DVec3};

/// A frame's rectangle of pixels: which point of the patient lies under which pixel.
///
/// Pixel coordinates run right and down from the picture's top left corner; the centre of the first pixel is `[0.5, 0.5]`, and the frame's
/// centre lies in the middle of the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SliceView {
    /// The plane.
    pub frame: PlaneFrame,
    /// Width and height in pixels (fractions allowed: a cell of a window need not be whole).
    pub size_px: [f64; 2],
    /// Length of a pixel's edge in the patient, mm.
    pub mm_per_px: f64,
}

impl SliceView {
    /// The point of the patient under a pixel position, RAS mm.
    pub fn world_from_px(&self, px: [f64; 2]) -> DVec3 {
        self.frame.point_in_world(self.mm_from_px(px))
    }

    /// Millimetres right and down of the frame's centre at a pixel position.
    pub fn mm_from_px(&self, px: [f64; 2]) -> [f64; 2] {
        std::array::from_fn(|a| (px[a] - self.size_px[a] / 2.0) * self.mm_per_px)
    }

    /// The pixel position of a point given in millimetres right and down of the frame's centre.
    pub fn px_from_mm(&self, mm: [f64; 2]) -> [f64; 2] {
        std::array::from_fn(|a| mm[a] / self.mm_per_px + self.size_px[a] / 2.0)
    }

    /// The pixel position of a point's foot on the plane.
    pub fn px_from_world(&self, point_in_world: DVec3) -> [f64; 2] {
        self.px_from_mm(self.frame.project(point_in_world).0)
    }

    /// Half the width and height of the picture, mm.
    pub fn half_extent_mm(&self) -> [f64; 2] {
        self.size_px.map(|n| n * self.mm_per_px / 2.0)
    }

    /// Patient RAS mm from the shader's screen coordinates (`u` right and `v` down, 0 to 1 over the picture).
    pub fn world_from_screen(&self) -> DAffine3 {
        let [width, height] = self.size_px.map(|n| n * self.mm_per_px);
        let (right, down) = (self.frame.right * width, self.frame.down * height);
        DAffine3 {
            // The third column is never used (its coordinate is 0).
            matrix3: DMat3::from_cols(right, down, DVec3::ZERO),
            translation: self.frame.centre - (right + down) / 2.0,
        }
    }
}

/// A round length for a scale bar no longer than `available_mm`: 1, 2 or 5 times a power of ten, at most 100 mm.
pub fn scale_bar_mm(available_mm: f64) -> f64 {
    [100.0, 50.0, 20.0, 10.0, 5.0, 2.0, 1.0, 0.5, 0.2]
        .into_iter()
        .find(|&mm| mm <= available_mm)
        .unwrap_or(0.1)
}
