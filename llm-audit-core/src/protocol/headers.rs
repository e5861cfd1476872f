//! Headers that say something of a call: one table of those of answers, one of kinds of credential.

use crate::catalog::Field;
use crate::event::Value;
use crate::interaction::Interaction;

/// Headers of answers by the field that they fill, the first that is there and is such a value.
const ANSWER: &[(Field, &[&str])] = &[
    (
        Field::QuotaLimit,
        &[
            "x-ratelimit-limit-tokens",
            "anthropic-ratelimit-tokens-limit",
            "x-ratelimit-limit-requests",
            "anthropic-ratelimit-requests-limit",
            "x-ratelimit-limit",
        ],
    ),
    (
        Field::QuotaRemaining,
        &[
            "x-ratelimit-remaining-tokens",
            "anthropic-ratelimit-tokens-remaining",
            "x-ratelimit-remaining-requests",
            "anthropic-ratelimit-requests-remaining",
            "x-ratelimit-remaining",
        ],
    ),
];

/// Headers that name a response whose body has no id.
pub(crate) const RESPONSE_ID: &[&str] = &[
    "x-request-id",
    "request-id",
    "x-amzn-requestid",
    "apim-request-id",
];

/// Headers by which an AWS service says what went wrong.
pub(crate) const ERROR_TYPE: &[&str] = &["x-amzn-errortype"];

/// Credentials: header, how its value begins, and what kind of credential that is. The first that fits
/// holds; the credential itself is read no further.
const CREDENTIALS: &[(&str, &str, &str)] = &[
    ("x-amz-security-token", "", "workload_identity"),
    ("authorization", "aws4-hmac-sha256", "service_account"),
    ("authorization", "bearer sk-ant-oat", "oauth"),
    ("authorization", "bearer ya29.", "oauth"),
    ("authorization", "bearer eyj", "oauth"),
    ("authorization", "bearer ", "api_key"),
    ("authorization", "basic ", "user_account"),
    ("api-key", "", "api_key"),
    ("x-api-key", "", "api_key"),
    ("x-goog-api-key", "", "api_key"),
];

/// Headers as names and values.
pub(crate) type Headers<'a> = [(&'a str, &'a [u8])];

/// Returns the text of the header `name`.
pub(crate) fn header<'a>(headers: &Headers<'a>, name: &str) -> Option<&'a str> {
    let found = headers
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.and_then(|(_, value)| std::str::from_utf8(value).ok())
}

/// Returns the text of the first of the headers `names` that is there.
pub(crate) fn first<'a>(headers: &Headers<'a>, names: &[&str]) -> Option<&'a str> {
    names.iter().find_map(|name| header(headers, name))
}

/// Returns what kind of credential a request has, by its headers and its query.
pub(crate) fn connection_method(
    headers: &Headers<'_>,
    query: Option<&str>,
) -> Option<&'static str> {
    let begins = |value: &[u8], start: &str| {
        let head = value.get(..start.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(start.as_bytes()))
    };
    let of_header = CREDENTIALS.iter().find(|(name, start, _)| {
        let mut of_name = headers
            .iter()
            .filter(|(known, _)| known.eq_ignore_ascii_case(name));
        of_name.any(|(_, value)| begins(value, start))
    });
    let of_query = || {
        query?
            .split('&')
            .find(|pair| pair.starts_with("key="))
            .map(|_| "api_key")
    };
    of_header.map(|(_, _, method)| *method).or_else(of_query)
}

/// Puts what the headers of an answer say of the quota.
pub(crate) fn put(call: &mut Interaction, headers: &Headers<'_>) {
    for (field, names) in ANSWER {
        call.put_with(*field, || {
            let mut numbers = names
                .iter()
                .filter_map(|name| header(headers, name)?.trim().parse().ok());
            numbers
                .next()
                .map(|number| Value::Int(crate::put::int(number)))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_a_credential_is_known_by_its_beginning() {
        let method =
            |name, value: &'static str| connection_method(&[(name, value.as_bytes())], None);
        assert_eq!(method("Authorization", "Bearer sk-abc"), Some("api_key"));
        assert_eq!(method("authorization", "bearer eyJhbGci"), Some("oauth"));
        assert_eq!(
            method("authorization", "AWS4-HMAC-SHA256 Credential=A"),
            Some("service_account")
        );
        assert_eq!(method("X-Api-Key", "abc"), Some("api_key"));
        assert_eq!(method("accept", "a"), None);
        assert_eq!(
            connection_method(&[], Some("alt=sse&key=abc")),
            Some("api_key")
        );
    }
}
