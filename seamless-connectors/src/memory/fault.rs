//! Faults that a test orders for the next call. Knows nothing of records.

use std::collections::VecDeque;

use seamless_core::connector::RefusalKind;
use seamless_core::model::ErrorKind;

/// What goes wrong with a coming call. Faults of one kind of call happen in the order in which they were ordered,
/// one per call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The next write happens, but every answer is lost: all its operations are ambiguous.
    LostReply,
    /// The next write does not happen, and every answer is lost.
    LostRequest,
    /// The next write is answered as lost and happens when [`Memory::deliver_late`](super::Memory::deliver_late) is
    /// called.
    LateRequest,
    /// Every operation of the next write is refused like this.
    Refused(RefusalKind),
    /// Only the operation at this place in the next write is refused like this; the others happen.
    RefusedAt(usize, RefusalKind),
    /// The next write fails as a whole; nothing of it happens.
    WriteFails(ErrorKind),
    /// The next read ends after so many pages, without saying that it ended.
    CutOff(usize),
    /// The next read gives so many pages and then an error.
    ReadFailsAfter(usize, ErrorKind),
    /// The next fetch fails.
    FetchFails(ErrorKind),
    /// The next fetch leaves every record unanswered.
    FetchUnanswered,
}

impl Fault {
    fn call(&self) -> Call {
        match self {
            Fault::LostReply
            | Fault::LostRequest
            | Fault::LateRequest
            | Fault::Refused(_)
            | Fault::RefusedAt(..)
            | Fault::WriteFails(_) => Call::Write,
            Fault::CutOff(_) | Fault::ReadFailsAfter(..) => Call::Read,
            Fault::FetchFails(_) | Fault::FetchUnanswered => Call::Fetch,
        }
    }
}

/// A kind of call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Read,
    Fetch,
    Write,
}

/// The faults that are still to happen.
#[derive(Debug, Default)]
pub(super) struct Faults(VecDeque<Fault>);

impl Faults {
    pub(super) fn order(&mut self, fault: Fault) {
        self.0.push_back(fault);
    }

    /// Takes the first fault ordered for this kind of call.
    pub(super) fn take(&mut self, call: Call) -> Option<Fault> {
        let place = self.0.iter().position(|fault| fault.call() == call)?;
        self.0.remove(place)
    }
}
