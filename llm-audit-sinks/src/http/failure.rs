//! Requests without an answer: what happened, and whether somebody has to mend something.

use std::error::Error as StdError;
use std::io;

use llm_audit_core::SinkError;
use rustls::AlertDescription;

/// Returns what follows when a request to `origin` got no answer.
///
/// Of the error, only what the system or TLS says is shown: it names no address and no header.
pub(super) fn sink_error(origin: &str, error: &reqwest::Error) -> SinkError {
    match no_answer(origin, error) {
        (message, true) => SinkError::misconfigured(message),
        (message, false) => SinkError::retry(message),
    }
}

/// Returns what happened in words, and whether somebody has to mend something.
pub(crate) fn no_answer(origin: &str, error: &reqwest::Error) -> (String, bool) {
    let tls = find::<rustls::Error>(error);
    let what = if error.is_timeout() && error.is_connect() {
        "did not take a connection in time".to_owned()
    } else if error.is_timeout() {
        "did not answer in time".to_owned()
    } else if let Some(tls) = tls {
        format!("cannot be talked to by TLS: {tls}")
    } else {
        let what = if error.is_connect() {
            "takes no connection"
        } else {
            "did not answer"
        };
        let cause = find::<io::Error>(error).map(system);
        match cause.filter(|cause| !cause.is_empty()) {
            Some(cause) => format!("{what}: {cause}"),
            None => what.to_owned(),
        }
    };
    (format!("{origin} {what}"), tls.is_some_and(is_to_be_mended))
}

/// Whether the other side's certificate or ours is to blame, or it is not TLS that is spoken there.
fn is_to_be_mended(error: &rustls::Error) -> bool {
    use AlertDescription as Alert;

    match error {
        rustls::Error::AlertReceived(alert) => !matches!(
            alert,
            Alert::CloseNotify | Alert::InternalError | Alert::UserCanceled | Alert::BadRecordMac
        ),
        rustls::Error::InvalidCertificate(_)
        | rustls::Error::InvalidMessage(_)
        | rustls::Error::NoCertificatesPresented
        | rustls::Error::PeerIncompatible(_)
        | rustls::Error::UnsupportedNameType => true,
        _ => false,
    }
}

/// What the system says, which is a fixed text; others' texts are not shown.
fn system(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(_) => error.to_string(),
        None => error.kind().to_string(),
    }
}

/// Returns the innermost cause of that type; `io::Error` hides its own.
fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let mut found = error.downcast_ref();
    let mut next = error.source();
    let mut hidden = inner(error);
    while let Some(cause) = hidden.or(next) {
        found = cause.downcast_ref().or(found);
        next = cause.source();
        hidden = inner(cause);
    }
    found
}

fn inner<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    let inner = error.downcast_ref::<io::Error>()?.get_ref()?;
    Some(inner)
}
