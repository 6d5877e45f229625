//! A thread with a tokio runtime of a connector's own, so that network libraries work under any executor of the host, and
//! a host's own runtime can end when it likes. Knows no system and no record. The door is [`Io::run`].

use std::fmt;
use std::future::Future;
use std::thread::JoinHandle;

use futures::channel::oneshot;
use seamless_core::model::{Error, ErrorKind, Result};
use tokio::runtime::{Builder, Handle};

/// A thread that drives what is run on it. When it is dropped, what still runs is dropped at its next await, and the
/// thread ends; the drop waits for that, unless it happens on the thread itself.
pub(crate) struct Io {
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for Io {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Io").finish_non_exhaustive()
    }
}

impl Io {
    /// Starts the thread under this name.
    pub(crate) fn start(name: &str) -> Result<Self> {
        let refused = |problem: std::io::Error| {
            Error::new(ErrorKind::Unavailable, "no thread for the connector").caused_by(problem)
        };
        let runtime = Builder::new_current_thread().enable_all().build().map_err(refused)?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let drive = move || {
            // Both a message and a dropped sender mean the end.
            let _ = runtime.block_on(stopped);
            runtime.shutdown_background();
        };
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(drive).map_err(refused)?;
        Ok(Self { handle, stop: Some(stop), thread: Some(thread) })
    }

    /// Starts work on the thread that goes on to its end even where nobody waits for its answer any more.
    #[cfg(feature = "http")]
    pub(crate) fn start_work<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> oneshot::Receiver<T> {
        let (done, answer) = oneshot::channel();
        self.handle.spawn(async move {
            // Nobody waits any more: the work was done all the same.
            let _ = done.send(work.await);
        });
        answer
    }

    /// Runs a future on the thread and blocks the calling thread until it ends; under any executor, since none is asked.
    #[cfg(feature = "http")]
    pub(crate) fn wait<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let (done, answer) = std::sync::mpsc::channel();
        self.handle.spawn(async move {
            let _ = done.send(work.await);
        });
        match answer.recv() {
            Ok(answer) => answer,
            Err(ended) => {
                Err(Error::new(ErrorKind::Internal, "the connector's thread ended").caused_by(ended))
            }
        }
    }

    /// Runs a future on the thread. Dropping the answer drops the future at its next await: what it had sent by then may
    /// still happen at the other end.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let mut task = AbortedOnDrop(self.handle.spawn(work));
        match (&mut task.0).await {
            Ok(answer) => answer,
            Err(ended) => {
                Err(Error::new(ErrorKind::Internal, "the connector's thread ended").caused_by(ended))
            }
        }
    }
}

impl Drop for Io {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != std::thread::current().id()
        {
            // A thread that ended by itself has nothing left to say.
            let _ = thread.join();
        }
    }
}

/// A task that ends with whoever waits for it.
struct AbortedOnDrop<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for AbortedOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use futures::executor::block_on;
    use futures::future::{pending, poll_immediate};

    use super::Io;

    #[test]
    fn work_that_needs_a_timer_ends_under_any_executor() {
        let io = Io::start("io-test").unwrap();
        let slept = io.run(async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            Ok(7)
        });
        assert_eq!(block_on(slept).unwrap(), 7);
    }

    #[test]
    fn what_nobody_waits_for_any_more_is_dropped() {
        let io = Io::start("io-test").unwrap();
        let held = Arc::new(());
        let holder = Arc::clone(&held);
        let mut work = Box::pin(io.run(async move {
            pending::<()>().await;
            drop(holder);
            Ok(())
        }));
        block_on(async {
            assert!(poll_immediate(&mut work).await.is_none());
        });
        drop(work);
        block_on(io.run(async { Ok(()) })).unwrap();
        drop(io);
        assert_eq!(Arc::strong_count(&held), 1);
    }

    #[test]
    fn the_end_of_the_thread_is_an_error_and_never_a_panic() {
        let io = Io::start("io-test").unwrap();
        let work = Box::pin(io.run(pending::<seamless_core::model::Result<()>>()));
        drop(work);
        let failing = io.run(async { Err::<(), _>(seamless_core::Error::configuration("no")) });
        assert!(block_on(failing).unwrap_err().to_string().contains("no"));
    }
}
