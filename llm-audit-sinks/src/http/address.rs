//! Addresses: which may be used, and what of them may be shown.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use llm_audit_core::Error;
use reqwest::Url;

/// What `localhost` means, whatever a file or a server of names says.
pub(super) const LOOPBACK: [SocketAddr; 2] = [
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
    SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), 0),
];

/// Returns scheme, host and port of an address: what may be shown of it. Its path and its query may
/// hold secrets.
pub(super) fn origin(url: &str) -> String {
    match Url::parse(url) {
        Ok(url) if url.has_host() => url.origin().ascii_serialization(),
        _ => "no address".to_owned(),
    }
}

/// Returns the address of a receiver.
///
/// # Errors
///
/// When it is none, holds credentials, or would send events in the clear to another machine.
pub(super) fn parse(url: &str, plaintext: bool) -> Result<Url, Error> {
    let wrong = |what: &str| {
        let message = format!("the address of the receiver, {}, {what}", origin(url));
        Error::configuration(message)
    };
    let parsed = Url::parse(url).map_err(|error| wrong(&format!("is none: {error}")))?;
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(wrong("holds credentials: give them to `basic`"));
    }
    match parsed.scheme() {
        _ if !parsed.has_host() => Err(wrong("names no host")),
        "https" => Ok(parsed),
        "http" if plaintext || is_loopback(&parsed) => Ok(parsed),
        "http" => Err(wrong(
            "would send events in the clear: say https, or `danger_plaintext`",
        )),
        _ => Err(wrong("begins with neither https nor http")),
    }
}

/// Returns whether the address is of this machine, as no server of names can change.
pub(super) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse();
    host == "localhost" || ip.is_ok_and(|ip: IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_go_in_the_clear_to_this_machine_alone() {
        for url in [
            "https://logs.example.org/a",
            "http://localhost:8080/",
            "http://127.0.0.1/",
            "http://127.8.8.8/",
            "http://[::1]:80/",
        ] {
            assert!(parse(url, false).is_ok(), "{url}");
        }
        for url in [
            "http://logs.example.org/",
            "http://10.0.0.1/",
            "http://localhost.example.org/",
            "http://127.0.0.1.example.org/",
            "http://0.0.0.0/",
            "http://[::]/",
        ] {
            assert!(parse(url, false).is_err(), "{url}");
            assert!(parse(url, true).is_ok(), "{url}");
        }
    }

    #[test]
    fn what_is_no_address_of_a_receiver_is_refused() {
        for url in [
            "",
            "logs.example.org",
            "ftp://example.org/",
            "https://",
            "file:///etc/passwd",
        ] {
            assert!(parse(url, true).is_err(), "{url}");
        }
    }

    #[test]
    fn an_error_shows_no_path_no_query_and_no_credentials() {
        for url in [
            "https://user:hunter2@example.org/",
            "http://example.org/hunter2",
            "ftp://example.org/?key=hunter2",
            "hunter2",
            "hunter2:",
        ] {
            let error = parse(url, false).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }
}
