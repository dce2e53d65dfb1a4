//! Bodies of requests: their length, their bounds, and requests that are refused (section 8.1).

use super::*;
use crate::h2::{ErrorCode, Response};
use crate::{BodyLength, Headers, Limits, Reject};
use wire::headers;

fn with_length(id: u32, flags: u8, length: &str) -> Vec<u8> {
    let list = [POST, &[("content-length", length)]].concat();
    headers(id, flags, &list)
}

#[test]
fn lengths() {
    let ok = "1 HEADERS :status=200 content-length=2, 1 DATA end OK";
    let malformed = |before: &str| {
        format!(
            "{before}1 reset PROTOCOL_ERROR Reject(LengthMismatch), 1 RST_STREAM PROTOCOL_ERROR"
        )
    };
    check(&[
        row(
            "8.1.1: as announced",
            &[with_length(1, 0, "3"), data(1, "ab"), last_data(1, "c")],
            &format!("1 head POST / 3, 1 data abc, 1 end, {ok}"),
        ),
        row(
            "8.1.1: as announced, with trailers",
            &[with_length(1, 0, "1"), data(1, "a"), headers(1, END_STREAM, &[("x", "y")])],
            &format!("1 head POST / 1, 1 data a, 1 end x=y, {ok}"),
        ),
        row(
            "8.1.1: more in one frame",
            &[with_length(1, 0, "3"), last_data(1, "abcd")],
            &malformed("1 head POST / 3, "),
        ),
        row(
            "8.1.1: more in several",
            &[with_length(1, 0, "3"), data(1, "ab"), data(1, "cd")],
            &malformed("1 head POST / 3, 1 data ab, "),
        ),
        row(
            "8.1.1: less",
            &[with_length(1, 0, "3"), data(1, "a"), last_data(1, "b")],
            &malformed("1 head POST / 3, 1 data a, "),
        ),
        row(
            "8.1.1: less, with trailers",
            &[with_length(1, 0, "3"), data(1, "a"), headers(1, END_STREAM, &[("x", "y")])],
            &malformed("1 head POST / 3, 1 data a, "),
        ),
        row(
            "8.1.1: none of it",
            &[with_length(1, END_STREAM, "3")],
            "1 malformed LengthMismatch, 1 RST_STREAM PROTOCOL_ERROR",
        ),
        row("8.1.1: 0", &[with_length(1, END_STREAM, "0")], &format!("1 head POST / 0, {ok}")),
        row(
            "8.1.1: 0, with an end of its own",
            &[with_length(1, 0, "0"), last_data(1, "")],
            &format!("1 head POST / ?, 1 end, {ok}"),
        ),
        row(
            "RFC 9110 8.6: no number",
            &[with_length(1, 0, "+3")],
            "1 malformed BadContentLength, 1 RST_STREAM PROTOCOL_ERROR",
        ),
        row(
            "RFC 9110 8.6: a list",
            &[with_length(1, 0, "3, 3")],
            "1 malformed BadContentLength, 1 RST_STREAM PROTOCOL_ERROR",
        ),
    ]);
}

/// A body that is too large is refused, and what still comes of it is dropped.
#[test]
fn bounds() {
    let limits = Limits { max_body_bytes: 3, ..Limits::default() };
    for (name, request, rest) in [
        ("by length", vec![with_length(1, 0, "4")], data(1, "abc")),
        ("by data", vec![post(1), data(1, "ab")], data(1, "cd")),
        ("at its end", vec![post(1), data(1, "ab")], last_data(1, "cd")),
    ] {
        let mut session = session(Config::default());
        session.limits = limits;
        session.feed(&request.concat());
        session.transcript();
        session.feed(&rest);
        assert_eq!(session.events(), "1 refused BodyTooLarge", "{name}");
        let has_ended = name == "at its end";
        if !has_ended {
            session.feed(&[data(1, "more"), ping()].concat());
        }
        let stream = session.streams[0];
        let response = Response::new(Reject::BodyTooLarge.status(), BodyLength::Known(3));
        let Session { connection, out, .. } = &mut session;
        connection.send_whole(stream, response, &Headers::new(), b"no!", out).unwrap();
        assert_eq!(connection.is_open(stream), !has_ended, "{name}");
        let frames = session.frames();
        assert!(frames.ends_with("1 DATA end no!"), "{name}: {frames}");
        if !has_ended {
            session.feed(&[data(1, "even"), last_data(1, "more")].concat());
            assert_eq!(session.events(), "1 end", "{name}");
            assert!(!session.connection.is_open(stream), "{name}");
        }
        session.feed(&get(3));
        assert_eq!(session.transcript().join(", "), "3 head GET / 0", "{name}");
    }
}

