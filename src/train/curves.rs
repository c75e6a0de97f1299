//! `curves.svg`: a picture of the log for people.
use super::Error;
use super::checkpoint::write_whole;
use crate::predict::Plan;
use std::path::Path;

/// Size of the picture, pixels.
const SIZE: [f64; 2] = [1000.0, 640.0];
/// Left and right end of both panels.
const ACROSS: [f64; 2] = [66.0, 650.0];
/// Top and bottom of the panel of the loss, and of that of Dice.
const LOSS: [f64; 2] = [78.0, 300.0];
const DICE: [f64; 2] = [352.0, 574.0];
/// Columns into which the steps of a long training are gathered.
const COLUMNS: usize = 500;
/// Colours that are told apart with any kind of colour vision (Okabe and Ito 2008).
const COLOURS: [&str; 7] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#4d4d4d",
];

/// What the picture shows of the log.
#[derive(Debug, Default, PartialEq)]
struct Curves {
    /// Step and loss.
    loss: Vec<[f64; 2]>,
    /// Of each structure its name, and step and Dice of each validation that had it; or of each part of a loss its name, and step and value.
    dice: Vec<(String, Vec<[f64; 2]>)>,
    /// Whether these are parts of a loss.
    parts: bool,
}

/// Draws `log.csv` of a model folder into `curves.svg` beside it: the loss of each step and its mean, and Dice of each structure in validation.
///
/// # Errors
/// When the log cannot be read or the picture not be written.
pub(super) fn write_curves(folder: &Path, plan: &Plan) -> Result<(), Error> {
    let path = folder.join("log.csv");
    let text = std::fs::read_to_string(&path).map_err(|source| Error::File {
        action: "read the log",
        source,
        path,
    })?;
    let title = format!("{} {}", plan.name, plan.version);
    let svg = Curves::from_log(&text).svg(&title);
    write_whole(&folder.join("curves.svg"), svg.as_bytes())
}

/// Draws `log.csv` of a folder whose columns after `loss` are parts of losses: the loss of each step and its mean, and the mean of each part.
///
/// # Errors
/// As [`write_curves`].
pub(super) fn write_part_curves(folder: &Path, title: &str) -> Result<(), Error> {
    let path = folder.join("log.csv");
    let text = std::fs::read_to_string(&path).map_err(|source| Error::File {
        action: "read the log",
        source,
        path,
    })?;
    let svg = Curves::of_parts(&text).svg(title);
    write_whole(&folder.join("curves.svg"), svg.as_bytes())
}

impl Curves {
    /// As [`Self::from_log`], of a log in which parts of losses follow the loss.
    fn of_parts(text: &str) -> Self {
        let names = text.lines().next().unwrap_or_default().split(',');
        let names: Vec<&str> = names.collect();
        let loss_at = names.iter().position(|n| *n == "loss").unwrap_or(0);
        let parts = names.iter().skip(loss_at + 1);
        let mut curves = Self {
            loss: Vec::new(),
            dice: parts.map(|n| (n.replace('_', " "), Vec::new())).collect(),
            parts: true,
        };
        for line in text.lines().skip(1) {
            let values = line.split(',').map(|v| v.parse::<f64>().ok());
            let values: Option<Vec<f64>> = values.collect();
            let Some(values) = values.filter(|v| {
                v.len() == names.len() && loss_at > 0 && v.iter().all(|v| v.is_finite())
            }) else {
                continue;
            };
            curves.loss.push([values[0], values[loss_at]]);
            for ((_, points), value) in curves.dice.iter_mut().zip(&values[loss_at + 1..]) {
                points.push([values[0], *value]);
            }
        }
        let window = (curves.loss.len() / 30).clamp(10, 200);
        for (_, points) in &mut curves.dice {
            *points = thinned(&running_mean(points, window));
        }
        curves
    }

