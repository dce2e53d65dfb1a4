//! More than one request on a connection: persistence, unread bodies, expectations, and peers that
//! close (RFC 9112 sections 8, 9.3 and 9.6, RFC 9110 section 10.1.1).

use http::StatusCode;

use super::{Answer, Entry, Session, target};
use crate::h1::{BodyLength, Connection, Event, Phase, Response};
use crate::{Headers, Limits, Misuse, Reject, RequestHead};

/// One row: what the peer sends at once, the targets that are seen, the statuses that are sent, and
/// the phase behind them.
struct Row {
    name: &'static str,
    input: &'static [u8],
    targets: &'static [&'static str],
    statuses: &'static [&'static str],
    phase: Phase,
}

fn check(answer: Answer, rows: &[Row]) {
    let limits = Limits { max_drain_bytes: 5, ..Limits::default() };
    for Row { name, input, targets, statuses, phase } in rows {
        let mut whole = Session::new(&limits, answer);
        whole.feed(input);
        let mut bytes = Session::new(&limits, answer);
        input.iter().for_each(|byte| bytes.feed(&[*byte]));
        let whole = whole.finish();
        assert_eq!(whole, bytes.finish(), "{name}: byte by byte");
        let seen: Vec<&str> = whole.entries.iter().filter_map(target).collect();
        assert_eq!((&seen[..], whole.phase), (*targets, *phase), "{name}: {:?}", whole.entries);
        let sent = String::from_utf8(whole.sent).unwrap();
        let status_lines = sent.split("HTTP/1.1 ").skip(1);
        let seen: Vec<&str> = status_lines.map(|line| &line[..3]).collect();
        assert_eq!(seen, *statuses, "{name}: {sent}");
    }
}

#[rustfmt::skip]
const PERSISTENCE: &[Row] = &[
    Row { name: "9.3: HTTP/1.1 goes on",            input: b"GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n", targets: &["/1", "/2"], statuses: &["200", "200"], phase: Phase::Idle },
    Row { name: "9.3: a later minor goes on",       input: b"GET /1 HTTP/1.2\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n", targets: &["/1", "/2"], statuses: &["200", "200"], phase: Phase::Idle },
    Row { name: "9.6: close ends it",               input: b"GET /1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n", targets: &["/1"], statuses: &["200"], phase: Phase::Closed },
    Row { name: "9.3: close wins over keep-alive",  input: b"GET /1 HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, close\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n", targets: &["/1"], statuses: &["200"], phase: Phase::Closed },
    Row { name: "9.3: HTTP/1.0 ends",               input: b"GET /1 HTTP/1.0\r\n\r\nGET /2 HTTP/1.0\r\n\r\n", targets: &["/1"], statuses: &["200"], phase: Phase::Closed },
    Row { name: "9.3: HTTP/1.0 asks to go on",      input: b"GET /1 HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\nGET /2 HTTP/1.0\r\n\r\n", targets: &["/1", "/2"], statuses: &["200", "200"], phase: Phase::Closed },
    Row { name: "9.3: HTTP/1.0 asks for both",      input: b"GET /1 HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\nGET /2 HTTP/1.0\r\n\r\n", targets: &["/1"], statuses: &["200"], phase: Phase::Closed },
    Row { name: "9.3: a length divides",            input: b"POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhelloGET /2 HTTP/1.1\r\nHost: h\r\n\r\n", targets: &["/1", "/2"], statuses: &["200", "200"], phase: Phase::Idle },
    Row { name: "9.3: the last chunk divides",      input: b"POST /1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n", targets: &["/1", "/2"], statuses: &["200", "200"], phase: Phase::Idle },
    Row { name: "9.3: trailers divide",             input: b"POST /1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n", targets: &["/1", "/2"], statuses: &["200", "200"], phase: Phase::Idle },
    Row { name: "2.2: empty line behind a body",    input: b"POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n", targets: &["/1", "/2"], statuses: &["200", "200"], phase: Phase::Idle },
    Row { name: "2.2: only an empty line behind it", input: b"POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello\r\n", targets: &["/1"], statuses: &["200"], phase: Phase::Idle },
    Row { name: "2.2: two empty lines behind it",   input: b"POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n", targets: &["/1"], statuses: &["200", "400"], phase: Phase::Closed },
    Row { name: "11.2: a body without a length",    input: b"POST /1 HTTP/1.1\r\nHost: h\r\n\r\n{hello}GET /2 HTTP/1.1\r\nHost: h\r\n\r\n", targets: &["/1"], statuses: &["200", "400"], phase: Phase::Closed },
    Row { name: "11.2: nothing after a rejection",  input: b"GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n", targets: &[], statuses: &["400"], phase: Phase::Closed },
    Row { name: "11.2: nothing after a bad chunk",  input: b"POST /1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n", targets: &["/1"], statuses: &["400"], phase: Phase::Closed },
    Row { name: "9110 9.3.6: nothing in a tunnel",  input: b"CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n", targets: &["h:1"], statuses: &["200"], phase: Phase::Closed },
    Row { name: "9.3.2: many",                      input: b"GET / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\nHEAD / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", targets: &["/", "/", "/", "/"], statuses: &["200", "200", "200", "200"], phase: Phase::Idle },
    Row { name: "9.3.2: half of the next",          input: b"GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HT", targets: &["/1"], statuses: &["200"], phase: Phase::Head },
    Row { name: "9.3: half of a body",              input: b"POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhell", targets: &["/1"], statuses: &[], phase: Phase::Body },
];

