//! PostgreSQL's SQLSTATEs -> kind, retry and remedy: one table. The server's message goes into the cause, shortened; its
//! detail (which repeats values), its context and the text of statements never do.

use seamless_core::model::{Error, ErrorKind};
use tokio_postgres::error::DbError;

/// Characters of a server's message that are kept.
const MESSAGE_CHARACTERS_MAX: usize = 300;

/// What a trigger or function of the database fails with.
const IN_A_TRIGGER: &str = "a trigger or function of the database refuses the change, or fails";

/// Why something that was asked of the server did not happen.
#[derive(Debug)]
pub(super) enum Fault {
    /// The driver's error: the server's words, or a connection that broke.
    Server(tokio_postgres::Error),
    /// No answer came in time.
    Silent,
    /// The server's or our own words, understood already.
    Told(Error),
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        Fault::Server(error)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Fault::Told(error)
    }
}

/// What a SQLSTATE means for the operation that met it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A unique key is taken.
    Taken,
    /// The values are not accepted.
    Values(&'static str),
    /// Who asks may not do it.
    Forbidden,
    /// Nothing happened, for reasons that pass.
    Busy(&'static str, &'static str),
    /// The table is not what it was when its schema was read.
    Moved,
    /// Something else.
    Other,
}

/// The table.
pub(super) fn meaning(code: &str) -> Meaning {
    match code {
        "23505" => Meaning::Taken,
        "23502" => Meaning::Values("a value is required"),
        "23503" => Meaning::Values("a reference points at nothing, or something points at the row"),
        "23514" => Meaning::Values("a check of the table refuses the values"),
        "23P01" => Meaning::Values("an exclusion constraint of the table refuses the values"),
        "22001" => Meaning::Values("the text is longer than the column"),
        "22003" => Meaning::Values("the number is out of the column's range"),
        "22007" | "22008" => Meaning::Values("the date or time is out of the column's range"),
        "22P02" | "22P03" | "22P05" | "22021" => Meaning::Values("the value is not one of the column's type"),
        "428C9" => Meaning::Values("the column is worked out by the database"),
        "42501" => Meaning::Forbidden,
        "25006" => Meaning::Forbidden,
        "40001" | "40P01" | "40002" | "40003" => {
            Meaning::Busy("another transaction came in between", "try again")
        }
        "55P03" => {
            Meaning::Busy("the rows are locked by somebody else", "end the other transaction, or try again")
        }
        "57014" => Meaning::Busy(
            "the statement took too long and was stopped",
            "raise statement_timeout_ms, or find out what the server waits for",
        ),
        "57P01" | "57P02" | "57P03" | "57P04" | "57P05" => {
            Meaning::Busy("the server ended the connection or is starting", "try again")
        }
        "42P01" | "42703" | "42704" | "42804" | "0A000" | "26000" | "3F000" => Meaning::Moved,
        _ => match code.get(..2).unwrap_or_default() {
            "22" => Meaning::Values("the values are not accepted"),
            "23" => Meaning::Values("a constraint of the table refuses the values"),
            "44" => Meaning::Values("the row would not show in the view any more"),
            // What triggers and functions of the database raise.
            "P0" | "09" | "27" | "38" | "39" => Meaning::Values(IN_A_TRIGGER),
            "08" => Meaning::Busy("the connection failed", "check the network and the server"),
            "40" => Meaning::Busy("another transaction came in between", "try again"),
            "53" => Meaning::Busy(
                "the server is out of room, memory or connections",
                "make room, or try again later",
            ),
            "55" => Meaning::Busy("the table is in use", "try again"),
            _ => Meaning::Other,
        },
    }
}

impl Fault {
    /// The server's words.
    pub(super) fn words(&self) -> Option<&DbError> {
        match self {
            Fault::Server(error) => error.as_db_error(),
            Fault::Silent | Fault::Told(_) => None,
        }
    }

    /// What the server's SQLSTATE means; `Other` where it said none.
    pub(super) fn meaning(&self) -> Meaning {
        self.words().map_or(Meaning::Other, |words| match meaning(words.code().code()) {
            // What a function of the database misses is its own: our statements name tables by their schema.
            Meaning::Moved | Meaning::Other if words.where_().is_some() => Meaning::Values(IN_A_TRIGGER),
            meaning => meaning,
        })
    }

    /// Whether the connection is gone, so that nobody knows whether the last thing sent happened.
    pub(super) fn is_lost(&self) -> bool {
        match self {
            // The server ends a connection with these words, whatever it was doing.
            Fault::Server(error) => {
                error.as_db_error().is_none_or(|words| words.code().code().starts_with("57P"))
            }
            Fault::Silent => true,
            Fault::Told(_) => false,
        }
    }

    /// Whether the same call can succeed at once over another connection.
    pub(super) fn passes(&self) -> bool {
        matches!(self, Fault::Server(_)) && (self.is_lost() || self.is_stale())
    }

    /// Whether the schema, or what the account may do, is not what it was when the catalogue was read.
    pub(super) fn is_stale(&self) -> bool {
        matches!(self.meaning(), Meaning::Moved | Meaning::Forbidden)
    }

