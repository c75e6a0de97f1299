//! Scans from files and folders, with what their names and headers tell of them.
use super::{
    by_hand::ByHand,
    date::date_in_name,
    dicom::Done,
    keeper::ScanSource,
    preset::Preset,
    recent, rescue,
    series::SeriesChoice,
    state::VisitId,
    task::{NewScan, Outcome, Places, Target, VisitRead, measured},
};
use crate::{
    io::{self, DicomError, DicomLibrary, DicomSeries, Making, PatientFolder},
    measure::ghosting,
    patient::{Acquisition, DateSource, LabelVersion, Outline, ScanOrigin, VisitRecord},
    volume::{Observe, Sequence, Volume},
};
use chrono::NaiveDate;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// Most scans of a folder that are opened together: the visits of one patient, not a cohort.
const MOST_SCANS: usize = 24;

/// What is told of a scan besides its voxels.
struct Told {
    origin: String,
    date: Option<NaiveDate>,
    date_from_name: bool,
    sequence: Sequence,
    acquisition: Option<Acquisition>,
    source: Option<ScanSource>,
    series: Option<Box<DicomSeries>>,
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
        return offer(path, &library, places, observe);
    }
    match io::scans_in(path, MOST_SCANS) {
        Ok(paths) => Outcome::Found(paths),
        Err(error) => Outcome::Failed(format!("The folder was not opened: {error}")),
    }
}

/// The only series that can be opened, or the list of all where there are more.
fn offer(
    path: &Path,
    library: &DicomLibrary,
    places: &Places,
    observe: &mut Observe<'_>,
) -> Outcome {
    let choice = || SeriesChoice::new(path.to_owned(), library);
    match library.choose(None) {
        Ok(series) => {
            let choice = choice();
            if choice.objects.is_empty() {
                return read_series(path, series, places, observe);
            }
            Outcome::Series(Box::new(choice))
        }
        Err(DicomError::SeveralSeries(_)) => Outcome::Series(Box::new(choice())),
        Err(error) => Outcome::Failed(format!(
            "The folder was not opened: {error}: {}",
            path.display()
        )),
    }
}

/// A file that is not named like a NIfTI or Analyze scan: an archive or directory of DICOM, or one file of a series, which stands for the series in its folder.
fn read_other(path: &Path, places: &Places, observe: &mut Observe<'_>) -> Option<Outcome> {
    if let Some(done) = derived(path) {
        return Some(done);
    }
    let library = match io::scan_folder(&[path.to_owned()], observe) {
        Ok(library) => library,
        Err(io::Error::Cancelled) => return Some(Outcome::Cancelled),
        Err(_) => return None,
    };
    let first = library.series().next()?;
    let one_file = library.series().count() == 1 && first.slices() == 1;
    let Some(folder) = path.parent().filter(|_| one_file) else {
        return Some(offer(path, &library, places, observe));
    };
    let whole = match io::scan_folder(&[folder.to_owned()], observe) {
        Ok(whole) => whole,
        Err(io::Error::Cancelled) => return Some(Outcome::Cancelled),
        Err(_) => return Some(offer(path, &library, places, observe)),
    };
    Some(match whole.choose(Some(&first.facts.series_uid)) {
        Ok(series) => read_series(folder, series, places, observe),
        Err(_) => offer(path, &library, places, observe),
    })
}

/// What others derived from a scan: a segmentation, a structure set, or a structured report.
fn derived(path: &Path) -> Option<Outcome> {
    // Whoever reads the file as a scan says what is wrong with it.
    if let Ok(Some(object)) = io::derived_object(path) {
        return Some(Outcome::Dicom(Done::Object(path.to_owned(), object)));
    }
    let report = io::read_measurements(path).ok()??;
    Some(Outcome::Dicom(Done::Report(Box::new(report))))
}

/// Endings of files that the NIfTI reader reads.
const NIFTI: [&str; 4] = [".nii", ".hdr", ".img", ".gz"];

/// A DICOM series, under the day of its study.
pub(super) fn read_series(
    path: &Path,
    series: &DicomSeries,
    places: &Places,
    observe: &mut Observe<'_>,
) -> Outcome {
    let (volume, warnings) = match io::read_series(series, observe) {
        Ok(read) => read,
        Err(io::Error::Cancelled) => return Outcome::Cancelled,
        Err(error) => return Outcome::Failed(format!("The series was not opened: {error}")),
    };
    let told = Told {
        origin: series.title(),
        date: series.facts.date.as_deref().and_then(|d| d.parse().ok()),
        date_from_name: false,
        sequence: series.proposed_as,
        acquisition: Some(series.facts.acquisition()),
        source: series.files().map(ScanSource::Series),
        series: Some(Box::new(series.clone())),
        // Those of the series are among them.
        warnings: warnings.iter().map(ToString::to_string).collect(),
    };
    opened(path, volume, told, places)
}

