//! A receiver of either kind on loopback, that can be away: then nothing listens at its address.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use llm_audit::Field;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message;

/// How soon it notices that it is to go or to come.
const TICK: Duration = Duration::from_millis(2);

pub(crate) struct Receiver {
    address: SocketAddr,
    is_there: Arc<AtomicBool>,
    found: Arc<Mutex<Found>>,
}

/// What arrived, without the events: they would be most of the memory.
#[derive(Clone, Default)]
pub(crate) struct Found {
    pub(crate) events: u64,
    pub(crate) twice: u64,
    pub(crate) disordered: u64,
    /// Requests that could not be read.
    pub(crate) unread: u64,
    /// By writer the highest number, and a bit for each.
    seen: BTreeMap<String, (u64, Vec<u64>)>,
}

impl Receiver {
    pub(crate) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let receiver = Self {
            address: listener.local_addr()?,
            is_there: Arc::new(AtomicBool::new(true)),
            found: Arc::default(),
        };
        let (address, is_there) = (receiver.address, Arc::clone(&receiver.is_there));
        let found = Arc::clone(&receiver.found);
        thread::spawn(move || serve(listener, address, &is_there, &found));
        Ok(receiver)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn go_away(&self) {
        self.is_there.store(false, Ordering::Relaxed);
    }

    pub(crate) fn come_back(&self) {
        self.is_there.store(true, Ordering::Relaxed);
    }

    pub(crate) fn found(&self) -> Found {
        self.found
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

fn serve(first: TcpListener, address: SocketAddr, is_there: &AtomicBool, found: &Mutex<Found>) {
    let mut listener = Some(first);
    loop {
        match (&listener, is_there.load(Ordering::Relaxed)) {
            (Some(_), false) => listener = None,
            (None, true) => listener = TcpListener::bind(address).ok(),
            (Some(listener), true) => {
                if let Ok((stream, _)) = listener
                    .set_nonblocking(true)
                    .and_then(|()| listener.accept())
                    && answer(stream, found).is_err()
                {
                    found.lock().unwrap_or_else(PoisonError::into_inner).unread += 1;
                }
            }
            (None, false) => {}
        }
        thread::sleep(TICK);
    }
}

/// Takes the one request of a connection.
fn answer(stream: TcpStream, found: &Mutex<Found>) -> Result<(), Box<dyn Error>> {
    stream.set_nonblocking(false)?;
    let mut stream = BufReader::new(stream);
    let (mut length, mut is_otlp, mut line) = (0, false, String::new());
    while stream.read_line(&mut line)? > 2 {
        if let Some((name, value)) = line.to_ascii_lowercase().split_once(':') {
            match name {
                "content-length" => length = value.trim().parse()?,
                "content-type" => is_otlp = value.contains("protobuf"),
                _ => {}
            }
        }
        line.clear();
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    let events = if is_otlp {
        spans(&body)?
    } else {
        lines(&body)?
    };
    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
    for (writer, number) in events {
        found.add(writer, number);
    }
    let said = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    Ok(stream.get_mut().write_all(said.as_bytes())?)
}

impl Found {
    fn add(&mut self, writer: String, number: u64) {
        let (highest, bits) = self.seen.entry(writer).or_default();
        let (word, bit) = (number as usize / 64, 1_u64 << (number % 64));
        bits.resize(bits.len().max(word + 1), 0);
        let Some(bits) = bits.get_mut(word) else {
            return;
        };
        if *bits & bit != 0 {
            self.twice += 1;
            return;
        }
        *bits |= bit;
        self.events += 1;
        self.disordered += u64::from(number < *highest);
        *highest = number.max(*highest);
    }
}

/// Writer and number of each event of JSON Lines.
fn lines(body: &[u8]) -> Result<Vec<(String, u64)>, Box<dyn Error>> {
    let lines = body
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    let events = lines.map(|line| {
        let event = llm_audit::Event::from_json(line)?;
        Ok((
            event.writer_id().to_string(),
            event.seq().ok_or("no number")?,
        ))
    });
    events.collect()
}

/// Writer and number of each span.
fn spans(body: &[u8]) -> Result<Vec<(String, u64)>, Box<dyn Error>> {
    let request = ExportTraceServiceRequest::decode(body)?;
    let scopes = request
        .resource_spans
        .into_iter()
        .flat_map(|of| of.scope_spans);
    let spans = scopes.flat_map(|scope| scope.spans).map(|span| {
        let value = |field: Field| {
            let name = field.info().otel_name;
            let pair = span.attributes.iter().find(|pair| pair.key == name);
            pair.and_then(|pair| pair.value.clone()?.value)
        };
        match (value(Field::WriterId), value(Field::Seq)) {
            (Some(Value::StringValue(writer)), Some(Value::IntValue(number))) => {
                Ok((writer, u64::try_from(number)?))
            }
            _ => Err("a span has no number".into()),
        }
    });
    spans.collect()
}
