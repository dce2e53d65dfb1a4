//! Cases: how connections and streams end that nobody breaks: deadlines, and GOAWAY.
//!
//! On real sockets the one timeout that a case is about is short; on simulated ones time is moved
//! on. Not here: what ends for a fault (`errors.rs`) or is given up (`cancel.rs`), and windows that
//! stay shut (`windows.rs`).

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use wharf_proto::h2::{ConnectionError, ErrorCode, PREFACE};

use super::super::super::features::TIME_LIMIT;
use super::super::super::frames::{
    Peer, data, get, last_data, ping, post, put, request, reset, settings,
};
use super::super::super::http2::frame;
use super::super::super::site::Stage;
use super::{Case, End, Harness, served};
use crate::{CloseReason, Limit, Limits, Request, Response, Server, Service, Timeouts};

pub(super) const CASES: &[Case] = &[
    Case::new("6.5.3_settings_that_are_not_acknowledged", settings_without_answer).with(short_head),
    Case::new("4.3_a_block_that_does_not_end", a_block_that_does_not_end).with(short_head),
    Case::new("3.4_a_preface_that_does_not_end", a_preface_that_does_not_end).with(short_head),
    Case::new("3.4_a_preface_and_nothing_else", a_preface_alone).with(short_first_byte),
    Case::new("9.1_an_idle_connection", an_idle_connection).with(short_idle),
    Case::new("9.1_idle_once_the_last_is_given_up", idle_once_given_up).with(short_idle),
    Case::new("9.1_idle_once_an_end_alone_has_come", idle_behind_an_end).with(short_idle),
    Case::new("6.5.3_who_has_closed_acknowledges_nothing", closed_and_silent).with(short_head),
    Case::new("5.4.2_a_destructor_of_what_is_given_up", a_destructor_of_what_is_given_up),
    Case::new("6.7_pings_are_no_requests", pings_are_no_requests).with(short_idle),
    Case::new("8.1_a_body_that_does_not_come", a_body_that_does_not_come).with(short_body),
    Case::new("8.1_an_answer_before_the_request's_end", an_early_answer).with(short_idle),
    Case::new("8.1_the_request's_end_does_not_come", an_end_that_does_not_come).with(short_linger),
    Case::new("8.1_more_than_is_dropped_comes", more_than_is_dropped).with(little_is_dropped),
    Case::new("8.1_a_drain_before_the_request's_end", a_drain_of_an_early_answer)
        .with(short_linger),
    Case::new("8.1_a_handler_that_takes_too_long", a_handler_that_takes_too_long),
    Case::new("6.8_a_drain_in_two_steps", a_drain_in_two_steps),
    Case::new("6.8_a_drain_of_a_client_that_does_not_answer", a_drain_without_an_answer),
    Case::new("6.8_a_drain_of_an_idle_connection", a_drain_of_an_idle_connection),
    Case::new("6.8_a_drain_that_nobody_heeds", a_drain_that_nobody_heeds).with(short_grace),
    Case::new("6.8_a_handler_asks_for_the_end", a_handler_asks_for_the_end),
    Case::new("6.8_a_client_leaves", a_client_leaves),
    Case::new("6.8_a_client_leaves_behind_its_requests", a_client_leaves_behind_its_requests),
    Case::new("6.8_so_many_requests_and_no_more", so_many_requests).with(two_requests),
    Case::new("5.1_the_client_closes_its_side", the_client_closes_its_side),
    Case::of("5.1_it_does_so_behind_many_requests", large_heads, closed_behind_requests),
];

/// Short enough to wait for, and long enough for a busy machine to do what has to come before.
const SHORT: Duration = Duration::from_millis(200);

/// Longer than [`SHORT`], timers being rounded up.
const PASSES: Duration = Duration::from_millis(250);

/// A field that makes a response large, in bytes.
const LARGE_HEAD: usize = 16_000;

/// More than any case takes.
const LONG: Duration = Duration::from_secs(3600);

fn short_head(server: Server) -> Server {
    server.timeouts(Timeouts::default().with_head(SHORT))
}

fn short_first_byte(server: Server) -> Server {
    server.timeouts(Timeouts::default().with_first_byte(SHORT))
}

fn short_idle(server: Server) -> Server {
    server.timeouts(Timeouts::default().with_idle(SHORT))
}

fn short_body(server: Server) -> Server {
    server.timeouts(Timeouts::default().with_body(SHORT))
}

