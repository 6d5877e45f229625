//! Time-out: no call and no page is waited for longer than this.
//!
//! A reading or look-up that is late fails as unavailable and may be made again. A *write* that is late is
//! [`Ambiguous`](WriteOutcome::Ambiguous), operation by operation, and never called refused: the system may have done it.
//! What is late is dropped, and with it its connection where the connector's pages say so.
//!
//! Gives up: nothing. Put it innermost, so that it measures the system and not the queue of another layer: a write that waited
//! in a queue would be called ambiguous though it was never sent.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{Either, select};
use seamless_core::clock::Clock;
use seamless_core::connector::{Connector, Layer, WriteOutcome};
use seamless_core::model::{Error, ErrorKind, Result, Retry};

use super::around::{Answer, Around, Call, CallKind, Wrapped, about};

/// How long is waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For an answer that is none of the following.
    pub call: Duration,
    /// For a page of a reading.
    pub page: Duration,
    /// For the outcomes of a batch.
    pub write: Duration,
}

impl Default for Timeouts {
    /// A minute; two for a batch.
    fn default() -> Self {
        let minute = Duration::from_secs(60);
        Self { call: minute, page: minute, write: minute * 2 }
    }
}

/// The layer.
#[derive(Clone, Debug)]
pub struct Timeout {
    watch: Arc<Watch>,
}

impl Timeout {
    /// A layer that measures by this clock.
    pub fn new(clock: Arc<dyn Clock>, timeouts: Timeouts) -> Self {
        Self { watch: Arc::new(Watch { clock, timeouts }) }
    }
}

impl Layer for Timeout {
    fn wrap(&self, inner: Arc<dyn Connector>) -> Arc<dyn Connector> {
        Wrapped::over(inner, &self.watch)
    }
}

struct Watch {
    clock: Arc<dyn Clock>,
    timeouts: Timeouts,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.timeouts.fmt(f)
    }
}

impl Watch {
    /// The answer, or the error that it is late.
    async fn within<T>(
        &self,
        call: Call<'_>,
        limit: Duration,
        work: impl Future<Output = Result<T>> + Send,
    ) -> Result<Result<T>, Error> {
        // The work is asked first: an answer that is there is never late, and no timer is set for it.
        match select(pin!(work), pin!(self.clock.sleep(limit))).await {
            Either::Left((answer, _)) => Ok(answer),
            Either::Right(_) => Err(late(call, limit)),
        }
    }
}

fn late(call: Call<'_>, limit: Duration) -> Error {
    let error = Error::new(ErrorKind::Unavailable, format!("no answer came within {limit:?}"));
    about(error, call).with_remedy("check that the system is up; allow more time where such calls take long")
}

impl Around for Watch {
    async fn around<T: Answer>(
        &self,
        call: Call<'_>,
        work: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        let limit = match call.kind {
            CallKind::Page => self.timeouts.page,
            CallKind::Write => self.timeouts.write,
            _ => self.timeouts.call,
        };
        match self.within(call, limit, work).await {
            Ok(answer) => answer,
            // Nobody knows whether the system was changed.
            Err(late) if call.kind == CallKind::Provision => Err(late.with_retry(Retry::Never)),
            Err(late) => Err(late),
        }
    }

    async fn around_write(
        &self,
        call: Call<'_>,
        work: impl Future<Output = Result<Vec<WriteOutcome>>> + Send,
    ) -> Result<Vec<WriteOutcome>> {
        match self.within(call, self.timeouts.write, work).await {
            Ok(answer) => answer,
            Err(_) => {
                let unknown = || WriteOutcome::Ambiguous(late(call, self.timeouts.write));
                Ok(std::iter::repeat_with(unknown).take(call.ops).collect())
            }
        }
    }
}
