//! A receiver in this process, that does as it is told.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use socket2::SockRef;

/// What the server does with one request.
#[derive(Clone, Debug)]
pub(crate) enum Do {
    /// Answers these bytes and keeps the connection.
    Answer(Vec<u8>),
    /// Answers these bytes and closes the connection.
    AnswerAndClose(Vec<u8>),
    /// Closes the connection without an answer, once it has the request.
    Close,
    /// Resets the connection, once it has the request.
    Reset,
    /// Resets the connection, when it has the headers.
    ResetEarly,
    /// Says nothing until the client goes away.
    Silence,
    /// Sends these bytes, one every ten milliseconds, until the client goes away.
    Drip(Vec<u8>),
    /// Does what follows from the request's body.
    Decide(fn(&[u8]) -> Self),
    /// Sends the first bytes, then the others again and again until the client goes away.
    Flood(Vec<u8>, Vec<u8>),
}

impl Do {
    pub(crate) fn status(status: u16) -> Self {
        Self::with(status, "", b"")
    }

    /// Answers with more header lines, each with its end, and a body.
    pub(crate) fn with(status: u16, headers: &str, body: &[u8]) -> Self {
        let head = format!(
            "HTTP/1.1 {status} Said\r\nContent-Length: {}\r\n{headers}\r\n",
            body.len()
        );
        // A 204 has neither body nor length.
        let head = match status {
            204 => head.replace("Content-Length: 0\r\n", ""),
            _ => head,
        };
        Self::Answer([head.as_bytes(), body].concat())
    }

    pub(crate) fn json(status: u16, body: &str) -> Self {
        Self::with(
            status,
            "Content-Type: application/json\r\n",
            body.as_bytes(),
        )
    }
}

/// A request, as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// What the server did with it.
    pub(crate) action: Do,
}

impl Request {
    /// Returns whether it was answered with 200.
    pub(crate) fn is_taken(&self) -> bool {
        matches!(&self.action, Do::Answer(answer) if answer.starts_with(b"HTTP/1.1 200"))
    }

    /// Returns the header's value; its name is in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        found.next().map(|(_, value)| value.as_str())
    }
}

#[derive(Debug, Default)]
struct State {
    script: VecDeque<Do>,
    otherwise: Option<Do>,
    requests: Vec<Request>,
    connections: usize,
}

/// A listening server; it lives as long as the process.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    scheme: &'static str,
    state: Arc<Mutex<State>>,
}

impl Server {
    /// Does what the script says, then answers 200.
    pub(crate) fn new(script: impl IntoIterator<Item = Do>) -> Self {
        Self::listen(script, None)
    }

    pub(crate) fn tls(config: ServerConfig) -> Self {
        Self::listen([], Some(Arc::new(config)))
    }

    fn listen(script: impl IntoIterator<Item = Do>, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            scheme: if tls.is_some() { "https" } else { "http" },
            state: Arc::default(),
        };
        server.state.lock().unwrap().script.extend(script);
        let state = Arc::clone(&server.state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                state.lock().unwrap().connections += 1;
                let (state, tls) = (Arc::clone(&state), tls.clone());
                // What goes wrong with one client is that client's matter.
                thread::spawn(move || match tls {
                    Some(config) => {
                        let connection = ServerConnection::new(config).unwrap();
                        let socket = stream.try_clone().unwrap();
                        serve(StreamOwned::new(connection, stream), &socket, &state)
                    }
                    None => serve(stream.try_clone().unwrap(), &stream, &state),
                });
            }
        });
        server
    }

    /// Does this once the script is over.
    pub(crate) fn otherwise(self, action: Do) -> Self {
        self.state.lock().unwrap().otherwise = Some(action);
        self
    }

    pub(crate) fn set_otherwise(&self, action: Do) {
        self.state.lock().unwrap().otherwise = Some(action);
    }

    pub(crate) fn url(&self) -> String {
        format!("{}://{}/events?key=url-secret", self.scheme, self.address)
    }

    /// Returns the address under another name of this machine.
    pub(crate) fn url_at(&self, host: &str) -> String {
        format!("{}://{host}:{}/events", self.scheme, self.address.port())
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.state.lock().unwrap().requests.clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.state.lock().unwrap().connections
    }
}

fn serve(stream: impl Read + Write, socket: &TcpStream, state: &Mutex<State>) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let (line, headers) = read_head(&mut stream)?;
        if line.is_empty() {
            return Ok(());
        }
        let action = {
            let mut state = state.lock().unwrap();
            let next = state.script.pop_front();
            next.or_else(|| state.otherwise.clone())
        };
        let action = action.unwrap_or_else(|| Do::status(200));
        let reset = || SockRef::from(socket).set_linger(Some(Duration::ZERO));
        if matches!(action, Do::ResetEarly) {
            return reset();
        }
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let mut body = vec![0; length.map_or(0, |(_, length)| length.parse().unwrap())];
        stream.read_exact(&mut body)?;
        let action = match action {
            Do::Decide(decide) => decide(&body),
            action => action,
        };
        let request = Request {
            line,
            headers,
            body,
            action: action.clone(),
        };
        state.lock().unwrap().requests.push(request);
        let out = stream.get_mut();
        match action {
            Do::Answer(bytes) => out.write_all(&bytes)?,
            Do::AnswerAndClose(bytes) => {
                out.write_all(&bytes)?;
                return out.flush();
            }
            Do::Close | Do::Decide(_) => return Ok(()),
            Do::Reset | Do::ResetEarly => return reset(),
            Do::Silence => {
                stream.read_to_end(&mut Vec::new())?;
                return Ok(());
            }
            Do::Drip(bytes) => {
                for byte in bytes.iter().cycle() {
                    out.write_all(&[*byte])?;
                    out.flush()?;
                    thread::sleep(Duration::from_millis(10));
                }
            }
            Do::Flood(first, again) => {
                out.write_all(&first)?;
                loop {
                    out.write_all(&again)?;
                }
            }
        }
        stream.get_mut().flush()?;
    }
}

fn read_head(stream: &mut impl BufRead) -> io::Result<(String, Vec<(String, String)>)> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        stream.read_line(&mut header)?;
        let Some((name, value)) = header.split_once(':') else {
            return Ok((line.trim_end().to_owned(), headers));
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}
