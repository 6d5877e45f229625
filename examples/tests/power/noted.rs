//! A store that tells of every call. It changes nothing.

use std::fmt;
use std::sync::Arc;

use seamless_core::model::Result;
use seamless_core::store::StateStore;
use seamless_core::testkit::{Around, Hooks};

/// When word of a call comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// Before it is made.
    Before,
    /// Once it went well.
    After,
}

/// Who hears of each call, by its name.
pub(crate) struct Listener(Box<dyn Fn(Word, &'static str) + Send + Sync>);

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}

/// A store whose calls somebody hears of.
pub(crate) fn noted(
    inner: Arc<dyn StateStore>,
    listener: impl Fn(Word, &'static str) + Send + Sync + 'static,
) -> Arc<dyn StateStore> {
    Arc::new(Around::new(inner, Listener(Box::new(listener))))
}

impl Hooks for Listener {
    async fn before(&self, call: &'static str) -> Result<()> {
        (self.0)(Word::Before, call);
        Ok(())
    }

    async fn after(&self, call: &'static str, went_well: bool) -> Result<()> {
        if went_well {
            (self.0)(Word::After, call);
        }
        Ok(())
    }
}
