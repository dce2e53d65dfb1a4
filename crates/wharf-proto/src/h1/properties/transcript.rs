//! A peer that sends bytes in pieces, an application that answers, and a record of what happened.
//!
//! Not here: what ought to have happened.

use http::{StatusCode, Version};

use crate::h1::{BodyLength, Connection, Event, Phase, Response};
use crate::{ConnectionOptions, Headers, Limits, Reject, RequestHead, TargetForm};

/// When the application answers a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::h1) enum Answer {
    /// As soon as the head is there: the body is dropped.
    AtHead,
    /// When the request is there in full.
    AtEnd,
}

/// Something that happened on a connection. Pieces of data that follow each other are one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::h1) enum Entry {
    Head(Box<SeenHead>),
    Data(Vec<u8>),
    /// With the trailer fields.
    End(Fields),
    Reject(Reject),
}

pub(in crate::h1) type Fields = Vec<(String, Vec<u8>)>;

/// A request head as owned values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::h1) struct SeenHead {
    pub(in crate::h1) method: String,
    pub(in crate::h1) version: Version,
    pub(in crate::h1) form: TargetForm,
    pub(in crate::h1) target: String,
    pub(in crate::h1) authority: Option<String>,
    pub(in crate::h1) path: String,
    pub(in crate::h1) query: Option<String>,
    pub(in crate::h1) fields: Fields,
    pub(in crate::h1) connection: ConnectionOptions,
    pub(in crate::h1) expects_continue: bool,
    pub(in crate::h1) body: BodyLength,
}

impl SeenHead {
    pub(in crate::h1) fn of(head: &RequestHead, body: BodyLength) -> Self {
        Self {
            method: head.method().to_string(),
            version: head.version(),
            form: head.target_form(),
            target: head.target().to_owned(),
            authority: head.authority().map(str::to_owned),
            path: head.path().to_owned(),
            query: head.query().map(str::to_owned),
            fields: owned(head.headers()),
            connection: head.connection(),
            expects_continue: head.expects_continue(),
            body,
        }
    }
}

/// Every field as owned values.
pub(in crate::h1) fn owned(headers: &Headers) -> Fields {
    headers.iter().map(|(name, value)| (name.to_owned(), value.to_vec())).collect()
}

/// What a connection made of some bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::h1) struct Transcript {
    pub(in crate::h1) entries: Vec<Entry>,
    pub(in crate::h1) sent: Vec<u8>,
    /// What nobody has consumed, unless the connection is closed.
    pub(in crate::h1) unread: Vec<u8>,
    pub(in crate::h1) phase: Phase,
}

/// A connection with its peer and its application.
pub(in crate::h1) struct Session<'l> {
    pub(in crate::h1) connection: Connection,
    limits: &'l Limits,
    answer: Answer,
    head: RequestHead,
    /// All that the peer sent; what stands before `unread_at` is dealt with.
    input: Vec<u8>,
    unread_at: usize,
    entries: Vec<Entry>,
    sent: Vec<u8>,
}

impl<'l> Session<'l> {
    pub(in crate::h1) fn new(limits: &'l Limits, answer: Answer) -> Self {
        Self {
            connection: Connection::new(),
            limits,
            answer,
            head: RequestHead::default(),
            input: Vec::new(),
            unread_at: 0,
            entries: Vec::new(),
            sent: Vec::new(),
        }
    }

    /// The peer sends a piece; the application answers whatever is complete.
    pub(in crate::h1) fn feed(&mut self, piece: &[u8]) {
        self.input.extend_from_slice(piece);
        while self.receive() {
            let is_over = self.is_request_over();
            if self.connection.awaits_response() && (is_over || self.answer == Answer::AtHead) {
                self.respond();
            }
        }
    }

    /// The peer took too long.
    pub(in crate::h1) fn receive_timeout(&mut self) {
        self.connection.receive_timeout(&self.head);
    }

