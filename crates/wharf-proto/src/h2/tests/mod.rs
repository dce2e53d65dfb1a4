//! HTTP/2 against its RFCs: tables of rows, each named after its section and its meaning. Sections
//! are those of RFC 9113 if no other RFC is named.
//!
//! [`check`] runs every row whole, cut at every byte and byte by byte, with an application that
//! answers each request when it has come in full. What must hold for any input is in `properties/`.

mod abuse;
mod bodies;
mod flow;
mod frames;
mod goaway;
mod priorities;
mod random;
mod requests;
mod responses;
mod settings;
mod states;

use super::frame::{END_HEADERS, END_STREAM, kind};
use super::properties::{Session, wire};
use super::{Config, PREFACE};

/// One row: the frames that a client sends, and what comes of them: events, then frames.
struct Row<'r> {
    name: &'r str,
    frames: Vec<Vec<u8>>,
    expect: &'r str,
}

fn row<'r>(name: &'r str, frames: &[Vec<u8>], expect: &'r str) -> Row<'r> {
    Row { name, frames: frames.to_vec(), expect }
}

fn check(rows: &[Row<'_>]) {
    for Row { name, frames, expect } in rows {
        let input = frames.concat();
        let whole = transcript(&[&input]);
        assert_eq!(whole, *expect, "{name}");
        for len in 0..input.len() {
            let (first, second) = input.split_at(len);
            assert_eq!(transcript(&[first, second]), whole, "{name}: cut at {len}");
        }
        let bytes: Vec<&[u8]> = input.chunks(1).collect();
        assert_eq!(transcript(&bytes), whole, "{name}: byte by byte");
    }
}

/// What comes of pieces behind the preface.
fn transcript(pieces: &[&[u8]]) -> String {
    let mut session = Session::answering();
    begin(&mut session);
    for piece in pieces {
        session.feed(piece);
    }
    session.transcript().join(", ")
}

/// The client's preface, with SETTINGS, and its acknowledgement of ours.
fn begin(session: &mut Session) {
    session.feed(PREFACE);
    session.feed(&wire::settings(&[]));
    session.feed(&wire::frame(kind::SETTINGS, 1, 0, b""));
    session.transcript();
}

/// A session whose application answers nothing by itself.
fn session(config: Config) -> Session {
    let mut session = Session::new(config);
    begin(&mut session);
    session
}

const GET: &[(&str, &str)] =
    &[(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a")];
const POST: &[(&str, &str)] =
    &[(":method", "POST"), (":scheme", "http"), (":path", "/"), (":authority", "a")];

fn get(id: u32) -> Vec<u8> {
    wire::headers(id, END_STREAM, GET)
}

fn post(id: u32) -> Vec<u8> {
    wire::headers(id, 0, POST)
}

fn data(id: u32, bytes: &str) -> Vec<u8> {
    wire::data(id, 0, bytes.as_bytes())
}

fn last_data(id: u32, bytes: &str) -> Vec<u8> {
    wire::data(id, END_STREAM, bytes.as_bytes())
}

fn reset(id: u32) -> Vec<u8> {
    wire::frame(kind::RST_STREAM, 0, id, &[0, 0, 0, 8])
}

/// A frame that can't be mistaken for anything else, to see that the connection goes on.
fn ping() -> Vec<u8> {
    wire::frame(kind::PING, 0, 0, b"12345678")
}

/// A header block in several frames.
fn blocks(id: u32, flags: u8, pieces: &[&[u8]]) -> Vec<Vec<u8>> {
    let last = pieces.len() - 1;
    let frame = |(at, piece): (usize, &&[u8])| {
        let kind = if at == 0 { kind::HEADERS } else { kind::CONTINUATION };
        let flags = if at == 0 { flags } else { 0 };
        wire::frame(kind, flags | if at == last { END_HEADERS } else { 0 }, id, piece)
    };
    pieces.iter().enumerate().map(frame).collect()
}
