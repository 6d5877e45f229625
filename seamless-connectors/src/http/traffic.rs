//! How many requests were sent: what a system's quota is spent on. A host reads it as often as it likes.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a connector has sent since it was made. Requests that fetch a sign-in token count too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Traffic {
    /// Requests over HTTP. A batch is one.
    pub requests: u64,
    /// Operations: requests, but for each batch what is inside it.
    pub operations: u64,
    /// Bytes of bodies that were received, decoded.
    pub bytes_received: u64,
}

impl Traffic {
    /// What was sent since an earlier count.
    #[must_use]
    pub fn since(&self, earlier: &Traffic) -> Traffic {
        Traffic {
            requests: self.requests.saturating_sub(earlier.requests),
            operations: self.operations.saturating_sub(earlier.operations),
            bytes_received: self.bytes_received.saturating_sub(earlier.bytes_received),
        }
    }
}

/// The counters of a client.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    requests: AtomicU64,
    operations: AtomicU64,
    bytes_received: AtomicU64,
}

impl Counters {
    /// A request is about to be sent that holds this many operations.
    pub(crate) fn sent(&self, operations: u64) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.operations.fetch_add(operations, Ordering::Relaxed);
    }

    /// A piece of a body came.
    pub(crate) fn received(&self, bytes: usize) {
        self.bytes_received.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// The counts now.
    pub(crate) fn now(&self) -> Traffic {
        Traffic {
            requests: self.requests.load(Ordering::Relaxed),
            operations: self.operations.load(Ordering::Relaxed),
            bytes_received: self.bytes_received.load(Ordering::Relaxed),
        }
    }
}
