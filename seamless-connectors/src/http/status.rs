//! What a status says: the kind of an error, and whether what was asked for was surely not done. One table; knows no system.

use seamless_core::model::ErrorKind;

/// What became of a request, by its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It was done.
    Done,
    /// It was surely not done.
    NotDone,
    /// Nobody knows.
    Unknown,
}

/// What became of a request that changes something. `asks_to_wait`: the answer had `Retry-After`, so that the system
/// itself (and no machine in between) put the request off.
pub(crate) fn fate(status: u16, asks_to_wait: bool) -> Fate {
    match status {
        200..=299 => Fate::Done,
        300..=499 | 501 | 505 => Fate::NotDone,
        503 if asks_to_wait => Fate::NotDone,
        _ => Fate::Unknown,
    }
}

/// The kind of the error that a status is, and what a person can do.
pub(crate) fn kind(status: u16) -> (ErrorKind, &'static str) {
    match status {
        300..=399 => (ErrorKind::Configuration, "configure the address that the service is at now"),
        401 => (ErrorKind::Permission, "check `auth`: the credentials are not accepted"),
        403 => (ErrorKind::Permission, "give the account the permission that it lacks"),
        404 => (ErrorKind::NotFound, "check the address, the path and the name"),
        405 | 501 => (ErrorKind::Unsupported, "the system does not do this"),
        406 | 415 | 505 => (ErrorKind::Unsupported, "the system does not speak this form of the protocol"),
        408 => (ErrorKind::Unavailable, "try again"),
        409 | 412 | 428 => (ErrorKind::Conflict, "read the record again"),
        410 => (ErrorKind::CursorExpired, "read everything once"),
        413 | 414 | 431 => (ErrorKind::Limit, "ask for less at once"),
        400 | 422 => (ErrorKind::Data, "correct what is sent"),
        429 => (ErrorKind::Throttled, "wait, or call less often"),
        500..=599 => (ErrorKind::Unavailable, "try again; look into the system's own log if it goes on"),
        _ => (ErrorKind::Unavailable, "the answer is none that HTTP knows; is this the right address?"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Fate, fate};

    #[test]
    fn only_a_system_that_says_so_has_surely_not_done_it() {
        for done in [200, 201, 204] {
            assert_eq!(fate(done, false), Fate::Done);
        }
        for refused in [301, 400, 401, 403, 404, 409, 412, 413, 422, 428, 429, 501] {
            assert_eq!(fate(refused, false), Fate::NotDone);
        }
        for unknown in [500, 502, 503, 504, 599, 0, 700] {
            assert_eq!(fate(unknown, false), Fate::Unknown, "{unknown}");
        }
        assert_eq!(fate(503, true), Fate::NotDone);
        assert_eq!(fate(500, true), Fate::Unknown);
    }
}
