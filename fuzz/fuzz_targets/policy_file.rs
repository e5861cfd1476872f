//! Any text is a policy or an error, in both notations, and a policy is the same each time.

#![no_main]

use libfuzzer_sys::fuzz_target;
use llm_audit_core::{Error, Key, Policy, PolicyLoader, Scope};

fuzz_target!(|text: &str| {
    check(text, PolicyLoader::json);
    check(text, PolicyLoader::toml);
});

fn check(text: &str, notation: impl Fn(String) -> PolicyLoader) {
    match load(notation(text.to_owned())) {
        Ok(policy) => {
            assert_eq!(policy.hash().len(), 64);
            let again = load(notation(text.to_owned())).expect("it was a policy before");
            assert_eq!(policy.canonical_text(), again.canonical_text());
            serde_json::from_str::<serde_json::Value>(policy.canonical_text()).expect("is JSON");
            drop(policy.explain(&Scope::new()).to_string());
        }
        Err(error) => {
            assert!(error.is_policy(), "{error}");
            assert!(!error.to_string().is_empty());
        }
    }
}

/// Loads with a key, so that no file that the text names is opened.
fn load(loader: PolicyLoader) -> Result<Policy, Error> {
    let key = Key::bytes("fuzz", &[7; 32]).expect("a good key");
    loader.key(key).load()
}
