//! Whether visits show one contrast, by their intensities: files that are not DICOM do not say what they show.
use crate::{
    app::report::{self, Comparison, Measured, Tried},
    patient::Comparability,
    volume::{Observe, Sequence, ToAlign, register_rigid},
};
use chrono::NaiveDate;

/// The alignment of each visit after the first to it; and of every visit whether it shows the contrast of the first, `None` where they are not aligned.
pub(super) fn align(
    measured: &[Measured],
    observe: &mut Observe<'_>,
) -> (Vec<Tried>, Vec<Option<bool>>) {
    let (mut tried, mut alike) = (Vec::new(), vec![Some(true)]);
    let Some((first, later)) = measured.split_first() else {
        return (tried, alike);
    };
    for visit in later {
        let [fixed, moving] = [first, visit].map(|m| ToAlign {
            scan: &m.scan,
            labels: Some(&m.labels),
        });
        let found = register_rigid(fixed, moving, observe);
        let one_contrast = found.as_ref().ok().map(|a| a.one_contrast);
        let usable = report::usable(found.and_then(|a| a.linked()));
        alike.push(one_contrast.filter(|_| usable.is_ok()));
        tried.push(Some(usable));
    }
    (tried, alike)
}

/// Whether two visits are of two contrasts, of which no header says that: the sequence of each, and whether it shows the contrast of the first visit.
fn differ([a, b]: [(Sequence, Option<bool>); 2]) -> bool {
    let told = ![a.0, b.0].contains(&Sequence::Unknown);
    !told && a.1.zip(b.1).is_some_and(|(a, b)| a != b)
}

/// Warns of changes between two contrasts: a tumour's outline is not the same in both.
pub(super) fn warn(comparison: &mut Comparison, alike: &[Option<bool>]) {
    let visits: Vec<(NaiveDate, Sequence)> = (comparison.measured.iter())
        .map(|m| (m.visit.date, m.visit.sequence))
        .collect();
    let of = |date: NaiveDate| {
        let mut known = visits.iter().zip(alike);
        known.find_map(|((day, sequence), alike)| (*day == date).then_some((*sequence, *alike)))
    };
    let assessment = &mut comparison.assessment;
    for change in &mut assessment.changes {
        let (Some(from), Some(to)) = (of(change.from), of(change.to)) else {
            continue;
        };
        if differ([from, to]) {
            let caution =
                "the scans seem to show different contrasts: check that both are of one sequence";
            let warning = format!("{} to {}: {caution}", change.from, change.to);
            change.cautions.push(caution.to_owned());
            if change.comparability == Comparability::Comparable {
                change.comparability = Comparability::Caution;
            }
            assessment.warnings.push(warning);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_contrasts_are_told_where_no_header_says_what_both_show() {
        use Sequence::{CeT1, HrT2, Unknown};
        for (a, b, expected) in [
            ((Unknown, Some(true)), (Unknown, Some(false)), true),
            ((HrT2, Some(true)), (Unknown, Some(false)), true),
            ((Unknown, Some(true)), (Unknown, Some(true)), false),
            // Which of two that are unlike the first one are alike is not known, nor what is not aligned.
            ((Unknown, Some(false)), (Unknown, Some(false)), false),
            ((Unknown, Some(true)), (Unknown, None), false),
            // The rule for headers forbids this one.
            ((HrT2, Some(true)), (CeT1, Some(false)), false),
        ] {
            assert_eq!(differ([a, b]), expected, "{a:?} {b:?}");
        }
    }
}
