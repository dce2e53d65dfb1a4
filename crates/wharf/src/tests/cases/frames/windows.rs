//! Cases: nobody sends more than the other one has made room for (section 5.2).
//!
//! Not here: whose turn it is where there is room (`fair.rs`), and windows that break rules
//! (`errors.rs`).

use std::time::Duration;

use super::super::super::frames::{Peer, data, get, last_data, post, settings, window};
use super::{Case, End, Harness};
use crate::{CloseReason, Limit, Server, Timeouts};

pub(super) const CASES: &[Case] = &[
    Case::new("6.9.2_no_window_and_little", no_window_and_little),
    Case::new("6.9.2_a_window_that_is_taken_back", a_window_that_is_taken_back),
    Case::new("6.9.1_a_body_stops_where_the_window_does", a_body_stops_where_the_window_does),
    Case::new("6.9.1_all_share_the_window_of_the_connection", all_share_the_connections),
    Case::new("6.9.1_more_than_the_window_of_a_stream", more_than_a_streams),
    Case::new("6.9.1_more_than_the_window_of_the_connection", more_than_the_connections)
        .with(narrow),
    Case::new("6.9.1_room_is_made_as_the_handler_reads", room_is_made_as_the_handler_reads),
    Case::new("5.2.2_a_stream_without_room_has_a_deadline", a_stream_without_room).with(patient),
    Case::new("5.2.2_a_connection_without_room_has_one", a_connection_without_room).with(patient),
];

/// How long a peer may make no room.
const WRITE: Duration = Duration::from_millis(400);

fn patient(server: Server) -> Server {
    server.timeouts(Timeouts::default().with_write(WRITE).with_write_rate(0))
}

/// All streams together may send no more than one alone.
fn narrow(server: Server) -> Server {
    server.http2_windows(65_535, 65_535)
}

fn no_window_and_little(harness: &mut Harness) {
    let mut peer = Peer::with(harness, &[(4, 0)]);
    peer.send(&[get(1, "/")]);
    assert_eq!(peer.until("1 200"), "1 200");
    assert_eq!(peer.so_far(), "");
    for letter in "hell".chars() {
        peer.send(&[window(1, 1)]);
        let expect = format!("1 '{letter}'");
        assert_eq!(peer.until(&expect), expect);
        assert_eq!(peer.so_far(), "");
    }
    peer.send(&[window(1, 1)]);
    assert_eq!(peer.until("1 'o' END"), "1 'o' END");
    // What has no content needs no window.
    peer.send(&[get(3, "/empty"), get(5, "/trailers/sent")]);
    assert_eq!(peer.until("5 200"), "3 204 END, 5 200");
    peer.send(&[window(5, 4)]);
    assert_eq!(
        peer.until("5 trailers x-checksum=1234 END"),
        "5 'body', 5 trailers x-checksum=1234 END"
    );
}

/// A window may be below nothing, and has to be made up for first.
fn a_window_that_is_taken_back(harness: &mut Harness) {
    let mut peer = Peer::with(harness, &[(4, 10)]);
    peer.send(&[get(1, "/page/abcdefghijklm"), get(3, "/page/abcdefghijklm")]);
    assert_eq!(peer.so_far(), "1 200, 1 'page abcde', 3 200, 3 'page abcde'");
    peer.send(&[settings(&[(4, 3)])]);
    assert_eq!(peer.so_far(), "", "7 below nothing");
    peer.send(&[window(1, 7)]);
    assert_eq!(peer.so_far(), "");
    peer.send(&[window(1, 2)]);
    assert_eq!(peer.so_far(), "1 'fg'");
    peer.send(&[settings(&[(4, 11)])]);
    assert_eq!(peer.so_far(), "1 'hijklm' END, 3 'f'");
    peer.send(&[settings(&[(4, 65_535)])]);
    assert_eq!(peer.so_far(), "3 'ghijklm' END");
}

fn a_body_stops_where_the_window_does(harness: &mut Harness) {
    let mut peer = Peer::connect(harness);
    peer.send(&[get(1, "/file")]);
    while peer.taken < 65_535 {
        peer.next().expect("a frame");
    }
    assert_eq!((peer.so_far(), peer.taken), (String::new(), 65_535));
    peer.send(&[window(1, 1 << 20)]);
    assert_eq!(peer.so_far(), "", "there is still none of the connection's");
    peer.send(&[window(0, 1 << 20)]);
    while !peer.next().expect("a frame").ends_with(" END") {}
    assert_eq!(peer.taken, 200_000);
}

fn all_share_the_connections(harness: &mut Harness) {
    let mut peer = Peer::connect(harness);
    peer.send(&[get(1, "/megabyte"), get(3, "/megabyte"), get(5, "/megabyte")]);
    while peer.taken < 65_535 {
        peer.next().expect("a frame");
    }
    assert!(!peer.so_far().contains("bytes"), "heads alone");
    peer.send(&[get(7, "/")]);
    assert_eq!(peer.until("7 200"), "7 200", "a head needs none");
    peer.send(&[window(0, 5)]);
    while peer.taken < 65_540 {
        peer.next().expect("a frame");
    }
    assert_eq!((peer.so_far(), peer.taken), (String::new(), 65_540));
}

