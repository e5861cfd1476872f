//! The journal's own lines: events without a sequence number, and losses found after a crash.

use std::ops::RangeInclusive;

use crate::catalog::Field;
use crate::clock::Clock;
use crate::event::{Event, Kind, Value};
use crate::id::{Ids, WriterId, event_id};
use crate::pipeline::LossReason;
use crate::sorted::tree;
use crate::sync::Arc;

/// Name and version of the format of segments. A change of the line format changes it.
const FORMAT: &str = "llm-audit.jsonl.1";

/// Makes structure events; it holds what each of them needs.
#[derive(Clone, Debug)]
pub(crate) struct Structure {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
}

impl Structure {
    pub(crate) fn segment_opened(&self, writer: WriterId, segment: u64, first_seq: u64) -> Event {
        let mut event = self.event(Kind::SegmentOpened, writer);
        event.set(Field::Format, Value::Text(FORMAT.to_owned()));
        event.set(Field::Segment, Value::Int(segment));
        event.set(Field::FirstSeq, Value::Int(first_seq));
        event
    }

    pub(crate) fn writer_opened(&self, writer: WriterId) -> Event {
        self.event(Kind::WriterOpened, writer)
    }

    pub(crate) fn writer_closed(&self, writer: WriterId) -> Event {
        self.event(Kind::WriterClosed, writer)
    }

    /// The numbers in `window` may be lost: what exactly was in memory nobody can know.
    pub(crate) fn loss(
        &self,
        writer: WriterId,
        seq: u64,
        window: &RangeInclusive<u64>,
        reason: LossReason,
    ) -> Event {
        let count = window
            .end()
            .saturating_sub(*window.start())
            .saturating_add(1);
        let mut event = self.event(Kind::Loss, writer);
        event.set(Field::Seq, Value::Int(seq));
        event.set(Field::LossWriterId, Value::Text(writer.to_string()));
        event.set(Field::SeqFrom, Value::Int(*window.start()));
        event.set(Field::SeqTo, Value::Int(*window.end()));
        event.set(Field::Count, Value::Int(count));
        let reasons = tree([(reason.name().to_owned(), count)]);
        event.set(Field::Reasons, Value::Counts(reasons));
        event.set(Field::Stage, Value::Text("recovery".to_owned()));
        event.set(Field::Exact, Value::Bool(false));
        event
    }

    fn event(&self, kind: Kind, writer: WriterId) -> Event {
        let now = self.clock.now();
        let mut event = Event::new(kind, event_id(&*self.ids, now), writer, now);
        event.set(Field::SdkName, Value::Text("llm-audit".to_owned()));
        let version = env!("CARGO_PKG_VERSION").to_owned();
        event.set(Field::SdkVersion, Value::Text(version));
        event
    }
}
