//! A server that answers what it is told, one answer for each connection, and ends each as it is told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

/// How an answer ends.
#[derive(Clone, Copy)]
pub(crate) enum End {
    Whole,
    /// The connection is closed in the middle.
    Broken,
    /// Nothing more comes until the client has gone.
    Held,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) media_type: &'static str,
    pub(crate) pieces: Vec<Vec<u8>>,
    pub(crate) end: End,
}

pub(crate) struct Server {
    pub(crate) url: String,
    thread: JoinHandle<Vec<String>>,
}

impl Server {
    pub(crate) fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serve = move || {
            let answered = answers
                .iter()
                .map(|answer| serve(listener.accept().unwrap().0, answer));
            answered.collect()
        };
        Self {
            url,
            thread: thread::spawn(serve),
        }
    }

    /// Returns the bodies of the requests that came.
    pub(crate) fn end(self) -> Vec<String> {
        self.thread.join().unwrap()
    }
}

/// Returns the body of the request.
fn serve(mut stream: TcpStream, answer: &Answer) -> String {
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
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let head = format!(
        "HTTP/1.1 {} x\r\ncontent-type: {}\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n",
        answer.status, answer.media_type
    );
    stream.write_all(head.as_bytes()).unwrap();
    for piece in &answer.pieces {
        stream
            .write_all(format!("{:x}\r\n", piece.len()).as_bytes())
            .unwrap();
        stream.write_all(piece).unwrap();
        stream.write_all(b"\r\n").unwrap();
    }
    match answer.end {
        End::Whole => stream.write_all(b"0\r\n\r\n").unwrap(),
        End::Broken => {}
        End::Held => drop(reader.read_to_end(&mut Vec::new())),
    }
    String::from_utf8(body).unwrap()
}
