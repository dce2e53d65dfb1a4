//! Whose turn it is to send (RFC 9218).

use super::*;
use crate::h2::Response;
use crate::{BodyLength, Headers};
use wire::{frame, headers};

fn update(id: u32, value: &str) -> Vec<u8> {
    let payload = [&id.to_be_bytes(), value.as_bytes()].concat();
    frame(kind::PRIORITY_UPDATE, 0, 0, &payload)
}

fn request(id: u32, priority: &str) -> Vec<u8> {
    let list = [GET, &[("priority", priority)]].concat();
    headers(id, END_STREAM, &list)
}

/// The streams that send, in their order, if each has two turns' worth.
fn order(frames: &[Vec<u8>]) -> Vec<u32> {
    let mut session = session(Config::default());
    session.client.sends_settings(4, 1 << 20);
    session.client.sends_window_update(0, 1 << 20);
    session.feed(&wire::settings(&[(4, 1 << 20)]));
    session.feed(&wire::window_update(0, 1 << 20));
    session.feed(&frames.concat());
    let response = Response::new(http::StatusCode::OK, BodyLength::Known(32 << 10));
    let Session { connection, out, streams, .. } = &mut session;
    for stream in streams.iter() {
        connection.send_head(*stream, response, &Headers::new(), out).unwrap();
        connection.await_writable(*stream);
    }
    let mut order = Vec::new();
    while let Some(writable) = connection.next_writable() {
        order.push(writable.stream.id());
        let sent = connection.send_data(writable.stream, &vec![0; writable.bytes], out).unwrap();
        if !sent.is_over {
            connection.await_writable(writable.stream);
        }
    }
    session.transcript();
    order
}

#[test]
fn streams_take_turns_as_their_priorities_say() {
    for (name, frames, expect) in [
        ("nothing is said", vec![get(1), get(3)], vec![1, 3, 1, 3]),
        ("4.1: urgency", vec![request(1, "u=5"), request(3, "u=1")], vec![3, 3, 1, 1]),
        ("4.2: one after the other", vec![request(1, ""), request(3, "")], vec![1, 1, 3, 3]),
        ("4.2: in turn", vec![request(1, "i"), request(3, "i")], vec![1, 3, 1, 3]),
        ("10: both kinds", vec![request(1, ""), request(3, "i")], vec![1, 3, 1, 3]),
        ("7.1: changed", vec![request(1, ""), request(3, ""), update(3, "u=0")], vec![3, 3, 1, 1]),
        ("7.1: ahead", vec![update(3, "u=0"), get(1), request(3, "u=7")], vec![3, 3, 1, 1]),
    ] {
        assert_eq!(order(&frames), expect, "{name}");
    }
}

#[test]
fn updates_that_are_not_allowed() {
    let id = "error BadStreamId, GOAWAY 0 PROTOCOL_ERROR";
    check(&[
        row("RFC 9218 7.1: on a stream", &[frame(kind::PRIORITY_UPDATE, 0, 1, &[0; 4])], id),
        row("RFC 9218 7.1: of no stream", &[update(0, "u=1")], id),
        row("RFC 9218 7.1: of a push", &[update(2, "u=1")], id),
        row(
            "RFC 9218 7.1: too short",
            &[frame(kind::PRIORITY_UPDATE, 0, 0, &[0; 3])],
            "error BadFrameSize, GOAWAY 0 FRAME_SIZE_ERROR",
        ),
        row("RFC 9218 7.1: of nonsense", &[update(1, "{"), ping()], "PING ack 12345678"),
    ]);
}

/// Those that wait for their streams count as streams.
#[test]
fn priorities_ahead_are_bounded() {
    let mut session = session(Config::default());
    for id in (1..257).step_by(2) {
        session.feed(&update(id, "u=1"));
        session.feed(&update(id, "u=2"));
    }
    assert_eq!(session.error, None);
    session.feed(&update(257, "u=1"));
    assert_eq!(session.frames(), "GOAWAY 0 PROTOCOL_ERROR");
}
