//! Where a scene is seen from, and how a hand turns it.
use crate::{
    measure::{Plane, PlaneFrame},
    render::SliceView,
};
use glam::{DQuat, DVec3};
use std::f64::consts::{FRAC_PI_2, PI};

/// Shortest and longest field of view, mm.
const FIELD_MM: [f64; 2] = [2.0, 2000.0];

/// The six sides that a patient is looked at from. Superior is up; from above and below, anterior is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ViewFrom {
    /// From the patient's right: nose to the right.
    Right,
    /// From the patient's left: nose to the left, as in sagittal planes.
    Left,
    /// From the front: the patient's right on the left, as in coronal planes.
    Front,
    /// From the back: the patient's right on the right.
    Back,
    /// From above the head: the patient's right on the right.
    Above,
    /// From the feet: the patient's right on the left, as in axial planes.
    Below,
}

impl ViewFrom {
    /// All six.
    pub const ALL: [Self; 6] = [
        Self::Front,
        Self::Back,
        Self::Right,
        Self::Left,
        Self::Above,
        Self::Below,
    ];

    /// In words: `from the front`.
    pub fn words(self) -> &'static str {
        match self {
            Self::Right => "from the right",
            Self::Left => "from the left",
            Self::Front => "from the front",
            Self::Back => "from the back",
            Self::Above => "from above",
            Self::Below => "from below",
        }
    }

    /// The screen's directions, about a point.
    fn frame(self, centre: DVec3) -> PlaneFrame {
        let of = |right, down| PlaneFrame {
            centre,
            right,
            down,
        };
        match self {
            Self::Right => of(DVec3::Y, DVec3::NEG_Z),
            Self::Left => PlaneFrame::anatomical(Plane::Sagittal, centre),
            Self::Front => PlaneFrame::anatomical(Plane::Coronal, centre),
            Self::Back => of(DVec3::X, DVec3::NEG_Z),
            Self::Above => of(DVec3::X, DVec3::NEG_Y),
            Self::Below => PlaneFrame::anatomical(Plane::Axial, centre),
        }
    }
}

/// A parallel projection: what lies in the frame's plane keeps its size, whatever the distance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Camera {
    /// The screen in the patient. It turns about the frame's centre, RAS mm.
    pub frame: PlaneFrame,
    /// Length in the patient of the picture's shorter side, mm.
    pub field_mm: f64,
}

impl Camera {
    /// Looks from a side at a ball about `centre` (RAS mm), which fills the picture and stays in it however it is turned.
    pub fn new(from: ViewFrom, centre: DVec3, radius_mm: f64) -> Self {
        Self {
            frame: from.frame(centre),
            field_mm: clamp_field(radius_mm * 2.1),
        }
    }

    /// The same place from another side.
    #[must_use]
    pub fn facing(self, from: ViewFrom) -> Self {
        Self {
            frame: from.frame(self.frame.centre),
            ..self
        }
    }

    /// The frame's rectangle on a picture of so many pixels.
    pub fn view(&self, size_px: [f64; 2]) -> SliceView {
        SliceView {
            frame: self.frame,
            size_px,
            mm_per_px: self.field_mm / size_px[0].min(size_px[1]).max(1.0),
        }
    }

    /// Turned by a drag as on a turntable: what lies in front follows the hand, superior stays up, and above and below it stops. A drag over
    /// the shorter side is half a turn.
    #[must_use]
    pub fn turned(self, drag_px: [f64; 2], size_px: [f64; 2]) -> Self {
        let [across, down] = angles(drag_px, size_px);
        let (right, tilt) = self.upright();
        let right = DQuat::from_rotation_z(-across) * right;
        let tilt = (tilt + down).clamp(-FRAC_PI_2, FRAC_PI_2);
        self.with_upright(right, tilt)
    }

    /// Turned by a drag about an axis in the screen, across the drag: every orientation can be reached, and nothing stays up.
    #[must_use]
    pub fn turned_freely(self, drag_px: [f64; 2], size_px: [f64; 2]) -> Self {
        let [across, down] = angles(drag_px, size_px);
        let drag = self.frame.right * across + self.frame.down * down;
        // The body turns about `drag × into`, the screen the other way.
        let axis = drag.cross(self.frame.into_screen());
        let Some(turn) = axis
            .try_normalize()
            .map(|a| DQuat::from_axis_angle(a, -drag.length()))
        else {
            return self;
        };
        Self {
            frame: PlaneFrame::from_directions(
                self.frame.centre,
                turn * self.frame.right,
                turn * self.frame.down,
            ),
            ..self
        }
    }

