//! Events by chance, made as JSON from the catalogue.

use llm_audit_core::schema::{CATALOG, FieldType, RecordInfo, Scalar, Shape};
use llm_audit_core::{Event, Kind};

/// Texts that are hard on whoever quotes, counts or terminates them.
const TEXTS: &[&str] = &[
    "",
    "plain",
    "\"quoted\" \\ back",
    "\u{0}",
    "a\u{0}b\u{1f}\u{7f}",
    "line\r\nbreak\t\u{2028}",
    "äöü 漢字 👩‍👩‍👧 e\u{301}",
    "\u{feff}\u{10ffff}",
    "{\"a\":1}",
    "null",
    "'; DROP TABLE events; --",
];
/// JSON that a reader of values would not give back as it was.
const JSON: &[&str] = &[
    "null",
    "-0",
    "1e999",
    "[ 1 , 2 ]",
    "{\"a\":1,\"a\":2}",
    "\"\\ud800\"",
    "\"\\/\"",
];
const FLOATS: &[&str] = &[
    "0.0",
    "-0.0",
    "0.30000000000000004",
    "5e-324",
    "1.7976931348623157e308",
    "-12.5",
];
const INTS: &[&str] = &["0", "1", "4711", "9223372036854775807"];
const TIMES: &[&str] = &[
    "0000-01-01T00:00:00.000000Z",
    "1969-12-31T23:59:59.999999Z",
    "2026-11-21T22:47:21.016850Z",
    "9999-12-31T23:59:59.999999Z",
];

/// A source of events; the same seed gives the same.
pub(super) struct Arbitrary {
    state: u64,
    mark: Option<String>,
}

impl Arbitrary {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
            mark: None,
        }
    }

    /// An event of some kind with some fields.
    pub(super) fn event(&mut self) -> Event {
        self.event_of(12)
    }

    /// An event with every field.
    pub(super) fn full_event(&mut self) -> Event {
        self.event_of(1)
    }

    /// A value of `field_type` in which each text is `mark`; lists and maps have some.
    pub(super) fn marked(&mut self, field_type: FieldType, mark: &str) -> String {
        self.mark = Some(mark.to_owned());
        let json = self.shape(field_type.shape());
        self.mark = None;
        json
    }

    fn event_of(&mut self, one_in: usize) -> Event {
        let number = self.below(1 << 40);
        let kind = match self.below(Kind::ALL.len() + 1) {
            n if n < Kind::ALL.len() => Kind::ALL[n].to_string(),
            _ => "of_2030".to_owned(),
        };
        let mut members = vec![
            format!("\"schema_version\":{}", 1 + self.below(2)),
            format!("\"event_id\":\"019b76da-a800-7000-8000-{number:012x}\""),
            format!("\"kind\":\"{kind}\""),
            "\"writer_id\":\"019b76da-a800-7000-8000-000000000002\"".to_owned(),
            format!("\"recorded_at\":\"{}\"", self.pick(TIMES)),
        ];
        for info in CATALOG.iter().skip(5) {
            if self.below(one_in) == 0 {
                // Now and then a newer version has changed the type.
                let json = match self.below(20) {
                    0 => "[[]]".to_owned(),
                    _ => self.shape(info.field_type.shape()),
                };
                members.push(format!("\"{}\":{json}", info.name));
            }
        }
        for _ in 0..self.below(3) {
            let name = self.text();
            let json = self.pick(JSON).to_owned();
            members.push(format!("{}:{json}", name.replacen('"', "\"x-", 1)));
        }
        let json = format!("{{{}}}", members.join(","));
        Event::from_json(json.as_bytes()).unwrap()
    }

    fn shape(&mut self, shape: Shape) -> String {
        match shape {
            Shape::One(scalar) => self.scalar(scalar),
            Shape::List(scalar) => self.list(|this| this.scalar(scalar)),
            Shape::Map(scalar) => self.map(|this| this.scalar(scalar)),
            Shape::MapOfLists(scalar) => self.map(|this| this.list(|this| this.scalar(scalar))),
            Shape::Records(record) => self.list(|this| this.record(record)),
            other => panic!("{other:?}"),
        }
    }

    fn record(&mut self, record: RecordInfo) -> String {
        let mut members = Vec::new();
        for column in record.columns {
            if self.mark.is_some() || self.below(3) == 0 {
                let json = self.shape(column.column_type.shape());
                members.push(format!("\"{}\":{json}", column.name));
            }
        }
        if self.below(8) == 0 {
            members.push(format!("\"of_2030\":{}", self.pick(JSON)));
        }
        format!("{{{}}}", members.join(","))
    }

    fn list(&mut self, mut item: impl FnMut(&mut Self) -> String) -> String {
        let items: Vec<_> = (0..self.many()).map(|_| item(self)).collect();
        format!("[{}]", items.join(","))
    }

    fn map(&mut self, mut value: impl FnMut(&mut Self) -> String) -> String {
        let entry = |this: &mut Self, number: usize| {
            let name = match &this.mark {
                Some(mark) => format!("\"{mark}-{number}\""),
                None => this.text().replacen('"', &format!("\"{number}"), 1),
            };
            format!("{name}:{}", value(this))
        };
        let many = self.many();
        let mut entry = entry;
        let entries: Vec<_> = (0..many).map(|number| entry(self, number)).collect();
        format!("{{{}}}", entries.join(","))
    }

    fn scalar(&mut self, scalar: Scalar) -> String {
        match scalar {
            Scalar::Bool => (self.below(2) == 0).to_string(),
            Scalar::Float => self.pick(FLOATS).to_owned(),
            Scalar::Int => self.pick(INTS).to_owned(),
            Scalar::Time => format!("\"{}\"", self.pick(TIMES)),
            Scalar::Id => format!("\"019b76da-a800-7000-8000-{:012x}\"", self.below(1 << 40)),
            Scalar::Json => serde_json::to_string(self.pick(JSON)).unwrap(),
            Scalar::Text => self.text(),
            other => panic!("{other:?}"),
        }
    }

    /// A text, in quotes.
    fn text(&mut self) -> String {
        let text = match &self.mark {
            Some(mark) => mark.clone(),
            None => self.pick(TEXTS).to_owned(),
        };
        serde_json::to_string(&text).unwrap()
    }

    fn many(&mut self) -> usize {
        match self.mark {
            Some(_) => 2,
            None => self.below(3),
        }
    }

    fn pick(&mut self, from: &'static [&'static str]) -> &'static str {
        from[self.below(from.len())]
    }

    /// A number below `end`, by xorshift.
    fn below(&mut self, end: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state % end as u64) as usize
    }
}
