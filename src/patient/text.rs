//! The assessment in words. Every number comes from the assessment; nothing is computed here.
use super::{
    Change, Comparability, GrowthAssessment, LastChanges, ReviewState, VisitSummary, treatment,
};
use crate::measure::{
    Diameter, DiameterKind, PartVolume, SizeSide, TumourMeasures, Verdict, volume_text,
};
use chrono::NaiveDate;

/// `left`, `right` or `both sides`.
pub(super) fn side_name(side: SizeSide) -> &'static str {
    match side {
        SizeSide::Left => "left",
        SizeSide::Right => "right",
        SizeSide::Both => "both sides",
    }
}

/// A signed percentage without its unit, or a dash.
pub(super) fn signed_percent(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |v| format!("{v:+.1}"))
}

/// A diameter change, mm; a star where it is that of the whole tumour.
pub(super) fn diameter_change(change: &Change) -> String {
    match (change.diameter_change_mm, change.diameter_kind) {
        (Some(mm), Some(DiameterKind::Extrameatal)) => format!("{mm:+.1}"),
        (Some(mm), _) => format!("{mm:+.1}*"),
        (None, _) => "–".to_owned(),
    }
}

/// A volume change, mm³.
pub(super) fn volume_change(value: Option<f64>) -> String {
    value.map_or_else(
        || "–".to_owned(),
        |v| {
            let sign = if v < 0.0 { "-" } else { "+" };
            format!("{sign}{}", volume_text(v.abs()))
        },
    )
}

/// `812 ± 108`, mm³, or `at least 812` where the scan cuts the tumour.
pub(super) fn volume_with_error(visit: &VisitSummary) -> String {
    match (visit.volume_mm3, visit.uncertainty95_mm3) {
        (Some(v), _) if visit.at_least => format!("at least {}", volume_text(v)),
        (Some(v), Some(e)) => {
            let volume = volume_text(v);
            let decimals = usize::from(volume.contains('.'));
            format!("{volume} ± {e:.decimals$}")
        }
        _ => "no tumour outlined".to_owned(),
    }
}

/// `mm³ (95 %)`, or what a lower limit is.
fn volume_unit(visit: &VisitSummary) -> &'static str {
    if visit.at_least {
        "mm³ (the scan cuts it)"
    } else {
        "mm³ (95 %)"
    }
}

/// `II (0.87)`, or `at least II` where the scan cuts the tumour.
pub(super) fn koos(visit: &VisitSummary) -> String {
    match (&visit.koos, visit.koos_probability) {
        (Some(grade), _) if visit.at_least => format!("at least {grade}"),
        (Some(grade), Some(p)) => format!("{grade} ({p:.2})"),
        (Some(grade), None) => grade.clone(),
        (None, _) => "withheld".to_owned(),
    }
}

/// `, borderline II/III` where the measures do not decide.
fn borderline(visit: &VisitSummary) -> String {
    (visit.koos_borderline.as_ref()).map_or_else(String::new, |text| format!(", {text}"))
}

/// What change exceeds the measurement error: `-15.6 / +18.4 %`.
pub(super) fn detectable(change: &Change) -> String {
    match (
        change.detectable_decrease_percent,
        change.detectable_change_percent,
    ) {
        (Some(down), Some(up)) => format!("-{down:.1} / +{up:.1}"),
        _ => "–".to_owned(),
    }
}

/// `0.24 (0.08 to 0.40)`, 1/year.
pub(super) fn rate(per_year: Option<f64>, ci95: Option<[f64; 2]>) -> String {
    match (per_year, ci95) {
        (Some(r), Some([low, high])) => format!("{r:+.2} ({low:+.2} to {high:+.2})"),
        _ => "–".to_owned(),
    }
}

/// Whether a growth rate above zero could as well be zero.
fn rate_is_unsure(change: &Change) -> bool {
    change
        .specific_growth_rate_ci95
        .is_some_and(|ci| ci[0] <= 0.0)
}

/// Doubling time, years, with a mark when the growth rate is not distinguishable from zero.
pub(super) fn doubling(change: &Change) -> String {
    match change.doubling_time_years {
        Some(years) if years >= 100.0 => "> 100".to_owned(),
        Some(years) if rate_is_unsure(change) => format!("{years:.1} (n.s.)"),
        Some(years) => format!("{years:.1}"),
        None => "–".to_owned(),
    }
}

