//! The choice among the series of a folder.
use super::places;
use crate::{
    app::{
        series::{SeriesChoice, SeriesCommand},
        state::AppState,
        task::Task,
    },
    io::Thumbnail,
};
use std::path::PathBuf;

/// Lists the series, and has their pictures read one by one, behind what else waits.
pub(super) fn begin(state: &mut AppState, mut choice: SeriesChoice) {
    forget_pictures(state);
    state.lists += 1;
    choice.number = state.lists;
    let pictures = choice.rows.iter().enumerate();
    let pictures = pictures
        .filter(|(_, row)| row.series.grid.is_ok())
        .map(|(n, row)| Task::Thumbnail(n, row.series.clone()));
    state.work.queue.extend(pictures);
    state.series = Some(choice);
}

/// A picture was read.
pub(super) fn pictured(state: &mut AppState, row: usize, picture: Result<Thumbnail, String>) {
    let row = state.series.as_mut().and_then(|c| c.rows.get_mut(row));
    if let Some(row) = row {
        row.thumbnail = Some(picture);
    }
}

/// Carries out a command on the choice.
pub(super) fn apply(state: &mut AppState, command: SeriesCommand) {
    let Some(choice) = &mut state.series else {
        return;
    };
    match command {
        SeriesCommand::Choose(row, on) => choice.choose(row, on),
        SeriesCommand::ChooseObject(object, on) => choice.choose_object(object, on),
        SeriesCommand::Open if choice.obstacle().is_none() => {
            let objects = choice.chosen_objects().map(|o| o.path.clone());
            let objects: Vec<PathBuf> = objects.collect();
            let (path, places) = (choice.path.clone(), places(state));
            let rows = state.series.take().map(|c| c.rows).unwrap_or_default();
            forget_pictures(state);
            let chosen = rows.into_iter().filter(|r| r.chosen);
            let tasks = chosen.map(|r| Task::ReadSeries(r.series, path.clone(), places.clone()));
            state.work.queue.extend(tasks);
            // Behind their series, which must be open before.
            let objects = objects.into_iter().map(|o| Task::Open(o, places.clone()));
            state.work.queue.extend(objects);
        }
        SeriesCommand::Open => {}
        SeriesCommand::Leave => {
            state.series = None;
            forget_pictures(state);
        }
    }
}

fn forget_pictures(state: &mut AppState) {
    let queue = &mut state.work.queue;
    queue.retain(|task| !matches!(task, Task::Thumbnail(..)));
}
