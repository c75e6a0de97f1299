//! Sizes of a tumour by named rules, at the porus plane that was found and at planes that a reader moved.
use glam::{DAffine3, DMat3, DQuat, DVec3};
use schwann::{
    app::{ByHand, PorusShift},
    measure::{
        Diameter, DiameterKind, DiameterRule, KoosBasis, KoosGrade, KoosOptions, KoosWording,
        Plane, PlaneFrame, PorusPlane, SizeSide, TokyoClass, TumourDiameters, TumourGeometry,
        Verdict, koos, structure_size,
    },
    patient::{Change, ModelInfo, Outline, ScanOrigin, Visit, assess},
    phantom::{GridSpec, Modality, Patient, PatientSpec, Site, TumourForm, VisitSpec},
    volume::{Grid, LabelMap, LabelTable, Sequence, Side, Structure, unobserved},
};

const VS: Structure = Structure::VestibularSchwannoma;
/// A ball on the end of a cone of ice: its centre (lateral, anterior, superior) and radius, and where the canal's part ends laterally, mm.
const BALL: (DVec3, f64) = (DVec3::new(16.0, -3.0, 0.0), 10.0);
const LATERAL_END: f64 = 31.0;
const FUNDUS: f64 = 34.0;
const CANAL_RADIUS: f64 = 2.5;

fn in_tumour(q: DVec3) -> bool {
    q.distance(BALL.0) <= BALL.1
        || (BALL.0.x..=LATERAL_END).contains(&q.x) && q.y.hypot(q.z) <= CANAL_RADIUS
}

/// A head whose porus is at 24 mm lateral in the axial plane of the canal; `sign` is −1 for a tumour on the left.
fn structure(p: DVec3, sign: f64, fluid: bool) -> Option<Structure> {
    let q = DVec3::new(p.x * sign, p.y, p.z);
    let cochlea = |x: f64| q.distance(DVec3::new(x, 5.1, -2.7)) <= 2.4;
    if in_tumour(q) {
        Some(VS)
    } else if fluid && (24.0..=FUNDUS).contains(&q.x) && q.y.hypot(q.z) <= CANAL_RADIUS {
        Some(Structure::InternalAuditoryCanal)
    } else if cochlea(34.8) || cochlea(-34.8) {
        Some(Structure::Cochlea)
    } else {
        let brainstem = (q.x / 12.0).powi(2) + ((q.y + 3.5) / 11.0).powi(2) <= 1.0;
        (brainstem && q.z.abs() < 20.0).then_some(Structure::Brainstem)
    }
}

fn labels(grid: Grid, sign: f64, fluid: bool) -> LabelMap {
    let table = LabelTable::default();
    let value = |n: usize| {
        let found = structure(grid.point_in_world(grid.voxel(n)), sign, fluid);
        found.and_then(|s| table.value(s)).unwrap_or(0)
    };
    let values = (0..grid.len()).map(value).collect();
    LabelMap::new(grid, values, table).unwrap()
}

fn grid(spacing: [f64; 3], turn: DVec3) -> Grid {
    let extent = [92.0, 54.0, 50.0];
    let shape: [usize; 3] = std::array::from_fn(|a| (extent[a] / spacing[a]) as usize);
    let m = DMat3::from_quat(DQuat::from_scaled_axis(turn))
        * DMat3::from_diagonal(DVec3::from_array(spacing));
    let half = DVec3::from_array(std::array::from_fn(|a| (shape[a] as f64 - 1.0) / 2.0));
    Grid::new(shape, DAffine3::from_mat3_translation(m, -(m * half))).unwrap()
}

fn fine() -> Grid {
    grid([0.5; 3], DVec3::ZERO)
}

fn geometry(grid: Grid, sign: f64) -> TumourGeometry {
    TumourGeometry::of(&labels(grid, sign, true)).unwrap()
}

fn ends(d: Option<Diameter>) -> [DVec3; 2] {
    d.unwrap().ends_ras_mm.map(DVec3::from_array)
}

