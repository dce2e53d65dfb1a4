//! The other side of a connection: frames as bytes, and bytes of the server as frames.
//!
//! The reader keeps its own account of windows and streams, and panics where the server breaks a
//! rule. Not here: what is sent, and when.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use crate::h2::hpack::{Decoded, Decoder, Fields};
use crate::h2::{ErrorCode, frame};

/// Frames of a client, as bytes.
pub(in crate::h2) mod wire {
    use super::frame::{FrameHeader, kind, payload_len};

    pub(in crate::h2) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let header = FrameHeader { len: payload_len(payload.len()), kind, flags, stream };
        [&header.bytes()[..], payload].concat()
    }

    pub(in crate::h2) fn settings(entries: &[(u16, u32)]) -> Vec<u8> {
        let mut out = Vec::new();
        super::frame::settings::put(entries, &mut out);
        out
    }

    pub(in crate::h2) fn window_update(stream: u32, increment: u32) -> Vec<u8> {
        frame(kind::WINDOW_UPDATE, 0, stream, &increment.to_be_bytes())
    }

    pub(in crate::h2) fn data(stream: u32, flags: u8, bytes: &[u8]) -> Vec<u8> {
        frame(kind::DATA, flags, stream, bytes)
    }

    /// A whole header block whose fields are spelt out.
    pub(in crate::h2) fn headers(stream: u32, flags: u8, fields: &[(&str, &str)]) -> Vec<u8> {
        frame(kind::HEADERS, flags | super::frame::END_HEADERS, stream, &block(fields))
    }

    pub(in crate::h2) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, value) in fields {
            out.push(0);
            for text in [name, value] {
                put_len(text.len(), &mut out);
                out.extend_from_slice(text.as_bytes());
            }
        }
        out
    }

    /// RFC 7541 section 5.1, with a prefix of seven bits.
    fn put_len(len: usize, out: &mut Vec<u8>) {
        let byte = |number: usize| u8::try_from(number).expect("seven bits");
        let Some(mut rest) = len.checked_sub(127) else { return out.push(byte(len)) };
        out.push(127);
        while rest >= 128 {
            out.push(byte(rest % 128) | 128);
            rest /= 128;
        }
        out.push(byte(rest));
    }
}

/// What the client knows of one of its streams.
#[derive(Default)]
struct Stream {
    window: i64,
    has_ended: bool,
    has_head: bool,
}

/// A client that reads what a server sends.
pub(in crate::h2) struct Client {
    decoder: Decoder,
    window: i64,
    initial_window: i64,
    streams: BTreeMap<u32, Stream>,
    has_settings: bool,
    is_over: bool,
    pub(in crate::h2) bodies: BTreeMap<u32, Vec<u8>>,
}

#[derive(Default)]
struct List {
    block: Vec<u8>,
    fields: Vec<String>,
}

impl Fields for List {
    fn block(&mut self) -> &mut Vec<u8> {
        &mut self.block
    }

    fn field(&mut self, field: Decoded) -> ControlFlow<()> {
        let value_at = field.name_at + field.name_len;
        let name = self.block[field.name_at..value_at].escape_ascii();
        let value = self.block[value_at..value_at + field.value_len].escape_ascii();
        assert!(field.is_well_formed, "{name}: {value}");
        self.fields.push(format!("{name}={value}"));
        ControlFlow::Continue(())
    }
}

impl Client {
    pub(in crate::h2) fn new() -> Self {
        Self {
            decoder: Decoder::new(1 << 20),
            window: 65_535,
            initial_window: 65_535,
            streams: BTreeMap::new(),
            has_settings: false,
            is_over: false,
            bodies: BTreeMap::new(),
        }
    }

    /// Takes note of what the client sends itself.
    pub(in crate::h2) fn sends_settings(&mut self, id: u16, value: u32) {
        if id == frame::settings::id::INITIAL_WINDOW_SIZE {
            let shift = i64::from(value) - self.initial_window;
            self.initial_window += shift;
            self.streams.values_mut().for_each(|stream| stream.window += shift);
        }
    }