    /// Lines that are damaged are left out.
    fn from_log(text: &str) -> Self {
        const VALIDATION: &str = "validation_dice_";
        let mut lines = text.lines();
        let names: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
        let column = |name: &str| names.iter().position(|n| *n == name);
        let (Some(step_at), Some(loss_at)) = (column("step"), column("loss")) else {
            return Self::default();
        };
        let validated = |(at, name): (usize, &&str)| {
            let name = name.strip_prefix(VALIDATION)?.replace('_', " ");
            Some((at, (name, Vec::new())))
        };
        let (columns, dice): (Vec<usize>, Vec<_>) =
            names.iter().enumerate().filter_map(validated).unzip();
        let mut curves = Self {
            loss: Vec::new(),
            dice,
            parts: false,
        };
        for line in lines {
            let fields: Vec<&str> = line.split(',').collect();
            let number = |at: usize| {
                let value = fields.get(at)?.parse::<f64>().ok()?;
                value.is_finite().then_some(value)
            };
            let (Some(step), Some(loss)) = (number(step_at), number(loss_at)) else {
                continue;
            };
            curves.loss.push([step, loss]);
            for (at, (_, points)) in columns.iter().zip(&mut curves.dice) {
                points.extend(number(*at).map(|dice| [step, dice]));
            }
        }
        curves
    }

    fn svg(&self, title: &str) -> String {
        let [width, height] = SIZE;
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
             font-family=\"system-ui, 'DejaVu Sans', Arial, sans-serif\" font-size=\"13\" fill=\"#222\">\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n\
             <defs><clipPath id=\"panel\"><rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/></clipPath></defs>\n",
            ACROSS[0],
            LOSS[0],
            ACROSS[1] - ACROSS[0],
            LOSS[1] - LOSS[0],
        );
        out += &text(
            [ACROSS[0], 32.0],
            "start",
            " font-size=\"18\" font-weight=\"600\"",
            title,
        );
        let last = self.loss.last().map_or(0.0, |p| p[0]);
        let steps = Axis::even([0.0, last.max(1.0)], ACROSS, 7.0);
        out += &text(
            [ACROSS[0], 52.0],
            "start",
            " fill=\"#666\"",
            &format!("training after {last} steps"),
        );
        self.draw_loss(&steps, &mut out);
        self.draw_dice(&steps, &mut out);
        out + "</svg>\n"
    }

    fn draw_loss(&self, steps: &Axis, out: &mut String) {
        let losses = self.loss.iter().map(|p| p[1]).filter(|l| *l > 0.0);
        let mut sorted: Vec<f64> = losses.collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let at = |part: f64| {
            let index = (part * sorted.len().saturating_sub(1) as f64) as usize;
            sorted.get(index).copied().unwrap_or(1.0)
        };
        // A single step that is much better or worse than all others does not flatten the rest.
        let axis = Axis::logarithmic([at(0.005), at(0.995)], [LOSS[1], LOSS[0]]);
        frame(LOSS, "loss", &axis, steps, false, out);
        let place = |p: [f64; 2]| [steps.place(p[0]), axis.place(p[1])];
        let window = (self.loss.len() / 30).clamp(10, 200);
        let smooth = running_mean(&self.loss, window);
        let mut line = |points: &[[f64; 2]], style: &str| {
            *out += &polyline(
                points.iter().map(|p| place(*p)),
                &format!("{style} clip-path=\"url(#panel)\""),
            );
        };
        line(
            &extremes(&self.loss),
            "stroke=\"#9cc4de\" stroke-width=\"1\"",
        );
        line(&thinned(&smooth), "stroke=\"#0072b2\" stroke-width=\"2.2\"");
        let last = |points: &[[f64; 2]]| points.last().map_or(String::new(), |p| figure(p[1]));
        let mean = format!("mean of {window} steps");
        legend(LOSS[0] + 14.0, "#0072b2", &mean, &last(&smooth), out);
        legend(
            LOSS[0] + 38.0,
            "#9cc4de",
            "each step",
            &last(&self.loss),
            out,
        );
    }

    fn draw_dice(&self, steps: &Axis, out: &mut String) {
        let axis = if self.parts {
            let values = self.dice.iter().flat_map(|(_, points)| points);
            let values = values.map(|p| p[1]).filter(|v| *v > 0.0);
            let ends = values.fold([f64::MAX, f64::MIN], |[l, h], v| [l.min(v), h.max(v)]);
            let ends = if ends[0] > ends[1] { [0.1, 1.0] } else { ends };
            Axis::logarithmic(ends, [DICE[1], DICE[0]])
        } else {
            Axis::even([0.0, 1.0], [DICE[1], DICE[0]], 5.0)
        };
        let title = if self.parts {
            "parts of the losses"
        } else {
            "Dice in validation"
        };
        frame(DICE, title, &axis, steps, true, out);
        if self.dice.iter().all(|(_, points)| points.is_empty()) {
            let middle = [
                f64::midpoint(ACROSS[0], ACROSS[1]),
                f64::midpoint(DICE[0], DICE[1]),
            ];
            *out += &text(middle, "middle", " fill=\"#888\"", "no validation yet");
        }
        for (n, (name, points)) in self.dice.iter().enumerate() {
            let colour = COLOURS[n % COLOURS.len()];
            // Beyond the colours, dashes tell.
            let dash = if n < COLOURS.len() {
                ""
            } else {
                " stroke-dasharray=\"5 3\""
            };
            let placed = points.iter().map(|p| [steps.place(p[0]), axis.place(p[1])]);
            *out += &polyline(
                placed.clone(),
                &format!("stroke=\"{colour}\" stroke-width=\"2\"{dash}"),
            );
            if points.len() <= 40 {
                for [x, y] in placed {
                    *out += &format!(
                        "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.6\" fill=\"{colour}\"/>\n"
                    );
                }
            }
            let last = points
                .last()
                .map_or("–".to_owned(), |p| format!("{:.3}", p[1]));
            legend(DICE[0] + 14.0 + 24.0 * n as f64, colour, name, &last, out);
        }
    }
}

