//! The evidence of the Koos grade against bodies whose measures are known and against the phantom's exact truth.
use glam::{DAffine3, DMat3, DVec3};
use schwann::{
    measure::{
        BrainstemError, CleftVerdict, HannoverClass, KoosAssessment, KoosBasis, KoosGrade,
        KoosOptions, KoosStructure, KoosSubgrade, KoosWording, TokyoClass, brainstem_at, dice,
        koos, surface_mesh,
    },
    phantom::{GridSpec, Modality, Patient, PatientSpec, Scan, Site, VisitSpec},
    volume::{Grid, LabelMap, LabelTable, Sequence, Structure, Volume, Voxels, unobserved},
};
use std::sync::OnceLock;

/// A head in RAS: cochleae 69.6 mm apart, an elliptic brainstem 24 mm wide and 20 mm deep, turned by an angle about the long axis.
pub(super) struct Head {
    sign: f64,
    /// How far the brainstem lies off the midline, away from the tumour.
    shift: f64,
    /// Degrees by which its front is turned away from the tumour.
    turn: f64,
    /// How deep a ball of 9 mm radius presses into its side.
    dent: f64,
    spacing: [f64; 3],
}

const HEAD: Head = Head {
    sign: -1.0,
    shift: 0.0,
    turn: 0.0,
    dent: 0.0,
    spacing: [0.5, 0.5, 1.0],
};
/// The head with a tumour on the left that dents the brainstem by so many mm and does not displace it.
pub(super) fn dented(dent: f64) -> Head {
    Head { dent, ..HEAD }
}

const SEMI: [f64; 2] = [12.0, 10.0];
const BALL_MM: f64 = 9.0;

impl Head {
    /// In the frame of a tumour on the right: the brainstem's own coordinates.
    fn own(&self, p: DVec3) -> DVec3 {
        let q = DVec3::new(p.x * self.sign + self.shift, p.y, p.z);
        // The front of a tumour on the right turns to the left: anticlockwise from above.
        DMat3::from_rotation_z(-self.turn.to_radians()) * q
    }

    fn structure(&self, p: DVec3) -> Option<Structure> {
        let q = DVec3::new(p.x * self.sign, p.y, p.z);
        let own = self.own(p);
        let cochlea = [34.8, -34.8]
            .iter()
            .any(|x| q.distance(DVec3::new(*x, 5.1, -2.7)) <= 2.8);
        let canal = q.x > 23.0 && q.x < 33.0 && q.y.hypot(q.z) < 2.5;
        let ball = own.distance(DVec3::new(SEMI[0] + BALL_MM - self.dent, 0.0, 0.0)) <= BALL_MM;
        let stem = (own.x / SEMI[0]).hypot(own.y / SEMI[1]) <= 1.0 && q.z.abs() < 38.0;
        if cochlea {
            Some(Structure::Cochlea)
        } else if canal || ball {
            Some(Structure::VestibularSchwannoma)
        } else if stem {
            Some(Structure::Brainstem)
        } else {
            None
        }
    }

    pub(super) fn labels(&self) -> LabelMap {
        let shape = [96.0, 60.0, 80.0];
        let shape = [0, 1, 2].map(|a| (shape[a] / self.spacing[a]).round() as usize);
        let grid =
            Grid::axis_aligned(shape, self.spacing, DVec3::new(-47.7, -29.8, -39.6)).unwrap();
        drawn(grid, |p| self.structure(p))
    }
}

fn drawn(grid: Grid, what: impl Fn(DVec3) -> Option<Structure>) -> LabelMap {
    let table = LabelTable::default();
    let values = (0..grid.len())
        .map(|n| what(grid.point_in_world(grid.voxel(n))))
        .map(|s| s.and_then(|s| table.value(s)).unwrap_or(0))
        .collect();
    LabelMap::new(grid, values, table).unwrap()
}

