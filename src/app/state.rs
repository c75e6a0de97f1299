//! Everything the window shows. Only [`apply`](super::apply) changes it.
use super::{
    by_hand::{ByHand, HandSteps},
    dicom::DicomState,
    keeper::{Change, ScanSource},
    koos::{Graded, KoosView},
    marks::{KeyImage, Mark},
    meaning::Meaning,
    preferences::Preferences,
    preset::Preset,
    replaced::Replaced,
    rescue::{Left, Note},
    school::SchoolState,
    series::SeriesChoice,
    task::{ChosenModel, Task},
    told::ToldSteps,
};
use crate::{
    io::{DicomSeries, Making},
    measure::{DiameterRule, EdgeTolerance, Ghosting, KoosBasis, Plane, PlaneFrame, StructureSize},
    patient::{self, Acquisition, GrowthAssessment, PatientFacts, Review, ReviewState},
    predict::Probabilities,
    render::{NativePlane, OverlayStyle, SliceView, scene::Camera},
    volume::{
        History, LabelEdit, LabelMap, Registration, Sequence, Structure, Volume, WindowLevel,
    },
};
use chrono::NaiveDate;
use glam::{DAffine3, DVec3};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    ops::RangeInclusive,
    path::PathBuf,
    sync::Arc,
};

/// Names a visit as long as the program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VisitId(pub u64);

/// The whole state of the window.
#[derive(Debug, Default)]
pub struct AppState {
    /// Visits of one patient: dated ones first, from the earliest on, then those without a date as they were opened.
    pub visits: Vec<VisitState>,
    /// The visit that is shown, or on which commands without a visit act.
    pub active: Option<VisitId>,
    /// How things are shown.
    pub view: ViewState,
    /// What is being computed.
    pub work: WorkState,
    /// The model that segments, where it is not the one that comes with Schwann.
    pub model: Option<ChosenModel>,
    /// What the user prefers on this machine.
    pub preferences: Preferences,
    /// Where journals of edits lie; none are kept without.
    pub journals: Option<PathBuf>,
    /// The file that remembers which scans were opened; nothing is remembered without.
    pub recent_file: Option<PathBuf>,
    /// Scans that were opened, the last one first.
    pub recent: Vec<PathBuf>,
    /// What the journals must still learn, oldest first.
    pub notes: Vec<(VisitId, Note)>,
    /// A folder of several series that waits for a choice.
    pub series: Option<SeriesChoice>,
    /// A label map whose values wait for their meaning.
    pub meaning: Option<Meaning>,
    /// What goes out as DICOM, or came so from others.
    pub dicom: DicomState,
    /// What the user must be told, oldest first.
    pub messages: Vec<Message>,
    /// The patient whose folder is open.
    pub patient: Option<PatientState>,
    /// The school, and what is read blind.
    pub school: SchoolState,
    /// What is told of the patient.
    pub facts: PatientFacts,
    /// What was told of the case, as steps that can be taken back.
    pub told: ToldSteps,
    /// What the patient's folder must still learn, oldest first.
    pub changes: Vec<Change>,
    /// Growth between the dated visits that have a finding; `Err` says in words why there is none.
    pub assessment: Option<Result<GrowthAssessment, String>>,
    pub(super) assessment_revision: u64,
    pub(super) next_id: u64,
    /// Lists of series that were shown.
    pub(super) lists: u64,
}

/// The patient whose folder is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatientState {
    /// Where the folder lies.
    pub path: PathBuf,
    /// Why nothing may be changed in it, in words; none where it may.
    pub read_only: Option<String>,
}

/// Whether a visit is in the patient's folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kept {
    /// It is not, or no folder is open.
    #[default]
    No,
    /// It is being copied there.
    Adding,
    /// It is, with its outlines of this revision, or with none yet.
    Yes(Option<u64>),
}

