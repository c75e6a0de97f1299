//! Files and folders that two programs must not write at once.
use super::Error;
use std::fs::{File, TryLockError};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How a wait for a lock ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lock {
    /// It is held until the file is closed, be it by a crash.
    Held,
    /// Somebody else holds it.
    Busy,
    /// The file system knows no locks.
    Unknown,
}

/// Whom a lock lets in beside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Share {
    /// Nobody.
    Nobody,
    /// Others that ask for the same.
    Readers,
}

/// Waits for the lock of a file, but no longer than `patience`.
pub(super) fn lock(file: &File, share: Share, patience: Duration) -> Lock {
    /// Between two looks.
    const PAUSE: Duration = Duration::from_millis(5);
    let started = Instant::now();
    loop {
        let attempt = match share {
            Share::Nobody => file.try_lock(),
            Share::Readers => file.try_lock_shared(),
        };
        match attempt {
            Ok(()) => return Lock::Held,
            Err(TryLockError::Error(error)) => {
                log::debug!("no lock: {error}");
                return Lock::Unknown;
            }
            Err(TryLockError::WouldBlock) if started.elapsed() >= patience => return Lock::Busy,
            Err(TryLockError::WouldBlock) => sleep(PAUSE),
        }
    }
}

/// A folder that no other program claims meanwhile, until this is dropped or the program ends, be it by a crash.
#[derive(Debug)]
pub struct Claim {
    /// Its lock is given up when it is closed.
    _folder: Option<File>,
}

/// Claims a folder for this program alone. Systems that cannot open or lock a folder, such as Windows, let everybody in.
///
/// # Errors
/// [`Error::InUse`] when another program has claimed it.
pub fn claim_folder(path: &Path) -> Result<Claim, Error> {
    let folder = File::open(path).ok();
    let held = folder
        .as_ref()
        .map(|f| lock(f, Share::Nobody, Duration::ZERO));
    if held == Some(Lock::Busy) {
        let path = path.to_owned();
        return Err(Error::InUse { path });
    }
    Ok(Claim { _folder: folder })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_folder_is_claimed_once_and_free_again_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let first = claim_folder(folder.path()).unwrap();
        let second = claim_folder(folder.path());
        assert!(matches!(second, Err(Error::InUse { .. })), "{second:?}");
        drop(first);
        assert!(claim_folder(folder.path()).is_ok());
    }
}
