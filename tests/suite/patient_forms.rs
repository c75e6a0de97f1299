//! The other forms of an assessment: CSV, and a paragraph for a radiology report. Their numbers are those of the JSON and of the page.
use super::{
    patient_cases::{day, model, visit},
    patient_report::{report, text_of},
};
use proptest::prelude::*;
use schwann::patient::{GrowthAssessment, ReviewState, Visit, assess};
use serde_json::Value;
use std::collections::BTreeMap;

fn three() -> Vec<Visit> {
    let mut visits = vec![
        visit("2022-01-10", 600.0),
        visit("2023-01-10", 655.5),
        visit("2024-02-20", 870.25),
    ];
    for (v, d) in visits.iter_mut().zip([12.0, 12.6, 14.2]) {
        v.finding.tumour.as_mut().unwrap().max_axial_diameter_mm = d;
    }
    visits
}

/// The rows of the CSV by the names of its columns.
fn rows(assessment: &GrowthAssessment) -> Vec<BTreeMap<String, String>> {
    let text = assessment.to_csv().unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let names = reader.headers().unwrap().clone();
    let row = |r: csv::StringRecord| {
        let cells = names.iter().map(str::to_owned);
        cells.zip(r.iter().map(str::to_owned)).collect()
    };
    reader.records().map(|r| row(r.unwrap())).collect()
}

/// Checks that a row holds the fields of a JSON object: numbers to the last bit, words as they are.
fn same(row: &BTreeMap<String, String>, object: &Value, names: &[(&str, &str)]) {
    for (column, field) in names {
        let value = object.pointer(field).unwrap();
        let cell = &row[*column];
        match value {
            Value::Null => assert!(cell.is_empty(), "{column}: {cell}"),
            Value::Number(n) => assert_eq!(
                cell.parse::<f64>().unwrap().to_bits(),
                n.as_f64().unwrap().to_bits(),
                "{column}"
            ),
            Value::String(s) => assert_eq!(cell, s, "{column}"),
            Value::Bool(b) => assert_eq!(*cell, b.to_string(), "{column}"),
            other => panic!("{column}: {other}"),
        }
    }
}

const VISIT: &[(&str, &str)] = &[
    ("date", "/date"),
    ("volume_mm3", "/volume_mm3"),
    ("uncertainty95_mm3", "/uncertainty95_mm3"),
    ("max_axial_diameter_mm", "/max_axial_diameter_mm"),
    ("extrameatal_diameter_mm", "/extrameatal_diameter_mm"),
    ("koos", "/koos"),
    ("koos_probability", "/koos_probability"),
    ("sequence", "/sequence"),
    ("slice_thickness_mm", "/slice_thickness_mm"),
    ("scan_sha256", "/scan_sha256"),
    ("model_sha256", "/model/sha256"),
];
const CHANGE: &[(&str, &str)] = &[
    ("from", "/from"),
    ("to", "/to"),
    ("interval_years", "/interval_years"),
    ("volume_change_mm3", "/volume_change_mm3"),
    ("volume_change_percent", "/volume_change_percent"),
    ("detectable_change_percent", "/detectable_change_percent"),
    (
        "detectable_decrease_percent",
        "/detectable_decrease_percent",
    ),
    ("comparisons", "/comparisons"),
    ("growth_limit_percent", "/growth_limit_percent"),
    ("shrinkage_limit_percent", "/shrinkage_limit_percent"),
    ("exceeds_detectable_change", "/exceeds_detectable_change"),
    ("reaches_20_percent", "/reaches_20_percent"),
    ("reaches_2_mm", "/reaches_2_mm"),
    ("annual_growth_percent_per_year", "/annual_growth_percent"),
    ("specific_growth_rate_per_year", "/specific_growth_rate"),
    ("doubling_time_years", "/doubling_time_years"),
    ("diameter_change_mm", "/diameter_change_mm"),
    ("reading", "/reading"),
    ("comparability", "/comparability"),
    ("verdict", "/verdict"),
];

