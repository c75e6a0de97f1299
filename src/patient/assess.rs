//! Visits to the growth assessment.
use super::{
    Change, Error, ModelInfo, NOTICE, ReviewState, Visit,
    change::change,
    comparable::{Doubt, OTHER_HEAD, comparable, pair_cautions, visit_cautions, years_between},
    rows, sequence_name, text, treatment,
};
use crate::measure::{
    GrowthRate, MOST_COMPARISONS, SizeSide, TumourExtent, TumourMeasures, Verdict, growth_trend,
};
use chrono::NaiveDate;
use serde::Serialize;

/// How well two visits were aligned.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RegistrationResult {
    /// Date of the fixed visit.
    pub from: NaiveDate,
    /// Date of the moving visit.
    pub to: NaiveDate,
    /// What remains between landmarks of the two after alignment, mm; none when there were no landmarks.
    pub residual_mm: Option<f64>,
}

/// One visit in the assessment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VisitSummary {
    /// Day of the scan.
    pub date: NaiveDate,
    /// Tumour volume, mm³; none without a tumour.
    pub volume_mm3: Option<f64>,
    /// The scan cuts the tumour: its volume, its diameters and its grade are lower limits.
    pub at_least: bool,
    /// Half-width of the volume's 95 % interval, mm³; none where it is a lower limit.
    pub uncertainty95_mm3: Option<f64>,
    /// Largest diameter in an axial slice, mm.
    pub max_axial_diameter_mm: Option<f64>,
    /// Largest extrameatal diameter in an axial slice, mm.
    pub extrameatal_diameter_mm: Option<f64>,
    /// Part volumes, diameters with their lines, and the porus plane.
    pub measures: Option<TumourMeasures>,
    /// Koos grade; `none` without a tumour, null when it was withheld.
    pub koos: Option<String>,
    /// Between which grades the measures do not decide, in words.
    pub koos_borderline: Option<String>,
    /// Probability of that grade.
    pub koos_probability: Option<f64>,
    /// The patient's side.
    pub side: Option<SizeSide>,
    /// Sequence.
    pub sequence: &'static str,
    /// Distance between slices, mm.
    pub slice_thickness_mm: f64,
    /// The model that drew the outline.
    pub model: Option<ModelInfo>,
    /// SHA-256 of the scan's voxels.
    pub scan_sha256: String,
    /// Review state of the outline.
    pub state: ReviewState,
}

/// Specific growth rate over all visits that can be compared with the last.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Trend {
    /// Number of visits.
    pub visits: usize,
    /// Weighted least squares of ln V on time.
    #[serde(flatten)]
    pub rate: GrowthRate,
}

/// The change of one tumour over all visits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GrowthAssessment {
    /// The words that every result carries.
    pub notice: &'static str,
    /// Version of this program.
    pub software_version: &'static str,
    /// Whether a reader has not accepted the outlines of every visit: the result is a draft then.
    pub draft: bool,
    /// The gravest verdict of the [`GrowthAssessment::last_changes`]; none for a single visit.
    pub verdict: Option<Verdict>,
    /// That verdict in a few words.
    pub headline: String,
    /// The result in sentences.
    pub summary: String,
    /// All visits, from the earliest.
    pub visits: Vec<VisitSummary>,
    /// Consecutive visits in order; then the last against the baseline and against the smallest, where these are other pairs.
    pub changes: Vec<Change>,
    /// Trend over three or more visits.
    pub trend: Option<Trend>,
    /// Day of radiosurgery.
    pub treated: Option<NaiveDate>,
    /// How well visits were aligned.
    pub registration: Vec<RegistrationResult>,
    /// What to beware of.
    pub warnings: Vec<String>,
}

