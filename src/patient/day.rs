//! Days of scans and treatments, as people type them.
use chrono::{Datelike, NaiveDate};
use std::ops::Range;

/// Years that can be those of a scan.
pub const SCAN_YEARS: Range<i32> = 1980..2100;

/// The day that a text like `2024-03-12` names.
///
/// # Errors
/// In words, when it names none, or a year in which no scan was made: `24-03-12` is the year 24.
pub fn parse_day(text: &str) -> Result<NaiveDate, String> {
    let day: NaiveDate = (text.trim().parse())
        .map_err(|e| format!("'{text}' is not a date like 2024-03-12 ({e})"))?;
    if SCAN_YEARS.contains(&day.year()) {
        Ok(day)
    } else {
        Err(format!(
            "'{text}' lies in the year {}: give all four digits of the year, from {} to {}",
            day.year(),
            SCAN_YEARS.start,
            SCAN_YEARS.end - 1
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_of_two_digits_is_no_year_of_a_scan() {
        assert_eq!(
            parse_day(" 2024-03-12 "),
            Ok(NaiveDate::from_ymd_opt(2024, 3, 12).unwrap())
        );
        for wrong in [
            "24-03-12",
            "0024-03-12",
            "1979-12-31",
            "2100-01-01",
            "-2024-03-12",
        ] {
            assert!(parse_day(wrong).unwrap_err().contains("year"), "{wrong}");
        }
        for wrong in ["", "12.03.2024", "2024-02-30", "2024-03-12T10:00"] {
            assert!(
                parse_day(wrong).unwrap_err().contains("not a date"),
                "{wrong}"
            );
        }
    }
}
