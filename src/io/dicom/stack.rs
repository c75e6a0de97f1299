//! Frames of a series to stacks that make one regular grid each. What does not is split or refused, never stacked in silence.
use super::frame::{Frame, Marks};
use super::grid::{self, Placed};
use super::{DicomError, DicomWarning};
use crate::volume::Grid;

/// Directions of one stack agree to this, as unit vectors: scanners write six digits, and 0.001 is a tenth of a millimetre across a head.
const SAME_DIRECTION: f64 = 1e-3;
/// Spacings of one stack agree to this, mm.
const SAME_SPACING_MM: f64 = 1e-4;
/// Milliseconds by which the echo times of one stack may differ.
const SAME_ECHO_MS: f64 = 0.01;
/// Parts that a series with missing slices is split into.
const MOST_PARTS: usize = 4;

/// Slices that belong together, in their order along the normal.
#[derive(Debug, Clone)]
pub(super) struct Stack {
    pub(super) frames: Vec<Frame>,
    /// The grid, or why there is none.
    pub(super) grid: Result<Grid, DicomError>,
    /// What tells this stack from the others of its series, for people; empty when it is the only one.
    pub(super) part: String,
    pub(super) warnings: Vec<DicomWarning>,
}

/// Sorts the frames of a series into stacks.
pub(super) fn stacks(frames: Vec<Frame>, distance_mm: Option<f64>) -> Vec<Stack> {
    let mut groups: Vec<Vec<Frame>> = Vec::new();
    for frame in frames {
        let same = |group: &&mut Vec<Frame>| group.first().is_some_and(|f| belongs(f, &frame));
        match groups.iter_mut().find(same) {
            Some(group) => group.push(frame),
            None => groups.push(vec![frame]),
        }
    }
    let several = groups.len() > 1;
    let leaders: Vec<Frame> = groups.iter().filter_map(|g| g.first().cloned()).collect();
    let mut stacks = Vec::new();
    for group in groups {
        let part = match group.first() {
            Some(first) if several => difference(first, &leaders),
            _ => String::new(),
        };
        separate(group, part, distance_mm, &mut stacks);
    }
    if stacks.len() > 1 {
        for stack in &mut stacks {
            let what = stack.part.clone();
            if !what.is_empty() {
                stack.warnings.push(DicomWarning::Split(what));
            }
        }
    }
    stacks
}

/// Whether two frames can lie in one stack, whatever their positions.
fn belongs(a: &Frame, b: &Frame) -> bool {
    let near = |x: Option<f64>, y: Option<f64>, by: f64| match (x, y) {
        (Some(x), Some(y)) => (x - y).abs() <= by,
        (None, None) => true,
        _ => false,
    };
    let directions = match (&a.place, &b.place) {
        (Some(a), Some(b)) => {
            a.row.distance(b.row) <= SAME_DIRECTION && a.column.distance(b.column) <= SAME_DIRECTION
        }
        (None, None) => true,
        _ => false,
    };
    directions
        && a.shape == b.shape
        && a.format == b.format
        && (0..2).all(|n| (a.spacing_mm[n] - b.spacing_mm[n]).abs() <= SAME_SPACING_MM)
        && near(a.marks.echo_time_ms, b.marks.echo_time_ms, SAME_ECHO_MS)
        && a.marks.echo == b.marks.echo
        && a.marks.time_point == b.marks.time_point
        && a.marks.stack == b.marks.stack
}

/// What tells a group from the others, in words.
fn difference(frame: &Frame, leaders: &[Frame]) -> String {
    let mut words = Vec::new();
    let differs = |value: &dyn Fn(&Frame) -> String| {
        let own = value(frame);
        leaders.iter().any(|f| value(f) != own)
    };
    if differs(&|f| direction(f)) {
        words.push(direction(frame));
    }
    if differs(&|f| format!("{:?}", f.shape)) {
        words.push(format!("{} × {} voxels", frame.shape[0], frame.shape[1]));
    }
    if differs(&|f| format!("{:?}", f.spacing_mm)) {
        words.push(format!("{:.3} mm in the slice", frame.spacing_mm[0]));
    }
    if differs(&|f| format!("{:?}{:?}", f.marks.echo, f.marks.echo_time_ms)) {
        let mut echo = match frame.marks.echo {
            Some(n) => format!("echo {n}"),
            None => "echo".to_owned(),
        };
        if let Some(ms) = frame.marks.echo_time_ms {
            echo.push_str(&format!(" at {ms} ms"));
        }
        words.push(echo);
    }
    if differs(&|f| format!("{:?}", f.marks.time_point))
        && let Some(n) = frame.marks.time_point
    {
        words.push(format!("time point {n}"));
    }
    if differs(&|f| format!("{:?}", f.marks.stack))
        && let Some(n) = &frame.marks.stack
    {
        words.push(format!("stack {n}"));
    }
    if words.is_empty() {
        words.push("images of another kind".to_owned());
    }
    words.join(", ")
}

