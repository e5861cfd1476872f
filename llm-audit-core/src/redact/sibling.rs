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
    let name = name.trim_matches('"');
    let same = |known: &&str| {
        let bytes = name.bytes().filter(|b| !matches!(b, b'-' | b'_'));
        bytes
            .map(|b| b.to_ascii_lowercase())
            .eq(known.bytes().map(|b| b.to_ascii_lowercase()))
    };
    known.iter().any(same)
}

/// Returns the literal with the name of a value that ends at `at`, from one of the next members of its
/// object; none that is behind an object or array.
pub(super) fn behind(text: &str, mut at: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let next = |at: usize, sign: u8| {
        let at = at + spaces(bytes.get(at..)?);
        (bytes.get(at) == Some(&sign)).then_some(at)
    };
    for _ in 0..MAX_BEHIND {
        let name = next(next(at, b',')? + 1, b'"')?;
        let name_end = string_end(text, name);
        let colon = next(name_end, b':')? + 1;
        let value = colon + spaces(bytes.get(colon..)?);
        match bytes.get(value)? {
            b'{' | b'[' => return None,
            b'"' if names(text.get(name..name_end)?) => {
                return Some(value..string_end(text, value));
            }
            _ => at = value_end(text, value),
        }
    }
    None
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
    fn a_name_counts_for_the_value_beside_it_alone() {
        for text in [
            r#"{"name":"LOG_LEVEL","value":"plum tart at noon"}"#,
            r#"[{"name":"password","in":"query"},{"value":"plum tart at noon"}]"#,
            r#"{"value":"plum tart at noon","of":{"name":"password"}}"#,
            r#"{"name":"password","content":"plum tart at noon"}"#,
            r#"["--password-stdin","plum tart","--password",{"a":1},"plum tart at noon"]"#,
            r#"{"name":"password","type":"string","default":null,"value":""}"#,
            r#"["password","plum tart at noon"]"#,
        ] {
            assert_eq!(redacted(text), text);
        }
    }
}
