//! Whether an open file still lies under its name. A file that is deleted or replaced while it is open goes on being
//! written, where nobody will find it: the next process would begin with another state, or with one that lacks what was
//! acknowledged since. It does not know what is in the files. Its door is [`Home::check`].

use std::path::{Path, PathBuf};

use crate::model::{Error, ErrorKind, Result};

/// The file of the state and the log beside it, as they were when they were opened.
#[derive(Debug, Default)]
pub(super) struct Home(Vec<(PathBuf, Identity)>);

#[cfg(unix)]
type Identity = (u64, u64);
#[cfg(not(unix))]
type Identity = ();

impl Home {
    pub(super) fn of(path: &Path) -> Self {
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        let files = [path.to_owned(), PathBuf::from(log)].into_iter();
        Self(files.filter_map(|file| identity(&file).map(|found| (file, found))).collect())
    }

    /// Refuses where a file is gone or is another one. Asked before each change: two calls of the system are nothing
    /// beside a sync.
    pub(super) fn check(&self) -> Result<()> {
        match self.0.iter().find(|(path, opened)| identity(path).as_ref() != Some(opened)) {
            None => Ok(()),
            Some((path, _)) => Err(Error::new(
                ErrorKind::Unavailable,
                "a file of the state was moved, deleted or replaced while it was open; nothing was changed",
            )
            .at("file", path.display())
            .with_remedy("put it back or restore the state from a backup, then open it anew")),
        }
    }
}

#[cfg(unix)]
fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> Option<Identity> {
    std::fs::metadata(path).ok().map(|_| ())
}
