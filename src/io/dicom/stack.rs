//! Frames of a series to stacks that make one regular grid each. What does not is split or refused, never stacked in silence.
use super::frame::{Format, Frame, Marks};
use super::grid::{self, Placed};
use super::{DicomError, DicomWarning};
use crate::volume::Grid;
use std::collections::{BTreeMap, HashMap};

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
    let groups = groups(frames);
    let several = groups.len() > 1;
    let leaders: Vec<&Frame> = groups.iter().filter_map(|g| g.first()).collect();
    let differing = differing(&leaders);
    let mut stacks = Vec::new();
    for group in groups {
        let part = match group.first() {
            Some(first) if several => difference(first, differing),
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

/// What must be the very same in all frames of a stack.
#[derive(PartialEq, Eq, Hash)]
struct Same {
    shape: [usize; 2],
    format: Format,
    echo: Option<i64>,
    time_point: Option<i64>,
    stack: Option<String>,
}

impl Same {
    fn of(frame: &Frame) -> Self {
        Self {
            shape: frame.shape,
            format: frame.format,
            echo: frame.marks.echo,
            time_point: frame.marks.time_point,
            stack: frame.marks.stack.clone(),
        }
    }
}

/// Frames that can lie in one stack, by their first one, in the order of these.
fn groups(frames: Vec<Frame>) -> Vec<Vec<Frame>> {
    let mut groups: Vec<Vec<Frame>> = Vec::new();
    // A series may have thousands of time points: only groups that may be meant are looked at.
    let mut alike: HashMap<Same, Vec<usize>> = HashMap::new();
    for frame in frames {
        let numbers = alike.entry(Same::of(&frame)).or_default();
        let near = |n: &usize| groups[*n].first().is_some_and(|f| belongs(f, &frame));
        let known = numbers.iter().copied().find(near);
        if let Some(n) = known {
            groups[n].push(frame);
        } else {
            numbers.push(groups.len());
            groups.push(vec![frame]);
        }
    }
    groups
}

/// Whether two frames that are the same otherwise can lie in one stack, whatever their positions.
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
        && (0..2).all(|n| (a.spacing_mm[n] - b.spacing_mm[n]).abs() <= SAME_SPACING_MM)
        && near(a.marks.echo_time_ms, b.marks.echo_time_ms, SAME_ECHO_MS)
}

/// What may tell groups from each other.
const ASPECTS: [fn(&Frame) -> String; 6] = [
    direction,
    |f| format!("{:?}", f.shape),
    |f| format!("{:?}", f.spacing_mm),
    |f| format!("{:?}{:?}", f.marks.echo, f.marks.echo_time_ms),
    |f| format!("{:?}", f.marks.time_point),
    |f| format!("{:?}", f.marks.stack),
];

/// In which of the aspects groups differ, given by their first frames. Where they do, each differs from some other.
fn differing(leaders: &[&Frame]) -> [bool; 6] {
    ASPECTS.map(|aspect| {
        let mut values = leaders.iter().map(|frame| aspect(frame));
        let first = values.next();
        values.any(|value| Some(value) != first)
    })
}

/// What tells a group from the others, in words.
fn difference(frame: &Frame, differing: [bool; 6]) -> String {
    let [directions, shapes, spacings, echoes, time_points, stacks] = differing;
    let mut words = Vec::new();
    if directions {
        words.push(direction(frame));
    }
    if shapes {
        words.push(format!("{} × {} voxels", frame.shape[0], frame.shape[1]));
    }
    if spacings {
        words.push(format!("{:.3} mm in the slice", frame.spacing_mm[0]));
    }
    if echoes {
        let mut echo = match frame.marks.echo {
            Some(n) => format!("echo {n}"),
            None => "echo".to_owned(),
        };
        if let Some(ms) = frame.marks.echo_time_ms {
            echo.push_str(&format!(" at {ms} ms"));
        }
        words.push(echo);
    }
    if time_points && let Some(n) = frame.marks.time_point {
        words.push(format!("time point {n}"));
    }
    if stacks && let Some(n) = &frame.marks.stack {
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
        let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (n, p) in placed.iter().enumerate() {
            groups.entry(mark(&p.frame.marks)).or_default().push(n);
        }
        if !(2..=most).contains(&groups.len()) {
            continue;
        }
        for (value, members) in groups {
            let group = members.into_iter().filter_map(|n| placed.get(n));
            let group: Vec<Frame> = group.map(|p| p.frame.clone()).collect();
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

#[cfg(test)]
mod tests {
    use super::super::frame::{Place, Rescale};
    use super::*;
    use glam::DVec3;

    const SLICES: usize = 5;

    /// The slices of volumes at one place, all of the first place first.
    fn series(volumes: usize, marks: impl Fn(i64) -> Marks) -> Vec<Frame> {
        let format = Format {
            rows: 8,
            columns: 8,
            bits_allocated: 16,
            bits_stored: 12,
            high_bit: 11,
            signed: false,
            inverted: false,
        };
        let frame = |n: usize| Frame {
            file: 0,
            number: n,
            tile: None,
            shape: [8, 8],
            format,
            place: Some(Place {
                position: DVec3::Z * (n / volumes) as f64,
                row: DVec3::X,
                column: DVec3::Y,
            }),
            spacing_mm: [1.0; 2],
            rescale: Rescale::Line {
                slope: 1.0,
                intercept: 0.0,
            },
            thickness_mm: Some(1.0),
            marks: marks((n % volumes) as i64 + 1),
            instance: 0,
        };
        (0..SLICES * volumes).map(frame).collect()
    }

    #[test]
    fn thousands_of_time_points_are_sorted_at_once() {
        const VOLUMES: usize = 4000;
        let by_time = |n| Marks {
            time_point: Some(n),
            ..Marks::default()
        };
        let by_trigger = |n: i64| Marks {
            trigger_time_ms: Some(n as f64),
            ..Marks::default()
        };
        let unmarked = |_| Marks::default();
        for (frames, last) in [
            (series(VOLUMES, by_time), "time point 4000"),
            (series(VOLUMES, by_trigger), "trigger time 999"),
            (series(VOLUMES, unmarked), "volume 4000 of 4000"),
        ] {
            let stacks = stacks(frames, None);
            assert_eq!(stacks.len(), VOLUMES);
            assert_eq!(stacks.last().map(|s| s.part.as_str()), Some(last));
            for stack in &stacks {
                let grid = stack.grid.as_ref().unwrap();
                assert_eq!(grid.shape(), [8, 8, SLICES]);
                // Each volume has its own slices, in their order.
                let places = stack.frames.iter().map(|f| f.number / VOLUMES);
                assert!(places.eq(0..SLICES));
                let first = stack.frames[0].number % VOLUMES;
                assert!(stack.frames.iter().all(|f| f.number % VOLUMES == first));
            }
        }
    }
}
