//! How a surgeon sees the tumour.
use crate::{
    measure::{HeadAxes, PlaneFrame},
    volume::Side,
};
use glam::DVec3;

/// How the patient lies for a retrosigmoid approach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HeadPosition {
    /// On the side (park bench), or on the back with the head turned: the tumour's side is up.
    Lateral,
    /// Half sitting: the top of the head is up.
    Sitting,
}

impl HeadPosition {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Lateral, Self::Sitting];

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Lateral => "on the side",
            Self::Sitting => "half sitting",
        }
    }
}

/// The directions of a view, in the scan's world.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SurgeonView {
    /// Unit vector from the eye into the head.
    pub look: DVec3,
    /// Unit vector up on the screen, at right angles to it.
    pub up: DVec3,
}

impl SurgeonView {
    /// The line of sight of the retrosigmoid approach: from behind the sigmoid sinus of the tumour's side along the posterior face of the petrous bone, which runs at 45° to the
    /// midline. The microscope lies in the axial plane of the head.
    pub fn retrosigmoid(axes: &HeadAxes, side: Side, position: HeadPosition) -> Self {
        let lateral = match side {
            Side::Left => -axes.right,
            Side::Right => axes.right,
        };
        let look = (axes.anterior - lateral).normalize_or(axes.anterior);
        let wanted = match position {
            HeadPosition::Lateral => lateral,
            HeadPosition::Sitting => axes.superior,
        };
        let up = (wanted - look * wanted.dot(look)).normalize_or(axes.superior);
        Self { look, up }
    }

    /// The screen through a point (RAS mm) that the view looks at.
    pub fn frame(&self, centre: DVec3) -> PlaneFrame {
        PlaneFrame {
            centre,
            right: self.look.cross(self.up),
            down: -self.up,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axes() -> HeadAxes {
        HeadAxes {
            midpoint: DVec3::ZERO,
            right: DVec3::X,
            anterior: DVec3::Y,
            superior: DVec3::Z,
            cochleae: [None, None],
            from_cochleae: true,
        }
    }

    #[test]
    fn the_surgeon_looks_from_behind_the_ear_of_the_tumours_side() {
        for (side, lateral) in [(Side::Left, -1.0), (Side::Right, 1.0)] {
            for position in HeadPosition::ALL {
                let view = SurgeonView::retrosigmoid(&axes(), side, position);
                // The eye lies behind and to the side.
                assert!(-view.look.x * lateral > 0.6 && view.look.y > 0.6);
                assert!(view.look.dot(view.up).abs() < 1e-12);
                assert!((view.look.length() - 1.0).abs() < 1e-12);
                let frame = view.frame(DVec3::ZERO);
                // A frame's screen: into it is right × down.
                assert!(frame.into_screen().distance(view.look) < 1e-12);
            }
        }
    }

    #[test]
    fn the_top_of_the_head_is_where_the_position_puts_it() {
        // Sitting: up. Lying on the side, seen from behind: to the right for a tumour on the left, whose patient lies on the right side.
        let of =
            |side, position| SurgeonView::retrosigmoid(&axes(), side, position).frame(DVec3::ZERO);
        for side in [Side::Left, Side::Right] {
            assert!((of(side, HeadPosition::Sitting).down + DVec3::Z).length() < 1e-12);
        }
        assert!((of(Side::Left, HeadPosition::Lateral).right - DVec3::Z).length() < 1e-12);
        assert!((of(Side::Right, HeadPosition::Lateral).right + DVec3::Z).length() < 1e-12);
        // The petrous bone, before and to the side of the line of sight, is up.
        let petrous = DVec3::new(-1.0, 1.0, 0.0);
        assert!(petrous.dot(of(Side::Left, HeadPosition::Lateral).down) < -1.0);
    }
}
