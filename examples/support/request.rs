//! A server that reads one request after the other, each from a connection of its own.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpListener;

/// A request that was read as a whole.
pub(crate) struct Request {
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// Returns a header, or nothing; `name` is in lower case.
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }
}

/// Answers each request with the status that `answer` returns for it, or not at all.
pub(crate) fn serve(
    listener: &TcpListener,
    mut answer: impl FnMut(&Request) -> io::Result<Option<u16>>,
) -> io::Result<()> {
    for stream in listener.incoming() {
        let mut stream = BufReader::new(stream?);
        let Ok(request) = read(&mut stream) else {
            continue;
        };
        if let Some(status) = answer(&request)? {
            let head = "Said\r\nconnection: close\r\ncontent-length: 0";
            // Who does not wait for the answer sends the request again.
            write!(stream.get_mut(), "HTTP/1.1 {status} {head}\r\n\r\n").ok();
        }
    }
    Ok(())
}

fn read(stream: &mut impl BufRead) -> io::Result<Request> {
    let mut headers = Vec::new();
    let mut line = String::new();
    stream.read_line(&mut line)?;
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.and_then(|(_, length)| length.parse().ok());
    let mut body = Vec::new();
    stream.take(length.unwrap_or(0)).read_to_end(&mut body)?;
    Ok(Request { headers, body })
}
