//! Text of the PDF: `WinAnsi` bytes, Helvetica's widths, line breaks.
//!
//! Helvetica and Helvetica-Bold are built into every PDF reader, so the file embeds no font. Their advance widths below are those of the
//! published metrics (the numbers are the same in every metric-compatible face, for instance Nimbus Sans).

/// One of the two faces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Face {
    Regular,
    Bold,
}

/// First code of the width tables.
const FIRST: u8 = 32;

/// Advance of codes 32 to 255 in thousandths of the size; 0 where `WinAnsi` has no character.
#[rustfmt::skip]
const REGULAR: [u16; 224] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278,
    556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556,
    1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778,
    667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556,
    333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556,
    556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584, 0,
    556, 0, 222, 556, 333, 1000, 556, 556, 333, 1000, 667, 333, 1000, 0, 611, 0,
    0, 222, 222, 333, 333, 350, 556, 1000, 333, 1000, 500, 333, 944, 0, 500, 667,
    278, 333, 556, 556, 556, 556, 260, 556, 333, 737, 370, 556, 584, 333, 737, 333,
    400, 584, 333, 333, 333, 556, 537, 278, 333, 333, 365, 556, 834, 834, 834, 611,
    667, 667, 667, 667, 667, 667, 1000, 722, 667, 667, 667, 667, 278, 278, 278, 278,
    722, 722, 778, 778, 778, 778, 778, 584, 778, 722, 722, 722, 722, 667, 667, 611,
    556, 556, 556, 556, 556, 556, 889, 500, 556, 556, 556, 556, 278, 278, 278, 278,
    556, 556, 556, 556, 556, 556, 556, 584, 611, 556, 556, 556, 556, 500, 556, 500,
];
/// The same for the bold face.
#[rustfmt::skip]
const BOLD: [u16; 224] = [
    278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278,
    556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 333, 333, 584, 584, 584, 611,
    975, 722, 722, 722, 722, 667, 611, 778, 722, 278, 556, 722, 611, 833, 722, 778,
    667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584, 556,
    333, 556, 611, 556, 611, 556, 333, 611, 611, 278, 278, 556, 278, 889, 611, 611,
    611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389, 280, 389, 584, 0,
    556, 0, 278, 556, 500, 1000, 556, 556, 333, 1000, 667, 333, 1000, 0, 611, 0,
    0, 278, 278, 500, 500, 350, 556, 1000, 333, 1000, 556, 333, 944, 0, 500, 667,
    278, 333, 556, 556, 556, 556, 280, 556, 333, 737, 370, 556, 584, 333, 737, 333,
    400, 584, 333, 333, 333, 611, 556, 278, 333, 333, 365, 556, 834, 834, 834, 611,
    722, 722, 722, 722, 722, 722, 1000, 722, 667, 667, 667, 667, 278, 278, 278, 278,
    722, 722, 778, 778, 778, 778, 778, 584, 778, 722, 722, 722, 722, 667, 667, 611,
    556, 556, 556, 556, 556, 556, 889, 556, 556, 556, 556, 556, 278, 278, 278, 278,
    611, 611, 611, 611, 611, 611, 611, 584, 611, 611, 611, 611, 611, 556, 611, 556,
];

/// Characters of `WinAnsi` 0x80 to 0x9F; a space where the code is not used.
const UPPER: &str = "€ ‚ƒ„…†‡ˆ‰Š‹Œ Ž  ‘’“”•–—˜™š›œ žŸ";
/// Code of the en dash, which stands for the minus sign.
const EN_DASH: u8 = 0x96;

/// Text as `WinAnsi`. A hyphen that is a number's sign becomes a dash, comparison signs become ASCII, control characters become spaces; what the
/// encoding does not have becomes `?`.
pub(super) fn encode(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut before = ' ';
    while let Some(c) = chars.next() {
        match c {
            '-' if " (/".contains(before) && chars.peek().is_some_and(char::is_ascii_digit) => {
                out.push(EN_DASH);
            }
            ' '..='~' | '\u{a1}'..='\u{ff}' => out.push(c as u32 as u8),
            '≥' => out.extend(b">="),
            '≤' => out.extend(b"<="),
            '→' => out.extend(b"->"),
            '≈' => out.push(b'~'),
            '−' | '‐' | '‑' => out.push(EN_DASH),
            c if c.is_whitespace() || c.is_control() => out.push(b' '),
            c => out.push(
                UPPER
                    .chars()
                    .position(|u| u == c)
                    .map_or(b'?', |n| 0x80 + n as u8),
            ),
        }
        before = c;
    }
    out
}

