//! A thread of a connector's own that does what blocks (a database, a disk), so that no caller's thread ever does. Knows
//! no runtime and no record. The door is [`Worker::run`].

use std::sync::mpsc;

use futures::channel::oneshot;
use seamless_core::model::{Error, ErrorKind, Result};

type Job<S> = Box<dyn FnOnce(&mut S) + Send>;

/// A thread with a state that only it touches. It ends when the worker is dropped and its jobs are done.
#[derive(Debug)]
pub(crate) struct Worker<S> {
    jobs: mpsc::Sender<Job<S>>,
}

impl<S: Send + 'static> Worker<S> {
    /// Starts the thread.
    pub(crate) fn spawn(mut state: S, name: &str) -> Result<Self> {
        let (sender, jobs) = mpsc::channel::<Job<S>>();
        let body = move || {
            while let Ok(job) = jobs.recv() {
                job(&mut state);
            }
        };
        std::thread::Builder::new().name(name.to_owned()).spawn(body).map_err(|problem| {
            Error::new(ErrorKind::Unavailable, "no thread for the connector").caused_by(problem)
        })?;
        Ok(Self { jobs: sender })
    }

    /// Does a job on the thread, after those that came before. Dropping the future lets a job that has begun end by
    /// itself; one that has not begun still happens.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut S) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let boxed: Job<S> = Box::new(move |state| {
            // Nobody waits for the answer any more: that is what dropping a future means.
            let _ = reply.send(job(state));
        });
        let ended = || Error::new(ErrorKind::Internal, "the connector's thread ended");
        self.jobs.send(boxed).map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?
    }
}
