//! SETTINGS of both sides (section 6.5).

use super::*;
use crate::h2::Response;
use crate::{BodyLength, Headers};
use wire::{frame, settings};

const ACK: &str = "SETTINGS ack";

#[test]
fn settings_of_the_peer() {
    let bad = "error BadSetting, GOAWAY 0 PROTOCOL_ERROR";
    let size = "error BadFrameSize, GOAWAY 0 FRAME_SIZE_ERROR";
    check(&[
        row("6.5: none", &[settings(&[])], ACK),
        row("6.5.2: all", &[settings(&[(1, 0), (2, 0), (3, 0), (4, 0), (5, 16_384), (6, 0)])], ACK),
        row("6.5.2: an unknown one", &[settings(&[(0xff, u32::MAX)])], ACK),
        row("6.5.2: ENABLE_PUSH", &[settings(&[(2, 2)])], bad),
        row("6.5.2: MAX_FRAME_SIZE below", &[settings(&[(5, 16_383)])], bad),
        row("6.5.2: MAX_FRAME_SIZE above", &[settings(&[(5, 1 << 24)])], bad),
        row("RFC 8441 3: ENABLE_CONNECT_PROTOCOL", &[settings(&[(8, 2)])], bad),
        row("RFC 9218 2.1: NO_RFC7540_PRIORITIES", &[settings(&[(9, 2)])], bad),
        row(
            "6.5.2: INITIAL_WINDOW_SIZE",
            &[settings(&[(4, 1 << 31)])],
            "error WindowOverflow, GOAWAY 0 FLOW_CONTROL_ERROR",
        ),
        row(
            "6.5: on a stream",
            &[frame(kind::SETTINGS, 0, 1, b"")],
            "error BadStreamId, GOAWAY 0 PROTOCOL_ERROR",
        ),
        row("6.5: a bad size", &[frame(kind::SETTINGS, 0, 0, &[0; 5])], size),
        row("6.5: an acknowledgement of something", &[frame(kind::SETTINGS, 1, 0, &[0; 6])], size),
        row("6.5.3: the last of several holds", &[settings(&[(4, 1 << 30), (4, 9)])], ACK),
    ]);
}

#[test]
fn settings_of_ours() {
    let config = Config {
        max_concurrent_streams: 1_000_000,
        initial_stream_window: 1 << 20,
        initial_connection_window: 65_535,
        max_frame_bytes: 1 << 30,
        header_table_bytes: 0,
        enable_connect_protocol: true,
        ..Config::default()
    };
    let mut session = Session::new(config);
    session.connection.begin(&mut session.out);
    assert_eq!(session.frames(), "SETTINGS 1=0 3=4096 4=1048576 5=16777215 6=32768 8=1 9=1");
    session.connection.begin(&mut session.out);
    assert_eq!(session.frames(), "", "once");
}

/// A frame may be as long as the peer says, and a block longer than that goes on in CONTINUATION.
#[test]
fn frames_of_the_peers_size() {
    let mut session = session(Config::default());
    session.feed(&get(1));
    let mut fields = Headers::new();
    (0..4).for_each(|at| fields.append("x", format!("{at}~{}", "~".repeat(10_000))).unwrap());
    let response = Response::new(http::StatusCode::OK, BodyLength::Known(0));
    let Session { connection, out, streams, .. } = &mut session;
    out.clear();
    connection.send_head(streams[0], response, &fields, out).unwrap();
    let (mut kinds, mut block, mut rest) = (Vec::new(), Vec::new(), &out[..]);
    while let Some((header, behind)) = rest.split_first_chunk() {
        let header = crate::h2::frame::FrameHeader::parse(*header);
        kinds.push((header.kind, header.flags, header.stream));
        let (payload, behind) = behind.split_at(header.len as usize);
        assert!(payload.len() <= 16_384);
        block.extend_from_slice(payload);
        rest = behind;
    }
    assert_eq!(kinds, [(1, 1, 1), (9, 0, 1), (9, 4, 1)]);
    assert!(block.len() > 30_000);
}

/// RFC 7541 section 4.2: of several sizes the smallest is confirmed as well, so that both sides
/// have dropped the same.
#[test]
fn a_table_that_shrinks_and_grows_in_one_frame() {
    let mut session = session(Config::default());
    let mut fields = Headers::new();
    fields.append("x-field", "value").unwrap();
    let response = Response::new(http::StatusCode::OK, BodyLength::Known(0));
    for (id, sizes) in [(1, &[][..]), (3, &[(1, 0), (1, 4096)])] {
        session.feed(&[settings(sizes), get(id)].concat());
        let Session { connection, out, streams, .. } = &mut session;
        out.clear();
        connection.send_head(*streams.last().unwrap(), response, &fields, out).unwrap();
    }
    // Sizes of 0 and 4,096, 200, and the field anew, with an index.
    assert_eq!(session.out[9..15], [0x20, 0x3f, 0xe1, 0x1f, 0x88, 0x40]);
}

/// Section 6.5.3.
#[test]
fn settings_that_nobody_acknowledges() {
    let mut session = Session::new(Config::default());
    session.feed(PREFACE);
    session.feed(&[settings(&[]), get(1)].concat());
    assert!(!session.connection.is_acknowledged());
    session.frames();
    session.connection.settings_timeout(&mut session.out);
    assert_eq!(session.frames(), "GOAWAY 1 SETTINGS_TIMEOUT");
    assert_eq!(session.connection.phase(), crate::h2::Phase::Closed);
}

/// RFC 7541 section 4.2: a smaller table is confirmed with the next head.
#[test]
fn the_table_of_the_peer() {
    let mut session = session(Config::default());
    for (id, size) in [(1, 4096), (3, 0), (5, 0), (7, 4096), (9, 100)] {
        session.client.sends_settings(1, size);
        session.feed(&[settings(&[(1, size)]), get(id)].concat());
        let mut fields = Headers::new();
        fields.append("x-field", "value").unwrap();
        let response = Response::new(http::StatusCode::OK, BodyLength::Known(2));
        for _ in 0..2 {
            let Session { connection, out, streams, .. } = &mut session;
            let stream = *streams.last().unwrap();
            if connection.is_open(stream) {
                connection.send_whole(stream, response, &fields, b"OK", out).unwrap();
            }
        }
        let frames = session.frames();
        assert!(frames.contains(":status=200 x-field=value content-length=2"), "{frames}");
    }
}