#[test]
fn connections_go_on_or_end() {
    check(Answer::AtEnd, PERSISTENCE);
}

// At most five bytes are drained.
#[rustfmt::skip]
const UNREAD_BODIES: &[Row] = &[
    Row { name: "9.3: drained up to the limit",     input: b"POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhelloGET /2 HTTP/1.1\r\nHost: h\r\n\r\n", targets: &["/1", "/2"], statuses: &["200", "200"], phase: Phase::Idle },
    Row { name: "9.3: one byte beyond the limit",   input: b"POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nhello!GET /2 HTTP/1.1\r\nHost: h\r\n\r\n", targets: &["/1"], statuses: &["200"], phase: Phase::Closed },
    Row { name: "9.3: chunks drained to the limit", input: b"POST /1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\nA: b\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n", targets: &["/1", "/2"], statuses: &["200", "200"], phase: Phase::Idle },
    Row { name: "9.3: chunks beyond the limit",     input: b"POST /1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n4\r\nllo!\r\n0\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n", targets: &["/1"], statuses: &["200"], phase: Phase::Closed },
    Row { name: "9.3: twice up to the limit",       input: b"POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhelloPOST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", targets: &["/1", "/2"], statuses: &["200", "200"], phase: Phase::Idle },
    Row { name: "9.3: not drained yet",             input: b"POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhell", targets: &["/1"], statuses: &["200"], phase: Phase::Drain },
    Row { name: "9.3: not drained before an end",   input: b"POST /1 HTTP/1.0\r\nContent-Length: 5\r\n\r\n", targets: &["/1"], statuses: &["200"], phase: Phase::Closed },
    Row { name: "7.1: a bad chunk is not answered", input: b"POST /1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n", targets: &["/1"], statuses: &["200"], phase: Phase::Closed },
    Row { name: "9110 10.1.1: held back, so ended", input: b"POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n", targets: &["/1"], statuses: &["200"], phase: Phase::Closed },
    Row { name: "9110 10.1.1: ended at once",       input: b"POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n", targets: &["/1"], statuses: &["200"], phase: Phase::Closed },
    Row { name: "9110 10.1.1: nothing to hold back", input: b"GET /1 HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n", targets: &["/1", "/2"], statuses: &["200", "200"], phase: Phase::Idle },
];