#[test]
fn the_csv_has_one_row_a_visit_and_one_a_change_with_the_numbers_of_the_json() {
    let a = assess(&three(), &[], Some(day("2020-01-01"))).unwrap();
    let json: Value = serde_json::from_str(&a.to_json().unwrap()).unwrap();
    let rows = rows(&a);
    let kinds: Vec<&str> = rows.iter().map(|r| r["row"].as_str()).collect();
    assert_eq!(
        kinds,
        [
            "visit", "visit", "visit", "change", "change", "change", "trend"
        ]
    );
    for n in 0..3 {
        same(&rows[n], &json["visits"][n], VISIT);
        same(&rows[3 + n], &json["changes"][n], CHANGE);
        let ci = &json["changes"][n]["specific_growth_rate_ci95"];
        for (at, end) in ["low", "high"].into_iter().enumerate() {
            let cell = &rows[3 + n][&format!("specific_growth_rate_ci95_{end}_per_year")];
            assert_eq!(cell.parse::<f64>().ok(), ci[at].as_f64());
        }
        assert_eq!(rows[n]["draft"], "true");
        assert!(rows[n]["verdict"].is_empty() && rows[3 + n]["volume_mm3"].is_empty());
    }
    assert_eq!(rows[6]["trend_visits"], "3");
    assert_eq!(
        rows[6]["specific_growth_rate_per_year"].parse::<f64>().ok(),
        json["trend"]["per_year"].as_f64()
    );
    for row in &rows {
        assert_eq!(row["notice"], "research use only, not for diagnosis");
    }
}

#[test]
fn a_refused_change_has_no_numbers_in_the_csv_and_the_paragraph_either() {
    let mut visits = three();
    visits.truncate(2);
    visits[1].finding.provenance.model = Some(model("9.0.0"));
    let a = assess(&visits, &[], None).unwrap();
    let change = &rows(&a)[2];
    assert_eq!(change["comparability"], "not comparable");
    for (name, cell) in change {
        let number = name.ends_with("_percent") || name.ends_with("_per_year");
        assert!(!number || cell.is_empty(), "{name}: {cell}");
    }
    let paragraph = a.to_paragraph();
    assert!(
        !paragraph.contains('%') || !paragraph.contains("per year"),
        "{paragraph}"
    );
    assert!(
        paragraph.contains("Impression: Not comparable."),
        "{paragraph}"
    );
    assert!(paragraph.contains("different models"), "{paragraph}");
}

#[test]
fn a_name_that_a_spreadsheet_would_run_is_kept_from_it() {
    let mut visits = three();
    visits.truncate(1);
    visits[0].finding.provenance.model.as_mut().unwrap().name = "=cmd()\n\"a\",b".to_owned();
    let a = assess(&visits, &[], None).unwrap();
    assert_eq!(rows(&a)[0]["model"], "'=cmd()\n\"a\",b 0.3.1");
}

/// All numbers of a text, without sign: dates come apart into their parts.
fn numbers(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut number = String::new();
    for c in text.chars().chain([' ']) {
        if c.is_ascii_digit() || (c == '.' && !number.is_empty()) {
            number.push(c);
        } else if !number.is_empty() {
            found.push(std::mem::take(&mut number).trim_end_matches('.').to_owned());
        }
    }
    found
}

