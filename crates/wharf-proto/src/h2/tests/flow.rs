//! Flow control of both directions (sections 5.2 and 6.9).

use std::time::Duration;

use super::*;
use crate::h2::{Response, StreamKey};
use crate::{BodyLength, Headers};
use wire::window_update;

/// A stream whose response has begun, of unknown length.
fn begun(session: &mut Session, id: u32) -> StreamKey {
    session.feed(&get(id));
    let stream = *session.streams.last().unwrap();
    let response = Response::new(http::StatusCode::OK, BodyLength::Unknown);
    let Session { connection, out, .. } = session;
    connection.send_head(stream, response, &Headers::new(), out).unwrap();
    session.transcript();
    stream
}

/// Sends as much of `len` bytes as is taken.
fn send(session: &mut Session, stream: StreamKey, len: usize) -> usize {
    let Session { connection, out, .. } = session;
    connection.send_data(stream, &vec![b'x'; len], out).unwrap().bytes
}

fn set_window(session: &mut Session, value: u32) {
    session.client.sends_settings(4, value);
    session.feed(&wire::settings(&[(4, value)]));
}

fn grant(session: &mut Session, id: u32, increment: u32) {
    session.client.sends_window_update(id, increment);
    session.feed(&window_update(id, increment));
}

#[test]
fn no_more_is_sent_than_both_windows_allow() {
    let mut session = session(Config::default());
    set_window(&mut session, 1);
    let stream = begun(&mut session, 1);
    assert_eq!(send(&mut session, stream, 5), 1);
    assert_eq!(session.connection.next_writable(), None);
    grant(&mut session, 1, 100_000);
    let writable = session.connection.next_writable().unwrap();
    assert_eq!((writable.stream, writable.bytes), (stream, 16_384));
    assert_eq!(send(&mut session, stream, 100_000), 65_534, "the connection's");
    assert_eq!(session.connection.next_writable(), None);
    assert_eq!(session.connection.capacity(stream), 0);
    grant(&mut session, 0, 10);
    assert_eq!(session.connection.next_writable().unwrap().bytes, 10);
    session.transcript();
}

#[test]
fn frames_are_as_long_as_the_peer_takes_them() {
    let mut session = session(Config::default());
    let stream = begun(&mut session, 1);
    assert_eq!(send(&mut session, stream, 40_000), 40_000);
    let frames = session.frames();
    assert_eq!(frames, "1 DATA 16384 bytes, 1 DATA 16384 bytes, 1 DATA 7232 bytes");
}

#[test]
fn windows_of_all_streams_follow_the_initial_one() {
    let mut session = session(Config::default());
    let stream = begun(&mut session, 1);
    assert_eq!(send(&mut session, stream, 10), 10);
    session.transcript();
    set_window(&mut session, 3);
    assert_eq!(send(&mut session, stream, 10), 0, "6.9.2: it is below 0");
    grant(&mut session, 1, 7);
    assert_eq!(session.connection.next_writable(), None);
    assert_eq!(send(&mut session, stream, 10), 0);
    set_window(&mut session, 8);
    assert_eq!(session.connection.next_writable().unwrap().bytes, 5);
    assert_eq!(send(&mut session, stream, 10), 5);
    session.transcript();
}

#[test]
fn updates_that_are_not_allowed() {
    let head = "1 head POST / ?, ";
    let max = (1 << 31) - 1;
    check(&[
        row(
            "6.9: of nothing",
            &[window_update(0, 0)],
            "error ZeroIncrement, GOAWAY 0 PROTOCOL_ERROR",
        ),
        row(
            "6.9: of nothing on a stream",
            &[post(1), window_update(1, 0), ping()],
            &format!(
                "{head}1 reset PROTOCOL_ERROR Fault, 1 RST_STREAM PROTOCOL_ERROR, \
                 PING ack 12345678"
            ),
        ),
        row(
            "6.9: a bad size",
            &[wire::frame(kind::WINDOW_UPDATE, 0, 0, &[0; 5])],
            "error BadFrameSize, GOAWAY 0 FRAME_SIZE_ERROR",
        ),
        row(
            "6.9.1: too much",
            &[window_update(0, max)],
            "error WindowOverflow, GOAWAY 0 FLOW_CONTROL_ERROR",
        ),
        row(
            "6.9.1: too much on a stream",
            &[post(1), window_update(1, max)],
            &format!("{head}1 reset FLOW_CONTROL_ERROR Fault, 1 RST_STREAM FLOW_CONTROL_ERROR"),
        ),
        row(
            "6.9.2: too much by a setting",
            &[post(1), window_update(1, max - 65_535), wire::settings(&[(4, 65_536)])],
            &format!("{head}error WindowOverflow, GOAWAY 1 FLOW_CONTROL_ERROR"),
        ),
    ]);
}

