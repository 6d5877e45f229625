//! What a connector logs while the kit runs, searched for secrets: every event and every span, whatever its level. What is
//! logged in threads of the connector's own is not heard. The door is [`Log`].

use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::dispatcher::{self, Dispatch};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::ledger::Ledger;

/// A subscriber that hears everything, and passes events on to whoever listened before.
pub(super) struct Log {
    ledger: Arc<Ledger>,
    secrets: Arc<[String]>,
    outer: Dispatch,
    spans: AtomicU64,
}

impl Log {
    pub(super) fn new(ledger: &Arc<Ledger>, secrets: &[String]) -> Self {
        let outer = dispatcher::get_default(Dispatch::clone);
        Self { ledger: Arc::clone(ledger), secrets: secrets.into(), outer, spans: AtomicU64::new(1) }
    }

    fn hear(&self, what: &str, name: &str, said: Said) {
        self.ledger.hear_logged(&self.secrets, &format!("{what} of {name}"), &said.0);
    }
}

/// The text of everything that an event or a span says.
struct Said(String);

impl Said {
    fn of(metadata: &Metadata<'_>) -> Self {
        Self(format!("{} {}", metadata.target(), metadata.name()))
    }
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing into a text cannot fail.
        let _ = write!(self.0, " {field}={value:?}");
    }

    // As it is: what a debug output escapes would hide a secret with quotes in it.
    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = write!(self.0, " {field}={value}");
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut said = Said::of(span.metadata());
        span.record(&mut said);
        self.hear("a span", span.metadata().target(), said);
        Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed))
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut said = Said(String::new());
        values.record(&mut said);
        self.hear("a span", "which more was said", said);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut said = Said::of(event.metadata());
        event.record(&mut said);
        self.hear("a line", event.metadata().target(), said);
        if self.outer.enabled(event.metadata()) {
            self.outer.event(event);
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
