//! A receiver of events over HTTP, which does as it is told.

use std::collections::HashSet;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde::Deserialize;

use crate::program::Promise;

/// What it does with a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Do {
    /// Takes the events, and says so.
    Answer,
    /// Takes the events, and the connection ends before it has said so.
    Forget,
    /// Reads what comes and says nothing, until the sender goes away.
    Nothing,
    /// Reads half of the body, and resets the connection.
    Reset,
    /// Takes the events, and says so in a byte now and then.
    Drip,
}

type Order = Arc<Mutex<Do>>;
/// Events, by their writers and ids.
type Ids = Arc<Mutex<HashSet<(String, String)>>>;

/// A receiver; it listens as long as the tests run.
pub(crate) struct Receiver {
    address: SocketAddr,
    order: Order,
    received: Ids,
}

/// The members of an event that matter here.
#[derive(Deserialize)]
struct Line {
    writer_id: String,
    event_id: String,
}

impl Receiver {
    /// Listens in the network that this thread is in.
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let receiver = Self {
            address: listener.local_addr().unwrap(),
            order: Arc::new(Mutex::new(Do::Answer)),
            received: Ids::default(),
        };
        let (order, received) = (Arc::clone(&receiver.order), Arc::clone(&receiver.received));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (order, received) = (Arc::clone(&order), Arc::clone(&received));
                // What goes wrong with a connection is the sender's matter.
                thread::spawn(move || drop(serve(&stream, &order, &received)));
            }
        });
        receiver
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn url(&self, host: &str) -> String {
        format!("http://{host}:{}/", self.port())
    }

    pub(crate) fn order(&self, what: Do) {
        *lock(&self.order) = what;
    }

    /// Returns how many events it has.
    pub(crate) fn count(&self) -> usize {
        lock(&self.received).len()
    }

    /// Returns how many of these it does not have.
    pub(crate) fn misses(&self, promised: &[Promise]) -> usize {
        let received = lock(&self.received);
        let key = |promise: &Promise| (promise.writer.clone(), promise.event.clone());
        let missing = promised.iter().filter(|one| !received.contains(&key(one)));
        missing.count()
    }
}

fn serve(stream: &TcpStream, order: &Order, received: &Ids) -> io::Result<()> {
    let mut input = BufReader::new(stream);
    while let Some(length) = body_length(&mut input)? {
        let order = *lock(order);
        let wanted = match order {
            Do::Nothing => 0,
            Do::Reset => length / 2,
            Do::Answer | Do::Forget | Do::Drip => length,
        };
        let mut body = vec![0; wanted];
        input.read_exact(&mut body)?;
        let mut answer = "HTTP/1.1 200 Taken\r\nContent-Length: 0\r\n\r\n".as_bytes();
        match order {
            Do::Nothing => return io::copy(&mut input, &mut io::sink()).map(drop),
            // What is closed with bytes that nobody has read is reset.
            Do::Reset => return Ok(()),
            Do::Answer | Do::Forget | Do::Drip => {
                let lines = body.split(|byte| *byte == b'\n');
                let lines = lines.filter(|line| !line.is_empty());
                let events = lines.map(|line| serde_json::from_slice(line).unwrap());
                let ids = events.map(|line: Line| (line.writer_id, line.event_id));
                lock(received).extend(ids);
            }
        }
        match order {
            Do::Forget => return Ok(()),
            Do::Drip => {
                while let Some((byte, rest)) = answer.split_first() {
                    (&mut &*stream).write_all(&[*byte])?;
                    answer = rest;
                    thread::sleep(TICK);
                }
            }
            _ => (&mut &*stream).write_all(answer)?,
        }
    }
    Ok(())
}

const TICK: Duration = Duration::from_millis(100);

/// Reads the head of a request, and returns the length of its body; `None` at the end.
fn body_length(input: &mut impl BufRead) -> io::Result<Option<usize>> {
    let mut length = None;
    for line in input.lines() {
        let line = line?.to_ascii_lowercase();
        if line.is_empty() {
            return Ok(length);
        }
        if let Some(number) = line.strip_prefix("content-length:") {
            length = number.trim().parse().ok();
        }
    }
    Ok(None)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
