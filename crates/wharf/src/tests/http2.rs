//! HTTP/2 between a client and its connection, for cases that are written as HTTP/1.1: requests
//! become frames, and frames the responses that they stand for, in the order of the requests.
//!
//! Not here: what is asked (`cases`), and clients that speak in frames (`cases/h2.rs`).

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::ops::ControlFlow;

use wharf_proto::h2::PREFACE;
use wharf_proto::h2::hpack::{Decoded, Decoder, Fields};

use super::cases::h2::is_apart;
use super::client::{Layer, Wire};
use super::harness::Transport;

/// Without TLS, begun by those who know.
pub(super) const H2C: Transport = Transport {
    name: "HTTP/2",
    carry: |service| service,
    dress: |client| client.through(Box::new(Translator::new(None))),
    is_plain: false,
    leaves_out: Some(is_apart),
};

/// What a translator takes of requests before the server has made room for it, in bytes.
const MAX_HELD: usize = 256 << 10;

pub(super) mod frame {
    pub(in crate::tests) const DATA: u8 = 0;
    pub(in crate::tests) const HEADERS: u8 = 1;
    pub(in crate::tests) const PRIORITY: u8 = 2;
    pub(in crate::tests) const RST_STREAM: u8 = 3;
    pub(in crate::tests) const SETTINGS: u8 = 4;
    pub(in crate::tests) const PUSH_PROMISE: u8 = 5;
    pub(in crate::tests) const PING: u8 = 6;
    pub(in crate::tests) const GOAWAY: u8 = 7;
    pub(in crate::tests) const WINDOW_UPDATE: u8 = 8;
    pub(in crate::tests) const CONTINUATION: u8 = 9;
    pub(in crate::tests) const PRIORITY_UPDATE: u8 = 16;
    pub(in crate::tests) const END_STREAM: u8 = 1;
    pub(in crate::tests) const ACK: u8 = 1;
    pub(in crate::tests) const END_HEADERS: u8 = 4;
    pub(in crate::tests) const PADDED: u8 = 8;
    pub(in crate::tests) const WITH_PRIORITY: u8 = 32;

    /// One frame.
    pub(in crate::tests) fn put(kind: u8, flags: u8, id: u32, payload: &[u8], out: &mut Vec<u8>) {
        let len = u32::try_from(payload.len()).unwrap().to_be_bytes();
        out.extend_from_slice(&len[1..]);
        out.extend_from_slice(&[kind, flags]);
        out.extend_from_slice(&id.to_be_bytes());
        out.extend_from_slice(payload);
    }

    /// The fields of a block, spelt out.
    pub(in crate::tests) fn block<N: AsRef<str>, V: AsRef<str>>(fields: &[(N, V)]) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, value) in fields {
            out.push(0);
            for text in [name.as_ref(), value.as_ref()] {
                put_len(text.len(), &mut out);
                out.extend_from_slice(text.as_bytes());
            }
        }
        out
    }

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

    pub(in crate::tests) fn number(payload: &[u8]) -> u32 {
        u32::from_be_bytes(payload[..4].try_into().unwrap()) & 0x7fff_ffff
    }

    /// The first frame of `input`, if it is whole: its type, flags and stream, and its payload.
    pub(in crate::tests) fn take(input: &mut Vec<u8>) -> Option<(u8, u8, u32, Vec<u8>)> {
        let head: [u8; 9] = *input.first_chunk()?;
        let len = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let payload = input.get(9..9 + len)?.to_vec();
        input.drain(..9 + len);
        Some((head[3], head[4], number(&head[5..]), payload))
    }
}

/// The fields of a block.
#[derive(Default)]
pub(super) struct List {
    block: Vec<u8>,
    pub(super) fields: Vec<(String, String)>,
}

impl List {
    pub(super) fn of(block: &[u8], decoder: &mut Decoder) -> Vec<(String, String)> {
        let mut list = Self::default();
        decoder.decode(block, &mut list).expect("a block that can be decoded");
        list.fields
    }
}

impl Fields for List {
    fn block(&mut self) -> &mut Vec<u8> {
        &mut self.block
    }

