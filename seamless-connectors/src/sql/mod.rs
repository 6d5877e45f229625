//! What connectors to SQL databases share, whatever the dialect: identifiers in quotes, tokens of SQL text, paging by key,
//! batches that are cut where they fail. Knows no driver and no connection.

#[cfg(feature = "postgres")]
pub(crate) mod bisect;
pub(crate) mod keyset;
pub(crate) mod quote;
pub(crate) mod token;
