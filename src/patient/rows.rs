//! The assessment as comma-separated values.
use super::{Change, Error, GrowthAssessment, VisitSummary, text::side_name};
use serde::Serialize;

/// One line: a visit, a change or the trend. Names of columns end in their units; the order is that of the file.
#[derive(Debug, Default, Serialize)]
struct Row {
    #[serde(rename = "row")]
    kind: &'static str,
    date: Option<String>,
    from: Option<String>,
    to: Option<String>,
    volume_mm3: Option<f64>,
    uncertainty95_mm3: Option<f64>,
    /// The scan cuts the tumour: sizes and grade are lower limits.
    at_least: Option<bool>,
    max_axial_diameter_mm: Option<f64>,
    extrameatal_diameter_mm: Option<f64>,
    koos: Option<String>,
    koos_probability: Option<f64>,
    side: Option<&'static str>,
    sequence: Option<&'static str>,
    slice_thickness_mm: Option<f64>,
    review_state: Option<String>,
    draft: Option<bool>,
    model: Option<String>,
    model_sha256: Option<String>,
    scan_sha256: Option<String>,
    interval_years: Option<f64>,
    volume_change_mm3: Option<f64>,
    volume_change_percent: Option<f64>,
    detectable_change_percent: Option<f64>,
    detectable_decrease_percent: Option<f64>,
    comparisons: Option<usize>,
    growth_limit_percent: Option<f64>,
    shrinkage_limit_percent: Option<f64>,
    exceeds_detectable_change: Option<bool>,
    reaches_20_percent: Option<bool>,
    reaches_2_mm: Option<bool>,
    annual_growth_percent_per_year: Option<f64>,
    specific_growth_rate_per_year: Option<f64>,
    specific_growth_rate_ci95_low_per_year: Option<f64>,
    specific_growth_rate_ci95_high_per_year: Option<f64>,
    doubling_time_years: Option<f64>,
    diameter_change_mm: Option<f64>,
    diameter_kind: Option<String>,
    trend_visits: Option<usize>,
    reading: Option<String>,
    comparability: Option<String>,
    cautions: Option<String>,
    verdict: Option<String>,
    reasons: Option<String>,
    software_version: &'static str,
    notice: &'static str,
}

/// Text from outside that a spreadsheet would take for a formula is kept from it by an apostrophe.
fn harmless(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text
    }
}

fn visit_row(visit: &VisitSummary, row: Row) -> Row {
    Row {
        kind: "visit",
        date: Some(visit.date.to_string()),
        volume_mm3: visit.volume_mm3,
        uncertainty95_mm3: visit.uncertainty95_mm3,
        at_least: Some(visit.at_least),
        max_axial_diameter_mm: visit.max_axial_diameter_mm,
        extrameatal_diameter_mm: visit.extrameatal_diameter_mm,
        koos: visit.koos.clone(),
        koos_probability: visit.koos_probability,
        side: visit.side.map(side_name),
        sequence: Some(visit.sequence),
        slice_thickness_mm: Some(visit.slice_thickness_mm),
        review_state: Some(visit.state.to_string()),
        draft: Some(visit.state.is_draft()),
        model: visit.model.as_ref().map(|m| harmless(m.to_string())),
        model_sha256: visit.model.as_ref().map(|m| harmless(m.sha256.clone())),
        scan_sha256: Some(harmless(visit.scan_sha256.clone())),
        ..row
    }
}

fn change_row(change: &Change, row: Row) -> Row {
    let limit = |n: usize| change.specific_growth_rate_ci95.map(|ci| ci[n]);
    let joined = |texts: &[String]| (!texts.is_empty()).then(|| harmless(texts.join("; ")));
    Row {
        kind: "change",
        from: Some(change.from.to_string()),
        to: Some(change.to.to_string()),
        interval_years: Some(change.interval_years),
        volume_change_mm3: change.volume_change_mm3,
        volume_change_percent: change.volume_change_percent,
        detectable_change_percent: change.detectable_change_percent,
        detectable_decrease_percent: change.detectable_decrease_percent,
        comparisons: Some(change.comparisons),
        growth_limit_percent: change.growth_limit_percent,
        shrinkage_limit_percent: change.shrinkage_limit_percent,
        exceeds_detectable_change: change.exceeds_detectable_change,
        reaches_20_percent: change.reaches_20_percent,
        reaches_2_mm: change.reaches_2_mm,
        annual_growth_percent_per_year: change.annual_growth_percent,
        specific_growth_rate_per_year: change.specific_growth_rate,
        specific_growth_rate_ci95_low_per_year: limit(0),
        specific_growth_rate_ci95_high_per_year: limit(1),
        doubling_time_years: change.doubling_time_years,
        diameter_change_mm: change.diameter_change_mm,
        diameter_kind: change.diameter_kind.map(|k| k.to_string()),
        reading: Some(change.reading.to_string()),
        comparability: Some(change.comparability.to_string()),
        cautions: joined(&change.cautions),
        verdict: Some(change.verdict.to_string()),
        reasons: joined(&change.reasons),
        ..row
    }
}

/// The whole file.
pub(super) fn csv(assessment: &GrowthAssessment) -> Result<String, Error> {
    let failed = |e: &dyn std::fmt::Display| Error::Csv(e.to_string());
    let common = || Row {
        software_version: assessment.software_version,
        notice: assessment.notice,
        ..Row::default()
    };
    let visits = assessment.visits.iter().map(|v| visit_row(v, common()));
    let changes = assessment.changes.iter().map(|c| change_row(c, common()));
    let trend = assessment.trend.iter().map(|t| Row {
        kind: "trend",
        specific_growth_rate_per_year: Some(t.rate.per_year),
        specific_growth_rate_ci95_low_per_year: Some(t.rate.ci95[0]),
        specific_growth_rate_ci95_high_per_year: Some(t.rate.ci95[1]),
        trend_visits: Some(t.visits),
        ..common()
    });
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in visits.chain(changes).chain(trend) {
        writer.serialize(row).map_err(|e| failed(&e))?;
    }
    let bytes = writer.into_inner().map_err(|e| failed(&e))?;
    String::from_utf8(bytes).map_err(|e| failed(&e))
}