fn short_linger(server: Server) -> Server {
    server.timeouts(Timeouts::default().with_linger(SHORT))
}

fn little_is_dropped(server: Server) -> Server {
    let mut limits = Limits::default();
    limits.max_drain_bytes = 3;
    server.limits(limits)
}

fn short_grace(server: Server) -> Server {
    server.timeouts(Timeouts::default().with_drain_grace(SHORT))
}

fn two_requests(server: Server) -> Server {
    server.max_requests_per_connection(2)
}

/// What comes up to the end, and the reason that the server has for it.
fn ends(harness: &Harness, mut peer: Peer, expect: &str, reason: CloseReason) {
    assert_eq!(peer.rest(), expect);
    drop(peer);
    harness.wait_for_close(reason);
}

/// What comes up to the end, where that is the last in a drain which leaves nothing undone.
fn drains(harness: &Harness, mut peer: Peer, expect: &str) {
    assert_eq!(peer.rest(), expect);
    drop(peer);
    assert!(harness.wait_for_end().is_clean());
}

/// What shows that a client was told of a drain.
fn pong() -> Vec<u8> {
    put(frame::PING, frame::ACK, 0, b"whrfgone")
}

fn settings_without_answer(harness: &mut Harness) {
    let mut peer = Peer::mute(harness);
    peer.send(&[PREFACE.to_vec(), settings(&[]), get(1, "/"), get(3, "/gate/a")]);
    peer.until("1 'hello' END");
    harness.wait_for("waiting", 1);
    harness.pass(PASSES);
    assert_eq!(peer.rest(), "GOAWAY 3 SETTINGS_TIMEOUT, Closed");
    harness.wait_for("handler gone", 1);
    drop(peer);
    harness.wait_for_close(CloseReason::Http2(ConnectionError::SettingsTimeout));
    // Who answers has done all there is to do.
    let mut peer = Peer::connect(harness);
    peer.send(&[get(1, "/gate/b")]);
    harness.wait_for("waiting", 2);
    harness.pass(PASSES * 4);
    assert_eq!(peer.so_far(), "");
}

fn a_block_that_does_not_end(harness: &mut Harness) {
    let mut peer = Peer::connect(harness);
    let block = frame::block(&[(":method", "GET")]);
    peer.send(&[get(1, "/"), put(frame::HEADERS, frame::END_STREAM, 3, &block)]);
    peer.until("1 'hello' END");
    harness.pass(PASSES);
    ends(harness, peer, "GOAWAY 1 NO_ERROR, Closed", CloseReason::Limit(Limit::Head));
}

fn a_preface_that_does_not_end(harness: &mut Harness) {
    let mut peer = Peer::mute(harness);
    peer.client.send(PREFACE);
    peer.client.let_it_look();
    harness.pass(PASSES);
    ends(harness, peer, "GOAWAY 0 NO_ERROR, Closed", CloseReason::Limit(Limit::Head));
}

fn a_preface_alone(harness: &mut Harness) {
    let mut peer = Peer::connect(harness);
    assert_eq!(peer.so_far(), "");
    harness.pass(PASSES);
    ends(harness, peer, "GOAWAY 0 NO_ERROR, Closed", CloseReason::Limit(Limit::FirstByte));
}

fn an_idle_connection(harness: &mut Harness) {
    let mut peer = Peer::connect(harness);
    peer.send(&[get(1, "/"), get(3, "/gate/a")]);
    peer.until("1 'hello' END");
    harness.wait_for("waiting", 1);
    harness.pass(PASSES * 4);
    assert_eq!(peer.so_far(), "", "a handler may take its time");
    harness.stage.open("a");
    peer.until("3 'through a' END");
    harness.pass(PASSES);
    ends(harness, peer, "GOAWAY 3 NO_ERROR, Closed", CloseReason::Limit(Limit::Idle));
}

/// Nothing is sent that would bring the connection up.
fn idle_once_given_up(harness: &mut Harness) {
    let mut peer = served(harness);
    peer.send(&[get(3, "/gate/a")]);
    harness.wait_for("waiting", 1);
    peer.send(&[reset(3, ErrorCode::CANCEL)]);
    harness.wait_for("handler gone", 1);
    harness.pass(PASSES);
    assert_eq!(peer.rest(), "GOAWAY 3 NO_ERROR, Closed");
}

