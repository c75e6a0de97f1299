//! Which voxel belongs to which structure.
use super::{Error, Grid};
use std::fmt;

/// What Schwann can name in a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Structure {
    /// Vestibular schwannoma, whole: intra- and extrameatal parts and cysts.
    VestibularSchwannoma,
    /// Cochlea, both sides under one value as in crossMoDA.
    Cochlea,
    /// Midbrain, pons and medulla.
    Brainstem,
    /// Internal auditory canal, both sides: what of it the tumour does not fill.
    InternalAuditoryCanal,
    /// Fourth ventricle.
    FourthVentricle,
    /// Cerebellar hemispheres and vermis; from a model that looks about the ears, what of them lies there.
    Cerebellum,
}

impl Structure {
    /// All, in the order of Schwann's own label values 1, 2, 3, ….
    pub const ALL: [Self; 6] = [
        Self::VestibularSchwannoma,
        Self::Cochlea,
        Self::Brainstem,
        Self::InternalAuditoryCanal,
        Self::FourthVentricle,
        Self::Cerebellum,
    ];

    /// Name for people, in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::VestibularSchwannoma => "vestibular schwannoma",
            Self::Cochlea => "cochlea",
            Self::Brainstem => "brainstem",
            Self::InternalAuditoryCanal => "internal auditory canal",
            Self::FourthVentricle => "fourth ventricle",
            Self::Cerebellum => "cerebellum",
        }
    }

    /// Whether the structure exists once on each side.
    pub fn is_paired(self) -> bool {
        matches!(self, Self::Cochlea | Self::InternalAuditoryCanal)
    }
}

impl fmt::Display for Structure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The patient's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The patient's left (negative x in RAS).
    Left,
    /// The patient's right (positive x in RAS).
    Right,
}

impl Side {
    /// `left` or `right`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
        }
    }

    /// The other side.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which label value means which structure. Zero is background.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelTable(Vec<(u8, Structure)>);

impl Default for LabelTable {
    /// Schwann's own values: 1 and 2 as in crossMoDA (VS, cochlea), then brainstem, internal auditory canal, fourth ventricle, cerebellum.
    fn default() -> Self {
        Self((1_u8..).zip(Structure::ALL).collect())
    }
}

impl LabelTable {
    /// A table from pairs of value and structure; background (0) is left out.
    pub fn new(entries: impl IntoIterator<Item = (u8, Structure)>) -> Self {
        Self(
            entries
                .into_iter()
                .filter(|(value, _)| *value != 0)
                .collect(),
        )
    }

    /// Pairs of value and structure.
    pub fn entries(&self) -> &[(u8, Structure)] {
        &self.0
    }

    /// What a value means.
    pub fn structure(&self, value: u8) -> Option<Structure> {
        self.0.iter().find(|(v, _)| *v == value).map(|(_, s)| *s)
    }

    /// The value of a structure.
    pub fn value(&self, structure: Structure) -> Option<u8> {
        self.0
            .iter()
            .find(|(_, s)| *s == structure)
            .map(|(v, _)| *v)
    }
}

/// One label for each voxel of a grid.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelMap {
    grid: Grid,
    labels: Vec<u8>,
    table: LabelTable,
}

impl LabelMap {
    /// Labels on a grid, `i` fastest.
    ///
    /// # Errors
    /// When the number of labels is not the grid's.
    pub fn new(grid: Grid, labels: Vec<u8>, table: LabelTable) -> Result<Self, Error> {
        if labels.len() != grid.len() {
            return Err(Error::Length {
                expected: grid.len(),
                found: labels.len(),
            });
        }
        Ok(Self {
            grid,
            labels,
            table,
        })
    }

    /// Where the voxels lie.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// The labels, `i` fastest.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// The labels, for edits; everything else makes a new map.
    pub(super) fn labels_mut(&mut self) -> &mut [u8] {
        &mut self.labels
    }

    /// What the values mean.
    pub fn table(&self) -> &LabelTable {
        &self.table
    }

    /// The structure at a voxel; `None` in the background or outside.
    pub fn structure_at(&self, voxel: [usize; 3]) -> Option<Structure> {
        if voxel.iter().zip(self.grid.shape()).any(|(&v, n)| v >= n) {
            return None;
        }
        self.table
            .structure(*self.labels.get(self.grid.index(voxel))?)
    }

    /// Voxels of a structure, `i` fastest.
    pub fn mask(&self, structure: Structure) -> Vec<bool> {
        match self.table.value(structure) {
            Some(value) => self.labels.iter().map(|&l| l == value).collect(),
            None => vec![false; self.labels.len()],
        }
    }

    /// Number of voxels of a structure.
    #[expect(clippy::naive_bytecount, reason = "not worth a dependency")]
    pub fn count(&self, structure: Structure) -> usize {
        self.table.value(structure).map_or(0, |value| {
            self.labels.iter().filter(|&&l| l == value).count()
        })
    }

    /// This map with the structures that it lacks taken from another on the same grid, where this one is background. What it holds stays as it is.
    ///
    /// # Errors
    /// When the other map has another number of voxels.
    pub fn completed_from(&self, other: &Self) -> Result<Self, Error> {
        if other.labels.len() != self.labels.len() {
            return Err(Error::Length {
                expected: self.labels.len(),
                found: other.labels.len(),
            });
        }
        let missing: Vec<(u8, Structure)> = other
            .table
            .0
            .iter()
            .copied()
            .filter(|(_, s)| self.count(*s) == 0)
            .collect();
        // A structure that this table does not name gets a value that nothing here uses.
        let mut table = self.table.clone();
        let mut used: [bool; 256] = [false; 256];
        self.labels
            .iter()
            .for_each(|&l| used[usize::from(l)] = true);
        table
            .0
            .iter()
            .for_each(|(v, _)| used[usize::from(*v)] = true);
        let mut values = [0_u8; 256];
        for (from, structure) in missing {
            let value = table
                .value(structure)
                .or_else(|| (1..=u8::MAX).find(|v| !used[usize::from(*v)]));
            if let Some(value) = value {
                used[usize::from(value)] = true;
                values[usize::from(from)] = value;
                if table.value(structure).is_none() {
                    table.0.push((value, structure));
                }
            }
        }
        let labels = (self.labels.iter().zip(&other.labels))
            .map(|(&own, &theirs)| {
                if own == 0 {
                    values[usize::from(theirs)]
                } else {
                    own
                }
            })
            .collect();
        Self::new(self.grid, labels, table)
    }

    /// The box of voxels that holds a structure: first and last index of each axis, or `None` when it is absent.
    pub fn bounds(&self, structure: Structure) -> Option<[[usize; 2]; 3]> {
        let value = self.table.value(structure)?;
        let mut bounds: Option<[[usize; 2]; 3]> = None;
        for (index, _) in self.labels.iter().enumerate().filter(|(_, l)| **l == value) {
            let voxel = self.grid.voxel(index);
            let b = bounds.get_or_insert(voxel.map(|v| [v, v]));
            for axis in 0..3 {
                b[axis] = [b[axis][0].min(voxel[axis]), b[axis][1].max(voxel[axis])];
            }
        }
        bounds
    }
}
