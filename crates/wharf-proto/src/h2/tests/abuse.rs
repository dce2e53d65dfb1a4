//! Peers that cost more than they should (section 10.5).

use std::time::Duration;

use super::*;
use crate::h2::ConnectionError;
use wire::{frame, window_update};

/// Sends `what` with rising numbers of streams until the connection ends, but `most` times at most.
/// The output is taken as it comes, so that only the rate counts.
fn flood(most: u32, mut what: impl FnMut(u32) -> Vec<u8>) -> (u32, Option<ConnectionError>) {
    let mut session = Session::answering();
    begin(&mut session);
    session.feed(&post(1));
    for turn in 0..most {
        session.feed(&what(2 * turn + 3));
        if session.error.is_some() {
            assert!(session.transcript().last().unwrap().contains("ENHANCE_YOUR_CALM"));
            return (turn, session.error);
        }
        session.connection.flushed(u32::MAX);
        session.transcript();
    }
    (most, None)
}

/// A head of 16 KB that stands for megabytes: a field of 4 KB is named thousands of times.
fn bomb(id: u32) -> Vec<u8> {
    let mut block = wire::block(GET);
    block.extend_from_slice(b"\x40\x01x\x7f\x81\x1e");
    block.extend_from_slice(&[b'y'; 3968]);
    block.resize(16_000, 0x80 | 62);
    frame(kind::HEADERS, END_HEADERS | END_STREAM, id, &block)
}

#[test]
fn floods_end_the_connection() {
    use ConnectionError as E;
    let empty = || data(1, "");
    for (name, error, what) in [
        (
            "resets",
            E::ResetFlood,
            &mut (|id| [post(id), reset(id)].concat()) as &mut dyn FnMut(u32) -> Vec<u8>,
        ),
        ("faults", E::FaultFlood, &mut |id| [post(id), window_update(id, 0)].concat()),
        ("malformed requests", E::FaultFlood, &mut |id| wire::headers(id, 1, &[("a", "b")])),
        ("data on closed streams", E::FaultFlood, &mut |id| [get(id), data(id, "x")].concat()),
        ("settings", E::SettingsFlood, &mut |_| wire::settings(&[])),
        ("acknowledgements", E::SettingsFlood, &mut |_| frame(kind::SETTINGS, 1, 0, b"")),
        ("pings", E::PingFlood, &mut |_| ping()),
        ("resets of one that is over", E::ResetFlood, &mut |id| match id {
            3 => get(3),
            _ => reset(3),
        }),
        ("refused bodies", E::FaultFlood, &mut |id| {
            let trailers = wire::headers(id, END_STREAM, &[("x", &"y".repeat(8_188))]);
            [post(id), trailers].concat()
        }),
        ("heads that are too large", E::FaultFlood, &mut bomb),
        ("answers to no measure", E::PingFlood, &mut |_| frame(kind::PING, 1, 0, b"whrfpath")),
        ("answers to no ping", E::PingFlood, &mut |_| frame(kind::PING, 1, 0, b"12345678")),
        ("empty data", E::EmptyDataFlood, &mut |_| empty()),
        ("padding", E::EmptyDataFlood, &mut |_| wire::data(1, 8, b"\x02\0\0")),
        ("window updates", E::WindowUpdateFlood, &mut |_| window_update(0, 1)),
        ("priorities", E::PriorityFlood, &mut |id| frame(kind::PRIORITY, 0, id, &[0; 5])),
        ("unknown frames", E::UnknownFrameFlood, &mut |_| frame(0xee, 0, 0, b"")),
    ] {
        let (turns, ended) = flood(10_000, what);
        assert_eq!(ended, Some(error), "{name}");
        assert!((16..3_000).contains(&turns), "{name}: {turns}");
    }
}

