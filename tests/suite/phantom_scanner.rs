//! What a visit says of its acquisition.
use schwann::phantom::{GridSpec, Modality, Patient, PatientSpec, Scan, Sequence, Site, VisitSpec};
use schwann::volume::unobserved;

/// Scans of a healthy person at so many visits, on a grid of a few voxels.
fn scans(site: Site, visits: u64) -> Vec<Scan> {
    let patient = Patient::new(&PatientSpec {
        koos: None,
        ..PatientSpec::random(1)
    })
    .unwrap();
    let scan = |seed| {
        let visit = VisitSpec {
            years: 0.0,
            site,
            modality: Modality::HrT2,
            seed,
            grid: Some(GridSpec {
                shape: [3, 3, 2],
                spacing_mm: [0.5, 0.5, 1.0],
            }),
        };
        patient.scan(&visit, &mut unobserved).unwrap()
    };
    (0..visits).map(scan).collect()
}

#[test]
fn sites_resolve_what_their_sequences_resolve() {
    let expected = [
        (Site::London, [[0.75, 0.75], [0.85, 0.85], [1.3, 1.5]]),
        (Site::Tilburg, [[0.65, 0.65], [0.75, 0.75], [1.0, 1.0]]),
    ];
    for (site, resolutions) in expected {
        for scan in scans(site, 20) {
            let a = scan.truth.drawn.acquisition;
            for (mm, [low, high]) in a.resolution_mm.iter().zip(resolutions) {
                assert!((0.93 * low..1.07 * high).contains(mm), "{site:?}: {mm}");
            }
            assert!((0.0..=0.6).contains(&a.window_alpha));
            // 220 Hz at 130 to 400 Hz per acquired pixel.
            let pixels = a.fat_shift_mm.abs() / a.resolution_mm[0];
            assert!((0.54..1.70).contains(&pixels), "{pixels}");
            assert!((pixels * a.bandwidth_hz - 220.0).abs() < 1e-6);
            assert_eq!(a.off_resonance.is_some(), site == Site::London);
            if let Some(Sequence::Ciss { dual, .. }) = a.sequence {
                assert!(dual, "the clinic combines two passes");
            }
        }
    }
}

#[test]
fn about_one_visit_in_eight_is_moved() {
    let scans = scans(Site::Tilburg, 300);
    let moved: Vec<_> = scans
        .iter()
        .map(|s| &s.truth.drawn.acquisition.jumps)
        .filter(|jumps| !jumps.is_empty())
        .collect();
    // 36 expected, standard deviation 5.6.
    assert!((18..56).contains(&moved.len()), "{}", moved.len());
    for jumps in moved {
        assert!(jumps.len() <= 3);
        for jump in jumps {
            let mm = jump.step_mm[0].hypot(jump.step_mm[1]);
            assert!((0.3..=1.5).contains(&mm), "{mm}");
        }
    }
    assert_eq!(
        scans[7].truth.drawn.acquisition,
        self::scans(Site::Tilburg, 8)[7].truth.drawn.acquisition
    );
}
