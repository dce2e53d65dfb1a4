//! Line ends without a CR (RFC 9112 section 2.2): refused, unless the option lets them pass in
//! heads and trailer sections. In chunks they are always refused (section 7.1).

use crate::h1::properties::{Answer, Entry, Session};
use crate::h1::{Connection, Phase};
use crate::{Limits, Reject};

use super::{head, is_over, show_body, show_fields};

/// One request, what we make of it by default, and what with the option: its fields and its body.
struct Row {
    name: &'static str,
    input: &'static str,
    strict: Reject,
    lax: Result<&'static str, Reject>,
}

fn entries(pieces: &[&[u8]], bare_lf: bool) -> Vec<Entry> {
    let limits = Limits::default();
    let mut session = Session::new(&limits, Answer::AtEnd);
    session.connection = Connection::new().accept_bare_lf(bare_lf);
    for piece in pieces {
        session.feed_unanswered(piece);
    }
    session.finish().entries
}

fn check(row: &Row) {
    let input = row.input.as_bytes();
    for bare_lf in [false, true] {
        let name = format!("{}: {:?}, {bare_lf}", row.name, row.input);
        let whole = entries(&[input], bare_lf);
        match if bare_lf { row.lax } else { Err(row.strict) } {
            Ok(expected) => {
                let shown = format!("{} {}", show_fields(&head(&whole).fields), show_body(&whole));
                assert_eq!(shown, expected, "{name}");
                assert!(is_over(&whole), "{name}: not complete");
            }
            Err(reject) => assert_eq!(whole.last(), Some(&Entry::Reject(reject)), "{name}"),
        }
        for cut in 0..input.len() {
            let (first, second) = input.split_at(cut);
            assert_eq!(entries(&[first, second], bare_lf), whole, "{name}: cut at {cut}");
        }
        let bytes: Vec<&[u8]> = input.chunks(1).collect();
        assert_eq!(entries(&bytes, bare_lf), whole, "{name}: byte by byte");
    }
}