/// Whether the volume by itself would not have been called growth or shrinkage.
fn is_by_diameter_alone(change: &Change) -> bool {
    let (Some(up), Some(down)) = (change.growth_limit_percent, change.shrinkage_limit_percent)
    else {
        return false;
    };
    let (up, down) = (up - 1e-6, down - 1e-6);
    change
        .volume_change_percent
        .is_some_and(|v| v < up && v > -down)
}

/// The verdict in a few words.
pub(super) fn headline(assessment: &GrowthAssessment) -> String {
    let Some(verdict) = assessment.verdict else {
        return "One visit: no comparison yet".to_owned();
    };
    let deciding: Vec<&Change> = (assessment.last_changes().iter())
        .filter(|c| c.verdict == verdict)
        .collect();
    let mut words = match verdict {
        Verdict::Growth if deciding.iter().all(|c| is_by_diameter_alone(c)) => {
            "Growth by diameter; volume change within its limits"
        }
        Verdict::Growth => "Growth beyond measurement error",
        Verdict::ProbableGrowth => "Probable growth",
        Verdict::Stable => "Stable within measurement error",
        Verdict::Shrinkage if deciding.iter().all(|c| is_by_diameter_alone(c)) => {
            "Shrinkage by diameter; volume change within its limits"
        }
        Verdict::Shrinkage => "Shrinkage beyond measurement error",
        Verdict::NotComparable => "Not comparable",
    }
    .to_owned();
    if let Some(treated) = assessment.treated
        && deciding
            .iter()
            .any(|c| treatment::may_be_reaction(treated, c))
    {
        words.push_str("; possibly treatment-related");
    }
    words
}

/// One comparison as a sentence.
fn sentence(change: &Change, since: &str) -> String {
    let head = format!(
        "Since {since} ({:.1} years): {}",
        change.interval_years, change.verdict
    );
    let Some(percent) = change.volume_change_percent else {
        return format!("{head}: {}.", change.reasons.join("; "));
    };
    let mut parts = vec![
        format!(
            "volume {percent:+.1} % (detectable beyond {} %)",
            detectable(change)
        ),
        format!(
            "specific growth rate {} per year",
            rate(
                change.specific_growth_rate,
                change.specific_growth_rate_ci95
            )
        ),
    ];
    if change.doubling_time_years.is_some() && !rate_is_unsure(change) {
        parts.push(format!("doubling time {} years", doubling(change)));
    }
    if let (Some(mm), Some(kind)) = (change.diameter_change_mm, change.diameter_kind) {
        parts.push(format!("{kind} {mm:+.1} mm"));
    }
    format!("{head}; {}.", parts.join(", "))
}

/// What a last change is counted from: `the first visit on 2022-01-10`.
fn since(change: &Change, last: LastChanges<'_>, first: Option<NaiveDate>) -> String {
    let is = |other: Option<&Change>| other.is_some_and(|c| std::ptr::eq(c, change));
    if is(last.smallest) {
        format!("the smallest measured volume on {}", change.from)
    } else if Some(change.from) == first {
        format!("the first visit on {}", change.from)
    } else if is(last.baseline) {
        format!("the first comparable visit on {}", change.from)
    } else {
        format!("the previous visit on {}", change.from)
    }
}

/// Warns of a stable tumour whose volumes rise all the same.
pub(super) fn upward_trend(assessment: &GrowthAssessment) -> Option<&'static str> {
    let upward = (assessment.trend.as_ref()).is_some_and(|t| t.rate.ci95[0] > 0.0);
    (upward && assessment.verdict == Some(Verdict::Stable)).then_some(
        "The trend is upward although no pair of visits exceeds its error: slow growth is possible",
    )
}

