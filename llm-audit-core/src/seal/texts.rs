//! Short texts whose memory is used again.

use crate::event::{Event, Value};

/// An event has some forty texts of this size at most.
const MOST_BYTES: usize = 128;
const MOST: usize = 128;

/// Empty texts of events that nobody needs any more, for those of the next ones: to allocate and
/// free each costs more than to copy it.
#[derive(Default)]
pub(crate) struct SpareTexts(Vec<String>);

impl SpareTexts {
    /// Returns a copy of `text`.
    #[inline]
    pub(crate) fn copy(&mut self, text: &str) -> String {
        let spare = match text.len() <= MOST_BYTES {
            true => self.0.pop(),
            false => None,
        };
        let Some(mut copy) = spare else {
            return text.to_owned();
        };
        copy.push_str(text);
        copy
    }

    /// Takes the texts of `event`.
    pub(crate) fn take(&mut self, event: Event) {
        for value in event.into_values() {
            if let Value::Text(mut text) = value
                && (1..=MOST_BYTES).contains(&text.capacity())
                && self.0.len() < MOST
            {
                text.clear();
                self.0.push(text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Field;
    use crate::event::Kind;
    use crate::id::{EventId, WriterId};
    use crate::timestamp::Timestamp;

    fn event(texts: [String; 2]) -> Event {
        let (id, writer) = (EventId::from_bytes([1; 16]), WriterId::from_bytes([2; 16]));
        let mut event = Event::new(Kind::Interaction, id, writer, Timestamp::default());
        let [provider, model] = texts;
        event.set(Field::Provider, Value::Text(provider));
        event.set(Field::RequestModel, Value::Text(model));
        event
    }

    #[test]
    fn a_copy_is_the_text_and_nothing_of_the_one_before() {
        let mut texts = SpareTexts::default();
        texts.take(event(["a longer one".to_owned(), "short".to_owned()]));
        for text in ["", "é", "what was not there before", &"x".repeat(1_000)] {
            assert_eq!(texts.copy(text), text);
        }
    }

    #[test]
    fn what_is_kept_is_bounded_in_number_and_size() {
        let mut texts = SpareTexts::default();
        texts.take(event(["x".repeat(MOST_BYTES + 1), String::new()]));
        assert!(texts.0.is_empty());
        for _ in 0..MOST {
            texts.take(event(["a".to_owned(), "b".to_owned()]));
        }
        assert_eq!(texts.0.len(), MOST);
        assert!(texts.0.iter().all(String::is_empty));
    }
}
