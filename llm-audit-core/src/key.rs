//! Keys of digests and pseudonyms.
//!
//! A digest is `h:<key id>:<22 characters>`: HMAC-SHA-256 (RFC 2104, FIPS 180-4) over tenant,
//! field and value, cut to 128 bits, in base64url. Equal values of one field and tenant have equal
//! digests as long as the key is the same, also in other processes and after a restart.
//!
//! A key file holds one line, `llm-audit-key:<id>:<base64url of 32 bytes>`.

use std::fmt;
use std::path::Path;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::catalog::Field;
use crate::encode::{base64url, from_base64url, from_hex};
use crate::error::Error;
use crate::sync::Arc;

mod store;
#[cfg(feature = "token")]
mod token;

#[cfg(feature = "token")]
#[cfg_attr(docsrs, doc(cfg(feature = "token")))]
pub use token::TokenKey;

/// A secret key with a public id.
///
/// Cloning is cheap. The bytes are in no `Debug` or `Display`, and cannot be read back.
#[derive(Clone)]
pub struct Key(Arc<Inner>);

struct Inner {
    id: String,
    // The keyed state instead of the bytes: each digest then starts two hash blocks further on.
    mac: Hmac<Sha256>,
}

const PREFIX: &str = "llm-audit-key";
const BYTES: usize = 32;
const MIN_BYTES: usize = 16;
const MAX_ID: usize = 16;
const BLOCK: usize = 64;
const DIGEST_BYTES: usize = 16;

impl Key {
    /// Returns the key in the file at `path`, made from fresh randomness when there is no file.
    ///
    /// A new file has mode 0600 and is on disk before this returns. Keep it outside the directory
    /// of the log, and keep it: without it digests of old and new events do not link.
    ///
    /// # Errors
    ///
    /// When the file is a symbolic link or not a regular file, when group or others can read or
    /// write it, when it does not hold a key, or when the operating system refuses.
    ///
    /// # Examples
    ///
    /// ```
    /// use llm_audit_core::Key;
    ///
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("audit.key");
    /// let first = Key::file(&path)?;
    /// let again = Key::file(&path)?;
    /// assert_eq!(first.id(), again.id());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let (id, bytes) = in_file(
            path.as_ref(),
            PREFIX,
            'k',
            "which old digests do not link to",
        )?;
        Ok(Self::new(&id, &bytes))
    }

    /// Returns the key of these bytes; the id is 1 to 16 characters of `a-z`, `0-9` and `-`.
    ///
    /// # Errors
    ///
    /// When there are fewer than 16 bytes or the id has another form.
    pub fn bytes(id: &str, bytes: &[u8]) -> Result<Self, Error> {
        check_id(id)?;
        if bytes.len() < MIN_BYTES {
            return Err(Error::configuration(format!(
                "key `{id}` has {} bytes; use at least {MIN_BYTES} random bytes, better {BYTES}",
                bytes.len()
            )));
        }
        Ok(Self::new(id, bytes))
    }

    /// Returns the key in environment variable `name`.
    ///
    /// The variable holds the line of a key file, or at least 16 bytes in base64 or hex, as
    /// `openssl rand -base64 32` prints them; the id is then derived from the bytes.
    ///
    /// # Errors
    ///
    /// When the variable is absent or holds no key.
    pub fn env(name: &str) -> Result<Self, Error> {
        in_variable(name, MIN_BYTES, Self::from_text)
    }

    /// Returns a random key that ends with the process, for tests and trials.
    ///
    /// Digests of other processes, or made after a restart, do not link to its digests.
    ///
    /// # Errors
    ///
    /// When the operating system gives no randomness.
    pub fn ephemeral() -> Result<Self, Error> {
        let bytes = store::random::<BYTES>()?;
        Ok(Self::new(&derived_id('e', &bytes), &bytes))
    }

    /// Returns the public id of the key; it stands on every digest.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// Returns HMAC-SHA-256 over the parts, each after its length as 8 little-endian bytes.
    pub(crate) fn hmac(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.0.mac.clone();
        for part in parts {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    fn new(id: &str, bytes: &[u8]) -> Self {
        // RFC 2104, section 2: a key longer than a block is hashed, a shorter one padded with zeros.
        let mut block = [0_u8; BLOCK];
        let hashed;
        let key = if bytes.len() > BLOCK {
            hashed = Sha256::digest(bytes);
            hashed.as_slice()
        } else {
            bytes
        };
        for (to, from) in block.iter_mut().zip(key) {
            *to = *from;
        }
        Self(Arc::new(Inner {
            id: id.to_owned(),
            mac: Hmac::new(&block.into()),
        }))
    }

    fn from_text(text: &str) -> Option<Self> {
        if text.starts_with(PREFIX) {
            let (id, bytes) = in_line(text, PREFIX)?;
            return Some(Self::new(id, &bytes));
        }
        let bytes = in_base64_or_hex(text)?;
        (bytes.len() >= MIN_BYTES).then(|| Self::new(&derived_id('k', &bytes), &bytes))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.0.id)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.id)
    }
}