/// The exact values: largest extrameatal (between the ball's far side and the corner where canal and plane meet), parallel, perpendicular, craniocaudal, 3D (to the edge of the
/// canal part's lateral end), in the canal, whole axial, cap.
fn truth() -> [f64; 8] {
    let corner = DVec3::new(24.0 + CANAL_RADIUS, -CANAL_RADIUS, 0.0);
    let end = DVec3::new(LATERAL_END, CANAL_RADIUS, 0.0);
    let depth = (24.0 - BALL.0.x - BALL.0.y) / 2.0_f64.sqrt();
    let reach = |p: DVec3| p.distance(BALL.0) + BALL.1;
    [
        reach(corner),
        2.0 * BALL.1,
        depth + BALL.1,
        2.0 * BALL.1,
        reach(end),
        LATERAL_END - 24.0,
        reach(end),
        FUNDUS - LATERAL_END,
    ]
}

fn values_of(tumour: &TumourGeometry) -> Vec<f64> {
    values(&tumour.diameters(None))
}

fn values(d: &TumourDiameters) -> Vec<f64> {
    d.iter().map(|d| d.value_mm).collect()
}

#[test]
fn a_ball_on_a_cone_has_its_known_lengths_on_any_grid_and_side() {
    let grids = [
        (fine(), 0.5),
        (grid([0.45, 0.45, 1.5], DVec3::ZERO), 0.8),
        (grid([0.5, 0.5, 1.0], DVec3::new(0.08, -0.06, 0.2)), 1.0),
        (grid([0.4, 1.2, 0.4], DVec3::new(0.0, 0.0, 0.1)), 1.2),
    ];
    for (grid, tolerance) in grids {
        for sign in [-1.0, 1.0] {
            let found = geometry(grid, sign).diameters(None);
            let mm = values(&found);
            assert_eq!(mm.len(), 8, "{found:?}");
            for ((mm, truth), d) in mm.iter().zip(truth()).zip(found.iter()) {
                let name = d.which.name();
                assert!(
                    (mm - truth).abs() < tolerance,
                    "{name} {mm} for {truth}, {grid:?}"
                );
                let [a, b] = ends(Some(*d));
                assert!((a.distance(b) - mm).abs() < 1e-9, "{name}");
                assert!(
                    d.error95_mm > 0.2 && d.error95_mm < 1.3,
                    "{name} {}",
                    d.error95_mm
                );
            }
        }
    }
}

#[test]
fn mirrored_heads_have_mirrored_lines() {
    let [left, right] = [-1.0, 1.0].map(|sign| geometry(fine(), sign));
    assert_eq!(
        (left.side(), right.side()),
        (Some(Side::Left), Some(Side::Right))
    );
    let [a, b] = [&left, &right].map(|g| g.measures(None));
    for (a, b) in values(&a.diameters).iter().zip(values(&b.diameters)) {
        assert!((a - b).abs() < 1e-9, "{a} {b}");
    }
    let mirror = |p: DVec3| DVec3::new(-p.x, p.y, p.z);
    for (a, b) in (ends(a.diameters.canal_length).into_iter()).zip(ends(b.diameters.canal_length)) {
        assert!(mirror(a).distance(b) < 1e-6, "{a} {b}");
    }
    let volume = |m: &schwann::measure::TumourMeasures| m.volumes.extrameatal.unwrap().volume_mm3;
    assert!((volume(&a) - volume(&b)).abs() < 1e-6);
    // Turned and moved the same way, the planes stay mirror images.
    let [a, b] = [&left, &right].map(|g| {
        let axes = *g.axes().unwrap();
        let plane = g.porus_plane().unwrap();
        let turned = plane
            .moved(1.5)
            .tilted(-axes.anterior, 12.0)
            .tilted(axes.superior, 5.0);
        values(&g.diameters(Some(&turned)))
    });
    assert!(
        a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-9),
        "{a:?} {b:?}"
    );
}

#[test]
fn the_lines_that_readers_know_agree_with_the_sizes_beside_them() {
    let map = labels(grid([0.5, 0.5, 1.5], DVec3::ZERO), 1.0, true);
    let size = structure_size(&map, VS).unwrap();
    let found = TumourGeometry::of(&map).unwrap().diameters(None);
    let evidence = koos(&map).evidence;
    let mm = |d: Option<Diameter>| d.map(|d| d.value_mm);
    assert_eq!(mm(found.whole_axial), Some(size.max_axial_diameter_mm));
    assert_eq!(mm(found.max_3d), Some(size.max_diameter_3d_mm));
    assert_eq!(mm(found.extrameatal_max), evidence.extrameatal_diameter_mm);
    let (deep, reach) = (mm(found.extrameatal_perpendicular), evidence.protrusion_mm);
    assert!((deep.unwrap() - reach.unwrap()).abs() < 1e-9);
    // Both ends of an axial line lie on one slice.
    let [a, b] = ends(found.extrameatal_max);
    assert!((a.z - b.z).abs() < 1e-9);
    // The parallel line runs along the face, at right angles to the perpendicular.
    let [a, b] = ends(found.extrameatal_parallel);
    let [c, d] = ends(found.extrameatal_perpendicular);
    assert!((b - a).dot(d - c).abs() < 1e-6);
}

