//! Azure Blob Storage.

use std::sync::Arc;

use llm_audit_core::Error;
use object_store::ObjectStore;
use object_store::azure::{AzureConfigKey as Key, MicrosoftAzureBuilder};

use super::connector::{Connector, retries};
use super::{Answers, Place, Tries};
use crate::http::{Endpoint, Secret};

/// Variables of which [`AzureConfig::credentials_from_env`] takes the values. None says where data goes.
const ENVIRONMENT: &[(&str, Key)] = &[
    ("AZURE_STORAGE_ACCOUNT_KEY", Key::AccessKey),
    ("AZURE_STORAGE_SAS_KEY", Key::SasKey),
    ("AZURE_CLIENT_ID", Key::ClientId),
    ("AZURE_CLIENT_SECRET", Key::ClientSecret),
    ("AZURE_TENANT_ID", Key::AuthorityId),
    ("AZURE_FEDERATED_TOKEN_FILE", Key::FederatedTokenFile),
];

/// A container of Azure Blob Storage, and who may write to it.
///
/// # Examples
///
/// ```
/// use llm_audit_sinks::store::{AzureConfig, Store};
///
/// // Nobody's credentials are taken unless they are asked for.
/// assert!(Store::azure(AzureConfig::new("account", "logs")).is_err());
/// let config = AzureConfig::new("account", "logs").access_key("czNjcjN0");
/// assert!(!format!("{config:?}").contains("czNjcjN0"));
/// ```
#[derive(Clone, Debug)]
pub struct AzureConfig {
    account: String,
    container: String,
    endpoint: Option<Endpoint>,
    access_key: Option<Secret>,
    sas: Option<Secret>,
    environment: bool,
}

impl AzureConfig {
    /// Returns the configuration of a container of a storage account.
    pub fn new(account: impl Into<String>, container: impl Into<String>) -> Self {
        Self {
            account: account.into(),
            container: container.into(),
            endpoint: None,
            access_key: None,
            sas: None,
            environment: false,
        }
    }

    /// Takes another address than Azure's public one for the account. Of the endpoint, its timeouts,
    /// certificates and proxy count too, and neither its headers nor its compression.
    #[must_use]
    pub fn endpoint(mut self, endpoint: impl Into<Endpoint>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// Signs requests with the account's key, in base64 as Azure shows it.
    #[must_use]
    pub fn access_key(mut self, key: impl Into<String>) -> Self {
        self.access_key = Some(Secret::new(key));
        self
    }

    /// Sends a shared access signature: the query that Azure gives out for it.
    #[must_use]
    pub fn shared_access_signature(mut self, query: impl Into<String>) -> Self {
        self.sas = Some(Secret::new(query));
        self
    }

    /// Takes the credentials from where programs on Azure's machines have them: the `AZURE_…` variables of
    /// account keys, client secrets and workload identities, else the machine's own identity. Account,
    /// container and address are never taken from there.
    #[must_use]
    pub const fn credentials_from_env(mut self) -> Self {
        self.environment = true;
        self
    }

    pub(super) fn name(&self) -> String {
        format!("az://{}/{}", self.account, self.container)
    }

    /// # Errors
    ///
    /// When credentials are missing, or the address or a certificate cannot be used.
    pub(super) fn place(self) -> Result<impl Place, Error> {
        if self.access_key.is_none() && self.sas.is_none() && !self.environment {
            return Err(Error::configuration(format!(
                "`{}` has no credentials: give them, or ask for `credentials_from_env`",
                self.name()
            )));
        }
        let endpoint = self.endpoint.clone().unwrap_or_else(|| {
            Endpoint::new(format!("https://{}.blob.core.windows.net", self.account))
        });
        Connector::client(&endpoint)?;
        Ok(Container {
            config: self,
            endpoint,
        })
    }
}

struct Container {
    config: AzureConfig,
    endpoint: Endpoint,
}

impl Place for Container {
    fn open(&self, tries: Tries, answers: &Answers) -> object_store::Result<Arc<dyn ObjectStore>> {
        let config = &self.config;
        let mut builder = MicrosoftAzureBuilder::new()
            .with_account(&config.account)
            .with_container_name(&config.container)
            .with_endpoint(self.endpoint.address().to_owned())
            .with_http_connector(Connector::new(&self.endpoint, answers)?)
            .with_retry(retries(tries));
        if config.environment {
            for (name, key) in ENVIRONMENT {
                if let Some(value) = crate::http::variable(name) {
                    builder = builder.with_config(*key, value);
                }
            }
        }
        if let Some(key) = &config.access_key {
            builder = builder.with_access_key(key.reveal());
        }
        if let Some(sas) = &config.sas {
            builder = builder.with_config(Key::SasKey, sas.reveal());
        }
        Ok(Arc::new(builder.build()?))
    }
}