/// From values to pixels, with the values that are written beside.
struct Axis {
    range: [f64; 2],
    pixels: [f64; 2],
    logarithmic: bool,
    ticks: Vec<f64>,
}

impl Axis {
    /// Even steps of 1, 2 or 5 times a power of ten, about as many as wanted.
    fn even(range: [f64; 2], pixels: [f64; 2], wanted: f64) -> Self {
        let raw = (range[1] - range[0]) / wanted;
        let power = 10_f64.powf(raw.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .map(|m| m * power)
            .find(|s| *s >= raw * 0.999);
        let step = step.unwrap_or(10.0 * power);
        let count = ((range[1] - range[0]) / step + 1e-9) as usize;
        Self {
            range,
            pixels,
            logarithmic: false,
            ticks: (0..=count).map(|n| range[0] + n as f64 * step).collect(),
        }
    }

    /// A logarithmic axis from one of 1, 2 or 5 times a power of ten to another that hold the values, which are above zero.
    fn logarithmic(values: [f64; 2], pixels: [f64; 2]) -> Self {
        let powers = (-6..=6).flat_map(|p| [1.0, 2.0, 5.0].map(|m| m * 10_f64.powi(p)));
        let all: Vec<f64> = powers.collect();
        let low = all.iter().rposition(|t| *t <= values[0]).unwrap_or(0);
        let high = all
            .iter()
            .position(|t| *t >= values[1])
            .unwrap_or(all.len() - 1);
        let high = high.max(low + 1).min(all.len() - 1);
        let low = low.min(high - 1);
        Self {
            range: [all[low], all[high]],
            pixels,
            logarithmic: true,
            ticks: all[low..=high].to_vec(),
        }
    }

    fn place(&self, value: f64) -> f64 {
        let scaled = |v: f64| {
            if self.logarithmic {
                v.max(1e-12).ln()
            } else {
                v
            }
        };
        let [low, high] = self.range.map(scaled);
        let part = (scaled(value) - low) / (high - low);
        self.pixels[0] + part * (self.pixels[1] - self.pixels[0])
    }
}

/// A panel's border, lines and numbers.
fn frame(
    [top, bottom]: [f64; 2],
    name: &str,
    axis: &Axis,
    steps: &Axis,
    named: bool,
    out: &mut String,
) {
    let [left, right] = ACROSS;
    *out += &format!(
        "<rect x=\"{left}\" y=\"{top}\" width=\"{}\" height=\"{}\" fill=\"#fafafa\" stroke=\"#bbb\"/>\n",
        right - left,
        bottom - top
    );
    let line = |[x1, y1]: [f64; 2], [x2, y2]: [f64; 2]| {
        format!(
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"#e2e2e2\"/>\n"
        )
    };
    for tick in &axis.ticks {
        let y = axis.place(*tick);
        *out += &line([left, y], [right, y]);
        *out += &text([left - 8.0, y + 4.5], "end", "", &figure(*tick));
    }
    for tick in &steps.ticks {
        let x = steps.place(*tick);
        *out += &line([x, top], [x, bottom]);
        *out += &text([x, bottom + 18.0], "middle", "", &figure(*tick));
    }
    let middle = f64::midpoint(top, bottom);
    let turned = format!(" transform=\"rotate(-90 20 {middle})\"");
    *out += &text([20.0, middle], "middle", &turned, name);
    if named {
        *out += &text(
            [f64::midpoint(left, right), bottom + 40.0],
            "middle",
            "",
            "step",
        );
    }
}

/// A line of the legend: colour, last value, name.
fn legend(y: f64, colour: &str, name: &str, value: &str, out: &mut String) {
    let left = ACROSS[1] + 18.0;
    *out += &format!(
        "<line x1=\"{left}\" y1=\"{y}\" x2=\"{}\" y2=\"{y}\" stroke=\"{colour}\" stroke-width=\"3\"/>\n",
        left + 18.0
    );
    *out += &text([left + 68.0, y + 4.5], "end", " font-weight=\"600\"", value);
    *out += &text([left + 78.0, y + 4.5], "start", "", name);
}

fn text([x, y]: [f64; 2], anchor: &str, more: &str, words: &str) -> String {
    let words = words
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\"{more}>{words}</text>\n")
}