    /// The peer sends all it has, and no answer is given to the last request.
    #[cfg(test)]
    pub(in crate::h1) fn feed_unanswered(&mut self, piece: &[u8]) {
        self.input.extend_from_slice(piece);
        while self.receive() {}
    }

    /// The peer closes its sending side.
    pub(in crate::h1) fn eof(&mut self) {
        if let Err(reject) = self.connection.receive_eof() {
            self.entries.push(Entry::Reject(reject));
            if self.connection.awaits_response() {
                self.respond();
            }
        }
    }

    /// Receives once and says whether anything came of it.
    fn receive(&mut self) -> bool {
        let is_draining = self.connection.phase() == Phase::Drain;
        let unread = self.input.get(self.unread_at..).expect("no more is consumed than there is");
        let result = self.connection.receive(unread, self.limits, &mut self.head);
        let received = match result {
            Ok(received) => received,
            Err(reject) => {
                self.entries.push(Entry::Reject(reject));
                let again = self.connection.receive(unread, self.limits, &mut self.head);
                assert!(again.is_ok_and(|again| again.consumed == 0 && again.event.is_none()));
                return true;
            }
        };
        let happened = received.event.is_some();
        match received.event {
            Some(Event::Head { body }) => {
                let head = Box::new(SeenHead::of(&self.head, body));
                self.entries.push(Entry::Head(head));
            }
            Some(Event::Body(data)) => {
                assert!(!data.is_empty(), "a piece of a body is never empty");
                match self.entries.last_mut() {
                    // Where a drain ends is not where the body ends, and nobody cares.
                    _ if is_draining => {}
                    Some(Entry::Data(before)) => before.extend_from_slice(data),
                    _ => self.entries.push(Entry::Data(data.to_vec())),
                }
            }
            Some(Event::End) => self.entries.push(Entry::End(owned(self.head.headers()))),
            None => {}
        }
        self.unread_at += received.consumed;
        happened
    }

    /// What nobody has consumed.
    pub(in crate::h1) fn unread(&self) -> &[u8] {
        self.input.get(self.unread_at..).expect("no more is consumed than there is")
    }

    fn is_request_over(&self) -> bool {
        match self.entries.last() {
            Some(Entry::Head(head)) => head.body == BodyLength::Known(0),
            Some(Entry::End(_) | Entry::Reject(_)) => true,
            Some(Entry::Data(_)) | None => false,
        }
    }

    /// Sends a short response, and with it what the rejection said, if there was one.
    pub(in crate::h1) fn respond(&mut self) {
        let status = match self.entries.last() {
            Some(Entry::Reject(reject)) => reject.status(),
            _ => StatusCode::OK,
        };
        let response = Response::new(status, BodyLength::Known(2));
        let (connection, out) = (&mut self.connection, &mut self.sent);
        connection.send_head(response, &Headers::new(), out).expect("a response is awaited");
        connection.send_body(b"OK", out).expect("the length was announced");
        connection.send_end(out).expect("the body is complete");
    }

    pub(in crate::h1) fn finish(self) -> Transcript {
        let phase = self.connection.phase();
        // Where a closed connection stopped reading has no meaning.
        let unread = if phase == Phase::Closed { Vec::new() } else { self.unread().to_vec() };
        Transcript { entries: self.entries, sent: self.sent, unread, phase }
    }
}

/// What happens when `input` comes in pieces that end at `cuts`, which are in order, and the peer
/// closes its side then.
pub(in crate::h1) fn transcript(
    input: &[u8],
    cuts: &[usize],
    limits: &Limits,
    answer: Answer,
) -> Transcript {
    let mut session = Session::new(limits, answer);
    let mut at = 0;
    for &cut in cuts {
        session.feed(input.get(at..cut).expect("cuts are in order and inside of the input"));
        at = cut;
    }
    session.feed(input.get(at..).expect("cuts are inside of the input"));
    session.eof();
    session.finish()
}