    fn field(&mut self, field: Decoded) -> ControlFlow<()> {
        let value_at = field.name_at + field.name_len;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let name = text(&self.block[field.name_at..value_at]);
        let value = text(&self.block[value_at..value_at + field.value_len]);
        assert!(field.is_well_formed, "{name}: {value}");
        self.fields.push((name, value));
        ControlFlow::Continue(())
    }
}

/// What of a request comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Head,
    Length(usize),
    ChunkSize,
    Chunk(usize),
    ChunkEnd,
    Trailers,
}

/// A request that was sent, and what came of its response.
struct Exchange {
    id: u32,
    is_head: bool,
    asks_to_close: bool,
    window: i64,
    /// What came since the server was given room, in bytes.
    taken: u32,
    /// What of its body the server has made no room for, and whether that is all.
    held: Vec<u8>,
    /// The last frame behind what is held.
    last: Option<Last>,
    /// The response, and how it is framed.
    text: Vec<u8>,
    has_head: bool,
    is_chunked: bool,
    is_over: bool,
    is_reset: bool,
}

enum Last {
    Data,
    Trailers(Vec<u8>),
}

/// Speaks HTTP/2 for a client that speaks HTTP/1.1.
pub(super) struct Translator {
    below: Option<Box<dyn Layer>>,
    /// Frames that were not sent.
    out: Vec<u8>,
    /// What of requests was not translated.
    text: Vec<u8>,
    part: Part,
    next_id: u32,
    window: i64,
    initial_window: i64,
    exchanges: VecDeque<Exchange>,
    input: Vec<u8>,
    decoder: Decoder,
    /// The server's preface has come.
    has_settings: bool,
    is_going: bool,
    taken: u32,
}

impl Translator {
    pub(super) fn new(below: Option<Box<dyn Layer>>) -> Self {
        let mut out = PREFACE.to_vec();
        frame::put(frame::SETTINGS, 0, 0, &[], &mut out);
        Self {
            below,
            out,
            text: Vec::new(),
            part: Part::Head,
            next_id: 1,
            window: 65_535,
            initial_window: 65_535,
            exchanges: VecDeque::new(),
            input: Vec::new(),
            decoder: Decoder::new(1 << 20),
            has_settings: false,
            is_going: false,
            taken: 0,
        }
    }

    fn line(&mut self) -> Option<String> {
        let end = self.text.windows(2).position(|two| two == b"\r\n")?;
        let line = String::from_utf8(self.text.drain(..end + 2).collect()).expect("text");
        Some(line.trim_end().to_owned())
    }

    /// Makes frames of as much as has come of requests.
    fn translate(&mut self) {
        loop {
            match self.part {
                Part::Head => {
                    let Some(end) = self.text.windows(4).position(|four| four == b"\r\n\r\n")
                    else {
                        return;
                    };
                    let head = self.text.drain(..end + 4).collect();
                    self.head(&String::from_utf8(head).expect("text"));
                }
                Part::Length(left) | Part::Chunk(left) => {
                    if self.text.is_empty() {
                        return;
                    }
                    let len = left.min(self.text.len());
                    let piece = self.text.drain(..len);
                    match self.exchanges.back_mut().filter(|last| last.id + 2 == self.next_id) {
                        Some(last) if !last.is_reset => last.held.extend(piece),
                        // It was answered without that.
                        _ => drop(piece),
                    }
                    self.part = match (self.part, left - len) {
                        (Part::Chunk(_), 0) => Part::ChunkEnd,
                        (Part::Chunk(_), left) => Part::Chunk(left),
                        (_, 0) => self.end(Last::Data),
                        (_, left) => Part::Length(left),
                    };
                }
                Part::ChunkSize => {
                    let Some(line) = self.line() else { return };
                    let size = line.split(';').next().unwrap().trim().to_owned();
                    self.part = match usize::from_str_radix(&size, 16).expect("a chunk size") {
                        0 => Part::Trailers,
                        size => Part::Chunk(size),
                    };
                }
                Part::ChunkEnd => {
                    if self.text.len() < 2 {
                        return;
                    }
                    assert_eq!(self.line().as_deref(), Some(""));
                    self.part = Part::ChunkSize;
                }
                Part::Trailers => {
                    if self.text.starts_with(b"\r\n") {
                        self.text.drain(..2);
                        self.part = self.end(Last::Data);
                        continue;
                    }
                    let Some(end) = self.text.windows(4).position(|four| four == b"\r\n\r\n")
                    else {
                        return;
                    };
                    let lines: Vec<u8> = self.text.drain(..end + 4).collect();
                    let lines = String::from_utf8(lines).expect("text");
                    let fields: Vec<_> = lines.lines().filter_map(field_of).collect();
                    self.part = self.end(Last::Trailers(frame::block(&fields)));
                }
            }
        }
    }

