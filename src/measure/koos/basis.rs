//! What a grade rests on that does not depend on the porus plane.
use super::{
    HannoverClass, HannoverMeasures, KoosAssessment, KoosEvidence, KoosOptions, KoosSubgrade,
    TokyoClass,
    cleft::CleftTest,
    compression::{Body, Symmetry, deepest, heights},
    contact::{Contact, Normals, Touch, extent},
    neighbours::neighbours,
    rule::{self, grade},
};
use crate::{
    measure::{
        Boundary, HeadAxes, NearestSurface, PartVolume, PorusPlane, SizeSide, TumourGeometry,
        midline::{Shifts, shifts},
        surface_mesh,
    },
    volume::{LabelMap, Sequence, Side, Structure, Volume, unobserved},
};
use glam::DVec3;

/// A part of the tumour that is smaller is not a second tumour, mm³.
const SPECK_MM3: f64 = 10.0;

/// What a grade rests on that does not depend on the porus plane: with it a plane that a reader moves gives its grade within milliseconds.
#[derive(Debug, Clone)]
pub struct KoosBasis {
    tumour: Option<TumourGeometry>,
    /// Contact, indentation and shifts.
    evidence: KoosEvidence,
    inconsistent: bool,
}

impl KoosBasis {
    /// Of the labels of a scan.
    pub fn of(labels: &LabelMap) -> Self {
        Self::measured(labels, None)
    }

    /// Of a scan and its labels, which lie on its grid: with the test for a cleft of fluid between tumour and brainstem.
    pub fn with_scan(labels: &LabelMap, scan: &Volume, sequence: Sequence) -> Self {
        Self::measured(labels, Some((scan, sequence)))
    }

    fn measured(labels: &LabelMap, scan: Option<(&Volume, Sequence)>) -> Self {
        let mut basis = Self {
            tumour: TumourGeometry::of(labels),
            evidence: KoosEvidence::default(),
            inconsistent: false,
        };
        let Some(tumour) = &basis.tumour else {
            return basis;
        };
        let e = &mut basis.evidence;
        let shifts = match (tumour.axes(), tumour.side()) {
            (Some(axes), Some(side)) => {
                e.side = Some(side);
                shifts(labels, axes, side, tumour.boundary())
            }
            _ => Shifts::default(),
        };
        basis.inconsistent = shifts.inconsistent;
        e.brainstem_shift_mm = shifts.brainstem_mm;
        e.fourth_ventricle_shift_mm = shifts.fourth_ventricle_mm;
        e.fourth_ventricle_area_mm2 = shifts.fourth_ventricle_area_mm2;
        e.fourth_ventricle_asymmetry = shifts.fourth_ventricle_asymmetry;
        // Of tumours on both sides taken together nothing is measured but this.
        let boundary = tumour.boundary();
        let brainstem = Boundary::of(labels, Structure::Brainstem);
        let normals = Normals::of(boundary);
        let touch = Touch::on(labels.grid());
        let Some(contact) = Contact::between(boundary, &normals, &brainstem, touch) else {
            return basis;
        };
        e.brainstem_gap_mm = Some(contact.gap_mm);
        e.nearest_points_ras_mm = Some(contact.nearest.map(|p| p.to_array()));
        e.contact_area_mm2 = Some(contact.area_mm2);
        let touching: Vec<_> = contact.faces(boundary, touch).copied().collect();
        let extent = extent(touching.iter());
        e.contact_length_mm = Some(extent.map_or(0.0, |(_, mm)| mm));
        e.contact_slices = extent.map(|(slices, _)| slices);
        if let (Some(axes), Some(side)) = (tumour.axes(), e.side) {
            let part = (boundary, &normals);
            let away = if side == Side::Left { 1.0 } else { -1.0 };
            let midline = shifts.midline_mm + away * shifts.fourth_ventricle_mm.unwrap_or(0.0);
            e.neighbours = neighbours(labels, (axes, side, midline), part, touch);
            let touching: Vec<DVec3> = touching.iter().map(|f| f.point).collect();
            indentation(
                labels,
                axes,
                side,
                (boundary, &contact),
                &touching,
                &shifts,
                e,
            );
        }
        e.cleft = scan.map(|(scan, sequence)| {
            let part = (boundary, &normals);
            CleftTest::of(scan, sequence, labels, part, &brainstem, &contact)
        });
        basis
    }

    /// The tumour; `None` without a voxel of it.
    pub fn tumour(&self) -> Option<&TumourGeometry> {
        self.tumour.as_ref()
    }

    /// The grade in the topographic wording, at a porus plane that a reader set or, without one, at the plane that was found.
    pub fn assess(&self, plane: Option<&PorusPlane>) -> KoosAssessment {
        self.assess_with(plane, KoosOptions::default())
    }

