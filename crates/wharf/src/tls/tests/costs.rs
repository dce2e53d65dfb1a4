//! What sessions cost in memory and allocations: counted, not timed.
//!
//! Not here: what the engine's C library allocates, which nobody counts.

use std::io::Write;

use allocation_counter::measure;

use super::harness::{Authority, ClientOptions, Link, VERSIONS};
use crate::tls::TlsSession;

/// What a session may hold when its handshake is over and nothing goes on, in bytes.
const IDLE_BYTES: i64 = 2500;

/// What it may hold besides during its handshake.
const HANDSHAKE_BYTES: u64 = 8000;

#[test]
fn an_idle_session_is_small() {
    let authority = Authority::new("authority");
    let acceptor = authority.issue(&["localhost"]).tls().acceptor(&[b"h2"]).unwrap();
    for version in VERSIONS {
        let config = ClientOptions { version, ..ClientOptions::default() }.config(&authority);
        let mut link = Link::new(&acceptor, &config, "localhost");
        let mut held = measure(|| link.server = TlsSession::new(&acceptor)).bytes_max.cast_signed();
        let (mut scratch, mut plain) = (Vec::with_capacity(5000), Vec::new());
        let mut out = Vec::with_capacity(5000);
        while link.client.is_handshaking() || link.server.is_handshaking() {
            let sent = link.sent_by_client();
            let cost = measure(|| {
                link.server.receive(&sent, &mut scratch, &mut plain, &mut out).unwrap();
            });
            held += cost.bytes_current;
            assert!(cost.bytes_max < HANDSHAKE_BYTES, "{version}: {cost:?}");
            link.tell_client(&out).unwrap();
            out.clear();
        }
        assert!((1..IDLE_BYTES).contains(&held), "{version}: {held}");
    }
}

#[test]
fn a_record_costs_one_allocation_each_way() {
    let authority = Authority::new("authority");
    let acceptor = authority.issue(&["localhost"]).tls().acceptor(&[]).unwrap();
    for version in VERSIONS {
        let config = ClientOptions { version, ..ClientOptions::default() }.config(&authority);
        let mut link = Link::open(&acceptor, &config, "localhost");
        assert_eq!(link.upload(b"the first makes a queue"), b"the first makes a queue");
        let mut scratch = Vec::with_capacity(40_000);
        let (mut plain, mut out) = (Vec::with_capacity(40_000), Vec::with_capacity(40_000));
        for (len, records) in [(200, 1), (16_384, 1), (32_768, 2)] {
            let data = vec![7; len];
            link.client.writer().write_all(&data).unwrap();
            let sent = link.sent_by_client();
            plain.clear();
            let cost = measure(|| {
                link.server.receive(&sent, &mut scratch, &mut plain, &mut out).unwrap();
            });
            assert_eq!(plain.len(), len);
            assert_eq!(cost.count_total, records, "{len} bytes received with {version}");
            out.clear();
            let (head, body) = data.split_at(100);
            let cost = measure(|| {
                link.server.encrypt([head, body], &mut scratch, &mut out).unwrap();
            });
            assert_eq!(cost.count_total, records, "{len} bytes sent with {version}");
        }
    }
}
