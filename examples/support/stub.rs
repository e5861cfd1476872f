//! A server for those who have no model at hand; it streams on request.

use std::io;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::answers;

/// Starts the server and returns its base URL.
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
    let body: Value = serde_json::from_slice(&read_body(&mut stream).await?)?;
    let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type:";
    let answer = answers::answer(&body);
    if let ([reply], false) = (answer.as_slice(), answers::is_stream(&body)) {
        let reply = format!("{head} application/json\r\n\r\n{reply}");
        return stream.write_all(reply.as_bytes()).await;
    }
    let mut out = format!("{head} text/event-stream\r\n\r\n");
    for chunk in answer {
        out += &format!("data: {chunk}\n\n");
        stream.write_all(out.as_bytes()).await?;
        out.clear();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stream.write_all(b"data: [DONE]\n\n").await
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
