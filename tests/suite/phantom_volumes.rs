//! Label volumes on the grids of the sites against the exact ones.
use schwann::measure::KoosGrade;
use schwann::phantom::{GridSpec, Modality, Patient, PatientSpec, Site, VisitSpec};
use schwann::volume::{Structure, unobserved};

/// The site's voxels, cut down to both angles.
fn angles(site: Site) -> GridSpec {
    let spacing_mm = site.grid(Modality::HrT2).spacing_mm;
    let box_mm = [112.0, 80.0, 76.0];
    GridSpec {
        shape: [0, 1, 2].map(|n| (box_mm[n] / spacing_mm[n]).ceil() as usize),
        spacing_mm,
    }
}

/// Exact volume (mm³) and the label's relative error of tumours of grades II to IV on a site's voxels.
fn errors(site: Site) -> Vec<(f64, f64)> {
    let mut found = Vec::new();
    for koos in [KoosGrade::II, KoosGrade::III, KoosGrade::IV] {
        for seed in 60..64 {
            let patient = Patient::new(&PatientSpec {
                seed,
                koos: Some(koos),
                ..PatientSpec::default()
            })
            .unwrap();
            let visit = VisitSpec {
                years: 0.0,
                site,
                modality: Modality::HrT2,
                seed,
                grid: Some(angles(site)),
            };
            let scan = patient.scan(&visit, &mut unobserved).unwrap();
            let exact = scan.truth.tumour_volume_mm3;
            let label = scan.labels.count(Structure::VestibularSchwannoma) as f64
                * scan.labels.grid().voxel_volume_mm3();
            found.push((exact, label / exact - 1.0));
        }
    }
    found
}

#[test]
fn labels_on_the_sites_voxels_have_the_exact_volume() {
    let all = Site::ALL.map(errors);
    let worst = all
        .iter()
        .flatten()
        .fold(0.0, |w: f64, (_, e)| w.max(e.abs()));
    assert!(worst < 0.0001, "{all:.4?}");
}
