//! What an adapter costs on an answer of 2,000 chunks, beside the bare client in the same run: time and allocations a chunk on the
//! thread that reads, and how late each chunk is on loopback.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on fails")]
#![expect(clippy::print_stdout, reason = "it prints its figures")]

use std::convert::Infallible;
use std::future::{Ready, poll_fn, ready};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::pin::Pin;
use std::sync::mpsc::{Sender, channel};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use llm_audit_clients::Capture;
use llm_audit_core::{AuditGuard, Facet, Level, Policy, Preset, Retention};
use reqwest_middleware::ClientBuilder;
use tower_layer::Layer;
use tower_service::Service;

const CHUNKS: usize = 2000;
const ROUNDS: usize = 101;
/// Between chunks on loopback: fifteen times as fast as the fastest models talk.
const PACE: Duration = Duration::from_micros(250);
const STREAMS: usize = 6;
const REQUEST: &str =
    r#"{"model":"small","stream":true,"messages":[{"role":"user","content":"Why?"}]}"#;

fn main() {
    // The sinks of another benchmark have rustls built into reqwest, which wants to be told whose cryptography it uses.
    drop(rustls::crypto::ring::default_provider().install_default());
    println!(
        "an answer of {CHUNKS} chunks of {} bytes, read in the process, median of {ROUNDS}:",
        chunk(0).len()
    );
    println!(
        "{:<34} {:>10} {:>18}",
        "", "ns a chunk", "allocations a chunk"
    );
    let logs = [
        None,
        Some(log(Level::Off)),
        Some(log(Level::Full)),
        Some(log(Level::Redacted)),
    ];
    let names = [
        "no adapter",
        "adapter, metadata alone",
        "adapter, text at full",
        "adapter, text redacted",
    ];
    let chunks: Vec<Bytes> = (0..CHUNKS)
        .map(chunk)
        .chain(["data: [DONE]\n\n".into()])
        .collect();
    let mut times: [Vec<u128>; 4] = Default::default();
    for _ in 0..ROUNDS {
        for (log, times) in logs.iter().zip(&mut times) {
            let client = Client(chunks.clone());
            let begun = Instant::now();
            read(client, log.as_ref());
            times.push(begun.elapsed().as_nanos());
        }
    }
    for ((log, name), mut times) in logs.iter().zip(names).zip(times) {
        times.sort_unstable();
        let client = Client(chunks.clone());
        let allocations = allocation_counter::measure(|| read(client, log.as_ref())).count_total;
        let nanos = times.get(ROUNDS / 2).unwrap() / CHUNKS as u128;
        println!(
            "{name:<34} {nanos:>10} {:>18.3}",
            allocations as f64 / CHUNKS as f64
        );
    }
    let [_, _, full, _] = &logs;
    println!(
        "\non loopback, a chunk every {} µs, {STREAMS} streams each, µs from the server's write to the reader:",
        PACE.as_micros()
    );
    println!("{:<34} {:>8} {:>8} {:>8}", "", "p50", "p90", "p99");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut late: [Vec<u128>; 2] = Default::default();
    for _ in 0..STREAMS {
        late[0].extend(runtime.block_on(stream(None)));
        late[1].extend(runtime.block_on(stream(full.as_ref())));
    }
    for (name, mut late) in ["no adapter", "adapter, text at full"]
        .into_iter()
        .zip(late)
    {
        late.sort_unstable();
        let at = |percent: usize| {
            late.get(late.len() * percent / 100)
                .copied()
                .unwrap_or_default()
        };
        println!("{name:<34} {:>8} {:>8} {:>8}", at(50), at(90), at(99));
    }
    for log in logs.into_iter().flatten() {
        assert_eq!(log.shutdown(Duration::from_secs(30)).counters.lost(), 0);
    }
}

/// A log that keeps what is said at `level`.
fn log(level: Level) -> AuditGuard {
    let policy = Policy::builder()
        .preset(Preset::Operations)
        .retention(Retention::Days30);
    let policy = policy
        .facet(Facet::Prompt, level)
        .facet(Facet::Response, level);
    let dir = tempfile::tempdir().unwrap().keep();
    llm_audit_core::builder()
        .policy(policy.build().unwrap())
        .journal(dir)
        .spawn()
        .unwrap()
}