#[test]
fn part_volumes_are_those_of_the_body_and_follow_the_plane() {
    // The body by points of 0.2 mm that know nothing of the label's voxels.
    let plane = |q: DVec3| (24.0 - q.x - q.y) / 2.0_f64.sqrt();
    let exact = |offset: f64| {
        let (mut intra, mut extra) = (0.0, 0.0);
        for k in 0..110 {
            for j in 0..120 {
                for i in 0..140 {
                    let q = DVec3::new(5.1, -14.9, -10.9)
                        + DVec3::new(f64::from(i), f64::from(j), f64::from(k)) * 0.2;
                    if in_tumour(q) {
                        *(if plane(q) > offset {
                            &mut extra
                        } else {
                            &mut intra
                        }) += 0.008;
                    }
                }
            }
        }
        [intra, extra]
    };
    let tumour = geometry(grid([0.5, 0.5, 1.0], DVec3::ZERO), -1.0);
    let found = *tumour.porus_plane().unwrap();
    for offset in [-2.0, -0.3, 0.0, 0.7, 3.0] {
        let moved = found.moved(offset);
        let v = tumour.volumes(Some(&moved));
        let parts = [v.intrameatal, v.extrameatal].map(Option::unwrap);
        for (part, truth) in parts.iter().zip(exact(offset)) {
            // The found plane lies within 0.3 mm of the head's, over a section of up to 150 mm².
            let error = (part.volume_mm3 - truth).abs();
            assert!(
                error < 12.0 + 0.15 * v.porus_area_mm2.unwrap(),
                "{offset}: {part:?} {truth}"
            );
            let [low, high] = part.interval95_mm3;
            assert!(low < part.volume_mm3 && part.volume_mm3 < high);
        }
        let sum: f64 = parts.iter().map(|p| p.volume_mm3).sum();
        let surfaces: f64 = parts.iter().map(|p| p.surface_mm2).sum();
        assert!((sum - v.whole.volume_mm3).abs() < 1e-6);
        assert!((surfaces - v.whole.surface_mm2).abs() < 1e-6);
        // What a small step moves across is the section's area times the step.
        let extra = |by: f64| {
            tumour
                .volumes(Some(&found.moved(offset + by)))
                .extrameatal
                .unwrap()
                .volume_mm3
        };
        let slope = (extra(-0.2) - extra(0.2)) / 0.4;
        let area = v.porus_area_mm2.unwrap();
        assert!(
            (slope / area - 1.0).abs() < 0.12,
            "{offset}: {slope} {area}"
        );
    }
}

#[test]
fn a_moved_plane_moves_what_depends_on_it_and_nothing_else() {
    let map = labels(fine(), 1.0, true);
    let basis = KoosBasis::of(&map);
    let tumour = basis.tumour().unwrap();
    let found = *tumour.porus_plane().unwrap();
    assert_eq!(basis.assess(None), koos(&map));
    assert_eq!(basis.assess(Some(&found)), koos(&map));
    let [before, after] = [found, found.moved(2.0)].map(|p| tumour.diameters(Some(&p)));
    let mm = |d: Option<Diameter>| d.unwrap().value_mm;
    let perpendicular = |d: &TumourDiameters| mm(d.extrameatal_perpendicular);
    assert!((perpendicular(&before) - perpendicular(&after) - 2.0).abs() < 1e-9);
    // The axis meets the plane at 45°.
    let longer = mm(after.canal_length) - mm(before.canal_length);
    assert!((longer - 2.0 * 2.0_f64.sqrt()).abs() < 0.25, "{longer}");
    assert_eq!(before.max_3d, after.max_3d);
    assert_eq!(
        before.fundal_cap.map(|c| c.ends_ras_mm),
        after.fundal_cap.map(|c| c.ends_ras_mm)
    );
    // Beyond the whole tumour it is intracanalicular, and says by whom.
    let far = basis.assess(Some(&found.moved(60.0)));
    assert_eq!(far.grade, Some(KoosGrade::I));
    assert_eq!(
        far.evidence.porus_plane.unwrap().source,
        "moved by a reader"
    );
    assert_eq!(far.evidence.extrameatal_diameter_mm, None);
    assert_eq!(
        far.evidence.brainstem_gap_mm,
        koos(&map).evidence.brainstem_gap_mm
    );
    let none = tumour.diameters(Some(&found.moved(-60.0)));
    assert_eq!((none.canal_length, none.fundal_cap), (None, None));
}

