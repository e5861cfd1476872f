//! Where requests go, and what they carry.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::compression::Compression;
use super::outcome::Outcome;
use super::secret::Secret;
use super::tls::Identity;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// An address that takes events, with the credentials, certificates and bounds of requests to it.
///
/// Its address, headers, tokens, passwords and keys appear in no `Debug` output and no error; of the
/// address, scheme, host and port do.
///
/// # Examples
///
/// ```
/// use llm_audit_sinks::http::{Compression, Endpoint};
///
/// let endpoint = Endpoint::new("https://logs.example.org/ingest?tenant=7")
///     .bearer("s3cr3t")
///     .header("x-team", "red")
///     .compression(Compression::Gzip);
/// let shown = format!("{endpoint:?}");
/// assert!(shown.contains("https://logs.example.org"));
/// assert!(!shown.contains("s3cr3t") && !shown.contains("red") && !shown.contains("ingest"));
/// ```
#[derive(Clone)]
pub struct Endpoint {
    pub(super) url: Secret,
    pub(super) authorization: Option<Secret>,
    pub(super) headers: Vec<(String, Secret)>,
    pub(super) signing_key: Option<Vec<u8>>,
    pub(super) compression: Compression,
    pub(super) ca_pem: Option<Vec<u8>>,
    pub(super) identity: Option<Identity>,
    pub(super) proxy: Proxy,
    pub(super) connect_timeout: Duration,
    pub(super) request_timeout: Duration,
    pub(super) outcomes: BTreeMap<u16, Outcome>,
    pub(super) plaintext: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Proxy {
    None,
    At(Secret),
    Environment,
}

impl Endpoint {
    /// Returns the endpoint at `url`, which begins with `https://`. Plain `http://` is for this
    /// machine alone, unless [`danger_plaintext`](Self::danger_plaintext) is asked for.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: Secret::new(url),
            authorization: None,
            headers: Vec::new(),
            signing_key: None,
            compression: Compression::None,
            ca_pem: None,
            identity: None,
            proxy: Proxy::None,
            connect_timeout: CONNECT_TIMEOUT,
            request_timeout: REQUEST_TIMEOUT,
            outcomes: BTreeMap::new(),
            plaintext: false,
        }
    }

    /// Sends `Authorization: Bearer` with `token` (RFC 6750).
    #[must_use]
    pub fn bearer(self, token: impl AsRef<str>) -> Self {
        self.authorization("Bearer", token)
    }

    /// Sends `Authorization: Basic` with a name and a password (RFC 7617).
    #[must_use]
    pub fn basic(self, user: impl AsRef<str>, password: impl AsRef<str>) -> Self {
        use base64::Engine;
        use base64::engine::general_purpose::STANDARD;

        let pair = format!("{}:{}", user.as_ref(), password.as_ref());
        self.authorization("Basic", STANDARD.encode(pair))
    }

    /// Sends `Authorization` with another scheme, such as `Splunk` or `ApiKey`.
    #[must_use]
    pub fn authorization(mut self, scheme: &str, credentials: impl AsRef<str>) -> Self {
        self.authorization = Some(Secret::new(format!("{scheme} {}", credentials.as_ref())));
        self
    }

    /// Sends a header with each request; its value counts as a secret. What the sink itself says,
    /// such as `Content-Type`, cannot be said here.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), Secret::new(value)));
        self
    }

    /// Signs each body with HMAC-SHA-256 under `key`, of at least 16 bytes, as Standard Webhooks
    /// says: headers `webhook-id`, `webhook-timestamp` and `webhook-signature`.
    #[must_use]
    pub fn signing_key(mut self, key: impl Into<Vec<u8>>) -> Self {
        self.signing_key = Some(key.into());
        self
    }

    /// Compresses bodies (default: not).
    #[must_use]
    pub const fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// Trusts the certificates in `pem`, and no longer those that the system trusts.
    #[must_use]
    pub fn ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ca_pem = Some(pem.into());
        self
    }

    /// Shows the receiver a certificate, with those between it and its root, and proves that it has
    /// their private key; both are PEM.
    #[must_use]
    pub fn client_pem(mut self, certificates: impl Into<Vec<u8>>, key: impl Into<String>) -> Self {
        self.identity = Some(Identity {
            certificates: certificates.into(),
            key: Secret::new(key),
        });
        self
    }

    /// Goes through the proxy at `url` (default: through none, whatever the environment says).
    #[must_use]
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Proxy::At(Secret::new(url));
        self
    }

    /// Goes through the proxy that `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` name.
    #[must_use]
    pub fn proxy_from_env(mut self) -> Self {
        self.proxy = Proxy::Environment;
        self
    }

    /// Waits at most so long for a connection (default 10 seconds).
    #[must_use]
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Waits at most so long for a whole request (default 30 seconds), from the first attempt to
    /// connect to the last byte of the answer.
    #[must_use]
    pub const fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// Treats answers of one status otherwise than [`Outcome::of`] says, for a receiver that means
    /// something else by it. Only a status from 200 to 299 can be [`Outcome::Delivered`].
    ///
    /// # Examples
    ///
    /// ```
    /// use llm_audit_sinks::http::{Endpoint, Outcome};
    ///
    /// // This gateway answers 403 to single events whose text its firewall dislikes.
    /// let endpoint = Endpoint::new("https://logs.example.org/").treat(403, Outcome::Divided);
    /// # assert!(format!("{endpoint:?}").contains("403"));
    /// ```
    #[must_use]
    pub fn treat(mut self, status: u16, outcome: Outcome) -> Self {
        self.outcomes.insert(status, outcome);
        self
    }

    /// Allows plain `http://` to other machines: whoever is on the way reads the events and the
    /// credentials.
    #[must_use]
    pub const fn danger_plaintext(mut self) -> Self {
        self.plaintext = true;
        self
    }

    /// Returns the address, for the client of a store.
    #[cfg(feature = "cloud")]
    pub(crate) fn address(&self) -> &str {
        self.url.reveal()
    }

    /// Returns the endpoint for a signal of OTLP, whose path is `path` below this one's.
    #[cfg(feature = "otlp")]
    pub(crate) fn below(&self, path: &str) -> Self {
        let url = self.url.reveal();
        let (address, query) = url.find('?').map_or((url, ""), |at| url.split_at(at));
        let address = address.trim_end_matches('/');
        // Who gives the address for one signal means the same place for the others.
        let base = ["/v1/traces", "/v1/logs"]
            .iter()
            .find_map(|known| address.strip_suffix(known));
        let mut endpoint = Self {
            url: Secret::new(format!("{}{path}{query}", base.unwrap_or(address))),
            ..self.clone()
        };
        // MLflow answers so to whatever comes without a header that it wants.
        endpoint.outcomes.entry(422).or_insert(Outcome::Paused);
        endpoint
    }
}

impl From<&str> for Endpoint {
    fn from(url: &str) -> Self {
        Self::new(url)
    }
}

impl From<String> for Endpoint {
    fn from(url: String) -> Self {
        Self::new(url)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Endpoint")
            .field("origin", &super::address::origin(self.url.reveal()))
            .field("has_authorization", &self.authorization.is_some())
            .field("headers", &names)
            .field("is_signed", &self.signing_key.is_some())
            .field("compression", &self.compression)
            .field("has_own_ca", &self.ca_pem.is_some())
            .field("has_identity", &self.identity.is_some())
            .field("proxy", &self.proxy)
            .field("connect_timeout", &self.connect_timeout)
            .field("request_timeout", &self.request_timeout)
            .field("outcomes", &self.outcomes)
            .field("plaintext", &self.plaintext)
            .finish()
    }
}
