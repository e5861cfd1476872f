//! The form in which values that mean the same are the same text: what numbers and pseudonyms go by.

use std::borrow::Cow;

use super::buffers::Buffers;
use super::data_type::DataType;
use super::fold::Folded;

/// Returns the form in which equal values of `data_type` are equal texts.
///
/// A disguise is taken off first. Of a card, telephone or social security number the digits count,
/// of an account, a passport, a hardware address or another number letters and digits without
/// regard to case.
pub(super) fn normal(data_type: DataType, value: &str) -> String {
    let value = match Folded::of(value, &mut Buffers::default()) {
        Some(view) => Cow::Owned(view.text().to_owned()),
        None => Cow::Borrowed(value),
    };
    let kept: fn(&char) -> bool = match data_type {
        DataType::Email => return value.trim().to_lowercase(),
        DataType::CreditCard | DataType::Phone | DataType::UsSsn => char::is_ascii_digit,
        DataType::Iban
        | DataType::NationalId
        | DataType::Passport
        | DataType::HealthId
        | DataType::MacAddress => char::is_ascii_alphanumeric,
        DataType::IpAddress => return value.to_ascii_lowercase(),
        DataType::Person | DataType::Address => {
            let words: Vec<_> = value.split_whitespace().map(str::to_lowercase).collect();
            return words.join(" ");
        }
        _ => return value.into_owned(),
    };
    let normal: String = value
        .chars()
        .filter(kept)
        .map(|c| c.to_ascii_uppercase())
        .collect();
    // What has none of these is compared as it stands: it must not equal others of its kind.
    if normal.is_empty() {
        return value.into_owned();
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_mean_the_same_are_one_and_others_are_not() {
        use DataType::{CreditCard, Email, GenericSecret, Iban, MacAddress, Person, Phone};

        for (data_type, one, other) in [
            (Email, "Ada@Example.org", "ada@example.org"),
            (Email, "ada＠example.org", "ada@example.org"),
            (CreditCard, "4111 1111 1111 1111", "4111-1111-1111-1111"),
            (CreditCard, "４１１１111111111111", "4111111111111111"),
            (Phone, "+49 (151) 234-567", "+49151234567"),
            (Iban, "de89 3704 0044", "DE8937040044"),
            (MacAddress, "00:1a:2b:3c:4d:5e", "001A.2B3C.4D5E"),
            (Person, "Ada  Lovelace", "ada lovelace"),
        ] {
            assert_eq!(normal(data_type, one), normal(data_type, other), "{one}");
        }
        assert_ne!(
            normal(GenericSecret, "Hunter2"),
            normal(GenericSecret, "hunter2")
        );
        assert_ne!(normal(Phone, "٣"), normal(Phone, "۴"));
    }
}