#[test]
fn ordinary_requests_are_no_flood() {
    assert_eq!(flood(10_000, get), (10_000, None));
    let updates = |id| [get(id), window_update(0, 2), window_update(0, 1)].concat();
    assert_eq!(flood(10_000, updates), (10_000, None), "who reads says so");
    let over = |id| [get(id), reset(id)].concat();
    assert_eq!(flood(10_000, over), (10_000, None), "what has been answered is not given up");
    let mut session = Session::answering();
    begin(&mut session);
    for id in (1..10_000).step_by(2) {
        session.now += Duration::from_millis(20);
        session.feed(&[post(id), reset(id)].concat());
        session.transcript();
    }
    assert_eq!(session.error, None, "50 resets in a second");
}

#[test]
fn a_header_block_in_small_pieces() {
    let block = wire::block(GET);
    let pieces: Vec<&[u8]> = block.chunks(2).collect();
    let (few, many) = (pieces.len() < 32, pieces.len() >= 16);
    assert!(few && many);
    let mut session = session(Config::default());
    session.feed(&blocks(1, END_STREAM, &pieces).concat());
    assert_eq!(session.events(), "1 head GET / 0");
    session.feed(&blocks(3, END_STREAM, &[&b""[..]; 33]).concat());
    assert_eq!(session.frames(), "GOAWAY 1 ENHANCE_YOUR_CALM");
    assert_eq!(session.error, Some(ConnectionError::ContinuationFlood));
}

#[test]
fn a_header_block_that_is_too_large() {
    let mut session = session(Config::default());
    let value = "y".repeat(40_000);
    let list = [GET, &[("x", &*value)]].concat();
    let block = wire::block(&list);
    let pieces: Vec<&[u8]> = block.chunks(16_000).collect();
    session.feed(&blocks(1, END_STREAM, &pieces).concat());
    assert_eq!(session.events(), "1 refused HeadTooLarge", "somewhat");
    let piece = [b'x'; 16_000];
    session.feed(&blocks(3, END_STREAM, &[&piece[..]; 6]).concat());
    assert_eq!(session.error, Some(ConnectionError::HeaderBlockTooLarge), "by far");
}

/// A block of a few kilobytes that stands for megabytes is refused, and takes no more memory.
#[test]
fn a_header_block_that_unpacks_to_megabytes() {
    let mut session = session(Config::default());
    session.feed(&bomb(1));
    assert_eq!(session.events(), "1 refused HeadTooLarge");
    assert!(session.head.storage_bytes() < 100_000);
}

#[test]
fn more_streams_than_allowed() {
    let mut session = session(Config::default());
    for id in (1..=257).step_by(2) {
        session.feed(&get(id));
    }
    assert_eq!(session.connection.open_streams(), 128);
    assert_eq!(session.frames(), "257 RST_STREAM REFUSED_STREAM");
    for id in (259..=1_000).step_by(2) {
        session.feed(&get(id));
    }
    assert_eq!(session.error, Some(ConnectionError::FaultFlood));
}

/// A peer that asks and does not read would have us keep all answers.
#[test]
fn answers_that_are_not_read() {
    let mut session = session(Config::default());
    for turn in 0..2_000 {
        session.now += Duration::from_millis(100);
        session.feed(&ping());
        if session.error.is_some() {
            assert_eq!(session.error, Some(ConnectionError::ControlBacklog));
            assert!((1_000..1_100).contains(&turn));
            return;
        }
    }
    panic!("nothing bounds them");
}

/// What is asked while answers are being sent is no reason to count those as well.
#[test]
fn answers_that_are_read_while_more_is_asked() {
    let mut session = session(Config::default());
    for _ in 0..100 {
        let being_sent = session.connection.unsent_answers();
        session.now += Duration::from_secs(60);
        session.feed(&ping().repeat(100));
        session.connection.flushed(being_sent);
        assert_eq!((session.error, session.connection.unsent_answers()), (None, 100));
    }
}

#[test]
fn every_error_is_told_from_the_others() {
    let mut texts: Vec<String> = ConnectionError::ALL.iter().map(ToString::to_string).collect();
    assert!(ConnectionError::ALL.iter().enumerate().all(|(at, error)| *error as usize == at));
    let len = texts.len();
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), len);
    assert!(texts.iter().all(|text| !text.ends_with('.')));
}
