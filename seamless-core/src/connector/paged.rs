//! The paging loop, written once: a connector gives a function from a place to the next page.

use std::future::Future;

use futures::stream;

use super::change::{Cursor, Page, PageStream};
use crate::model::Result;

/// A stream that asks for page after page until one has an end. After an error the stream ends: a reader that wants
/// to go on reads again from the last page's cursor.
pub fn paged<F, Fut>(after: Option<Cursor>, next: F) -> PageStream
where
    F: Fn(Option<Cursor>) -> Fut + Send + 'static,
    Fut: Future<Output = Result<Page>> + Send,
{
    let from = Some((after, next));
    Box::pin(stream::unfold(from, |state| async move {
        let (after, next) = state?;
        match next(after).await {
            Err(error) => Some((Err(error), None)),
            Ok(page) if page.end.is_some() => Some((Ok(page), None)),
            Ok(page) => {
                let after = Some(page.cursor.clone());
                Some((Ok(page), Some((after, next))))
            }
        }
    }))
}