#[test]
fn a_disc_of_contact_has_its_area_length_and_slices_on_an_oblique_grid() {
    // A ball of 10 mm whose middle lies 6 mm before a wall: they meet in a disc of 8 mm radius.
    for degrees in [0.0_f64, 25.0] {
        let turned = DMat3::from_rotation_z(degrees.to_radians());
        let axes = turned * DMat3::from_diagonal(DVec3::new(0.5, 0.5, 1.0));
        let grid = Grid::new(
            [80, 80, 40],
            DAffine3::from_mat3_translation(axes, axes * DVec3::new(-39.5, -39.5, -19.5)),
        )
        .unwrap();
        let map = drawn(grid, |p| {
            if p.x < -6.0 && p.x > -14.0 {
                Some(Structure::Brainstem)
            } else {
                (p.length() <= 10.0).then_some(Structure::VestibularSchwannoma)
            }
        });
        let e = koos(&map).evidence;
        let exact = std::f64::consts::PI * 64.0;
        let area = e.contact_area_mm2.unwrap();
        assert!(
            (area / exact - 1.0).abs() < 0.1,
            "{degrees}: {area} for {exact}"
        );
        assert!((e.contact_length_mm.unwrap() - 16.0).abs() < 1.0);
        let [low, high] = e.contact_slices.unwrap();
        assert!((high - low).abs_diff(15) <= 1, "{low} to {high}");
    }
}

#[test]
fn a_dent_has_its_depth_whatever_shift_and_turn_and_side() {
    for (sign, shift, turn, dent) in [
        (-1.0, 0.0, 0.0, 1.0),
        (1.0, 0.0, 0.0, 3.0),
        (-1.0, 3.0, 12.0, 3.0),
        (1.0, 4.0, -8.0, 2.0),
        (1.0, 5.0, 15.0, 5.0),
    ] {
        let head = Head {
            sign,
            shift,
            turn,
            dent,
            ..HEAD
        };
        let labels = head.labels();
        let e = koos(&labels).evidence;
        let case = format!("{sign} {shift} {turn} {dent}: {e:?}");
        assert!((e.indentation_mm.unwrap() - dent).abs() < 0.35, "{case}");
        let angle = e.brainstem_rotation_degrees.unwrap();
        assert!((angle - turn).abs() < 1.0, "{angle}; {case}");
        // The deepest place lies on the tumour's side of the brainstem, where the ball is deepest.
        let own = head.own(DVec3::from_array(e.indentation_point_ras_mm.unwrap()));
        let there = DVec3::new(SEMI[0] - dent, 0.0, 0.0);
        assert!(own.distance(there) < 2.5, "{own}; {case}");
        // The map of the surface tells the same depth, on that side alone.
        let mesh = surface_mesh(&labels, &[Structure::Brainstem], &mut unobserved).unwrap();
        let plane = e.mirror_plane.unwrap();
        let map = plane.compression_mm(&mesh, e.side.unwrap()).unwrap();
        assert_eq!(map.len(), mesh.points().len());
        let near = (mesh.points().iter().zip(&map))
            .filter(|(p, _)| p.z.abs() < 12.0)
            .filter_map(|(_, mm)| *mm);
        let deepest = near.fold(0.0, f64::max);
        assert!((deepest - dent).abs() < 0.7, "{deepest}; {case}");
        for (p, mm) in mesh.points().iter().zip(&map) {
            let x = head.own(*p).x;
            assert!(mm.is_some() == (x > 0.0) || x.abs() < 1.5);
        }
    }
}

#[test]
fn an_indented_brainstem_is_graded_by_the_wording() {
    let basis = KoosBasis::of(&Head { dent: 4.0, ..HEAD }.labels());
    let graded = |wording| {
        basis.assess_with(
            None,
            KoosOptions {
                wording,
                ..KoosOptions::default()
            },
        )
    };
    let topographic = graded(KoosWording::Topographic);
    let compression = graded(KoosWording::Compression);
    assert_eq!(topographic, basis.assess(None));
    let shift = topographic.evidence.brainstem_shift_mm.unwrap();
    assert!(shift < 2.0, "the dent alone moves the middle by {shift}");
    assert_eq!(topographic.grade, Some(KoosGrade::III));
    assert_eq!(topographic.wording, "topographic");
    assert_eq!(compression.grade, Some(KoosGrade::IV));
    assert_eq!(compression.wording, "compression");
    assert_eq!(topographic.hannover, Some(HannoverClass::T4a));
    assert_eq!(topographic.tokyo, Some(TokyoClass::Medium));
    for wording in KoosWording::ALL {
        assert_eq!(KoosWording::of_name(wording.name()), Some(wording));
    }
}