    /// The grade as the caller chooses, at a porus plane that a reader set or, without one, at the plane that was found.
    pub fn assess_with(&self, plane: Option<&PorusPlane>, options: KoosOptions) -> KoosAssessment {
        let mut out = KoosAssessment {
            tumour: self.tumour.is_some(),
            wording: options.wording.name(),
            evidence: self.evidence.clone(),
            ..KoosAssessment::default()
        };
        let Some(tumour) = &self.tumour else {
            return out;
        };
        if tumour.size().at_scan_edge {
            out.at_least = true;
            out.warnings.push(
                "the tumour reaches the scan's edge: what lies beyond is not graded, the grade is a lower limit".to_owned(),
            );
        }
        let planes = tumour.axes().is_some() || plane.is_some();
        if tumour.size().side == Some(SizeSide::Both) && planes {
            out.withhold("there are tumours on both sides; outline and grade each by itself");
            return out;
        }
        if !planes {
            out.withhold("without the cochleae the porus and the midline are not known");
            return out;
        }
        let parts = tumour.parts_of_at_least(SPECK_MM3);
        if parts > 1 {
            out.warnings.push(format!(
                "the outline has {parts} separate parts, which are graded as one tumour"
            ));
        }
        split_at_porus(tumour, plane, &mut out);
        if self.inconsistent {
            out.warnings.push(
                "the brainstem lies too far from the middle between the cochleae: check both outlines"
                    .to_owned(),
            );
        }
        if options.post_operative {
            out.withhold(
                "residual after surgery, for which the Koos grade is not defined (not applicable)",
            );
            return out;
        }
        grade(&mut out, options.wording);
        classes(&mut out);
        out
    }
}

/// How far the brainstem is pressed in and turned.
fn indentation(
    labels: &LabelMap,
    axes: &HeadAxes,
    side: Side,
    (tumour, contact): (&Boundary, &Contact),
    touching: &[DVec3],
    shifts: &Shifts,
    e: &mut KoosEvidence,
) {
    let mesh = |structure| surface_mesh(labels, &[structure], &mut unobserved).ok();
    let (Some(brainstem), Some(of_tumour)) = (
        mesh(Structure::Brainstem),
        mesh(Structure::VestibularSchwannoma),
    ) else {
        return;
    };
    let (Some(surface), Some(near)) = (
        NearestSurface::new(&brainstem),
        NearestSurface::new(&of_tumour),
    ) else {
        return;
    };
    let touched = Boundary {
        points: (tumour.points.iter().zip(&contact.distances))
            .filter(|(_, (mm, _))| *mm <= contact.gap_mm + 1.0)
            .map(|(face, _)| *face)
            .collect(),
    };
    let levels = heights(&touched, axes);
    // Where the brainstem was moved to.
    let away = if side == Side::Left { 1.0 } else { -1.0 };
    let offset = shifts.midline_mm + away * shifts.brainstem_mm.unwrap_or(0.0);
    let body = Body {
        mesh: &brainstem,
        surface: &surface,
        tumour: &near,
    };
    let Some(mut plane) = Symmetry::of(&body, axes, levels, offset) else {
        return;
    };
    let mut found = deepest(&surface, &plane, touching);
    // The body's place differs between levels: that of the deepest counts.
    if let Some((_, point)) = found
        && let Some(there) = plane.at_level(&body, axes, axes.height_mm(point))
    {
        plane = there;
        found = deepest(&surface, &plane, touching);
    }
    e.mirror_plane = Some(plane.plane());
    if axes.from_cochleae {
        e.brainstem_rotation_degrees = Some(plane.rotation_degrees(side));
    }
    e.indentation_mm = Some(found.map_or(0.0, |(mm, _)| mm));
    e.indentation_point_ras_mm = found.map(|(_, point)| point.to_array());
}

fn split_at_porus(tumour: &TumourGeometry, given: Option<&PorusPlane>, out: &mut KoosAssessment) {
    let Some(plane) = given.or(tumour.porus_plane()) else {
        out.warnings
            .push("the cochlea on the tumour's side is not labelled: intra- and extrameatal parts cannot be told apart".to_owned());
        return;
    };
    if given.is_none() && tumour.axes().is_some_and(|a| !a.from_cochleae) {
        out.warnings
            .push("only one cochlea is labelled: the porus plane is less certain".to_owned());
    }
    let measures = tumour.measures(Some(plane));
    let volume = |part: Option<PartVolume>| part.map(|p| p.volume_mm3);
    out.evidence.intrameatal_volume_mm3 = volume(measures.volumes.intrameatal);
    out.evidence.extrameatal_volume_mm3 = volume(measures.volumes.extrameatal);
    out.evidence.protrusion_mm = Some(tumour.protrusion_mm(plane));
    out.evidence.porus_plane = Some(*plane);
    let diameter = measures.diameters.extrameatal_max;
    out.evidence.extrameatal_diameter_mm = diameter.map(|d| d.value_mm);
}

/// The other gradings.
fn classes(out: &mut KoosAssessment) {
    let e = &out.evidence;
    let Some(extrameatal) = rule::is_extrameatal(e) else {
        return;
    };
    let diameter = e.extrameatal_diameter_mm.filter(|_| extrameatal);
    out.tokyo = Some(TokyoClass::of(diameter));
    out.subgrade = out.grade.and_then(|g| KoosSubgrade::of(g, diameter));
    let measures = HannoverMeasures {
        gap_mm: e.brainstem_gap_mm,
        contact_mm2: e.contact_area_mm2,
        indentation_mm: e.indentation_mm,
        shift_mm: e.brainstem_shift_mm,
        ventricle_shift_mm: e.fourth_ventricle_shift_mm,
    };
    // A brainstem in an impossible place tells nothing.
    if out.withheld.is_none() {
        out.hannover = HannoverClass::of(extrameatal, &measures);
    }
}