/// The current key, and older ones by which earlier digests are still found.
#[derive(Clone, Debug)]
pub struct KeyRing {
    current: Key,
    old: Vec<Key>,
}

impl KeyRing {
    /// Returns the ring of one key.
    pub const fn new(current: Key) -> Self {
        Self {
            current,
            old: Vec::new(),
        }
    }

    /// Returns the ring with an older key.
    #[must_use]
    pub fn with_old(mut self, key: Key) -> Self {
        self.old.push(key);
        self
    }

    /// Returns the key that new digests are made with.
    pub const fn current(&self) -> &Key {
        &self.current
    }

    /// Returns every key, the current one first.
    pub fn iter(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.current).chain(&self.old)
    }

    /// Returns what `value` stands as in logs where `field` is at level Digest, for every key, the
    /// current one first.
    ///
    /// Search a log for any of them to find all events of a person. `tenant` is the tenant id of
    /// the events, `None` where they have none: one value has another pseudonym for each tenant.
    ///
    /// # Examples
    ///
    /// ```
    /// use llm_audit_core::{Field, Key, KeyRing};
    ///
    /// let keys = KeyRing::new(Key::bytes("k2", &[2; 32])?).with_old(Key::bytes("k1", &[1; 32])?);
    /// let names = keys.pseudonyms(Field::UserId, Some("acme"), "ada@example.org");
    /// assert!(names[0].starts_with("h:k2:") && names[1].starts_with("h:k1:"));
    /// assert_ne!(names, keys.pseudonyms(Field::UserId, None, "ada@example.org"));
    /// # Ok::<(), llm_audit_core::Error>(())
    /// ```
    pub fn pseudonyms(&self, field: Field, tenant: Option<&str>, value: &str) -> Vec<String> {
        let tenant = tenant.unwrap_or_default();
        self.iter()
            .map(|key| digest(key, tenant, field.name(), value.as_bytes()))
            .collect()
    }
}

impl From<Key> for KeyRing {
    fn from(key: Key) -> Self {
        Self::new(key)
    }
}

/// Returns `h:<key id>:<22 base64url>` of `value`, as it was before redaction.
pub(crate) fn digest(key: &Key, tenant: &str, field: &str, value: &[u8]) -> String {
    let mac = key.hmac(&[tenant.as_bytes(), field.as_bytes(), value]);
    let short = mac.get(..DIGEST_BYTES).unwrap_or(&mac);
    format!("h:{}:{}", key.id(), base64url(short))
}

/// Returns id and bytes of the key in the file at `path`, made when there is no file; `lost` says
/// what a new key cannot do.
fn in_file(path: &Path, prefix: &str, kind: char, lost: &str) -> Result<(String, Vec<u8>), Error> {
    let line = match store::read(path)? {
        Some(line) => line,
        None => {
            let bytes = store::random::<BYTES>()?;
            let id = derived_id(kind, &bytes);
            store::create(path, &format!("{prefix}:{id}:{}\n", base64url(&bytes)))?
        }
    };
    let key = in_line(&line, prefix).map(|(id, bytes)| (id.to_owned(), bytes));
    key.ok_or_else(|| {
        Error::configuration(format!(
            "key file `{}` does not hold one line `{prefix}:<id>:<base64url of {BYTES} bytes>`; \
             restore it from a backup, or remove it and a new key is made, {lost}",
            path.display()
        ))
    })
}

