//! How a training stands while it runs.
use std::time::Instant;

/// How far a training is, told after its first steps and at each checkpoint.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Milestone {
    /// Steps done, those before a resumption included.
    pub step: usize,
    /// Steps at most.
    pub steps: usize,
    /// Mean loss of the steps since the last milestone.
    pub loss: f64,
    /// About how long it will still take, seconds; the limit of time counts too.
    pub seconds_left: f64,
}

/// Steps of a run after which its pace can be told.
const FIRST: usize = 20;

/// The pace of one run.
pub(super) struct Pace {
    started: Instant,
    /// Part of the work that earlier runs did.
    before: f64,
    run: usize,
    losses: (f64, usize),
}

impl Pace {
    pub(super) fn new(done: f64) -> Self {
        Self {
            started: Instant::now(),
            before: done,
            run: 0,
            losses: (0.0, 0),
        }
    }

    /// Counts a step; whether its pace is to be told for the first time.
    pub(super) fn count(&mut self, loss: f64) -> bool {
        self.run += 1;
        self.losses.0 += loss;
        self.losses.1 += 1;
        self.run == FIRST
    }

    /// The milestone at a step, after which the part `done` of the work is behind.
    pub(super) fn milestone(&mut self, step: usize, steps: usize, done: f64) -> Milestone {
        let (sum, count) = std::mem::take(&mut self.losses);
        let (part, left) = (done - self.before, (1.0 - done).max(0.0));
        Milestone {
            step,
            steps,
            loss: sum / count.max(1) as f64,
            seconds_left: self.started.elapsed().as_secs_f64() * left / part.max(1e-9),
        }
    }
}