fn more_than_a_streams(harness: &mut Harness) {
    let mut peer = Peer::connect(harness);
    peer.send(&[post(1, "/late/a")]);
    let piece = vec![0; 16_384];
    // What a handler may leave unread, and as much again.
    for _ in 0..9 {
        peer.send(&[data(1, &piece)]);
    }
    assert_eq!(peer.until("1 RESET FLOW_CONTROL_ERROR"), "1 RESET FLOW_CONTROL_ERROR");
    harness.stage.open("a");
    harness.wait_for("late gone", 1);
    peer.send(&[get(3, "/")]);
    assert_eq!(peer.until("3 'hello' END"), "3 200, 3 'hello' END");
}

fn more_than_the_connections(harness: &mut Harness) {
    let mut peer = Peer::connect(harness);
    let mut shown = String::new();
    for id in [1, 3, 5, 7] {
        peer.send(&[post(id, "/late/a")]);
        // So much is taken ahead of the handler, and the rest stays in both windows.
        for _ in 0..6 {
            peer.send(&[data(id, &[0; 15_000])]);
            if shown.is_empty() {
                shown = peer.so_far();
            }
        }
    }
    assert_eq!(shown, "GOAWAY 5 FLOW_CONTROL_ERROR, Closed");
    harness.stage.open("a");
    harness.wait_for("late gone", 3);
}

fn room_is_made_as_the_handler_reads(harness: &mut Harness) {
    let mut peer = Peer::connect(harness);
    peer.send(&[post(1, "/late/a"), post(3, "/pieces")]);
    // What nobody reads, and as many again and again that are read.
    for _ in 0..6 {
        peer.send(&[data(1, &[0; 15_000])]);
        assert_eq!(peer.so_far(), "");
    }
    let granted = peer.granted.drain(..).filter(|(id, _)| *id == 1);
    let granted: u32 = granted.map(|(_, room)| room).sum();
    assert!((20_000..=70_000).contains(&granted), "{granted}");
    let (mut room, mut sent) = (65_535, 0);
    while sent < 1_000_000 {
        while room >= 10_000 && sent < 1_000_000 {
            peer.send(&[data(3, &[0; 10_000])]);
            (room, sent) = (room - 10_000, sent + 10_000);
        }
        assert_eq!(peer.so_far(), "");
        let granted = peer.granted.drain(..).filter(|(id, _)| *id == 3);
        room += granted.map(|(_, room)| room).sum::<u32>();
    }
    peer.send(&[last_data(3, b"")]);
    let end = format!("3 '{sent} bytes' END");
    assert_eq!(peer.until(&end), format!("3 200, {end}"));
}

fn a_stream_without_room(harness: &mut Harness) {
    let mut peer = Peer::with(harness, &[(4, 0)]);
    peer.send(&[get(1, "/"), get(3, "/gate/a")]);
    harness.wait_for("waiting", 1);
    peer.until("1 200");
    harness.pass(WRITE * 2);
    assert_eq!(peer.until("1 RESET CANCEL"), "1 RESET CANCEL");
    harness.stage.open("a");
    peer.send(&[settings(&[(4, 100)])]);
    assert_eq!(peer.until("3 'through a' END"), "3 200, 3 'through a' END");
}

/// Whoever waits behind another waits as long as that one gets on.
fn a_connection_without_room(harness: &mut Harness) {
    let mut peer = Peer::connect(harness);
    peer.send(&[get(1, "/megabyte")]);
    while peer.taken < 65_535 {
        peer.next().expect("a frame");
    }
    // The first has used up its own window as well, and has room again while it waits.
    peer.send(&[get(3, "/megabyte"), get(5, "/megabyte")]);
    for id in [1, 3, 5] {
        peer.send(&[window(id, 1 << 20)]);
    }
    assert_eq!(peer.so_far(), "3 200, 5 200");
    if harness.stands_still() {
        for _ in 0..10 {
            harness.pass(WRITE / 2);
            peer.send(&[window(0, 100)]);
            let taken = peer.taken + 100;
            while peer.taken < taken {
                let frame = peer.next().expect("a frame");
                assert!(!frame.contains("RESET"), "{frame}");
            }
        }
    }
    assert!(!peer.so_far().contains("RESET"), "all go on");
    harness.pass(WRITE * 2);
    let end = loop {
        match peer.next() {
            Ok(frame) => assert!(!frame.contains("RESET"), "{frame}"),
            Err(end) => break end,
        }
    };
    assert!(matches!(end, End::Closed | End::Reset), "{end:?}");
    drop(peer);
    harness.wait_for_close(CloseReason::Limit(Limit::Write));
}