/// One visit: a scan and what is known of it.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts that have nothing to do with each other"
)]
pub struct VisitState {
    /// Its name while the program runs.
    pub id: VisitId,
    /// Where it comes from, for people: a file name, or the demo patient.
    pub origin: String,
    /// The file that it was read from.
    pub source: Option<ScanSource>,
    /// The DICOM series that it is, or was made from.
    pub series: Option<Box<DicomSeries>>,
    /// Whether it is in the patient's folder.
    pub kept: Kept,
    /// The results that were handed to the folder with its outlines; none where that is not known.
    pub(super) results_kept: Option<Value>,
    /// Day of the scan.
    pub date: Option<NaiveDate>,
    /// The day was read from the file's name, and nobody has confirmed it.
    pub date_from_name: bool,
    /// How the scan was acquired, where its header or a file beside it says so.
    pub acquisition: Option<Acquisition>,
    /// What motion left beside the head, where that can be measured.
    pub ghosting: Option<Ghosting>,
    /// Part of the built-in synthetic patient.
    pub demo: bool,
    /// The scan.
    pub volume: Arc<Volume>,
    /// SHA-256 of the scan's voxels.
    pub scan_sha256: String,
    /// What the scan shows.
    pub sequence: Sequence,
    /// Its slices along its own voxel axes, in the order of [`Plane::ALL`].
    pub planes: [NativePlane; 3],
    /// The window of each preset, in the order of [`Preset::ALL`].
    pub windows: [WindowLevel; Preset::ALL.len()],
    /// The marked point, RAS mm of this scan's own space.
    pub crosshair: DVec3,
    /// The marked point was chosen, by the user or because the tumour lies there, and must not jump any more.
    pub placed: bool,
    /// Distances and angles that were drawn, the last one last.
    pub marks: Vec<Mark>,
    /// Slices that were kept.
    pub key_images: Vec<KeyImage>,
    /// Zoom and pan of each plane.
    pub zoom_pan: [ZoomPan; 3],
    /// The outlines and what was measured on them.
    pub outlines: Option<Outlines>,
    /// What is shown while the first outlines are still being made: the labels of each structure found so far.
    pub early: Vec<(Structure, LabelMap)>,
    /// Counts changes of the outlines; results of an older revision are dropped.
    pub revision: u64,
    /// The revision that the fill shows: that before a stroke as long as it is drawn.
    pub fill_revision: u64,
    /// Edits that a crash left on this scan.
    pub left: Option<Left>,
    /// Its edits are being kept.
    pub(super) journalled: bool,
    /// How it lies to the reference visit.
    pub alignment: Alignment,
    /// What to beware of in the file.
    pub warnings: Vec<String>,
}

/// Outlines of a visit with everything measured on them.
#[derive(Debug)]
pub struct Outlines {
    /// The labels.
    pub labels: Arc<LabelMap>,
    /// The labels of each structure in its box.
    pub parts: Vec<(Structure, LabelMap)>,
    /// Size of each structure.
    pub sizes: Vec<StructureSize>,
    /// Size of the tumour, Koos grade, provenance, warnings. Its date is that of the visit only where the visit has one.
    pub measured: patient::Visit,
    /// What to beware of in how they were made, whatever is measured on them later.
    pub warnings: Vec<String>,
    /// How long the model took.
    pub seconds: Option<f64>,
    /// Volumes between which the tumour's lies with 95 % by the model's own calibrated probabilities, mm³; none once it was edited.
    pub tumour_interval95_mm3: Option<[f64; 2]>,
    /// How sure the model is of each voxel; none once it was edited.
    pub probabilities: Option<Arc<Probabilities>>,
    /// How they were made, as their history tells.
    pub making: Making,
    /// The tumour's border moved in and out by half a voxel; none where there is no tumour, or while an edit is being measured.
    pub edge: Option<Arc<EdgeTolerance>>,
    /// What sizes and the Koos grade are measured on at any porus plane; none where there is no tumour, or while an edit is being measured.
    pub tumour: Option<Arc<KoosBasis>>,
    /// Plane and lines as a reader set them.
    pub by_hand: ByHand,
    /// What the trained graders said, of these outlines or of those before.
    pub graded: Option<Graded>,
    /// What a reader has changed and said.
    pub edits: Edits,
}