#[test]
fn a_borderline_grade_names_both_grades_and_the_measure() {
    let sum = |a: &KoosAssessment| a.probabilities.iter().sum::<f64>();
    let mut seen = 0;
    for dent in [1.6, 2.0, 2.4] {
        let basis = KoosBasis::of(&Head { dent, ..HEAD }.labels());
        let a = basis.assess_with(
            None,
            KoosOptions {
                wording: KoosWording::Compression,
                ..KoosOptions::default()
            },
        );
        assert!((sum(&a) - 1.0).abs() < 1e-12);
        let surest = a.probabilities.iter().copied().fold(0.0, f64::max);
        assert_eq!(a.borderline.is_some(), surest < 0.8, "{a:?}");
        if let Some(b) = &a.borderline {
            seen += 1;
            assert_eq!(b.to_string(), "borderline III/IV");
            assert!(b.reason.contains("indentation"), "{}", b.reason);
            assert!(a.warnings.iter().any(|w| w.contains(&b.reason)));
        }
    }
    assert!(seen > 0);
}

#[test]
fn every_measure_of_a_whole_head_has_its_place_where_it_was_measured() {
    let head = Head {
        dent: 3.0,
        shift: 3.0,
        ..HEAD
    };
    let labels = head.labels();
    let basis = KoosBasis::of(&labels);
    let e = basis.assess(None).evidence;
    for m in e.measures() {
        // This head has no ventricle and no cerebellum.
        assert_eq!(m.value.is_some(), m.at_ras_mm.is_some(), "{m:?}");
    }
    let ball = DVec3::new(-(SEMI[0] + BALL_MM - 3.0 - 3.0), 0.0, 0.0);
    let at = |name: &str| {
        let all = e.measures();
        let found = all.iter().find(|m| m.name == name).unwrap();
        DVec3::from_array(found.at_ras_mm.unwrap())
    };
    let deepest = DVec3::new(-(SEMI[0] - 3.0 - 3.0), 0.0, 0.0);
    for name in [
        "contact with the brainstem",
        "indentation of the brainstem",
        "gap to the brainstem",
    ] {
        assert!(at(name).distance(deepest) < 8.0, "{name}: {}", at(name));
        assert!(
            (at(name).distance(ball) - BALL_MM).abs() < 1.2,
            "{name}: on the ball"
        );
    }
    let [a, b] = e.contact_ends_ras_mm.unwrap().map(DVec3::from_array);
    assert!((a.distance(b) - e.contact_length_mm.unwrap()).abs() < 1e-12);
    let reach = at("reach beyond the porus");
    let beyond = e.porus_plane.unwrap().beyond_mm(reach);
    assert!((beyond - e.protrusion_mm.unwrap()).abs() < 1e-12);
    // The brainstem as a body lies 3 mm to the left.
    let shifted = at("brainstem shift");
    assert!((shifted.x - 3.0).abs() < 1.5, "{shifted}");

    // A plane through the contact cuts faces in lines that lie in it and on the ball.
    let faces = basis.contact_faces();
    let cut: Vec<_> = faces
        .iter()
        .filter_map(|f| f.cut(deepest, DVec3::Z))
        .collect();
    assert!(!cut.is_empty() && cut.len() < faces.len());
    for end in cut.iter().flatten() {
        assert!((end.z - deepest.z).abs() < 1e-9);
        assert!((end.distance(ball) - BALL_MM).abs() < 1.2);
    }
    let far = DVec3::new(0.0, 0.0, 30.0);
    assert!(faces.iter().all(|f| f.cut(far, DVec3::Z).is_none()));
    assert_eq!(basis.is_in_contact(&[deepest, far]), [true, false]);
    // The map of the surface is that of the mirror on the tumour's levels, and no number elsewhere.
    let mesh = surface_mesh(&labels, &[Structure::Brainstem], &mut unobserved).unwrap();
    let map = basis.compression_mm(&mesh).unwrap();
    let deepest = map.iter().copied().fold(0.0, f64::max);
    assert!((deepest - 3.0).abs() < 0.7, "{deepest}");
    for (p, mm) in mesh.points().iter().zip(&map) {
        assert!(mm.is_nan() || p.z.abs() < BALL_MM + 6.5);
    }
    assert!(map.iter().any(|mm| mm.is_nan()));
}

#[test]
fn what_was_operated_on_is_measured_and_not_graded() {
    let basis = KoosBasis::of(&Head { dent: 1.0, ..HEAD }.labels());
    let a = basis.assess_with(
        None,
        KoosOptions {
            post_operative: true,
            ..KoosOptions::default()
        },
    );
    assert_eq!((a.grade, a.probabilities), (None, [0.0; 4]));
    assert!(a.withheld.as_ref().unwrap().contains("not applicable"));
    assert!(a.evidence.brainstem_gap_mm.is_some() && a.evidence.protrusion_mm.is_some());
    let json = serde_json::to_value(&a).unwrap();
    assert!(json["grade"].is_null() && json["withheld"].is_string());
}

