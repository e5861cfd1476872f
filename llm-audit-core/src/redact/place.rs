//! Where in a field a text stands, as the report shows it.

use std::fmt;

/// One step into a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A column of a record of the catalogue.
    Column(&'static str),
    /// An element of a list.
    Each,
    /// A member of JSON or of a map; its name may be content, so `*` stands for it.
    Member,
}

/// The way from a field to a text.
#[derive(Clone, Debug, Default)]
pub(super) struct Place(Vec<Step>);

/// What is deeper is counted together.
const MAX_STEPS: usize = 8;

impl Place {
    pub(super) fn set(&mut self, steps: &[Step]) {
        self.0.clear();
        self.0.extend_from_slice(steps);
    }

    pub(super) fn down(&mut self, step: Step) {
        self.0.push(step);
    }

    pub(super) fn up(&mut self) {
        self.0.pop();
    }

    /// Returns whether `text` is this place, written.
    pub(super) fn is(&self, text: &str) -> bool {
        let mut rest = text;
        let is_beginning = self.write(|part| match rest.strip_prefix(part) {
            Some(behind) => {
                rest = behind;
                Ok(())
            }
            None => Err(fmt::Error),
        });
        is_beginning.is_ok() && rest.is_empty()
    }

    /// Writes it piece by piece.
    #[inline]
    fn write(&self, mut put: impl FnMut(&str) -> fmt::Result) -> fmt::Result {
        for (position, step) in self.0.iter().take(MAX_STEPS).enumerate() {
            match step {
                Step::Each => put("[*]")?,
                _ if position > 0 => put(".")?,
                _ => {}
            }
            match step {
                Step::Each => {}
                Step::Member => put("*")?,
                Step::Column(name) => put(name)?,
            }
        }
        if self.0.len() > MAX_STEPS {
            put("…")?;
        }
        Ok(())
    }
}

/// `[*].parts[*].arguments.*`, to eight steps.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(|part| f.write_str(part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_shows_columns_and_no_names_of_members() {
        let mut place = Place::default();
        place.set(&[Step::Each, Step::Column("parts"), Step::Each]);
        place.down(Step::Column("arguments"));
        place.down(Step::Member);
        assert_eq!(place.to_string(), "[*].parts[*].arguments.*");
        assert!(place.is("[*].parts[*].arguments.*"));
        assert!(!place.is("[*].parts[*].arguments"));
        assert!(!place.is("[*].parts[*].arguments.*.*"));
        for _ in 0..5 {
            place.down(Step::Each);
        }
        assert_eq!(place.to_string(), "[*].parts[*].arguments.*[*][*][*]…");
    }
}
