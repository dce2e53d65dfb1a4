//! Sessions under random cuts, interleavings, changes and garbage. What is random is
//! the same each time, but for keys.
//!
//! Not here: cases that are written out.

use std::io::Write;

use super::harness::{Authority, ClientOptions, Link, VERSIONS};
use crate::tls::{Acceptor, ClientAuth, TlsSession};

/// Marsaglia's xorshift with 64 bits of state.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.below(256).to_le_bytes()[0]).collect()
    }
}

fn set_up() -> (Authority, Acceptor) {
    let authority = Authority::new("authority");
    let tls = authority.issue(&["localhost"]).tls();
    let tls = tls.client_auth(ClientAuth::Optional, authority.pem()).unwrap();
    let acceptor = tls.acceptor(&[b"h2", b"http/1.1"]).unwrap();
    (authority, acceptor)
}

#[test]
fn what_is_sent_arrives_however_it_is_cut() {
    let (authority, acceptor) = set_up();
    let mut random = Random(0x5eed);
    for round in 0..40 {
        let version = VERSIONS[round % 2];
        let config = ClientOptions { version, ..ClientOptions::default() }.config(&authority);
        let mut link = Link::new(&acceptor, &config, "localhost");
        let most = 1 << random.below(16);
        link.run_cut(|len| len.min(1 + random.below(most))).unwrap();
        for _ in 0..4 {
            let len = random.below(40_000);
            let up = random.bytes(len);
            link.client.writer().write_all(&up).unwrap();
            if version == crate::TlsVersion::Tls13 && random.below(2) == 0 {
                link.client.refresh_traffic_keys().unwrap();
            }
            link.run_cut(|len| len.min(1 + random.below(most))).unwrap();
            assert!(std::mem::take(&mut link.plain) == up, "round {round}");
            let len = 1 + random.below(40_000);
            let down = random.bytes(len);
            let (head, body) = down.split_at(random.below(len));
            let mut sent = &link.encrypted([head, body])[..];
            while !sent.is_empty() {
                let (piece, rest) = sent.split_at(sent.len().min(1 + random.below(most)));
                link.tell_client(piece).unwrap();
                sent = rest;
            }
            assert!(std::mem::take(&mut link.received) == down, "round {round}");
        }
    }
}

#[test]
fn sessions_on_one_thread_do_not_mix() {
    let (authority, acceptor) = set_up();
    let other = authority.issue(&["other"]).tls().acceptor(&[]).unwrap();
    let config = ClientOptions::default().config(&authority);
    let mut links = [
        Link::new(&acceptor, &config, "localhost"),
        Link::new(&other, &config, "other"),
        // Has no name.
        Link::new(
            &authority.issue(&["192.0.2.1"]).tls().acceptor(&[]).unwrap(),
            &config,
            "192.0.2.1",
        ),
    ];
    // A piece of one and a piece of the next, in turn.
    let mut sent: Vec<_> = links.iter_mut().map(Link::sent_by_client).collect();
    while links.iter().any(|link| link.server.is_handshaking()) {
        for (link, sent) in links.iter_mut().zip(&mut sent) {
            let mut out = Vec::new();
            let piece: Vec<_> = sent.drain(..sent.len().min(50)).collect();
            link.receive(&piece, &mut out).unwrap();
            link.tell_client(&out).unwrap();
            sent.extend(link.sent_by_client());
        }
    }
    let names = links.each_mut().map(|link| link.server.info().unwrap().server_name.clone());
    assert_eq!(names.each_ref().map(Option::as_deref), [Some("localhost"), Some("other"), None]);
}

#[test]
fn changed_handshakes_end_in_an_error_or_an_alert_and_never_in_a_panic() {
    let (authority, acceptor) = set_up();
    let mut random = Random(0xbad);
    let identity = authority.issue_client();
    let identity = Some((identity.certificate, identity.key));
    for round in 0..300 {
        let version = VERSIONS[round % 2];
        let options = ClientOptions { version, identity: identity.clone(), ..Default::default() };
        let mut link = Link::new(&acceptor, &options.config(&authority), "localhost");
        let mut budget = random.below(4000);
        // Bytes until one is changed; then all goes on as if nothing had happened.
        while link.client.is_handshaking() || link.server.is_handshaking() {
            let mut sent = link.sent_by_client();
            if budget < sent.len() {
                sent[budget] ^= 1 << random.below(8);
                budget = usize::MAX;
            } else {
                budget -= sent.len().min(budget);
            }
            let mut out = Vec::new();
            let result = link.receive(&sent, &mut out);
            let is_idle = sent.is_empty() && out.is_empty();
            if result.is_err() || link.tell_client(&out).is_err() || is_idle {
                break;
            }
        }
    }
}

#[test]
fn garbage_never_panics_and_is_bounded() {
    let (_, acceptor) = set_up();
    let mut random = Random(0x6a5ba6e);
    for _ in 0..2000 {
        let mut session = TlsSession::new(&acceptor);
        let (mut scratch, mut plain, mut out) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..random.below(20) {
            let len = random.below(600);
            let mut bytes = random.bytes(len);
            // Most begins like a record of the handshake, with some message in it.
            if random.below(8) > 0 {
                let head = [22, 3, 1, 0, random.below(256).to_le_bytes()[0], 1, 0, 0];
                bytes.splice(..0, head[..random.below(9)].iter().copied());
            }
            let result = session.receive(&bytes, &mut scratch, &mut plain, &mut out);
            if result.is_err() {
                break;
            }
        }
        assert!(plain.is_empty() && out.len() < 100 && scratch.len() < 100_000);
    }
}

#[test]
fn a_message_that_never_ends_is_not_kept() {
    let (_, acceptor) = set_up();
    let mut session = TlsSession::new(&acceptor);
    let (mut scratch, mut plain, mut out) = (Vec::new(), Vec::new(), Vec::new());
    // A hello of 64 KiB less one byte, one byte in each record.
    let begin = b"\x16\x03\x01\x00\x04\x01\x00\xff\xff";
    session.receive(begin, &mut scratch, &mut plain, &mut out).unwrap();
    let record = b"\x16\x03\x01\x00\x01\x00";
    let count =
        (0..).find(|_| session.receive(record, &mut scratch, &mut plain, &mut out).is_err());
    assert!(count.unwrap() < 64 * 1024 / record.len() + 1);
}
