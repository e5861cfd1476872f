//! The policy file, in TOML or JSON: one format in two notations.
//!
//! Both become the same tree of nodes with line numbers, and one reader turns that into what the
//! builder makes, so a policy means the same however it is written.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::Error;
#[cfg(feature = "token")]
use crate::key::TokenKey;
use crate::key::{Key, KeyRing};
use crate::policy::Policy;
use crate::policy::draft::Keys;
#[cfg(feature = "token")]
use crate::policy::draft::TokenKeyName;
use crate::policy::preset::Preset;
use crate::policy::validate::compile_with;
use crate::redact::Detector;
use crate::sync::Arc;

mod json;
mod node;
mod read;
mod reader;
mod redaction;
#[cfg(feature = "toml")]
mod toml;

use node::{Fault, Node};

/// Loads a [`Policy`] from a file or text, with keys from code where it names none.
///
/// # Examples
///
/// ```
/// use llm_audit_core::{Facet, Key, Level, PolicyLoader};
///
/// let text = r#"{ "facets": { "user": "digest" }, "retention": { "default": "90 days" } }"#;
/// let policy = PolicyLoader::json(text).key(Key::bytes("k1", &[7; 32])?).load()?;
/// assert_eq!(policy.levels().get(Facet::User), Level::Digest);
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct PolicyLoader {
    source: Source,
    keys: Option<KeyRing>,
    detectors: Vec<Arc<dyn Detector>>,
    #[cfg(feature = "token")]
    token_key: Option<TokenKey>,
}

#[derive(Clone, Debug)]
enum Source {
    File(PathBuf),
    Json(String),
    #[cfg(feature = "toml")]
    Toml(String),
}

/// A policy file is written by people; what is larger is something else.
const MAX_BYTES: usize = 1 << 20;

impl Policy {
    /// Returns the policy of a preset that needs neither key nor retention.
    ///
    /// # Errors
    ///
    /// When the preset needs a key or a retention; give them to [`Policy::builder`].
    pub fn preset(preset: Preset) -> Result<Self, Error> {
        Self::builder().preset(preset).build()
    }

    /// Returns the policy in a file; its name ends in `.toml` or `.json`.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or everything that is wrong in it, each with line and remedy.
    pub fn from_file(path: impl Into<PathBuf>) -> Result<Self, Error> {
        PolicyLoader::file(path).load()
    }

    /// Returns the policy written in JSON.
    ///
    /// # Errors
    ///
    /// Everything that is wrong in it, each with line and remedy.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        PolicyLoader::json(text).load()
    }

    /// Returns the policy written in TOML.
    ///
    /// # Errors
    ///
    /// Everything that is wrong in it, each with line and remedy.
    #[cfg(feature = "toml")]
    #[cfg_attr(docsrs, doc(cfg(feature = "toml")))]
    pub fn from_toml(text: &str) -> Result<Self, Error> {
        PolicyLoader::toml(text).load()
    }
}

impl PolicyLoader {
    /// Returns a loader of a policy file; its name ends in `.toml` or `.json`.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::new(Source::File(path.into()))
    }

    /// Returns a loader of a policy in JSON; a key file that it names is relative to the working
    /// directory.
    pub fn json(text: impl Into<String>) -> Self {
        Self::new(Source::Json(text.into()))
    }

    /// Returns a loader of a policy in TOML; a key file that it names is relative to the working
    /// directory.
    #[cfg(feature = "toml")]
    #[cfg_attr(docsrs, doc(cfg(feature = "toml")))]
    pub fn toml(text: impl Into<String>) -> Self {
        Self::new(Source::Toml(text.into()))
    }

    /// Sets the key of digests and pseudonyms; keys that the file names are then not opened.
    pub fn key(self, key: Key) -> Self {
        self.keys(KeyRing::new(key))
    }

    /// Sets the keys of digests and pseudonyms; keys that the file names are then not opened.
    pub fn keys(mut self, keys: impl Into<KeyRing>) -> Self {
        self.keys = Some(keys.into());
        self
    }

    /// Adds a detector of your own, which the file's operators can name the types of.
    pub fn detector(mut self, detector: impl Detector) -> Self {
        self.detectors.push(Arc::new(detector));
        self
    }

    /// Sets the key of redaction operator `token`; one that the file names is then not opened.
    #[cfg(feature = "token")]
    #[cfg_attr(docsrs, doc(cfg(feature = "token")))]
    pub fn token_key(mut self, key: TokenKey) -> Self {
        self.token_key = Some(key);
        self
    }

    /// Returns the policy.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, or everything that is wrong in it, each with line and remedy.
    pub fn load(self) -> Result<Policy, Error> {
        match &self.source {
            Source::File(path) => {
                let parse = notation(path)?;
                let text = std::fs::read_to_string(path).map_err(|error| {
                    Error::io(
                        format!("failed to read policy file `{}`", path.display()),
                        error,
                    )
                })?;
                let base = path.parent().unwrap_or_else(|| Path::new(""));
                self.read(
                    &text,
                    parse,
                    base,
                    &format!("policy file `{}`", path.display()),
                )
            }
            Source::Json(text) => self.read(text, json::parse, Path::new(""), "policy in JSON"),
            #[cfg(feature = "toml")]
            Source::Toml(text) => self.read(text, toml::parse, Path::new(""), "policy in TOML"),
        }
    }

    const fn new(source: Source) -> Self {
        Self {
            source,
            keys: None,
            detectors: Vec::new(),
            #[cfg(feature = "token")]
            token_key: None,
        }
    }

    fn read(&self, text: &str, parse: Parse, base: &Path, subject: &str) -> Result<Policy, Error> {
        if text.len() > MAX_BYTES {
            return Err(Error::policy(format!(
                "{subject} has {} bytes, and a policy at most {MAX_BYTES}",
                text.len()
            )));
        }
        let root = match parse(text) {
            Ok(root) => root,
            Err(Fault { line, message }) => {
                return Err(Error::policy(format!("{subject}, line {line}: {message}")));
            }
        };
        let (mut draft, problems) = read::draft(&root, base);
        if let Some(keys) = &self.keys {
            draft.keys = Keys::Ring(keys.clone());
        }
        draft.redaction.detectors.clone_from(&self.detectors);
        #[cfg(feature = "token")]
        if let Some(key) = &self.token_key {
            draft.redaction.token_key = TokenKeyName::Key(key.clone());
        }
        compile_with(draft, problems, subject)
    }
}

impl fmt::Debug for PolicyLoader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolicyLoader")
            .field("keys", &self.keys)
            .field("detectors", &self.detectors.len())
            .finish_non_exhaustive()
    }
}

type Parse = fn(&str) -> Result<Node, Fault>;

fn notation(path: &Path) -> Result<Parse, Error> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("json") => Ok(json::parse),
        #[cfg(feature = "toml")]
        Some("toml") => Ok(toml::parse),
        #[cfg(not(feature = "toml"))]
        Some("toml") => Err(Error::policy(format!(
            "policy file `{}` is TOML, which needs feature `toml` of crate `llm-audit`; switch it \
             on, or write the policy as JSON",
            path.display()
        ))),
        _ => Err(Error::policy(format!(
            "policy file `{}` ends neither in `.toml` nor in `.json`",
            path.display()
        ))),
    }
}