fn idle_behind_an_end(harness: &mut Harness) {
    let mut peer = Peer::connect(harness);
    peer.send(&[request(1, "POST", "/echo", 0, &[("content-length", "3")]), data(1, b"abc")]);
    while !peer.next().expect("a frame").ends_with("END") {}
    peer.send(&[last_data(1, b"")]);
    harness.pass(PASSES);
    assert_eq!(peer.rest(), "GOAWAY 1 NO_ERROR, Closed");
}

/// A handler may be slower than settings have to be acknowledged.
fn closed_and_silent(harness: &mut Harness) {
    let mut peer = Peer::mute(harness);
    peer.send(&[PREFACE.to_vec(), settings(&[]), get(1, "/gate/a")]);
    peer.client.shut();
    harness.wait_for("waiting", 1);
    harness.pass(PASSES);
    harness.stage.open("a");
    assert_eq!(peer.rest(), "1 200, 1 'through a' END, Closed");
}

/// What is left of the response panics when it is dropped, which is nobody else's affair.
fn a_destructor_of_what_is_given_up(harness: &mut Harness) {
    let mut peer = Peer::with(harness, &[(4, 1000)]);
    peer.send(&[get(1, "/gate/a"), get(3, "/grenade/large")]);
    peer.until("3 1000 bytes");
    peer.send(&[reset(3, ErrorCode::CANCEL)]);
    assert_eq!(peer.so_far(), "");
    harness.stage.open("a");
    assert_eq!(peer.until("1 'through a' END"), "1 200, 1 'through a' END");
}

/// They show that somebody is there, and not that there is anything to do.
fn pings_are_no_requests(harness: &mut Harness) {
    let mut peer = served(harness);
    let mut answered = 0;
    let rest = loop {
        assert!(answered < 1000, "it is kept open");
        peer.send(&[ping("12345678")]);
        match peer.next() {
            Ok(frame) if frame == "PONG 12345678" => answered += 1,
            Ok(frame) => break format!("{frame}, {}", peer.rest()),
            Err(end) => break format!("{end:?}"),
        }
        // As often as no flood is made of them.
        harness.pass(SHORT / 5);
        harness.stage.wait(SHORT / 20);
    };
    // What comes behind the end may meet a socket that is closed.
    assert!(rest == "GOAWAY 1 NO_ERROR, Closed" || rest.ends_with("Reset"), "{rest}");
    assert!(answered > 0);
    assert!(!harness.stands_still() || answered < 8, "{answered}");
    drop(peer);
    harness.wait_for_close(CloseReason::Limit(Limit::Idle));
}

fn a_body_that_does_not_come(harness: &mut Harness) {
    let mut peer = Peer::connect(harness);
    peer.send(&[post(1, "/pieces"), data(1, b"abc"), get(3, "/gate/a"), post(5, "/ignore")]);
    harness.wait_for("waiting", 1);
    harness.pass(PASSES);
    let shown = peer.until("1 '408 Request Timeout\\n' END");
    assert!(shown.ends_with("1 408, 1 '408 Request Timeout\\n' END"), "{shown}");
    harness.wait_for("reader gone", 1);
    harness.stage.open("a");
    assert_eq!(peer.until("3 'through a' END"), "3 200, 3 'through a' END");
}

/// There are clients that take a reset for a failure, and lose the answer.
fn an_early_answer(harness: &mut Harness) {
    let mut peer = Peer::connect(harness);
    peer.send(&[post(1, "/ignore"), data(1, b"abc"), post(3, "/ignore")]);
    peer.until("1 'ignored' END");
    peer.until("3 'ignored' END");
    peer.send(&[data(3, b"abc"), last_data(1, b"def"), data(3, b"def"), get(5, "/")]);
    assert_eq!(peer.so_far(), "5 200, 5 'hello' END");
    peer.send(&[last_data(3, b"")]);
    assert_eq!(peer.so_far(), "");
    assert!(peer.granted.iter().all(|&(id, _)| id == 0), "{:?}", peer.granted);
    // It is idle now.
    harness.pass(PASSES);
    ends(harness, peer, "GOAWAY 5 NO_ERROR, Closed", CloseReason::Limit(Limit::Idle));
}

