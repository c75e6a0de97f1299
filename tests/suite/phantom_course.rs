//! Visits over time and both modalities: what the truth says follows the growth model, and ceT1 looks as its sequence makes it.
use schwann::measure::KoosGrade;
use schwann::phantom::{
    Course, Error, GridSpec, GrowthModel, Modality, Patient, PatientSpec, Region, Scan, Site,
    VisitSpec,
};
use schwann::volume::{Side, Structure, unobserved};

const TINY: GridSpec = GridSpec {
    shape: [4, 4, 2],
    spacing_mm: [0.5; 3],
};
const EARS: GridSpec = GridSpec {
    shape: [120, 80, 36],
    spacing_mm: [0.8, 0.8, 1.0],
};

fn patient(koos: KoosGrade, growth: GrowthModel) -> Patient {
    Patient::new(&PatientSpec {
        seed: 31,
        koos: Some(koos),
        side: Some(Side::Right),
        annual_growth_percent: None,
        growth: Some(growth),
        ..PatientSpec::default()
    })
    .unwrap()
}

fn scan(patient: &Patient, site: Site, modality: Modality, years: f64, grid: GridSpec) -> Scan {
    let visit = VisitSpec {
        years,
        site,
        modality,
        seed: 77,
        grid: Some(grid),
    };
    patient.scan(&visit, &mut unobserved).unwrap()
}

#[test]
fn the_truth_of_every_visit_has_the_volume_of_the_growth_model() {
    for course in Course::ALL {
        let model = GrowthModel::of(course, 5);
        let patient = patient(KoosGrade::II, model);
        let first = patient.tumour_volume_mm3(0.0);
        for years in [0.0, 1.0, 2.5] {
            let truth = scan(&patient, Site::London, Modality::HrT2, years, TINY).truth;
            let wanted = model.volume(first, years);
            let off = truth.tumour_volume_mm3 / wanted - 1.0;
            assert!(off.abs() < 2e-3, "{model:?} after {years} years: {off}");
            assert_eq!(truth.growth, Some(model));
        }
    }
}

#[test]
fn growth_by_a_percentage_is_exponential() {
    let spec = PatientSpec {
        annual_growth_percent: Some(25.0),
        growth: None,
        ..PatientSpec::random(4)
    };
    let patient = Patient::new(&PatientSpec {
        koos: Some(KoosGrade::I),
        ..spec
    })
    .unwrap();
    let first = patient.tumour_volume_mm3(0.0);
    for years in [0.5, 1.0, 3.0] {
        let wanted = first * 1.25_f64.powf(years);
        assert!((patient.tumour_volume_mm3(years) / wanted - 1.0).abs() < 1e-12);
    }
    assert!((patient.annual_growth_percent().unwrap() - 25.0).abs() < 1e-9);
}

#[test]
fn a_senseless_growth_model_is_refused() {
    let spec = PatientSpec {
        koos: Some(KoosGrade::I),
        growth: Some(GrowthModel::Exponential { rate: 50.0 }),
        ..PatientSpec::random(1)
    };
    assert!(matches!(
        Patient::new(&spec),
        Err(Error::Parameter { value: 50.0, .. })
    ));
}

/// Median over the voxels of a region of the anatomy map.
fn median(scan: &Scan, regions: &[Region]) -> f64 {
    let mut v: Vec<f32> = scan
        .volume
        .to_f32()
        .into_iter()
        .zip(&scan.regions)
        .filter(|(_, r)| Region::of_value(**r).is_some_and(|r| regions.contains(&r)))
        .map(|(v, _)| v)
        .collect();
    assert!(!v.is_empty());
    v.sort_unstable_by(f32::total_cmp);
    f64::from(v[v.len() / 2])
}