    /// What it means. `doing` says what was tried: `reading a page`.
    pub(super) fn told(self, doing: &str) -> Error {
        let error = match self {
            Fault::Told(error) => return error,
            Fault::Silent => {
                return Error::new(ErrorKind::Unavailable, format!("the server does not answer ({doing})"))
                    .with_remedy("check the network and the server");
            }
            Fault::Server(error) => error,
        };
        if error.as_db_error().is_none() {
            return Error::new(
                ErrorKind::Unavailable,
                format!("the connection to the server is lost ({doing})"),
            )
            .with_remedy("check the network and the server")
            .caused_by(chain(&error));
        }
        let fault = Fault::Server(error);
        let meaning = fault.meaning();
        let Some(words) = fault.words() else {
            return Error::new(ErrorKind::Internal, "the server said nothing");
        };
        let (kind, what, remedy) = match meaning {
            Meaning::Taken => {
                (ErrorKind::Conflict, "a unique key is taken", "change the key, or the other row")
            }
            Meaning::Values(what) => (ErrorKind::Data, what, "change them, or the constraint"),
            Meaning::Forbidden => {
                (ErrorKind::Permission, "the account may not do this", "grant it the privilege")
            }
            Meaning::Busy(what, remedy) => (ErrorKind::Unavailable, what, remedy),
            Meaning::Moved => (ErrorKind::Unavailable, "the schema changed while it was used", "try again"),
            Meaning::Other => (ErrorKind::Internal, "the server refused", "report it with the cause"),
        };
        Error::new(kind, format!("{what} ({doing})")).with_remedy(remedy).caused_by(said(words))
    }
}

/// The server's message and SQLSTATE.
pub(super) fn said(words: &DbError) -> String {
    let message: String = words.message().chars().take(MESSAGE_CHARACTERS_MAX).collect();
    format!("{message} (SQLSTATE {})", words.code().code())
}

/// What a driver's error says with its causes, none of which repeats what was sent.
fn chain(error: &tokio_postgres::Error) -> String {
    let mut line = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(known) = cause {
        line.push_str(": ");
        line.push_str(&known.to_string());
        cause = known.source();
    }
    line.chars().take(MESSAGE_CHARACTERS_MAX).collect()
}

/// Why no connection could be made.
pub(super) fn of_connecting(error: &tokio_postgres::Error) -> Error {
    let chain = chain(error);
    if let Some(words) = error.as_db_error() {
        let (kind, what, remedy) = match words.code().code() {
            "28P01" | "28000" => (
                ErrorKind::Permission,
                "the server does not let the user in",
                "check user, password and the server's pg_hba.conf",
            ),
            "3D000" => {
                (ErrorKind::NotFound, "the server has no such database", "correct the name of the database")
            }
            "42501" => {
                (ErrorKind::Permission, "the user may not connect to the database", "grant CONNECT on it")
            }
            code => match meaning(code) {
                Meaning::Busy(what, remedy) => (ErrorKind::Unavailable, what, remedy),
                _ => (ErrorKind::Configuration, "the server refuses the connection", "see the cause"),
            },
        };
        return Error::new(kind, what).with_remedy(remedy).caused_by(said(words));
    }
    let head = error.to_string();
    if chain.contains("does not support TLS") {
        return Error::configuration("the server does not encrypt connections")
            .with_remedy("switch `ssl` on at the server; `tls: off` sends everything in the clear")
            .caused_by(chain);
    }
    if head.contains("TLS") {
        return Error::configuration("the encrypted connection could not be made")
            .with_remedy(
                "check the name of the host and `tls: { ca: PATH }` against the server's certificate",
            )
            .caused_by(chain);
    }
    if head.contains("authentication") || head.contains("configuration") {
        return Error::new(
            ErrorKind::Permission,
            "the server asks for a password that is not there, or in a way that is not known",
        )
        .with_remedy("set the password; the server should ask by scram-sha-256")
        .caused_by(chain);
    }
    Error::new(ErrorKind::Unavailable, "the server cannot be reached")
        .with_remedy("check host and port, and that the server is up")
        .caused_by(chain)
}

#[cfg(test)]
mod tests {
    use super::{Meaning, meaning};

    #[test]
    fn what_passes_and_what_does_not_are_told_apart() {
        let busy = |code| matches!(meaning(code), Meaning::Busy(..));
        for code in ["40001", "40P01", "55P03", "57014", "57P01", "53300", "08006"] {
            assert!(busy(code), "{code}");
        }
        let values = |code| matches!(meaning(code), Meaning::Values(_));
        for code in ["23502", "23503", "23514", "22001", "22003", "22P02", "P0001", "44000"] {
            assert!(values(code), "{code}");
        }
        assert_eq!(meaning("23505"), Meaning::Taken);
        assert_eq!(meaning("42501"), Meaning::Forbidden);
        assert_eq!(meaning("42P01"), Meaning::Moved);
        assert_eq!(meaning("XX000"), Meaning::Other);
        assert_eq!(meaning("é"), Meaning::Other);
    }
}
