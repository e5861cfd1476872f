//! A value of a policy file with its line.

/// A value and the line, from 1, on which it stands.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) value: Value,
}

#[derive(Debug)]
pub(super) enum Value {
    Table(Vec<Entry>),
    List(Vec<Node>),
    Text(String),
    Integer(u64),
    /// A number that is no natural number.
    Number(f64),
    Bool(bool),
    /// Something that no policy holds anywhere.
    Other(&'static str),
}

/// A key with its value; the line is that of the key where the notation tells it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) line: usize,
    pub(super) node: Node,
}

/// Why a text is not of its notation.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) line: usize,
    pub(super) message: String,
}

/// No policy nests deeper; what does is refused before it costs stack.
pub(super) const MAX_DEPTH: usize = 8;

impl Value {
    /// Returns what the value is, as an error says it.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Table(_) => "a table",
            Self::List(_) => "a list",
            Self::Text(_) => "a text",
            Self::Integer(_) | Self::Number(_) => "a number",
            Self::Bool(_) => "true or false",
            Self::Other(kind) => kind,
        }
    }
}

/// Finds the line of an offset.
pub(super) struct Lines(Vec<usize>);

impl Lines {
    pub(super) fn of(text: &str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self(breaks.map(|(offset, _)| offset).collect())
    }

    /// Returns the line of the byte at `offset`, from 1.
    pub(super) fn at(&self, offset: usize) -> usize {
        self.0.partition_point(|end| *end < offset) + 1
    }
}
