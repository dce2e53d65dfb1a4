//! A connection with an application that does what it is told, and a client that reads.
//!
//! Not here: what must come of it.

use std::time::Duration;

use http::StatusCode;

use super::Client;
use crate::h2::{Config, Connection, ConnectionError, Event, Response, StreamKey};
use crate::{BodyLength, Headers, Limits, RequestHead};

/// A connection, and all that came of it.
pub(in crate::h2) struct Session {
    pub(in crate::h2) connection: Connection,
    pub(in crate::h2) limits: Limits,
    pub(in crate::h2) head: RequestHead,
    pub(in crate::h2) now: Duration,
    pub(in crate::h2) out: Vec<u8>,
    pub(in crate::h2) client: Client,
    /// Streams in the order in which they came.
    pub(in crate::h2) streams: Vec<StreamKey>,
    unread: Vec<u8>,
    entries: Vec<String>,
    /// Requests are answered at their end.
    is_answering: bool,
    pub(in crate::h2) error: Option<ConnectionError>,
}

impl Session {
    pub(in crate::h2) fn new(config: Config) -> Self {
        Self {
            connection: Connection::new(config),
            limits: Limits::default(),
            head: RequestHead::default(),
            now: Duration::ZERO,
            out: Vec::new(),
            client: Client::new(),
            streams: Vec::new(),
            unread: Vec::new(),
            entries: Vec::new(),
            is_answering: false,
            error: None,
        }
    }

    /// A session that answers each request as soon as it has come in full, and reads what comes.
    pub(in crate::h2) fn answering() -> Self {
        Self { is_answering: true, ..Self::new(Config::default()) }
    }

    /// The client sends these bytes.
    pub(in crate::h2) fn feed(&mut self, bytes: &[u8]) {
        self.unread.extend_from_slice(bytes);
        let unread = std::mem::take(&mut self.unread);
        let mut rest = &unread[..];
        loop {
            let Self { connection, limits, head, now, out, .. } = self;
            match connection.receive(rest, limits, head, *now, out) {
                Ok(received) => {
                    rest = &rest[received.consumed..];
                    let Some(event) = received.event else { break };
                    self.on_event(event);
                }
                Err(error) => {
                    self.error = Some(error);
                    self.entries.push(format!("error {error:?}"));
                    rest = &[];
                    break;
                }
            }
        }
        self.unread = rest.to_vec();
    }

    fn on_event(&mut self, event: Event<'_>) {
        let text = match event {
            Event::Head { stream, body } => {
                self.streams.push(stream);
                let length = match body {
                    BodyLength::Known(length) => length.to_string(),
                    BodyLength::Unknown => "?".to_owned(),
                };
                let (method, target) = (self.head.method(), self.head.target());
                let text = format!("{} head {method} {target} {length}", stream.id());
                if body == BodyLength::Known(0) {
                    self.answer(stream);
                }
                text
            }
            Event::Data { stream, bytes } => {
                if self.is_answering {
                    self.connection.release(stream, bytes.len(), &mut self.out);
                }
                return self.on_data(stream.id(), bytes);
            }
            Event::End { stream } => {
                self.answer(stream);
                let trailers = show(self.head.headers());
                format!("{} end{trailers}", stream.id())
            }
            Event::Refused { stream, reject } => {
                self.streams.push(stream);
                if self.is_answering && self.connection.awaits_response(stream) {
                    let response = Response::new(reject.status(), BodyLength::Known(0));
                    let out = &mut self.out;
                    self.connection
                        .send_head(stream, response, &Headers::new(), out)
                        .expect("it awaits a response");
                }
                format!("{} refused {reject:?}", stream.id())
            }
            Event::Malformed { id, reject } => format!("{id} malformed {reject:?}"),
            Event::Reset { stream, code, cause } => {
                assert!(!self.connection.is_open(stream));
                format!("{} reset {code} {cause:?}", stream.id())
            }
            Event::GoAway { code } => format!("goaway {code}"),
        };
        self.entries.push(text);
    }

    /// Pieces of a body are one, wherever they were cut.
    fn on_data(&mut self, id: u32, bytes: &[u8]) {
        let text = bytes.escape_ascii().to_string();
        let start = format!("{id} data ");
        match self.entries.last_mut() {
            Some(last) if last.starts_with(&start) => last.push_str(&text),
            _ => self.entries.push(start + &text),
        }
    }

    fn answer(&mut self, stream: StreamKey) {
        if self.is_answering && self.connection.awaits_response(stream) {
            let response = Response::new(StatusCode::OK, BodyLength::Known(2));
            let out = &mut self.out;
            let sent = self.connection.send_whole(stream, response, &Headers::new(), b"OK", out);
            sent.expect("it awaits a response");
        }
    }

    /// What came of it since the last call: events.
    pub(in crate::h2) fn events(&mut self) -> String {
        std::mem::take(&mut self.entries).join(", ")
    }

    /// What came of it since the last call: frames of the server.
    pub(in crate::h2) fn frames(&mut self) -> String {
        let out = std::mem::take(&mut self.out);
        self.client.read(&out).join(", ")
    }

    /// Events, and behind them frames: each in their order, since the order among them depends on
    /// where bytes are cut.
    pub(in crate::h2) fn transcript(&mut self) -> Vec<String> {
        let mut all = std::mem::take(&mut self.entries);
        let out = std::mem::take(&mut self.out);
        all.extend(self.client.read(&out));
        all
    }
}

/// `name=value` for each field, with a blank before.
pub(in crate::h2) fn show(headers: &Headers) -> String {
    let show = |(name, value): (&str, &[u8])| format!(" {name}={}", value.escape_ascii());
    headers.iter().map(show).collect()
}
