//! The few letters that a picture needs, as a bitmap: no font file, the same pixels everywhere.
use super::ink::{Ink, dab};
use image::RgbImage;

const WIDTH: u32 = 5;
const HEIGHT: u32 = 7;

/// Rows from top to bottom, leftmost pixel in the highest of five bits. Edge letters, `?` for sides that are not known, digits and `mm`.
const GLYPHS: [(char, [u8; HEIGHT as usize]); 19] = [
    (
        '.',
        [
            0b00000, 0b00000, 0b00000, 0b00000, 0b00000, 0b01100, 0b01100,
        ],
    ),
    (
        '0',
        [
            0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110,
        ],
    ),
    (
        '1',
        [
            0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110,
        ],
    ),
    (
        '2',
        [
            0b01110, 0b10001, 0b00001, 0b00010, 0b00100, 0b01000, 0b11111,
        ],
    ),
    (
        '3',
        [
            0b11111, 0b00010, 0b00100, 0b00010, 0b00001, 0b10001, 0b01110,
        ],
    ),
    (
        '4',
        [
            0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010,
        ],
    ),
    (
        '5',
        [
            0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110,
        ],
    ),
    (
        '6',
        [
            0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110,
        ],
    ),
    (
        '7',
        [
            0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000,
        ],
    ),
    (
        '8',
        [
            0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110,
        ],
    ),
    (
        '9',
        [
            0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100,
        ],
    ),
    (
        '?',
        [
            0b01110, 0b10001, 0b00001, 0b00010, 0b00100, 0b00000, 0b00100,
        ],
    ),
    (
        'A',
        [
            0b01110, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001,
        ],
    ),
    (
        'I',
        [
            0b01110, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110,
        ],
    ),
    (
        'L',
        [
            0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b11111,
        ],
    ),
    (
        'P',
        [
            0b11110, 0b10001, 0b10001, 0b11110, 0b10000, 0b10000, 0b10000,
        ],
    ),
    (
        'R',
        [
            0b11110, 0b10001, 0b10001, 0b11110, 0b10100, 0b10010, 0b10001,
        ],
    ),
    (
        'S',
        [
            0b01111, 0b10000, 0b10000, 0b01110, 0b00001, 0b00001, 0b11110,
        ],
    ),
    (
        'm',
        [
            0b00000, 0b00000, 0b11010, 0b10101, 0b10101, 0b10101, 0b10101,
        ],
    ),
];

/// Width and height of a text, pixels.
pub(super) fn size(text: &str, scale: u32) -> [u32; 2] {
    let count = text.chars().count() as u32;
    [
        (count * (WIDTH + 1)).saturating_sub(1) * scale,
        HEIGHT * scale,
    ]
}

/// Draws a text with a dark rim, so that it can be read on white; characters without a glyph are blanks.
pub(super) fn draw(
    picture: &mut RgbImage,
    text: &str,
    [left, top]: [i64; 2],
    scale: u32,
    ink: Ink,
) {
    let rim = Ink {
        colour: [0, 0, 0],
        opacity: 0.7,
    };
    let step = i64::from(scale);
    let mut cells = Vec::new();
    for (position, letter) in (0_i64..).zip(text.chars()) {
        let Some((_, rows)) = GLYPHS.iter().find(|(c, _)| *c == letter) else {
            continue;
        };
        for (y, row) in (0_i64..).zip(rows) {
            for x in (0..i64::from(WIDTH)).filter(|x| row >> (i64::from(WIDTH) - 1 - x) & 1 == 1) {
                cells.push([
                    left + (position * i64::from(WIDTH + 1) + x) * step,
                    top + y * step,
                ]);
            }
        }
    }
    for (margin, ink) in [(1, rim), (0, ink)] {
        let mut pixels: Vec<(i64, i64)> = cells
            .iter()
            .flat_map(|[x, y]| {
                (y - margin..y + step + margin)
                    .flat_map(move |py| (x - margin..x + step + margin).map(move |px| (px, py)))
            })
            .collect();
        pixels.sort_unstable();
        pixels.dedup();
        for (x, y) in pixels {
            dab(picture, x, y, 1.0, ink);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_that_are_not_known_have_a_glyph_as_have_all_edge_letters() {
        for letter in "RLAPSI?0123456789.m".chars() {
            let mut picture = RgbImage::new(12, 12);
            let ink = Ink {
                colour: [255; 3],
                opacity: 1.0,
            };
            draw(&mut picture, &letter.to_string(), [2, 2], 1, ink);
            assert!(picture.pixels().any(|p| p.0 != [0; 3]), "{letter}");
        }
    }
}
