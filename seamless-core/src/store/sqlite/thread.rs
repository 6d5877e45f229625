//! The thread that owns the connection: calls come in as jobs, answers go out through futures.
//!
//! SQLite blocks, and its connection belongs to one thread at a time; an executor of the host must never wait for
//! it. A dropped future leaves its job in the queue or at work: it is done wholly, only nobody hears of it.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use futures::channel::oneshot;

use super::db::Db;
use crate::model::{Error, ErrorKind, Result};

type Job = Box<dyn FnOnce(&mut Db) + Send>;

/// The thread. Dropping it waits for the jobs in the queue and closes the file.
#[derive(Debug)]
pub(super) struct Thread {
    jobs: Option<Sender<Job>>,
    handle: Option<JoinHandle<()>>,
}

impl Thread {
    /// Starts the thread over an open file.
    pub(super) fn start(db: Db) -> Result<Self> {
        let (jobs, queue) = channel();
        let thread = std::thread::Builder::new().name("seamless-store".to_owned());
        let handle = thread.spawn(move || work(db, &queue)).map_err(|cause| {
            Error::new(ErrorKind::Unavailable, "the store's thread could not be started").caused_by(cause)
        })?;
        Ok(Self { jobs: Some(jobs), handle: Some(handle) })
    }

    /// Does a job on the thread and waits for its answer.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Db) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, waiting) = oneshot::channel();
        let job: Job = Box::new(move |db| {
            // The asker may be gone; what was done stays done.
            let _ = answer.send(job(db));
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

fn work(mut db: Db, queue: &Receiver<Job>) {
    for job in queue {
        job(&mut db);
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(handle) = self.handle.take() {
            // A job that panicked has answered with an error already.
            let _ = handle.join();
        }
    }
}
