//! How long work reports and is stopped.
use std::ops::ControlFlow;

/// How far a piece of work has come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// What is being done, in words for people, lower case: `reading`, `segmenting`.
    pub stage: &'static str,
    /// Part of this stage that is done, 0 to 1.
    pub fraction: f32,
}

/// Receives progress; `Break` asks the work to stop at once.
pub type Observe<'a> = dyn FnMut(Progress) -> ControlFlow<()> + 'a;

/// An observer that neither looks nor stops.
pub fn unobserved(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}
