//! The PDF report, read back with a small parser of its own.
use super::patient_cases::{day, visit};
use flate2::read::ZlibDecoder;
use proptest::prelude::*;
use schwann::patient::{
    Error, GrowthAssessment, NOTICE, Picture, RegistrationResult, ReportInput, ReviewState, Visit,
    assess, report_pdf,
};
use std::io::Read;

fn picture(visit: usize) -> Picture {
    let (width, height) = (24_u32, 16_u32);
    Picture {
        visit,
        caption: "axial\npatient's right on the left of the image".to_owned(),
        width,
        height,
        rgb: (0..3 * width * height).map(|n| (n % 251) as u8).collect(),
    }
}

pub(crate) fn report(
    visits: &[Visit],
    pictures: &[Picture],
    label: Option<&str>,
) -> (GrowthAssessment, Vec<u8>) {
    let assessment = assess(visits, &[], None).unwrap();
    let input = ReportInput {
        assessment: &assessment,
        visits,
        pictures,
        patient_label: label,
        created: day("2024-03-01"),
        demo: false,
    };
    let pdf = report_pdf(&input).unwrap();
    (assessment, pdf)
}

fn two() -> Vec<Visit> {
    vec![visit("2023-01-10", 600.0), visit("2024-01-10", 780.0)]
}

fn find(data: &[u8], what: &[u8], from: usize) -> Option<usize> {
    data.get(from..)?
        .windows(what.len())
        .position(|w| w == what)
        .map(|n| n + from)
}

/// Objects by the cross-reference table: that of number `n` is at `n - 1`.
fn objects(pdf: &[u8]) -> Vec<&[u8]> {
    let tail = String::from_utf8_lossy(&pdf[pdf.len() - 40..]).into_owned();
    let start: usize = tail
        .split("startxref")
        .nth(1)
        .and_then(|t| t.split_whitespace().next())
        .unwrap()
        .parse()
        .unwrap();
    let table = String::from_utf8_lossy(&pdf[start..]).into_owned();
    assert!(table.starts_with("xref"));
    let offsets: Vec<usize> = table
        .lines()
        .skip(2)
        .take_while(|l| l.ends_with('n') || l.ends_with('f'))
        .skip(1)
        .map(|l| l[..10].parse().unwrap())
        .collect();
    (offsets.iter().enumerate())
        .map(|(n, &at)| {
            assert!(
                pdf[at..].starts_with(format!("{} 0 obj", n + 1).as_bytes()),
                "object {} is at its offset",
                n + 1
            );
            &pdf[at..find(pdf, b"endobj", at).unwrap()]
        })
        .collect()
}

fn stream(object: &[u8]) -> Vec<u8> {
    let start = find(object, b"stream", 0).unwrap() + 6;
    let start = start
        + object[start..]
            .iter()
            .take_while(|b| b"\r\n".contains(b))
            .count();
    let mut out = Vec::new();
    ZlibDecoder::new(&object[start..])
        .read_to_end(&mut out)
        .unwrap();
    out
}

/// One shown text: where, and what.
struct Shown {
    x: f32,
    y: f32,
    text: String,
}

/// Strings of the content stream in order, `WinAnsi` read as Latin-1 except the dash.
fn shown(content: &[u8]) -> Vec<Shown> {
    let mut out: Vec<Shown> = Vec::new();
    let mut at = 0;
    let mut position = (0.0, 0.0);
    while at < content.len() {
        let end = content[at..]
            .iter()
            .position(|b| *b == b'\n')
            .map_or(content.len(), |n| at + n);
        let line = &content[at..end];
        if line.ends_with(b" Td") {
            let numbers: Vec<f32> = String::from_utf8_lossy(line)
                .split(' ')
                .filter_map(|n| n.parse().ok())
                .collect();
            position = (numbers[0], numbers[1]);
        } else if line.ends_with(b" Tj") {
            let text = decode(&line[..line.len() - 3]);
            out.push(Shown {
                x: position.0,
                y: position.1,
                text,
            });
        }
        at = end + 1;
    }
    out
}

fn decode(string: &[u8]) -> String {
    let bytes: Vec<u8> = if string.starts_with(b"<") {
        let hex: Vec<u8> = string[1..string.len() - 1].to_vec();
        hex.chunks(2)
            .map(|h| u8::from_str_radix(std::str::from_utf8(h).unwrap(), 16).unwrap())
            .collect()
    } else {
        let mut plain = Vec::new();
        let mut escaped = false;
        for &b in &string[1..string.len() - 1] {
            if b == b'\\' && !escaped {
                escaped = true;
                continue;
            }
            escaped = false;
            plain.push(b);
        }
        plain
    };
    bytes
        .iter()
        .map(|&b| if b == 0x96 { '–' } else { char::from(b) })
        .collect()
}

