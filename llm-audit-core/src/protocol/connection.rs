//! Connections to providers: which are known, and what is recorded of one.

use std::collections::HashSet;

use crate::audit::Audit;
use crate::event::Status;
use crate::id::WriterId;
use crate::sync::{Mutex, lock};

/// Connections that are told apart; more are recorded again and again rather than never.
const MAX_KNOWN: usize = 1024;

/// Where calls go, and with what kind of credential.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Connection {
    pub(crate) provider: String,
    pub(crate) host: Option<String>,
    pub(crate) port: Option<u16>,
    pub(crate) method: Option<&'static str>,
    pub(crate) alias: Option<String>,
}

/// The connections that have been recorded.
#[derive(Debug, Default)]
pub(crate) struct Known(Mutex<HashSet<(WriterId, Connection)>>);

impl Known {
    /// Returns whether `connection` is used for the first time, as far as `audit` is told.
    pub(crate) fn is_first(&self, connection: &Connection, audit: &Audit) -> bool {
        let mut known = lock(&self.0);
        let used = (audit.writer_id(), connection.clone());
        if known.contains(&used) {
            return false;
        }
        known.len() >= MAX_KNOWN || known.insert(used)
    }
}

impl Connection {
    /// Records that the connection was tried, and how that ended.
    pub(crate) fn record(&self, audit: &Audit, http_status: Option<u16>, error: Option<&str>) {
        let mut event = audit.model_connection(&self.provider);
        event.connection_type("standard");
        if let Some(host) = &self.host {
            event.server_address(host);
        }
        if let Some(port) = self.port {
            event.server_port(port.into());
        }
        if let Some(method) = self.method {
            event.connection_method(method);
        }
        if let Some(alias) = &self.alias {
            event.credential_alias(alias);
        }
        if let Some(status) = http_status {
            event.http_status(status.into());
        }
        if let Some(error) = error {
            event.error_type(error);
        }
        event.status(if error.is_some() {
            Status::Error
        } else {
            Status::Ok
        });
        event.record();
    }
}
