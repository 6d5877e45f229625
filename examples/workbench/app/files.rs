//! Files that are written whole or not at all: beside their place first, then into it, so that a full disk or a crash
//! leaves what was there. Knows nothing of what is in them. The door is [`replace`].

use std::fs::{self, File};
use std::io::{BufWriter, Read, Write};
use std::path::Path;

use tempfile::Builder;

use super::failure::Failure;

/// Who may read a new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Whoever the machine's usual settings let read it.
    Usual,
    /// Its owner only, where the machine knows owners: it holds data of both systems.
    Owner,
}

/// Writes a file and puts it into its place when all of it is written. What is no regular file, such as a pipe, is
/// written to as it is.
pub(crate) fn replace(
    path: &Path,
    readers: Readers,
    write: impl FnOnce(&mut (dyn Write + Send)) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let failed = |cause| Failure::file("writing", path, cause);
    // A link goes on leading where it leads: the file behind it is replaced.
    let full = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if fs::metadata(&full).is_ok_and(|found| !found.is_file()) {
        let mut file = BufWriter::new(File::create(&full).map_err(failed)?);
        write(&mut file)?;
        return file.flush().map_err(failed);
    }
    let folder = full.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = Builder::new();
    builder.prefix(".workbench-");
    allow(&mut builder, readers);
    let made = builder.tempfile_in(folder).map_err(failed)?;
    let mut file = BufWriter::new(made.as_file());
    write(&mut file)?;
    file.flush().map_err(failed)?;
    drop(file);
    made.as_file().sync_all().map_err(failed)?;
    made.persist(&full).map_err(|problem| failed(problem.error))?;
    Ok(())
}

#[cfg(unix)]
fn allow(builder: &mut Builder<'_, '_>, readers: Readers) {
    use std::os::unix::fs::PermissionsExt;
    let mode = match readers {
        // The process's mask takes from it what it takes from every new file.
        Readers::Usual => 0o666,
        Readers::Owner => 0o600,
    };
    builder.permissions(fs::Permissions::from_mode(mode));
}

#[cfg(not(unix))]
fn allow(_: &mut Builder<'_, '_>, _: Readers) {}

/// Writes a text as [`replace`] does.
pub(crate) fn write_text(path: &Path, text: &str) -> Result<(), Failure> {
    replace(path, Readers::Usual, |out| {
        out.write_all(text.as_bytes()).map_err(|cause| Failure::file("writing", path, cause))
    })
}

/// Whether a file is there that does not begin in this way: something else than what is to be written over it.
pub(crate) fn is_something_else(path: &Path, begins: &[u8]) -> bool {
    let Ok(found) = fs::metadata(path) else { return false };
    if !found.is_file() || found.len() == 0 {
        return false;
    }
    let mut begin = Vec::new();
    let read = File::open(path).and_then(|file| file.take(begins.len() as u64).read_to_end(&mut begin));
    read.is_err() || begin != begins
}
