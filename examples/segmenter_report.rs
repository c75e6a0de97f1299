//! How a model does on whole scans of synthetic patients, for its card:
//! `cargo run --release --example segmenter_report -- [MODEL_FOLDER|shipped] [PATIENTS] [CONTRASTS] [GRID] [FAMILY]`.
//!
//! Every patient is scanned once: the grades I to IV and no tumour in turn, then the sites, then the contrasts (`hrT2`, `ceT1` or `both`). The grid is each
//! `site`'s own, or that of `other` scanners, which no site has; the family is `usual` or `beyond`. Prints tables in Markdown. The seeds begin where no documentation, test or training draws patients from.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for developers"
)]
use schwann::{
    measure::{Agreement, BOUNDARY_SHIFT_95_MM, KoosGrade, agreement},
    phantom::{Family, GridSpec, Modality, Patient, PatientSpec, Site, VisitSpec},
    predict::{Folds, SegmentOptions, Segmenter, segment},
    volume::{Structure, unobserved},
};
use std::path::Path;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Those from `700_000` on served until segmenter 0.9.0, those from `720_000` on with 0.10.0; failures of both were counted and led the training on, so that they are no
/// blind test any more.
const FIRST_SEED: u64 = 740_000;

/// Finer in the plane and between the slices of both sites.
const OTHER_GRID: GridSpec = GridSpec {
    shape: [448, 448, 80],
    spacing_mm: [0.469, 0.469, 1.2],
};

/// What came of one scan.
struct Case {
    koos: Option<KoosGrade>,
    site: Site,
    modality: Modality,
    /// `None` where there is no tumour and none was found.
    tumour: Option<Agreement>,
    cochlea: Option<Agreement>,
    /// Exact volume and surface of the tumour, mm³ and mm².
    exact: [f64; 2],
    interval95_mm3: Option<[f64; 2]>,
    seconds: f64,
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let segmenter = match arguments.next().as_deref() {
        None | Some("shipped") => Segmenter::shipped()?,
        Some(folder) => Segmenter::from_folder(Path::new(folder), &Folds::Present)?,
    };
    let count: u64 = arguments.next().map_or(Ok(100), |n| n.parse())?;
    let contrasts: &[Modality] = match arguments.next().as_deref() {
        Some("hrT2") => &[Modality::HrT2],
        Some("ceT1") => &[Modality::CeT1],
        None | Some("both") => &[Modality::HrT2, Modality::CeT1],
        Some(_) => return Err("the contrasts are hrT2, ceT1 or both".into()),
    };
    let grid = match arguments.next().as_deref() {
        None | Some("site") => None,
        Some("other") => Some(OTHER_GRID),
        Some(_) => return Err("the grid is site or other".into()),
    };
    let family = match arguments.next().as_deref() {
        None | Some("usual") => Family::Usual,
        Some("beyond") => Family::Beyond,
        Some(_) => return Err("the family is usual or beyond".into()),
    };
    let grades: Vec<Option<KoosGrade>> =
        KoosGrade::ALL.into_iter().map(Some).chain([None]).collect();
    let mut cases = Vec::new();
    for n in 0..count {
        eprint!("\r{n} of {count} patients");
        let pick = |len: usize, per: usize| (n as usize / per) % len;
        let koos = grades[pick(grades.len(), 1)];
        let site = Site::ALL[pick(Site::ALL.len(), grades.len())];
        let modality = contrasts[pick(contrasts.len(), grades.len() * Site::ALL.len())];
        let spec = PatientSpec {
            seed: FIRST_SEED + n,
            koos,
            family,
            ..PatientSpec::default()
        };
        match case(&segmenter, &spec, (site, modality, grid)) {
            Ok(case) => cases.push(case),
            Err(error) => println!("patient {n} left out: {error}\n"),
        }
    }
    eprintln!();
    let info = segmenter.info();
    println!("{} {}, {} scans\n", info.name, info.version, cases.len());
    table(&cases);
    summary(&cases);
    Ok(())
}

