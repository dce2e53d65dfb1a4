//! The end of a connection (sections 5.4.1 and 6.8).

use super::*;
use crate::h2::{ErrorCode, Phase, Response};
use crate::{BodyLength, Headers};

fn answer(session: &mut Session, at: usize) {
    let response = Response::new(http::StatusCode::OK, BodyLength::Known(2));
    let Session { connection, out, streams, .. } = session;
    connection.send_whole(streams[at], response, &Headers::new(), b"OK", out).unwrap();
}

#[test]
fn an_end_in_two_steps() {
    let mut session = session(Config::default());
    session.feed(&get(1));
    session.connection.goaway_soon(&mut session.out);
    session.connection.goaway_soon(&mut session.out);
    assert_eq!(session.frames(), "GOAWAY 2147483647 NO_ERROR, PING whrfgone");
    // Sent before the client knew.
    session.feed(&get(3));
    session.feed(&wire::frame(kind::PING, 1, 0, b"whrfgone"));
    assert_eq!(session.frames(), "GOAWAY 3 NO_ERROR");
    assert_eq!(session.events(), "1 head GET / 0, 3 head GET / 0");
    // Sent although it knew: dropped, but what it does to tables and windows holds.
    session.feed(&[post(5), data(5, "a"), reset(5), get(7), ping()].concat());
    assert_eq!(session.transcript().join(", "), "PING ack 12345678");
    answer(&mut session, 0);
    assert_eq!(session.connection.phase(), Phase::Streams);
    answer(&mut session, 1);
    assert_eq!(session.connection.phase(), Phase::Closed);
}

#[test]
fn an_end_at_once() {
    let mut session = session(Config::default());
    session.connection.goaway(&mut session.out);
    session.connection.goaway(&mut session.out);
    assert_eq!(session.frames(), "GOAWAY 0 NO_ERROR");
    assert_eq!(session.connection.phase(), Phase::Closed);
}

#[test]
fn an_end_while_a_head_comes() {
    let mut session = session(Config::default());
    let frames = blocks(3, END_STREAM, &[&wire::block(GET), b""]);
    session.feed(&[get(1), frames[0].clone()].concat());
    session.connection.goaway(&mut session.out);
    session.transcript();
    session.feed(&[frames[1].clone(), ping()].concat());
    assert_eq!(session.transcript().join(", "), "PING ack 12345678", "it was said to be dropped");
}

#[test]
fn an_end_for_a_fault_behind_another_end() {
    let mut session = session(Config::default());
    session.feed(&get(1));
    session.connection.goaway(&mut session.out);
    session.transcript();
    session.feed(&[get(3), data(0, "a")].concat());
    assert_eq!(session.transcript().join(", "), "error BadStreamId, GOAWAY 1 PROTOCOL_ERROR");
}

#[test]
fn an_end_for_a_fault() {
    let mut session = session(Config::default());
    session.feed(&[post(1), get(3)].concat());
    session.transcript();
    session.feed(&data(0, "a"));
    assert_eq!(session.transcript().join(", "), "error BadStreamId, GOAWAY 3 PROTOCOL_ERROR");
    assert_eq!(session.connection.phase(), Phase::Closed);
    assert_eq!(session.connection.open_streams(), 0);
    session.feed(&[get(5), ping()].concat());
    session.connection.goaway(&mut session.out);
    session.connection.reset(session.streams[0], ErrorCode::CANCEL, &mut session.out);
    assert_eq!(session.transcript(), [""; 0], "it stays closed");
}

#[test]
fn a_peer_that_closes_its_side() {
    let mut session = session(Config::default());
    session.feed(&[get(1), post(3)].concat());
    assert!(session.connection.receive_eof());
    answer(&mut session, 0);
    assert_eq!(session.connection.phase(), Phase::Streams);
    session.connection.reset(session.streams[1], ErrorCode::CANCEL, &mut session.out);
    assert_eq!(session.connection.phase(), Phase::Closed);
}

#[test]
fn phases() {
    let mut session = Session::new(Config::default());
    assert_eq!(session.connection.phase(), Phase::Handshake);
    begin(&mut session);
    assert_eq!(session.connection.phase(), Phase::Idle);
    let frames = blocks(1, END_STREAM, &[&wire::block(GET), b""]);
    session.feed(&frames[0]);
    assert_eq!(session.connection.phase(), Phase::HeaderBlock);
    session.feed(&frames[1]);
    assert_eq!(session.connection.phase(), Phase::Streams);
    answer(&mut session, 0);
    assert_eq!(session.connection.phase(), Phase::Idle);
}