#[test]
fn planes_turn_about_their_point_and_refuse_what_is_not_a_number() {
    let plane =
        PorusPlane::set_by_reader(DVec3::new(1.0, 2.0, 3.0), DVec3::new(-3.0, -3.0, 0.0)).unwrap();
    let turned = plane.tilted(DVec3::Z, 30.0);
    assert_eq!(turned.point_ras_mm, plane.point_ras_mm);
    assert!((DVec3::from_array(turned.normal_ras).z - 0.5).abs() < 1e-12);
    let back = turned.tilted(-DVec3::Z, 30.0);
    assert!(
        DVec3::from_array(back.normal_ras).distance(DVec3::from_array(plane.normal_ras)) < 1e-12
    );
    assert!((plane.moved(2.5).beyond_mm(DVec3::new(1.0, 2.0, 3.0)) + 2.5).abs() < 1e-12);
    for same in [
        plane.moved(f64::NAN),
        plane.tilted(DVec3::Z, f64::INFINITY),
        plane.tilted(DVec3::new(1.0, 1.0, 0.0), 10.0),
        plane.tilted(DVec3::NAN, 10.0),
    ] {
        assert_eq!(same, plane);
    }
    assert!(PorusPlane::set_by_reader(DVec3::NAN, DVec3::X).is_none());
    assert!(PorusPlane::set_by_reader(DVec3::ZERO, DVec3::ZERO).is_none());
    // The line in a picture lies on both planes.
    for frame in [
        PlaneFrame::anatomical(Plane::Axial, DVec3::new(4.0, -1.0, 9.0)),
        PlaneFrame::from_directions(
            DVec3::ONE,
            DVec3::new(-1.0, 0.2, 0.1),
            DVec3::new(0.1, 0.3, -1.0),
        ),
    ] {
        let (p, along) = turned.line_in(&frame).unwrap();
        for mm in [-20.0, 0.0, 35.0] {
            let at = frame.point_in_world([p[0] + along[0] * mm, p[1] + along[1] * mm]);
            assert!(turned.beyond_mm(at).abs() < 1e-9, "{at}");
        }
    }
    let parallel = PlaneFrame::from_directions(DVec3::ZERO, DVec3::Z, DVec3::new(1.0, -1.0, 0.0));
    assert_eq!(plane.line_in(&parallel), None);
}

#[test]
fn a_dragged_line_is_measured_between_its_new_ends_and_says_so() {
    let line = geometry(fine(), 1.0)
        .diameters(None)
        .extrameatal_max
        .unwrap();
    let dragged = line.dragged([DVec3::ZERO, DVec3::new(3.0, 4.0, 0.0)]);
    assert_eq!((dragged.value_mm, dragged.rule), (5.0, line.rule));
    assert_ne!(dragged.source, line.source);
}