/// What a reader has changed of outlines, and what was said of them.
#[derive(Debug, Default)]
pub struct Edits {
    /// What can be taken back.
    pub history: History,
    /// The steps by hand among it.
    pub by_hand: HandSteps,
    /// Steps of the stroke that is being drawn.
    pub(super) stroke: Vec<LabelEdit>,
    /// Voxels that each label value has gained since the numbers were measured.
    pub live: BTreeMap<u8, i64>,
    /// The numbers are of labels that have changed since.
    pub measuring: bool,
    /// Counts what was accepted: an edit of an accepted result begins the next.
    pub accepted_versions: u32,
    /// Who accepted or rejected it, and when.
    pub reviewed: Option<Review>,
    /// The state that it had before somebody accepted or rejected it: who drew it.
    pub drawn: Option<ReviewState>,
    /// The steps that put other outlines in the place of those before.
    pub(super) replaced: Replaced,
    /// Axial slices that were shown with their outlines since they last changed.
    pub seen: BTreeSet<usize>,
}

impl Outlines {
    /// Axial slices that the tumour has, none where there is none.
    pub fn tumour_slices(&self, axial: &NativePlane) -> RangeInclusive<usize> {
        #[expect(clippy::reversed_empty_ranges, reason = "the empty range")]
        let none = 1..=0;
        let tumour = Structure::VestibularSchwannoma;
        let part = self.parts.iter().find(|(s, _)| *s == tumour);
        part.and_then(|(_, part)| {
            let [low, high] = part.bounds(tumour)?[axial.voxel_axis];
            // A part begins at whole voxels of the map.
            let first = part.grid().point_in_world([0; 3]);
            let offset = axial.slice_at(self.labels.grid(), first);
            Some(low + offset..=high + offset)
        })
        .unwrap_or(none)
    }

    /// The middle of the tumour's box on an axial slice, RAS mm; `None` where it has none there.
    pub fn tumour_middle(&self, axial: &NativePlane, slice: usize) -> Option<DVec3> {
        let tumour = Structure::VestibularSchwannoma;
        let (_, part) = self.parts.iter().find(|(s, _)| *s == tumour)?;
        let (grid, value) = (part.grid(), part.table().value(tumour)?);
        let offset = axial.slice_at(self.labels.grid(), grid.point_in_world([0; 3]));
        let at = slice.checked_sub(offset)?;
        let mut corners: Option<[DVec3; 2]> = None;
        for (index, _) in (part.labels().iter().enumerate()).filter(|(_, v)| **v == value) {
            let voxel = grid.voxel(index);
            if voxel[axial.voxel_axis] == at {
                let p = DVec3::from_array(voxel.map(|n| n as f64));
                let [low, high] = corners.unwrap_or([p; 2]);
                corners = Some([low.min(p), high.max(p)]);
            }
        }
        let [low, high] = corners?;
        Some(grid.world_from_voxel().transform_point3(low.midpoint(high)))
    }

    /// Axial slices of the tumour that were not shown with their outlines yet.
    pub fn unseen_slices(&self, axial: &NativePlane) -> Vec<usize> {
        self.tumour_slices(axial)
            .filter(|slice| !self.edits.seen.contains(slice))
            .collect()
    }

    /// Volume of a structure as it is now, mm³, by counting voxels.
    pub fn live_volume_mm3(&self, structure: Structure) -> f64 {
        let measured = self.sizes.iter().find(|s| s.structure == structure);
        let value = self.labels.table().value(structure);
        let gained = value.and_then(|v| self.edits.live.get(&v)).copied();
        let voxels = measured.map_or(0, |s| s.voxels as i64) + gained.unwrap_or_default();
        voxels as f64 * self.labels.grid().voxel_volume_mm3()
    }

    /// Whether it was accepted, and so must not change.
    pub fn is_locked(&self) -> bool {
        self.measured.finding.provenance.state == ReviewState::Accepted
    }
}

/// How a visit lies to the reference visit (the first of the list).
#[derive(Debug, Clone, PartialEq)]
pub enum Alignment {
    /// Nothing is known: crosshairs are not linked.
    NotAligned,
    /// Aligned to the visit named.
    Aligned {
        /// The reference when it was made.
        reference: VisitId,
        /// Takes the reference's patient space to this visit's.
        registration: Registration,
    },
    /// It was tried and failed.
    Failed {
        /// The reference when it was tried.
        reference: VisitId,
        /// Why, in words.
        reason: String,
    },
}

