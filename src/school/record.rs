//! A reader's answers as a file: `NAME-HASH.jsonl`, whose first line names the reader, and then an answer a line.
use super::{Answer, Error};
use crate::io;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Ending of the files.
const ENDING: &str = "jsonl";
/// Files of a folder that are looked at for readers.
const MOST_READERS: usize = 200;
/// Letters of a reader's name, and those of it that stand in the file's name.
const LONGEST_NAME: usize = 80;
const SHOWN_NAME: usize = 32;
/// The file's format.
const VERSION: u32 = 1;

/// The first line of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    reader: String,
    version: u32,
}

/// A reader's answers.
#[derive(Debug, Clone, PartialEq)]
pub struct ReaderRecord {
    /// The reader.
    pub reader: String,
    /// The file; it is begun with the first answer.
    pub path: PathBuf,
    /// The answers in the order in which they were given.
    pub answers: Vec<Answer>,
    /// What to know of the file, in words.
    pub warnings: Vec<String>,
}

impl ReaderRecord {
    /// The record of a reader in a folder of records; an empty one where there is none yet. A file that cannot be used is kept aside under another name, which a warning tells, and a
    /// new one begins; lines that are no answers stay in the file and are left out.
    ///
    /// # Errors
    /// When the reader has no name, or the file can neither be read nor be kept aside.
    pub fn open(folder: &Path, reader: &str) -> Result<Self, Error> {
        let reader: String = reader.trim().chars().take(LONGEST_NAME).collect();
        if reader.is_empty() {
            return Err(Error::Nameless);
        }
        let path = Self::path_of(folder, &reader);
        let mut record = Self {
            reader,
            path,
            answers: Vec::new(),
            warnings: Vec::new(),
        };
        if record.path.symlink_metadata().is_err() {
            return Ok(record);
        }
        match io::read_record_lines(&record.path) {
            Ok(lines) => record.take(&lines),
            Err(error) => {
                let aside = io::keep_aside(&record.path)?;
                let text = format!(
                    "the record of {} cannot be used ({error}); it is kept as {}, and a new one begins",
                    record.reader,
                    aside.display()
                );
                record.warnings.push(text);
            }
        }
        Ok(record)
    }

    /// The answers of a file of either kind: a record, or a table that [`ReaderRecord::export`] wrote.
    ///
    /// # Errors
    /// When it cannot be read, or holds no answer.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let mut record = Self {
            reader: name,
            path: path.to_owned(),
            answers: Vec::new(),
            warnings: Vec::new(),
        };
        let lines = io::read_record_lines(path)?;
        if path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("csv"))
        {
            record.take_table(&lines);
        } else {
            record.take(&lines);
        }
        if record.answers.is_empty() {
            return Err(Error::Io(io::Error::Table {
                problem: "it holds no answer of a reader".to_owned(),
                path: path.to_owned(),
            }));
        }
        Ok(record)
    }

    fn take(&mut self, found: &io::RecordLines) {
        let mut left_out = found.left_out;
        for line in &found.lines {
            if let Ok(answer) = serde_json::from_str::<Answer>(line) {
                self.answers.push(answer);
            } else if let Ok(head) = serde_json::from_str::<Head>(line) {
                self.reader = head.reader.chars().take(LONGEST_NAME).collect();
            } else {
                left_out += 1;
            }
        }
        self.tell_left_out(left_out);
    }

    fn take_table(&mut self, found: &io::RecordLines) {
        let text = found.lines.join("\n");
        let mut left_out = found.left_out;
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        for row in reader.deserialize::<Answer>() {
            match row {
                Ok(answer) => self.answers.push(answer),
                Err(_) => left_out += 1,
            }
        }
        self.tell_left_out(left_out);
    }

    fn tell_left_out(&mut self, lines: usize) {
        if lines > 0 {
            let text = format!(
                "{lines} lines of the record of {} are no answers and were left out; they stay in the file",
                self.reader
            );
            self.warnings.push(text);
        }
    }

    /// The file of a reader in a folder of records.
    pub fn path_of(folder: &Path, reader: &str) -> PathBuf {
        folder.join(file_name(reader))
    }

    /// Adds an answer to a reader's file, on the disk when it returns; says where a line is kept that a crash had torn.
    ///
    /// # Errors
    /// When it cannot be written. The file is then as it was.
    pub fn append(path: &Path, reader: &str, answer: &Answer) -> Result<Option<PathBuf>, Error> {
        let head = Head {
            reader: reader.to_owned(),
            version: VERSION,
        };
        let [head, line] = [serde_json::to_string(&head), serde_json::to_string(answer)]
            .map(Result::unwrap_or_default);
        let is_record = |line: &str| serde_json::from_str::<serde_json::Value>(line).is_ok();
        Ok(io::append_record_line(path, &head, &line, is_record)?)
    }

    /// Writes the answers as a CSV, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn export(&self, path: &Path) -> Result<(), Error> {
        Ok(io::write_atomically(path, |out| {
            let mut writer = csv::Writer::from_writer(out);
            for answer in &self.answers {
                writer.serialize(answer).map_err(std::io::Error::other)?;
            }
            writer.flush()
        })?)
    }
}