#[test]
fn what_cannot_be_measured_is_absent() {
    let full = labels(fine(), 1.0, false);
    let found = TumourGeometry::of(&full).unwrap().diameters(None);
    assert!(
        found.canal_length.is_some() && found.fundal_cap.is_none(),
        "no canal is labelled"
    );
    let without = |gone: &[Structure]| {
        let gone: Vec<_> = gone.iter().filter_map(|s| full.table().value(*s)).collect();
        let kept = full
            .labels()
            .iter()
            .map(|l| if gone.contains(l) { 0 } else { *l });
        LabelMap::new(*full.grid(), kept.collect(), full.table().clone()).unwrap()
    };
    let map = without(&[Structure::Cochlea]);
    let tumour = TumourGeometry::of(&map).unwrap();
    let measures = tumour.measures(None);
    assert_eq!(
        (measures.porus_plane, measures.volumes.extrameatal),
        (None, None)
    );
    assert!(measures.diameters.extrameatal_max.is_none() && measures.diameters.max_3d.is_some());
    // A reader can still set one, and then it counts.
    let plane = *TumourGeometry::of(&full).unwrap().porus_plane().unwrap();
    let set = PorusPlane::set_by_reader(
        DVec3::from_array(plane.point_ras_mm),
        DVec3::from_array(plane.normal_ras),
    );
    let given = tumour.measures(set.as_ref());
    assert!(
        given.diameters.extrameatal_parallel.is_some() && given.diameters.canal_length.is_some()
    );
    assert!(
        KoosBasis::of(&map)
            .assess(set.as_ref())
            .evidence
            .protrusion_mm
            .is_some()
    );
    assert!(TumourGeometry::of(&without(&[VS])).is_none());
    // Tumours on both sides are not one.
    let both = TumourGeometry::of(&two_sided())
        .unwrap()
        .measures(set.as_ref());
    assert_eq!((both.porus_plane, both.volumes.intrameatal), (None, None));
    assert_eq!(both.diameters, TumourDiameters::default());
}

fn two_sided() -> LabelMap {
    let (left, right) = (labels(fine(), -1.0, false), labels(fine(), 1.0, false));
    let merged =
        (left.labels().iter().zip(right.labels())).map(|(a, b)| if *a == 1 { 1 } else { *b });
    LabelMap::new(*right.grid(), merged.collect(), right.table().clone()).unwrap()
}

#[test]
fn phantoms_have_the_part_volumes_and_the_canal_of_their_truth() {
    let mut caps = 0;
    for (koos, seed) in [
        (KoosGrade::II, 3),
        (KoosGrade::II, 5),
        (KoosGrade::III, 4),
        (KoosGrade::IV, 6),
    ] {
        let patient = Patient::new(&PatientSpec {
            seed,
            koos: Some(koos),
            ..PatientSpec::default()
        })
        .unwrap();
        let visit = VisitSpec {
            years: 0.0,
            site: Site::London,
            modality: Modality::HrT2,
            seed,
            grid: Some(GridSpec {
                shape: [200, 112, 72],
                spacing_mm: [0.5; 3],
            }),
        };
        let scan = patient.scan(&visit, &mut unobserved).unwrap();
        let truth = &scan.truth;
        let side = usize::from(truth.side == Some(Side::Right));
        let porus = truth.porus[side];
        let plane = PorusPlane::set_by_reader(
            DVec3::from_array(porus.point_mm),
            DVec3::from_array(porus.normal),
        );
        let tumour = TumourGeometry::of(&scan.labels).unwrap();
        let found = tumour.measures(plane.as_ref());
        let case = format!("Koos {koos}, seed {seed}: {found:?}");
        for (part, exact) in [
            (found.volumes.intrameatal, truth.intrameatal_volume_mm3),
            (found.volumes.extrameatal, truth.extrameatal_volume_mm3),
        ] {
            let error = (part.unwrap().volume_mm3 - exact).abs();
            assert!(error < 4.0 + 0.02 * exact, "{exact}; {case}");
        }
        let shape = &truth.drawn.tumour.as_ref().unwrap().shape;
        if shape.form == TumourForm::Medial || shape.outline.is_some() || shape.size < 1.0 {
            continue;
        }
        // The end of the capsule that fills the canal.
        let half = shape.lateral_end_mm / 2.0;
        let end = shape.lateral_end_mm + ((half + 0.6).min(4.6) - half).max(0.0);
        let length = found.diameters.canal_length.unwrap().value_mm;
        assert!((length - end).abs() < 0.8, "{end}; {case}");
        // The nerves' part of the canal's label runs half a millimetre into the fundus.
        let cap = truth.drawn.canals[side].length_mm + 0.5 - end;
        let measured = found.diameters.fundal_cap.map_or(0.0, |c| c.value_mm);
        assert!((measured - cap).abs() < 0.8, "{cap}; {case}");
        caps += 1;
    }
    assert!(caps > 1, "{caps}");
}

