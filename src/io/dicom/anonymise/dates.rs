//! Dates that move by whole days.

/// A date (VR DA), moved back; nothing when it is none. `YYYY.MM.DD` of old files becomes `YYYYMMDD`.
pub(super) fn earlier_date(text: &str, days: i64) -> Option<String> {
    let text = text.trim_matches([' ', '\0']);
    let digits: String = match text.len() {
        10 => {
            let parts: Vec<&str> = text.split('.').collect();
            if parts.iter().map(|p| p.len()).ne([4, 2, 2]) {
                return None;
            }
            parts.concat()
        }
        _ => text.to_owned(),
    };
    if digits.len() != 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number = |range: std::ops::Range<usize>| digits.get(range)?.parse::<i64>().ok();
    let (year, month, day) = (number(0..4)?, number(4..6)?, number(6..8)?);
    let count = count_of(year, month, day);
    // Back and forth gives another date for the 31st of February.
    if date_of(count) != (year, month, day) {
        return None;
    }
    let (year, month, day) = date_of(count - days);
    (1..=9999)
        .contains(&year)
        .then(|| format!("{year:04}{month:02}{day:02}"))
}

/// A date with a time (VR DT), moved back; nothing when it is none or names no day.
pub(super) fn earlier_moment(text: &str, days: i64) -> Option<String> {
    let text = text.trim_matches([' ', '\0']);
    let (date, time) = text.split_at_checked(8)?;
    let (clock, zone) = match time.find(['+', '-']) {
        Some(at) => time.split_at_checked(at)?,
        None => (time, ""),
    };
    let zone_fits = zone.is_empty() || (zone.len() == 5 && digits(zone.get(1..)?));
    (is_time(clock) && zone_fits)
        .then(|| earlier_date(date, days))
        .flatten()
        .map(|date| date + time)
}

/// Whether this is a time of day (VR TM) or nothing.
pub(super) fn is_time(text: &str) -> bool {
    let text = text.trim_matches([' ', '\0']);
    let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let clock = clock.replace(':', "");
    digits(&clock)
        && matches!(clock.len(), 0 | 2 | 4 | 6)
        && digits(fraction)
        && fraction.len() <= 6
}

fn digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

/// Days of the Gregorian calendar from 1 March of the year 0 (H. Hinnant, chrono-compatible low-level date algorithms, 2014).
fn count_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year
}

fn date_of(count: i64) -> (i64, i64, i64) {
    let (era, day) = (count.div_euclid(146_097), count.rem_euclid(146_097));
    let of_era = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * of_era + of_era / 4 - of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = (shifted + 2) % 12 + 1;
    let year = era * 400 + of_era + i64::from(month <= 2);
    (year, month, of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dates_move_through_months_and_leap_years() {
        for (date, days, wanted) in [
            ("20240301", 1, "20240229"),
            ("20230301", 1, "20230228"),
            ("20000301", 1, "20000229"),
            ("19000301", 1, "19000228"),
            ("2024.01.01", 1, "20231231"),
            ("20240131 ", 366, "20230130"),
        ] {
            assert_eq!(earlier_date(date, days).as_deref(), Some(wanted), "{date}");
        }
        for text in [
            "20230229",
            "20231301",
            "20230100",
            "2023",
            "yesterday",
            "2023-01-01",
            "00010101",
            "",
        ] {
            assert_eq!(earlier_date(text, 3652), None, "{text}");
        }
    }

    #[test]
    fn moments_keep_their_time_and_zone() {
        for (text, wanted) in [
            ("20240301", Some("20240229")),
            ("20240301123456.789+0100", Some("20240229123456.789+0100")),
            ("2024030112", Some("2024022912")),
            ("20240301-0500", Some("20240229-0500")),
            ("202403", None),
            ("20240301DOE", None),
            ("20240301123456+01", None),
        ] {
            assert_eq!(earlier_moment(text, 1).as_deref(), wanted, "{text}");
        }
        assert!(is_time("123456.12") && is_time("12:34:56") && is_time("") && is_time("12"));
        assert!(!is_time("DOE") && !is_time("1234567") && !is_time("12.DOE"));
    }

    proptest! {
        #[test]
        fn the_calendar_counts_every_day_once(count in 0_i64..3_600_000) {
            let (year, month, day) = date_of(count);
            prop_assert_eq!(count_of(year, month, day), count);
            let next = date_of(count + 1);
            let same_month = next == (year, month, day + 1);
            let new_month = next == (year, month + 1, 1) && day >= 28;
            prop_assert!(same_month || new_month || next == (year + 1, 1, 1) && (month, day) == (12, 31));
        }

        #[test]
        fn intervals_stay(from in 400_000_i64..3_500_000, gap in 0_i64..20_000, days in 366_i64..3653) {
            let text = |(year, month, day): (i64, i64, i64)| format!("{year:04}{month:02}{day:02}");
            let count = |text: &str| {
                let number: i64 = text.parse().unwrap();
                count_of(number / 10_000, number / 100 % 100, number % 100)
            };
            let moved = |n| count(&earlier_date(&text(date_of(n)), days).unwrap());
            prop_assert_eq!(moved(from + gap) - moved(from), gap);
            prop_assert_eq!(from - moved(from), days);
        }
    }
}
