//! Cases: what ends one stream and leaves the others: peers that give up, handlers that panic, and
//! more than there may be.
//!
//! Not here: streams that end for a fault (`errors.rs`), and deadlines (`ends.rs`).

use wharf_proto::h2::{ConnectionError, ErrorCode};

use super::super::super::frames::{Peer, data, get, last_data, post, request, reset, window};
use super::super::super::http2::frame;
use super::{Case, Harness};
use crate::{CloseReason, Server};

pub(super) const CASES: &[Case] = &[
    Case::new("5.4.2_given_up_while_the_handler_runs", given_up_while_the_handler_runs),
    Case::new("5.4.2_given_up_and_finished_all_the_same", given_up_and_finished),
    Case::new("5.4.2_given_up_while_the_body_comes", given_up_while_the_body_comes),
    Case::new("5.4.2_given_up_while_the_response_goes", given_up_while_the_response_goes),
    Case::new("5.4.2_given_up_is_told", given_up_is_told),
    Case::new("10.5_too_many_that_are_given_up", too_many_that_are_given_up),
    Case::new("10.5_those_with_a_response_do_not_count", those_with_a_response),
    Case::new("8.1_panics_end_their_streams", panics_end_their_streams),
    Case::new("8.1_destructors_that_panic", destructors_that_panic),
    Case::new("5.1.2_more_streams_than_there_may_be", more_streams_than_there_may_be).with(three),
];

fn three(server: Server) -> Server {
    server.max_streams(3)
}

fn cancel(id: u32) -> Vec<u8> {
    reset(id, ErrorCode::CANCEL)
}

/// A client with a request that waits, which is to be answered whatever becomes of the others.
fn with_one_that_waits(harness: &Harness) -> Peer {
    let mut peer = Peer::connect(harness);
    let waiting = harness.stage.count("waiting");
    peer.send(&[get(1, "/gate/first")]);
    harness.wait_for("waiting", waiting + 1);
    peer
}

fn goes_on(harness: &Harness, peer: &mut Peer) {
    harness.stage.open("first");
    let expect = "1 200, 1 'through first' END";
    assert_eq!(peer.until("1 'through first' END"), expect);
    peer.send(&[get(1001, "/")]);
    assert_eq!(peer.until("1001 'hello' END"), "1001 200, 1001 'hello' END");
}

fn given_up_while_the_handler_runs(harness: &mut Harness) {
    let mut peer = with_one_that_waits(harness);
    peer.send(&[get(3, "/gate/a"), get(5, "/gate/a")]);
    harness.wait_for("waiting", 3);
    peer.send(&[cancel(3)]);
    harness.wait_for("handler gone", 1);
    harness.stage.open("a");
    assert_eq!(peer.until("5 'through a' END"), "5 200, 5 'through a' END");
    goes_on(harness, &mut peer);
}

fn given_up_and_finished(harness: &mut Harness) {
    let mut peer = with_one_that_waits(harness);
    peer.send(&[post(3, "/rule/default/a"), get(5, "/rule/finish/a"), post(7, "/rule/cancel/a")]);
    harness.wait_for("waiting", 4);
    peer.send(&[cancel(3), cancel(5), cancel(7)]);
    harness.wait_for("handler gone", 1);
    assert_eq!(harness.stage.count("handler finished"), 0);
    harness.stage.open("a");
    harness.wait_for("handler finished", 2);
    harness.wait_for("handler gone", 3);
    goes_on(harness, &mut peer);
}

fn given_up_while_the_body_comes(harness: &mut Harness) {
    let mut peer = with_one_that_waits(harness);
    for id in [3, 5] {
        peer.send(&[post(id, "/pieces"), data(id, b"abc")]);
    }
    harness.wait_for("body bytes", 6);
    peer.send(&[cancel(3)]);
    harness.wait_for("reader gone", 1);
    peer.send(&[last_data(5, b"de")]);
    assert_eq!(peer.until("5 '5 bytes' END"), "5 200, 5 '5 bytes' END");
    goes_on(harness, &mut peer);
}

fn given_up_while_the_response_goes(harness: &mut Harness) {
    let mut peer = with_one_that_waits(harness);
    peer.send(&[window(0, 1 << 20), get(3, "/large"), get(5, "/held/a"), get(7, "/held/b")]);
    peer.until("7 'begun '");
    peer.send(&[cancel(3), cancel(5)]);
    harness.wait_for("producer gone", 2);
    harness.stage.open("b");
    while peer.next().expect("a frame") != "7 'ended' END" {}
    while !peer.so_far().is_empty() {}
    goes_on(harness, &mut peer);
}