#[test]
fn a_tumour_that_the_scan_cuts_has_a_lower_limit_for_a_grade() {
    let whole = Head { dent: 1.0, ..HEAD }.labels();
    assert!(!koos(&whole).at_least);
    // The lower half of the scan is missing.
    let grid = whole.grid().cropped([0, 0, 40], [192, 120, 40]).unwrap();
    let first = 192 * 120 * 40;
    let values = whole.labels()[first..].to_vec();
    let cut = LabelMap::new(grid, values, whole.table().clone()).unwrap();
    let a = koos(&cut);
    assert!(a.at_least && a.warnings.iter().any(|w| w.contains("lower limit")));
}

#[test]
fn classes_follow_from_size_and_place() {
    assert_eq!(TokyoClass::of(None).number(), 0);
    let class = |mm| TokyoClass::of(Some(mm)).number();
    assert_eq!([10.4, 10.6, 20.0, 30.6, 41.0].map(class), [1, 2, 2, 4, 5]);
    let sub = |mm| KoosSubgrade::of(KoosGrade::II, mm);
    assert_eq!(
        [None, Some(9.9), Some(10.0)].map(sub),
        [KoosSubgrade::IIa, KoosSubgrade::IIa, KoosSubgrade::IIb].map(Some)
    );
    assert_eq!(KoosSubgrade::of(KoosGrade::III, Some(12.0)), None);
    // A ball whose side lies 4 mm from the brainstem.
    let away = koos(&Head { dent: -4.0, ..HEAD }.labels());
    assert_eq!(away.grade, Some(KoosGrade::II));
    assert_eq!(away.subgrade, Some(KoosSubgrade::IIb));
    assert_eq!(away.hannover, Some(HannoverClass::T2));
    assert_eq!(away.evidence.indentation_mm, Some(0.0));
}

/// A scan of a head: fluid 1000, brain 260, tumour 300, with a film of so many mm of fluid between tumour and brainstem that no label shows, blurred by the voxels.
fn scan_of(head: &Head, film_mm: f64) -> Volume {
    let labels = head.labels();
    let grid = *labels.grid();
    let value = |p: DVec3| match head.structure(p) {
        Some(Structure::VestibularSchwannoma) => {
            let own = head.own(p);
            let ball = DVec3::new(SEMI[0] + BALL_MM - head.dent, 0.0, 0.0);
            let film = own.distance(ball) > BALL_MM - film_mm && own.x < SEMI[0];
            if film { 1000.0 } else { 300.0 }
        }
        Some(Structure::Brainstem) => 260.0,
        _ => 1000.0,
    };
    let m = grid.world_from_voxel().matrix3;
    let parts = [-0.375, -0.125, 0.125, 0.375];
    let voxels = (0..grid.len())
        .map(|n| {
            let p = grid.point_in_world(grid.voxel(n));
            let all = parts
                .iter()
                .flat_map(|x| parts.iter().map(move |y| DVec3::new(*x, *y, 0.0)));
            (all.map(|o| value(p + m * o)).sum::<f64>() / 16.0) as f32
        })
        .collect();
    Volume::new(grid, Voxels::F32(voxels), 1.0, 0.0).unwrap()
}

#[test]
fn a_film_of_fluid_that_no_label_shows_is_seen_in_the_scan() {
    let head = Head { dent: 1.0, ..HEAD };
    let labels = head.labels();
    for (film_mm, verdict) in [(0.0, CleftVerdict::None), (0.5, CleftVerdict::Seen)] {
        let scan = scan_of(&head, film_mm);
        for sequence in [Sequence::HrT2, Sequence::Unknown] {
            let a = KoosBasis::with_scan(&labels, &scan, sequence).assess(None);
            let cleft = a.evidence.cleft.unwrap();
            assert_eq!(cleft.verdict, verdict, "{film_mm} mm: {cleft:?}");
            assert!((cleft.brain_intensity.unwrap() - 260.0).abs() < 5.0);
            assert!((cleft.fluid_intensity.unwrap() - 1000.0).abs() < 5.0);
            for p in &cleft.profiles {
                assert_eq!(p.positions_mm.len(), p.intensities.len());
            }
            // The grade heeds it.
            let contact = verdict == CleftVerdict::None;
            assert_eq!(a.grade >= Some(KoosGrade::III), contact);
        }
    }
    let scan = scan_of(&head, 0.5);
    let told = |sequence, scan: &Volume| {
        let a = KoosBasis::with_scan(&labels, scan, sequence).assess(None);
        a.evidence.cleft.unwrap()
    };
    let on_t1 = told(Sequence::CeT1, &scan);
    assert_eq!(on_t1.verdict, CleftVerdict::CannotBeTold);
    assert!(on_t1.reason.unwrap().contains("ceT1"));
    let flat = Volume::new(
        *scan.grid(),
        Voxels::U8(vec![7; scan.grid().len()]),
        1.0,
        0.0,
    )
    .unwrap();
    let nothing = told(Sequence::Unknown, &flat);
    assert_eq!(nothing.verdict, CleftVerdict::CannotBeTold);
    assert!(nothing.reason.unwrap().contains("no fluid"));
}

