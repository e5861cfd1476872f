//! Documents within a body: one, one in each line, one in each event of a stream, one in each element.

use memchr::{memchr, memchr2};

use super::document::Document;
use super::event_stream::EventStream;

/// Bytes of an event's name that are kept; the longest of a protocol has 42.
const MAX_NAME: usize = 64;

/// How a body is divided into documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The body is one document.
    Whole,
    /// A JSON array of documents.
    Array,
    /// A document in each line.
    Lines,
    /// Server-sent events.
    Events,
    /// The binary event stream of AWS.
    EventStream,
}

/// Forms by media type; the body of another one is one document.
const MEDIA_TYPES: &[(&str, Form)] = &[
    ("text/event-stream", Form::Events),
    ("application/x-ndjson", Form::Lines),
    ("application/ndjson", Form::Lines),
    ("application/jsonl", Form::Lines),
    ("application/vnd.amazon.eventstream", Form::EventStream),
];

impl Form {
    /// Returns the form of a body of that media type.
    pub(crate) fn of(media_type: &str) -> Self {
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        let known = MEDIA_TYPES
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(essence));
        known.map_or(Self::Whole, |(_, form)| *form)
    }
}

/// A body that is being received.
#[derive(Debug)]
pub(crate) struct Framing {
    form: Form,
    document: Document,
    events: Events,
    binary: EventStream,
    /// Whether something of the document has come, of a body that is one document behind that.
    has_begun: bool,
}

/// What of a server-sent event has come, beside its data.
#[derive(Debug, Default)]
struct Events {
    place: Place,
    field: Vec<u8>,
    name: Vec<u8>,
    has_data: bool,
    after_return: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Field,
    Space,
    Value,
}

impl Framing {
    /// Returns a body of `form`, of whose documents `limit` bytes each are kept whole.
    pub(crate) const fn new(form: Form, limit: usize) -> Self {
        Self {
            form,
            document: Document::of_answer(limit),
            events: Events {
                place: Place::Field,
                field: Vec::new(),
                name: Vec::new(),
                has_data: false,
                after_return: false,
            },
            binary: EventStream::new(),
            has_begun: false,
        }
    }

    pub(crate) const fn form(&self) -> Form {
        self.form
    }

    /// Sees by the first byte of a body what form it has, whatever its media type says: JSON begins with
    /// neither the name of a field of an event nor with a comment.
    pub(crate) fn sniff(&mut self, first: u8) {
        if self.form == Form::Whole {
            self.form = match first {
                b'[' => Form::Array,
                b'd' | b'e' | b'i' | b'r' | b':' => Form::Events,
                _ => Form::Whole,
            };
        }
    }

    /// Returns whether the one document of the body has come in whole.
    pub(crate) fn is_whole(&self) -> bool {
        self.form == Form::Whole && self.document.is_whole()
    }

    /// Returns whether bytes were not in the form that they should be in.
    pub(crate) const fn is_damaged(&self) -> bool {
        self.binary.is_damaged()
    }

    /// Takes `bytes` and calls `look` with each document that ends in them and the name of its event.
    pub(crate) fn feed(&mut self, bytes: &[u8], look: &mut dyn FnMut(&str, &Document)) {
        match self.form {
            Form::Whole => {
                let taken = self.document.feed(bytes);
                let rest = bytes.get(taken..).unwrap_or_default().trim_ascii_start();
                // Another document right behind the first: the body is lines of them.
                if !self.has_begun && rest.first() == Some(&b'{') {
                    look("", &self.document);
                    self.document.clear();
                    self.form = Form::Lines;
                    self.lines(rest, look);
                } else {
                    self.has_begun |= !rest.is_empty();
                }
            }
            Form::Array => self.array(bytes, look),
            Form::Lines => self.lines(bytes, look),
            Form::Events => self.server_sent(bytes, look),
            Form::EventStream => self.binary.feed(bytes, &mut self.document, look),
        }
    }

    /// Says that the body has ended, and calls `look` with what is left.
    pub(crate) fn end(&mut self, look: &mut dyn FnMut(&str, &Document)) {
        let has_rest = match self.form {
            Form::Whole => !self.document.bytes().is_empty(),
            Form::Lines => self.has_begun,
            Form::Events => self.events.has_data,
            // An element ends with its bracket, a message with its checksum.
            Form::Array | Form::EventStream => false,
        };
        if has_rest {
            look(&text(&self.events.name), &self.document);
            self.document.clear();
            self.has_begun = false;
            self.events.has_data = false;
        }
    }

    fn array(&mut self, mut bytes: &[u8], look: &mut dyn FnMut(&str, &Document)) {
        while let Some((first, rest)) = bytes.split_first() {
            let is_between = matches!(first, b' ' | b'\t' | b'\n' | b'\r' | b',' | b'[' | b']');
            if !self.has_begun && is_between {
                bytes = rest;
                continue;
            }
            self.has_begun = true;
            let taken = self.document.feed(bytes);
            bytes = bytes.get(taken..).unwrap_or_default();
            if self.document.is_whole() {
                look("", &self.document);
                self.document.clear();
                self.has_begun = false;
            }
        }
    }

