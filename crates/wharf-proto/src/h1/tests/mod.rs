//! HTTP/1 against its RFCs: tables of rows, each named after its section and its meaning. Sections
//! are those of RFC 9112 if no other RFC is named.
//!
//! [`Table::check`] runs every row whole, cut at every byte, byte by byte and with the next request
//! behind it. What must hold for any input is in `properties/`.

mod chunked;
mod fields;
mod framing;
mod line_ends;
mod pipelining;
mod request_line;
mod responses;
mod rows;
mod slow_peer;

use super::properties::{Answer, Entry, SeenHead, Session};
use super::{BodyLength, Phase};
use crate::{Limits, Reject};

/// One row: what the peer sends, and what we make of it as the table shows it.
struct Case<'c> {
    name: &'c str,
    input: &'c [u8],
    expect: Result<&'c str, Reject>,
}

/// How the rows of a table become requests, and how what came of them is shown.
struct Table {
    limits: Limits,
    /// What stands around the input of each row.
    before: &'static str,
    behind: &'static str,
    view: fn(&[Entry]) -> String,
}

/// The request that is pipelined behind each row.
const NEXT: &[u8] = b"GET /next HTTP/1.1\r\nHost: next\r\n\r\n";

impl Table {
    fn check(&self, cases: &[Case<'_>]) {
        for case in cases {
            let input = [self.before.as_bytes(), case.input, self.behind.as_bytes()].concat();
            let name = format!("{}: {}", case.name, case.input.escape_ascii());
            if self.limits == Limits::default() {
                rows::check(case, &input);
            }
            let entries = self.entries(&[&input]);
            match case.expect {
                Ok(expected) => {
                    assert_eq!((self.view)(&entries), expected, "{name}");
                    assert!(is_over(&entries), "{name}: not complete");
                    self.check_prefixes(&name, &input, &entries);
                    self.check_next(&name, &input);
                }
                Err(reject) => {
                    assert_eq!(entries.last(), Some(&Entry::Reject(reject)), "{name}");
                    self.check_answer(&name, &input, reject);
                }
            }
            self.check_cuts(&name, &input, &entries);
        }
    }

    /// What comes of pieces before the response.
    fn entries(&self, pieces: &[&[u8]]) -> Vec<Entry> {
        let mut session = Session::new(&self.limits, Answer::AtEnd);
        for piece in pieces {
            session.feed_unanswered(piece);
        }
        session.finish().entries
    }

    /// An incomplete request is no request, and its beginning is what it was.
    fn check_prefixes(&self, name: &str, input: &[u8], entries: &[Entry]) {
        for len in cuts(input.len()) {
            let begun = self.entries(&[&input[..len]]);
            let is_prefix = begun.iter().zip(entries).all(|(begun, entry)| match (begun, entry) {
                (Entry::Data(begun), Entry::Data(data)) => data.starts_with(begun),
                _ => begun == entry,
            });
            assert!(is_prefix && begun.len() <= entries.len(), "{name}: cut at {len}: {begun:?}");
            assert!(!is_over(&begun), "{name}: complete at {len}");
        }
    }

    /// Pieces make the same of it as the whole.
    fn check_cuts(&self, name: &str, input: &[u8], entries: &[Entry]) {
        for len in cuts(input.len()) {
            let (first, second) = input.split_at(len);
            assert_eq!(self.entries(&[first, second]), entries, "{name}: cut at {len}");
        }
        let bytes: Vec<&[u8]> = input.chunks(1).collect();
        assert_eq!(self.entries(&bytes), entries, "{name}: byte by byte");
    }

    /// A pipelined request waits until the response is out, and is then read if we go on.
    fn check_next(&self, name: &str, input: &[u8]) {
        let mut session = Session::new(&self.limits, Answer::AtEnd);
        session.feed_unanswered(&[input, NEXT].concat());
        assert_eq!(session.unread(), NEXT, "{name}: read ahead");
        assert_eq!(session.connection.phase(), Phase::Respond, "{name}");
        session.respond();
        let goes_on = session.connection.is_persistent();
        session.feed(b"");
        let transcript = session.finish();
        let next = transcript.entries.last().filter(|entry| target(entry) == Some("/next"));
        assert_eq!(next.is_some(), goes_on, "{name}: the next request");
        let phase = if goes_on { Phase::Idle } else { Phase::Closed };
        assert_eq!(transcript.phase, phase, "{name}");
        assert_eq!(transcript.unread, b"", "{name}");
    }

    /// A refused request is answered with the status of its rejection, and nothing follows.
    fn check_answer(&self, name: &str, input: &[u8], reject: Reject) {
        let mut session = Session::new(&self.limits, Answer::AtEnd);
        session.feed(&[input, NEXT].concat());
        let transcript = session.finish();
        let sent = String::from_utf8(transcript.sent).unwrap();
        let status_line = format!("HTTP/1.1 {} ", reject.status().as_str());
        assert!(sent.starts_with(&status_line), "{name}: {sent}");
        assert!(sent.contains("\r\nConnection: close\r\n"), "{name}: {sent}");
        assert_eq!(transcript.phase, Phase::Closed, "{name}");
    }
}

/// Where an input of `len` bytes is cut: everywhere, or in some places if it is long.
fn cuts(len: usize) -> impl Iterator<Item = usize> {
    let step = if len < 2_000 { 1 } else { len / 20 };
    (0..len).filter(move |at| at % step == 0 || at + 8 > len)
}

fn is_over(entries: &[Entry]) -> bool {
    match entries.last() {
        Some(Entry::Head(head)) => head.body == BodyLength::Known(0),
        Some(Entry::End(_)) => true,
        Some(Entry::Data(_) | Entry::Reject(_)) | None => false,
    }
}

fn target(entry: &Entry) -> Option<&str> {
    match entry {
        Entry::Head(head) => Some(&head.target),
        Entry::Data(_) | Entry::End(_) | Entry::Reject(_) => None,
    }
}

/// The head that a row begins with.
fn head(entries: &[Entry]) -> &SeenHead {
    match entries.first() {
        Some(Entry::Head(head)) => head,
        other => panic!("no head but {other:?}"),
    }
}

/// `name=value`, for each field, with a blank between them.
fn show_fields(fields: &[(String, Vec<u8>)]) -> String {
    let show = |(name, value): &(String, Vec<u8>)| format!("{name}={}", value.escape_ascii());
    fields.iter().map(show).collect::<Vec<_>>().join(" ")
}

/// How the body is delimited, its data, and the trailer fields behind a slash.
fn show_body(entries: &[Entry]) -> String {
    let mut text = match head(entries).body {
        BodyLength::Known(length) => format!("{length}:"),
        BodyLength::Unknown => "chunked:".to_owned(),
    };
    for entry in &entries[1..] {
        match entry {
            Entry::Data(data) => text += &data.escape_ascii().to_string(),
            Entry::End(trailers) if trailers.is_empty() => {}
            Entry::End(trailers) => text += &format!("/{}", show_fields(trailers)),
            Entry::Head(_) | Entry::Reject(_) => panic!("{entry:?} in a body"),
        }
    }
    text
}
