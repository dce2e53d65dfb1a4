//! Cases: each connection ends for a reason, which the program is told.
//!
//! Not here: what the peer sees of it (the other tables).

use super::super::client::End;
use super::{Case, Harness};
use crate::{CloseReason, Reject};

pub(super) const CASES: &[Case] = &[
    Case::new("closed_when_idle", closed_when_idle),
    Case::new("closed_before_anything", closed_before_anything),
    Case::new("cut_off_in_a_head", cut_off_in_a_head),
    Case::new("cut_off_in_a_body", cut_off_in_a_body),
    Case::new("closed_while_nobody_reads", closed_while_nobody_reads),
    Case::new("reset_while_waiting", reset_while_waiting),
    Case::new("closed_by_agreement", closed_by_agreement),
    Case::new("closed_after_a_rejection", closed_after_a_rejection),
    Case::new("closed_after_a_panic", closed_after_a_panic),
    Case::new("closed_in_an_unfinished_body", closed_in_an_unfinished_body),
    Case::new("closed_by_a_stop", closed_by_a_stop),
];

fn closed_when_idle(harness: &mut Harness) {
    let mut client = harness.connect();
    assert_eq!(client.get("/").text(), "hello");
    client.shut();
    assert_eq!(client.end(), End::Closed);
    harness.wait_for_close(CloseReason::PeerClosed);
}

fn closed_before_anything(harness: &mut Harness) {
    let mut client = harness.connect();
    client.shut();
    assert_eq!(client.end(), End::Closed);
    harness.wait_for_close(CloseReason::PeerClosed);
}

fn cut_off_in_a_head(harness: &mut Harness) {
    let mut client = harness.connect();
    client.send("GET / HT");
    client.shut();
    assert_eq!(client.end(), End::Closed);
    harness.wait_for_close(CloseReason::Lost);
}

fn cut_off_in_a_body(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("POST /whole", "Content-Length: 5\r\n");
    client.send("hell");
    client.shut();
    assert_eq!(client.response().status, 400);
    harness.wait_for_close(CloseReason::Lost);
}

fn closed_while_nobody_reads(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("POST /ignore", "Content-Length: 100\r\n");
    client.send("x");
    assert_eq!(client.response().text(), "ignored");
    client.shut();
    assert_eq!(client.end(), End::Closed);
    harness.wait_for_close(CloseReason::PeerClosed);
}

fn reset_while_waiting(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("GET /gate/a", "");
    harness.wait_for("waiting", 1);
    client.reset();
    harness.wait_for_close(CloseReason::Lost);
    harness.wait_for("handler gone", 1);
}

fn closed_by_agreement(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("GET /", "Connection: close\r\n");
    assert!(client.response().closes());
    assert_eq!(client.end(), End::Closed);
    harness.wait_for_close(CloseReason::Finished);
}

fn closed_after_a_rejection(harness: &mut Harness) {
    let mut client = harness.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nA : b\r\n\r\n");
    assert_eq!(client.response().status, 400);
    client.shut();
    harness.wait_for_close(CloseReason::Rejected(Reject::BadField));
}

fn closed_after_a_panic(harness: &mut Harness) {
    let mut client = harness.connect();
    assert_eq!(client.get("/panic").status, 500);
    client.shut();
    harness.wait_for_close(CloseReason::Failed);
}

fn closed_in_an_unfinished_body(harness: &mut Harness) {
    let mut client = harness.connect();
    client.request("GET /unfinished", "");
    assert!(client.try_response(false).is_err());
    client.shut();
    harness.wait_for_close(CloseReason::Failed);
}

fn closed_by_a_stop(harness: &mut Harness) {
    let mut client = harness.connect();
    assert_eq!(client.get("/").text(), "hello");
    harness.stop();
    harness.wait_for_close(CloseReason::Stopped);
}