    fn end(&mut self, last: Last) -> Part {
        let latest = self.exchanges.back_mut().filter(|latest| latest.id + 2 == self.next_id);
        if let Some(latest) = latest.filter(|latest| !latest.is_reset) {
            latest.last = Some(last);
        }
        Part::Head
    }

    fn head(&mut self, head: &str) {
        let mut lines = head.lines();
        let line: Vec<_> = lines.next().unwrap_or_default().split(' ').collect();
        let [method, target, "HTTP/1.1"] = line[..] else { panic!("no request: {head}") };
        let mut fields = vec![(":method".to_owned(), method.to_owned())];
        let is_connect = method == "CONNECT";
        if is_connect {
            fields.push((":authority".to_owned(), target.to_owned()));
        } else {
            fields.push((":scheme".to_owned(), self.scheme().to_owned()));
            fields.push((":path".to_owned(), target.to_owned()));
        }
        let (mut part, mut asks_to_close) = (Part::Head, false);
        let mut has_body = false;
        for (name, value) in lines.filter_map(field_of) {
            match &*name {
                "connection" => asks_to_close |= value.contains("close"),
                "keep-alive" | "upgrade" => {}
                "host" if !is_connect => fields.insert(1, (":authority".to_owned(), value)),
                "host" => {}
                "transfer-encoding" => (part, has_body) = (Part::ChunkSize, true),
                _ => {
                    if name == "content-length" && value != "0" {
                        part = Part::Length(value.parse().expect("a length"));
                        has_body = true;
                    }
                    fields.push((name, value));
                }
            }
        }
        let id = self.next_id;
        self.next_id += 2;
        self.part = part;
        let flags = frame::END_HEADERS | if has_body || is_connect { 0 } else { frame::END_STREAM };
        let block = frame::block(&fields);
        frame::put(frame::HEADERS, flags, id, &block, &mut self.out);
        self.exchanges.push_back(Exchange {
            id,
            is_head: method == "HEAD",
            asks_to_close,
            window: self.initial_window,
            taken: 0,
            held: Vec::new(),
            last: None,
            text: Vec::new(),
            has_head: false,
            is_chunked: false,
            is_over: false,
            is_reset: false,
        });
    }