fn given_up_is_told(harness: &mut Harness) {
    let mut peer = with_one_that_waits(harness);
    peer.send(&[post(3, "/watched"), post(5, "/watched")]);
    harness.wait_for("waiting", 3);
    peer.send(&[cancel(3)]);
    harness.wait_for("told", 1);
    assert_eq!(harness.stage.count("told"), 1);
    peer.send(&[cancel(5)]);
    harness.wait_for("told", 2);
    goes_on(harness, &mut peer);
}

/// Each costs a handler that may go on: there are no more of them than a budget has.
fn too_many_that_are_given_up(harness: &mut Harness) {
    let mut peer = Peer::connect(harness);
    for id in (1..601).step_by(2) {
        peer.send(&[post(id, "/rule/finish/a"), cancel(id)]);
    }
    let end = peer.rest();
    assert!(end.contains("ENHANCE_YOUR_CALM"), "{end}");
    drop(peer);
    harness.wait_for_close(CloseReason::Http2(ConnectionError::ResetFlood));
    let begun = harness.stage.count("waiting");
    assert!((256..300).contains(&begun), "{begun} handlers");
    harness.stage.open("a");
    harness.wait_for("handler finished", begun - 1);
    harness.wait_for("handler gone", begun);
}

fn those_with_a_response(harness: &mut Harness) {
    let mut peer = Peer::connect(harness);
    for id in (1..1201).step_by(2) {
        peer.send(&[get(id, "/"), cancel(id)]);
        let end = format!("{id} 'hello' END");
        assert_eq!(peer.until(&end), format!("{id} 200, {end}"));
    }
    assert_eq!(peer.so_far(), "");
}

fn panics_end_their_streams(harness: &mut Harness) {
    let page = "{} 500, {} '500 Internal Server Error\\n' END";
    let mut peer = with_one_that_waits(harness);
    for (id, path) in [(3, "/panic"), (5, "/panic/later"), (7, "/blocking/panic")] {
        let page = page.replace("{}", &id.to_string());
        peer.send(&[get(id, path)]);
        assert_eq!(peer.until(page.split(", ").last().unwrap()), page, "{path}");
    }
    peer.send(&[post(9, "/panic/later"), data(9, b"abc")]);
    let page = page.replace("{}", "9");
    assert_eq!(peer.until(page.split(", ").last().unwrap()), page);
    peer.send(&[get(11, "/panic/streaming")]);
    let expect = "11 200, 11 'begun', 11 RESET INTERNAL_ERROR";
    assert_eq!(peer.until("11 RESET INTERNAL_ERROR"), expect);
    peer.send(&[get(13, "/unfinished")]);
    peer.until("13 RESET INTERNAL_ERROR");
    goes_on(harness, &mut peer);
}

/// What a handler leaves behind is dropped without harm to other streams.
fn destructors_that_panic(harness: &mut Harness) {
    let mut peer = with_one_that_waits(harness);
    for (id, path, end) in [
        (3, "/grenade/future", "3 'ready' END"),
        (5, "/grenade/body", "5 'owned' END"),
        (7, "/grenade/large", "7 7232 bytes END"),
        (9, "/grenade/stream", "9 '' END"),
    ] {
        peer.send(&[get(id, path)]);
        peer.until(end);
    }
    for id in [11, 13] {
        peer.send(&[request(id, "HEAD", "/grenade/stream", frame::END_STREAM, &[])]);
        peer.until(&format!("{id} 200 END"));
    }
    peer.send(&[get(15, "/grenade/waiting"), cancel(15)]);
    assert_eq!(peer.so_far(), "");
    goes_on(harness, &mut peer);
}

fn more_streams_than_there_may_be(harness: &mut Harness) {
    let mut peer = with_one_that_waits(harness);
    peer.send(&[get(3, "/gate/a"), get(5, "/gate/a"), get(7, "/"), post(9, "/pieces")]);
    assert_eq!(peer.so_far(), "7 RESET REFUSED_STREAM, 9 RESET REFUSED_STREAM");
    // What was sent of it before that was known.
    peer.send(&[data(9, b"abc"), last_data(9, b"")]);
    assert_eq!(peer.so_far(), "");
    harness.stage.open("a");
    peer.until("5 'through a' END");
    peer.send(&[get(11, "/")]);
    assert_eq!(peer.until("11 'hello' END"), "11 200, 11 'hello' END");
    goes_on(harness, &mut peer);
}
