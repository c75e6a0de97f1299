//! Background work: one named thread, one bounded channel, one stop flag.
use std::{
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, TrySendError, sync_channel},
    },
    thread::{Builder, JoinHandle},
};

/// Events a window may leave unread before later ones are dropped.
const CAPACITY: usize = 256;

/// A running computation that reports `E` and ends with `T`. Dropping it asks it to stop.
#[derive(Debug)]
pub struct Job<E, T> {
    stop: Arc<AtomicBool>,
    events: Receiver<E>,
    thread: Option<JoinHandle<T>>,
}

impl<E: Send + 'static, T: Send + 'static> Job<E, T> {
    /// Starts `work` on a thread called `name`; `wake` runs after every event and at the end.
    ///
    /// `work` gets a function that takes an event and says whether to go on. Events are lossy (a window that does not read must not stall
    /// the work); the result is not.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn spawn(
        name: &str,
        wake: impl Fn() + Send + 'static,
        work: impl FnOnce(&mut dyn FnMut(E) -> ControlFlow<()>) -> T + Send + 'static,
    ) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stop);
        let (sender, events) = sync_channel(CAPACITY);
        let thread = Builder::new().name(name.to_owned()).spawn(move || {
            // Wakes the window even when the work panics.
            let awake = WakeAtEnd(wake);
            work(&mut |event| {
                let gone = matches!(sender.try_send(event), Err(TrySendError::Disconnected(_)));
                (awake.0)();
                if gone || flag.load(Ordering::Relaxed) {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            })
        })?;
        Ok(Self {
            stop,
            events,
            thread: Some(thread),
        })
    }
}

impl<E, T> Job<E, T> {
    /// Events that arrived since the last call.
    pub fn events(&self) -> Vec<E> {
        self.events.try_iter().collect()
    }

    /// Asks the job to stop at its next report.
    pub fn cancel(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// `Break(result)` once the thread has ended; `Break(None)` if it panicked or its result was taken before.
    pub fn poll(&mut self) -> ControlFlow<Option<T>> {
        match self.thread.take() {
            Some(thread) if thread.is_finished() => ControlFlow::Break(thread.join().ok()),
            Some(thread) => {
                self.thread = Some(thread);
                ControlFlow::Continue(())
            }
            None => ControlFlow::Break(None),
        }
    }
}

impl<E, T> Drop for Job<E, T> {
    fn drop(&mut self) {
        self.cancel();
    }
}

struct WakeAtEnd<F: Fn()>(F);

impl<F: Fn()> Drop for WakeAtEnd<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::yield_now;

    fn result<E, T>(mut job: Job<E, T>) -> Option<T> {
        loop {
            match job.poll() {
                ControlFlow::Break(result) => return result,
                ControlFlow::Continue(()) => yield_now(),
            }
        }
    }

    #[test]
    fn a_cancelled_job_stops_at_its_next_report() {
        let job = Job::spawn(
            "endless",
            || (),
            |report: &mut dyn FnMut(u64) -> ControlFlow<()>| {
                let mut n = 0;
                while report(n).is_continue() {
                    n += 1;
                }
                "stopped"
            },
        )
        .unwrap();
        job.cancel();
        assert_eq!(result(job), Some("stopped"));
    }

    #[test]
    fn a_panic_ends_as_no_result() {
        let job: Job<(), u8> = Job::spawn("panics", || (), |_| panic!("on purpose")).unwrap();
        assert_eq!(result(job), None);
    }

    #[test]
    fn a_job_that_nobody_reads_still_ends_and_keeps_its_result() {
        let job = Job::spawn(
            "chatty",
            || (),
            |report: &mut dyn FnMut(usize) -> ControlFlow<()>| {
                (0..10 * CAPACITY)
                    .take_while(|&n| report(n).is_continue())
                    .count()
            },
        )
        .unwrap();
        assert_eq!(result(job), Some(10 * CAPACITY));
    }

    #[test]
    fn the_window_is_woken_at_the_end() {
        let (sender, receiver) = sync_channel(1);
        let job: Job<(), u8> =
            Job::spawn("short", move || sender.try_send(()).unwrap(), |_| 7).unwrap();
        receiver.recv().unwrap();
        assert_eq!(result(job), Some(7));
    }
}