#[test]
fn neighbours_are_told_where_labels_show_them() {
    let head = Head { dent: 1.0, ..HEAD };
    let names = |map: &LabelMap| -> Vec<KoosStructure> {
        let neighbours = koos(map).evidence.neighbours;
        neighbours.iter().map(|n| n.structure).collect()
    };
    let plain = head.labels();
    assert_eq!(names(&plain), [KoosStructure::Pons]);
    // A cerebellum beside the ear alone: its own side is known.
    let with = |least: f64| {
        drawn(*plain.grid(), |p| {
            head.structure(p).or_else(|| {
                (p.y < -14.0 && p.x * head.sign > least).then_some(Structure::Cerebellum)
            })
        })
    };
    assert_eq!(
        names(&with(8.0)),
        [KoosStructure::Pons, KoosStructure::CerebellumSameSide]
    );
    let whole = koos(&with(-40.0)).evidence.neighbours;
    assert_eq!(whole.len(), 4);
    // The ball's back lies 9 mm behind its middle, 20 mm to the side: the vermis is a plane 5.5 mm from the midline.
    let of = |s| whole.iter().find(|n| n.structure == s).unwrap().distance_mm;
    assert!((of(KoosStructure::CerebellumSameSide) - 5.0).abs() < 0.6);
    let vermis = DVec3::new(20.0 - 5.5, 14.0, 0.0).length() - BALL_MM;
    assert!((of(KoosStructure::Vermis) - vermis).abs() < 0.8);
}

/// Heads of grades II, III and IV at both sites, on a part of the site's grid.
fn phantoms() -> &'static [Scan] {
    static SCANS: OnceLock<Vec<Scan>> = OnceLock::new();
    SCANS.get_or_init(|| {
        [
            (9002, KoosGrade::III, Site::London),
            (9007, KoosGrade::IV, Site::Tilburg),
            (9013, KoosGrade::II, Site::Tilburg),
        ]
        .map(|(seed, koos, site)| phantom(seed, koos, site, Modality::HrT2))
        .into()
    })
}

fn phantom(seed: u64, koos: KoosGrade, site: Site, modality: Modality) -> Scan {
    let spacing_mm = site.grid(modality).spacing_mm;
    let mm = [110.0, 100.0, 84.0];
    let visit = VisitSpec {
        years: 0.0,
        site,
        modality,
        seed,
        grid: Some(GridSpec {
            shape: [0, 1, 2].map(|a| (mm[a] / spacing_mm[a]) as usize),
            spacing_mm,
        }),
    };
    let spec = PatientSpec {
        seed,
        koos: Some(koos),
        ..PatientSpec::default()
    };
    let patient = Patient::new(&spec).unwrap();
    patient.scan(&visit, &mut unobserved).unwrap()
}

#[test]
fn the_evidence_of_phantoms_lies_within_its_stated_errors() {
    for scan in phantoms() {
        let t = &scan.truth;
        let a = KoosBasis::with_scan(&scan.labels, &scan.volume, Sequence::HrT2).assess(None);
        let e = &a.evidence;
        let case = format!("seed {}: {e:?}", t.patient_seed);
        let near = |found: Option<f64>, truth: f64, error: f64, name: &str| {
            let found = found.unwrap();
            assert!(
                (found - truth).abs() <= error,
                "{name}: {found} for {truth}; {case}"
            );
        };
        near(e.brainstem_gap_mm, t.brainstem_gap_mm.unwrap(), 0.5, "gap");
        // A patch of 30 mm² on slices of 1.5 mm lies on four slices: where these fall changes its area by a quarter.
        let area = 8.0 + 0.2 * t.contact_area_mm2;
        near(e.contact_area_mm2, t.contact_area_mm2, area, "contact");
        near(e.contact_length_mm, t.contact_length_mm, 2.0, "length");
        near(e.indentation_mm, t.mirrored_indentation_mm, 0.5, "dent");
        near(e.brainstem_shift_mm, t.brainstem_shift_mm, 0.7, "shift");
        let turn = t.brainstem_axis_rotation_degrees;
        near(e.brainstem_rotation_degrees, turn, 3.0, "rotation");
        let ventricle = t.fourth_ventricle_shift_mm;
        near(e.fourth_ventricle_shift_mm, ventricle, 0.7, "4V shift");
        let area = t.fourth_ventricle_area_mm2;
        near(
            e.fourth_ventricle_area_mm2,
            area,
            10.0 + 0.1 * area,
            "4V area",
        );
        let verdict = e.cleft.as_ref().unwrap().verdict;
        let expected = if t.contact_area_mm2 > 0.0 {
            CleftVerdict::None
        } else {
            CleftVerdict::Seen
        };
        assert_eq!(verdict, expected, "{case}");
        assert_eq!(a.grade, t.koos, "{case}");
    }
}