impl GrowthAssessment {
    /// The last visit against three earlier ones. Together they decide the verdict.
    pub fn last_changes(&self) -> LastChanges<'_> {
        let consecutive = self.visits.len().saturating_sub(1);
        LastChanges {
            baseline: self.changes.get(consecutive),
            smallest: self.changes.get(consecutive + 1),
            previous: consecutive.checked_sub(1).and_then(|n| self.changes.get(n)),
        }
    }

    /// The assessment as one JSON object.
    ///
    /// # Errors
    /// When serialising fails.
    pub fn to_json(&self) -> Result<String, Error> {
        Ok(serde_json::to_string_pretty(self)?)
    }

    /// The assessment as comma-separated values (RFC 4180, UTF-8, `\n`): a header whose names end in the units, one row a visit, one a change,
    /// and one for the trend. What a row does not have is empty. Numbers are in full precision, as in the JSON.
    ///
    /// # Errors
    /// When writing fails.
    pub fn to_csv(&self) -> Result<String, Error> {
        rows::csv(self)
    }

    /// The result as one paragraph for a radiology report, with the numbers as the PDF shows them: side, scan, size, change, comparability,
    /// impression, who outlined and accepted it, and the notice. Drafts are called drafts.
    pub fn to_paragraph(&self) -> String {
        text::paragraph(self)
    }

    /// The assessment as plain text: headline, sentences, visits, warnings, notice.
    pub fn to_text(&self) -> String {
        text::plain(self)
    }
}

/// What became of the tumour at the last visit since three earlier ones; each pair stands only once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LastChanges<'a> {
    /// Since the baseline: the earliest visit comparable with the last, or the first visit where none is. None where that is the previous one.
    pub baseline: Option<&'a Change>,
    /// Since the visit with the smallest volume among those comparable with the last. None where that is the baseline or the previous one.
    pub smallest: Option<&'a Change>,
    /// Since the previous visit; none for a single visit.
    pub previous: Option<&'a Change>,
}

impl<'a> LastChanges<'a> {
    /// Those there are: baseline, smallest, previous.
    pub fn iter(self) -> impl Iterator<Item = &'a Change> {
        [self.baseline, self.smallest, self.previous]
            .into_iter()
            .flatten()
    }
}

/// Compares the visits of one patient: each with the previous, and the last with the baseline and with the smallest ([`LastChanges`]).
///
/// Without the smallest, a tumour that shrank and then grew again could be called stable. Visits come from the earliest to the latest. `treated` is the day of radiosurgery.
///
/// # Errors
/// When there is no visit, dates repeat or run backwards, a measure is not a possible number, or a registration names an unknown date.
pub fn assess(
    visits: &[Visit],
    registration: &[RegistrationResult],
    treated: Option<NaiveDate>,
) -> Result<GrowthAssessment, Error> {
    assess_doubted(visits, registration, treated, &[])
}

/// [`assess`] with what else is known to speak against comparing pairs of visits, for instance that their scans could not be aligned.
///
/// # Errors
/// Those of [`assess`].
pub fn assess_doubted(
    visits: &[Visit],
    registration: &[RegistrationResult],
    treated: Option<NaiveDate>,
    doubts: &[Doubt],
) -> Result<GrowthAssessment, Error> {
    check(visits, registration)?;
    let doubts: Vec<Doubt> = (registration.iter().filter_map(Doubt::other_head))
        .chain(doubts.iter().cloned())
        .collect();
    let pairs = compared_pairs(visits, &doubts);
    let mut changes: Vec<Change> = (pairs.iter())
        .map(|[a, b]| change(a, b, comparisons(visits, b, &doubts), treated, &doubts))
        .collect();
    let consecutive = visits.len() - 1;
    if let Some(treated) = treated {
        treatment::note_treatment(treated, &mut changes, consecutive);
    }
    let mut assessment = GrowthAssessment {
        notice: NOTICE,
        software_version: env!("CARGO_PKG_VERSION"),
        draft: visits.iter().any(|v| v.finding.provenance.state.is_draft()),
        verdict: None,
        headline: String::new(),
        summary: String::new(),
        visits: visits.iter().map(summary_of).collect(),
        changes,
        trend: trend(visits, treated, &doubts),
        treated,
        registration: registration.to_vec(),
        warnings: warnings(visits, &pairs, registration, &doubts, treated),
    };
    assessment.verdict = assessment
        .last_changes()
        .iter()
        .map(|c| c.verdict)
        .max_by_key(|v| gravity(*v));
    // The page shows only the first warnings.
    if let Some(warning) = text::upward_trend(&assessment) {
        assessment.warnings.insert(0, warning.to_owned());
    }
    assessment.headline = text::headline(&assessment);
    assessment.summary = text::summary(&assessment);
    Ok(assessment)
}