    /// The same direction with superior up.
    #[must_use]
    pub fn levelled(self) -> Self {
        let (right, tilt) = self.upright();
        self.with_upright(right, tilt)
    }

    /// Moved in the screen's plane: the body follows the hand.
    #[must_use]
    pub fn panned(mut self, drag_px: [f64; 2], size_px: [f64; 2]) -> Self {
        let mm = self.view(size_px).mm_per_px;
        let [x, y] = finite(drag_px).map(|d| d * mm);
        let centre = self.frame.centre - (self.frame.right * x + self.frame.down * y);
        self.frame.centre = near_patient(centre);
        self
    }

    /// Larger by a factor; what lies under a pixel position stays there.
    #[must_use]
    pub fn zoomed(mut self, factor: f64, at_px: [f64; 2], size_px: [f64; 2]) -> Self {
        if !(factor.is_finite() && factor > 0.0) {
            return self;
        }
        let before = self.view(size_px).world_from_px(finite(at_px));
        self.field_mm = clamp_field(self.field_mm / factor);
        let after = self.view(size_px).world_from_px(finite(at_px));
        self.frame.centre = near_patient(self.frame.centre + before - after);
        self
    }

    /// The patient's six directions on the screen, those that point away from the viewer first, so that they can be drawn in this order.
    pub fn axes(&self) -> [ScreenAxis; 6] {
        let mut axes = [0, 1, 2, 3, 4, 5].map(|n| {
            let direction = if n % 2 == 0 {
                DVec3::AXES[n / 2]
            } else {
                -DVec3::AXES[n / 2]
            };
            ScreenAxis {
                letter: ['R', 'L', 'A', 'P', 'S', 'I'][n],
                right: direction.dot(self.frame.right),
                down: direction.dot(self.frame.down),
                into_screen: direction.dot(self.frame.into_screen()),
            }
        });
        axes.sort_by(|a, b| b.into_screen.total_cmp(&a.into_screen));
        axes
    }

    /// The horizontal direction to the right, and the angle of the viewer above the horizon.
    fn upright(self) -> (DVec3, f64) {
        let into = self.frame.into_screen();
        let tilt = (-into.z).clamp(-1.0, 1.0).asin();
        // Horizontal and at right angles to the line of sight; straight from above or below what lies to the right decides.
        let level = into.cross(DVec3::Z);
        let right = if level.length() > 1e-6 {
            level
        } else {
            self.frame.right.with_z(0.0)
        };
        (right.normalize_or(DVec3::NEG_X), tilt)
    }

    fn with_upright(self, right: DVec3, tilt: f64) -> Self {
        let forward = DVec3::Z.cross(right);
        let down = DVec3::NEG_Z * tilt.cos() - forward * tilt.sin();
        Self {
            frame: PlaneFrame::from_directions(self.frame.centre, right, down),
            ..self
        }
    }
}

/// One of the patient's directions on the screen, a unit vector.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScreenAxis {
    /// `R`, `L`, `A`, `P`, `S` or `I`.
    pub letter: char,
    /// To the right of the screen.
    pub right: f64,
    /// To the bottom of the screen.
    pub down: f64,
    /// Away from the viewer.
    pub into_screen: f64,
}

fn clamp_field(mm: f64) -> f64 {
    if mm.is_finite() {
        mm.clamp(FIELD_MM[0], FIELD_MM[1])
    } else {
        FIELD_MM[1]
    }
}

/// A centre no farther off than a kilometre.
fn near_patient(centre: DVec3) -> DVec3 {
    let far = DVec3::splat(1e6);
    centre.clamp(-far, far)
}

fn finite(px: [f64; 2]) -> [f64; 2] {
    px.map(|x| if x.is_finite() { x } else { 0.0 })
}

/// A drag over the shorter side is half a turn.
fn angles(drag_px: [f64; 2], size_px: [f64; 2]) -> [f64; 2] {
    let across = size_px[0].min(size_px[1]).max(1.0);
    finite(drag_px).map(|d| (d * PI / across).clamp(-PI, PI))
}