fn page(pdf: &[u8]) -> Vec<Shown> {
    let content = objects(pdf)
        .into_iter()
        .filter(|o| find(o, b"stream", 0).is_some() && find(o, b"/Image", 0).is_none())
        .map(stream)
        .next()
        .unwrap();
    shown(&content)
}

pub(crate) fn text_of(pdf: &[u8]) -> String {
    page(pdf)
        .into_iter()
        .map(|s| s.text)
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn the_file_is_one_page_with_its_objects_in_place() {
    let (_, pdf) = report(&two(), &[picture(0), picture(1)], None);
    assert!(pdf.starts_with(b"%PDF-1."));
    let all = objects(&pdf);
    assert_eq!(
        all.iter()
            .filter(|o| find(o, b"/Type /Page\n", 0).is_some())
            .count(),
        1
    );
    assert!(all.iter().any(|o| find(o, b"/Count 1", 0).is_some()));
    assert_eq!(
        all.iter()
            .filter(|o| find(o, b"/Subtype /Image", 0).is_some())
            .count(),
        2
    );
}

#[test]
fn pictures_keep_their_pixels() {
    let (_, pdf) = report(&two(), &[picture(0), picture(1)], None);
    let images: Vec<Vec<u8>> = objects(&pdf)
        .into_iter()
        .filter(|o| find(o, b"/Subtype /Image", 0).is_some())
        .map(stream)
        .collect();
    assert_eq!(images, [picture(0).rgb, picture(1).rgb]);
}

#[test]
fn the_page_carries_the_same_numbers_as_the_json() {
    let visits = two();
    let (a, pdf) = report(&visits, &[], None);
    let text = text_of(&pdf);
    let c = &a.changes[0];
    let rate = c.specific_growth_rate.unwrap();
    let volume = format!("780 ± {:.0}", a.visits[1].uncertainty95_mm3.unwrap());
    let detectable = format!("+{:.1}", c.detectable_change_percent.unwrap());
    for part in [
        &volume,
        &detectable,
        "+30.0",
        "II (0.91)",
        "+180",
        &format!("{rate:+.2} ("),
        "13.0",
        &a.headline,
        &c.verdict.to_string(),
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn the_page_carries_provenance_notice_and_draft_mark() {
    let visits = two();
    let (a, pdf) = report(&visits, &[], None);
    let text = text_of(&pdf);
    assert_eq!(
        text.matches(NOTICE).count(),
        2,
        "at the top and at the bottom"
    );
    for v in &a.visits {
        assert!(text.contains(&v.scan_sha256));
    }
    let model = a.visits[0].model.as_ref().unwrap();
    for part in [
        "DRAFT",
        "AI draft, not reviewed",
        "not given",
        &model.name,
        &model.version,
        &model.sha256,
    ] {
        assert!(text.contains(part), "{part}");
    }
    let mut accepted = visits;
    for v in &mut accepted {
        v.finding.provenance.state = ReviewState::Accepted;
    }
    assert!(!text_of(&report(&accepted, &[], None).1).contains("DRAFT"));
}

#[test]
fn a_synthetic_patient_is_called_one() {
    let visits = two();
    let assessment = assess(&visits, &[], None).unwrap();
    let mut input = ReportInput {
        assessment: &assessment,
        visits: &visits,
        pictures: &[],
        patient_label: None,
        created: day("2024-03-01"),
        demo: true,
    };
    assert!(text_of(&report_pdf(&input).unwrap()).contains("synthetic patient: phantom"));
    input.demo = false;
    assert!(!text_of(&report_pdf(&input).unwrap()).contains("phantom"));
}

#[test]
fn the_label_is_on_the_page_and_nowhere_else_in_the_file() {
    let (_, pdf) = report(&two(), &[], Some("Zoë Q-1234"));
    assert!(text_of(&pdf).contains("Zoë Q-1234"));
    assert_eq!(
        find(&pdf, b"Q-1234", 0),
        None,
        "the content is compressed, so plain text would be metadata"
    );
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let make = || report(&two(), &[picture(1)], Some("A")).1;
    assert_eq!(make(), make());
}

#[test]
fn a_same_plane_is_claimed_only_for_aligned_visits() {
    let visits = two();
    let pictures = [picture(0), picture(1)];
    let text = |registration: &[RegistrationResult]| {
        let assessment = assess(&visits, registration, None).unwrap();
        let input = ReportInput {
            assessment: &assessment,
            visits: &visits,
            pictures: &pictures,
            patient_label: None,
            created: day("2024-03-01"),
            demo: false,
        };
        text_of(&report_pdf(&input).unwrap())
    };
    assert!(text(&[]).contains("planes may differ"));
    let aligned = RegistrationResult {
        from: visits[0].date,
        to: visits[1].date,
        residual_mm: Some(0.31),
    };
    assert!(
        text(&[aligned]).contains("Same plane") && text(&[aligned]).contains("residual 0.3 mm")
    );
}

#[test]
fn what_is_left_out_is_said() {
    let visits: Vec<Visit> = (0..14)
        .map(|n| visit(&format!("{}-01-10", 2001 + n), 500.0 + 10.0 * n as f64))
        .collect();
    let (_, pdf) = report(&visits, &[picture(13)], None);
    let text = text_of(&pdf);
    assert!(
        text.contains("visits between the first and those shown")
            && text.contains("earlier changes")
            && text.contains("earlier scans")
    );
    assert!(
        text.contains("2001-01-10 – 2014-01-10"),
        "the comparison with the first visit stays"
    );
}

#[test]
fn growth_since_the_smallest_volume_stands_on_the_page() {
    let visits: Vec<Visit> = (2015..)
        .zip([996.0, 679.0, 760.0, 854.0, 948.0])
        .map(|(year, v)| visit(&format!("{year}-01-10"), v))
        .collect();
    let (_, pdf) = report(&visits, &[], None);
    let text = text_of(&pdf);
    assert!(text.contains("2016-01-10 – 2019-01-10") && text.contains("2015-01-10 – 2019-01-10"));
    assert!(text.contains("Growth beyond measurement error"), "{text}");
    assert!(
        text.contains("voxels of its"),
        "both terms of the error: {text}"
    );
}

#[test]
fn what_does_not_belong_together_is_an_error() {
    let visits = two();
    let assessment = assess(&visits, &[], None).unwrap();
    let make = |visits: &[Visit], pictures: &[Picture]| {
        report_pdf(&ReportInput {
            assessment: &assessment,
            visits,
            pictures,
            patient_label: None,
            created: day("2024-03-01"),
            demo: false,
        })
    };
    assert!(matches!(make(&visits[..1], &[]), Err(Error::ReportVisits)));
    let mut other = visits.clone();
    other[1].finding.tumour.as_mut().unwrap().volume_mm3 = 781.0;
    assert!(matches!(make(&other, &[]), Err(Error::ReportVisits)));
    assert!(matches!(
        make(&visits, &[picture(0), picture(2)]),
        Err(Error::Picture(1))
    ));
    let short = Picture {
        width: 25,
        ..picture(0)
    };
    assert!(matches!(make(&visits, &[short]), Err(Error::Picture(0))));
    let empty = Picture {
        width: 0,
        rgb: Vec::new(),
        ..picture(0)
    };
    assert!(matches!(make(&visits, &[empty]), Err(Error::Picture(0))));
    let vast = Picture {
        width: u32::MAX,
        height: u32::MAX,
        ..picture(0)
    };
    assert!(matches!(make(&visits, &[vast]), Err(Error::Picture(0))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn whatever_comes_stays_on_one_page(
        volumes in prop::collection::vec(prop::option::weighted(0.9, 5.0..30_000.0_f64), 1..16),
        warnings in prop::collection::vec("\\PC{0,300}", 0..8),
        label in prop::option::of("\\PC{0,120}"),
        shown_pictures in 0..7_usize,
        tall in 1..200_u32,
        models in 1..5_usize,
    ) {
        let mut visits: Vec<Visit> = Vec::new();
        for (n, volume) in volumes.iter().enumerate() {
            let mut v = visit(&format!("{}-03-0{}", 2000 + n, 1 + n % 9), volume.unwrap_or(100.0));
            if volume.is_none() {
                v.finding.tumour = None;
            }
            v.finding.provenance.model.as_mut().unwrap().version = format!("{} {}", n % models, "long ".repeat(20 * models));
            visits.push(v);
        }
        visits[0].finding.warnings = warnings;
        let pictures: Vec<Picture> = (0..shown_pictures)
            .map(|n| Picture { visit: n % visits.len(), width: 40, height: tall, rgb: vec![90; 120 * tall as usize], caption: "x ".repeat(200) })
            .collect();
        let (_, pdf) = report(&visits, &pictures, label.as_deref());
        let footer = 16.0;
        let texts = page(&pdf);
        for s in &texts {
            prop_assert!((36.0 - 0.01..559.0).contains(&s.x), "{} at x {}", s.text, s.x);
            prop_assert!(s.y < 820.0 && (s.y > 27.0 || s.y < footer), "{} at y {}", s.text, s.y);
        }
        // Sections are drawn from the top: what was drawn before a title of full width lies above it.
        for title in ["Visits", "Volume by date", "Warnings", "Provenance"] {
            let Some(at) = texts.iter().rposition(|s| s.text == title) else { continue };
            let lowest = texts[..at].iter().map(|s| s.y).fold(f32::INFINITY, f32::min);
            prop_assert!(lowest > texts[at].y + 8.0, "{title} at {} below {lowest}", texts[at].y);
        }
        prop_assert!(texts.iter().any(|s| s.text == "Volume by date"));
    }
}