/// The readers that have a record in a folder, by name; none where there is no folder.
pub fn readers(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.filter_map(|e| Some(e.ok()?.path()));
    let records = paths
        .filter(|p| p.extension().is_some_and(|e| e == ENDING))
        .take(MOST_READERS);
    let name = |path: PathBuf| {
        let lines = io::read_record_lines(&path).ok()?.lines;
        let head: Head = serde_json::from_str(lines.first()?).ok()?;
        // Under its own name only: a file that was copied is nobody's.
        let own = path.file_name()?.to_string_lossy() == file_name(&head.reader);
        own.then_some(head.reader)
    };
    let names: BTreeSet<String> = records.filter_map(name).collect();
    names.into_iter().collect()
}

/// The file of a reader: letters of the name that every system takes, and a part of its hash, so that no two readers share one.
fn file_name(reader: &str) -> String {
    let letters = reader.chars().map(|c| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    });
    let shown: String = letters.take(SHOWN_NAME).collect();
    let hash = format!("{:x}", Sha256::digest(reader.as_bytes()));
    let hash = hash.get(..8).unwrap_or_default();
    format!("{shown}-{hash}.{ENDING}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        measure::KoosGrade,
        school::{AnswerKind, Difficulty},
    };

    fn answer(n: u8) -> Answer {
        Answer {
            time: "2026-01-02T03:04:05Z".parse().unwrap(),
            case: format!("synthetic-{n}"),
            kind: AnswerKind::Synthetic,
            difficulty: Some(Difficulty::Easy),
            truth: Some(KoosGrade::I),
            grade: KoosGrade::ALL[usize::from(n % 4)],
            confidence_percent: n,
            seconds: f64::from(n),
            model: None,
        }
    }

    #[test]
    fn each_reader_has_a_record_of_their_own_that_grows() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("school");
        for (reader, count) in [("Ada L.", 3), ("ada l.", 1), ("Ünal/../x", 2)] {
            let mut record = ReaderRecord::open(&folder, reader).unwrap();
            assert!(record.answers.is_empty());
            for n in 0..count {
                record.answers.push(answer(n));
                ReaderRecord::append(&record.path, &record.reader, &answer(n)).unwrap();
            }
            assert_eq!(record.path.parent(), Some(folder.as_path()));
            assert_eq!(ReaderRecord::open(&folder, reader).unwrap(), record);
        }
        assert_eq!(readers(&folder), ["Ada L.", "ada l.", "Ünal/../x"]);
        assert!(matches!(
            ReaderRecord::open(&folder, "  "),
            Err(Error::Nameless)
        ));
        assert!(readers(&folder.join("none")).is_empty());
    }

    #[test]
    fn a_damaged_record_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = ReaderRecord::open(folder.path(), "A").unwrap().path;
        for n in 0..2 {
            ReaderRecord::append(&path, "A", &answer(n)).unwrap();
        }
        let mut text = std::fs::read_to_string(&path).unwrap();
        text += "{\"time\":1}\nrubbish\n{\"time\":\"2026-0";
        std::fs::write(&path, &text).unwrap();
        let record = ReaderRecord::open(folder.path(), "A").unwrap();
        assert_eq!((record.answers.len(), record.warnings.len()), (2, 1));
        assert!(
            record.warnings[0].starts_with("3 lines"),
            "{:?}",
            record.warnings
        );
        let aside = ReaderRecord::append(&path, "A", &answer(2))
            .unwrap()
            .unwrap();
        assert_eq!(
            std::fs::read_to_string(aside).unwrap(),
            "{\"time\":\"2026-0\n"
        );
        assert_eq!(
            ReaderRecord::open(folder.path(), "A")
                .unwrap()
                .answers
                .len(),
            3
        );

        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        let record = ReaderRecord::open(folder.path(), "A").unwrap();
        assert!(record.answers.is_empty() && record.warnings[0].contains("aside-1"));
        ReaderRecord::append(&path, "A", &answer(0)).unwrap();
        assert_eq!(
            ReaderRecord::open(folder.path(), "A").unwrap().answers,
            [answer(0)]
        );
    }

    #[test]
    fn the_exported_table_is_read_back_as_the_same_answers() {
        let folder = tempfile::tempdir().unwrap();
        let mut record = ReaderRecord::open(folder.path(), "A").unwrap();
        for n in 0..4 {
            record.answers.push(answer(n));
        }
        record.answers.push(Answer {
            kind: AnswerKind::Read,
            truth: None,
            difficulty: None,
            model: Some(KoosGrade::II),
            ..answer(9)
        });
        let table = folder.path().join("answers.csv");
        record.export(&table).unwrap();
        let text = std::fs::read_to_string(&table).unwrap();
        assert!(
            text.starts_with(
                "time,case,kind,difficulty,truth,grade,confidence_percent,seconds,model\n"
            ),
            "{text}"
        );
        assert_eq!(ReaderRecord::read(&table).unwrap().answers, record.answers);
        std::fs::write(&table, "a,b\n1,2\n").unwrap();
        assert!(ReaderRecord::read(&table).is_err());
    }
}