/// A scan from one file.
pub(super) fn read_scan(path: &Path, places: &Places, observe: &mut Observe<'_>) -> Outcome {
    let name = path.to_string_lossy().to_lowercase();
    if !NIFTI.iter().any(|ending| name.ends_with(ending))
        && let Some(outcome) = read_other(path, places, observe)
    {
        return outcome;
    }
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
                source: Some(ScanSource::File(path.to_owned())),
                series: None,
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
        ghosting: ghosting(&volume),
        scan_sha256,
        windows: Preset::windows(&volume),
        source: told.source,
        series: told.series,
        volume,
        warnings: told.warnings,
        demo: false,
    }))
}

/// How a version of the outlines was made: one that no model drew and that goes back to a file is not drawn by hand.
fn making(record: &VisitRecord, version: &LabelVersion) -> Making {
    let mut before = Some(version);
    for _ in 0..record.versions.len() {
        let Some(one) = before else { break };
        if one.outline == Outline::Imported {
            return Making::NotStated;
        }
        before = one.parent.and_then(|n| record.version(n));
    }
    Making::of(&version.outline)
}

/// The scan of a visit; of several series, such as the stacks of one file, the one that was put into the patient's folder.
fn read_kept(
    path: &Path,
    record: &VisitRecord,
    places: &Places,
    observe: &mut Observe<'_>,
) -> Outcome {
    let read = if path.is_dir() {
        read_folder
    } else {
        read_scan
    };
    let choice = match read(path, places, observe) {
        Outcome::Series(choice) => choice,
        other => return other,
    };
    match choice.of_scan(&record.scan.facts, observe) {
        Ok(series) => read_series(path, series, places, observe),
        Err(io::Error::Cancelled) => Outcome::Cancelled,
        Err(error) => Outcome::Failed(format!("{} was not opened: {error}", record.id)),
    }
}

/// Reads a visit of a patient: its scan, the outlines that count, and what was said of them. Outlines that cannot be read are a caution, not the end.
pub(super) fn read_visit(
    path: PathBuf,
    record: VisitRecord,
    places: &Places,
    observe: &mut Observe<'_>,
) -> Outcome {
    let name = record.id.clone();
    let opened = PatientFolder::open_to_read(&path)
        .and_then(|(folder, _)| folder.scan_path(&name).map(|scan| (folder, scan)));
    let (folder, scan_path) = match opened {
        Ok(opened) => opened,
        Err(error) => return Outcome::Failed(format!("{name} was not opened: {error}")),
    };
    let mut scan = match read_kept(&scan_path, &record, places, observe) {
        Outcome::Scan(scan) => *scan,
        other => return other,
    };
    if scan.scan_sha256 != record.scan.facts.voxels_sha256 {
        let text = "the scan in the patient's folder is not the one that was put there";
        scan.warnings.push(text.to_owned());
    }
    scan.origin.clone_from(&name);
    scan.date = record.date.map(|d| d.day);
    scan.date_from_name = record
        .date
        .is_some_and(|d| d.source == DateSource::FileName);
    scan.sequence = record.scan.facts.sequence;
    if let Some(known) = record.scan.facts.acquisition() {
        scan.acquisition = Some(known);
    }
    let volume = Arc::new(scan.volume);
    let mut outlines = None;
    let saved = record
        .current()
        .map(|v| folder.read_results(&name, v.version));
    let set = match saved {
        Some(Ok(results)) => results.as_ref().and_then(ByHand::of_results),
        Some(Err(error)) => {
            scan.warnings
                .push(format!("what was measured was not opened: {error}"));
            None
        }
        None => None,
    };
    if let Some(version) = record.current() {
        match folder.read_labels(&name, version.version) {
            Ok((labels, warnings)) if labels.grid().matches(volume.grid(), 0.1) => {
                let target = Target {
                    visit: VisitId(0),
                    title: name.clone(),
                    revision: 0,
                    volume: Arc::clone(&volume),
                    origin: ScanOrigin {
                        date: scan.date.unwrap_or_default(),
                        sequence: scan.sequence,
                        scan_sha256: scan.scan_sha256.clone(),
                        warnings: scan.warnings.clone(),
                    },
                };
                let warnings = warnings.iter().map(ToString::to_string).collect();
                let outline = version.outline.clone();
                match measured(&target, labels, outline, warnings, observe) {
                    Outcome::Outlined(mut new) => {
                        new.from_folder = true;
                        new.making = making(&record, version);
                        outlines = Some((*new, version.review.clone(), version.seen.clone()));
                    }
                    other => return other,
                }
            }
            Ok(_) => scan
                .warnings
                .push("its outlines in the patient's folder belong to another scan".to_owned()),
            Err(error) => scan
                .warnings
                .push(format!("its outlines were not opened: {error}")),
        }
    }
    let Some(volume) = Arc::into_inner(volume) else {
        return Outcome::Failed(format!("{name} was not opened"));
    };
    Outcome::Visit(Box::new(VisitRead {
        folder: path,
        name,
        scan: NewScan { volume, ..scan },
        by_hand: set.unwrap_or_default(),
        outlines,
        marks: record.measurements,
        images: record.key_images,
    }))
}
