//! How a plane looks: colours, outlines, fill.
use crate::volume::Structure;

/// How values between voxels are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Interpolation {
    /// Trilinear.
    #[default]
    Linear,
    /// The nearest voxel: shows the voxels as they are.
    Nearest,
}

/// How one structure is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StructureStyle {
    /// sRGB colour.
    pub colour: [u8; 3],
    /// Whether its outline is drawn.
    pub contour: bool,
    /// Whether its area is tinted.
    pub fill: bool,
}

/// How a plane and what lies over it are drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct OverlayStyle {
    /// How each structure is drawn, in the order of [`Structure::ALL`].
    pub structures: [StructureStyle; Structure::ALL.len()],
    /// Opacity of the fill, 0 to 1.
    pub fill_opacity: f64,
    /// White and black exchanged.
    pub invert: bool,
    /// How values between voxels are shown.
    pub interpolation: Interpolation,
}

impl Default for OverlayStyle {
    /// Outline and a light fill for what is measured, outlines alone for the surroundings, in colours that the colour-blind tell apart
    /// (Okabe and Ito 2008).
    fn default() -> Self {
        let style = |colour, fill| StructureStyle {
            colour,
            contour: true,
            fill,
        };
        Self {
            structures: [
                style([230, 159, 0], true),
                style([86, 180, 233], true),
                style([0, 158, 115], false),
                style([204, 121, 167], false),
                style([240, 228, 66], false),
            ],
            fill_opacity: 0.2,
            invert: false,
            interpolation: Interpolation::Linear,
        }
    }
}

impl OverlayStyle {
    /// How a structure is drawn.
    pub fn structure(&self, structure: Structure) -> StructureStyle {
        self.structures[slot(structure) - 1]
    }

    /// The same, to change it.
    pub fn structure_mut(&mut self, structure: Structure) -> &mut StructureStyle {
        &mut self.structures[slot(structure) - 1]
    }

    /// This style with neither outlines nor fill.
    #[must_use]
    pub fn without_overlays(&self) -> Self {
        let mut plain = self.clone();
        for style in &mut plain.structures {
            style.contour = false;
            style.fill = false;
        }
        plain
    }

    /// Colour (0 to 1) and opacity of each structure slot's fill; slot 0 is background.
    pub(super) fn fill_table(&self) -> [[f32; 4]; 8] {
        let mut table = [[0.0; 4]; 8];
        for (entry, style) in table[1..].iter_mut().zip(&self.structures) {
            let [r, g, b] = style.colour.map(|c| f32::from(c) / 255.0);
            let opacity = if style.fill {
                self.fill_opacity.clamp(0.0, 1.0) as f32
            } else {
                0.0
            };
            *entry = [r, g, b, opacity];
        }
        table
    }
}

/// The slot of a structure in label textures and fill tables: 1, 2, 3, … in the order of [`Structure::ALL`].
pub(super) fn slot(structure: Structure) -> usize {
    structure as usize + 1
}
