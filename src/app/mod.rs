//! The window: what it shows, what the user may ask of it, and the work it starts.
//!
//! [`AppState`] is everything that is shown; only [`apply()`] changes it, by a [`Command`]; a [`Task`] is what runs on a background
//! thread as a [`Job`]. Panels and views read the state and give commands. No science here: every number comes from a function that the
//! command line calls too.

mod apply;
mod assess;
mod command;
mod dialog;
mod job;
mod keys;
mod panel;
mod parts;
mod start;
mod state;
mod task;
mod view;
mod window;

#[cfg(test)]
mod tests;

pub use apply::{apply, next_task};
pub use assess::Inputs;
pub use command::{Command, ViewCommand, VisitCommand, WorkCommand};
pub use job::Job;
pub use start::{Error, run};
pub use state::{
    Alignment, AppState, Message, Outlines, RelativeWindow, Running, ViewState, VisitId,
    VisitState, WorkState, ZoomPan,
};
pub use task::{NewOutlines, NewScan, Outcome, Target, Task};
pub use window::App;