#[test]
fn a_peer_that_sends_more_than_it_may() {
    let config = Config { initial_stream_window: 5, ..Config::default() };
    let mut stream = session(config);
    stream.feed(&[post(1), data(1, "12345"), data(1, "6"), ping()].concat());
    assert_eq!(
        stream.transcript().join(", "),
        "1 head POST / ?, 1 data 12345, 1 reset FLOW_CONTROL_ERROR Fault, \
         PING whrfpath, 1 RST_STREAM FLOW_CONTROL_ERROR, PING ack 12345678"
    );

    let config = Config {
        initial_stream_window: 1 << 20,
        initial_connection_window: 65_535,
        ..Config::default()
    };
    let mut connection = session(config);
    connection.feed(&post(1));
    for _ in 0..4 {
        assert_eq!(connection.error, None);
        connection.feed(&wire::data(1, 0, &[0; 16_384]));
    }
    assert!(connection.frames().ends_with("GOAWAY 1 FLOW_CONTROL_ERROR"));
}

#[test]
fn windows_are_granted_as_bytes_are_released() {
    let mut session = session(Config::default());
    session.feed(&post(1));
    for _ in 0..3 {
        session.feed(&wire::data(1, 0, &[0; 16_384]));
    }
    let stream = session.streams[0];
    session.now += Duration::from_millis(1);
    assert_eq!(session.frames(), "PING whrfpath", "a body that is no small one is measured");
    let Session { connection, out, .. } = &mut session;
    connection.release(stream, 16_384, out);
    assert_eq!(out, b"", "not by small pieces");
    connection.release(stream, 16_384, out);
    assert_eq!(session.frames(), "1 WINDOW_UPDATE 32768");
    let Session { connection, out, .. } = &mut session;
    connection.release(stream, 1_000_000, out);
    connection.release(stream, 1_000_000, out);
    assert_eq!(session.frames(), "", "not more than was held");
}

/// Over a path of 50 ms, windows reach megabytes within a few round trips, and the sum of what is
/// granted is what was released and what they grew by.
#[test]
fn windows_grow_with_the_path() {
    let mut session = session(Config::default());
    session.feed(&post(1));
    session.limits.max_body_bytes = u64::MAX;
    let stream = session.streams[0];
    session.connection.set_max_body_bytes(stream, u64::MAX);
    let (mut window, mut conn_window) = (65_535_i64, 1_048_576_i64);
    let mut round_trips = 0;
    let mut sent_in_round = 0;
    while sent_in_round < 5 << 20 {
        // Everything that was granted is sent, and answers take a round trip.
        sent_in_round = 0;
        while window.min(conn_window) > 0 {
            let len = window.min(conn_window).min(16_384);
            let bytes = usize::try_from(len).unwrap();
            session.feed(&wire::data(1, 0, &vec![0; bytes]));
            let Session { connection, out, .. } = &mut session;
            connection.release(stream, bytes, out);
            window -= len;
            conn_window -= len;
            sent_in_round += len;
        }
        session.now += Duration::from_millis(50);
        for frame in session.frames().split(", ") {
            let increment = frame.split(' ').nth(2).and_then(|text| text.parse::<i64>().ok());
            match frame.split(' ').next() {
                Some("1") => window += increment.unwrap(),
                Some("0") => conn_window += increment.unwrap(),
                Some("PING") => session.feed(&wire::frame(kind::PING, 1, 0, b"whrfpath")),
                _ => {}
            }
        }
        assert!(session.error.is_none());
        round_trips += 1;
        assert!(round_trips < 10, "{sent_in_round} bytes in a round trip");
    }
    assert!(window <= 8 << 20);
}

/// What a stream holds when it is over is the connection's again.
#[test]
fn a_stream_that_is_over_holds_nothing() {
    let mut session = session(Config::default());
    for id in (1..400).step_by(2) {
        session.feed(&[post(id), wire::data(id, 0, &[0; 16_000]), reset(id)].concat());
        session.now += Duration::from_millis(50);
        session.connection.flushed(u32::MAX);
        assert_eq!(session.error, None, "{id}");
        session.transcript();
    }
}
