//! Who sent a body, and when, for those who share a key with the sender.
//!
//! The scheme is that of Standard Webhooks 1.0: `docs/http.md` says why, and how a receiver checks
//! it.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use llm_audit_core::{Error, Timestamp};
use sha2::Sha256;

/// 128 bits are out of reach of guessing; less is a password.
const MIN_KEY_BYTES: usize = 16;

/// Signs requests with HMAC-SHA-256.
#[derive(Clone)]
pub(super) struct Signer {
    mac: Hmac<Sha256>,
}

/// The values of a signed request's headers besides its id.
pub(super) struct Signed {
    pub(super) timestamp: String,
    pub(super) signature: String,
}

impl Signer {
    /// # Errors
    ///
    /// When the key is too short.
    pub(super) fn new(key: &[u8]) -> Result<Self, Error> {
        if key.len() < MIN_KEY_BYTES {
            let message = format!("the key of a signature has at least {MIN_KEY_BYTES} bytes");
            return Err(Error::configuration(message));
        }
        // A key of HMAC may have any length.
        let mac = Hmac::new_from_slice(key)
            .map_err(|_| Error::configuration("the key of a signature has a wrong length"))?;
        Ok(Self { mac })
    }

    /// Signs `body` as it is sent, with the id of the request and the time.
    pub(super) fn sign(&self, id: &str, now: Timestamp, body: &[u8]) -> Signed {
        let timestamp = now.as_unix_micros().div_euclid(1_000_000).to_string();
        let mut mac = self.mac.clone();
        for part in [id, ".", &timestamp, "."] {
            mac.update(part.as_bytes());
        }
        mac.update(body);
        let code = STANDARD.encode(mac.finalize().into_bytes());
        Signed {
            timestamp,
            signature: format!("v1,{code}"),
        }
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the scheme's own libraries.
    #[test]
    fn a_signature_is_that_of_standard_webhooks() {
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = Signer::new(&key).unwrap().sign(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            Timestamp::from_unix_micros(1_614_265_330_000_000),
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(signed.timestamp, "1614265330");
        let known = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(signed.signature, known);
    }

    #[test]
    fn a_password_is_no_key() {
        let error = Signer::new(b"hunter2").unwrap_err();
        assert!(error.is_configuration() && !error.to_string().contains("hunter2"));
    }
}