/// Returns the key that `read` makes of the environment variable `name`.
#[expect(
    clippy::disallowed_methods,
    reason = "the caller names the variable, and a key widens nothing"
)]
fn in_variable<K>(
    name: &str,
    least: usize,
    read: impl FnOnce(&str) -> Option<K>,
) -> Result<K, Error> {
    // A key in place of the name must not end up in an error.
    if !is_variable(name) {
        return Err(Error::configuration(
            "the name of an environment variable is 1 to 64 letters, digits and underscores",
        ));
    }
    let text = std::env::var_os(name).ok_or_else(|| {
        Error::configuration(format!(
            "environment variable `{name}` is not set; put a key there, for example the output of \
             `openssl rand -base64 {BYTES}`"
        ))
    })?;
    let key = text.to_str().and_then(|text| read(text.trim()));
    key.ok_or_else(|| {
        Error::configuration(format!(
            "environment variable `{name}` does not hold a key; put the line of a key file there, \
             or at least {least} bytes in base64 or hex, for example the output of \
             `openssl rand -base64 {BYTES}`"
        ))
    })
}

/// Returns id and bytes of the key in the line of a key file.
fn in_line<'l>(line: &'l str, prefix: &str) -> Option<(&'l str, Vec<u8>)> {
    let line = line.strip_suffix('\n').unwrap_or(line);
    let (id, bytes) = line
        .strip_prefix(prefix)?
        .strip_prefix(':')?
        .split_once(':')?;
    let bytes = from_base64url(bytes)?;
    (is_id(id) && bytes.len() == BYTES).then_some((id, bytes))
}

fn in_base64_or_hex(text: &str) -> Option<Vec<u8>> {
    // Hex first: its digits are letters of base64 too, and no base64 text of a random key is made
    // of them alone.
    from_hex(&text.to_ascii_lowercase()).or_else(|| {
        let url: String = text
            .trim_end_matches('=')
            .chars()
            .map(|character| match character {
                '+' => '-',
                '/' => '_',
                other => other,
            })
            .collect();
        from_base64url(&url)
    })
}

fn check_id(id: &str) -> Result<(), Error> {
    if is_id(id) {
        return Ok(());
    }
    Err(Error::configuration(format!(
        "a key id is 1 to {MAX_ID} characters of a-z, 0-9 and -, for example `k1`"
    )))
}

