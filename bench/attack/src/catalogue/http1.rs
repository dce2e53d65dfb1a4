//! Attacks on HTTP/1.1 and on TLS.
//!
//! Not here: HTTP/2 (`http2.rs`).

use super::{Attack, Fate, Pen, Speaks, Unit};

const USUAL: Attack =
    Attack { speaks: Speaks::Http1, open: nothing, fate: Fate::Any, ..Attack::USUAL };

pub(super) const ATTACKS: &[Attack] = &[
    Attack {
        name: "legal-1",
        about: "requests of HTTP/1.1 like those of honest clients, to compare attacks with",
        fate: Fate::Borne,
        unit: Unit::Bytes(legal),
        ..USUAL
    },
    Attack {
        name: "slow-head",
        about: "1,000 heads of which a byte comes now and then (slowloris)",
        connections: 1000,
        rate: Some(500.0),
        held_kib: 8,
        open: begin_head,
        unit: Unit::Bytes(byte),
        ..USUAL
    },
    Attack {
        name: "slow-body",
        about: "1,000 bodies of which a byte comes now and then",
        connections: 1000,
        rate: Some(500.0),
        held_kib: 8,
        open: begin_body,
        unit: Unit::Bytes(byte),
        ..USUAL
    },
    Attack {
        name: "silent",
        about: "1,000 connections on which hardly anything comes",
        connections: 1000,
        rate: Some(1.0),
        held_kib: 2,
        unit: Unit::Bytes(byte),
        ..USUAL
    },
    Attack {
        name: "pipelined-deaf",
        about: "requests for 64 KiB each in a row, and no answer is read",
        connections: 16,
        reads: false,
        held_kib: 256,
        unit: Unit::Bytes(get_64k),
        ..USUAL
    },
    Attack {
        name: "chunks-tiny",
        about: "a body in chunks of a byte with extensions",
        open: begin_chunks,
        unit: Unit::Bytes(tiny_chunk),
        fate: Fate::Cut,
        ..USUAL
    },
    Attack {
        name: "key-update",
        about: "new keys for TLS, again and again",
        unit: Unit::NewKeys,
        fate: Fate::Cut,
        ..USUAL
    },
    Attack {
        name: "hello",
        about: "handshakes that are given up when the server has done its part",
        speaks: Speaks::Hello,
        open: client_hello,
        unit: Unit::Bytes(no_more),
        fate: Fate::Any,
        ..USUAL
    },
];

fn nothing(_: &mut Vec<u8>) {}

fn no_more(_: &mut Pen, _: &mut Vec<u8>) {}

fn legal(_: &mut Pen, out: &mut Vec<u8>) {
    out.extend_from_slice(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
}

fn begin_head(out: &mut Vec<u8>) {
    out.extend_from_slice(b"GET / HTTP/1.1\r\nHost: a\r\nX: ");
}

fn begin_body(out: &mut Vec<u8>) {
    out.extend_from_slice(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
}

fn begin_chunks(out: &mut Vec<u8>) {
    out.extend_from_slice(
        b"POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
}

fn byte(_: &mut Pen, out: &mut Vec<u8>) {
    out.push(b'G');
}

fn get_64k(_: &mut Pen, out: &mut Vec<u8>) {
    out.extend_from_slice(b"GET /64k HTTP/1.1\r\nHost: a\r\n\r\n");
}

fn tiny_chunk(_: &mut Pen, out: &mut Vec<u8>) {
    out.extend_from_slice(b"1;a=bcdefghijklmnopqrstuvwxyz\r\nx\r\n");
}

/// The first message of TLS 1.3 as a client would send it, with a share of a key on X25519.
fn client_hello(out: &mut Vec<u8>) {
    // Extensions: versions, groups, signatures, and the share, which is a point on the curve.
    let mut extensions = vec![0, 43, 0, 3, 2, 3, 4, 0, 10, 0, 4, 0, 2, 0, 29];
    extensions.extend_from_slice(&[0, 13, 0, 4, 0, 2, 4, 3]);
    extensions.extend_from_slice(&[0, 51, 0, 38, 0, 36, 0, 29, 0, 32]);
    extensions.extend_from_slice(&[9; 32]);
    // The version, a random number, no session, one suite, no compression.
    let mut body = vec![3, 3];
    body.extend_from_slice(&[7; 32]);
    body.extend_from_slice(&[0, 0, 2, 0x13, 0x01, 1, 0]);
    body.extend_from_slice(&length(extensions.len()));
    body.extend_from_slice(&extensions);
    let mut message = vec![1, 0];
    message.extend_from_slice(&length(body.len()));
    message.extend_from_slice(&body);
    out.extend_from_slice(&[22, 3, 1]);
    out.extend_from_slice(&length(message.len()));
    out.extend_from_slice(&message);
}

fn length(len: usize) -> [u8; 2] {
    u16::try_from(len).expect("a hello is short").to_be_bytes()
}