/// Zoom and pan of one plane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ZoomPan {
    /// Magnification; 1 fits the scan into the cell.
    pub zoom: f64,
    /// The picture's middle, mm right and down of the scan's middle.
    pub centre_mm: [f64; 2],
}

impl Default for ZoomPan {
    fn default() -> Self {
        Self {
            zoom: 1.0,
            centre_mm: [0.0; 2],
        }
    }
}

/// A window relative to a preset's of the scan, so that one setting serves scans of different units.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RelativeWindow {
    /// Shift of the centre, in widths of the preset.
    pub centre: f64,
    /// Width, in widths of the preset.
    pub width: f64,
}

impl Default for RelativeWindow {
    fn default() -> Self {
        Self {
            centre: 0.0,
            width: 1.0,
        }
    }
}

impl RelativeWindow {
    /// The window of a scan whose preset's window is given.
    pub fn of(&self, preset: WindowLevel) -> WindowLevel {
        WindowLevel {
            centre: preset.centre + self.centre * preset.width,
            width: preset.width * self.width,
        }
    }

    /// What makes `window` of a preset's window.
    pub fn between(preset: WindowLevel, window: WindowLevel) -> Self {
        Self {
            centre: (window.centre - preset.centre) / preset.width,
            width: window.width / preset.width,
        }
    }
}

/// What the left button does when it is dragged over a plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tool {
    /// Window and level: right is wider, up is brighter.
    #[default]
    Window,
    /// Moves through the slices.
    Scroll,
    /// Zooms at the press point.
    Zoom,
    /// Moves the picture.
    Pan,
    /// Takes the crosshair along.
    Crosshair,
    /// Measures a distance.
    Distance,
    /// Measures an angle: one arm, then the other.
    Angle,
    /// Paints the chosen structure.
    Brush,
    /// Takes labels away.
    Eraser,
    /// Fills an outline that is drawn freehand.
    Polygon,
    /// Fills what is connected and alike.
    Flood,
}

impl Tool {
    /// All.
    pub const ALL: [Self; 11] = [
        Self::Window,
        Self::Scroll,
        Self::Zoom,
        Self::Pan,
        Self::Crosshair,
        Self::Distance,
        Self::Angle,
        Self::Brush,
        Self::Eraser,
        Self::Polygon,
        Self::Flood,
    ];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Window => "window and level",
            Self::Scroll => "slices",
            Self::Zoom => "zoom",
            Self::Pan => "move",
            Self::Crosshair => "crosshair",
            Self::Distance => "distance",
            Self::Angle => "angle",
            Self::Brush => "paint",
            Self::Eraser => "erase",
            Self::Polygon => "outline",
            Self::Flood => "flood",
        }
    }

    /// Whether it changes labels.
    pub fn edits(self) -> bool {
        matches!(
            self,
            Self::Brush | Self::Eraser | Self::Polygon | Self::Flood
        )
    }
}

/// How much stands in the corners of a plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CornerText {
    /// Plane, visit, state of the outlines, slice.
    #[default]
    Full,
    /// Plane and state of the outlines.
    Short,
    /// The state of the outlines alone, which is never hidden.
    State,
}

impl CornerText {
    /// The next less, and all again after the least.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Full => Self::Short,
            Self::Short => Self::State,
            Self::State => Self::Full,
        }
    }
}

/// What the editing tools do it with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BrushOptions {
    /// What is painted.
    pub structure: Structure,
    /// Radius of brush and eraser, mm.
    pub radius_mm: f64,
    /// Through all slices within the radius, not in the shown one alone.
    pub ball: bool,
    /// Paint only what is about as bright as where the brush is.
    pub adaptive: bool,
    /// Paint over other structures too.
    pub over_others: bool,
    /// Half the range of a flood's intensities, as a part of the shown window.
    pub flood_range: f64,
    /// How far a flood may run, mm.
    pub flood_mm: f64,
}

impl Default for BrushOptions {
    fn default() -> Self {
        Self {
            structure: Structure::VestibularSchwannoma,
            radius_mm: 2.0,
            ball: false,
            adaptive: false,
            over_others: false,
            flood_range: 0.08,
            flood_mm: 20.0,
        }
    }
}

