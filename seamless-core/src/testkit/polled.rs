//! A call that is dropped half-way, as callers do that lose patience. Knows no port. The door is [`dropped_after`].

use std::future::poll_fn;
use std::task::Poll;

/// Polls a call so many times and drops it; whether it ended.
pub(super) async fn dropped_after(polls: u32, call: impl Future) -> bool {
    let mut call = Box::pin(call);
    let mut left = polls;
    poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        call.as_mut().poll(context).map(|_| true)
    })
    .await
}
