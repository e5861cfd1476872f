//! Values that the host wants hidden wherever an event has them; they are never written.

use std::fmt;

use crate::redact::{DataType, MIN_KNOWN};

/// Values to hide, each with what it is.
#[derive(Clone, Default)]
pub(crate) struct Hidden {
    values: Vec<(DataType, Box<str>)>,
    overflow: bool,
}

/// More are a directory of people, and each costs a search of every text.
const MAX_VALUES: usize = 64;
const MAX_VALUE_BYTES: usize = 1_024;

impl Hidden {
    /// Adds a value. One too many, or too long to be looked for, is remembered as such: content
    /// that may hold it must not be kept.
    pub(crate) fn add(&mut self, data_type: DataType, value: &str) {
        let value = value.trim();
        let is_known = |(known_type, known): &(DataType, Box<str>)| {
            *known_type == data_type && **known == *value
        };
        if value.chars().nth(MIN_KNOWN - 1).is_none() || self.values.iter().any(is_known) {
            return;
        }
        if value.len() > MAX_VALUE_BYTES || self.values.len() >= MAX_VALUES {
            self.overflow = true;
            return;
        }
        self.values.push((data_type, value.into()));
    }

    pub(crate) fn extend(&mut self, other: &Self) {
        self.overflow |= other.overflow;
        for (data_type, value) in &other.values {
            self.add(*data_type, value);
        }
    }

    pub(crate) fn values(&self) -> &[(DataType, Box<str>)] {
        &self.values
    }

    /// Returns whether there is a value that cannot be looked for.
    pub(crate) const fn is_overfull(&self) -> bool {
        self.overflow
    }
}

/// Shows how many values there are.
impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hidden")
            .field("values", &self.values.len())
            .field("overflow", &self.overflow)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_bounded_and_shown_by_their_number_only() {
        let mut hidden = Hidden::default();
        hidden.add(DataType::Person, "Ada");
        hidden.add(DataType::Person, " Ada Lovelace ");
        hidden.add(DataType::Person, "Ada Lovelace");
        assert_eq!(
            format!("{hidden:?}"),
            "Hidden { values: 1, overflow: false }"
        );
        for number in 0..MAX_VALUES {
            hidden.add(DataType::Person, &format!("person {number}"));
        }
        assert!(hidden.is_overfull());
        assert_eq!(hidden.values().len(), MAX_VALUES);
        let mut long = Hidden::default();
        long.add(DataType::Person, &"x".repeat(MAX_VALUE_BYTES + 1));
        let mut both = Hidden::default();
        both.extend(&long);
        assert!(both.is_overfull());
    }
}