#[test]
fn every_number_of_the_paragraph_stands_on_the_page() {
    let visits = three();
    let (a, pdf) = report(&visits, &[], None);
    let page = text_of(&pdf);
    let paragraph = a.to_paragraph();
    let on_page = numbers(&page);
    let told = numbers(paragraph.split("Outlines:").next().unwrap());
    assert!(told.len() > 40, "{paragraph}");
    for number in told {
        assert!(on_page.contains(&number), "{number} of {paragraph}");
    }
    // And they are those of the JSON, rounded as the page rounds them.
    let last = a.visits.last().unwrap();
    let since_first = a.last_changes().baseline.unwrap();
    for part in [
        format!("870 ± {:.0} mm³", last.uncertainty95_mm3.unwrap()),
        format!("{:+.1} %", since_first.volume_change_percent.unwrap()),
        format!("+{:.1} %", since_first.detectable_change_percent.unwrap()),
        format!("{:+.2} (", since_first.specific_growth_rate.unwrap()),
        format!(
            "doubling time {:.1} years",
            since_first.doubling_time_years.unwrap()
        ),
        "Largest axial diameter 14.2 mm".to_owned(),
        "+2.2 mm".to_owned(),
        "Koos II (0.91)".to_owned(),
        "compared with 2023-01-10, 2022-01-10".to_owned(),
        "Comparability: comparable.".to_owned(),
        format!("Impression: {}.", a.headline),
        a.notice.to_owned(),
    ] {
        assert!(paragraph.contains(&part), "{part} in {paragraph}");
    }
    assert!(!paragraph.contains('\n'), "one paragraph");
    for v in &a.visits {
        let hash: String = v.model.as_ref().unwrap().sha256.chars().take(12).collect();
        assert!(paragraph.contains(&hash) && page.contains(&hash));
    }
}

#[test]
fn a_draft_is_called_one_in_every_form_and_an_accepted_result_is_not() {
    let mut visits = three();
    let draft = assess(&visits, &[], None).unwrap();
    assert!(
        draft
            .to_paragraph()
            .starts_with("DRAFT, not accepted by a reader.")
    );
    for v in &mut visits {
        v.finding.provenance.state = ReviewState::Accepted;
    }
    let accepted = assess(&visits, &[], None).unwrap();
    assert!(draft.draft && !accepted.draft);
    assert!(!accepted.to_paragraph().contains("DRAFT"));
    assert!(rows(&accepted)[..3].iter().all(|r| r["draft"] == "false"));
    let (_, pdf) = report(&visits, &[], None);
    assert!(!text_of(&pdf).contains("DRAFT"));
}

#[test]
fn one_visit_is_a_paragraph_without_a_comparison() {
    let a = assess(&three()[..1], &[], None).unwrap();
    let paragraph = a.to_paragraph();
    for part in [
        "no earlier visit for comparison",
        "600 ± ",
        "Impression: One visit: no comparison yet.",
    ] {
        assert!(paragraph.contains(part), "{part} in {paragraph}");
    }
    assert!(!paragraph.contains('%') || !paragraph.contains("growth rate"));
}

#[test]
fn the_reading_after_radiosurgery_is_in_the_paragraph() {
    let a = assess(&three(), &[], Some(day("2022-12-01"))).unwrap();
    let paragraph = a.to_paragraph();
    assert!(
        paragraph.contains("Radiosurgery on 2022-12-01.")
            && paragraph.contains("After treatment: "),
        "{paragraph}"
    );
}

proptest! {
    #[test]
    fn every_number_of_the_json_is_in_the_csv(volumes in prop::collection::vec(1.0..30_000.0_f64, 1..7)) {
        let visits: Vec<Visit> = (2015..).zip(&volumes).map(|(y, v)| visit(&format!("{y}-03-0{}", 1 + y % 9), *v)).collect();
        let a = assess(&visits, &[], None).unwrap();
        let json: Value = serde_json::from_str(&a.to_json().unwrap()).unwrap();
        let rows = rows(&a);
        let (count, changes) = (a.visits.len(), a.changes.len());
        prop_assert_eq!(rows.len(), count + changes + usize::from(a.trend.is_some()));
        for n in 0..count {
            same(&rows[n], &json["visits"][n], VISIT);
        }
        for n in 0..changes {
            same(&rows[count + n], &json["changes"][n], CHANGE);
        }
        prop_assert!(!a.to_paragraph().is_empty());
    }
}
