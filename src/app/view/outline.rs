//! The outlines of the slices that are shown, kept until what they depend on changes.
use super::gpu::CellKey;
use crate::{
    measure::{Contour, EdgeTolerance, PlaneFrame, contours},
    volume::{LabelMap, Structure},
};
use std::collections::BTreeMap;

/// Outlines of the shown slices.
#[derive(Debug, Default)]
pub(in crate::app) struct Outlined {
    drawn: BTreeMap<CellKey, (OutlineKey, StructureContours)>,
    edges: BTreeMap<CellKey, (OutlineKey, [Vec<Contour>; 2])>,
}

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
        if self.drawn.get(&cell).is_none_or(|(k, _)| *k != key) {
            let outlines = parts
                .iter()
                .map(|(structure, labels)| {
                    (
                        *structure,
                        contours(labels, *structure, frame, [f64::MAX; 2]),
                    )
                })
                .collect();
            self.drawn.insert(cell, (key, outlines));
        }
        self.drawn.get(&cell).map_or(&[], |(_, outlines)| outlines)
    }

    /// A border moved in and out, on a plane, in mm from the frame's centre.
    pub(super) fn edge(
        &mut self,
        cell: CellKey,
        edge: &EdgeTolerance,
        revision: u64,
        frame: &PlaneFrame,
    ) -> &[Vec<Contour>] {
        let key = OutlineKey {
            revision,
            frame: *frame,
        };
        if self.edges.get(&cell).is_none_or(|(k, _)| *k != key) {
            self.edges.insert(cell, (key, edge.contours(frame)));
        }
        self.edges.get(&cell).map_or(&[], |(_, lines)| lines)
    }
}
