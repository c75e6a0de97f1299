//! Colours for numbers on a surface.

/// viridis (Smith and van der Walt 2015) without its darkest eighth, which shading would make black: even in lightness and fit for the colour-blind.
const VIRIDIS: [[u8; 3]; 15] = [
    [71, 45, 123],
    [66, 64, 134],
    [59, 82, 139],
    [51, 99, 141],
    [44, 114, 142],
    [38, 130, 142],
    [33, 145, 140],
    [31, 160, 136],
    [40, 174, 128],
    [63, 188, 115],
    [94, 201, 98],
    [132, 212, 75],
    [173, 220, 48],
    [216, 226, 25],
    [253, 231, 37],
];

/// The smooth cool to warm map (Moreland 2009), made for shaded surfaces: its middle is grey, not white. Every sixteenth of the scale.
const COOL_WARM: [[u8; 3]; 17] = [
    [59, 76, 192],
    [78, 104, 216],
    [98, 130, 234],
    [119, 154, 247],
    [141, 176, 254],
    [163, 194, 254],
    [185, 208, 249],
    [204, 217, 237],
    [221, 220, 220],
    [236, 211, 197],
    [245, 196, 172],
    [247, 176, 147],
    [244, 152, 122],
    [235, 125, 98],
    [221, 95, 75],
    [202, 59, 55],
    [180, 4, 38],
];

/// Which colours a scale runs through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Colours {
    /// Near is bright.
    Distance,
    /// Blue below zero, grey at it, red above.
    Signed,
}

/// A colour for each number between two ends; what lies beyond has the colour of the end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColourScale {
    colours: Colours,
    low: f64,
    high: f64,
}

impl ColourScale {
    /// For distances from 0 to `to_mm`: what is near is bright yellow, what is far dark violet.
    pub fn distance_mm(to_mm: f64) -> Self {
        Self {
            colours: Colours::Distance,
            low: 0.0,
            high: positive(to_mm),
        }
    }

    /// For changes from `-to_mm` to `to_mm`: red grew, blue shrank, grey stayed.
    pub fn growth_mm(to_mm: f64) -> Self {
        let to = positive(to_mm);
        Self {
            colours: Colours::Signed,
            low: -to,
            high: to,
        }
    }

    /// The numbers at its ends.
    pub fn ends(&self) -> [f64; 2] {
        [self.low, self.high]
    }

    /// sRGB colour of a number; grey for what is no number.
    pub fn colour(&self, value: f64) -> [u8; 3] {
        if value.is_nan() {
            return [128; 3];
        }
        let part = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        let (table, part) = match self.colours {
            Colours::Distance => (&VIRIDIS[..], 1.0 - part),
            Colours::Signed => (&COOL_WARM[..], part),
        };
        let at = part * (table.len() - 1) as f64;
        let index = (at as usize).min(table.len() - 2);
        let t = at - index as f64;
        std::array::from_fn(|c| {
            let (a, b) = (f64::from(table[index][c]), f64::from(table[index + 1][c]));
            (a + (b - a) * t).round() as u8
        })
    }

    /// Colours of many numbers.
    pub fn colours(&self, values: &[f64]) -> Vec<[u8; 3]> {
        values.iter().map(|v| self.colour(*v)).collect()
    }

    /// Round numbers within the scale for its legend, at most `count` steps apart: 1, 2 or 5 times a power of ten.
    pub fn ticks(&self, count: usize) -> Vec<f64> {
        let rough = (self.high - self.low) / count.clamp(1, 100) as f64;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .map(|n| n * power)
            .into_iter()
            .find(|s| *s >= rough * (1.0 - 1e-9))
            .unwrap_or(rough);
        let first = (self.low / step - 1e-9).ceil() as i64;
        let last = (self.high / step + 1e-9).floor() as i64;
        (first..=last).map(|n| n as f64 * step).collect()
    }
}

/// A length that a scale can have.
fn positive(to_mm: f64) -> f64 {
    if to_mm.is_finite() {
        to_mm.clamp(1e-3, 1e6)
    } else {
        1.0
    }
}