    fn lines(&mut self, mut bytes: &[u8], look: &mut dyn FnMut(&str, &Document)) {
        while !bytes.is_empty() {
            let end = memchr(b'\n', bytes);
            let (line, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
            self.document.feed(line);
            self.has_begun |= !line.is_empty();
            bytes = rest.get(1..).unwrap_or_default();
            if end.is_some() && self.has_begun {
                look("", &self.document);
                self.document.clear();
                self.has_begun = false;
            }
        }
    }

    fn server_sent(&mut self, mut bytes: &[u8], look: &mut dyn FnMut(&str, &Document)) {
        while let Some((first, rest)) = bytes.split_first() {
            let events = &mut self.events;
            if std::mem::take(&mut events.after_return) && *first == b'\n' {
                bytes = rest;
                continue;
            }
            match events.place {
                Place::Field => {
                    bytes = rest;
                    match first {
                        b':' => events.place = Place::Space,
                        b'\n' | b'\r' => {
                            events.after_return = *first == b'\r';
                            if events.field.is_empty() {
                                if std::mem::take(&mut events.has_data) {
                                    look(&text(&events.name), &self.document);
                                    self.document.clear();
                                }
                                events.name.clear();
                            }
                            events.field.clear();
                        }
                        _ if events.field.len() < MAX_NAME => events.field.push(*first),
                        _ => {}
                    }
                }
                Place::Space => {
                    events.place = Place::Value;
                    if events.is(b"event") {
                        events.name.clear();
                    }
                    if *first == b' ' {
                        bytes = rest;
                    }
                }
                Place::Value => {
                    let end = memchr2(b'\n', b'\r', bytes);
                    let (value, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
                    if events.is(b"data") {
                        self.document.feed(value);
                        events.has_data = true;
                    } else if events.is(b"event") {
                        let room = MAX_NAME.saturating_sub(events.name.len());
                        let head = value.get(..room).unwrap_or(value);
                        events.name.extend_from_slice(head);
                    }
                    bytes = rest;
                    if let Some((end, rest)) = rest.split_first() {
                        events.after_return = *end == b'\r';
                        events.place = Place::Field;
                        events.field.clear();
                        bytes = rest;
                    }
                }
            }
        }
    }
}

impl Events {
    /// Returns whether the field of the line is `name`, also in the first line after a byte order mark.
    fn is(&self, name: &[u8]) -> bool {
        let field = self.field.strip_prefix(b"\xef\xbb\xbf");
        field.unwrap_or(&self.field) == name
    }
}

fn text(name: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn documents(form: Form, parts: &[&[u8]]) -> Vec<(String, String)> {
        let mut framing = Framing::new(form, 1000);
        let mut seen = Vec::new();
        let mut look = |name: &str, document: &Document| {
            let text = String::from_utf8_lossy(document.bytes()).into_owned();
            seen.push((name.to_owned(), text));
        };
        for part in parts {
            framing.feed(part, &mut look);
        }
        framing.end(&mut look);
        seen
    }

    fn texts(form: Form, body: &str) -> Vec<String> {
        let documents = documents(form, &[body.as_bytes()]);
        documents.into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn server_sent_events_are_read_as_their_specification_says() {
        let body = "\u{feff}data: {\"a\":1}\n\n: a comment\nid: 7\nevent: done\r\ndata:{\"b\":\r\ndata: 2}\r\n\r\n\
                    event: empty\n\nretry: 9\ndata\ndata: [DONE]\r\rdata: {\"c\":3}";
        let expected = [
            ("", r#"{"a":1}"#),
            ("done", r#"{"b":2}"#),
            ("", "[DONE]"),
            ("", r#"{"c":3}"#),
        ];
        let expected = expected.map(|(name, text)| (name.to_owned(), text.to_owned()));
        assert_eq!(documents(Form::Events, &[body.as_bytes()]), expected);
    }

    #[test]
    fn lines_and_elements_are_documents() {
        assert_eq!(
            texts(Form::Lines, "{\"a\":1}\n\n{\"b\":2}"),
            ["{\"a\":1}", "{\"b\":2}"]
        );
        assert_eq!(
            texts(Form::Array, "[{\"a\":[1]},\n{\"b\":\"]}\"}\n]"),
            ["{\"a\":[1]}", "{\"b\":\"]}\"}"]
        );
        assert_eq!(texts(Form::Array, "[{\"a\":1},{\"b\""), ["{\"a\":1}"]);
        assert_eq!(texts(Form::Whole, " {\"a\": 1}\n"), ["{\"a\":1}"]);
    }

    #[test]
    fn lines_follow_a_document_only_right_behind_it() {
        assert_eq!(texts(Form::Whole, "{\"a\":1}\n{\"b\":2}").len(), 2);
        let split: [&[u8]; 4] = [b"{\"a\":1}", b"\n", b"more ", b"{\"b\":2}"];
        for parts in [&split[..], &[&split.concat()]] {
            let expected = (String::new(), "{\"a\":1}".to_owned());
            assert_eq!(documents(Form::Whole, parts), [expected]);
        }
    }

    #[test]
    fn the_media_type_says_the_form() {
        assert_eq!(Form::of("text/event-stream; charset=utf-8"), Form::Events);
        assert_eq!(Form::of("application/X-NDJSON"), Form::Lines);
        assert_eq!(Form::of("application/json"), Form::Whole);
    }

    proptest! {
        #[test]
        fn where_a_body_is_split_does_not_matter(
            bytes in "(data|event|: ?|[\\[\\]{},\"a0]|\r\n|\n|\r){0,60}", at in 0_usize..200,
        ) {
            let bytes = bytes.as_bytes();
            let (head, tail) = bytes.split_at(at.min(bytes.len()));
            for form in [Form::Whole, Form::Array, Form::Lines, Form::Events] {
                prop_assert_eq!(documents(form, &[bytes]), documents(form, &[head, tail]));
            }
        }

        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>) {
            for form in [Form::Whole, Form::Array, Form::Lines, Form::Events, Form::EventStream] {
                documents(form, &[&bytes]);
            }
        }
    }
}
