//! The day of a scan, where its file name says it.
use crate::patient::SCAN_YEARS;
use chrono::{Datelike, NaiveDate};

/// A run of digits in a name.
#[derive(Debug, Clone, Copy)]
struct Digits<'a> {
    text: &'a str,
    /// The character that stands alone between the run before and this one.
    after: Option<u8>,
}

/// The one date that a file name holds as `2024-03-12`, `2024_03_12` or `20240312`; `None` when it holds none, or two that differ: a wrong
/// date is worse than a date that must be typed.
pub(super) fn date_in_name(name: &str) -> Option<NaiveDate> {
    let runs = digits(name);
    let mut found: Option<NaiveDate> = None;
    for at in 0..runs.len() {
        let Some(date) = compact(runs[at]).or_else(|| separated(&runs, at)) else {
            continue;
        };
        if found.is_some_and(|other| other != date) {
            return None;
        }
        found = Some(date);
    }
    found
}

/// The runs of digits of a name, in order.
fn digits(name: &str) -> Vec<Digits<'_>> {
    let bytes = name.as_bytes();
    let mut runs = Vec::new();
    let (mut at, mut end_of_last) = (0, None);
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let length = bytes[at..]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count();
        let alone = end_of_last.is_some_and(|end: usize| end + 1 == at);
        runs.push(Digits {
            text: &name[at..at + length],
            after: alone.then(|| bytes[at - 1]),
        });
        at += length;
        end_of_last = Some(at);
    }
    runs
}

/// `20240312`.
fn compact(run: Digits<'_>) -> Option<NaiveDate> {
    if run.text.len() != 8 {
        return None;
    }
    date(run.text.get(..4)?, run.text.get(4..6)?, run.text.get(6..)?)
}

/// `2024-03-12` or `2024_03_12`, beginning at a run. Not in `12-03-2024-01-02`, which begins with a date of another form.
fn separated(runs: &[Digits<'_>], at: usize) -> Option<NaiveDate> {
    let [year, month, day] = *runs.get(at..at + 3)? else {
        return None;
    };
    let separator = month.after.filter(|s| matches!(s, b'-' | b'_'))?;
    let pair = |run: &Digits<'_>, after| run.text.len() == 2 && run.after == after;
    if year.text.len() != 4 || !pair(&month, Some(separator)) || !pair(&day, Some(separator)) {
        return None;
    }
    let day_and_month_before = at.checked_sub(2).is_some_and(|from| {
        year.after == Some(separator)
            && runs[from].text.len() == 2
            && pair(&runs[from + 1], Some(separator))
    });
    if day_and_month_before {
        return None;
    }
    date(year.text, month.text, day.text)
}

fn date(year: &str, month: &str, day: &str) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
        .filter(|date| SCAN_YEARS.contains(&date.year()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_taken_only_where_it_cannot_be_mistaken() {
        let cases = [
            ("scan_2024-03-12.nii.gz", Some("2024-03-12")),
            ("20240312.nii", Some("2024-03-12")),
            ("hrT2_2024_03_12_axial.nii.gz", Some("2024-03-12")),
            ("t2w20240312T134501.nii", Some("2024-03-12")),
            ("2024-03-12_13-45-10.nii", Some("2024-03-12")),
            ("sub-01_2024-03-12_20240312.nii", Some("2024-03-12")),
            ("2024-02-29.nii", Some("2024-02-29")),
            ("é2024-03-12é.nii", Some("2024-03-12")),
            // Two dates: perhaps one is the day of birth.
            ("20240312_20250310.nii", None),
            ("1985-01-02_2024-03-12.nii", None),
            // Another form, not a day, or not of a scan.
            ("12-03-2024.nii", None),
            ("12-03-2024-01-02.nii", None),
            ("12032024.nii", None),
            ("2024-3-12.nii", None),
            ("2024-03_12.nii", None),
            ("2024-13-12.nii", None),
            ("2023-02-29.nii", None),
            ("1955-03-12.nii", None),
            ("21050312.nii", None),
            // Longer numbers.
            ("20240312134501.nii", None),
            ("120240312.nii", None),
            ("12024-03-12.nii", None),
            ("2024-03-123.nii", None),
            ("visit1_hrT2.nii.gz", None),
            ("", None),
        ];
        for (name, expected) in cases {
            let found = date_in_name(name).map(|d| d.to_string());
            assert_eq!(found.as_deref(), expected, "{name}");
        }
    }
}