    pub(in crate::h2) fn sends_window_update(&mut self, id: u32, increment: u32) {
        if id == 0 {
            self.window += i64::from(increment);
        } else {
            self.stream(id).window += i64::from(increment);
        }
    }

    fn stream(&mut self, id: u32) -> &mut Stream {
        let window = self.initial_window;
        self.streams.entry(id).or_insert_with(|| Stream { window, ..Stream::default() })
    }

    /// Reads frames, which must be whole, and shows each.
    pub(in crate::h2) fn read(&mut self, mut bytes: &[u8]) -> Vec<String> {
        let mut shown = Vec::new();
        while !bytes.is_empty() {
            let (header, rest) = bytes.split_first_chunk().expect("whole frames");
            let header = frame::FrameHeader::parse(*header);
            assert!(header.len <= 1 << 14, "the client takes no longer ones: {header:?}");
            let (payload, rest) = rest.split_at(header.len as usize);
            bytes = rest;
            shown.push(self.read_frame(header, payload));
        }
        shown
    }

    fn read_frame(&mut self, header: frame::FrameHeader, payload: &[u8]) -> String {
        use frame::kind;
        assert!(!self.is_over, "GOAWAY with an error is the last frame: {header:?}");
        assert!(self.has_settings || header.kind == kind::SETTINGS, "settings come first");
        let id = header.stream;
        let end = if header.has(frame::END_STREAM) { " end" } else { "" };
        match header.kind {
            kind::DATA => {
                self.window -= i64::from(header.len);
                assert!(self.window >= 0, "more than the connection's window allows");
                self.bodies.entry(id).or_default().extend_from_slice(payload);
                let stream = self.stream(id);
                stream.window -= i64::from(header.len);
                assert!(header.len == 0 || stream.window >= 0, "more than the window of {id}");
                assert!(stream.has_head && !stream.has_ended, "{header:?}");
                stream.has_ended = header.has(frame::END_STREAM);
                if payload.len() > 40 {
                    return format!("{id} DATA{end} {} bytes", payload.len());
                }
                format!("{id} DATA{end} {}", payload.escape_ascii())
            }
            kind::HEADERS => {
                assert!(header.has(frame::END_HEADERS), "{header:?}");
                let mut list = List::default();
                self.decoder.decode(payload, &mut list).expect("a block that can be decoded");
                let text = list.fields.join(" ");
                let stream = self.stream(id);
                assert!(!stream.has_ended, "{header:?} {text}");
                stream.has_head |= text.starts_with(":status=") && !text.starts_with(":status=1");
                assert!(stream.has_head || text.starts_with(":status=1"), "{text}");
                stream.has_ended = header.has(frame::END_STREAM);
                format!("{id} HEADERS{end} {text}")
            }
            kind::RST_STREAM => {
                let code = u32::from_be_bytes(payload.try_into().expect("four bytes"));
                self.stream(id).has_ended = true;
                format!("{id} RST_STREAM {}", ErrorCode::new(code))
            }
            kind::SETTINGS => {
                self.has_settings = true;
                if header.has(frame::ACK) {
                    return "SETTINGS ack".to_owned();
                }
                let entries = frame::settings::parse(payload).expect("whole entries");
                let entries: Vec<_> = entries.map(|(id, value)| format!(" {id}={value}")).collect();
                format!("SETTINGS{}", entries.concat())
            }
            kind::PING if header.has(frame::ACK) => format!("PING ack {}", payload.escape_ascii()),
            kind::PING => format!("PING {}", payload.escape_ascii()),
            kind::GOAWAY => {
                let (last, code) = frame::goaway::parse(payload).expect("a whole frame");
                self.is_over = code != ErrorCode::NO_ERROR;
                format!("GOAWAY {last} {code}")
            }
            kind::WINDOW_UPDATE => {
                let increment = frame::window_update::parse(payload).expect("a whole frame");
                assert!(increment > 0);
                format!("{id} WINDOW_UPDATE {increment}")
            }
            other => panic!("no server sends a frame of type {other}"),
        }
    }
}
