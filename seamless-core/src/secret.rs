//! The port to secrets, and the type that holds one.

use std::fmt;

use async_trait::async_trait;
use zeroize::Zeroizing;

use crate::model::Result;

/// A secret. Neither its debug print nor an error shows it; its memory is wiped when it is dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a secret.
    pub fn new(secret: String) -> Self {
        Self(Zeroizing::new(secret))
    }

    /// Shows the secret to whoever must send it. Never log, store or print what comes back.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// Where secrets come from: a vault, the environment, files.
///
/// Contract: the same name may give another secret later (rotation), so a connector asks when it connects, not
/// once. Errors name the name, never the secret.
#[async_trait]
pub trait SecretSource: fmt::Debug + Send + Sync + 'static {
    /// The secret of a name. Errors: [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) where there is none;
    /// an undefined secret is never an empty one.
    async fn secret(&self, name: &str) -> Result<Secret>;
}
