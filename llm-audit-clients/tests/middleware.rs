//! Calls through reqwest-middleware are recorded as they are sent and as they come back.
#![cfg(test)]
#![cfg(feature = "reqwest-middleware")]

mod common;

use common::{ANSWER, Answer, CHAT, PIECES, http, log, provider};
use llm_audit_clients::Capture;
use llm_audit_core::{EventId, Field, Kind, Status};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};

fn client(capture: Capture) -> ClientWithMiddleware {
    ClientBuilder::new(http()).with(capture).build()
}

fn post(client: &ClientWithMiddleware, url: &str) -> reqwest_middleware::RequestBuilder {
    let request = client.post(format!("{url}/v1/chat/completions?key=sk-secret"));
    request
        .header("content-type", "application/json")
        .body(CHAT)
}

#[tokio::test]
async fn an_answer_is_the_clients_and_an_event() {
    let (log, probe) = log();
    let provider = provider(vec![Answer::whole()]);
    let url = provider.url.clone();
    let response = post(&client(Capture::new(&log)), &url)
        .send()
        .await
        .unwrap();
    let event_id = *response.extensions().get::<EventId>().unwrap();
    assert_eq!(
        response.url().as_str(),
        format!("{url}/v1/chat/completions?key=sk-secret")
    );
    assert!(response.remote_addr().is_some());
    assert_eq!(response.text().await.unwrap(), ANSWER);
    assert!(
        provider.asked.recv().unwrap().ends_with(CHAT),
        "the request is not changed"
    );
    let check = probe.one_of(Kind::Interaction);
    check
        .status(Status::Ok)
        .model("small-1")
        .prompt("Why?")
        .response("So.");
    check.field(Field::TotalTokens, 7);
    assert_eq!(probe.kind(Kind::Interaction)[0].event_id(), event_id);
    assert!(
        !probe
            .all_events()
            .iter()
            .any(|event| event.to_json().contains("sk-secret"))
    );
}

#[tokio::test]
async fn each_piece_is_handed_on_before_the_next_is_sent() {
    let (log, probe) = log();
    let provider = provider(vec![Answer::stream()]);
    let mut response = post(&client(Capture::new(&log)), &provider.url)
        .send()
        .await
        .unwrap();
    for piece in PIECES {
        assert_eq!(response.chunk().await.unwrap().unwrap(), piece);
        provider.next.send(()).ok();
    }
    drop(response);
    probe
        .one_of(Kind::Interaction)
        .status(Status::Ok)
        .response("So.")
        .field(Field::ChunkCount, 2);
}

#[tokio::test]
async fn a_stream_that_is_dropped_is_cancelled() {
    let (log, probe) = log();
    let provider = provider(vec![Answer::stream()]);
    let mut response = post(&client(Capture::new(&log)), &provider.url)
        .send()
        .await
        .unwrap();
    response.chunk().await.unwrap();
    drop(response);
    probe
        .one_of(Kind::Interaction)
        .status(Status::Cancelled)
        .response("So");
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_an_error_and_the_client_sees_it_too() {
    let (log, probe) = log();
    let provider = provider(vec![Answer::stream()]);
    let mut response = post(&client(Capture::new(&log)), &provider.url)
        .send()
        .await
        .unwrap();
    response.chunk().await.unwrap();
    drop(provider);
    assert!(response.chunk().await.is_err());
    probe
        .one_of(Kind::Interaction)
        .status(Status::Error)
        .error_type("transport")
        .response("So");
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_a_connection_that_failed() {
    let (log, probe) = log();
    let url = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    post(&client(Capture::new(&log)), &url)
        .send()
        .await
        .unwrap_err();
    probe
        .one_of(Kind::Interaction)
        .status(Status::Error)
        .error_type("connect");
    probe
        .one_of(Kind::ModelConnection)
        .status(Status::Error)
        .error_type("connect");
    assert!(
        !probe
            .all_events()
            .iter()
            .any(|event| event.to_json().contains("sk-secret"))
    );
}

#[tokio::test]
async fn failing_closed_a_call_that_cannot_be_recorded_does_not_leave() {
    // This log has no journal, so nothing in it survives a power cut.
    let (log, _probe) = log();
    let provider = provider(vec![Answer::whole()]);
    let error = post(&client(Capture::new(&log).fail_closed()), &provider.url)
        .send()
        .await
        .unwrap_err();
    assert!(error.is_middleware());
    assert!(provider.asked.try_recv().is_err());
}

#[tokio::test]
async fn what_is_no_call_of_a_model_goes_by() {
    let (log, probe) = log();
    let provider = provider(vec![Answer::whole()]);
    let response = client(Capture::new(&log))
        .get(format!("{}/v1/models", provider.url))
        .send()
        .await;
    assert_eq!(response.unwrap().text().await.unwrap(), ANSWER);
    probe.none();
}
