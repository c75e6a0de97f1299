//! Files that two programs must not write at once.
use std::fs::{File, TryLockError};
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
