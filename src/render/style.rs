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
    /// A cubic through four voxels an axis (Catmull and Rom 1974): sharper than trilinear; may overshoot at edges.
    Cubic,
}

impl Interpolation {
    /// All.
    pub const ALL: [Self; 3] = [Self::Linear, Self::Cubic, Self::Nearest];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Nearest => "voxel by voxel",
            Self::Cubic => "cubic",
        }
    }

    /// The one after it, in the order of [`Self::ALL`].
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Linear => Self::Cubic,
            Self::Cubic => Self::Nearest,
            Self::Nearest => Self::Linear,
        }
    }

    /// Its number in the shader.
    pub(super) fn number(self) -> u32 {
        match self {
            Self::Linear => 0,
            Self::Nearest => 1,
            Self::Cubic => 2,
        }
    }
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
    /// Each structure's outline has a pattern of its own, for who does not tell the colours apart.
    pub patterns: bool,
    /// Whether the letters at the edges tell left from right: not where the scan's file does not.
    pub sides_told: bool,
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
                // Large and seldom asked for: drawn when a reader says so.
                StructureStyle {
                    contour: false,
                    ..style([0, 114, 178], false)
                },
            ],
            fill_opacity: 0.2,
            invert: false,
            interpolation: Interpolation::Linear,
            patterns: false,
            sides_told: true,
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

    /// The pattern of a structure's outline: lengths of its strokes and of the gaps after them, in widths of the line; none where it is one line. Outlines that are not final are dashed
    /// evenly, which no structure is.
    pub fn pattern(&self, structure: Structure) -> Option<(&'static [f32], &'static [f32])> {
        if !self.patterns {
            return None;
        }
        match structure {
            Structure::VestibularSchwannoma => None,
            Structure::Cochlea => Some((&[0.8], &[2.4])),
            Structure::Brainstem => Some((&[12.0], &[2.4])),
            Structure::InternalAuditoryCanal => Some((&[9.0, 0.8], &[2.4, 2.4])),
            Structure::FourthVentricle => Some((&[9.0, 0.8, 0.8], &[2.4, 2.4, 2.4])),
            Structure::Cerebellum => Some((&[4.0, 0.8], &[2.4, 2.4])),
        }
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