/// The bound may be set anew once it is known what the request is for.
#[test]
fn a_bound_of_its_own() {
    let mut session = session(Config::default());
    session.limits.max_body_bytes = 1;
    session.feed(&with_length(1, 0, "4"));
    session.connection.set_max_body_bytes(session.streams[0], 4);
    session.feed(&last_data(1, "abcd"));
    assert_eq!(session.events(), "1 head POST / 4, 1 data abcd, 1 end");
}

/// A response may be over before its request (section 8.1).
#[test]
fn an_early_response() {
    let mut session = session(Config::default());
    session.feed(&post(1));
    let stream = session.streams[0];
    let Session { connection, out, .. } = &mut session;
    let response = Response::new(http::StatusCode::OK, BodyLength::Known(0));
    connection.send_head(stream, response, &Headers::new(), out).unwrap();
    assert!(connection.is_open(stream) && connection.is_receiving(stream));
    session.feed(&data(1, "a"));
    assert_eq!(session.events(), "1 head POST / ?, 1 data a");
    session.feed(&last_data(1, "b"));
    assert_eq!(session.events(), "1 data b, 1 end");
    assert!(!session.connection.is_open(stream));

    session.feed(&post(3));
    let stream = session.streams[1];
    let Session { connection, out, .. } = &mut session;
    connection.send_head(stream, response, &Headers::new(), out).unwrap();
    connection.reset(stream, ErrorCode::NO_ERROR, out);
    assert!(session.frames().ends_with("3 RST_STREAM NO_ERROR"));
}

/// What comes behind a response that nobody waits for is dropped. The connection gets its window
/// back, the stream does not.
#[test]
fn the_rest_of_a_request_that_is_answered() {
    let limits = Limits { max_drain_bytes: 20_000, ..Limits::default() };
    let piece = "x".repeat(10_000);
    for (name, end, expect) in [
        ("its end", last_data(1, ""), "1 end"),
        ("trailers", headers(1, END_STREAM, &[("x", "y")]), "1 end"),
        ("too much", data(1, "x"), "1 reset NO_ERROR Drained, 1 RST_STREAM NO_ERROR"),
    ] {
        let mut session = session(Config::default());
        session.limits = limits;
        session.feed(&[with_length(1, 0, "30000"), data(1, "begun")].concat());
        let stream = session.streams[0];
        let Session { connection, out, .. } = &mut session;
        let response = Response::new(http::StatusCode::OK, BodyLength::Known(0));
        connection.send_head(stream, response, &Headers::new(), out).unwrap();
        connection.drop_rest(stream, out);
        session.transcript();
        session.feed(&[data(1, &piece), data(1, &piece)].concat());
        assert_eq!(session.transcript().join(", "), "", "{name}");
        session.feed(&end);
        assert_eq!(session.transcript().join(", "), expect, "{name}");
        assert!(!session.connection.is_open(stream), "{name}");
    }
}

/// It takes nothing of what others may send.
#[test]
fn the_rest_of_many_requests_that_are_answered() {
    let mut session = session(Config::default());
    let piece = "x".repeat(16_000);
    for turn in 0..100 {
        let id = 2 * turn + 1;
        session.feed(&post(id));
        let stream = *session.streams.last().unwrap();
        let Session { connection, out, .. } = &mut session;
        let response = Response::new(http::StatusCode::OK, BodyLength::Known(0));
        connection.send_head(stream, response, &Headers::new(), out).unwrap();
        connection.drop_rest(stream, out);
        session.feed(&[data(id, &piece), data(id, &piece), data(id, &piece)].concat());
        assert!(!session.frames().contains(&format!("{id} WINDOW_UPDATE")));
    }
    assert_eq!((session.error, session.connection.open_streams()), (None, 100));
}
