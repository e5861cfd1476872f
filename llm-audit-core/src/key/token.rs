//! Keys of tokens: values that whoever holds the key can read again.
//!
//! A token is `[EMAIL:<key id>:<base64url>]`: AES-256-GCM-SIV (RFC 8452) over the value, padded to
//! a multiple of 16 bytes (ISO/IEC 7816-4), with tenant and type of data as associated data. The
//! nonce is fixed, which the mode is made to bear: equal values of one tenant and type have equal
//! tokens, and that they are equal is all that shows.

use std::fmt;
use std::path::Path;

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};

use super::{BYTES, check_id, derived_id, in_base64_or_hex, in_file, in_line, in_variable};
use crate::encode::{base64url, from_base64url};
use crate::error::Error;
use crate::sync::Arc;

/// A key of tokens, with a public id.
///
/// It is made for [`Operator::Token`](crate::redact::Operator::Token) and for nothing else: whoever
/// holds it and the log can read what the tokens stand for, so keep it away from both. Cloning is
/// cheap. The bytes are in no `Debug` or `Display`, and cannot be read back.
///
/// # Examples
///
/// ```
/// use llm_audit_core::TokenKey;
/// use llm_audit_core::redact::{DataType, Operator, Redactor};
///
/// let key = TokenKey::bytes("t1", &[7; 32])?;
/// let redactor = Redactor::builder()
///     .operator(DataType::Email, Operator::Token)
///     .token_key(key.clone())
///     .build()?;
/// let text = redactor.redact_str("write to ada@example.org");
/// assert!(text.starts_with("write to [EMAIL:t1:"));
/// assert_eq!(key.open(None, &text), "write to ada@example.org");
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[derive(Clone)]
pub struct TokenKey(Arc<Inner>);

struct Inner {
    id: String,
    cipher: Aes256GcmSiv,
}

const PREFIX: &str = "llm-audit-token-key";
const BLOCK: usize = 16;
const PAD: u8 = 0x80;

impl TokenKey {
    /// Returns the key in the file at `path`, made from fresh randomness when there is no file; as
    /// [`Key::file`](crate::Key::file), with `llm-audit-token-key` at the beginning of the line.
    ///
    /// # Errors
    ///
    /// As [`Key::file`](crate::Key::file); also when the file holds a key of digests.
    pub fn file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let lost = "which does not open old tokens";
        let (id, bytes) = in_file(path.as_ref(), PREFIX, 't', lost)?;
        Self::bytes(&id, &bytes)
    }

    /// Returns the key in environment variable `name`: the line of a key file, or 32 bytes in
    /// base64 or hex.
    ///
    /// # Errors
    ///
    /// When the variable is absent or holds no such key.
    pub fn env(name: &str) -> Result<Self, Error> {
        in_variable(name, BYTES, |text| {
            if let Some((id, bytes)) = in_line(text, PREFIX) {
                return Self::bytes(id, &bytes).ok();
            }
            let bytes = in_base64_or_hex(text)?;
            Self::bytes(&derived_id('t', &bytes), &bytes).ok()
        })
    }

    /// Returns the key of these 32 bytes; the id is 1 to 16 characters of `a-z`, `0-9` and `-`.
    ///
    /// # Errors
    ///
    /// When there are not 32 bytes or the id has another form.
    pub fn bytes(id: &str, bytes: &[u8]) -> Result<Self, Error> {
        check_id(id)?;
        let cipher = Aes256GcmSiv::new_from_slice(bytes).map_err(|_| {
            Error::configuration(format!(
                "token key `{id}` has {} bytes; it must have {BYTES}, all random",
                bytes.len()
            ))
        })?;
        let id = id.to_owned();
        Ok(Self(Arc::new(Inner { id, cipher })))
    }

    /// Returns the public id of the key; it stands on every token.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// Returns `text` with every token that this key made for `tenant` replaced by its value;
    /// everything else stays as it is, also tokens of other keys and tenants.
    pub fn open(&self, tenant: Option<&str>, text: &str) -> String {
        let mark = format!(":{}:", self.0.id);
        let mut opened = String::with_capacity(text.len());
        let (mut copied, mut from) = (0, 0);
        while let Some(offset) = text.get(from..).and_then(|rest| rest.find(&mark)) {
            let at = from + offset;
            from = at + mark.len();
            let head = text.get(copied..at).unwrap_or_default();
            let word = head.rfind('[').and_then(|start| head.get(start + 1..));
            let end = text.get(from..).and_then(|rest| rest.find(']'));
            let (Some(word), Some(end)) = (word, end) else {
                continue;
            };
            let body = text.get(from..from + end).unwrap_or_default();
            if let Some(value) = self.value(tenant.unwrap_or_default(), word, body) {
                let before = head.len() - word.len() - 1;
                opened.push_str(head.get(..before).unwrap_or_default());
                opened.push_str(&value);
                copied = from + end + 1;
                from = copied;
            }
        }
        opened.push_str(text.get(copied..).unwrap_or_default());
        opened
    }

    /// Returns the body of the token of `value`, or `None` when it cannot be made.
    pub(crate) fn seal(&self, tenant: &str, data_type: &str, value: &str) -> Option<String> {
        let mut message = value.as_bytes().to_vec();
        message.push(PAD);
        message.resize(message.len().next_multiple_of(BLOCK), 0);
        let payload = Payload {
            msg: &message,
            aad: &associated(tenant, data_type),
        };
        let sealed = self.0.cipher.encrypt(&Nonce::default(), payload).ok()?;
        Some(base64url(&sealed))
    }

    fn value(&self, tenant: &str, word: &str, body: &str) -> Option<String> {
        let sealed = from_base64url(body)?;
        let payload = Payload {
            msg: &sealed,
            aad: &associated(tenant, &word.to_ascii_lowercase()),
        };
        let mut message = self.0.cipher.decrypt(&Nonce::default(), payload).ok()?;
        let end = message.iter().rposition(|byte| *byte == PAD)?;
        message.truncate(end);
        String::from_utf8(message).ok()
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenKey")
            .field("id", &self.0.id)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.id)
    }
}

