//! `schwann audit`: who did what to a patient's outlines, and whether that record is whole.
use super::output;
use crate::{
    io::{self, AuditRecord},
    patient::AuditEntry,
};
use anyhow::bail;
use serde::Serialize;
use std::path::PathBuf;

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
    warnings: Vec<String>,
}

/// Exit status 1 when the chain is broken; its entries are printed all the same.
pub(super) fn run(arguments: &Arguments, json: bool) -> anyhow::Result<()> {
    let record = io::read_audit(&arguments.patient)?;
    let broken = record.broken.as_ref();
    output::warnings(&record.warnings);
    let output = Output {
        entries: record.log.entries(),
        intact: broken.is_none(),
        broken_at: broken.map(|b| b.sequence),
        reason: broken.map(ToString::to_string),
        head_sha256: record.log.head_sha256(),
        warnings: record.warnings.iter().map(ToString::to_string).collect(),
    };
    output::result(json, &output, || words(&record))?;
    if let Some(broken) = broken {
        bail!(
            "the audit log is broken: {broken}; do not trust it from there on, and compare it with a backup: {}",
            record.path.display()
        );
    }
    Ok(())
}

fn words(record: &AuditRecord) -> String {
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
    lines.join("\n")
}