/// The result in sentences.
pub(super) fn summary(assessment: &GrowthAssessment) -> String {
    let Some(last) = assessment.visits.last() else {
        return String::new();
    };
    let mut sentences = vec![match last.volume_mm3 {
        Some(_) => format!(
            "On {} the tumour measures {} {}, Koos {}{}.",
            last.date,
            volume_with_error(last),
            volume_unit(last),
            koos(last),
            borderline(last)
        ),
        None if last.koos.is_none() => format!(
            "On {} no tumour is outlined, and whether there is one is not told.",
            last.date
        ),
        None => format!("On {} no tumour is outlined.", last.date),
    }];
    let last_changes = assessment.last_changes();
    let first = assessment.visits.first().map(|v| v.date);
    sentences.extend(
        last_changes
            .iter()
            .map(|c| sentence(c, &since(c, last_changes, first))),
    );
    if let Some(trend) = &assessment.trend {
        sentences.push(format!(
            "Trend over {} visits: {} per year.",
            trend.visits,
            rate(Some(trend.rate.per_year), Some(trend.rate.ci95))
        ));
        if let Some(warning) = upward_trend(assessment) {
            sentences.push(format!("{warning}."));
        }
    }
    sentences.join(" ")
}

/// One visit as a line of text.
fn visit_line(visit: &VisitSummary) -> String {
    let unit = (visit.volume_mm3).map_or_else(String::new, |_| format!(" {}", volume_unit(visit)));
    let diameter = visit.max_axial_diameter_mm.map_or_else(String::new, |d| {
        format!(", largest axial diameter {d:.1} mm")
    });
    let sizes = (visit.measures.as_ref())
        .map_or_else(String::new, |measures| sizes(measures, visit.at_least));
    let model = visit.model.as_ref().map_or_else(
        || "no model".to_owned(),
        |m| format!("{m} (sha256 {})", m.sha256),
    );
    format!(
        "{}: {}{unit}{sizes}{diameter}, Koos {}{}; {}, slices {:.1} mm; {}; {model}; scan sha256 {}",
        visit.date,
        volume_with_error(visit),
        koos(visit),
        borderline(visit),
        visit.sequence,
        visit.slice_thickness_mm,
        visit.state,
        visit.scan_sha256
    )
}

/// Parts and diameters of a tumour, each with a comma before it; without intervals where the scan cuts it.
fn sizes(measures: &TumourMeasures, at_least: bool) -> String {
    let part = |name: &str, part: Option<PartVolume>| {
        part.map(|p| {
            let half = (p.interval95_mm3[1] - p.volume_mm3).max(0.0);
            let volume = volume_text(p.volume_mm3);
            if at_least {
                return format!("{name} at least {volume} mm³");
            }
            let decimals = usize::from(volume.contains('.'));
            format!("{name} {volume} ± {half:.decimals$} mm³")
        })
    };
    let d = &measures.diameters;
    let mm = |of: Option<Diameter>| of.map(|d| format!("{:.1}", d.value_mm));
    let length = |name: &str, of: Option<Diameter>| mm(of).map(|mm| format!("{name} {mm} mm"));
    let three = match (
        mm(d.extrameatal_parallel),
        mm(d.extrameatal_perpendicular),
        mm(d.craniocaudal),
    ) {
        (Some(a), Some(b), Some(c)) => Some(format!(
            "parallel × perpendicular to the petrous face × craniocaudal {a} × {b} × {c} mm"
        )),
        _ => length("craniocaudal", d.craniocaudal),
    };
    let all = [
        part("extrameatal", measures.volumes.extrameatal),
        part("intrameatal", measures.volumes.intrameatal),
        length("largest extrameatal diameter", d.extrameatal_max),
        three,
        length("3D diameter", d.max_3d),
        length("length in the canal", d.canal_length),
        length("fundal cap", d.fundal_cap),
    ];
    let told = all.into_iter().flatten().map(|text| format!(", {text}"));
    told.collect()
}

/// The verdict of a change, with a mark where the visits are compared with caution.
pub(super) fn verdict(change: &Change) -> String {
    match change.comparability {
        Comparability::Caution => format!("{} (!)", change.verdict),
        _ => change.verdict.to_string(),
    }
}

/// How far the visits that decide may be compared, in a sentence.
fn comparability(assessment: &GrowthAssessment) -> Option<String> {
    let mut cautions: Vec<&str> = Vec::new();
    let mut compared = false;
    for change in assessment.last_changes().iter() {
        compared |= change.comparability != Comparability::NotComparable;
        for caution in &change.cautions {
            if !cautions.contains(&caution.as_str()) {
                cautions.push(caution);
            }
        }
    }
    compared.then(|| match cautions.as_slice() {
        [] => "Comparability: comparable.".to_owned(),
        _ => format!("Comparability: with caution; {}.", cautions.join("; ")),
    })
}