fn associated(tenant: &str, data_type: &str) -> Vec<u8> {
    let mut bytes = b"llm-audit token 1".to_vec();
    for part in [tenant, data_type] {
        bytes.extend((part.len() as u64).to_le_bytes());
        bytes.extend(part.as_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;

    fn key(id: &str) -> TokenKey {
        TokenKey::bytes(id, &[7; 32]).unwrap()
    }

    fn token(tenant: &str, value: &str) -> String {
        format!(
            "[EMAIL:t1:{}]",
            key("t1").seal(tenant, "email", value).unwrap()
        )
    }

    #[test]
    fn a_token_is_opened_by_its_key_tenant_and_type_alone() {
        let token = token("acme", "ada@example.org");
        let text = format!("to {token}, [x:t1:y], {token}");
        let opened = "to ada@example.org, [x:t1:y], ada@example.org";
        assert_eq!(key("t1").open(Some("acme"), &text), opened);
        assert_eq!(key("t1").open(None, &text), text);
        assert_eq!(key("t2").open(Some("acme"), &text), text);
        let other = TokenKey::bytes("t1", &[8; 32]).unwrap();
        assert_eq!(other.open(Some("acme"), &text), text);
        let other_type = text.replace("EMAIL", "PHONE");
        assert_eq!(key("t1").open(Some("acme"), &other_type), other_type);
        let damaged = text.replace("[EMAIL:t1:", "[EMAIL:t1:A");
        assert_eq!(key("t1").open(Some("acme"), &damaged), damaged);
    }

    #[test]
    fn equal_values_have_equal_tokens_whose_length_says_little() {
        assert_eq!(
            token("acme", "ada@example.org"),
            token("acme", "ada@example.org")
        );
        assert_ne!(
            token("acme", "ada@example.org"),
            token("other", "ada@example.org")
        );
        assert_eq!(
            token("acme", "a@b.io").len(),
            token("acme", "ada@example.org").len()
        );
    }

    #[test]
    fn a_token_never_changes() {
        // Golden: what any version wrote must be opened by every later one.
        let golden = "[EMAIL:t1:y-XDrPqEytCMIACOyvMnv-l64RaSvHl9LXl6spsZ8yw]";
        assert_eq!(token("acme", "ada@example.org"), golden);
        assert_eq!(key("t1").open(Some("acme"), golden), "ada@example.org");
    }

    #[test]
    fn a_key_of_digests_is_no_key_of_tokens_nor_the_other_way_round() {
        let directory = tempfile::tempdir().unwrap();
        let (tokens, digests) = (directory.path().join("t"), directory.path().join("k"));
        let made = TokenKey::file(&tokens).unwrap();
        assert_eq!(TokenKey::file(&tokens).unwrap().id(), made.id());
        Key::file(&digests).unwrap();
        assert!(TokenKey::file(&digests).unwrap_err().is_configuration());
        assert!(Key::file(&tokens).unwrap_err().is_configuration());
        let error = TokenKey::bytes("t1", &[1; 16]).unwrap_err().to_string();
        assert!(error.contains("16 bytes; it must have 32"), "{error}");
    }

    #[test]
    fn debug_and_display_show_the_id_only() {
        assert_eq!(
            format!("{} {:?}", key("t1"), key("t1")),
            "t1 TokenKey { id: \"t1\", .. }"
        );
    }
}
