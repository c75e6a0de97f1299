//! Scans from files and folders, with what their names and headers tell of them.
use super::{
    date::date_in_name,
    preset::Preset,
    recent, rescue,
    task::{NewScan, Outcome, Places},
};
use crate::{
    io::{self, DicomLibrary},
    patient::Acquisition,
    volume::{Observe, Sequence, Volume},
};
use chrono::NaiveDate;
use std::path::{Path, PathBuf};

/// Most scans of a folder that are opened together: the visits of one patient, not a cohort.
const MOST_SCANS: usize = 24;

/// What is told of a scan besides its voxels.
struct Told {
    origin: String,
    date: Option<NaiveDate>,
    date_from_name: bool,
    sequence: Sequence,
    acquisition: Option<Acquisition>,
    warnings: Vec<String>,
}

/// The NIfTI scans of a folder, to be opened one by one; or the DICOM series that it holds.
pub(super) fn read_folder(path: &Path, places: &Places, observe: &mut Observe<'_>) -> Outcome {
    let library = match io::scan_folder(&[path.to_owned()], observe) {
        Ok(library) => library,
        Err(io::Error::Cancelled) => return Outcome::Cancelled,
        Err(error) => return Outcome::Failed(format!("The folder was not opened: {error}")),
    };
    if library.series().next().is_some() {
        return read_series(path, &library, places, observe);
    }
    match io::scans_in(path, MOST_SCANS) {
        Ok(paths) => Outcome::Found(paths),
        Err(error) => Outcome::Failed(format!("The folder was not opened: {error}")),
    }
}

/// The only series of a DICOM folder, under the day of its study.
fn read_series(
    path: &Path,
    library: &DicomLibrary,
    places: &Places,
    observe: &mut Observe<'_>,
) -> Outcome {
    let read = library
        .choose(None)
        .map_err(|error| format!("The folder was not opened: {error}: {}", path.display()))
        .and_then(|series| match io::read_series(series, observe) {
            Ok((volume, warnings)) => Ok((series, volume, warnings)),
            Err(error) => Err(format!("The series was not opened: {error}")),
        });
    let (series, volume, warnings) = match read {
        Ok(read) => read,
        Err(text) => return Outcome::Failed(text),
    };
    let told = Told {
        origin: series.title(),
        date: series.facts.date.as_deref().and_then(|d| d.parse().ok()),
        date_from_name: false,
        sequence: series.proposed_as,
        acquisition: Some(series.facts.acquisition()),
        warnings: series
            .warnings
            .iter()
            .map(ToString::to_string)
            .chain(warnings.iter().map(ToString::to_string))
            .collect(),
    };
    opened(path, volume, told, places)
}

/// A scan from one file.
pub(super) fn read_scan(path: &Path, places: &Places, observe: &mut Observe<'_>) -> Outcome {
    match io::read_volume(path, observe) {
        Ok((volume, warnings)) => {
            let origin = path
                .file_name()
                .map_or_else(|| "scan".to_owned(), |n| n.to_string_lossy().into_owned());
            let date = date_in_name(&origin);
            let mut warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
            let acquisition = io::read_sidecar(path).transpose().unwrap_or_else(|error| {
                warnings.push(error.to_string());
                None
            });
            let told = Told {
                origin,
                date,
                date_from_name: date.is_some(),
                sequence: Sequence::Unknown,
                acquisition,
                warnings,
            };
            opened(path, volume, told, places)
        }
        Err(io::Error::Cancelled) => Outcome::Cancelled,
        Err(error) => Outcome::Failed(format!("The scan was not opened: {error}")),
    }
}

fn opened(path: &Path, volume: Volume, told: Told, places: &Places) -> Outcome {
    let scan_sha256 = io::voxels_sha256(&volume);
    let journals: Option<&PathBuf> = places.journals.as_ref();
    Outcome::Scan(Box::new(NewScan {
        left: journals.and_then(|folder| rescue::left(folder, &scan_sha256)),
        recent: places.recent.as_deref().map(|file| recent::add(file, path)),
        date: told.date,
        date_from_name: told.date_from_name,
        origin: told.origin,
        sequence: told.sequence,
        acquisition: told.acquisition,
        scan_sha256,
        windows: Preset::windows(&volume),
        source: Some(path.to_owned()),
        volume,
        warnings: told.warnings,
        demo: false,
    }))
}