/// Width of encoded text at a size, points.
pub(super) fn width(text: &[u8], face: Face, size: f32) -> f32 {
    let table = match face {
        Face::Regular => &REGULAR,
        Face::Bold => &BOLD,
    };
    let thousandths: u32 = text
        .iter()
        .filter_map(|b| table.get(usize::from(b.checked_sub(FIRST)?)))
        .map(|w| u32::from(*w))
        .sum();
    thousandths as f32 * size / 1000.0
}

/// Encoded text in lines no wider than `limit` points. Breaks at spaces, and within a word that is wider than a line.
pub(super) fn wrap(text: &[u8], face: Face, size: f32, limit: f32) -> Vec<Vec<u8>> {
    let mut lines: Vec<Vec<u8>> = Vec::new();
    let mut line: Vec<u8> = Vec::new();
    for word in text.split(|b| *b == b' ').filter(|w| !w.is_empty()) {
        let mut candidate = line.clone();
        if !candidate.is_empty() {
            candidate.push(b' ');
        }
        candidate.extend(word);
        if width(&candidate, face, size) <= limit {
            line = candidate;
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for &byte in word {
            line.push(byte);
            if width(&line, face, size) > limit && line.len() > 1 {
                line.pop();
                lines.push(std::mem::replace(&mut line, vec![byte]));
            }
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// Encoded text cut to `limit` points, ending in an ellipsis where something was cut.
pub(super) fn fit(text: &[u8], face: Face, size: f32, limit: f32) -> Vec<u8> {
    if width(text, face, size) <= limit {
        return text.to_vec();
    }
    let ellipsis = encode("…");
    let mut out = text.to_vec();
    while !out.is_empty() && width(&out, face, size) + width(&ellipsis, face, size) > limit {
        out.pop();
    }
    out.extend(ellipsis);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_report_writes_has_its_windows_1252_code() {
        let text = "812 ± 108 mm³, mm², 5°, é, Ø, –, …, ’, Š, €, ž";
        let expected =
            b"812 \xb1 108 mm\xb3, mm\xb2, 5\xb0, \xe9, \xd8, \x96, \x85, \x92, \x8a, \x80, \x9e";
        assert_eq!(encode(text), expected);
        assert_eq!(encode("中\u{7}\u{a0}\u{9f}\n"), b"?    ");
    }

    #[test]
    fn a_sign_becomes_a_dash_and_a_date_keeps_its_hyphens() {
        assert_eq!(
            encode("-1 (-2) 2024-01-02 hr-T2 -x"),
            b"\x961 (\x962) 2024-01-02 hr-T2 -x"
        );
    }

    #[test]
    fn known_strings_have_their_known_width() {
        // Sums from the published Helvetica metrics: H 722, e 556, l 222, o 556; bold: l 278, o 611.
        assert!((width(b"Hello", Face::Regular, 10.0) - 22.78).abs() < 1e-4);
        assert!((width(b"Hello", Face::Bold, 10.0) - 24.45).abs() < 1e-4);
    }

    #[test]
    fn wrapped_lines_fit_and_lose_nothing() {
        let text = encode("one two three 0123456789012345678901234567890123456789 four");
        let lines = wrap(&text, Face::Regular, 8.0, 60.0);
        assert!(lines.iter().all(|l| width(l, Face::Regular, 8.0) <= 60.0));
        let strip = |t: &[u8]| {
            t.iter()
                .copied()
                .filter(|b| *b != b' ')
                .collect::<Vec<u8>>()
        };
        assert_eq!(strip(&lines.concat()), strip(&text));
        assert!(width(&fit(&text, Face::Bold, 8.0, 60.0), Face::Bold, 8.0) <= 60.0);
    }
}
