//! Wheel and trackpad to whole slices.
use egui::{Event, InputState, Modifiers, MouseWheelUnit};

/// Points of a trackpad's movement that count as one notch.
const POINTS_PER_NOTCH: f32 = 40.0;
/// Notches of one page of a wheel that scrolls by pages.
const NOTCHES_PER_PAGE: f32 = 10.0;

/// Adds up movements until they make a notch: one notch of a wheel is one slice, and a trackpad is not too fast.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::app) struct Wheel {
    rest: f32,
    events_per_notch: f32,
    /// With Shift the wheel belongs to the brush.
    pub(in crate::app) shift_taken: bool,
}

/// What the wheel asked for in one frame.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct WheelTurn {
    /// Whole slices, up positive.
    pub(super) slices: i64,
    /// Magnification: Ctrl and the wheel, or a pinch.
    pub(super) zoom: f64,
}

impl Wheel {
    /// A wheel of which the window gets so many events of one line for each notch.
    pub(in crate::app) fn new(events_per_notch: f32) -> Self {
        Self {
            rest: 0.0,
            events_per_notch,
            shift_taken: false,
        }
    }

    /// Takes the frame's wheel events.
    pub(super) fn turn(&mut self, input: &InputState) -> WheelTurn {
        let mut turn = WheelTurn {
            slices: 0,
            zoom: 1.0,
        };
        for event in &input.events {
            match event {
                Event::MouseWheel {
                    unit,
                    delta,
                    modifiers,
                    ..
                } => self.event(&mut turn, *unit, delta.y, *modifiers),
                Event::Zoom(factor) => turn.zoom *= f64::from(*factor),
                _ => {}
            }
        }
        turn
    }

    fn event(
        &mut self,
        turn: &mut WheelTurn,
        unit: MouseWheelUnit,
        delta: f32,
        modifiers: Modifiers,
    ) {
        let notches = match unit {
            MouseWheelUnit::Line => delta / self.events_per_notch,
            MouseWheelUnit::Point => delta / POINTS_PER_NOTCH,
            MouseWheelUnit::Page => delta * NOTCHES_PER_PAGE,
        };
        if !notches.is_finite() {
            return;
        }
        if modifiers.shift && self.shift_taken {
            return;
        }
        if modifiers.command || modifiers.ctrl {
            turn.zoom *= 1.15_f64.powf(f64::from(notches));
            return;
        }
        // A turn back begins anew: the rest of the way there must not delay it.
        if self.rest * notches < 0.0 {
            self.rest = 0.0;
        }
        self.rest += notches;
        // Slightly less than a whole notch counts: rounding of fractions must not cost a slice.
        let whole = (self.rest + 0.01 * self.rest.signum()).trunc();
        self.rest -= whole;
        turn.slices += whole as i64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slices(unit: MouseWheelUnit, deltas: &[f32]) -> Vec<i64> {
        turned(Wheel::new(1.0), unit, deltas)
    }

    fn turned(mut wheel: Wheel, unit: MouseWheelUnit, deltas: &[f32]) -> Vec<i64> {
        deltas
            .iter()
            .map(|&delta| {
                let mut turn = WheelTurn::default();
                wheel.event(&mut turn, unit, delta, Modifiers::NONE);
                turn.slices
            })
            .collect()
    }

    #[test]
    fn a_notch_is_a_slice() {
        assert_eq!(
            slices(MouseWheelUnit::Line, &[1.0, 1.0, -1.0, -2.0]),
            [1, 1, -1, -2]
        );
    }

    #[test]
    fn fractions_add_up_to_whole_slices() {
        assert_eq!(
            slices(MouseWheelUnit::Line, &[0.1; 10]).iter().sum::<i64>(),
            1
        );
        assert_eq!(
            slices(MouseWheelUnit::Point, &[10.0; 8]),
            [0, 0, 0, 1, 0, 0, 0, 1]
        );
    }

    #[test]
    fn a_notch_that_is_reported_twice_is_still_a_slice() {
        let deltas = [1.0, 1.0, 1.0, 1.0, -1.0, -1.0];
        assert_eq!(
            turned(Wheel::new(2.0), MouseWheelUnit::Line, &deltas),
            [0, 1, 0, 1, 0, -1]
        );
    }

    #[test]
    fn turning_back_answers_at_once() {
        assert_eq!(slices(MouseWheelUnit::Line, &[0.9, -1.0]), [0, -1]);
    }
}
