//! What takes the place of values, and the count of it.

use super::custom::detail_of_placeholder;
use super::data_type::DataType;
use super::detectors::Confidence;
use super::failure::RedactError;
use super::operator::{Keys, Operator};
use super::scan::Hit;
use super::session::{Families, Finding, PATH, Session};

/// What of a value stands in a text.
pub(super) enum Piece<'v> {
    Whole,
    /// Its beginning; the operator is applied here, to all of it.
    First(&'v str),
    /// Its end; what stands for it shows nothing of the value, and is not counted again.
    Later(&'v str),
}

impl Session {
    /// Returns what stands for a whole value that a path of the policy names.
    pub(super) fn operated(
        &mut self,
        value: &str,
        name: Option<&str>,
        is_container: bool,
        operator: &Operator,
    ) -> Result<String, RedactError> {
        let has_secret = self.learn(value, name)?;
        let is_shown = is_container && *operator != Operator::Token;
        let hides_whole = operator.reveals() && (has_secret || is_shown);
        let operator = if hides_whole {
            &Operator::Redact
        } else {
            operator
        };
        if !has_secret && self.has_written(value, operator) {
            return Ok(value.to_owned());
        }
        let hit = Hit {
            start: 0,
            end: value.len(),
            data_type: DataType::Redacted,
            detector: PATH,
            confidence: Confidence::Valid,
            is_united: false,
        };
        let mut out = String::new();
        self.write(&mut out, &hit, value, operator)?;
        self.count(hit.data_type, hit.detector, operator.name());
        Ok(out)
    }

    /// Returns whether `value` is what an operator wrote, as far as that can be known: anybody can
    /// write something in brackets.
    fn has_written(&self, value: &str, operator: &Operator) -> bool {
        let Some(detail) = detail_of_placeholder(value, self.redactor.token_key_id()) else {
            return false;
        };
        let Some((id, _)) = detail.split_once(':') else {
            return detail.is_empty() || matches!(operator, Operator::KeepLast(_));
        };
        #[cfg(feature = "token")]
        if let Some(key) = self
            .redactor
            .0
            .token_key
            .as_ref()
            .filter(|key| key.id() == id)
        {
            return key.open(Some(&self.tenant), value) != value;
        }
        self.key.as_ref().is_some_and(|key| key.id() == id)
    }

    /// Counts a value that is taken out.
    pub(super) fn count_dropped(&mut self) {
        self.count(DataType::Redacted, PATH, Operator::Drop.name());
    }

    pub(super) fn replace<'v>(
        &mut self,
        text: &str,
        pieces: impl Iterator<Item = (Hit, Piece<'v>)>,
    ) -> Result<Option<String>, RedactError> {
        let mut out = String::with_capacity(text.len());
        let (mut end, mut changed) = (0, false);
        let redactor = self.redactor.clone();
        for (hit, piece) in pieces {
            let (Some(between), Some(own)) =
                (text.get(end..hit.start), text.get(hit.start..hit.end))
            else {
                return Err(RedactError::BadSpan(hit.detector));
            };
            let mut operator = redactor.rules(self.facet).operator(hit.data_type);
            let is_later = matches!(piece, Piece::Later(_));
            let says_more = !matches!(
                operator,
                Operator::Drop | Operator::Keep | Operator::Numbered
            );
            let shows_another = hit.is_united && operator.reveals();
            if shows_another || is_later && says_more {
                operator = &Operator::Redact;
            }
            let value = match piece {
                Piece::First(value) | Piece::Later(value) if *operator != Operator::Keep => value,
                _ => own,
            };
            out.push_str(between);
            let start = out.len();
            operator = self.write(&mut out, &hit, value, operator)?;
            changed |= out.get(start..) != Some(own);
            if !is_later {
                self.count(hit.data_type, hit.detector, operator.name());
            }
            end = hit.end;
        }
        out.push_str(text.get(end..).unwrap_or_default());
        Ok(changed.then_some(out))
    }

    /// Appends what stands for `value`, and returns the operator that was applied.
    fn write<'o>(
        &mut self,
        out: &mut String,
        hit: &Hit,
        value: &str,
        mut operator: &'o Operator,
    ) -> Result<&'o Operator, RedactError> {
        if self.keyless && *operator == Operator::Pseudonym {
            operator = &Operator::Redact;
        }
        let start = out.len();
        let keys = Keys {
            tenant: &self.tenant,
            key: self.key.as_ref(),
            #[cfg(feature = "token")]
            token_key: self.redactor.0.token_key.as_ref(),
        };
        let (numbers, last) = (&mut self.numbers, &mut self.last_number);
        let number = |value| {
            *numbers.entry((hit.data_type, value)).or_insert_with(|| {
                let last = last.or_default(hit.data_type);
                *last += 1;
                *last
            })
        };
        if !operator.write(out, hit.data_type, value, number, keys) {
            return Err(RedactError::NoKey(hit.data_type));
        }
        if matches!(operator, Operator::Mask { .. }) {
            // What a mask leaves must be no value by itself.
            let masked = out.split_off(start);
            let mut found = Vec::new();
            let scanner = &self.redactor.0.scanner;
            scanner.scan(&masked, Families::All, &mut found);
            match found.is_empty() {
                true => out.push_str(&masked),
                false => out.extend(masked.chars().map(|_| '*')),
            }
        }
        Ok(operator)
    }

    pub(super) fn count(
        &mut self,
        data_type: DataType,
        detector: &'static str,
        operator: &'static str,
    ) {
        if self.is_silent {
            return;
        }
        let place = &self.place;
        let known = self.findings.iter_mut().find(|finding| {
            finding.data_type == data_type
                && finding.operator == operator
                && finding.detector == detector
                && place.is(&finding.place)
        });
        match known {
            Some(finding) => finding.count += 1,
            None => self.findings.push(Finding {
                data_type,
                detector,
                operator,
                place: place.to_string(),
                count: 1,
            }),
        }
    }
}
