//! How reading and describing report and are stopped.
use super::Error;
use crate::volume::{Observe, Progress};
use std::ops::ControlFlow;

/// Tells the observer how far a stage has come.
///
/// # Errors
/// [`Error::Cancelled`] when the observer says stop.
pub(super) fn report(
    observe: &mut Observe<'_>,
    stage: &'static str,
    done: u64,
    total: u64,
) -> Result<(), Error> {
    let fraction = done as f32 / total.max(1) as f32;
    match observe(Progress { stage, fraction }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Error::Cancelled),
    }
}