    fn scheme(&self) -> &'static str {
        if self.below.is_some() { "https" } else { "http" }
    }

    /// Sends of bodies what the server has made room for.
    fn push(&mut self) {
        for exchange in &mut self.exchanges {
            while !exchange.held.is_empty() && exchange.window > 0 && self.window > 0 {
                let room = usize::try_from(exchange.window.min(self.window)).unwrap();
                let len = exchange.held.len().min(room).min(1 << 14);
                let is_last =
                    len == exchange.held.len() && matches!(exchange.last, Some(Last::Data));
                let piece: Vec<u8> = exchange.held.drain(..len).collect();
                let flags = if is_last { frame::END_STREAM } else { 0 };
                frame::put(frame::DATA, flags, exchange.id, &piece, &mut self.out);
                exchange.window -= i64::try_from(len).unwrap();
                self.window -= i64::try_from(len).unwrap();
                if is_last {
                    exchange.last = None;
                }
            }
            if exchange.held.is_empty() {
                let id = exchange.id;
                match exchange.last.take() {
                    None => {}
                    Some(Last::Data) => {
                        frame::put(frame::DATA, frame::END_STREAM, id, &[], &mut self.out);
                    }
                    Some(Last::Trailers(block)) => {
                        let flags = frame::END_STREAM | frame::END_HEADERS;
                        frame::put(frame::HEADERS, flags, id, &block, &mut self.out);
                    }
                }
            }
        }
    }

    fn send_out(&mut self, wire: &mut Wire) -> io::Result<()> {
        self.push();
        if let Some(below) = &mut self.below {
            below.flush(wire)?;
            if below.is_handshaking() {
                return Ok(());
            }
        }
        while !self.out.is_empty() {
            let len = match &mut self.below {
                None => io::Write::write(wire, &self.out)?,
                Some(below) => below.write(wire, &self.out)?,
            };
            self.out.drain(..len);
        }
        match &mut self.below {
            None => Ok(()),
            Some(below) => below.flush(wire),
        }
    }

    fn exchange(&mut self, id: u32) -> Option<&mut Exchange> {
        self.exchanges.iter_mut().find(|exchange| exchange.id == id)
    }

    fn on_frame(&mut self, kind: u8, flags: u8, id: u32, payload: &[u8]) {
        let ends = flags & frame::END_STREAM != 0;
        match kind {
            frame::SETTINGS if flags & frame::ACK == 0 => {
                for entry in payload.chunks(6) {
                    if entry[..2] == [0, 4] {
                        let window = i64::from(frame::number(&entry[2..]));
                        let shift = window - self.initial_window;
                        self.initial_window = window;
                        self.exchanges.iter_mut().for_each(|exchange| exchange.window += shift);
                    }
                }
                self.has_settings = true;
                frame::put(frame::SETTINGS, frame::ACK, 0, &[], &mut self.out);
            }
            frame::PING if flags & frame::ACK == 0 => {
                frame::put(frame::PING, frame::ACK, 0, payload, &mut self.out);
            }
            frame::WINDOW_UPDATE if id == 0 => self.window += i64::from(frame::number(payload)),
            frame::WINDOW_UPDATE => {
                if let Some(exchange) = self.exchange(id) {
                    exchange.window += i64::from(frame::number(payload));
                }
            }
            frame::GOAWAY => self.is_going = true,
            frame::HEADERS => {
                let fields = List::of(payload, &mut self.decoder);
                let is_going = self.is_going;
                if let Some(exchange) = self.exchange(id) {
                    exchange.on_head(&fields, ends, is_going);
                }
            }
            frame::DATA => {
                self.taken += u32::try_from(payload.len()).unwrap();
                give_room(0, &mut self.taken, &mut self.out);
                let exchange = self.exchanges.iter_mut().find(|exchange| exchange.id == id);
                if let Some(exchange) = exchange.filter(|_| !ends) {
                    exchange.taken += u32::try_from(payload.len()).unwrap();
                    give_room(id, &mut exchange.taken, &mut self.out);
                }
                if let Some(exchange) = self.exchange(id) {
                    exchange.on_data(payload, ends);
                }
            }
            frame::RST_STREAM => {
                if let Some(exchange) = self.exchange(id) {
                    exchange.held.clear();
                    exchange.last = None;
                    exchange.is_reset |= !exchange.is_over;
                }
            }
            _ => {}
        }
    }
}

/// Lets the server send on, if that is worth a frame.
fn give_room(id: u32, taken: &mut u32, out: &mut Vec<u8>) {
    if *taken >= 8 << 10 {
        frame::put(frame::WINDOW_UPDATE, 0, id, &taken.to_be_bytes(), out);
        *taken = 0;
    }
}

fn field_of(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(':')?;
    Some((name.to_ascii_lowercase(), value.trim().to_owned()))
}

