//! A client that sends to the gateway is audited, whatever it is written in.
#![cfg(test)]
#![cfg(feature = "gateway")]

mod common;

use std::net::TcpListener;

use common::{ANSWER, Answer, CHAT, PIECES, http, log, provider};
use llm_audit_clients::Capture;
use llm_audit_clients::gateway::Gateway;
use llm_audit_core::{AuditGuard, Facet, Field, Kind, Status};
use reqwest::{RequestBuilder, StatusCode};

/// Starts a gateway to `upstream` and returns its URL.
fn gateway(log: &AuditGuard, upstream: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let gateway = Gateway::new(Capture::new(log), http(), upstream).unwrap();
    tokio::spawn(async move { gateway.serve(listener, std::future::pending()).await });
    url
}

fn post(url: &str, path: &str, body: &'static str) -> RequestBuilder {
    http()
        .post(format!("{url}{path}"))
        .header("content-type", "application/json")
        .body(body)
}

#[tokio::test]
async fn an_answer_goes_through_and_is_an_event_of_its_user() {
    let (log, probe) = log();
    let provider = provider(vec![Answer::whole()]);
    let url = gateway(&log, &provider.url);
    let request = post(&url, "/v1/chat/completions?a=b", CHAT).header("x-audit-user", "ada");
    let request = request
        .header("authorization", "Bearer sk-secret")
        .header("accept-encoding", "gzip");
    let response = request.send().await.unwrap();
    let event_id = response.headers()["x-audit-event-id"]
        .to_str()
        .unwrap()
        .to_owned();
    assert_eq!(response.text().await.unwrap(), ANSWER);
    let asked = provider.asked.recv().unwrap();
    assert!(asked.starts_with("POST /v1/chat/completions?a=b ") && asked.ends_with(CHAT));
    assert!(
        asked.contains("Bearer sk-secret"),
        "credentials are the provider's"
    );
    assert!(!asked.contains("x-audit") && !asked.contains("gzip"));
    let check = probe.one_of(Kind::Interaction);
    check.status(Status::Ok).prompt("Why?").response("So.");
    check.field(Field::UserId, "ada");
    assert_eq!(
        probe.kind(Kind::Interaction)[0].event_id().to_string(),
        event_id
    );
}

#[tokio::test]
async fn each_piece_goes_through_before_the_next_is_sent() {
    let (log, probe) = log();
    let provider = provider(vec![Answer::stream()]);
    let url = gateway(&log, &provider.url);
    let mut response = post(&url, "/v1/chat/completions", CHAT)
        .send()
        .await
        .unwrap();
    for piece in PIECES {
        assert_eq!(response.chunk().await.unwrap().unwrap(), piece);
        provider.next.send(()).ok();
    }
    assert!(response.chunk().await.unwrap().is_none());
    probe
        .one_of(Kind::Interaction)
        .status(Status::Ok)
        .response("So.");
}

#[tokio::test]
async fn headers_only_narrow_and_what_is_not_understood_is_not_sent() {
    let (log, probe) = log();
    let provider = provider(vec![Answer::whole()]);
    let url = gateway(&log, &provider.url);
    let chat = || post(&url, "/v1/chat/completions", CHAT);
    let wrong = chat()
        .header("x-audit-narrow", "prompt=nothing")
        .send()
        .await
        .unwrap();
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
    assert!(provider.asked.try_recv().is_err());
    let narrowed = chat().header("x-audit-narrow", "response=off, tool_io=full");
    narrowed.send().await.unwrap().bytes().await.unwrap();
    probe
        .one_of(Kind::Interaction)
        .prompt("Why?")
        .absent(Facet::Response)
        .absent(Facet::ToolIo);
}

#[tokio::test]
async fn what_is_said_later_finds_its_event() {
    let (log, probe) = log();
    let url = gateway(&log, "http://127.0.0.1:9");
    let id = "019b76da-a800-7000-8000-000000000001";
    let say = |fact: &str, body| post(&url, &format!("/audit/v1/events/{id}/{fact}"), body).send();
    for (fact, body) in [
        ("feedback", r#"{"thumb":"up","rating":4,"edited":false}"#),
        (
            "evaluation",
            r#"{"name":"relevance","score":0.5,"passed":true,"label":null}"#,
        ),
        ("correction", r#"{"text":"Because."}"#),
        ("consent", r#"{"training_allowed":false}"#),
    ] {
        assert_eq!(
            say(fact, body).await.unwrap().status(),
            StatusCode::ACCEPTED,
            "{fact}"
        );
    }
    for (fact, body, problem) in [
        ("feedback", r#"{"thumb":7}"#, "`thumb` is not a string"),
        ("feedback", r#"{"secret":7}"#, "a member that is not known"),
        (
            "evaluation",
            r#"{"name":"a","passed":"yes"}"#,
            "`passed` is not true or false",
        ),
        ("evaluation", r#"{"name":null}"#, "`name` is missing"),
        ("consent", "{}", "`training_allowed` is missing"),
        ("correction", "text", "no JSON object"),
    ] {
        let response = say(fact, body).await.unwrap();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{fact}");
        let text = response.text().await.unwrap();
        assert!(text.contains(problem), "{text}");
        assert!(text.contains("it may have `"), "{text}");
        assert!(!text.contains("secret"), "{text}");
    }
    assert_eq!(
        say("erasure", "{}").await.unwrap().status(),
        StatusCode::NOT_FOUND
    );
    let form = http()
        .post(format!("{url}/audit/v1/events/{id}/consent"))
        .body(r#"{"training_allowed":true}"#);
    assert_eq!(form.send().await.unwrap().status(), StatusCode::BAD_REQUEST);
    probe
        .one_of(Kind::Feedback)
        .field(Field::FeedbackThumb, "up")
        .field(Field::TargetEventId, id);
    probe
        .one_of(Kind::Evaluation)
        .field(Field::TargetEventId, id);
    probe
        .one_of(Kind::Correction)
        .field(Field::TargetEventId, id);
    probe
        .one_of(Kind::Consent)
        .field(Field::TrainingAllowed, false);
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_a_bad_gateway_and_an_event() {
    let (log, probe) = log();
    let upstream = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let url = gateway(&log, &upstream);
    let response = post(&url, "/v1/chat/completions", CHAT)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
    probe
        .one_of(Kind::Interaction)
        .status(Status::Error)
        .error_type("connect");
}

#[tokio::test]
async fn the_gateway_is_for_this_machine_alone() {
    let (log, probe) = log();
    let url = gateway(&log, "http://127.0.0.1:9");
    let request = post(&url, "/v1/chat/completions", CHAT).header("host", "evil.example");
    assert_eq!(
        request.send().await.unwrap().status(),
        StatusCode::MISDIRECTED_REQUEST
    );
    let gateway = Gateway::new(Capture::new(&log), http(), "http://127.0.0.1:9").unwrap();
    let everywhere = TcpListener::bind("0.0.0.0:0").unwrap();
    assert!(
        gateway
            .serve(everywhere, std::future::pending())
            .await
            .is_err()
    );
    assert!(Gateway::new(Capture::new(&log), http(), "file:///etc").is_err());
    probe.none();
}
