//! What connectors over HTTP share: one client per system. Knows no system, no record and no entity.
//!
//! The mental model. A [`Client`] belongs to one [`Base`]: an origin that was configured, to which alone credentials are sent.
//! It sends one request and gives back one [`Answer`], whatever its status, or a [`Failed`] that says whether the request
//! can have arrived. It repeats nothing, but for a sign-in that was too old or a token against forged requests that was
//! missing: what was refused for those was surely not done.
//!
//! | file | |
//! |---|---|
//! | `origin` | which addresses are ours; relative and absolute links |
//! | `client` | time limits, size limits, redirects |
//! | `tls` | encryption, with nothing set for the whole process |
//! | `auth` | who we are, and tokens that are fetched once for all who wait |
//! | `session` | cookies and the token that some systems want with every write |
//! | `status` | what a status says of what was done |
//! | `retry_after` | how long a system asks us to wait |
//! | `redact` | what of a request and an answer may be shown |
//! | `traffic` | how many requests were sent |
//!
//! Everything here runs on the thread of an [`Io`](crate::io::Io).

pub(crate) mod auth;
pub(crate) mod base64;
pub(crate) mod client;
pub(crate) mod origin;
pub(crate) mod redact;
pub(crate) mod retry_after;
mod session;
pub(crate) mod status;
mod tls;
pub(crate) mod traffic;

pub(crate) use auth::Auth;
pub(crate) use client::{Answer, Client, Failed, Limits, Request, Sent};
pub(crate) use origin::Base;
