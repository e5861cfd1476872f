//! Receives signed events over HTTP and keeps each once; a sender in the same program sends some.
#![expect(clippy::print_stdout, reason = "the examples print")]

mod support;

use std::collections::HashSet;
use std::error::Error;
use std::{fs, io, io::Write, net::TcpListener, thread};

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use llm_audit::{Clock, Event, SystemClock, sinks::http::Endpoint};
use support::request::{Request, serve};

const KEY: &[u8] = b"a secret that both of them know";

fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let endpoint = Endpoint::new(format!("http://{}/", listener.local_addr()?)).signing_key(KEY);
    let (temp, mut keys, mut ids) = (tempfile::tempdir()?, HashSet::new(), HashSet::new());
    let mut store = fs::File::create(temp.path().join("received.jsonl"))?;
    let mut answers = false;
    thread::spawn(move || {
        serve(&listener, |request| {
            if !is_genuine(request) {
                return Ok(Some(401));
            }
            if keys.insert(request.header("webhook-id").to_owned()) {
                for line in request.body.split_inclusive(|byte| *byte == b'\n') {
                    let event = Event::from_json(line).map_err(io::Error::other)?;
                    if ids.insert(event.event_id()) {
                        store.write_all(line)?;
                    }
                }
                store.sync_data()?; // what is answered with 200 is kept
            }
            // The first answer is lost, so that a request comes again.
            Ok(std::mem::replace(&mut answers, true).then_some(200))
        })
    });
    println!("{}", support::send::calls(500, endpoint)?);
    let received = fs::read_to_string(temp.path().join("received.jsonl"))?;
    assert_eq!(received.matches("\"kind\":\"interaction\"").count(), 500);
    Ok(())
}

fn is_genuine(request: &Request) -> bool {
    let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let [id, sent, code] = names.map(|name| request.header(name));
    let now = SystemClock::new().now().as_unix_micros() / 1_000_000;
    let code = STANDARD.decode(code.trim_start_matches("v1,"));
    let mac = Hmac::<sha2::Sha256>::new_from_slice(KEY);
    let (Ok(sent), Ok(code), Ok(mac)) = (sent.parse::<i64>(), code, mac) else {
        return false;
    };
    let mac = mac
        .chain_update(format!("{id}.{sent}."))
        .chain_update(&request.body);
    now.abs_diff(sent) < 300 && mac.verify_slice(&code).is_ok()
}