/// Pairs that are compared: consecutive visits, then baseline and last, then smallest and last (see [`LastChanges`]).
fn compared_pairs<'a>(visits: &'a [Visit], doubts: &[Doubt]) -> Vec<[&'a Visit; 2]> {
    let mut pairs: Vec<[&Visit; 2]> = visits.windows(2).map(|p| [&p[0], &p[1]]).collect();
    let [first, earlier @ .., previous, last] = visits else {
        return pairs;
    };
    let volume = |v: &Visit| {
        v.finding
            .tumour
            .as_ref()
            .map_or(f64::INFINITY, |t| t.volume_mm3)
    };
    let like_last: Vec<&Visit> = std::iter::once(first)
        .chain(earlier)
        .chain([previous])
        .filter(|v| comparable(v, last, doubts))
        .collect();
    let baseline = like_last.first().copied().unwrap_or(first);
    if baseline.date == previous.date {
        return pairs;
    }
    pairs.push([baseline, last]);
    let smallest = like_last
        .into_iter()
        .min_by(|a, b| volume(a).total_cmp(&volume(b)));
    pairs.extend(
        smallest
            .filter(|v| ![baseline.date, previous.date].contains(&v.date))
            .map(|v| [v, last]),
    );
    pairs
}

/// With how many earlier visits one is compared when it is the last: its comparable predecessors, 1 to [`MOST_COMPARISONS`].
fn comparisons(visits: &[Visit], visit: &Visit, doubts: &[Doubt]) -> usize {
    let earlier = visits.iter().take_while(|v| v.date < visit.date);
    let count = earlier.filter(|v| comparable(v, visit, doubts)).count();
    count.clamp(1, MOST_COMPARISONS)
}

/// Order in which one verdict outweighs another: what must not be overlooked first.
fn gravity(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Growth => 4,
        Verdict::ProbableGrowth => 3,
        Verdict::NotComparable => 2,
        Verdict::Shrinkage => 1,
        Verdict::Stable => 0,
    }
}

fn check(visits: &[Visit], registration: &[RegistrationResult]) -> Result<(), Error> {
    if visits.is_empty() {
        return Err(Error::NoVisits);
    }
    for pair in visits.windows(2) {
        let [a, b] = [pair[0].date, pair[1].date];
        if a == b {
            return Err(Error::SameDate(a));
        }
        if a > b {
            return Err(Error::DateOrder {
                earlier: b,
                later: a,
            });
        }
    }
    for visit in visits {
        let date = visit.date;
        let positive = |x: f64| x.is_finite() && x > 0.0;
        if !positive(visit.slice_thickness_mm) {
            return Err(Error::Measurement {
                date,
                what: "slice thickness",
            });
        }
        if let Some(t) = &visit.finding.tumour {
            if !positive(t.volume_mm3) {
                return Err(Error::Measurement {
                    date,
                    what: "tumour volume",
                });
            }
            if !positive(t.surface_mm2) {
                return Err(Error::Measurement {
                    date,
                    what: "tumour surface",
                });
            }
            let diameters = [
                Some(t.max_axial_diameter_mm),
                t.extrameatal_diameter_mm,
                Some(t.max_diameter_3d_mm),
            ];
            if diameters
                .into_iter()
                .flatten()
                .any(|d| !(d.is_finite() && d >= 0.0))
            {
                return Err(Error::Measurement {
                    date,
                    what: "tumour diameter",
                });
            }
        }
    }
    let known = |date: &NaiveDate| visits.iter().any(|v| v.date == *date);
    match registration
        .iter()
        .flat_map(|r| [r.from, r.to])
        .find(|d| !known(d))
    {
        Some(date) => Err(Error::RegistrationDate(date)),
        None => Ok(()),
    }
}