impl Exchange {
    fn put_fields(&mut self, fields: &[(String, String)]) {
        for (name, value) in fields.iter().filter(|(name, _)| !name.starts_with(':')) {
            self.text.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
    }

    fn on_head(&mut self, fields: &[(String, String)], ends: bool, is_going: bool) {
        assert!(!self.is_over, "behind the end: {fields:?}");
        if self.has_head {
            assert!(ends, "trailers are the end");
            if self.is_chunked {
                self.text.extend_from_slice(b"0\r\n");
                self.put_fields(fields);
                self.text.extend_from_slice(b"\r\n");
            }
            self.is_over = true;
            return;
        }
        assert_eq!(fields[0].0, ":status");
        let status = fields[0].1.clone();
        let reason = if status == "100" { "Continue" } else { "OK" };
        self.text.extend_from_slice(format!("HTTP/1.1 {status} {reason}\r\n").as_bytes());
        self.put_fields(fields);
        if status.starts_with('1') {
            return self.text.extend_from_slice(b"\r\n");
        }
        self.has_head = true;
        let has_body = !self.is_head && status != "204" && status != "304";
        if has_body && !fields.iter().any(|(name, _)| name == "content-length") {
            let framing: &[u8] =
                if ends { b"content-length: 0\r\n" } else { b"transfer-encoding: chunked\r\n" };
            self.text.extend_from_slice(framing);
            self.is_chunked = !ends;
        }
        if is_going || self.asks_to_close {
            self.text.extend_from_slice(b"connection: close\r\n");
        }
        self.text.extend_from_slice(b"\r\n");
        self.is_over = ends;
    }

    fn on_data(&mut self, payload: &[u8], ends: bool) {
        assert!(self.has_head && !self.is_over, "data where none can be");
        if self.is_chunked && !payload.is_empty() {
            self.text.extend_from_slice(format!("{:x}\r\n", payload.len()).as_bytes());
            self.text.extend_from_slice(payload);
            self.text.extend_from_slice(b"\r\n");
        } else {
            self.text.extend_from_slice(payload);
        }
        if ends && self.is_chunked {
            self.text.extend_from_slice(b"0\r\n\r\n");
        }
        self.is_over = ends;
    }
}

impl Layer for Translator {
    fn is_handshaking(&self) -> bool {
        !self.has_settings || self.below.as_ref().is_some_and(|below| below.is_handshaking())
    }

    fn write(&mut self, wire: &mut Wire, bytes: &[u8]) -> io::Result<usize> {
        self.send_out(wire)?;
        let held: usize = self.exchanges.iter().map(|exchange| exchange.held.len()).sum();
        if held + self.out.len() > MAX_HELD {
            return Err(ErrorKind::WouldBlock.into());
        }
        let len = bytes.len().min(16 << 10);
        self.text.extend_from_slice(&bytes[..len]);
        self.translate();
        match self.send_out(wire) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            _ => Ok(len),
        }
    }

    fn flush(&mut self, wire: &mut Wire) -> io::Result<()> {
        self.send_out(wire)
    }

    fn read(&mut self, wire: &mut Wire, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            // Nothing may be sent any more by now, and yet there may be something to be read.
            let _unsent = self.send_out(wire);
            if let Some(first) = self.exchanges.front_mut() {
                let len = first.text.len().min(buffer.len());
                if len > 0 {
                    buffer[..len].copy_from_slice(&first.text[..len]);
                    first.text.drain(..len);
                    return Ok(len);
                }
                if first.is_over {
                    self.exchanges.pop_front();
                    continue;
                } else if first.is_reset {
                    self.exchanges.pop_front();
                    return Err(ErrorKind::ConnectionReset.into());
                }
            }
            if let Some((kind, flags, id, payload)) = frame::take(&mut self.input) {
                self.on_frame(kind, flags, id, &payload);
                continue;
            }
            let len = match &mut self.below {
                None => io::Read::read(wire, buffer)?,
                Some(below) => below.read(wire, buffer)?,
            };
            if len == 0 {
                return Ok(0);
            }
            self.input.extend_from_slice(&buffer[..len]);
        }
    }

    fn shut(&mut self, wire: &mut Wire) {
        let _unsent = self.send_out(wire);
        if let Some(below) = &mut self.below {
            below.shut(wire);
        }
    }
}