#[test]
fn a_stray_voxel_is_in_no_length_and_is_told() {
    let clean = labels(fine(), 1.0, true);
    let mut values = clean.labels().to_vec();
    // On the other side of the head, 40 mm away.
    let grid = *clean.grid();
    let at = grid.nearest_voxel(DVec3::new(-25.0, 12.0, 3.0)).unwrap();
    for step in 0..3 {
        values[grid.index([at[0] + step, at[1], at[2]])] = clean.table().value(VS).unwrap();
    }
    let strayed = LabelMap::new(grid, values, clean.table().clone()).unwrap();
    let [before, after] = [&clean, &strayed].map(|map| structure_size(map, VS).unwrap());
    assert_eq!(after.voxels, before.voxels + 3);
    assert_eq!((before.specks, after.specks), (0, 1));
    assert_eq!(after.max_axial_diameter_mm, before.max_axial_diameter_mm);
    assert_eq!(after.max_diameter_3d_mm, before.max_diameter_3d_mm);
    assert_eq!(after.side, before.side);
    let [before, after] = [&clean, &strayed].map(|map| TumourGeometry::of(map).unwrap());
    assert_eq!(values_of(&after), values_of(&before));
    let [before, after] = [&clean, &strayed].map(koos);
    assert_eq!(
        after.evidence.brainstem_gap_mm,
        before.evidence.brainstem_gap_mm
    );
    let told = |found: &schwann::measure::KoosAssessment| {
        found
            .warnings
            .iter()
            .any(|w| w.contains("smaller than 10 mm³"))
    };
    assert!(told(&after) && !told(&before), "{:?}", after.warnings);
}

fn origin(warnings: Vec<String>) -> ScanOrigin {
    ScanOrigin {
        date: "2024-03-12".parse().unwrap(),
        sequence: Sequence::HrT2,
        scan_sha256: "00".repeat(32),
        warnings,
    }
}

#[test]
fn a_file_that_does_not_tell_left_from_right_gives_no_side() {
    let map = labels(fine(), 1.0, true);
    let basis = KoosBasis::of(&map);
    for warning in schwann::volume::SIDES_UNTOLD {
        let visit = Visit::measured(&map, origin(vec![warning.to_owned()]), Outline::Imported);
        assert_eq!(visit.finding.tumour.as_ref().unwrap().side, None);
        // Nor does its grade, as it was measured and as the window grades it anew.
        assert_eq!(visit.finding.koos.evidence.side, None);
        let mut again = visit.finding.clone();
        let options = KoosOptions {
            wording: KoosWording::Compression,
            ..KoosOptions::default()
        };
        ByHand::default().measure(&basis, options, &mut again);
        assert_eq!(again.koos.wording, "compression");
        assert_eq!(again.koos.evidence.side, None);
        let paragraph = assess(&[visit], &[], None).unwrap().to_paragraph();
        assert!(paragraph.contains("side: not known"), "{paragraph}");
    }
    let told = Visit::measured(&map, origin(Vec::new()), Outline::Imported);
    assert_eq!(told.finding.koos.evidence.side, Some(Side::Right));
}

#[test]
fn a_model_that_cannot_tell_whether_there_is_a_tumour_gets_no_grade_wherever_it_is_told() {
    let table = LabelTable::default();
    let cochlea = table.value(Structure::Cochlea).unwrap();
    let of = |mm: f64, value: u8| {
        let grid = Grid::axis_aligned([8, 8, 8], [1.0, 1.0, mm], DVec3::ZERO).unwrap();
        LabelMap::new(grid, vec![value; grid.len()], table.clone()).unwrap()
    };
    let model = || ModelInfo {
        name: "segmenter".to_owned(),
        version: "0.4.0".to_owned(),
        sha256: "ab".repeat(32),
    };
    let drawn = Outline::Model {
        model: model(),
        device: "CPU".to_owned(),
    };
    let edited = |model| Outline::Edited {
        model,
        device: None,
    };
    let coarse = "more than 3 mm";
    for (mm, value, outline, why) in [
        (5.0, cochlea, drawn.clone(), Some(coarse)),
        (5.0, cochlea, edited(Some(model())), Some(coarse)),
        (3.0, cochlea, drawn.clone(), None),
        // Perhaps no head at all.
        (3.0, 0, drawn, Some("no inner ear")),
        // Somebody looked.
        (5.0, cochlea, edited(None), None),
        (5.0, 0, Outline::Imported, None),
    ] {
        let withheld = why.is_some();
        let case = format!("{mm} mm, {value}, {outline:?}");
        let visit = Visit::measured(&of(mm, value), origin(Vec::new()), outline);
        assert!(visit.finding.tumour.is_none());
        let koos = &visit.finding.koos;
        let text = if withheld { "withheld" } else { "none" };
        assert_eq!(koos.grade_text(), text, "{case}");
        assert_eq!(koos.withheld.is_some(), withheld, "{case}");
        let grade = serde_json::to_value(koos).unwrap()["grade"].clone();
        let found = assess(&[visit], &[], None).unwrap();
        let of_growth = serde_json::to_value(&found).unwrap()["visits"][0]["koos"].clone();
        assert_eq!(grade, of_growth, "{case}");
        assert_eq!(grade.is_null(), withheld, "{case}");
        let told = |why: &str| found.warnings.iter().any(|w| w.contains(why));
        assert_eq!(
            why.is_some_and(told),
            withheld,
            "{case}: {:?}",
            found.warnings
        );
        let said = found.to_paragraph();
        assert_eq!(said.contains("whether there is one is not told"), withheld);
    }
}

