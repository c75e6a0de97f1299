//! Files of one record a line that only ever grow. What is added is on the disk when the call returns; a line that a crash tore is kept beside the file.
use super::{
    Error,
    atomic::sync_folder,
    lock::{Lock, Share, lock},
    torn::keep_torn,
};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Most bytes of such a file: some ten thousand records.
const MOST_BYTES: u64 = 16 << 20;
/// Most bytes of a line.
const MOST_LINE: usize = 8 << 10;
/// Held by whoever adds a line to a file of a folder.
const LOCK_FILE: &str = ".lines.lock";
/// How long another program is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// Files that may be kept aside.
const MOST_ASIDE: usize = 100;

/// What a file of records holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecordLines {
    /// Its lines, without their ends; those that are no text or too long are left out.
    pub lines: Vec<String>,
    /// Lines that were left out.
    pub left_out: usize,
    /// The last line has no end, as after a crash; it is among the lines.
    pub unterminated: bool,
}

fn wrong(path: &Path, problem: &str) -> Error {
    Error::Table {
        problem: problem.to_owned(),
        path: path.to_owned(),
    }
}

/// The lines of a file of records; blank ones are passed over.
///
/// # Errors
/// When it cannot be read, is no regular file, or has more than 16 MB.
pub fn read_record_lines(path: &Path) -> Result<RecordLines, Error> {
    let open = |source| Error::Open {
        source,
        path: path.to_owned(),
    };
    let metadata = std::fs::metadata(path).map_err(open)?;
    if !metadata.is_file() || metadata.len() > MOST_BYTES {
        return Err(wrong(path, "a regular file of at most 16 MB is wanted"));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(open)?;
    file.take(MOST_BYTES)
        .read_to_end(&mut bytes)
        .map_err(open)?;
    let mut found = RecordLines {
        unterminated: bytes.last().is_some_and(|b| *b != b'\n'),
        ..RecordLines::default()
    };
    for line in bytes.split(|b| *b == b'\n').filter(|l| !l.is_empty()) {
        match std::str::from_utf8(line) {
            Ok(text) if text.trim().is_empty() => {}
            Ok(text) if line.len() <= MOST_LINE => found.lines.push(text.trim_end().to_owned()),
            _ => found.left_out += 1,
        }
    }
    Ok(found)
}

/// Adds a line to a file of records, which it begins where there is none with the line that `first` gives. An end that a crash tore, by what `is_record` says of it, is moved
/// to a file beside it, whose path is returned. Waits up to five seconds for another program.
///
/// # Errors
/// When the line is too long or has an end in it, the file is full, in use or no regular file, or cannot be written. The file is then as it was.
pub fn append_record_line(
    path: &Path,
    first: &str,
    line: &str,
    is_record: impl Fn(&str) -> bool,
) -> Result<Option<PathBuf>, Error> {
    let cannot = |source| Error::Write {
        source,
        path: path.to_owned(),
    };
    if line.len() > MOST_LINE || line.contains('\n') || first.contains('\n') {
        return Err(wrong(path, "the new line does not fit"));
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(cannot)?;
    let mut open = OpenOptions::new();
    open.read(true).write(true).create(true).truncate(false);
    let lock_file = open.open(folder.join(LOCK_FILE)).map_err(cannot)?;
    if lock(&lock_file, Share::Nobody, PATIENCE) == Lock::Busy {
        return Err(wrong(
            path,
            "another program has been writing to it for 5 s; close that program",
        ));
    }
    if path.metadata().is_ok_and(|m| !m.is_file()) {
        return Err(wrong(path, "it is not a regular file; move it away"));
    }
    let mut file = open.open(path).map_err(cannot)?;
    let size = file.metadata().map_err(cannot)?.len();
    if size + 2 * MOST_LINE as u64 > MOST_BYTES {
        return Err(wrong(
            path,
            "it has grown to the 16 MB that it may have; move it away, and a new one begins",
        ));
    }
    let rest = unterminated(&mut file, size).map_err(cannot)?;
    let whole = std::str::from_utf8(&rest).is_ok_and(&is_record);
    let (end, before, aside) = match (size, rest.is_empty(), whole) {
        (0, ..) => (0, format!("{first}\n"), None),
        (_, true, _) => (size, String::new(), None),
        (_, false, true) => (size, "\n".to_owned(), None),
        (_, false, false) => {
            let kept = keep_torn(path, rest.as_slice().chain(&b"\n"[..])).map_err(cannot)?;
            (size - rest.len() as u64, String::new(), Some(kept))
        }
    };
    let mut write = || {
        file.set_len(end)?;
        file.seek(SeekFrom::Start(end))?;
        file.write_all(format!("{before}{line}\n").as_bytes())?;
        file.sync_all()
    };
    if let Err(error) = write() {
        if let Err(error) = file.set_len(end) {
            log::debug!("a half written line could not be cut off: {error}");
        }
        return Err(cannot(error));
    }
    if size == 0 {
        sync_folder(folder);
    }
    Ok(aside)
}

/// What stands behind the last end of a line, all of it: a line of any length may have been torn.
fn unterminated(file: &mut File, size: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(size.min(MOST_BYTES)).read_to_end(&mut bytes)?;
    let at = bytes
        .iter()
        .rposition(|b| *b == b'\n')
        .map_or(0, |at| at + 1);
    Ok(bytes.split_off(at))
}

/// Moves a file that cannot be used out of the way, and says where it is now; nothing of it is lost.
///
/// # Errors
/// When it cannot be moved.
pub fn keep_aside(path: &Path) -> Result<PathBuf, Error> {
    let cannot = |source| Error::Write {
        source,
        path: path.to_owned(),
    };
    let name = |n: usize| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".aside-{n}"));
        PathBuf::from(name)
    };
    let free = (1..=MOST_ASIDE)
        .map(name)
        .find(|p| p.symlink_metadata().is_err());
    let to =
        free.ok_or_else(|| wrong(path, "too many files of this name are kept aside already"))?;
    std::fs::rename(path, &to).map_err(cannot)?;
    Ok(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_record(line: &str) -> bool {
        line.starts_with('{') && line.ends_with('}')
    }

    #[test]
    fn lines_are_added_one_after_the_other_below_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/reader.jsonl");
        for line in ["{1}", "{2}"] {
            assert_eq!(
                append_record_line(&path, "{head}", line, is_record).unwrap(),
                None
            );
        }
        let read = read_record_lines(&path).unwrap();
        assert_eq!(read.lines, ["{head}", "{1}", "{2}"]);
        assert_eq!((read.left_out, read.unterminated), (0, false));
        assert!(append_record_line(&path, "", "a\nb", is_record).is_err());
        assert!(append_record_line(&path, "", &"x".repeat(MOST_LINE + 1), is_record).is_err());
        assert_eq!(read_record_lines(&path).unwrap().lines.len(), 3);
    }

    #[test]
    fn a_torn_end_is_kept_aside_and_a_whole_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reader.jsonl");
        std::fs::write(&path, "{head}\n{1}\n{2").unwrap();
        assert!(read_record_lines(&path).unwrap().unterminated);
        let aside = append_record_line(&path, "{head}", "{3}", is_record)
            .unwrap()
            .unwrap();
        assert_eq!(std::fs::read_to_string(aside).unwrap(), "{2\n");
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "{head}\n{1}\n{3}\n"
        );
        // Written by hand, without the last end.
        std::fs::write(&path, "{head}\n{1}").unwrap();
        assert_eq!(
            append_record_line(&path, "{head}", "{2}", is_record).unwrap(),
            None
        );
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "{head}\n{1}\n{2}\n"
        );
    }

    #[test]
    fn what_is_no_text_is_left_out_and_what_is_no_file_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reader.jsonl");
        let mut bytes = b"{1}\n\xff\xfe\n\n".to_vec();
        bytes.extend(vec![b'x'; MOST_LINE + 1]);
        bytes.extend(b"\n{2}\n");
        std::fs::write(&path, bytes).unwrap();
        let read = read_record_lines(&path).unwrap();
        assert_eq!(
            (read.lines.as_slice(), read.left_out),
            (&["{1}".to_owned(), "{2}".to_owned()][..], 2)
        );
        assert!(read_record_lines(folder.path()).is_err());
        assert!(read_record_lines(&folder.path().join("none")).is_err());
        let big = File::create(&path).unwrap();
        big.set_len(MOST_BYTES + 1).unwrap();
        assert!(read_record_lines(&path).is_err());
        assert!(append_record_line(&path, "", "{3}", is_record).is_err());
        let aside = keep_aside(&path).unwrap();
        assert!(!path.exists() && aside.metadata().unwrap().len() > MOST_BYTES);
        assert_eq!(
            append_record_line(&path, "{head}", "{3}", is_record).unwrap(),
            None
        );
        assert_ne!(keep_aside(&path).unwrap(), aside);
    }
}