/// How things are shown.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "switches that have nothing to do with each other"
)]
pub struct ViewState {
    /// How the editing tools work.
    pub brush: BrushOptions,
    /// What the left button does.
    pub tool: Tool,
    /// No lines through the marked point.
    pub lines_hidden: bool,
    /// How much stands in the corners.
    pub corner_text: CornerText,
    /// The visit and plane that run through their slices.
    pub cine: Option<(VisitId, Plane)>,
    /// Outlines, fill, inversion, interpolation.
    pub style: OverlayStyle,
    /// The border of the tumour moved in and out by half a voxel is drawn.
    pub edge_tolerance: bool,
    /// Planes lie along the patient's axes, not along the scan's own slices.
    pub anatomical: bool,
    /// The diameter whose line is drawn.
    pub diameter: Option<DiameterRule>,
    /// The porus plane is drawn.
    pub porus: bool,
    /// The patient's name does not stand in the planes.
    pub name_hidden: bool,
    /// What brightness and contrast begin from, for all visits.
    pub preset: Preset,
    /// Brightness and contrast, for all visits.
    pub window: RelativeWindow,
    /// Where the crosshairs were before the last click, and whether they were placed: a double click takes its first click back.
    pub(super) before_click: Vec<(VisitId, DVec3, bool)>,
    /// Overlays are hidden as long as the key is held.
    pub hidden: bool,
    /// Two visits are shown together.
    pub compare: bool,
    /// The plane that fills the window.
    pub maximised: Option<Plane>,
    /// The visit before is shown in the planes of the shown one, as long as the key is held.
    pub blink: bool,
    /// Volumes over time on a logarithmic axis.
    pub log_volume: bool,
    /// How the surfaces are shown.
    pub solid: SolidView,
    /// What is shown of the evidence of a grade.
    pub koos: KoosView,
    /// The list of keys is open.
    pub shortcuts: bool,
}

/// How the surfaces are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct SolidView {
    /// Where they are looked at from; from the front, all of them, without.
    pub camera: Option<Camera>,
    /// The planes cut a corner out of them.
    pub cut: bool,
    /// The tumour is coloured by its growth since the visit before, not by its distance to the brainstem.
    pub growth: bool,
    /// They fill the window.
    pub alone: bool,
}

/// What is being computed.
#[derive(Debug, Default)]
pub struct WorkState {
    /// What comes next.
    pub queue: VecDeque<Task>,
    /// What is being done.
    pub running: Option<Running>,
}

/// A task on its thread.
#[derive(Debug, Clone, PartialEq)]
pub struct Running {
    /// In words: `segmenting the scan of 2024-03-12`.
    pub name: String,
    /// The step it is at, in words.
    pub stage: String,
    /// Part of the step that is done, 0 to 1.
    pub fraction: f32,
    /// The user asked it to stop.
    pub cancelling: bool,
}

/// Something the user must be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Whether something failed.
    pub error: bool,
    /// In words.
    pub text: String,
}

impl AppState {
    /// A visit by its name.
    pub fn visit(&self, id: VisitId) -> Option<&VisitState> {
        self.visits.iter().find(|v| v.id == id)
    }

    pub(super) fn visit_mut(&mut self, id: VisitId) -> Option<&mut VisitState> {
        self.visits.iter_mut().find(|v| v.id == id)
    }

    /// The visit that is shown.
    pub fn active_visit(&self) -> Option<&VisitState> {
        self.visit(self.active?)
    }

    /// Who signs what is written.
    pub(super) fn reader(&self) -> String {
        let name = self.preferences.reader.trim();
        if name.is_empty() { "not named" } else { name }.to_owned()
    }

    /// The visit the others are aligned to: the first.
    pub fn reference(&self) -> Option<&VisitState> {
        self.visits.first()
    }