/// The plane of a slice, in words.
fn direction(frame: &Frame) -> String {
    let Some(place) = &frame.place else {
        return "no place in the patient".to_owned();
    };
    let normal = place.row.cross(place.column).abs();
    let largest = normal.max_element();
    let plane = if normal.z >= largest {
        "axial"
    } else if normal.y >= largest {
        "coronal"
    } else {
        "sagittal"
    };
    let degrees = largest.clamp(0.0, 1.0).acos().to_degrees();
    if degrees < 0.5 {
        plane.to_owned()
    } else {
        format!("{plane}, oblique by {degrees:.0}°")
    }
}

/// Takes frames of one kind apart where several lie at one place, then makes their grids.
fn separate(frames: Vec<Frame>, part: String, distance_mm: Option<f64>, out: &mut Vec<Stack>) {
    let placed = match grid::placed(frames) {
        Ok(placed) => placed,
        Err((frames, problem)) => {
            out.push(Stack {
                frames,
                grid: Err(problem),
                part,
                warnings: Vec::new(),
            });
            return;
        }
    };
    let most = grid::most_at_one_place(&placed);
    if most <= 1 {
        finish(placed, part, distance_mm, out);
        return;
    }
    for (mark, name) in MARKS {
        let mut values: Vec<String> = placed.iter().map(|p| mark(&p.frame.marks)).collect();
        values.sort();
        values.dedup();
        if !(2..=most).contains(&values.len()) {
            continue;
        }
        for value in values {
            let group: Vec<Frame> = placed
                .iter()
                .filter(|p| mark(&p.frame.marks) == value)
                .map(|p| p.frame.clone())
                .collect();
            let what = joined(&part, &format!("{name} {value}"));
            separate(group, what, distance_mm, out);
        }
        return;
    }
    // As many slices at each place: volumes one after the other, in the order of their numbers.
    if let Some(volumes) = grid::volumes(&placed, most) {
        for (n, volume) in volumes.into_iter().enumerate() {
            let what = joined(&part, &format!("volume {} of {most}", n + 1));
            finish(volume, what, distance_mm, out);
        }
        return;
    }
    let frames = placed.into_iter().map(|p| p.frame).collect();
    out.push(Stack {
        frames,
        grid: Err(DicomError::Duplicates(most)),
        part,
        warnings: Vec::new(),
    });
}

/// A mark as text, to compare and to show.
type Mark = fn(&Marks) -> String;

fn number(x: Option<f64>) -> String {
    x.map_or_else(|| "none".to_owned(), |x| x.to_string())
}

/// What may tell frames at one place from each other, in the order in which it is tried.
const MARKS: [(Mark, &str); 5] = [
    (|m| m.kind.clone(), "image type"),
    (|m| number(m.b_value), "b-value"),
    (|m| number(m.inversion_time_ms), "inversion time"),
    (
        |m| {
            m.acquisition
                .map_or_else(|| "none".to_owned(), |n| n.to_string())
        },
        "acquisition",
    ),
    (|m| number(m.trigger_time_ms), "trigger time"),
];

fn joined(part: &str, what: &str) -> String {
    if part.is_empty() {
        what.to_owned()
    } else {
        format!("{part}, {what}")
    }
}

/// Splits at missing slices and makes the grids.
fn finish(placed: Vec<Placed>, part: String, distance_mm: Option<f64>, out: &mut Vec<Stack>) {
    let runs = grid::runs(&placed);
    let places = runs.len() - 1;
    let missing: usize = runs.iter().map(|run| run.missing_after).sum();
    if places == 0 || runs.len() > MOST_PARTS {
        let mut warnings = Vec::new();
        let grid = if places == 0 {
            grid::regular(&placed, distance_mm, &mut warnings)
        } else {
            Err(DicomError::Gaps { missing, places })
        };
        let frames: Vec<Frame> = placed.into_iter().map(|p| p.frame).collect();
        out.push(Stack {
            frames,
            grid,
            part,
            warnings,
        });
        return;
    }
    let parts = runs.len();
    let mut rest = placed;
    let mut before = 0;
    for (n, run) in runs.into_iter().enumerate() {
        let behind = rest.split_off(run.length.min(rest.len()));
        let slices = std::mem::replace(&mut rest, behind);
        let mut warnings = vec![DicomWarning::Missing {
            slices: before + run.missing_after,
            part: n + 1,
            parts,
        }];
        before = run.missing_after;
        let grid = grid::regular(&slices, distance_mm, &mut warnings);
        out.push(Stack {
            frames: slices.into_iter().map(|p| p.frame).collect(),
            grid,
            part: joined(&part, &format!("part {} of {parts}", n + 1)),
            warnings,
        });
    }
}
