//! What a grade rests on that does not depend on the porus plane.
use super::{
    HannoverClass, HannoverMeasures, KoosAssessment, KoosEvidence, KoosGrade, KoosOptions,
    KoosSubgrade, TokyoClass,
    cleft::CleftTest,
    compression::{Body, Symmetry, deepest, heights},
    contact::{Contact, ContactFace, Normals, Touch, central, extent},
    neighbours::neighbours,
    rule::{self, grade},
    surgeon::{HeadPosition, SurgeonView},
};
use crate::{
    measure::{
        Boundary, Diameter, HeadAxes, Mesh, NearestSurface, PartVolume, PorusPlane, SizeSide,
        TumourGeometry, brainstem_caution,
        midline::{Shifts, shifts},
        parts::MIN_PART_MM3,
        surface_mesh,
    },
    volume::{LabelMap, Sequence, Side, Structure, Volume, unobserved},
};
use glam::DVec3;
use rayon::prelude::*;

/// How far above and below the tumour the brainstem's mirror image still tells how deep it is pressed in, mm.
const ABOUT_MM: f64 = 5.0;

/// What a grade rests on that does not depend on the porus plane: with it a plane that a reader moves gives its grade within milliseconds.
#[derive(Debug, Clone)]
pub struct KoosBasis {
    tumour: Option<TumourGeometry>,
    /// Contact, indentation and shifts.
    evidence: KoosEvidence,
    inconsistent: bool,
    contact_faces: Vec<ContactFace>,
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
            contact_faces: Vec::new(),
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
        e.brainstem_shift_point_ras_mm = shifts.brainstem_at.map(|p| p.to_array());
        e.fourth_ventricle_shift_mm = shifts.fourth_ventricle_mm;
        e.fourth_ventricle_point_ras_mm = shifts.fourth_ventricle_at.map(|p| p.to_array());
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
        e.contact_length_mm = Some(extent.map_or(0.0, |(_, [a, b])| a.distance(b)));
        e.contact_ends_ras_mm = extent.map(|(_, ends)| ends.map(|p| p.to_array()));
        e.contact_slices = extent.map(|(slices, _)| slices);
        basis.contact_faces = (touching.iter())
            .map(|face| ContactFace::of(face, labels.grid()))
            .collect();
        let places: Vec<DVec3> = touching.iter().map(|f| f.point).collect();
        e.contact_point_ras_mm = central(&places).map(|p| p.to_array());
        if let (Some(axes), Some(side)) = (tumour.axes(), e.side) {
            let part = (boundary, &normals);
            let away = if side == Side::Left { 1.0 } else { -1.0 };
            let midline = shifts.midline_mm + away * shifts.fourth_ventricle_mm.unwrap_or(0.0);
            e.neighbours = neighbours(labels, (axes, side, midline), part, touch);
            indentation(
                labels,
                axes,
                side,
                (boundary, &contact),
                &places,
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

    /// The faces of the tumour that lie on the brainstem.
    pub fn contact_faces(&self) -> &[ContactFace] {
        &self.contact_faces
    }

    /// Which of some points (RAS mm) of the tumour's smooth surface lie where it meets the brainstem: within a voxel's longest edge of a face in contact.
    pub fn is_in_contact(&self, points: &[DVec3]) -> Vec<bool> {
        let edges = self.contact_faces.iter().flat_map(|f| f.half_edges);
        let near = edges.map(|e| 2.0 * e.length()).fold(0.0, f64::max);
        (points.par_iter())
            .map(|p| {
                (self.contact_faces.iter()).any(|f| f.point.distance_squared(*p) <= near * near)
            })
            .collect()
    }

    /// How deep each point of the brainstem's surface on the tumour's side is pressed in against the mirrored other side, mm (see [`MirrorPlane::compression_mm`]): on the levels of
    /// the tumour and a little above and below, where the mirror is known; not a number elsewhere. `None` where there is no mirror.
    ///
    /// [`MirrorPlane::compression_mm`]: super::MirrorPlane::compression_mm
    pub fn compression_mm(&self, brainstem: &Mesh) -> Option<Vec<f64>> {
        let tumour = self.tumour.as_ref()?;
        let (axes, side) = (tumour.axes()?, self.evidence.side?);
        let depths = (self.evidence.mirror_plane?).compression_mm(brainstem, side)?;
        let [low, high] = heights(tumour.boundary(), axes);
        let levels = low - ABOUT_MM..=high + ABOUT_MM;
        let known = |(point, depth): (&DVec3, Option<f64>)| {
            let here = levels.contains(&axes.height_mm(*point));
            depth.filter(|_| here).unwrap_or(f64::NAN)
        };
        Some(brainstem.points().iter().zip(depths).map(known).collect())
    }

    /// How a surgeon sees the tumour by the retrosigmoid approach, and its middle, RAS mm; `None` where the labels do not tell the patient's axes or the side.
    pub fn surgeon_view(&self, position: HeadPosition) -> Option<(SurgeonView, DVec3)> {
        let tumour = self.tumour.as_ref()?;
        let view = SurgeonView::retrosigmoid(tumour.axes()?, tumour.side()?, position);
        Some((view, DVec3::from_array(tumour.size().centroid_ras_mm)))
    }

    /// The grade in the topographic wording, at a porus plane that a reader set or, without one, at the plane that was found.
    pub fn assess(&self, plane: Option<&PorusPlane>) -> KoosAssessment {
        self.assess_with(plane, KoosOptions::default())
    }

    /// The grade as the caller chooses, at a porus plane that a reader set or, without one, at the plane that was found.
    pub fn assess_with(&self, plane: Option<&PorusPlane>, options: KoosOptions) -> KoosAssessment {
        self.assess_pulled(plane, options, None)
    }

    /// The same with the largest extrameatal diameter as a reader pulled it, where one did.
    pub fn assess_pulled(
        &self,
        plane: Option<&PorusPlane>,
        options: KoosOptions,
        extrameatal: Option<Diameter>,
    ) -> KoosAssessment {
        let mut out = KoosAssessment {
            tumour: self.tumour.is_some(),
            wording: options.wording.name(),
            post_operative: options.post_operative,
            evidence: self.evidence.clone(),
            ..KoosAssessment::default()
        };
        let Some(tumour) = &self.tumour else {
            return out;
        };
        if let Some(point) = options.brainstem_from {
            out.warnings
                .push(brainstem_caution(DVec3::from_array(point)));
        }
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
        let parts = tumour.parts_of_at_least(MIN_PART_MM3);
        if parts > 1 {
            out.warnings.push(format!(
                "the outline has {parts} separate parts, which are graded as one tumour"
            ));
        }
        if tumour.size().specks > 0 {
            out.warnings.push(format!(
                "{} of the outline's parts {} smaller than {MIN_PART_MM3:.0} mm³ and in no length, gap or contact: check whether they belong to the tumour",
                tumour.size().specks,
                if tumour.size().specks == 1 { "is" } else { "are" }
            ));
        }
        split_at_porus(tumour, plane, extrameatal, &mut out);
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

fn split_at_porus(
    tumour: &TumourGeometry,
    given: Option<&PorusPlane>,
    pulled: Option<Diameter>,
    out: &mut KoosAssessment,
) {
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
    let (protrusion, farthest) = tumour.protrusion(plane);
    out.evidence.protrusion_mm = Some(protrusion);
    out.evidence.protrusion_point_ras_mm = farthest.map(|p| p.to_array());
    let canal = measures.diameters.canal_length.map(|d| d.ends_ras_mm);
    let within = canal.map_or(plane.point_ras_mm, |[a, b]| {
        std::array::from_fn(|n| f64::midpoint(a[n], b[n]))
    });
    out.evidence.intrameatal_point_ras_mm = Some(within);
    out.evidence.porus_plane = Some(*plane);
    let diameter = pulled.or(measures.diameters.extrameatal_max);
    out.evidence.extrameatal_diameter_mm = diameter.map(|d| d.value_mm);
    out.evidence.extrameatal_ends_ras_mm = diameter.map(|d| d.ends_ras_mm);
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
        // It asks for contact first, and would say less than the grade of a brainstem that is displaced without.
        out.hannover = HannoverClass::of(extrameatal, &measures)
            .filter(|class| out.grade != Some(KoosGrade::IV) || *class >= HannoverClass::T3b);
    }
}
