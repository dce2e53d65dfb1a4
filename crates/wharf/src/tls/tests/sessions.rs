//! What sessions carry once their handshake is over, and how they end.
//!
//! Not here: handshakes.

use std::io::Write;

use super::harness::{Authority, ClientOptions, Link, VERSIONS, records};
use crate::tls::{Acceptor, TlsError};

/// An authority, and what speaks for `localhost` by it.
fn localhost() -> (Authority, Acceptor) {
    let authority = Authority::new("authority");
    let acceptor = authority.issue(&["localhost"]).tls().acceptor(&[]).unwrap();
    (authority, acceptor)
}

/// Bytes that repeat only after a long while.
fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| ((at % 251) ^ (at / 16_384)).to_le_bytes()[0]).collect()
}

#[test]
fn both_versions_carry_data_across_records_both_ways() {
    let (authority, acceptor) = localhost();
    for version in VERSIONS {
        let config = ClientOptions { version, ..ClientOptions::default() }.config(&authority);
        let mut link = Link::open(&acceptor, &config, "localhost");
        for len in [1, 200, 16_383, 16_384, 16_385, 50_000] {
            let data = pattern(len);
            assert!(link.upload(&data) == data, "{len} bytes up with {version}");
            assert!(link.download(&data) == data, "{len} bytes down with {version}");
        }
        let data = pattern(3_000_000);
        assert!(link.download(&data) == data);
        let up: Vec<u8> = data.chunks(60_000).flat_map(|chunk| link.upload(chunk)).collect();
        assert!(up == data);
    }
}

#[test]
fn what_a_turn_sends_is_in_as_few_records_as_it_fits_in() {
    let (authority, acceptor) = localhost();
    let config = ClientOptions::default().config(&authority);
    let mut link = Link::open(&acceptor, &config, "localhost");
    for (head, body, count) in [
        (0, 0, 0),
        (100, 0, 1),
        (0, 100, 1),
        (100, 100, 1),
        (100, 16_284, 1),
        (100, 16_285, 2),
        (16_384, 16_384, 2),
        (16_385, 16_383, 2),
        (40_000, 60_000, 7),
    ] {
        let data = pattern(head + body);
        let (head, body) = data.split_at(head);
        let sent = records(&link.encrypted([head, body]));
        assert_eq!(sent.len(), count, "{} and {}", head.len(), body.len());
        link.tell_client(&sent.concat()).unwrap();
        assert!(std::mem::take(&mut link.received) == data);
    }
}

#[test]
fn an_end_that_was_announced_is_told_from_one_that_cut_something_off() {
    let (authority, acceptor) = localhost();
    for version in VERSIONS {
        let config = ClientOptions { version, ..ClientOptions::default() }.config(&authority);
        let mut link = Link::open(&acceptor, &config, "localhost");
        assert_eq!(link.upload(b"all"), b"all");
        assert!(!link.is_closed);
        link.client.send_close_notify();
        let mut sent = link.sent_by_client();
        sent.extend(b"what follows means nothing");
        let mut out = Vec::new();
        let received = link.receive(&sent, &mut out).unwrap();
        assert!(received.is_closed && out.is_empty());
        assert!(link.receive(b"nor does this", &mut out).unwrap().is_closed);

        // The other direction is still open.
        assert_eq!(link.download(b"the answer"), b"the answer");
        link.server.close_notify(&mut out);
        assert_eq!(records(&out).len(), 1);
        link.tell_client(&out).unwrap();
        assert!(link.client.process_new_packets().unwrap().peer_has_closed());
        let before = out.len();
        link.server.close_notify(&mut out);
        assert_eq!(out.len(), before, "it is announced once");
        assert_eq!(link.encrypted([b"too late", b""]), b"");
    }
}

#[test]
fn a_record_that_was_changed_ends_the_session_for_good() {
    let (authority, acceptor) = localhost();
    for version in VERSIONS {
        let config = ClientOptions { version, ..ClientOptions::default() }.config(&authority);
        let mut link = Link::open(&acceptor, &config, "localhost");
        link.client.writer().write_all(b"hello").unwrap();
        let mut sent = link.sent_by_client();
        *sent.last_mut().unwrap() ^= 1;
        let mut out = Vec::new();
        assert_eq!(link.receive(&sent, &mut out), Err(TlsError::BadRecord));
        let alert = link.tell_client(&out).unwrap_err();
        assert!(alert.to_string().contains("BadRecordMac"), "{alert}");
        out.clear();
        assert_eq!(link.receive(&sent, &mut out), Err(TlsError::BadRecord));
        let result = link.server.encrypt([b"more", b""], &mut Vec::new(), &mut out);
        assert_eq!(result, Err(TlsError::BadRecord));
        link.server.close_notify(&mut out);
        assert!(out.is_empty() && link.plain.is_empty());
    }
}

#[test]
fn keys_that_the_client_changes_are_changed_in_return() {
    let (authority, acceptor) = localhost();
    let config = ClientOptions::default().config(&authority);
    let mut link = Link::open(&acceptor, &config, "localhost");
    for _ in 0..20 {
        link.client.refresh_traffic_keys().unwrap();
        assert_eq!(link.upload(b"ping"), b"ping");
        assert_eq!(link.download(b"pong"), b"pong");
    }
}

/// Whoever says that nothing more comes may have changed keys just before, and is told something
/// or only of the end.
#[test]
fn keys_that_are_changed_around_a_half_close_are_changed_in_return() {
    let (authority, acceptor) = localhost();
    let config = ClientOptions::default().config(&authority);
    for answer in [&b"the answer"[..], b""] {
        let mut link = Link::open(&acceptor, &config, "localhost");
        link.client.refresh_traffic_keys().unwrap();
        link.client.send_close_notify();
        link.run().unwrap();
        assert!(link.is_closed);
        assert_eq!(link.download(answer), answer);
        let mut out = Vec::new();
        link.server.close_notify(&mut out);
        link.tell_client(&out).unwrap();
        assert!(link.client.process_new_packets().unwrap().peer_has_closed());
    }

    // The other way round nothing may be said in return.
    let mut link = Link::open(&acceptor, &config, "localhost");
    let mut out = Vec::new();
    link.server.close_notify(&mut out);
    link.tell_client(&out).unwrap();
    for _ in 0..3 {
        link.client.refresh_traffic_keys().unwrap();
        link.client.writer().write_all(b"more").unwrap();
        let sent = link.sent_by_client();
        out.clear();
        link.receive(&sent, &mut out).unwrap();
        assert_eq!(std::mem::take(&mut link.plain), b"more");
        assert!(out.is_empty(), "something is said behind the end");
    }
    link.client.send_close_notify();
    let sent = link.sent_by_client();
    assert!(link.receive(&sent, &mut out).unwrap().is_closed);
    assert!(out.is_empty());
}

#[test]
fn a_client_that_only_changes_keys_is_turned_away() {
    let (authority, acceptor) = localhost();
    let config = ClientOptions::default().config(&authority);
    let mut link = Link::open(&acceptor, &config, "localhost");
    let failed = (0..100).any(|_| {
        link.client.refresh_traffic_keys().unwrap();
        let sent = link.sent_by_client();
        link.receive(&sent, &mut Vec::new()).is_err()
    });
    assert!(failed);
}
