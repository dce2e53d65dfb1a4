//! Cases: whose turn it is where several streams have something to send (RFC 9218).
//!
//! What may go is held back by the window of the connection until all are there. Not here: the
//! windows themselves (`windows.rs`).

use super::super::super::frames::{Peer, get, put, request, window};
use super::super::super::http2::frame;
use super::{Case, Harness};

pub(super) const CASES: &[Case] = &[
    Case::new("RFC_9218_10_a_large_response_starves_no_small_one", a_large_one_starves_nobody),
    Case::new("RFC_9218_10_the_more_urgent_come_first", the_more_urgent_come_first),
    Case::new("RFC_9218_7_a_priority_is_changed", a_priority_is_changed),
    Case::new("RFC_9218_10_incremental_ones_take_turns", incremental_ones_take_turns),
];

const MEGABYTE: usize = 1 << 20;

/// A client whose streams have room for all, and whose connection has none.
fn crowded(harness: &Harness) -> Peer {
    let mut peer = Peer::with(harness, &[(4, 1 << 30)]);
    peer.send(&[get(1, "/megabyte")]);
    while peer.taken < 65_535 {
        peer.next().expect("a frame");
    }
    peer
}

fn asks(id: u32, priority: &str) -> Vec<u8> {
    request(id, "GET", "/megabyte", frame::END_STREAM, &[("priority", priority)])
}

/// The streams in the order in which their frames come, once there is room.
fn order(peer: &mut Peer, count: usize) -> Vec<u32> {
    assert!(peer.so_far().ends_with("200"), "heads alone");
    peer.send(&[window(0, 1 << 30)]);
    let mut order = Vec::new();
    while peer.taken < count * MEGABYTE {
        let frame = peer.next().expect("a frame");
        order.push(frame.split(' ').next().and_then(|id| id.parse().ok()).expect("a stream"));
    }
    order
}

/// Where each stream stands in the order of their last frames.
fn ends(order: &[u32]) -> Vec<u32> {
    let mut ends: Vec<u32> = order.iter().rev().fold(Vec::new(), |mut seen, id| {
        if !seen.contains(id) {
            seen.push(*id);
        }
        seen
    });
    ends.reverse();
    ends
}

/// The large one has a megabyte to send, and the windows for it.
fn a_large_one_starves_nobody(harness: &mut Harness) {
    let mut peer = Peer::with(harness, &[(4, 1 << 30)]);
    peer.send(&[window(0, 1 << 30), get(1, "/large"), get(3, "/"), get(5, "/page/5")]);
    let mut before = 0;
    for end in ["3 'hello' END", "5 'page 5' END"] {
        peer.until(end);
        before = before.max(peer.taken);
    }
    // Some may have been on its way.
    assert!(before < 4 * MEGABYTE, "{before} bytes before it");
    peer.send(&[get(7, "/")]);
    peer.until("7 'hello' END");
    assert!(peer.taken < 32 * MEGABYTE);
}

fn the_more_urgent_come_first(harness: &mut Harness) {
    let mut peer = crowded(harness);
    peer.send(&[asks(3, "u=7"), asks(5, "u=0"), asks(7, "u=5"), asks(9, "u=1")]);
    let order = order(&mut peer, 5);
    assert_eq!(ends(&order), [5, 9, 1, 7, 3], "the first has an urgency of 3");
}

fn a_priority_is_changed(harness: &mut Harness) {
    let mut peer = crowded(harness);
    let update = |id: u8, value: &str| {
        let payload = [&[0, 0, 0, id], value.as_bytes()].concat();
        put(frame::PRIORITY_UPDATE, 0, 0, &payload)
    };
    peer.send(&[asks(3, "u=7"), asks(5, "u=0"), update(7, "u=1"), asks(7, "u=6")]);
    peer.send(&[update(3, "u=0"), update(5, "u=7"), get(9, "/empty")]);
    let shown = peer.until("9 204 END");
    assert!(!shown.contains("bytes"), "{shown}");
    peer.send(&[get(11, "/megabyte")]);
    let order = order(&mut peer, 5);
    // Those about which nothing is said share.
    assert!(matches!(ends(&order)[..], [3, 7, 1, 11, 5] | [3, 7, 11, 1, 5]), "{:?}", ends(&order));
}

fn incremental_ones_take_turns(harness: &mut Harness) {
    let mut peer = crowded(harness);
    peer.send(&[asks(3, "u=1, i"), asks(5, "u=1, i"), asks(7, "u=2"), asks(9, "u=2")]);
    let order = order(&mut peer, 5);
    let of = |first, second| {
        let both = order.iter().filter(move |id| **id == first || **id == second);
        both.copied().collect::<Vec<_>>()
    };
    let turns = |both: &[u32]| both.windows(2).filter(|two| two[0] != two[1]).count();
    let (shared, ordered) = (of(3, 5), of(7, 9));
    assert!(turns(&shared) > shared.len() / 2, "{shared:?}");
    assert_eq!(turns(&ordered), 1, "{ordered:?}");
    assert_eq!(ends(&order)[2..], [7, 9, 1]);
}
