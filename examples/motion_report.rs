//! How the ghosting score tells scans during which the head moved: `cargo run --release --example motion_report -- [SCANS]`.
#![expect(clippy::print_stdout, reason = "a program for developers")]
use schwann::{
    measure::ghosting,
    phantom::{Modality, Patient, PatientSpec, Site, VisitSpec},
    volume::unobserved,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    if let Some(path) = std::env::args().nth(2) {
        let scan = schwann::io::read_volume(std::path::Path::new(&path), &mut unobserved)?.0;
        println!("{:?}", ghosting(&scan));
        return Ok(());
    }
    let scans: u64 = std::env::args().nth(1).map_or(Ok(40), |n| n.parse())?;
    for n in 0..scans {
        let spec = PatientSpec {
            seed: 70_000 + n / 8,
            ..PatientSpec::default()
        };
        let patient = Patient::new(&spec)?;
        let visit = VisitSpec {
            years: 0.0,
            site: Site::ALL[(n % 2) as usize],
            modality: if (n / 2) % 2 == 0 {
                Modality::HrT2
            } else {
                Modality::CeT1
            },
            seed: 70_000 + n,
            grid: None,
        };
        let scan = patient.scan(&visit, &mut unobserved)?;
        let a = &scan.truth.drawn.acquisition;
        let moved: f64 = a
            .jumps
            .iter()
            .map(|j| j.step_mm[0].hypot(j.step_mm[1]))
            .sum();
        println!(
            "{n} {:?} {:?} jumps {} {moved:.2} mm ghost {:.3} score {:?}",
            visit.site,
            visit.modality,
            a.jumps.len(),
            a.ghost.map_or(0.0, |g| g.amplitude),
            ghosting(&scan.volume)
        );
    }
    Ok(())
}
