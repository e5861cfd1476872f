//! Values whose name is the value of a member beside them: `{"name": "DB_PASSWORD", "value": "…"}`, as
//! lists of variables, headers, tags and parameters have it.

use std::ops::Range;

use super::json_text::{spaces, string_end, value_end};

/// Members that say what another one is.
const NAMES: &[&str] = &[
    "attribute",
    "env",
    "field",
    "header",
    "key",
    "name",
    "option",
    "param",
    "parameter",
    "parameterKey",
    "property",
    "setting",
    "system",
    "type",
    "var",
    "variable",
];

/// Members that they say it of.
const NAMED: &[&str] = &[
    "default",
    "defaultValue",
    "parameterValue",
    "plainValue",
    "secretValue",
    "stringValue",
    "val",
    "value",
];

/// Members behind a value that are looked at for its name.
const MAX_BEHIND: usize = 4;

/// Returns whether the member with this name, in quotes or not, says what another one is.
pub(super) fn names(name: &str) -> bool {
    is_one_of(NAMES, name)
}

/// Returns whether the value of the member with this name, in quotes or not, may be named by another.
pub(super) fn is_named(name: &str) -> bool {
    is_one_of(NAMED, name)
}

fn is_one_of(known: &[&str], name: &str) -> bool {
    /// No known name is longer.
    const MAX: usize = 16;
    let mut normal = [0; MAX];
    let mut length = 0;
    let name = name.strip_prefix('"').unwrap_or(name);
    let name = name.strip_suffix('"').unwrap_or(name);
    for byte in name.bytes().filter(|b| !matches!(b, b'-' | b'_')) {
        let Some(slot) = normal.get_mut(length) else {
            return false;
        };
        *slot = byte;
        length += 1;
    }
    let name = normal.get(..length).unwrap_or_default();
    known
        .iter()
        .any(|known| known.as_bytes().eq_ignore_ascii_case(name))
}

/// Returns whether `text`, in quotes or not, is an option in full: no value of the option before it.
pub(super) fn is_long_option(text: &str) -> bool {
    let option = text.trim_matches('"').strip_prefix("--");
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
    option.is_some_and(|option| option.split('-').all(is_word))
}

/// Returns the literal with the name of a value that ends at `at`, from one of the next members of its
/// object, none that is behind an object or array: the first that `is_known`, or else the first.
pub(super) fn behind(
    text: &str,
    mut at: usize,
    is_known: impl Fn(&Range<usize>) -> bool,
) -> Option<Range<usize>> {
    let mut first = None;
    for _ in 0..MAX_BEHIND {
        let Some((name, value)) = member_behind(text, at) else {
            break;
        };
        at = value.end;
        let is_text = text.as_bytes().get(value.start) == Some(&b'"');
        if !is_text || !text.get(name).is_some_and(names) {
            continue;
        }
        if is_known(&value) {
            return Some(value);
        }
        first = first.or(Some(value));
    }
    first
}

/// Returns the name and the value of the next member behind `at`, if it is no object or array.
fn member_behind(text: &str, at: usize) -> Option<(Range<usize>, Range<usize>)> {
    let bytes = text.as_bytes();
    let next = |at: usize, sign: u8| {
        let at = at + spaces(bytes.get(at..)?);
        (bytes.get(at) == Some(&sign)).then_some(at)
    };
    let name = next(next(at, b',')? + 1, b'"')?;
    let name_end = string_end(text, name);
    let colon = next(name_end, b':')? + 1;
    let value = colon + spaces(bytes.get(colon..)?);
    let is_leaf = !matches!(bytes.get(value)?, b'{' | b'[');
    is_leaf.then(|| (name..name_end, value..value_end(text, value)))
}

#[cfg(test)]
mod tests {
    use crate::redact::Redactor;

    fn redacted(text: &str) -> String {
        Redactor::default().redact_json(None, text).into_owned()
    }

    #[test]
    fn a_value_has_the_name_that_stands_beside_it() {
        for text in [
            r#"{"name":"DB_PASSWORD","value":"plum tart at noon"}"#,
            r#"[{"key":"region","value":"eu"},{"key":"api_key","value":"plum tart at noon"}]"#,
            r#"{"value":"plum tart at noon","name":"password"}"#,
            r#"{ "Value" : "plum tart at noon" , "scope":1, "Key" : "password" }"#,
            r#"{"ParameterKey":"DbPassword","ParameterValue":"plum tart at noon"}"#,
            r#"{"variable":"password","value":["plum tart at noon","x1"]}"#,
            r#"{"argv":["login","--password","plum tart at noon","--user","ada"]}"#,
            r#"{"argv":["login","--password","--plum-tart at noon"]}"#,
            r#"{"env":"[{\"name\":\"DB_PASSWORD\",\"value\":\"plum tart at noon\"}]"}"#,
        ] {
            let new = redacted(text);
            assert!(
                new.contains("[GENERIC_SECRET]") && !new.contains("plum"),
                "{new}"
            );
        }
        assert_eq!(
            redacted(r#"{"telecom":[{"system":"phone","value":"5550123"}]}"#),
            r#"{"telecom":[{"system":"phone","value":"[PHONE]"}]}"#
        );
        assert_eq!(
            redacted(r#"[{"value":123,"name":"cvv"}]"#),
            r#"[{"value":"[GENERIC_SECRET]","name":"cvv"}]"#
        );
    }

    #[test]
    fn of_several_names_the_one_counts_that_says_what_the_value_is() {
        for text in [
            r#"{"Name":"/prod/db/password","Type":"SecureString","Value":"plum tart at noon"}"#,
            r#"{"key":"password","type":"text","value":"plum tart at noon"}"#,
            r#"{"name":"DB_PASSWORD","env":"prod","value":"plum tart at noon"}"#,
            r#"{"type":"password","name":"signup","value":"plum tart at noon"}"#,
            r#"{"type":"text","name":"password","value":"plum tart at noon"}"#,
            r#"{"value":"plum tart at noon","type":"string","key":"DB_PASSWORD"}"#,
            r#"{"type":"string","value":"plum tart at noon","name":"password"}"#,
            r#"{"name":"password","type":"text","value":["plum tart at noon"]}"#,
        ] {
            let new = redacted(text);
            assert!(
                new.contains("[GENERIC_SECRET]") && !new.contains("plum"),
                "{new}"
            );
        }
    }

    #[test]
    fn a_name_counts_for_the_value_beside_it_alone() {
        for text in [
            r#"{"name":"LOG_LEVEL","value":"plum tart at noon"}"#,
            r#"[{"name":"password","in":"query"},{"value":"plum tart at noon"}]"#,
            r#"{"value":"plum tart at noon","of":{"name":"password"}}"#,
            r#"{"name":"password","content":"plum tart at noon"}"#,
            r#"["--password-stdin","plum tart","--password",{"a":1},"plum tart at noon"]"#,
            r#"{"name":"password","type":"string","default":null,"value":""}"#,
            r#"["password","plum tart at noon"]"#,
            r#"["--password","--verbose","--no-colour"]"#,
            r#"{"key":"password","value":"Passwort"}"#,
        ] {
            assert_eq!(redacted(text), text);
        }
    }
}