/// Data does not hold that off.
fn an_end_that_does_not_come(harness: &mut Harness) {
    let mut peer = Peer::connect(harness);
    peer.send(&[post(1, "/ignore"), request(3, "POST", "/ignore", 0, &[("content-length", "3")])]);
    peer.until("3 'ignored' END");
    peer.send(&[data(1, b"abc"), data(3, b"abc")]);
    harness.pass(PASSES);
    let shown = [peer.next().unwrap(), peer.next().unwrap()];
    assert_eq!(shown, ["1 RESET NO_ERROR", "3 RESET NO_ERROR"]);
    peer.send(&[data(1, b"def"), last_data(3, b""), get(5, "/")]);
    assert_eq!(peer.so_far(), "5 200, 5 'hello' END");
}

fn more_than_is_dropped(harness: &mut Harness) {
    let mut peer = Peer::connect(harness);
    peer.send(&[post(1, "/ignore")]);
    peer.until("1 'ignored' END");
    peer.send(&[data(1, b"abc")]);
    assert_eq!(peer.so_far(), "");
    peer.send(&[data(1, b"d"), data(1, b"e"), get(3, "/")]);
    assert_eq!(peer.so_far(), "1 RESET NO_ERROR, 3 200, 3 'hello' END");
}

/// It is waited for no longer than otherwise.
fn a_drain_of_an_early_answer(harness: &mut Harness) {
    let mut peer = Peer::connect(harness);
    peer.send(&[post(1, "/ignore")]);
    peer.until("1 'ignored' END");
    harness.drain(LONG);
    harness.pass(PASSES);
    let rest = peer.rest();
    assert!(rest.contains("1 RESET NO_ERROR") && rest.ends_with("Closed"), "{rest}");
    drop(peer);
    assert!(harness.wait_for_end().is_clean());
}

fn a_handler_that_takes_too_long(harness: &mut Harness) {
    let mut peer = Peer::connect(harness);
    peer.send(&[get(1, "/quick/a"), get(3, "/gate/a")]);
    harness.wait_for("waiting", 2);
    harness.pass(TIME_LIMIT * 2);
    let expect = "1 503, 1 '503 Service Unavailable\\n' END";
    assert_eq!(peer.until("1 '503 Service Unavailable\\n' END"), expect);
    harness.stage.open("a");
    assert_eq!(peer.until("3 'through a' END"), "3 200, 3 'through a' END");
}

/// What the client has sent before it knows is taken, and what it sends behind that is not.
fn a_drain_in_two_steps(harness: &mut Harness) {
    let mut peer = Peer::connect(harness);
    peer.is_silent = true;
    peer.send(&[get(1, "/gate/a"), post(3, "/pieces")]);
    harness.wait_for("waiting", 1);
    harness.drain(LONG);
    assert_eq!(peer.until("PING whrfgone"), "SETTINGS, GOAWAY all NO_ERROR, PING whrfgone");
    peer.send(&[get(5, "/")]);
    assert_eq!(peer.until("5 'hello' END"), "5 200, 5 'hello' END");
    peer.send(&[pong()]);
    assert_eq!(peer.until("GOAWAY 5 NO_ERROR"), "GOAWAY 5 NO_ERROR");
    peer.send(&[get(7, "/")]);
    assert_eq!(peer.so_far(), "");
    peer.send(&[last_data(3, b"abc")]);
    assert_eq!(peer.until("3 '3 bytes' END"), "3 200, 3 '3 bytes' END");
    harness.stage.open("a");
    assert_eq!(peer.rest(), "1 200, 1 'through a' END, Closed");
    drop(peer);
    let report = harness.wait_for_end();
    assert_eq!((report.finished, report.cancelled, report.cut), (1, 0, 0));
}

fn a_drain_without_an_answer(harness: &mut Harness) {
    let mut peer = Peer::connect(harness);
    peer.is_silent = true;
    peer.send(&[get(1, "/gate/a")]);
    harness.wait_for("waiting", 1);
    harness.drain(LONG);
    peer.until("PING whrfgone");
    harness.stage.open("a");
    drains(harness, peer, "1 200, 1 'through a' END, GOAWAY 1 NO_ERROR, Closed");
}

/// A client that has nothing left to ask, and was told of a drain.
fn idle_in_a_drain(harness: &Harness) -> Peer {
    let mut peer = served(harness);
    peer.is_silent = true;
    harness.drain(LONG);
    peer.until("PING whrfgone");
    peer
}

fn a_drain_of_an_idle_connection(harness: &mut Harness) {
    let mut peer = idle_in_a_drain(harness);
    peer.send(&[pong()]);
    drains(harness, peer, "GOAWAY 1 NO_ERROR, Closed");
}