fn summary_of(visit: &Visit) -> VisitSummary {
    let finding = &visit.finding;
    let tumour = finding.tumour.as_ref();
    let koos = &finding.koos;
    let probability = koos
        .grade
        .and_then(|g| koos.probabilities.get(g as usize).copied());
    let at_least = tumour.is_some_and(|t| t.at_scan_edge);
    VisitSummary {
        date: visit.date,
        volume_mm3: tumour.map(|t| t.volume_mm3),
        at_least,
        uncertainty95_mm3: (visit.extent().filter(|_| !at_least)).map(|e| e.loa95_mm3()),
        max_axial_diameter_mm: tumour.map(|t| t.max_axial_diameter_mm),
        extrameatal_diameter_mm: tumour.and_then(|t| t.extrameatal_diameter_mm),
        measures: tumour.and_then(|t| t.measures),
        // Without an outline there may still be a tumour that nobody can tell.
        koos: match (tumour.is_some() || koos.tumour, koos.grade) {
            (false, _) => Some("none".to_owned()),
            (true, grade) => grade.map(|g| g.to_string()),
        },
        koos_borderline: koos.borderline.as_ref().map(ToString::to_string),
        koos_probability: tumour.and(probability),
        side: tumour.and_then(|t| t.side),
        sequence: sequence_name(visit.sequence),
        slice_thickness_mm: visit.slice_thickness_mm,
        model: finding.provenance.model.clone(),
        scan_sha256: finding.provenance.scan_sha256.clone(),
        state: finding.provenance.state,
    }
}

/// Trend over the last visit and those that may be compared with it, all before or all after treatment.
fn trend(visits: &[Visit], treated: Option<NaiveDate>, doubts: &[Doubt]) -> Option<Trend> {
    let last = visits.last()?;
    let after = |v: &Visit| treated.is_some_and(|t| v.date > t);
    let belongs = |v: &Visit| v.date == last.date || comparable(v, last, doubts);
    let points: Vec<(f64, TumourExtent)> = visits
        .iter()
        .filter(|v| after(v) == after(last) && belongs(v))
        .filter_map(|v| Some((years_between(visits[0].date, v.date), v.extent()?)))
        .collect();
    Some(Trend {
        visits: points.len(),
        rate: growth_trend(&points)?,
    })
}

fn warnings(
    visits: &[Visit],
    pairs: &[[&Visit; 2]],
    registration: &[RegistrationResult],
    doubts: &[Doubt],
    treated: Option<NaiveDate>,
) -> Vec<String> {
    let mut found = Vec::new();
    if visits.len() == 1 {
        found.push("one visit only: growth needs two".to_owned());
    }
    if let (Some(treated), Some(last)) = (treated, visits.last().map(|v| v.date))
        && treated >= last
    {
        found.push(format!(
            "radiosurgery on {treated} is not before the last visit on {last}: all visits are read as untreated"
        ));
    }
    found.extend(left_out(visits, doubts));
    // A wrong patient outweighs what concerns single visits, and the page shows only the first warnings.
    found.extend(registration.iter().filter_map(far_apart));
    found.extend(visit_cautions(visits));
    // A distance of the cochleae is told above, with its registration.
    let told = |text: &String| !text.starts_with(OTHER_HEAD);
    found.extend(pairs.iter().flat_map(|[a, b]| {
        let cautions = pair_cautions(a, b, doubts);
        let pair = format!("{} to {}", a.date, b.date);
        (cautions.into_iter().filter(told)).map(move |text| format!("{pair}: {text}"))
    }));
    for r in registration.iter().filter(|r| far_apart(r).is_none()) {
        let edge = |date: NaiveDate| {
            let visit = visits.iter().find(|v| v.date == date);
            visit.map_or(0.0, |v| v.spacing_mm.into_iter().fold(0.0, f64::max))
        };
        let limit = edge(r.from).max(edge(r.to));
        if let Some(mm) = r.residual_mm.filter(|mm| mm.is_nan() || *mm > limit) {
            found.push(format!(
                "{} to {}: alignment is off by {mm:.1} mm, more than a voxel; pictures may show different planes",
                r.from, r.to
            ));
        }
    }
    found
}

/// Says which visits take no part in the comparison with the last because they lie before the baseline.
fn left_out(visits: &[Visit], doubts: &[Doubt]) -> Option<String> {
    let (last, earlier) = visits.split_last()?;
    let before = earlier.iter().position(|v| comparable(v, last, doubts))?;
    let dates: Vec<String> = (earlier.iter().take(before))
        .map(|v| v.date.to_string())
        .collect();
    (!dates.is_empty()).then(|| {
        format!(
            "{}: not comparable with the last visit and left out of its verdict",
            dates.join(", ")
        )
    })
}

/// Says that an alignment is too poor to be one of the same head.
fn far_apart(registration: &RegistrationResult) -> Option<String> {
    let doubt = Doubt::other_head(registration)?;
    Some(format!("{} to {}: {}", doubt.from, doubt.to, doubt.reason))
}