/// A chunk as OpenAI's.
fn chunk(number: usize) -> Bytes {
    let content = ["The", " sky", " is", " blue", ",\\n"]
        .get(number % 5)
        .unwrap();
    format!(
        "data: {{\"id\":\"chatcmpl-9fKx2\",\"object\":\"chat.completion.chunk\",\"created\":1790000000,\"model\":\"small-1\",\
         \"system_fingerprint\":\"fp_1\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{content}\"}},\"logprobs\":null,\"finish_reason\":null}}]}}\n\n"
    )
    .into()
}

/// An answer that is there.
struct Chunks(std::vec::IntoIter<Bytes>);

impl Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.next().map(|chunk| Ok(Frame::data(chunk))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

/// A client that is answered at once.
#[derive(Clone)]
struct Client(Vec<Bytes>);

impl Service<Request<Full<Bytes>>> for Client {
    type Response = Response<Chunks>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Chunks>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Full<Bytes>>) -> Self::Future {
        let response = Response::builder().header("content-type", "text/event-stream");
        let chunks = std::mem::take(&mut self.0);
        ready(Ok(response.body(Chunks(chunks.into_iter())).unwrap()))
    }
}

/// Asks, and reads the answer to its end.
fn read(mut client: Client, log: Option<&AuditGuard>) {
    let uri = "https://api.openai.com/v1/chat/completions";
    let request = Request::post(uri).body(Full::from(REQUEST)).unwrap();
    match log {
        None => drain(now(client.call(request)).unwrap().into_body()),
        Some(log) => {
            let mut client = Capture::new(log).layer(client);
            drain(now(client.call(request)).unwrap().into_body());
        }
    }
}

fn now<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let mut task = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut task) {
            return output;
        }
    }
}

fn drain<B: Body<Data = Bytes>>(body: B) {
    let mut body = std::pin::pin!(body);
    let mut bytes = 0;
    while let Some(Ok(frame)) = now(poll_fn(|task| body.as_mut().poll_frame(task))) {
        bytes += frame.data_ref().map_or(0, Bytes::len);
    }
    assert!(bytes > CHUNKS);
}

/// Streams an answer over loopback, and returns how many microseconds each chunk took to the reader.
async fn stream(log: Option<&AuditGuard>) -> Vec<u128> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!(
        "http://{}/v1/chat/completions",
        listener.local_addr().unwrap()
    );
    let (written, when) = channel();
    thread::spawn(move || serve(listener.accept().unwrap().0, &written));
    let client = ClientBuilder::new(reqwest::Client::builder().no_proxy().build().unwrap());
    let client = match log {
        Some(log) => client.with(Capture::new(log)),
        None => client,
    };
    let request = client
        .build()
        .post(url)
        .header("content-type", "application/json")
        .body(REQUEST);
    let mut answer = request.send().await.unwrap();
    let (mut came, mut last) = (Vec::with_capacity(CHUNKS), 0);
    while let Some(bytes) = answer.chunk().await.unwrap() {
        let at = Instant::now();
        for byte in bytes {
            if byte == b'\n' && last == b'\n' {
                came.push(at);
            }
            last = byte;
        }
    }
    let late = when
        .iter()
        .zip(came)
        .map(|(written, came)| came.duration_since(written).as_micros());
    late.collect()
}

fn serve(mut stream: TcpStream, written: &Sender<Instant>) {
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    reader.read_exact(&mut vec![0; length]).unwrap();
    let head =
        "HTTP/1.1 200 x\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let begun = Instant::now();
    for number in 0..CHUNKS {
        let at = PACE * u32::try_from(number).unwrap();
        thread::sleep(at.saturating_sub(begun.elapsed()));
        let chunk = chunk(number);
        let mut bytes = format!("{:x}\r\n", chunk.len()).into_bytes();
        bytes.extend_from_slice(&chunk);
        bytes.extend_from_slice(b"\r\n");
        written.send(Instant::now()).ok();
        stream.write_all(&bytes).unwrap();
    }
    stream
        .write_all(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
        .unwrap();
}
