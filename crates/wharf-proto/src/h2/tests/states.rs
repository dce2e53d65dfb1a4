//! What may come on a stream in which state (section 5.1).

use super::*;
use wire::{data as raw_data, headers, window_update};

#[test]
fn idle_streams() {
    let expect = "error UnexpectedFrame, GOAWAY 0 PROTOCOL_ERROR";
    let id = "error BadStreamId, GOAWAY 0 PROTOCOL_ERROR";
    check(&[
        row("5.1: DATA", &[data(1, "a")], expect),
        row("5.1: RST_STREAM", &[reset(1)], expect),
        row("5.1: WINDOW_UPDATE", &[window_update(1, 1)], expect),
        row("5.1: DATA on a stream of the server's", &[data(2, "a")], expect),
        row("5.1.1: HEADERS on a stream of the server's", &[get(2)], id),
        row(
            "5.1.1: HEADERS on a stream that was skipped",
            &[get(5), get(3)],
            "5 head GET / 0, error BadStreamId, 5 HEADERS :status=200 content-length=2, \
             5 DATA end OK, GOAWAY 5 PROTOCOL_ERROR",
        ),
    ]);
}

/// The peer has ended, we have not.
#[test]
fn half_closed_remote_streams() {
    for (name, frame, expect) in [
        ("DATA", data(1, "a"), "1 reset STREAM_CLOSED Fault, 1 RST_STREAM STREAM_CLOSED"),
        ("HEADERS", get(1), "1 reset STREAM_CLOSED Fault, 1 RST_STREAM STREAM_CLOSED"),
        ("WINDOW_UPDATE", window_update(1, 1), ""),
        ("RST_STREAM", reset(1), "1 reset CANCEL Peer"),
        ("PRIORITY", wire::frame(kind::PRIORITY, 0, 1, &[0; 5]), ""),
    ] {
        let mut session = session(Config::default());
        session.feed(&get(1));
        session.transcript();
        session.feed(&frame);
        assert_eq!(session.transcript().join(", "), expect, "{name}");
    }
}

/// Both have ended.
#[test]
fn closed_streams() {
    let ok = "1 head GET / 0, ";
    let sent = "1 HEADERS :status=200 content-length=2, 1 DATA end OK";
    let closed = format!("{ok}error StreamClosed, {sent}, GOAWAY 1 STREAM_CLOSED");
    check(&[
        row(
            "5.1: DATA",
            &[get(1), data(1, "a")],
            &format!("{ok}{sent}, 1 RST_STREAM STREAM_CLOSED"),
        ),
        row("5.1: HEADERS", &[get(1), get(1)], &closed),
        row("5.1: WINDOW_UPDATE", &[get(1), window_update(1, 1)], &format!("{ok}{sent}")),
        row("5.1: RST_STREAM", &[get(1), reset(1)], &format!("{ok}{sent}")),
    ]);
}

#[test]
fn streams_that_the_peer_reset() {
    let begun = "1 head POST / ?, 1 reset CANCEL Peer, ";
    let expect = format!("{begun}1 RST_STREAM STREAM_CLOSED, PING ack 12345678");
    check(&[
        row("5.1: DATA", &[post(1), reset(1), data(1, "a"), ping()], &expect),
        row("5.1: HEADERS", &[post(1), reset(1), get(1), ping()], &expect),
        row(
            "5.1: WINDOW_UPDATE",
            &[post(1), reset(1), window_update(1, 1), reset(1), ping()],
            &format!("{begun}PING ack 12345678"),
        ),
    ]);
}

/// What the peer sent before it could know is dropped, and counts as far as it has to.
#[test]
fn streams_that_we_reset() {
    let mut session = session(Config::default());
    session.feed(&post(1));
    session.connection.reset(session.streams[0], crate::h2::ErrorCode::CANCEL, &mut session.out);
    session.transcript();
    session.feed(&[data(1, "late"), window_update(1, 5), reset(1)].concat());
    let trailers = [("late", "trailer")];
    session.feed(&headers(1, END_STREAM, &trailers));
    assert_eq!(session.transcript().join(", "), "");
    // All of it is given back: the window is that of the beginning.
    for _ in 0..200 {
        session.feed(&raw_data(1, 0, &[0; 16_384]));
    }
    assert!(session.error.is_none());
    session.feed(&get(3));
    assert!(session.events().ends_with("3 head GET / 0"));
}

#[test]
fn trailers() {
    let ok = "1 HEADERS :status=200 content-length=2, 1 DATA end OK";
    let fields = [("x-sum", "1"), ("content-type", "a/b"), ("grpc-status", "0")];
    let head = "1 head POST / ?, ";
    let malformed = |reject: &str| {
        format!("{head}1 reset PROTOCOL_ERROR Reject({reject}), 1 RST_STREAM PROTOCOL_ERROR")
    };
    check(&[
        row(
            "8.1: behind a body",
            &[post(1), data(1, "a"), headers(1, END_STREAM, &fields)],
            &format!("{head}1 data a, 1 end x-sum=1 grpc-status=0, {ok}"),
        ),
        row(
            "8.1: without a body",
            &[post(1), headers(1, END_STREAM, &fields)],
            &format!("{head}1 end x-sum=1 grpc-status=0, {ok}"),
        ),
        row(
            "8.1: without the end of the stream",
            &[post(1), headers(1, 0, &fields)],
            &format!("{head}1 reset PROTOCOL_ERROR Fault, 1 RST_STREAM PROTOCOL_ERROR"),
        ),
        row(
            "8.3: pseudo-header fields",
            &[post(1), headers(1, END_STREAM, &[(":path", "/")])],
            &malformed("BadPseudoField"),
        ),
        row(
            "8.2.1: capital letters",
            &[post(1), headers(1, END_STREAM, &[("X", "y")])],
            &malformed("BadField"),
        ),
        row(
            "8.2.2: fields of one connection",
            &[post(1), headers(1, END_STREAM, &[("connection", "close")])],
            &malformed("ConnectionField"),
        ),
        row(
            "too many bytes of them",
            &[post(1), headers(1, END_STREAM, &[("x", &"y".repeat(8_188))])],
            &format!(
                "{head}1 refused TrailersTooLarge, 1 HEADERS end :status=431 content-length=0"
            ),
        ),
    ]);
}

#[test]
fn what_many_streams_have_needed_is_freed_on_demand() {
    let mut session = session(Config::default());
    session.feed(&get(1));
    let alone = session.connection.storage_bytes();
    let rest: Vec<u32> = (1..100).map(|number| 2 * number + 1).collect();
    session.feed(&rest.iter().flat_map(|&id| get(id)).collect::<Vec<_>>());
    let grown = session.connection.storage_bytes();
    assert!(grown > 2 * alone, "{alone}, {grown}");
    for id in rest {
        session.feed(&reset(id));
    }
    let grown = session.connection.storage_bytes();
    session.connection.free_spares();
    assert_eq!(session.connection.storage_bytes(), grown, "one is open");
    session.feed(&reset(1));
    session.connection.free_spares();
    assert!(session.connection.storage_bytes() <= alone);
    session.transcript();
    session.feed(&get(201));
    assert_eq!(session.transcript(), ["201 head GET / 0"]);
}
