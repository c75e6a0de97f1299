//! Words that identify somebody, taken out of text.

/// What stands where something was taken out: three characters that every text may hold.
const GONE: &[u8; 3] = b"___";

/// Takes the words out of a text; nothing when it holds none. Words of three letters count only when they stand alone.
pub(super) fn without(text: &[u8], words: &[Vec<u8>]) -> Option<Vec<u8>> {
    let mut out = text.to_vec();
    let mut changed = false;
    for word in words {
        let mut from = 0;
        while let Some(at) = find(&out, word, from) {
            let end = at + word.len();
            let alone = !inside_word(&out, at.checked_sub(1)) && !inside_word(&out, Some(end));
            if word.len() > 3 || alone {
                out.splice(at..end, GONE.iter().copied());
                changed = true;
                from = at + GONE.len();
            } else {
                from = at + 1;
            }
        }
    }
    changed.then_some(out)
}

fn find(text: &[u8], word: &[u8], from: usize) -> Option<usize> {
    if word.is_empty() {
        return None;
    }
    text.get(from..)?
        .windows(word.len())
        .position(|w| w.eq_ignore_ascii_case(word))
        .map(|at| at + from)
}

fn inside_word(text: &[u8], at: Option<usize>) -> bool {
    at.and_then(|at| text.get(at))
        .is_some_and(|b| b.is_ascii_alphanumeric() || *b >= 0x80)
}

/// Takes numbers of five digits and more and dates (`1.2.2024`, `2024-02-01`) out of a text; nothing when it holds none.
pub(super) fn without_numbers(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut changed = false;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let rest = text.get(at..).unwrap_or_default();
        let begins = byte.is_ascii_digit() && !ends_in_digit(&out);
        if let Some(length) = begins.then(|| number_or_date(rest)).flatten() {
            out.extend(GONE);
            at += length;
            changed = true;
        } else {
            out.push(byte);
            at += 1;
        }
    }
    changed.then_some(out)
}

fn ends_in_digit(out: &[u8]) -> bool {
    out.last().is_some_and(u8::is_ascii_digit)
}

/// Length of a long number or a date that a text begins with.
fn number_or_date(text: &[u8]) -> Option<usize> {
    let digits = |text: &[u8]| text.iter().take_while(|b| b.is_ascii_digit()).count();
    let first = digits(text);
    if first >= 5 {
        return Some(first);
    }
    let separator = *text.get(first)?;
    if !matches!(separator, b'.' | b'-' | b'/') {
        return None;
    }
    let second = digits(text.get(first + 1..)?);
    let after = first + 1 + second;
    if !(1..=2).contains(&second) || text.get(after) != Some(&separator) {
        return None;
    }
    let third = digits(text.get(after + 1..)?);
    let is_date = matches!((first, third), (4, 1..=2) | (1..=2, 2 | 4));
    is_date.then_some(after + 1 + third)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_taken_out_whatever_their_case() {
        let words = [b"Doe".to_vec(), b"Jane".to_vec(), b"4711".to_vec()];
        for (text, wanted) in [
            ("t2 space DOE", Some("t2 space ___")),
            ("jane, ID4711", Some("___, ID___")),
            ("doemain of janes", Some("doemain of ___s")),
            ("t2_space_3d", None),
            ("DoeJane doe", Some("Doe___ ___")),
        ] {
            let out = without(text.as_bytes(), &words);
            assert_eq!(out.as_deref(), wanted.map(str::as_bytes), "{text}");
        }
    }

    #[test]
    fn long_numbers_and_dates_are_taken_out() {
        for (text, wanted) in [
            ("MRN 123456 ax", Some("MRN ___ ax")),
            ("2024-01-31", Some("___")),
            ("from 1.2.24 to 31/12/2023", Some("from ___ to ___")),
            ("t2 0.5x0.5x1.0 1234", None),
            ("5.4.3", None),
        ] {
            let out = without_numbers(text.as_bytes());
            assert_eq!(out.as_deref(), wanted.map(str::as_bytes), "{text}");
        }
    }
}
