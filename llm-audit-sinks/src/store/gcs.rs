//! Google Cloud Storage.

use std::sync::Arc;

use llm_audit_core::Error;
use object_store::ObjectStore;
use object_store::gcp::GoogleCloudStorageBuilder;

use super::connector::{Connector, retries};
use super::{Answers, Place, Tries};
use crate::http::{Endpoint, Secret};

/// A bucket of Google Cloud Storage, and who may write to it.
///
/// # Examples
///
/// ```
/// use llm_audit_sinks::store::{GcsConfig, Store};
///
/// // Nobody's credentials are taken unless they are asked for.
/// assert!(Store::gcs(GcsConfig::new("logs")).is_err());
/// let config = GcsConfig::new("logs").service_account_key("{s3cr3t}");
/// assert!(!format!("{config:?}").contains("s3cr3t"));
/// ```
#[derive(Clone, Debug)]
pub struct GcsConfig {
    bucket: String,
    endpoint: Option<Endpoint>,
    key: Option<Secret>,
    environment: bool,
}

impl GcsConfig {
    /// Returns the configuration of a bucket.
    pub fn new(bucket: impl Into<String>) -> Self {
        Self {
            bucket: bucket.into(),
            endpoint: None,
            key: None,
            environment: false,
        }
    }

    /// Takes another address than Google's. Of the endpoint, its timeouts, certificates and proxy count too,
    /// and neither its headers nor its compression.
    #[must_use]
    pub fn endpoint(mut self, endpoint: impl Into<Endpoint>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// Takes the key of a service account, the JSON text that Google gives out.
    #[must_use]
    pub fn service_account_key(mut self, json: impl Into<String>) -> Self {
        self.key = Some(Secret::new(json));
        self
    }

    /// Takes the credentials from where programs on Google's machines have them: the file that
    /// `GOOGLE_APPLICATION_CREDENTIALS` names, that of `gcloud`, else the machine's own account.
    #[must_use]
    pub const fn credentials_from_env(mut self) -> Self {
        self.environment = true;
        self
    }

    pub(super) fn name(&self) -> String {
        format!("gs://{}", self.bucket)
    }

    /// # Errors
    ///
    /// When credentials are missing, or the address or a certificate cannot be used.
    pub(super) fn place(self) -> Result<impl Place, Error> {
        if self.key.is_none() && !self.environment {
            return Err(Error::configuration(format!(
                "`{}` has no credentials: give them, or ask for `credentials_from_env`",
                self.name()
            )));
        }
        let endpoint = self.endpoint.clone();
        let endpoint = endpoint.unwrap_or_else(|| Endpoint::new("https://storage.googleapis.com"));
        Connector::client(&endpoint)?;
        Ok(Bucket {
            config: self,
            endpoint,
        })
    }
}

struct Bucket {
    config: GcsConfig,
    endpoint: Endpoint,
}

impl Place for Bucket {
    fn open(&self, tries: Tries, answers: &Answers) -> object_store::Result<Arc<dyn ObjectStore>> {
        let mut builder = GoogleCloudStorageBuilder::new()
            .with_bucket_name(&self.config.bucket)
            .with_base_url(self.endpoint.address())
            .with_http_connector(Connector::new(&self.endpoint, answers)?)
            .with_retry(retries(tries));
        if let Some(key) = &self.config.key {
            builder = builder.with_service_account_key(key.reveal());
        } else if let Some(path) = crate::http::variable("GOOGLE_APPLICATION_CREDENTIALS") {
            builder = builder.with_application_credentials(path);
        }
        Ok(Arc::new(builder.build()?))
    }
}
