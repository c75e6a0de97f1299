//! What the user (or a finished task) asks for. Nothing else changes the state.
use super::{
    by_hand::PorusShift,
    keeper::Answer,
    meaning::MeaningCommand,
    preferences::PreferenceCommand,
    preset::Preset,
    school::SchoolCommand,
    series::SeriesCommand,
    state::{BrushOptions, Mark, Tool, VisitId},
    task::{Outcome, Task},
};
use crate::{
    measure::{DiameterRule, Plane},
    patient::PatientFacts,
    render::{Interpolation, scene::Camera},
    volume::{Progress, Sequence, Structure, WindowLevel},
};
use chrono::NaiveDate;
use glam::DVec3;
use std::path::PathBuf;

/// One change of the state.
#[derive(Debug)]
pub enum Command {
    /// Of what is seen.
    View(ViewCommand),
    /// Of the visits.
    Visit(VisitCommand),
    /// Of what is being computed.
    Work(WorkCommand),
    /// Of what the user prefers.
    Prefer(PreferenceCommand),
    /// Of a visit's outlines.
    Edit(VisitId, EditCommand),
    /// Of the patient.
    Patient(PatientCommand),
    /// Of the school, or of a blind read.
    School(SchoolCommand),
}

/// A change of the patient, or of what its folder holds.
#[derive(Debug, Clone, PartialEq)]
pub enum PatientCommand {
    /// Begins a patient in an empty folder, with the scans that are open.
    New(PathBuf),
    /// Closes the patient and its visits.
    Close,
    /// Copies a visit's scan into the folder.
    Add(VisitId),
    /// Saves a visit's outlines into the folder.
    Save(VisitId),
    /// What is told of the patient.
    Facts(PatientFacts),
    /// What the folder answered.
    Answered(Answer),
}

/// A change of a visit's outlines, or of what is said of them.
#[derive(Debug, Clone, PartialEq)]
pub enum EditCommand {
    /// A step of a stroke in a plane's slice: from one point to the next, RAS mm.
    Stroke {
        /// The plane under the pointer.
        plane: Plane,
        /// Where the brush was.
        from: DVec3,
        /// Where it is.
        to: DVec3,
        /// Takes labels away instead.
        erase: bool,
    },
    /// The end of a stroke: it becomes one step that can be undone.
    EndStroke,
    /// Fills an outline in a plane's slice, RAS mm.
    Polygon(Plane, Vec<DVec3>),
    /// Fills what is connected to a point and alike.
    Flood(DVec3),
    /// Smooths the chosen structure.
    Smooth,
    /// Fills between the drawn slices of the chosen structure, along a plane's normal.
    FillBetween(Plane),
    /// Keeps the largest piece of the chosen structure.
    KeepLargest,
    /// Gives the piece at the crosshair to the chosen structure.
    GiveHere,
    /// Removes the piece at the crosshair.
    RemoveHere,
    /// Takes the last edit back.
    Undo,
    /// Makes it again.
    Redo,
    /// Brings back the edits that a crash left.
    BringBack,
    /// Throws them away.
    ThrowAway,
    /// Moves the porus plane from where it was found.
    MovePorus(PorusShift),
    /// Moves the ends of a line, RAS mm, or leaves it as it is measured.
    MoveLine(DiameterRule, Option<[DVec3; 2]>),
    /// Plane or line was let go: the next move is a step of its own.
    EndMove,
    /// Measures the outlines as they are now.
    Measure,
    /// An axial slice was shown with its outlines.
    Seen(usize),
    /// The outlines are right, says this reader.
    Accept(String),
    /// They must not be used, says this reader.
    Reject(String),
    /// Begins a new version of what was accepted or rejected.
    Reopen,
}

