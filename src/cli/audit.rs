//! `schwann audit`: who did what to a patient's outlines, and whether that record is whole.
use super::output;
use crate::{
    io::{self, AuditRecord, PatientFolder, PatientWarning},
    patient::AuditEntry,
};
use anyhow::bail;
use serde::Serialize;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A patient's folder, or the file `audit.jsonl` of one.
    patient: PathBuf,
}

#[derive(Debug, Serialize)]
struct Output<'a> {
    entries: &'a [AuditEntry],
    intact: bool,
    /// The first place, from 1, where the chain does not hold; `null` when it does.
    broken_at: Option<u64>,
    reason: Option<String>,
    /// Hash of the last entry. Noted elsewhere, it tells later whether entries went missing at the end.
    head_sha256: &'a str,
    /// What is not as it was written in the patient's folder: its record and the files that this names; `null` where the log alone was given.
    problems: Option<&'a [String]>,
    warnings: Vec<String>,
}

/// Exit status 1 when the chain is broken or a file is not as it was written; the entries are printed all the same.
pub(super) fn run(arguments: &Arguments, json: bool) -> anyhow::Result<()> {
    let record = io::read_audit(&arguments.patient)?;
    let broken = record.broken.as_ref();
    output::warnings(&record.warnings);
    let problems = problems(&arguments.patient);
    let output = Output {
        entries: record.log.entries(),
        intact: broken.is_none(),
        broken_at: broken.map(|b| b.sequence),
        reason: broken.map(ToString::to_string),
        head_sha256: record.log.head_sha256(),
        problems: problems.as_deref(),
        warnings: record.warnings.iter().map(ToString::to_string).collect(),
    };
    output::result(json, &output, || words(&record, problems.as_deref()))?;
    if let Some(broken) = broken {
        bail!(
            "the audit log is broken: {broken}; do not trust it from there on, and compare it with a backup: {}",
            record.path.display()
        );
    }
    if let Some(first) = problems.iter().flatten().next() {
        bail!("not everything is as it was written: {first}");
    }
    Ok(())
}

/// What is not as it was written in a patient's folder; nothing where it is none.
fn problems(path: &Path) -> Option<Vec<String>> {
    if !PatientFolder::is_one(path) {
        return None;
    }
    let mut bar = output::Bar::new();
    let found = PatientFolder::open_to_read(path).and_then(|(f, _)| f.verify(&mut |p| bar.show(p)));
    Some(match found {
        // What is wrong with the log is told already.
        Ok(found) => found
            .iter()
            .filter(|w| !matches!(w, PatientWarning::Log { .. }))
            .map(ToString::to_string)
            .collect(),
        Err(error) => vec![error.to_string()],
    })
}

fn words(record: &AuditRecord, problems: Option<&[String]>) -> String {
    let entries = record.log.entries();
    let mut lines: Vec<String> = entries.iter().map(ToString::to_string).collect();
    let plural = if entries.len() == 1 { "y" } else { "ies" };
    lines.push(match &record.broken {
        None => format!(
            "{} entr{plural}, and the chain holds. Last hash: {}",
            entries.len(),
            record.log.head_sha256()
        ),
        Some(broken) => format!("The chain is broken: {broken}."),
    });
    match problems {
        Some([]) => {
            lines.push("The patient's record and files are as they were written.".to_owned());
        }
        Some(problems) => lines.extend_from_slice(problems),
        None => {}
    }
    lines.join("\n")
}