/// The result as one paragraph for a radiology report.
pub(super) fn paragraph(assessment: &GrowthAssessment) -> String {
    let Some(last) = assessment.visits.last() else {
        return String::new();
    };
    let mut sentences = Vec::new();
    if assessment.draft {
        sentences.push("DRAFT, not accepted by a reader.".to_owned());
    }
    let side = assessment.visits.iter().rev().find_map(|v| v.side);
    sentences.push(format!(
        "Vestibular schwannoma, side: {}.",
        side.map_or("not known", side_name)
    ));
    let earlier: Vec<String> = (assessment.visits.iter().rev().skip(1))
        .map(|v| v.date.to_string())
        .collect();
    let comparators = match earlier.as_slice() {
        [] => "no earlier visit for comparison".to_owned(),
        dates => format!("compared with {}", dates.join(", ")),
    };
    let sequence = match last.sequence {
        "unknown" => "sequence not known",
        name => name,
    };
    sentences.push(format!(
        "MRI of {} ({sequence}, slices of {:.1} mm), {comparators}.",
        last.date, last.slice_thickness_mm
    ));
    if let Some(treated) = assessment.treated {
        sentences.push(format!("Radiosurgery on {treated}."));
    }
    sentences.push(summary(assessment));
    if let Some(diameter) = last.max_axial_diameter_mm {
        let extrameatal = (last.extrameatal_diameter_mm)
            .map_or_else(String::new, |d| format!(", extrameatal {d:.1} mm"));
        sentences.push(format!(
            "Largest axial diameter {}{diameter:.1} mm{extrameatal}.",
            if last.at_least { "at least " } else { "" }
        ));
    }
    let reasons: Vec<String> = (assessment.last_changes().iter())
        .flat_map(|c| c.reasons.iter().filter(|r| r.contains("radiosurgery")))
        .cloned()
        .collect();
    if let Some(reading) = reasons.last() {
        sentences.push(format!("After treatment: {reading}."));
    }
    sentences.extend(comparability(assessment));
    sentences.push(format!("Impression: {}.", assessment.headline));
    sentences.push(format!("Outlines: {}.", outlined_by(&assessment.visits)));
    sentences.push(format!(
        "Schwann {}, {}.",
        assessment.software_version, assessment.notice
    ));
    sentences.join(" ")
}

/// Who outlined the visits and what was said of it: `hrT2 segmenter 0.3.1 (sha256 4f2a9c1be07d…), accepted`, each once.
fn outlined_by(visits: &[VisitSummary]) -> String {
    let mut found: Vec<String> = Vec::new();
    for visit in visits {
        let who = match (&visit.model, visit.state) {
            (Some(m), _) => {
                let hash: String = m.sha256.chars().take(12).collect();
                format!("{m} (sha256 {hash}…), {}", visit.state)
            }
            (None, ReviewState::Imported) => visit.state.to_string(),
            (None, state) => format!("imported or drawn by hand, {state}"),
        };
        if !found.contains(&who) {
            found.push(who);
        }
    }
    found.join("; ")
}

/// Headline, sentences, visits, changes, warnings and notice as plain text.
pub(super) fn plain(assessment: &GrowthAssessment) -> String {
    let draft = if assessment.draft { "DRAFT: " } else { "" };
    let mut lines = vec![
        format!("{draft}{}", assessment.headline),
        assessment.summary.clone(),
    ];
    lines.extend(assessment.visits.iter().map(visit_line));
    lines.extend(assessment.changes.iter().map(|c| {
        format!(
            "{} to {}: {} ({}){}",
            c.from,
            c.to,
            c.verdict,
            c.reasons.join("; "),
            match (c.comparability, c.cautions.as_slice()) {
                (Comparability::Caution, cautions) => format!("; caution: {}", cautions.join("; ")),
                _ => String::new(),
            }
        )
    }));
    lines.extend(assessment.warnings.iter().map(|w| format!("warning: {w}")));
    lines.push(assessment.notice.to_owned());
    lines.join("\n") + "\n"
}
