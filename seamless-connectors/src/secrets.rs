//! Secrets of the machine: environment variables and files, and texts that name them. For configuration that is kept
//! where others can read it. Knows nothing of connectors or of files of configuration. The doors are [`MachineSecrets`]
//! and [`filled`]; a host with a vault implements [`SecretSource`] itself, and `filled` takes any.
//!
//! ```
//! use futures::executor::block_on;
//! use seamless_connectors::secrets::{MachineSecrets, filled};
//!
//! let token = |name: &str| (name == "TOKEN").then(|| "t0p".to_owned());
//! let secrets = MachineSecrets::new(".").with_variables(token);
//! assert_eq!(block_on(filled("Bearer ${env:TOKEN}, $${literal}", &secrets))?, "Bearer t0p, ${literal}");
//! # Ok::<(), seamless_core::Error>(())
//! ```

use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use seamless_core::model::{Error, ErrorKind, Result};
use seamless_core::secret::{Secret, SecretSource};

/// Bytes of a file at most: it is a secret or an address, not data.
const FILE_BYTES_MAX: u64 = 64 * 1024;

type Variable = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Where `env:NAME` is an environment variable and `file:PATH` a file, without the end of its last line. Looked up each
/// time it is asked, so a secret that was changed is the new one.
#[derive(Clone)]
pub struct MachineSecrets {
    folder: PathBuf,
    variable: Variable,
}

impl fmt::Debug for MachineSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MachineSecrets").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl MachineSecrets {
    /// The variables of this process, and files relative to a folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), variable: Arc::new(|name| std::env::var(name).ok()) }
    }

    /// Other variables: for tests, and for hosts that have their own.
    #[must_use]
    pub fn with_variables(self, variable: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self { variable: Arc::new(variable), ..self }
    }

    fn file(&self, path: &str) -> Result<Secret> {
        let path = self.folder.join(path);
        let refused = |kind: ErrorKind, why: String| {
            Error::new(kind, format!("the file {} cannot be read: {why}", path.display())).with_remedy(
                format!(
                    "name a file that holds the secret and nothing else, by a path from {}",
                    self.folder.display()
                ),
            )
        };
        let read = fs::metadata(&path).and_then(|found| match found.len() > FILE_BYTES_MAX {
            true => Err(std::io::Error::other(format!("it has more than {FILE_BYTES_MAX} bytes"))),
            false => fs::read_to_string(&path),
        });
        match read {
            Ok(content) => Ok(Secret::new(content.trim_end_matches(['\n', '\r']).to_owned())),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
                Err(refused(ErrorKind::NotFound, cause.to_string()))
            }
            Err(cause) => Err(refused(ErrorKind::Configuration, cause.to_string())),
        }
    }
}

#[async_trait]
impl SecretSource for MachineSecrets {
    async fn secret(&self, name: &str) -> Result<Secret> {
        match name.split_once(':') {
            Some(("env", name)) => (self.variable)(name).map(Secret::new).ok_or_else(|| {
                Error::new(
                    ErrorKind::NotFound,
                    format!("the environment variable `{name}` is not set, or is no text"),
                )
                .with_remedy("set it, in UTF-8, before you start the program")
            }),
            Some(("file", path)) => self.file(path),
            _ => Err(Error::configuration(format!("`${{{name}}}` is no reference"))
                .with_remedy("write `${env:NAME}` or `${file:PATH}`")),
        }
    }
}

/// A text with the secrets put in that it names as `${name}`; `$${` stands for `${`. What comes back holds them: do not
/// log or keep it. A secret that holds `${` is not looked through again.
///
/// Errors: the source's; a reference that is not closed.
pub async fn filled(text: &str, source: &dyn SecretSource) -> Result<String> {
    let mut full = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(literal) = before.strip_suffix('$') {
            full.push_str(literal);
            full.push_str("${");
            rest = after;
            continue;
        }
        full.push_str(before);
        let Some((name, behind)) = after.split_once('}') else {
            return Err(Error::configuration("`${` is not closed")
                .with_remedy("write `${env:NAME}`, or `$${` for the text `${`"));
        };
        full.push_str(source.secret(name).await?.reveal());
        rest = behind;
    }
    full.push_str(rest);
    Ok(full)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures::executor::block_on;
    use seamless_core::model::ErrorKind;
    use seamless_core::secret::SecretSource;

    use super::{FILE_BYTES_MAX, MachineSecrets, filled};

    fn secrets(folder: &std::path::Path) -> MachineSecrets {
        MachineSecrets::new(folder)
            .with_variables(|name| (name == "TOKEN").then(|| "${env:OTHER} 100 %".to_owned()))
    }

    #[test]
    fn what_is_named_is_put_in_and_nothing_else_is_changed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("pin.txt"), "12\n34\r\n").unwrap();
        let secrets = secrets(folder.path());
        for (text, full) in [
            ("", ""),
            ("$ {x} $$ }", "$ {x} $$ }"),
            ("a ${env:TOKEN} b", "a ${env:OTHER} 100 % b"),
            ("${file:pin.txt}${file:pin.txt}", "12\n3412\n34"),
            ("$${env:TOKEN}", "${env:TOKEN}"),
        ] {
            assert_eq!(block_on(filled(text, &secrets)).unwrap(), full, "{text}");
        }
    }

    #[test]
    fn what_is_not_there_is_named_and_never_empty() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("large"), vec![b'x'; FILE_BYTES_MAX as usize + 1]).unwrap();
        let secrets = secrets(folder.path());
        for (text, kind, named) in [
            ("${env:NOBODY}", ErrorKind::NotFound, "`NOBODY` is not set"),
            ("${file:nowhere}", ErrorKind::NotFound, "nowhere"),
            ("${file:large}", ErrorKind::Configuration, "more than"),
            ("${vault:x}", ErrorKind::Configuration, "`${vault:x}` is no reference"),
            ("${env:TOKEN", ErrorKind::Configuration, "not closed"),
        ] {
            let refused = block_on(filled(text, &secrets)).unwrap_err();
            assert_eq!(refused.kind(), kind, "{text}");
            assert!(refused.message().contains(named) && refused.remedy().is_some(), "{refused}");
        }
    }

    #[test]
    fn a_secret_that_is_changed_is_the_new_one_and_none_is_printed() {
        let values = Mutex::new(vec!["second".to_owned(), "first".to_owned()]);
        let secrets = MachineSecrets::new(".").with_variables(move |_| values.lock().unwrap().pop());
        let first = block_on(secrets.secret("env:X")).unwrap();
        assert_eq!((first.reveal(), format!("{first:?}").as_str()), ("first", "Secret(***)"));
        assert_eq!(block_on(secrets.secret("env:X")).unwrap().reveal(), "second");
        assert!(!format!("{secrets:?}").contains("second"));
    }
}