/// A change of what is seen.
#[derive(Debug, Clone, PartialEq)]
pub enum ViewCommand {
    /// Moves through the slices, towards the patient's right, front or head when positive.
    Scroll {
        /// The visit under the pointer.
        visit: VisitId,
        /// The plane under the pointer.
        plane: Plane,
        /// Whole slices.
        slices: i64,
    },
    /// Marks a point, RAS mm of the visit's own space.
    Crosshair {
        /// The visit under the pointer.
        visit: VisitId,
        /// Where.
        point_in_world: DVec3,
    },
    /// Changes window and level by parts of the preset's width: `wider` multiplies, `brighter` shifts.
    Window {
        /// Wider when positive (a doubling for 1).
        wider: f64,
        /// Brighter when positive.
        brighter: f64,
    },
    /// Puts all crosshairs back to where they were before the last one was marked.
    TakeBackCrosshair,
    /// The windows of a preset.
    Preset(Preset),
    /// Shows a visit with this window, and the others likewise.
    SetWindow {
        /// The visit that it was chosen in.
        visit: VisitId,
        /// Which of its intensities are shown.
        window: WindowLevel,
    },
    /// Moves the picture.
    Pan {
        /// The visit under the pointer.
        visit: VisitId,
        /// The plane under the pointer.
        plane: Plane,
        /// How far the picture moves right and down, mm.
        by_mm: [f64; 2],
    },
    /// Magnifies about a point.
    Zoom {
        /// The visit under the pointer.
        visit: VisitId,
        /// The plane under the pointer.
        plane: Plane,
        /// Larger when above 1.
        factor: f64,
        /// The point that stays where it is, mm right and down of the picture's middle.
        about_mm: [f64; 2],
    },
    /// What the left button does.
    Tool(Tool),
    /// The lines through the marked point, on or off.
    ToggleLines,
    /// Less text in the corners, or all again.
    NextCornerText,
    /// Runs a visit's plane through its slices; stops when it runs already.
    Cine(VisitId, Plane),
    /// Adds a distance or an angle.
    AddMark(VisitId, Mark),
    /// Removes a visit's last distance or angle.
    RemoveMark(VisitId),
    /// How the editing tools work.
    Brush(BrushOptions),
    /// To the next axial slice of the tumour that was not shown with its outlines yet.
    NextUnseen(VisitId),
    /// Keeps the slice that a plane shows.
    KeepImage(VisitId, Plane),
    /// Goes back to a slice that was kept.
    ShowImage(VisitId, usize),
    /// Forgets a slice that was kept.
    DropImage(VisitId, usize),
    /// White and black exchanged.
    Invert,
    /// How values between voxels are shown.
    Interpolation(Interpolation),
    /// The border of the tumour moved in and out by half a voxel, shown or not.
    ToggleEdgeTolerance,
    /// Planes along the patient's axes instead of the scan's own slices, or back.
    ToggleAnatomicalAxes,
    /// Hides the overlays, or shows them again.
    HideOverlays(bool),
    /// Opacity of the fill, 0 to 1.
    FillOpacity(f64),
    /// An outline on or off.
    Contour(Structure, bool),
    /// A fill on or off.
    Fill(Structure, bool),
    /// One plane alone, or all again.
    Maximise(Option<Plane>),
    /// Draws the line of a diameter, and goes to its middle.
    Diameter(VisitId, Option<DiameterRule>),
    /// The patient's name stands in the planes, or not.
    ToggleName,
    /// The porus plane is drawn, or not.
    TogglePorus,
    /// The tumour's colours in 3D: growth since the visit before, or distance to the brainstem.
    SolidGrowth(bool),
    /// Volumes over time on a logarithmic axis, or a linear one.
    LogVolume(bool),
    /// Shows the visit before in the planes of the shown one, as long as the key is held.
    Blink(bool),
    /// Where the surfaces are looked at from; from the front, all of them, without.
    SolidCamera(Option<Camera>),
    /// The surfaces are cut by the planes, or whole.
    SolidCut(bool),
    /// The surfaces alone, or all again.
    SolidAlone(bool),
    /// Two visits together.
    Compare(bool),
    /// The list of keys.
    Shortcuts(bool),
    /// Zoom, pan and window as at the start.
    Reset,
}

/// A change of the visits.
#[derive(Debug, Clone, PartialEq)]
pub enum VisitCommand {
    /// Shows a visit.
    Select(VisitId),
    /// Shows the visit so many places later (earlier when negative).
    Move(i64),
    /// Sets the day of the scan.
    SetDate(VisitId, NaiveDate),
    /// Says what the scan shows.
    SetSequence(VisitId, Sequence),
    /// Takes a visit off the list; its files stay.
    Remove(VisitId),
}

/// A change of what is being computed.
#[derive(Debug)]
pub enum WorkCommand {
    /// Does this when what is waiting before it is done.
    Enqueue(Task),
    /// Opens what lies there: a scan, a folder of scans, or a model folder.
    Open(PathBuf),
    /// Forgets which scans were opened.
    ForgetRecent,
    /// Loads and assesses the demo patient.
    Demo,
    /// Finds the structures in a visit's scan with the chosen model.
    Segment(VisitId),
    /// Finds the structures in all visits' scans anew, with one model, so that they can be compared.
    SegmentAll,
    /// Goes back to the model that comes with Schwann.
    ShippedModel,
    /// Writes the report of the visits that have a date and outlines, and its assessment beside it.
    Report(PathBuf),
    /// Aligns every visit that is not aligned yet to the first.
    Align,
    /// Says what the values of a label map mean.
    Meaning(MeaningCommand),
    /// Which series of a folder to open.
    Series(SeriesCommand),
    /// Stops what is being done and forgets what waits.
    Cancel,
    /// A task has come so far.
    Progressed(Progress),
    /// A task that goes on has first outlines.
    Early(super::task::EarlyOutlines),
    /// A task has ended. `None` when it crashed.
    Ended(Option<Outcome>),
    /// A message has been read.
    Dismiss(usize),
    /// Tells the user something.
    Tell(super::state::Message),
}