#[test]
fn a_model_without_a_label_for_the_tumour_never_says_that_there_is_none() {
    let grid = Grid::axis_aligned([8; 3], [1.0; 3], DVec3::ZERO).unwrap();
    // Of an nnU-Net whose other label is called "lesion", which is no name of a tumour that is known.
    let table = LabelTable::new([(1, Structure::Cochlea)]);
    let map = LabelMap::new(grid, vec![1; grid.len()], table).unwrap();
    let drawn = Outline::Model {
        model: ModelInfo {
            name: "Dataset001".to_owned(),
            version: "nnU-Net v2, 1 folds".to_owned(),
            sha256: "ab".repeat(32),
        },
        device: "CPU".to_owned(),
    };
    let koos = Visit::measured(&map, origin(Vec::new()), drawn)
        .finding
        .koos;
    assert_eq!(koos.grade_text(), "withheld");
    let why = koos.withheld.unwrap();
    assert!(why.contains("none of the model's labels"), "{why}");
}

#[test]
fn tumours_on_both_sides_are_not_one_where_a_file_does_not_tell_left_from_right() {
    let map = two_sided();
    let visit = |date: &str, hash: &str| {
        let scan = ScanOrigin {
            date: date.parse().unwrap(),
            scan_sha256: hash.repeat(32),
            ..origin(vec![schwann::volume::SIDES_UNTOLD[0].to_owned()])
        };
        Visit::measured(&map, scan, Outline::Imported)
    };
    let visits = [visit("2023-03-12", "00"), visit("2024-03-12", "01")];
    let tumour = visits[0].finding.tumour.as_ref().unwrap();
    assert_eq!(tumour.side, Some(SizeSide::Both));
    let found = assess(&visits, &[], None).unwrap();
    assert_eq!(found.verdict, Some(Verdict::NotComparable));
    assert!(found.changes[0].reasons[0].contains("both sides"));
}

#[test]
fn tumours_of_both_sides_have_no_diameter_across_the_head() {
    let both = structure_size(&two_sided(), VS).unwrap();
    assert_eq!(both.side, Some(SizeSide::Both));
    // The two are mirror images, and the lines of one are those of either.
    let one = structure_size(&labels(fine(), 1.0, false), VS).unwrap();
    let same = |a: f64, b: f64| (a - b).abs() < 1.0;
    assert!(
        same(both.max_diameter_3d_mm, one.max_diameter_3d_mm)
            && same(both.max_axial_diameter_mm, one.max_axial_diameter_mm),
        "{both:?}"
    );
    assert!(both.volume_mm3 > 1.9 * one.volume_mm3);
}