/// A point in the brainstem, RAS mm.
fn in_brainstem(scan: &Scan) -> DVec3 {
    let rows = scan.truth.world_from_head;
    let columns = [0, 1, 2, 3].map(|c| DVec3::new(rows[0][c], rows[1][c], rows[2][c]));
    let world = DAffine3::from_cols(columns[0], columns[1], columns[2], columns[3]);
    world.transform_point3(DVec3::new(2.0, -4.0, 8.0))
}

#[test]
fn one_click_finds_the_brainstem_on_both_contrasts() {
    let on_t1 = phantom(9003, KoosGrade::III, Site::London, Modality::CeT1);
    for scan in phantoms().iter().chain([&on_t1]) {
        let seed = in_brainstem(scan);
        let found = brainstem_at(&scan.volume, seed, None).unwrap();
        let score = dice(&scan.labels, &found, Structure::Brainstem).unwrap();
        assert!(score > 0.8, "{:?}: {score}", scan.truth.modality);
        // What is labelled stays, and is not brainstem.
        let table = scan.labels.table();
        let tumour = table.value(Structure::VestibularSchwannoma).unwrap();
        let only = scan.labels.labels().iter();
        let only = only.map(|&l| if l == tumour { l } else { 0 }).collect();
        let only = LabelMap::new(*scan.labels.grid(), only, table.clone()).unwrap();
        let both = brainstem_at(&scan.volume, seed, Some(&only)).unwrap();
        let count = |m: &LabelMap| m.count(Structure::VestibularSchwannoma);
        assert_eq!(count(&both), count(&only));
        assert!(both.count(Structure::Brainstem) > 0);
    }
}

#[test]
fn labels_that_get_a_brainstem_from_one_click_learn_of_no_other_structure() {
    let scan = &phantoms()[0];
    let grid = *scan.labels.grid();
    // Of a model that knows the tumour alone, and found none.
    let table = LabelTable::new([(1, Structure::VestibularSchwannoma)]);
    let empty = LabelMap::new(grid, vec![0; grid.len()], table).unwrap();
    let found = brainstem_at(&scan.volume, in_brainstem(scan), Some(&empty)).unwrap();
    assert!(found.count(Structure::Brainstem) > 0);
    assert_eq!(found.table().value(Structure::Cochlea), None);
}

#[test]
fn a_click_beside_the_brainstem_is_refused() {
    let scan = &phantoms()[0];
    let at = |p| brainstem_at(&scan.volume, p, None).map(|_| ());
    assert_eq!(at(DVec3::splat(1e4)), Err(BrainstemError::Outside));
    assert_eq!(at(DVec3::NAN), Err(BrainstemError::Outside));
    // The middle of the fourth ventricle.
    let grid = scan.labels.grid();
    let mask = scan.labels.mask(Structure::FourthVentricle);
    let inside = (0..grid.len()).filter(|&n| mask[n]);
    let points: Vec<DVec3> = inside.map(|n| grid.point_in_world(grid.voxel(n))).collect();
    let middle = points.iter().sum::<DVec3>() / points.len() as f64;
    assert_eq!(at(middle), Err(BrainstemError::NotBrain));
    let tiny = Grid::axis_aligned([2, 1, 1], [1.0; 3], DVec3::ZERO).unwrap();
    let flat = Volume::new(tiny, Voxels::U8(vec![5, 5]), 1.0, 0.0).unwrap();
    assert!(brainstem_at(&flat, DVec3::ZERO, None).is_err());
}
