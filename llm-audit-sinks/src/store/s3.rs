//! S3, and what speaks its protocol.

use std::sync::Arc;

use llm_audit_core::Error;
use object_store::ObjectStore;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey as Key};

use super::connector::{Connector, retries};
use super::{Answers, Place, Tries};
use crate::http::{Endpoint, Secret};

/// Variables of which [`S3Config::credentials_from_env`] takes the values. None says where data goes.
const ENVIRONMENT: &[(&str, Key)] = &[
    ("AWS_ACCESS_KEY_ID", Key::AccessKeyId),
    ("AWS_SECRET_ACCESS_KEY", Key::SecretAccessKey),
    ("AWS_SESSION_TOKEN", Key::Token),
    ("AWS_WEB_IDENTITY_TOKEN_FILE", Key::WebIdentityTokenFile),
    ("AWS_ROLE_ARN", Key::RoleArn),
    ("AWS_ROLE_SESSION_NAME", Key::RoleSessionName),
    (
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        Key::ContainerCredentialsRelativeUri,
    ),
    (
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        Key::ContainerCredentialsFullUri,
    ),
    (
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        Key::ContainerAuthorizationTokenFile,
    ),
];

/// A bucket of S3, and who may write to it.
///
/// # Examples
///
/// ```
/// use llm_audit_sinks::store::{S3Config, Store};
///
/// # if std::path::Path::new("/etc/ssl/certs/ca-certificates.crt").exists() {
/// let config = S3Config::new("logs", "eu-central-1").credentials("AKIA7", "s3cr3t");
/// assert!(!format!("{config:?}").contains("s3cr3t"));
/// let store = Store::s3(config)?.below("audit")?;
/// assert_eq!(store.to_string(), "s3://logs/audit");
/// # }
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct S3Config {
    bucket: String,
    region: String,
    endpoint: Option<Endpoint>,
    keys: Option<(Secret, Secret)>,
    session_token: Option<Secret>,
    environment: bool,
    pub(super) unconditional: bool,
}

impl S3Config {
    /// Returns the configuration of a bucket in a region of Amazon's.
    pub fn new(bucket: impl Into<String>, region: impl Into<String>) -> Self {
        Self {
            bucket: bucket.into(),
            region: region.into(),
            endpoint: None,
            keys: None,
            session_token: None,
            environment: false,
            unconditional: false,
        }
    }

    /// Takes another server, such as MinIO or Ceph: the bucket is the first part of its paths. Of the
    /// endpoint, its timeouts, certificates and proxy count too, and neither its headers nor its
    /// compression.
    #[must_use]
    pub fn endpoint(mut self, endpoint: impl Into<Endpoint>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// Signs requests with an access key and its secret.
    #[must_use]
    pub fn credentials(mut self, key_id: impl Into<String>, secret: impl Into<String>) -> Self {
        self.keys = Some((Secret::new(key_id), Secret::new(secret)));
        self
    }

    /// Adds the token of a session to the credentials.
    #[must_use]
    pub fn session_token(mut self, token: impl Into<String>) -> Self {
        self.session_token = Some(Secret::new(token));
        self
    }

    /// Takes the credentials from where programs on Amazon's machines have them: the `AWS_…` variables of
    /// access keys, web identities and containers, else the machine's own role. Bucket, region and address
    /// are never taken from there.
    #[must_use]
    pub const fn credentials_from_env(mut self) -> Self {
        self.environment = true;
        self
    }

    /// Looks for an object before each upload instead of creating it on condition that there is none,
    /// for servers that do not know `If-None-Match`.
    #[must_use]
    pub const fn unconditional(mut self) -> Self {
        self.unconditional = true;
        self
    }

    pub(super) fn name(&self) -> String {
        format!("s3://{}", self.bucket)
    }

    /// # Errors
    ///
    /// When credentials are missing, or the address or a certificate cannot be used.
    pub(super) fn place(self) -> Result<impl Place, Error> {
        if self.keys.is_none() && !self.environment {
            return Err(Error::configuration(format!(
                "`{}` has no credentials: give them, or ask for `credentials_from_env`",
                self.name()
            )));
        }
        let endpoint = self
            .endpoint
            .clone()
            .unwrap_or_else(|| Endpoint::new(format!("https://s3.{}.amazonaws.com", self.region)));
        Connector::client(&endpoint)?;
        Ok(Bucket {
            config: self,
            endpoint,
        })
    }
}

struct Bucket {
    config: S3Config,
    endpoint: Endpoint,
}

impl Place for Bucket {
    fn open(&self, tries: Tries, answers: &Answers) -> object_store::Result<Arc<dyn ObjectStore>> {
        let config = &self.config;
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&config.bucket)
            .with_region(&config.region)
            .with_endpoint(self.endpoint.address())
            .with_http_connector(Connector::new(&self.endpoint, answers)?)
            .with_retry(retries(tries));
        if config.environment {
            for (name, key) in ENVIRONMENT {
                if let Some(value) = crate::http::variable(name) {
                    builder = builder.with_config(*key, value);
                }
            }
        }
        if let Some((key_id, secret)) = &config.keys {
            builder = builder
                .with_access_key_id(key_id.reveal())
                .with_secret_access_key(secret.reveal());
        }
        if let Some(token) = &config.session_token {
            builder = builder.with_token(token.reveal());
        }
        Ok(Arc::new(builder.build()?))
    }
}