fn polyline(points: impl Iterator<Item = [f64; 2]>, style: &str) -> String {
    let points: Vec<String> = points.map(|[x, y]| format!("{x:.1},{y:.1}")).collect();
    format!(
        "<polyline points=\"{}\" fill=\"none\" stroke-linejoin=\"round\" {style}/>\n",
        points.join(" ")
    )
}

/// A number with three figures behind the point at most.
fn figure(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The mean of each step and those before it, `window` in all.
fn running_mean(points: &[[f64; 2]], window: usize) -> Vec<[f64; 2]> {
    let mut sum = 0.0;
    let mut means = Vec::with_capacity(points.len());
    for (n, [step, value]) in points.iter().enumerate() {
        sum += value;
        if n >= window {
            sum -= points[n - window][1];
        }
        means.push([*step, sum / (n + 1).min(window) as f64]);
    }
    means
}

/// Smallest and largest value of neighbouring steps, so that a long training shows its whole range in a line of some hundred points.
fn extremes(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let together = points.len().div_ceil(COLUMNS).max(1);
    if together == 1 {
        return points.to_vec();
    }
    let of = |part: &[[f64; 2]]| {
        let by = |a: &&[f64; 2], b: &&[f64; 2]| a[1].total_cmp(&b[1]);
        let ends = [part.iter().min_by(by), part.iter().max_by(by)];
        let mut ends: Vec<[f64; 2]> = ends.into_iter().flatten().copied().collect();
        ends.sort_by(|a, b| a[0].total_cmp(&b[0]));
        ends
    };
    points.chunks(together).flat_map(of).collect()
}

/// Evenly chosen points, with the last.
fn thinned(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let step = points.len().div_ceil(COLUMNS).max(1);
    let mut kept: Vec<[f64; 2]> = points.iter().copied().step_by(step).collect();
    if points.len() % step != 1 {
        kept.extend(points.last());
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks that every element is closed in turn and every attribute quoted once.
    fn check_xml(text: &str) {
        let mut open: Vec<&str> = Vec::new();
        for part in text.split('<').skip(1) {
            let (tag, words) = part.split_once('>').expect("a tag ends");
            assert!(!words.contains('>') && !words.contains("& "), "{words}");
            assert!(tag.matches('"').count().is_multiple_of(2), "{tag}");
            let name = tag.split([' ', '/']).next().unwrap();
            if let Some(closed) = tag.strip_prefix('/') {
                assert_eq!(open.pop(), Some(closed));
            } else if !tag.ends_with('/') {
                open.push(name);
            }
        }
        assert!(open.is_empty(), "{open:?}");
    }

    fn log(steps: usize) -> String {
        let mut text = "step,seconds,learning_rate,gradient_norm,loss,cross_entropy,dice_a_b,dice_c,validation_dice_a_b,validation_dice_c\n".to_owned();
        for step in 1..=steps {
            let loss = 3.0 / step as f64 + 0.1;
            let validation = if step.is_multiple_of(100) {
                format!("{:.4},", 1.0 - 1.0 / step as f64)
            } else {
                ",".to_owned()
            };
            text += &format!("{step},1.0,1e-3,1.0,{loss:.5},0.1,0.5,0.5,{validation}\n");
        }
        text
    }

    #[test]
    fn the_picture_is_sound_and_tells_the_last_values() {
        for steps in [0, 1, 2, 99, 1234] {
            let svg = Curves::from_log(&log(steps)).svg("a < b & c");
            check_xml(&svg);
            assert!(svg.contains(&format!("after {steps} steps")));
            assert!(svg.contains("a &lt; b &amp; c"));
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
        let svg = Curves::from_log(&log(1234)).svg("model");
        // The loss of the last step, and Dice of the last validation; `c` was never there.
        for words in [">0.102<", ">0.999<", ">a b<", ">c<", ">–<"] {
            assert!(svg.contains(words), "{words}");
        }
        assert!(svg.len() < 60_000, "{}", svg.len());
        assert!(
            Curves::from_log(&log(50))
                .svg("model")
                .contains("no validation yet")
        );
    }

    #[test]
    fn damaged_lines_are_left_out() {
        let text = log(3) + "4,1.0\n5,x\nsix,,,,1\n7,1,1,1,NaN,1,1,1,,\n8,1,1,1,0.5,1,1,1,0.25,\n";
        let curves = Curves::from_log(&text);
        assert_eq!(curves.loss.len(), 4);
        assert_eq!(curves.dice[0], ("a b".to_owned(), vec![[8.0, 0.25]]));
        assert_eq!(Curves::from_log(""), Curves::default());
    }

    #[test]
    fn axes_hold_their_values() {
        let axis = Axis::logarithmic([0.07, 6.9], [300.0, 0.0]);
        assert!((axis.range[0] - 0.05).abs() < 1e-9 && (axis.range[1] - 10.0).abs() < 1e-9);
        assert!(axis.place(0.05) > 299.9 && axis.place(10.0) < 0.1);
        let steps = Axis::even([0.0, 2246.0], [0.0, 100.0], 7.0);
        let ticks: Vec<String> = steps.ticks.iter().map(|t| figure(*t)).collect();
        assert_eq!(ticks, ["0", "500", "1000", "1500", "2000"]);
        for odd in [[0.0, 0.0], [1e9, 1e12], [1e-12, 1e-12], [1.0, 1.0]] {
            assert!(Axis::logarithmic(odd, [0.0, 1.0]).ticks.len() > 1);
        }
    }
}
