//! The window, driven through what a screen reader sees.
#![expect(clippy::unwrap_used, clippy::float_cmp, reason = "helpers of tests")]

#[path = "ui/edit.rs"]
mod edit;
#[path = "ui/kill.rs"]
mod kill;
#[path = "ui/planes.rs"]
mod planes;
#[path = "ui/report.rs"]
mod report;
#[path = "ui/school.rs"]
mod school;
#[path = "ui/series.rs"]
mod series;
#[path = "ui/tools.rs"]
mod tools;
#[path = "ui/window.rs"]
mod window;
