//! The few members of an event that the journal itself looks at.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde::Deserialize;

use super::finding::Problem;
use crate::event::Kind;
use crate::id::WriterId;
use crate::timestamp::Timestamp;

/// What the journal reads of an event without decoding the rest.
///
/// An event of a newer schema may have none of it; its line is good all the same.
#[derive(Deserialize)]
pub(crate) struct Envelope<'a> {
    #[serde(borrow)]
    kind: Option<Cow<'a, str>>,
    pub(crate) seq: Option<u64>,
    #[serde(borrow)]
    recorded_at: Option<Cow<'a, str>>,
    #[serde(borrow)]
    loss_writer_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    loss_sink: Option<Cow<'a, str>>,
    seq_from: Option<u64>,
    seq_to: Option<u64>,
    count: Option<u64>,
    exact: Option<bool>,
    reasons: Option<BTreeMap<String, u64>>,
}

impl<'a> Envelope<'a> {
    pub(crate) fn read(json: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }

    pub(crate) fn is(&self, kind: &Kind) -> bool {
        self.kind.as_deref() == Some(kind.as_str())
    }

    /// Returns whether the event counts as the host's.
    pub(crate) fn is_hosts(&self) -> bool {
        let kind = self.kind.as_deref();
        kind.is_some_and(|kind| Kind::from(kind).is_hosts())
    }

    pub(crate) fn recorded_at(&self) -> Option<Timestamp> {
        self.recorded_at.as_deref()?.parse().ok()
    }

    /// Returns the window of a loss of `writer` in the log, and whether every number of it is
    /// absent.
    pub(crate) fn loss_of(&self, writer: WriterId) -> Option<(RangeInclusive<u64>, bool)> {
        let (from, to) = (self.seq_from?, self.seq_to?);
        let whole = to.checked_sub(from)?.checked_add(1) == self.count;
        let own = self.loss_sink.is_none()
            && self.loss_writer_id.as_deref() == Some(writer.to_string().as_str());
        (self.is(&Kind::Loss) && own).then_some((from..=to, whole))
    }

    /// Returns what a `loss` tells.
    pub(crate) fn loss(&self) -> Option<Problem> {
        self.is(&Kind::Loss).then(|| Problem::Lost {
            sink: self.loss_sink.as_deref().map(str::to_owned),
            from: self.seq_from.unwrap_or_default(),
            to: self.seq_to.unwrap_or_default(),
            count: self.count.unwrap_or_default(),
            exact: self.exact.unwrap_or_default(),
            reasons: self.reasons.clone().unwrap_or_default(),
        })
    }
}
