//! A provider for those who have none at hand: it gives one answer, whole or as a stream.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

const WHOLE: &str = r#"{"id":"c-1","object":"chat.completion","created":1700000000,"model":"scripted-1","choices":[{"index":0,"message":{"role":"assistant","content":"Air scatters blue light most."},"finish_reason":"stop"}],"usage":{"prompt_tokens":12,"completion_tokens":6,"total_tokens":18}}"#;

const PIECES: &[&str] = &[
    r#"{"id":"c-2","object":"chat.completion.chunk","created":1700000000,"model":"scripted-1","choices":[{"index":0,"delta":{"role":"assistant","content":"Two: "},"finish_reason":null}]}"#,
    r#"{"id":"c-2","object":"chat.completion.chunk","created":1700000000,"model":"scripted-1","choices":[{"index":0,"delta":{"content":"Phobos and Deimos."},"finish_reason":"stop"}]}"#,
    r#"{"id":"c-2","object":"chat.completion.chunk","created":1700000000,"model":"scripted-1","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":5,"total_tokens":12}}"#,
    "[DONE]",
];

/// Starts the provider and returns its base URL.
pub(crate) async fn start() -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/v1", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(BufReader::new(stream)));
        }
    });
    Ok(url)
}

async fn serve(mut stream: BufReader<TcpStream>) -> io::Result<()> {
    let request = read_body(&mut stream).await?;
    let (kind, body) = if String::from_utf8_lossy(&request).contains(r#""stream":true"#) {
        let body = PIECES
            .iter()
            .map(|piece| format!("data: {piece}\n\n"))
            .collect();
        ("text/event-stream", body)
    } else {
        ("application/json", WHOLE.to_owned())
    };
    let answer =
        format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: {kind}\r\n\r\n{body}");
    stream.write_all(answer.as_bytes()).await
}

async fn read_body(stream: &mut BufReader<TcpStream>) -> io::Result<Vec<u8>> {
    let (mut line, mut length) = (String::new(), 0);
    while stream.read_line(&mut line).await? > 2 {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        line.clear();
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(body)
}
