//! What every export does with the events.

use super::error::ForeignError;
use trace_format::MergedEvent;

/// What lives after an event.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Live {
    /// Sum of the living blocks' sizes.
    pub bytes: u64,
    pub blocks: u64,
}

/// Takes events in causal order.
pub(super) trait Sink {
    /// The next event. What of it the format can't hold is named, in the plural.
    fn event(
        &mut self,
        event: &MergedEvent,
        live: Live,
    ) -> Result<Option<&'static str>, ForeignError>;

    /// All events were there.
    fn end(self: Box<Self>) -> Result<(), ForeignError>;
}
