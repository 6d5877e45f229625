//! A thread that owns a connection: calls come in as jobs, answers go out through futures.
//!
//! SQLite blocks, and its connection belongs to one thread at a time; an executor of the host must never wait for
//! it. A dropped future leaves its job in the queue or at work: it is done wholly, only nobody hears of it.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use futures::channel::oneshot;

use crate::model::{Error, ErrorKind, Result};

type Job<T> = Box<dyn FnOnce(&mut T) + Send>;

/// The thread, over what it owns. Dropping it waits for the jobs in the queue and closes the file.
#[derive(Debug)]
pub(super) struct Thread<T> {
    jobs: Option<Sender<Job<T>>>,
    handle: Option<JoinHandle<()>>,
}

impl<T: Send + 'static> Thread<T> {
    /// Starts the thread over an open file.
    pub(super) fn start(name: &str, owned: T) -> Result<Self> {
        let (jobs, queue) = channel();
        let thread = std::thread::Builder::new().name(name.to_owned());
        let handle = thread.spawn(move || work(owned, &queue)).map_err(|cause| {
            Error::new(ErrorKind::Unavailable, "the store's thread could not be started").caused_by(cause)
        })?;
        Ok(Self { jobs: Some(jobs), handle: Some(handle) })
    }

    /// Does a job on the thread and waits for its answer.
    pub(super) async fn call<A: Send + 'static>(
        &self,
        job: impl FnOnce(&mut T) -> Result<A> + Send + 'static,
    ) -> Result<A> {
        let (answer, waiting) = oneshot::channel();
        let job: Job<T> = Box::new(move |owned| {
            // The asker may be gone; what was done stays done.
            let _ = answer.send(job(owned));
        });
        let ended = || {
            Error::new(ErrorKind::Internal, "the store's thread has ended")
                .with_remedy("open the store anew, and report this")
        };
        // A job that could not be sent comes back inside of the error, and with it the end that would answer: it must
        // be gone before anybody waits.
        let sent = self.jobs.as_ref().is_some_and(|jobs| jobs.send(job).is_ok());
        if !sent {
            return Err(ended());
        }
        waiting.await.unwrap_or_else(|_| Err(ended()))
    }
}

fn work<T>(mut owned: T, queue: &Receiver<Job<T>>) {
    for job in queue {
        job(&mut owned);
    }
}

impl<T> Drop for Thread<T> {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(handle) = self.handle.take() {
            // A job that panicked has answered with an error already.
            let _ = handle.join();
        }
    }
}