    /// The visit before the shown one (after it where it is the first), and what takes the shown one's patient space to its own; none where the two are not aligned.
    pub fn prior(&self) -> Option<(&VisitState, DAffine3)> {
        let active = self.active_visit()?;
        let at = self.visits.iter().position(|v| v.id == active.id)?;
        let prior = match at {
            0 => self.visits.get(1)?,
            at => self.visits.get(at - 1)?,
        };
        let to_active = self.world_visit_from_world_reference(active)?;
        let to_prior = self.world_visit_from_world_reference(prior)?;
        Some((prior, to_prior * to_active.inverse()))
    }

    /// The visits that are shown, left to right: the active one, or in a comparison the reference and the active (or last) one.
    pub fn shown(&self) -> Vec<&VisitState> {
        let Some(active) = self.active_visit() else {
            return Vec::new();
        };
        if let (true, false, Some((prior, _))) = (self.view.blink, self.view.compare, self.prior())
        {
            return vec![prior];
        }
        match (self.view.compare, self.reference(), self.visits.last()) {
            (true, Some(first), Some(last)) if first.id != last.id => {
                vec![first, if active.id == first.id { last } else { active }]
            }
            _ => vec![active],
        }
    }

    /// Takes the reference's patient space to a visit's: the identity for the reference, `None` where it is not aligned.
    pub fn world_visit_from_world_reference(&self, visit: &VisitState) -> Option<DAffine3> {
        let reference = self.reference()?.id;
        if visit.id == reference {
            return Some(DAffine3::IDENTITY);
        }
        match &visit.alignment {
            Alignment::Aligned {
                reference: to,
                registration,
            } if *to == reference => Some(registration.world_moving_from_world_fixed),
            _ => None,
        }
    }

    /// The visit whose slices a visit's cells show: in a comparison an aligned visit is cut along the reference's slices, otherwise along
    /// its own.
    pub fn cut_by<'a>(&'a self, visit: &'a VisitState) -> (&'a VisitState, DAffine3) {
        if self.view.blink
            && !self.view.compare
            && let Some((prior, world_prior_from_world_active)) = self.prior()
            && prior.id == visit.id
            && let Some(active) = self.active_visit()
        {
            return (active, world_prior_from_world_active);
        }
        if self.view.compare
            && let Some(world_visit_from_world_reference) =
                self.world_visit_from_world_reference(visit)
            && let Some(reference) = self.reference()
        {
            return (reference, world_visit_from_world_reference);
        }
        (visit, DAffine3::IDENTITY)
    }

    /// What a cell of `size_px` shows of a visit, in the visit's own patient space.
    pub fn slice_view(&self, visit: &VisitState, plane: Plane, size_px: [f64; 2]) -> SliceView {
        let (guide, world_visit_from_world_guide) = self.cut_by(visit);
        let native = &guide.planes[plane as usize];
        let zoom_pan = guide.zoom_pan[plane as usize];
        let grid = guide.volume.grid();
        let middle = if self.view.anatomical {
            guide.anatomical_frame(plane)
        } else {
            native.frame(grid, native.slice_at(grid, guide.crosshair))
        };
        let frame = PlaneFrame {
            centre: middle.point_in_world(zoom_pan.centre_mm),
            ..middle
        };
        SliceView {
            frame: frame.mapped(world_visit_from_world_guide),
            size_px,
            mm_per_px: native.fit_mm_per_px(size_px) / zoom_pan.zoom,
        }
    }

    /// The window a visit is shown with.
    pub fn window(&self, visit: &VisitState) -> WindowLevel {
        self.view
            .window
            .of(visit.windows[self.view.preset as usize])
    }

    /// Whether the crosshair of a visit follows that of the reference.
    pub fn linked(&self, visit: &VisitState) -> bool {
        self.world_visit_from_world_reference(visit).is_some()
    }
}

impl VisitState {
    /// The plane along the patient's axes through the marked point; its centre is as near to the scan's as it can be.
    fn anatomical_frame(&self, plane: Plane) -> PlaneFrame {
        let mut centre = self.volume.grid().centre_in_world();
        let normal = plane.normal_axis();
        centre[normal] = self.crosshair[normal];
        PlaneFrame::anatomical(plane, centre)
    }

    /// The visit in words: its date, or where it comes from.
    pub fn title(&self) -> String {
        self.date
            .map_or_else(|| self.origin.clone(), |d| d.to_string())
    }
}