#[test]
fn unread_bodies_are_drained_or_end_the_connection() {
    check(Answer::AtHead, UNREAD_BODIES);
}

/// What the peer has sent when it closes its sending side, and what comes of it.
struct Eof {
    name: &'static str,
    input: &'static [u8],
    result: Result<(), Reject>,
    /// Whether a response is still due.
    is_answered: bool,
}

#[rustfmt::skip]
const EOFS: &[Eof] = &[
    Eof { name: "9.6: at once",                 input: b"",                                      result: Ok(()),                     is_answered: false },
    Eof { name: "9.6: behind an empty line",    input: b"\r\n",                                  result: Ok(()),                     is_answered: false },
    Eof { name: "8: in the request line",       input: b"GET / HT",                              result: Ok(()),                     is_answered: false },
    Eof { name: "8: in the fields",             input: b"GET / HTTP/1.1\r\nHost: h\r\nA",        result: Ok(()),                     is_answered: false },
    Eof { name: "8: before the empty line",     input: b"GET / HTTP/1.1\r\nHost: h\r\n",         result: Ok(()),                     is_answered: false },
    Eof { name: "9.6: behind a request",        input: b"GET / HTTP/1.1\r\nHost: h\r\n\r\n",     result: Ok(()),                     is_answered: true },
    Eof { name: "9.6: behind a body",           input: b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", result: Ok(()), is_answered: true },
    Eof { name: "9.6: behind the last chunk",   input: b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", result: Ok(()), is_answered: true },
    Eof { name: "6.3.6: before a body",         input: b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n", result: Err(Reject::Truncated), is_answered: true },
    Eof { name: "6.3.6: in a body",             input: b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhell", result: Err(Reject::Truncated), is_answered: true },
    Eof { name: "8: before a chunk",            input: b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", result: Err(Reject::Truncated), is_answered: true },
    Eof { name: "8: in a chunk size",           input: b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5", result: Err(Reject::Truncated), is_answered: true },
    Eof { name: "8: in a chunk",                input: b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe", result: Err(Reject::Truncated), is_answered: true },
    Eof { name: "8: before the last chunk",     input: b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", result: Err(Reject::Truncated), is_answered: true },
    Eof { name: "8: in the trailers",           input: b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n", result: Err(Reject::Truncated), is_answered: true },
    Eof { name: "8: held back",                 input: b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n", result: Err(Reject::Truncated), is_answered: true },
];

#[test]
fn a_peer_may_close_its_side_anywhere() {
    let limits = Limits::default();
    for Eof { name, input, result, is_answered } in EOFS {
        let mut session = Session::new(&limits, Answer::AtEnd);
        session.feed_unanswered(input);
        let connection = &mut session.connection;
        assert_eq!(connection.receive_eof(), *result, "{name}");
        assert_eq!(connection.awaits_response(), *is_answered, "{name}");
        assert!(!connection.awaits_continue() && !connection.is_persistent(), "{name}");
        if *is_answered {
            assert_eq!(connection.phase(), Phase::Respond, "{name}");
            session.respond();
        }
        session.feed(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        let transcript = session.finish();
        assert_eq!(transcript.phase, Phase::Closed, "{name}");
        assert!(transcript.entries.iter().filter_map(target).count() <= 1, "{name}: read on");
        let sent = String::from_utf8(transcript.sent).unwrap();
        assert_eq!(sent.contains("\r\nConnection: close\r\n"), *is_answered, "{name}: {sent}");
    }
}

#[test]
fn a_peer_that_closes_gets_the_response_that_has_begun() {
    let limits = Limits::default();
    for input in [&b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"[..], POST_5] {
        let mut session = Session::new(&limits, Answer::AtEnd);
        session.feed_unanswered(input);
        let mut out = Vec::new();
        let response = Response::new(StatusCode::OK, BodyLength::Unknown);
        let connection = &mut session.connection;
        connection.send_head(response, &Headers::new(), &mut out).unwrap();
        let _ = connection.receive_eof();
        connection.send_body(b"hello", &mut out).unwrap();
        connection.send_end(&mut out).unwrap();
        assert!(out.ends_with(b"\r\n\r\n5\r\nhello\r\n0\r\n\r\n"));
        assert_eq!(connection.phase(), Phase::Closed);
    }
}

#[test]
fn a_peer_that_is_late_gets_the_response_that_is_due() {
    let limits = Limits::default();
    let whole: &[u8] = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    for (input, is_answered) in [
        (&b""[..], false),
        (b"\r", false),
        (b"\r\n", false),
        (b"\r\nG", true),
        (b"GET / HT", true),
        (b"GET / HTTP/1.1\r\nHost: h\r\n", true),
        (whole, true),
        (POST_5, true),
        (POST_CHUNKED, true),
    ] {
        let name = input.escape_ascii();
        let mut session = Session::new(&limits, Answer::AtEnd);
        session.feed_unanswered(input);
        session.receive_timeout();
        assert_eq!(session.connection.awaits_response(), is_answered, "{name}");
        session.feed_unanswered(b"hello");
        if is_answered {
            session.respond();
        }
        assert_eq!(session.connection.received_in_full(), input == whole, "{name}");
        let transcript = session.finish();
        assert_eq!(transcript.phase, Phase::Closed, "{name}");
        let sent = String::from_utf8(transcript.sent).unwrap();
        assert_eq!(sent.contains("\r\nConnection: close\r\n"), is_answered, "{name}: {sent}");
    }
}

#[test]
fn a_peer_that_is_late_with_what_nobody_wants_is_done_with() {
    let limits = Limits::default();
    let mut session = Session::new(&limits, Answer::AtHead);
    session.feed(POST_5);
    session.receive_timeout();
    assert!(!session.connection.awaits_response() && !session.connection.received_in_full());
    assert_eq!(session.connection.phase(), Phase::Closed);
}

const POST_5: &[u8] = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n";

#[test]
fn a_peer_that_closes_while_its_body_is_drained_is_done_with() {
    let limits = Limits::default();
    let mut session = Session::new(&limits, Answer::AtHead);
    session.feed(POST_5);
    assert_eq!(session.connection.phase(), Phase::Drain);
    assert_eq!(session.connection.receive_eof(), Err(Reject::Truncated));
    assert!(!session.connection.awaits_response());
    assert_eq!(session.connection.phase(), Phase::Closed);
}

const POST_CHUNKED: &[u8] = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";

#[test]
fn a_rejection_leaves_a_response_that_has_begun_whole() {
    let limits = Limits::default();
    let mut session = Session::new(&limits, Answer::AtEnd);
    session.feed_unanswered(POST_CHUNKED);
    let mut out = Vec::new();
    let response = Response::new(StatusCode::OK, BodyLength::Known(5));
    session.connection.send_head(response, &Headers::new(), &mut out).unwrap();
    session.connection.send_body(b"he", &mut out).unwrap();
    session.feed_unanswered(b"x");
    let connection = &mut session.connection;
    assert!(!connection.awaits_response(), "the rejection has no response of its own");
    assert_eq!(
        connection.send_head(response, &Headers::new(), &mut out),
        Err(Misuse::NotAwaitingResponse)
    );
    connection.send_body(b"llo", &mut out).unwrap();
    connection.send_end(&mut out).unwrap();
    assert_eq!(out, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    assert_eq!(connection.phase(), Phase::Closed, "though the head did not say so");
}

#[test]
fn a_rejection_is_not_answered_like_the_request_before() {
    for before in
        [&b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n"[..], b"CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n"]
    {
        let limits = Limits::default();
        let mut session = Session::new(&limits, Answer::AtEnd);
        session.feed_unanswered(before);
        let mut out = Vec::new();
        let response = Response::new(StatusCode::NOT_FOUND, BodyLength::Known(0));
        session.connection.send_head(response, &Headers::new(), &mut out).unwrap();
        session.connection.send_end(&mut out).unwrap();
        session.feed_unanswered(b"GET  / HTTP/1.1\r\n\r\n");
        out.clear();
        let response = Response::new(StatusCode::OK, BodyLength::Known(2));
        session.connection.send_head(response, &Headers::new(), &mut out).unwrap();
        session.connection.send_body(b"OK", &mut out).unwrap();
        assert_eq!(out, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK");
    }
}

#[test]
fn a_rejection_is_answered_as_the_request_allows() {
    let limits = Limits::default();
    for (input, body) in [
        // Without a version we know of nobody who reads chunks.
        (&b"GET / HTTP/3.0\r\n\r\n"[..], "OK"),
        (b"GET / HTTP/1.0\r\nA\r\n\r\n", "OK"),
        (b"HEAD / HTTP/1.1\r\nA\r\n\r\n", ""),
    ] {
        let mut session = Session::new(&limits, Answer::AtEnd);
        let (mut head, mut out) = (RequestHead::default(), Vec::new());
        session.connection.receive(input, &limits, &mut head).unwrap_err();
        assert_eq!(head.target(), "/", "what was understood is there for the log");
        let response = Response::new(StatusCode::BAD_REQUEST, BodyLength::Unknown);
        session.connection.send_interim(StatusCode::CONTINUE, &Headers::new(), &mut out).unwrap();
        session.connection.send_head(response, &Headers::new(), &mut out).unwrap();
        session.connection.send_body(b"OK", &mut out).unwrap();
        session.connection.send_end(&mut out).unwrap();
        let expected = format!("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n{body}");
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}

#[test]
fn a_peer_that_waits_is_told_to_go_on() {
    let limits = Limits::default();
    let mut session = Session::new(&limits, Answer::AtEnd);
    let head = "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n";
    session.feed_unanswered(format!("{head}Content-Length: 5\r\n\r\n").as_bytes());
    assert!(session.connection.awaits_continue());
    let mut out = Vec::new();
    session.connection.send_interim(StatusCode::CONTINUE, &Headers::new(), &mut out).unwrap();
    assert_eq!(out, b"HTTP/1.1 100 Continue\r\n\r\n");
    assert!(!session.connection.awaits_continue());
    session.feed(b"hello");
    assert_eq!(session.connection.phase(), Phase::Idle, "another request may follow");
}

#[test]
fn a_peer_that_sends_waits_no_more() {
    let limits = Limits::default();
    for (framing, piece) in [("Content-Length: 5", &b"h"[..]), ("Transfer-Encoding: chunked", b"5")]
    {
        let mut session = Session::new(&limits, Answer::AtEnd);
        let head = "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n";
        session.feed_unanswered(format!("{head}{framing}\r\n\r\n").as_bytes());
        assert!(session.connection.awaits_continue(), "{framing}");
        session.feed_unanswered(b"");
        assert!(session.connection.awaits_continue(), "{framing}: nothing is no byte");
        session.feed_unanswered(piece);
        assert!(!session.connection.awaits_continue(), "{framing}");
        session.respond();
        assert!(session.connection.is_persistent(), "{framing}: the rest can be drained");
    }
}

#[test]
fn other_interim_responses_leave_the_peer_waiting() {
    let limits = Limits::default();
    let mut session = Session::new(&limits, Answer::AtEnd);
    let head = "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
    session.feed_unanswered(head.as_bytes());
    let mut out = Vec::new();
    session.connection.send_interim(StatusCode::EARLY_HINTS, &Headers::new(), &mut out).unwrap();
    assert!(session.connection.awaits_continue());
}

#[test]
fn the_body_limit_may_be_lowered_once_the_route_is_known() {
    let (mut connection, mut head) = (Connection::new(), RequestHead::default());
    let mut limits = Limits::default();
    let received = connection.receive(POST_CHUNKED, &limits, &mut head).unwrap();
    assert_eq!(received.event, Some(Event::Head { body: BodyLength::Unknown }));
    let received = connection.receive(b"5\r\nhello\r\n", &limits, &mut head).unwrap();
    assert_eq!(received.event, Some(Event::Body(b"hello")));
    limits.max_body_bytes = 3;
    assert_eq!(connection.receive(b"\r\n1\r\n", &limits, &mut head), Err(Reject::BodyTooLarge));
}

#[test]
fn what_came_of_a_head_may_be_looked_at_at_any_time() {
    let input = b"GET http://a/b?c HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n";
    let limits = Limits::default();
    let (mut connection, mut head) = (Connection::new(), RequestHead::default());
    for len in 0..input.len() {
        connection.receive(&input[..len], &limits, &mut head).unwrap();
        assert!("http://a/b?c".starts_with(head.target()) && "/b".starts_with(head.path()));
        assert!(head.headers().iter().count() <= 2);
        assert_eq!(head.clone().headers().get("a").unwrap_or("b"), "b");
    }
}

#[test]
fn trailers_of_one_request_are_not_those_of_the_next() {
    let limits = Limits::default();
    let mut session = Session::new(&limits, Answer::AtEnd);
    session.feed(&[POST_CHUNKED, b"0\r\nA: b\r\n\r\n", POST_5, b"hello"].concat());
    let ends = session.finish().entries.into_iter().filter_map(|entry| match entry {
        Entry::End(trailers) => Some(trailers.len()),
        Entry::Head(_) | Entry::Data(_) | Entry::Reject(_) => None,
    });
    assert_eq!(ends.collect::<Vec<_>>(), [1, 0]);
}

#[test]
fn a_new_connection_is_idle_and_awaits_nothing() {
    let mut connection = Connection::default();
    assert_eq!(connection.phase(), Phase::Idle);
    assert!(connection.is_persistent() && !connection.awaits_response());
    connection.send_abort();
    assert_eq!(connection.phase(), Phase::Closed);
}

/// Has a request answered, and returns what the connection says of it, and the answer.
fn exchange(connection: &mut Connection, request: &[u8]) -> String {
    let (limits, mut head) = (Limits::default(), RequestHead::default());
    let mut rest = request;
    while connection.phase() != Phase::Respond {
        let received = connection.receive(rest, &limits, &mut head).unwrap();
        rest = &rest[received.consumed..];
    }
    let said = format!(
        "{} {} {} {} {} {:?} {} {}",
        connection.is_persistent(),
        connection.answers_head(),
        connection.answers_connect(),
        connection.may_switch(),
        connection.awaits_continue(),
        connection.unreceived_bytes(),
        connection.drained_bytes(),
        head.expects_continue(),
    );
    let (mut out, response) = (Vec::new(), Response::new(StatusCode::OK, BodyLength::Known(2)));
    connection.send_whole(response, &Headers::new(), b"OK", &mut out).unwrap();
    format!("{said} {:?} {}", connection.phase(), out.escape_ascii())
}

/// A short cut is taken for it, unless one of its fields is not written as usual.
#[test]
fn a_usual_get_is_answered_alike_whatever_came_before_it() {
    let before: [&[u8]; 6] = [
        b"GET / HTTP/1.1\r\nHost: h\r\n\r\n",
        b"HEAD / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi",
        b"OPTIONS * HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\n\r\n",
    ];
    for before in before {
        let [usual, other] = [&b"A: b"[..], b"A:b"].map(|field| {
            let get = [b"GET /x HTTP/1.1\r\nHost: h\r\n", field, b"\r\n\r\n"].concat();
            let mut connection = Connection::new();
            exchange(&mut connection, before);
            exchange(&mut connection, &get)
        });
        assert_eq!(usual, other, "{}", before.escape_ascii());
    }
}
