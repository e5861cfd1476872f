//! What the three kinds of servers are asked, and what follows from their answers. The servers are in
//! this process and answer as they are told: none of them is the real one.

use std::sync::Arc;

use llm_audit_core::SinkError;
use llm_audit_core::vfs::{MemVfs, Vfs, VfsFile};

use super::super::{AzureConfig, GcsConfig, S3Config, Store, Tries, Upload};
use crate::http::tests::runtime;
use crate::http::tests::server::{Do, Server};

const SECRET: &str = "kolibradu";

fn s3(url: &str) -> Store {
    let config = S3Config::new("logs", "eu-central-1").endpoint(url);
    Store::s3(config.credentials(SECRET, SECRET).session_token(SECRET)).unwrap()
}

fn gcs(url: &str) -> Store {
    let key = format!(
        r#"{{"private_key":"{SECRET}","private_key_id":"{SECRET}","client_email":"","disable_oauth":true}}"#
    );
    Store::gcs(
        GcsConfig::new("logs")
            .endpoint(url)
            .service_account_key(key),
    )
    .unwrap()
}

fn azure(url: &str) -> Store {
    // "kolibradu" in base64.
    let config = AzureConfig::new("account", "logs").endpoint(url);
    Store::azure(config.access_key("a29saWJyYWR1")).unwrap()
}

fn origin(server: &Server) -> String {
    server
        .url()
        .split('/')
        .take(3)
        .collect::<Vec<_>>()
        .join("/")
}

fn file(content: &[u8]) -> Arc<dyn VfsFile> {
    let vfs = MemVfs::new();
    vfs.put("/file".as_ref(), content.to_vec());
    vfs.open("/file".as_ref(), llm_audit_core::vfs::Access::Read)
        .unwrap()
}

fn put(store: &Store, replace: bool) -> Result<bool, SinkError> {
    let objects = store.objects(Tries::One).unwrap();
    let file = file(b"events");
    let upload = Upload::new(
        "v1/date=2026-11-22/name.parquet".to_owned(),
        Arc::clone(&file),
    )
    .unwrap();
    let put = runtime().block_on(objects.put(&upload, replace));
    put.map_err(SinkError::from)
}

#[test]
fn an_object_is_created_with_its_checksum_and_only_if_there_is_none() {
    type Kind = (fn(&str) -> Store, &'static str, &'static str, &'static str);
    let kinds: [Kind; 3] = [
        (s3, "/logs/", "if-none-match", "x-amz-meta-sha256"),
        (
            gcs,
            "/logs/",
            "x-goog-if-generation-match",
            "x-goog-meta-sha256",
        ),
        (azure, "/logs/", "if-none-match", "x-ms-meta-sha256"),
    ];
    for (store, bucket, condition, checksum) in kinds {
        let server = Server::new([]).otherwise(Do::with(
            201,
            "ETag: \"1\"\r\nx-goog-generation: 1\r\n",
            b"",
        ));
        let store = store(&origin(&server)).below("audit").unwrap();
        assert!(put(&store, false).unwrap(), "{store}");
        let request = server.requests().remove(0);
        let line = [("%2F", "/"), ("%3D", "="), ("%2D", "-"), ("%2E", ".")]
            .iter()
            .fold(request.line.clone(), |line, (from, to)| {
                line.replace(from, to)
            });
        let key = format!("PUT {bucket}audit/v1/date=2026-11-22/name.parquet ");
        assert!(line.starts_with(&key), "{line}");
        assert!(
            ["*", "0"].contains(&request.header(condition).unwrap()),
            "{store}"
        );
        let sha256 = "b1b0bbbd6d1d8d24f8e1d0a0ff5d6b6b";
        assert_eq!(
            request.header(checksum).map(str::len),
            Some(2 * sha256.len()),
            "{store}"
        );
        assert_eq!(request.body, b"events");
        // There is one already.
        for status in [409, 412] {
            let server = Server::new([]).otherwise(Do::status(status));
            let place = match condition {
                "x-goog-if-generation-match" => gcs(&origin(&server)),
                _ if checksum.starts_with("x-ms") => azure(&origin(&server)),
                _ => s3(&origin(&server)),
            };
            assert!(!put(&place, false).unwrap(), "{place}: {status}");
        }
    }
}

#[test]
fn what_only_somebody_can_mend_is_told_so_and_no_error_shows_a_secret() {
    let body =
        format!("<Error><Code>{SECRET}</Code><AWSAccessKeyId>{SECRET}</AWSAccessKeyId></Error>");
    let answer = |status| Do::with(status, "", body.as_bytes());
    let cases = [
        (answer(400), true),
        (answer(401), true),
        (answer(403), true),
        (answer(404), true),
        (answer(301), true),
        (answer(501), true),
        (answer(429), false),
        (answer(500), false),
        (answer(503), false),
        (Do::Close, false),
        (Do::Reset, false),
    ];
    for store in [s3, gcs, azure] {
        for (action, to_be_mended) in &cases {
            let server = Server::new([]).otherwise(action.clone());
            let store = store(&origin(&server));
            let error = put(&store, true).unwrap_err();
            assert!(error.is_retry());
            assert_eq!(error.is_misconfigured(), *to_be_mended, "{store}: {error}");
            let shown = format!("{error} {error:?} {store} {store:?}");
            assert!(
                !shown.contains(SECRET) && !shown.contains("a29saWJyYWR1"),
                "{shown}"
            );
            assert!(
                shown.contains("logs/v1/date=2026-11-22/name.parquet"),
                "{shown}"
            );
            // To try again is the log's business.
            assert_eq!(server.requests().len(), 1, "{store}: {error}");
        }
    }
}

#[test]
fn nobody_elses_credentials_are_taken_and_nothing_goes_in_the_clear() {
    let far = "http://s3.example.org";
    assert!(Store::s3(S3Config::new("logs", "eu").endpoint("http://localhost")).is_err());
    let config = S3Config::new("logs", "eu").credentials(SECRET, SECRET);
    assert!(Store::s3(config.clone().endpoint(far)).is_err());
    assert!(Store::s3(config.endpoint("http://localhost")).is_ok());
    let query = S3Config::new("logs", "eu").endpoint("http://localhost?a=b");
    assert!(Store::s3(query.credentials(SECRET, SECRET)).is_err());
    let with_header = crate::http::Endpoint::new("http://localhost").bearer(SECRET);
    let config = GcsConfig::new("logs")
        .endpoint(with_header)
        .service_account_key(SECRET);
    let error = Store::gcs(config).unwrap_err();
    assert!(!format!("{error} {error:?}").contains(SECRET), "{error}");
    let unreadable = GcsConfig::new("logs")
        .endpoint("http://localhost")
        .service_account_key(SECRET);
    let error = Store::gcs(unreadable).unwrap_err();
    assert!(!format!("{error} {error:?}").contains(SECRET), "{error}");
}