fn case(
    segmenter: &Segmenter,
    spec: &PatientSpec,
    (site, modality, grid): (Site, Modality, Option<GridSpec>),
) -> Result<Case> {
    let visit = VisitSpec {
        years: 0.0,
        site,
        modality,
        seed: spec.seed,
        grid,
    };
    let scan = Patient::new(spec)?.scan(&visit, &mut unobserved)?;
    let options = SegmentOptions::of(segmenter);
    let found = segment(&scan.volume, segmenter, &options, &mut unobserved)?;
    let of = |structure| agreement(&found.labels, &scan.labels, structure);
    Ok(Case {
        koos: spec.koos,
        site,
        modality,
        tumour: of(Structure::VestibularSchwannoma)?,
        cochlea: of(Structure::Cochlea)?,
        exact: [scan.truth.tumour_volume_mm3, scan.truth.tumour_surface_mm2],
        interval95_mm3: found.tumour_interval95_mm3,
        seconds: found.seconds.last().map_or(0.0, |s| s.1),
    })
}

impl Case {
    /// Whether the model's volume lies within the limits of agreement of human readers about the exact one.
    fn as_readers(&self) -> bool {
        let [volume, surface] = self.exact;
        let found = self.tumour.map_or(0.0, |t| t.volumes_mm3[0]);
        (found - volume).abs() <= BOUNDARY_SHIFT_95_MM * surface
    }

    fn is_held(&self) -> Option<bool> {
        let [low, high] = self.interval95_mm3?;
        Some((low..=high).contains(&self.exact[0]))
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let n = sorted.len();
    match n {
        0 => f64::NAN,
        _ => 0.5 * (sorted[(n - 1) / 2] + sorted[n / 2]),
    }
}

/// How often something holds, in words.
fn part(of: impl Iterator<Item = bool>) -> String {
    let all: Vec<bool> = of.collect();
    format!("{} of {}", all.iter().filter(|b| **b).count(), all.len())
}

fn table(cases: &[Case]) {
    println!(
        "| contrast | site | Koos | scans | tumour Dice: median, least | ASSD, mm: median | volume error: median | as readers | interval holds | cochlea Dice: median | ASSD, mm: median |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for modality in [Modality::HrT2, Modality::CeT1] {
        for site in Site::ALL {
            for koos in KoosGrade::ALL {
                let row: Vec<&Case> = cases
                    .iter()
                    .filter(|c| c.modality == modality && c.site == site && c.koos == Some(koos))
                    .collect();
                if row.is_empty() {
                    continue;
                }
                let tumours = || row.iter().filter_map(|c| c.tumour);
                let cochleae = || row.iter().filter_map(|c| c.cochlea);
                println!(
                    "| {modality:?} | {site:?} | {koos} | {} | {:.2}, {:.2} | {:.2} | {:+.0} % | {} | {} | {:.2} | {:.2} |",
                    row.len(),
                    median(tumours().map(|t| t.dice)),
                    tumours().map(|t| t.dice).fold(1.0, f64::min),
                    median(tumours().map(|t| t.assd_mm)),
                    median(tumours().filter_map(|t| t.volume_error_percent)),
                    part(row.iter().map(|c| c.as_readers())),
                    part(row.iter().filter_map(|c| c.is_held())),
                    median(cochleae().map(|c| c.dice)),
                    median(cochleae().map(|c| c.assd_mm)),
                );
            }
        }
    }
}

fn summary(cases: &[Case]) {
    println!();
    for modality in [Some(Modality::HrT2), Some(Modality::CeT1), None] {
        let all = cases.iter();
        let all: Vec<&Case> = all
            .filter(|c| modality.is_none_or(|m| c.modality == m))
            .collect();
        if all.is_empty() {
            continue;
        }
        let with = || all.iter().filter(|c| c.koos.is_some());
        let tumours = || with().filter_map(|c| c.tumour);
        let cochleae = || all.iter().filter_map(|c| c.cochlea);
        println!(
            "{}: tumour Dice median {:.3}, under one half {}, missed {}; ASSD median {:.2} mm; volume within readers' limits {}; interval holds the exact volume {}; \
             cochlea Dice median {:.3}, ASSD median {:.2} mm; no tumour told in heads without {}; {:.1} s a scan (median)",
            modality.map_or("both".to_owned(), |m| format!("{m:?}")),
            median(tumours().map(|t| t.dice)),
            part(tumours().map(|t| t.dice < 0.5)),
            part(tumours().map(|t| t.volumes_mm3[0] <= 0.0)),
            median(tumours().map(|t| t.assd_mm)),
            part(with().map(|c| c.as_readers())),
            part(with().filter_map(|c| c.is_held())),
            median(cochleae().map(|c| c.dice)),
            median(cochleae().map(|c| c.assd_mm)),
            part(
                all.iter()
                    .filter(|c| c.koos.is_none())
                    .map(|c| c.tumour.is_none())
            ),
            median(all.iter().map(|c| c.seconds)),
        );
    }
}
