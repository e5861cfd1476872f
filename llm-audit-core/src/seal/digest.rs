//! Digests of values that are not kept.

use std::slice;

use sha2::{Digest, Sha256};

use crate::catalog::Field;
use crate::event::{Part, Value, ValueRef};
use crate::key::{self, Key};

/// Returns the SHA-256 (FIPS 180-4) of `bytes`; for texts of the log's own, never for content.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Returns the keyed digest of `value` in `field`: of a text its bytes, of anything else its JSON.
pub(super) fn of_value(key: &Key, tenant: &str, field: Field, value: &Value) -> String {
    match value {
        Value::Text(text) | Value::Json(text) => of_text(key, tenant, field, text),
        value => {
            let mut json = Vec::new();
            crate::event::json::write_value(&mut json, value.as_ref());
            key::digest(key, tenant, field.name(), &json)
        }
    }
}

/// Returns the keyed digest of `text` in `field`.
pub(super) fn of_text(key: &Key, tenant: &str, field: Field, text: &str) -> String {
    key::digest(key, tenant, field.name(), text.as_bytes())
}

/// Returns the keyed digest of what `part` holds, whatever its type.
pub(super) fn of_part(key: &Key, tenant: &str, field: Field, part: &Part) -> String {
    let mut json = Vec::new();
    crate::event::json::write_value(&mut json, ValueRef::Parts(slice::from_ref(part)));
    key::digest(key, tenant, field.name(), &json)
}
