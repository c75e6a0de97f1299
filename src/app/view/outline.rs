//! The outlines of the slices that are shown, kept until what they depend on changes.
use super::gpu::CellKey;
use crate::{
    measure::{Contour, PlaneFrame, contours},
    volume::{LabelMap, Structure},
};
use std::collections::BTreeMap;

/// Outlines of the shown slices.
#[derive(Debug, Default)]
pub(in crate::app) struct Outlined(BTreeMap<CellKey, (OutlineKey, StructureContours)>);

/// The outlines of each structure on one plane.
type StructureContours = Vec<(Structure, Vec<Contour>)>;

#[derive(Debug, Clone, PartialEq)]
struct OutlineKey {
    revision: u64,
    frame: PlaneFrame,
}

impl Outlined {
    /// Outlines of every structure on a plane, in mm from the frame's centre.
    pub(super) fn get(
        &mut self,
        cell: CellKey,
        parts: &[(Structure, LabelMap)],
        revision: u64,
        frame: &PlaneFrame,
    ) -> &[(Structure, Vec<Contour>)] {
        let key = OutlineKey {
            revision,
            frame: *frame,
        };
        if self.0.get(&cell).is_none_or(|(k, _)| *k != key) {
            let outlines = parts
                .iter()
                .map(|(structure, labels)| {
                    (
                        *structure,
                        contours(labels, *structure, frame, [f64::MAX; 2]),
                    )
                })
                .collect();
            self.0.insert(cell, (key, outlines));
        }
        self.0.get(&cell).map_or(&[], |(_, outlines)| outlines)
    }
}
