//! The one error of the core and of every connector: what kind, whether a retry can help, where, and what to do.
//!
//! A caller branches on [`ErrorKind`] and [`Retry`], a person reads the message, the place and the remedy. The
//! message does not repeat its cause: walk [`std::error::Error::source`] for that. Boxed, so that a `Result` stays
//! small.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure it is; what a caller branches on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The system refuses because of who asks.
    #[error("permission")]
    Permission,
    /// The state that the caller relied on is not there any more.
    #[error("conflict")]
    Conflict,
    /// A value cannot be what it was asked to be.
    #[error("data")]
    Data,
    /// A file, parameter or call is wrong; it stays wrong until somebody changes it.
    #[error("configuration")]
    Configuration,
    /// The system cannot be reached or does not answer properly now.
    #[error("unavailable")]
    Unavailable,
    /// The system asks for patience.
    #[error("throttled")]
    Throttled,
    /// What was asked for does not exist.
    #[error("not found")]
    NotFound,
    /// The connector cannot do this, by its own declaration.
    #[error("not supported")]
    Unsupported,
    /// A lease was lost: another worker owns the work now.
    #[error("fenced")]
    Fenced,
    /// A cursor or token is too old; read everything.
    #[error("cursor expired")]
    CursorExpired,
    /// Stored data is damaged or of another version.
    #[error("corrupt")]
    Corrupt,
    /// A named limit was met.
    #[error("limit")]
    Limit,
    /// Somebody asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// A guard stopped a plan.
    #[error("guarded")]
    Guarded,
    /// The SDK itself broke a promise; report it.
    #[error("internal")]
    Internal,
}

/// Whether the same call can succeed later without anybody changing anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It cannot.
    Never,
    /// It can, after a delay of the caller's choice.
    Later,
    /// It can, not before this long.
    After(Duration),
}

/// The error of the core and of connectors. See the module's page.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    retry: Retry,
    message: String,
    remedy: Option<String>,
    context: Vec<(&'static str, String)>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of a kind, in words that name the thing that is wrong. What retry says follows from the kind:
    /// unavailable and throttled can be tried later, the rest never; change it with [`Error::with_retry`].
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let retry = match kind {
            ErrorKind::Unavailable | ErrorKind::Throttled => Retry::Later,
            _ => Retry::Never,
        };
        Self(Box::new(Inner {
            kind,
            retry,
            message: message.into(),
            remedy: None,
            context: Vec::new(),
            source: None,
        }))
    }

    /// A configuration error.
    pub fn configuration(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Configuration, message)
    }

    /// A data error.
    pub fn data(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Data, message)
    }

    /// Says in words what a person can do about it.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.0.remedy = Some(remedy.into());
        self
    }

    /// Overrides whether a retry can help.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.0.retry = retry;
        self
    }

    /// Adds a place: `("entity", "account")`. Added once, by the layer that knows it; never a secret.
    #[must_use]
    pub fn at(mut self, what: &'static str, place: impl fmt::Display) -> Self {
        if !self.0.context.iter().any(|(known, _)| *known == what) {
            self.0.context.push((what, place.to_string()));
        }
        self
    }

    /// Keeps the cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether a retry can help.
    pub fn retry(&self) -> Retry {
        self.0.retry
    }

    /// The message alone, without place, remedy and cause.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The message with everything that caused it, as one line, for reports that keep text only.
    pub fn message_with_causes(&self) -> String {
        let mut line = self.0.message.clone();
        let mut cause = StdError::source(self);
        while let Some(known) = cause {
            line.push_str(": ");
            line.push_str(&known.to_string());
            cause = known.source();
        }
        line
    }

    /// What a person can do, where that is known.
    pub fn remedy(&self) -> Option<&str> {
        self.0.remedy.as_deref()
    }

    /// The places that layers added, innermost first.
    pub fn context(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.context.iter().map(|(what, place)| (*what, place.as_str()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        for (place, (what, value)) in self.0.context.iter().enumerate() {
            f.write_str(if place == 0 { " (" } else { ", " })?;
            write!(f, "{what} {value}")?;
        }
        if !self.0.context.is_empty() {
            f.write_str(")")?;
        }
        if let Some(remedy) = &self.0.remedy {
            write!(f, "; {remedy}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, retry, message, remedy, context, source } = &*self.0;
        f.debug_struct("Error")
            .field("kind", kind)
            .field("retry", retry)
            .field("message", message)
            .field("remedy", remedy)
            .field("context", context)
            .field("source", source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::{Error, ErrorKind, Retry};

    #[test]
    fn an_error_says_what_where_and_what_to_do() {
        let error = Error::new(ErrorKind::Unavailable, "the server closed the connection")
            .at("entity", "account")
            .at("system", "crm")
            .with_remedy("check that the service is up");
        assert_eq!(
            error.to_string(),
            "the server closed the connection (entity account, system crm); check that the service is up"
        );
        assert_eq!(error.retry(), Retry::Later);
        assert_eq!(size_of::<Error>(), 8);
    }

    #[test]
    fn causes_are_told_in_their_order() {
        let inner = Error::data("the column is too short").caused_by("12 characters");
        let error = Error::data("the values are not accepted").caused_by(inner);
        assert_eq!(
            error.message_with_causes(),
            "the values are not accepted: the column is too short: 12 characters"
        );
    }

    #[test]
    fn a_place_is_kept_from_the_layer_that_named_it_first() {
        let error = Error::data("bad").at("field", "inner").at("field", "outer");
        assert_eq!(error.to_string(), "bad (field inner)");
    }
}
