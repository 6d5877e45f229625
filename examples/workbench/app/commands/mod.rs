//! One file per command: reads its arguments, asks the SDK, shows what came of it.

pub(crate) mod apply;
pub(crate) mod discover;
pub(crate) mod explain;
pub(crate) mod fit;
pub(crate) mod history;
pub(crate) mod init;
pub(crate) mod laws;
pub(crate) mod lint;
pub(crate) mod matrix;
pub(crate) mod pause;
pub(crate) mod plan;
pub(crate) mod resolve;
pub(crate) mod retry;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod status;
pub(crate) mod template;
pub(crate) mod test;
pub(crate) mod try_record;