pub(crate) fn is_id(id: &str) -> bool {
    (1..=MAX_ID).contains(&id.len())
        && id
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

fn is_variable(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Returns an id that the same bytes always get; 40 bits of a MAC say nothing about the key.
fn derived_id(kind: char, bytes: &[u8]) -> String {
    let [a, b, c, d, e, ..] = Key::new("", bytes).hmac(&[b"llm-audit key id"]);
    format!("{kind}{}", crate::encode::hex(&[a, b, c, d, e]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str, byte: u8) -> Key {
        Key::bytes(id, &[byte; 32]).unwrap()
    }

    #[test]
    fn hmac_agrees_with_rfc_4231() {
        // Test cases 2 and 6, on the bare state: `hmac` adds the lengths of its parts.
        for (key, data, expected) in [
            (
                b"Jefe".to_vec(),
                &b"what do ya want for nothing?"[..],
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                vec![0xaa; 131],
                &b"Test Using Larger Than Block-Size Key - Hash Key First"[..],
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ] {
            let mut mac = Key::new("k", &key).0.mac.clone();
            mac.update(data);
            let bytes: [u8; 32] = mac.finalize().into_bytes().into();
            assert_eq!(crate::encode::hex(&bytes), expected);
        }
    }

    #[test]
    fn the_digest_of_a_value_never_changes() {
        // Golden: a log written by any version must stay linkable.
        assert_eq!(
            digest(&key("k1", 7), "acme", "user_id", b"ada"),
            "h:k1:4hOfo0r5BBX5DmCI7LPYGA"
        );
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let key = key("k", 1);
        assert_ne!(key.hmac(&[b"ab", b"c"]), key.hmac(&[b"a", b"bc"]));
        assert_ne!(key.hmac(&[b"ab"]), key.hmac(&[b"ab", b""]));
    }

    #[test]
    fn tenant_field_value_and_key_each_change_the_digest() {
        let base = digest(&key("k", 1), "t", "f", b"v");
        for other in [
            digest(&key("k", 2), "t", "f", b"v"),
            digest(&key("k", 1), "u", "f", b"v"),
            digest(&key("k", 1), "t", "g", b"v"),
            digest(&key("k", 1), "t", "f", b"w"),
        ] {
            assert_ne!(base, other);
        }
        assert_eq!(base.len(), "h:k:".len() + 22);
    }

    #[test]
    fn debug_and_display_show_the_id_only() {
        let key = Key::bytes("k1", b"sixteen secret b").unwrap();
        for text in [
            format!("{key:?}"),
            key.to_string(),
            format!("{:?}", KeyRing::new(key)),
        ] {
            assert!(text.contains("k1") && !text.contains("secret"), "{text}");
            assert!(!text.contains("115"), "{text}");
        }
    }

    #[test]
    fn short_keys_and_strange_ids_are_refused_with_the_remedy() {
        let error = Key::bytes("k1", b"short").unwrap_err().to_string();
        assert_eq!(
            error,
            "key `k1` has 5 bytes; use at least 16 random bytes, better 32"
        );
        for id in ["", "K1", "a:b", "abcdefghijklmnopq", "é"] {
            let error = Key::bytes(id, &[1; 32]).unwrap_err();
            assert!(
                error.is_configuration() && error.to_string().contains("a-z"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_variable_may_hold_a_line_base64_or_hex() {
        let bytes = [0xfb; 32];
        let hex = Key::from_text(&crate::encode::hex(&bytes)).unwrap();
        let url = Key::from_text(&base64url(&bytes)).unwrap();
        let standard = format!("{}=", base64url(&bytes).replace('-', "+").replace('_', "/"));
        let base64 = Key::from_text(&standard).unwrap();
        let line = Key::from_text(&format!("{PREFIX}:k9:{}", base64url(&bytes))).unwrap();
        let expected = url.hmac(&[b"x"]);
        for key in [&hex, &base64, &line] {
            assert_eq!(key.hmac(&[b"x"]), expected);
        }
        assert_eq!(hex.id(), url.id());
        assert_eq!(line.id(), "k9");
        assert!(Key::from_text("c2hvcnQ").is_none());
    }

    #[test]
    fn an_absent_variable_is_named_without_its_value() {
        let error = Key::env("LLM_AUDIT_NO_SUCH_KEY").unwrap_err().to_string();
        assert!(
            error.contains("`LLM_AUDIT_NO_SUCH_KEY` is not set") && error.contains("openssl rand"),
            "{error}"
        );
        // `PATH` is set wherever tests run, and is no key.
        let error = Key::env("PATH").unwrap_err().to_string();
        assert!(
            error.contains("does not hold a key") && !error.contains("/bin"),
            "{error}"
        );
    }

    #[test]
    fn a_key_in_place_of_the_name_is_not_repeated() {
        let error = Key::env("llm-audit-key:k1:c2VjcmV0")
            .unwrap_err()
            .to_string();
        assert!(!error.contains("c2VjcmV0"), "{error}");
        assert!(Key::env("A=B").is_err() && Key::env("").is_err() && Key::env("A\0").is_err());
    }

    #[test]
    fn ephemeral_keys_differ_and_say_that_they_are() {
        let (a, b) = (Key::ephemeral().unwrap(), Key::ephemeral().unwrap());
        assert_ne!(a.id(), b.id());
        assert!(a.id().starts_with('e') && is_id(a.id()));
    }
}