#[test]
fn a_porus_plane_that_was_moved_in_one_visit_only_makes_no_growth() {
    let map = labels(fine(), 1.0, true);
    let basis = KoosBasis::of(&map);
    let visit = |date: &str, hash: &str, offset_mm: f64| {
        let scan = ScanOrigin {
            date: date.parse().unwrap(),
            scan_sha256: hash.repeat(32),
            ..origin(Vec::new())
        };
        let mut visit = Visit::measured(&map, scan, Outline::Imported);
        let porus = PorusShift {
            offset_mm,
            ..PorusShift::default()
        };
        let set = ByHand::default().with_porus(porus);
        set.measure(&basis, KoosOptions::default(), &mut visit.finding);
        visit
    };
    let compared = |before: f64, after: f64| {
        let visits = [
            visit("2023-03-12", "00", before),
            visit("2024-03-12", "01", after),
        ];
        let extra = |v: &Visit| v.finding.tumour.as_ref()?.extrameatal_diameter_mm;
        let change = extra(&visits[1]).unwrap() - extra(&visits[0]).unwrap();
        let mut found = assess(&visits, &[], None).unwrap();
        (change, found.changes.remove(0))
    };
    let told = |c: &Change| c.cautions.iter().any(|w| w.contains("porus plane"));
    let (mm, found) = compared(0.0, -3.0);
    assert!(mm > 2.0, "{mm}");
    assert_eq!(found.verdict, Verdict::Stable, "{:?}", found.reasons);
    assert_eq!(found.diameter_kind, Some(DiameterKind::MaxAxial));
    assert!(told(&found), "{:?}", found.cautions);
    // Moved alike they may be compared.
    let (_, alike) = compared(-3.0, -3.1);
    assert_eq!(alike.diameter_kind, Some(DiameterKind::Extrameatal));
    assert!(!told(&alike), "{:?}", alike.cautions);
}

#[test]
fn a_line_that_a_reader_pulled_counts_in_sizes_and_classes() {
    let map = labels(fine(), 1.0, true);
    let basis = KoosBasis::of(&map);
    let found = Visit::measured(&map, origin(Vec::new()), Outline::Imported).finding;
    let measured = |set: &ByHand| {
        let mut finding = found.clone();
        set.measure(&basis, KoosOptions::default(), &mut finding);
        finding
    };
    let ends = |mm: f64| Some([DVec3::ZERO, DVec3::X * mm]);
    let set = ByHand::default()
        .with_line(DiameterRule::WholeAxial, ends(41.0))
        .with_line(DiameterRule::Max3d, ends(42.0))
        .with_line(DiameterRule::ExtrameatalMax, ends(45.0));
    let pulled = measured(&set);
    let size = pulled.tumour.unwrap();
    assert_eq!(
        (size.max_axial_diameter_mm, size.max_diameter_3d_mm),
        (41.0, 42.0)
    );
    assert_eq!(size.extrameatal_diameter_mm, Some(45.0));
    assert_eq!(pulled.koos.evidence.extrameatal_diameter_mm, Some(45.0));
    assert_eq!(pulled.koos.tokyo, Some(TokyoClass::of(Some(45.0))));
    assert_ne!(pulled.koos.tokyo, found.koos.tokyo);
    // As it was, once they are let go.
    assert_eq!(measured(&ByHand::default()), found);
}

#[test]
fn a_visit_tells_its_sizes_in_json_and_text() {
    let map = labels(fine(), 1.0, true);
    let visit = Visit::measured(&map, origin(Vec::new()), Outline::Imported);
    let tumour = visit.finding.tumour.as_ref().unwrap();
    let measures = tumour.measures.unwrap();
    assert_eq!(measures.volumes.whole.volume_mm3, tumour.volume_mm3);
    let whole = measures.volumes.whole;
    let half = visit.extent().unwrap().loa95_mm3();
    assert!((whole.interval95_mm3[1] - whole.volume_mm3 - half).abs() < 1e-9);
    let assessment = assess(&[visit], &[], None).unwrap();
    let json: serde_json::Value = serde_json::from_str(&assessment.to_json().unwrap()).unwrap();
    let max = &json["visits"][0]["measures"]["diameters"]["extrameatal_max"];
    assert_eq!(
        max["value_mm"],
        json["visits"][0]["extrameatal_diameter_mm"]
    );
    let text = assessment.to_text();
    let d = measures.diameters;
    for line in [
        format!(
            "length in the canal {:.1} mm",
            d.canal_length.unwrap().value_mm
        ),
        format!("fundal cap {:.1} mm", d.fundal_cap.unwrap().value_mm),
        format!(
            "craniocaudal {:.1} × {:.1} × {:.1} mm",
            d.extrameatal_parallel.unwrap().value_mm,
            d.extrameatal_perpendicular.unwrap().value_mm,
            d.craniocaudal.unwrap().value_mm
        ),
        "intrameatal ".to_owned(),
    ] {
        assert!(text.contains(&line), "{line}: {text}");
    }
}