fn a_drain_that_nobody_heeds(harness: &mut Harness) {
    let peer = idle_in_a_drain(harness);
    harness.pass(PASSES);
    drains(harness, peer, "GOAWAY 1 NO_ERROR, Closed");
}

fn a_handler_asks_for_the_end(harness: &mut Harness) {
    let mut peer = Peer::connect(harness);
    peer.send(&[get(1, "/gate/a")]);
    harness.wait_for("waiting", 1);
    peer.send(&[get(3, "/bye")]);
    peer.until("GOAWAY 3 NO_ERROR");
    harness.stage.open("a");
    assert_eq!(peer.rest(), "1 200, 1 'through a' END, Closed");
}

fn a_client_leaves(harness: &mut Harness) {
    let leaves = || put(frame::GOAWAY, 0, 0, &[0; 8]);
    let mut peer = Peer::connect(harness);
    peer.send(&[leaves()]);
    ends(harness, peer, "GOAWAY 0 NO_ERROR, Closed", CloseReason::Finished);
    let mut peer = served(harness);
    peer.send(&[leaves()]);
    assert_eq!(peer.rest(), "GOAWAY 1 NO_ERROR, Closed");
    // What comes along is answered.
    let mut peer = Peer::connect(harness);
    peer.send(&[get(1, "/gate/a"), leaves(), get(3, "/")]);
    peer.until("3 'hello' END");
    harness.stage.open("a");
    assert_eq!(peer.rest(), "1 200, 1 'through a' END, GOAWAY 3 NO_ERROR, Closed");
}

fn a_client_leaves_behind_its_requests(harness: &mut Harness) {
    let mut peer = Peer::connect(harness);
    peer.send(&[get(1, "/gate/a"), post(3, "/pieces"), post(5, "/ignore")]);
    peer.until("5 'ignored' END");
    harness.wait_for("waiting", 1);
    peer.send(&[put(frame::GOAWAY, 0, 0, &[0; 8])]);
    assert_eq!(peer.so_far(), "");
    peer.send(&[last_data(3, b"abc"), last_data(5, b"")]);
    assert_eq!(peer.until("3 '3 bytes' END"), "3 200, 3 '3 bytes' END");
    harness.stage.open("a");
    let last = "1 200, 1 'through a' END, GOAWAY 5 NO_ERROR, Closed";
    ends(harness, peer, last, CloseReason::Finished);
}

fn so_many_requests(harness: &mut Harness) {
    let mut peer = Peer::connect(harness);
    peer.send(&[get(1, "/gate/a"), get(3, "/"), get(5, "/")]);
    assert_eq!(peer.so_far(), "GOAWAY 3 NO_ERROR, 3 200, 3 'hello' END");
    harness.stage.open("a");
    ends(harness, peer, "1 200, 1 'through a' END, Closed", CloseReason::Limit(Limit::Requests));
}

/// Its requests are answered all the same.
fn the_client_closes_its_side(harness: &mut Harness) {
    let mut peer = Peer::connect(harness);
    peer.send(&[get(1, "/gate/a"), post(3, "/pieces"), data(3, b"abc")]);
    harness.wait_for("waiting", 1);
    harness.wait_for("body bytes", 3);
    peer.client.shut();
    let shown = peer.until("3 RESET NO_ERROR");
    assert!(shown.contains("3 400"), "{shown}");
    harness.stage.open("a");
    peer.until("1 'through a' END");
    assert_eq!(peer.client.try_end(), End::Closed);
}

/// Responses of a head alone, which no window holds back.
fn large_heads(_: &Arc<Stage>) -> Service {
    let value = "x".repeat(LARGE_HEAD);
    Service::http(move |_: Request| Response::new(StatusCode::NO_CONTENT).with_header("x", &value))
}

/// More of them than are looked at before the client takes some.
fn closed_behind_requests(harness: &mut Harness) {
    let mut peer = Peer::connect(harness);
    let ids: Vec<u32> = (0..100).map(|number| 2 * number + 1).collect();
    assert!(ids.len() * LARGE_HEAD > 1 << 20);
    peer.send(&ids.iter().map(|&id| get(id, "/")).collect::<Vec<_>>());
    peer.client.shut();
    let expect: Vec<_> = ids.iter().map(|id| format!("{id} 204 END, ")).collect();
    ends(harness, peer, &(expect.concat() + "Closed"), CloseReason::PeerClosed);
}