#[rustfmt::skip]
const ROWS: &[Row] = &[
    Row { name: "2.2: everywhere",              input: "GET / HTTP/1.1\nHost: h\nA: b\n\n",             strict: Reject::BadRequestLine, lax: Ok("Host=h A=b 0:") },
    Row { name: "2.2: behind the request line", input: "GET / HTTP/1.1\nHost: h\r\n\r\n",             strict: Reject::BadRequestLine, lax: Ok("Host=h 0:") },
    Row { name: "2.2: behind HTTP/1.0 alone",   input: "GET / HTTP/1.0\n\n",                           strict: Reject::BadRequestLine, lax: Ok(" 0:") },
    Row { name: "2.2: behind a field",          input: "GET / HTTP/1.1\r\nHost: h\nA: b\r\n\r\n",     strict: Reject::BadField,       lax: Ok("Host=h A=b 0:") },
    Row { name: "2.2: behind an empty value",   input: "GET / HTTP/1.1\r\nHost: h\r\nA:\nB: \n\r\n",   strict: Reject::BadField,       lax: Ok("Host=h A= B= 0:") },
    Row { name: "2.2: behind blanks",           input: "GET / HTTP/1.1\r\nHost: h\r\nA: b \t\n\r\n",   strict: Reject::BadField,       lax: Ok("Host=h A=b 0:") },
    Row { name: "2.2: for the empty line",      input: "GET / HTTP/1.1\r\nHost: h\r\n\n",             strict: Reject::BadField,       lax: Ok("Host=h 0:") },
    Row { name: "2.2: before the request",      input: "\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",         strict: Reject::BadRequestLine, lax: Ok("Host=h 0:") },
    Row { name: "2.2: twice before it",         input: "\n\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",       strict: Reject::BadRequestLine, lax: Err(Reject::BadRequestLine) },
    Row { name: "2.2: and CR LF before it",     input: "\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",     strict: Reject::BadRequestLine, lax: Err(Reject::BadRequestLine) },
    Row { name: "3: HTTP/0.9",                  input: "GET /\n",                                      strict: Reject::BadRequestLine, lax: Err(Reject::BadRequestLine) },
    Row { name: "3: in the request line",       input: "GET /\n HTTP/1.1\r\nHost: h\r\n\r\n",         strict: Reject::BadRequestLine, lax: Err(Reject::BadRequestLine) },
    Row { name: "5: in a name",                 input: "GET / HTTP/1.1\r\nHost\n: h\r\n\r\n",         strict: Reject::BadField,       lax: Err(Reject::BadField) },
    Row { name: "5.2: folded",                  input: "GET / HTTP/1.1\r\nHost: h\nA: b\n c\n\n",      strict: Reject::BadField,       lax: Err(Reject::BadField) },
    Row { name: "2.2: CR in the request line",  input: "GET / HTTP/1.1\rHost: h\r\n\r\n",             strict: Reject::BadRequestLine, lax: Err(Reject::BadRequestLine) },
    Row { name: "2.2: CR CR LF",                input: "GET / HTTP/1.1\r\nHost: h\r\r\n\r\n",         strict: Reject::BadField,       lax: Err(Reject::BadField) },
    Row { name: "2.2: CR behind a field",       input: "GET / HTTP/1.1\r\nHost: h\rA: b\r\n\r\n",     strict: Reject::BadField,       lax: Err(Reject::BadField) },
    Row { name: "2.2: CR for the empty line",   input: "GET / HTTP/1.1\r\nHost: h\r\n\rA: b\r\n\r\n", strict: Reject::BadField,       lax: Err(Reject::BadField) },
    Row { name: "6: the body is what it is",    input: "POST / HTTP/1.1\nHost: h\nContent-Length: 2\n\n\n\n", strict: Reject::BadRequestLine, lax: Ok("Host=h Content-Length=2 2:\\n\\n") },
    Row { name: "7.1.2: in trailers",           input: "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n\n\r\n0\r\nA: b\nB: c\r\n\n", strict: Reject::BadField, lax: Ok("Host=h Transfer-Encoding=chunked chunked:\\n/A=b B=c") },
    Row { name: "7.1: behind a chunk size",     input: "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n", strict: Reject::BadChunk, lax: Err(Reject::BadChunk) },
    Row { name: "7.1: behind a chunk",          input: "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\n0\r\n\r\n", strict: Reject::BadChunk, lax: Err(Reject::BadChunk) },
    Row { name: "7.1: behind the last chunk",   input: "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\n\r\n", strict: Reject::BadChunk, lax: Err(Reject::BadChunk) },
    Row { name: "7.1.1: in an extension",       input: "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0;a\n\r\n", strict: Reject::BadChunk, lax: Err(Reject::BadChunk) },
];

#[test]
fn a_bare_line_feed_ends_lines_by_option_alone() {
    for row in ROWS {
        check(row);
    }
}

#[test]
fn the_option_holds_for_each_request_of_a_connection() {
    let limits = Limits::default();
    let mut session = Session::new(&limits, Answer::AtEnd);
    session.connection = Connection::new().accept_bare_lf(true);
    for _ in 0..3 {
        session.feed(b"GET / HTTP/1.1\nHost: h\n\n");
    }
    let transcript = session.finish();
    assert_eq!(transcript.entries.len(), 3);
    assert!(transcript.entries.iter().all(|entry| matches!(entry, Entry::Head(_))));
    assert_eq!(transcript.phase, Phase::Idle);
}

#[test]
fn limits_hold_for_lines_without_a_carriage_return() {
    let limits = Limits { max_field_bytes: 64, ..Limits::default() };
    for (value_len, is_taken) in [(61, true), (62, false)] {
        let input = format!("GET / HTTP/1.0\nA: {}\n\n", "b".repeat(value_len));
        let mut session = Session::new(&limits, Answer::AtEnd);
        session.connection = Connection::new().accept_bare_lf(true);
        session.feed_unanswered(input.as_bytes());
        let entries = session.finish().entries;
        assert_eq!(matches!(entries.last(), Some(Entry::Head(_))), is_taken, "{entries:?}");
    }
}
