//! Growth maps of the visits that are compared.
use crate::{
    app::report::Comparison,
    measure::{GrowthMap, Verdict, growth_between},
    volume::unobserved,
};
use chrono::NaiveDate;
use glam::DAffine3;
use serde::Serialize;

/// Where the tumour grew between two visits, on the later one.
#[derive(Debug, Serialize)]
pub(super) struct PairMap {
    from: NaiveDate,
    to: NaiveDate,
    #[serde(flatten)]
    map: GrowthMap,
}

/// The maps of all changes whose visits are aligned and may be compared.
pub(super) fn of(comparison: &Comparison) -> anyhow::Result<Vec<PairMap>> {
    let place = |date: NaiveDate| {
        let visits = &comparison.measured;
        visits.iter().position(|m| m.visit.date == date)
    };
    let from_first = |n: usize| match n.checked_sub(1) {
        None => Some(DAffine3::IDENTITY),
        Some(n) => Some((*comparison.alignments.get(n)?)?.world_moving_from_world_fixed),
    };
    let mut maps = Vec::new();
    for change in &comparison.assessment.changes {
        let ends = place(change.from).zip(place(change.to));
        let Some((a, b)) = ends.filter(|_| change.verdict != Verdict::NotComparable) else {
            continue;
        };
        let (Some(earlier), Some(later)) = (from_first(a), from_first(b)) else {
            continue;
        };
        let [from, to] = [a, b].map(|n| comparison.measured.get(n));
        let (Some(from), Some(to)) = (from, to) else {
            continue;
        };
        let found = growth_between(
            &from.labels,
            &to.labels,
            later * earlier.inverse(),
            None,
            &mut unobserved,
        )?;
        maps.extend(found.map(|(_, map)| PairMap {
            from: change.from,
            to: change.to,
            map,
        }));
    }
    Ok(maps)
}
