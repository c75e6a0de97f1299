//! Regions of an object onto the voxels of a series.
use crate::io::dicom::DicomWarning;
use crate::volume::{Grid, LabelTable, Structure};

/// A fraction that claims a voxel: from one half on.
const HALF: f32 = 0.5;

/// Labels that are being made.
#[derive(Debug)]
pub(super) struct Painting {
    grid: Grid,
    table: LabelTable,
    pub(super) labels: Vec<u8>,
    /// The largest fraction that claimed each voxel; empty while there are none.
    fractions: Vec<f32>,
    fractional: bool,
    overlapping: usize,
    outside: usize,
    /// Regions with contours on slices that are not neighbours.
    gaps: Vec<String>,
    /// Contours that enclose nothing.
    open: usize,
    /// Contours beyond the first and the last slice.
    missed: usize,
}

impl Painting {
    pub(super) fn new(grid: &Grid) -> Self {
        Self {
            grid: *grid,
            table: LabelTable::default(),
            labels: vec![0; grid.len()],
            fractions: Vec::new(),
            fractional: false,
            overlapping: 0,
            outside: 0,
            gaps: Vec::new(),
            open: 0,
            missed: 0,
        }
    }

    /// The voxel at these indices; what lies outside the series is counted.
    pub(super) fn voxel(&mut self, at: [i64; 3]) -> Option<usize> {
        let shape = self.grid.shape();
        let mut voxel = [0; 3];
        for axis in 0..3 {
            match usize::try_from(at[axis]) {
                Ok(v) if v < shape[axis] => voxel[axis] = v,
                _ => {
                    self.outside += 1;
                    return None;
                }
            }
        }
        Some(self.grid.index(voxel))
    }

    /// Gives a voxel to a structure, unless another has it.
    pub(super) fn claim(&mut self, voxel: usize, structure: Structure) {
        let value = self.table.value(structure).unwrap_or(0);
        match self.labels.get_mut(voxel) {
            Some(label) if *label == 0 => *label = value,
            Some(label) if *label != value => self.overlapping += 1,
            _ => {}
        }
    }

    /// Gives a voxel to a structure by a fraction: the largest has it, of equals the first. Whether the fraction counts.
    pub(super) fn claim_fraction(&mut self, voxel: usize, structure: Structure, fraction: f32) {
        if self.fractions.is_empty() {
            self.fractions = vec![0.0; self.labels.len()];
        }
        let value = self.table.value(structure).unwrap_or(0);
        let (Some(label), Some(best)) = (self.labels.get_mut(voxel), self.fractions.get_mut(voxel))
        else {
            return;
        };
        if *label != 0 && *label != value {
            self.overlapping += 1;
        }
        if fraction > *best {
            (*label, *best) = (value, fraction);
        }
    }

    /// Whether a fraction counts; from now on it is said that there are fractions.
    pub(super) fn counts(&mut self, fraction: f32) -> bool {
        self.fractional = true;
        fraction >= HALF
    }

    pub(super) fn missed_contour(&mut self) {
        self.missed += 1;
    }

    pub(super) fn skipped_open_contour(&mut self) {
        self.open += 1;
    }

    pub(super) fn found_gaps(&mut self, region: &str) {
        self.gaps.push(region.to_owned());
    }

    /// What the painting must be told with.
    pub(super) fn warnings(&self) -> Vec<DicomWarning> {
        let mut warnings = Vec::new();
        if self.fractional {
            warnings.push(DicomWarning::Fractional);
        }
        if self.overlapping > 0 {
            warnings.push(DicomWarning::Overlapping {
                voxels: self.overlapping,
            });
        }
        if self.outside > 0 {
            warnings.push(DicomWarning::Outside {
                voxels: self.outside,
            });
        }
        if !self.gaps.is_empty() {
            warnings.push(DicomWarning::ContourGaps(self.gaps.clone()));
        }
        if self.open > 0 {
            warnings.push(DicomWarning::OpenContours(self.open));
        }
        if self.missed > 0 {
            warnings.push(DicomWarning::MissedContours(self.missed));
        }
        warnings
    }
}