#[test]
fn on_cet1_the_tumour_shines_and_fluid_is_dark() {
    let patient = patient(KoosGrade::III, GrowthModel::Stable);
    for site in Site::ALL {
        let scan = scan(&patient, site, Modality::CeT1, 0.0, EARS);
        assert_eq!(scan.truth.modality, Modality::CeT1);
        // The brainstem, which is a tenth darker than white matter.
        let white = median(&scan, &[Region::Brainstem]) / 0.89;
        let tumour = [Region::IntrameatalSchwannoma, Region::ExtrameatalSchwannoma];
        let ratio = median(&scan, &tumour) / white;
        assert!((1.4..2.4).contains(&ratio), "{site:?}: tumour {ratio}");
        let fluid = median(&scan, &[Region::FourthVentricle]) / white;
        assert!(fluid < 0.5, "{site:?}: fluid {fluid}");
        assert!(scan.labels.count(Structure::VestibularSchwannoma) > 0);
    }
}

#[test]
fn the_scans_of_one_session_differ_by_a_small_motion() {
    let patient = patient(KoosGrade::II, GrowthModel::Stable);
    let pose = |modality| {
        let truth = scan(&patient, Site::London, modality, 0.0, TINY).truth;
        (truth.porus.map(|p| p.point_mm), truth.tumour_volume_mm3)
    };
    let ((a, volume), (b, same)) = (pose(Modality::HrT2), pose(Modality::CeT1));
    assert!((volume - same).abs() < 1e-9);
    for (a, b) in a.into_iter().zip(b) {
        let moved = a
            .iter()
            .zip(b)
            .map(|(a, b)| (a - b).powi(2))
            .sum::<f64>()
            .sqrt();
        assert!((1e-3..5.0).contains(&moved), "{moved} mm");
    }
}

#[test]
fn after_radiosurgery_the_core_is_dark_on_cet1_and_only_where_it_is_said_to() {
    let treated = |core_loses_enhancement| GrowthModel::Radiosurgery {
        treated_at: 0.0,
        swelling: 0.0,
        peak_years: 1.0,
        lost: 0.2,
        regression: 0.3,
        core_loses_enhancement,
    };
    let of = |seed, lost| {
        Patient::new(&PatientSpec {
            seed,
            koos: Some(KoosGrade::IV),
            side: Some(Side::Right),
            growth: Some(treated(lost)),
            ..PatientSpec::default()
        })
        .unwrap()
    };
    let visit = |patient: &Patient, grid| scan(patient, Site::London, Modality::CeT1, 0.75, grid);
    // A cyst has no core to lose.
    let solid = (31..60).find(|&seed| {
        let drawn = visit(&of(seed, true), TINY).truth.drawn.tumour.unwrap();
        drawn.cyst_volume_mm3 < 1.0
    });
    // Mean intensity of the tumour's voxels deeper than 4.5 mm, and of those less than 2 mm below its surface.
    let shells = |lost| {
        let scan = visit(&of(solid.unwrap(), lost), EARS);
        let tumour = scan.labels.mask(Structure::VestibularSchwannoma);
        let grid = *scan.labels.grid();
        let at = |n: usize| grid.point_in_world(grid.voxel(n));
        let outside: Vec<_> = (0..grid.len()).filter(|&n| !tumour[n]).map(at).collect();
        let values = scan.volume.to_f32();
        let mut sums = [(0.0, 0); 2];
        for n in (0..grid.len()).filter(|&n| tumour[n]) {
            let p = at(n);
            let depth = outside
                .iter()
                .map(|q| q.distance_squared(p))
                .fold(f64::MAX, f64::min)
                .sqrt();
            let shell = match depth {
                d if d > 4.5 => 0,
                d if d < 2.0 => 1,
                _ => continue,
            };
            sums[shell].0 += f64::from(values[n]);
            sums[shell].1 += 1;
        }
        assert!(sums.iter().all(|(_, n)| *n > 50), "{sums:?}");
        assert_eq!(scan.truth.dark_core > 0.9, lost);
        sums.map(|(sum, n)| sum / f64::from(n))
    };
    let [dark, rim] = shells(true);
    let [bright, same] = shells(false);
    assert!(dark < 0.75 * bright, "core {dark} against {bright}");
    assert!((rim / same - 1.0).abs() < 0.15, "rim {rim} against {same}");
}
