//! A client of HTTP/2 that speaks in frames, for cases that only HTTP/2 has.
//!
//! What comes is shown as text, a frame a word or two, so that a case reads as a list. The server's
//! SETTINGS and what it says of its own windows are left out. Not here: what is asked
//! (`cases/frames`), and the client for cases that are written as HTTP/1.1 (`http2.rs`).

use wharf_proto::h2::hpack::Decoder;
use wharf_proto::h2::{ErrorCode, PREFACE};

use super::client::{Client, End};
use super::harness::Harness;
use super::http2::{List, frame};

/// A client, with its preface sent and the server's read.
pub(super) struct Peer {
    pub(super) client: Client,
    decoder: Decoder,
    /// What came of bodies, in bytes.
    pub(super) taken: usize,
    /// Windows that the server has granted, by stream.
    pub(super) granted: Vec<(u32, u32)>,
    /// PINGs of the server's, which are answered at once.
    pub(super) is_silent: bool,
    /// All that was shown, for whoever has to find out what was missing.
    log: Vec<String>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("so far came: {}", self.log.join(", "));
        }
    }
}

impl Peer {
    /// A client that says nothing of itself.
    pub(super) fn connect(harness: &Harness) -> Self {
        Self::with(harness, &[])
    }

    /// A client with these settings.
    pub(super) fn with(harness: &Harness, settings: &[(u16, u32)]) -> Self {
        let mut peer = Self::mute(harness);
        peer.send(&[PREFACE.to_vec(), self::settings(settings), ack()]);
        peer
    }

    /// A client that has said nothing so far.
    pub(super) fn mute(harness: &Harness) -> Self {
        let decoder = Decoder::new(1 << 20);
        let client = harness.connect();
        Self { client, decoder, taken: 0, granted: Vec::new(), is_silent: false, log: Vec::new() }
    }

    pub(super) fn send(&mut self, frames: &[Vec<u8>]) {
        self.client.send(frames.concat());
    }

    /// The next frame that is to be shown, or the end.
    pub(super) fn next(&mut self) -> Result<String, End> {
        loop {
            let frame = self.client.frame().inspect_err(|end| self.log.push(format!("{end:?}")));
            let (kind, flags, id, payload) = frame?;
            if let Some(text) = self.show(kind, flags, id, &payload) {
                self.log.push(text.clone());
                return Ok(text);
            }
        }
    }

    /// What comes until such a frame has, and that.
    ///
    /// # Panics
    ///
    /// If the connection ends before.
    pub(super) fn until(&mut self, text: &str) -> String {
        let mut shown = Vec::new();
        loop {
            match self.next() {
                Ok(one) => shown.push(one),
                Err(end) => panic!("{end:?} behind {shown:?}, rather than {text}"),
            }
            if shown.last().is_some_and(|last| last == text) {
                return shown.join(", ");
            }
        }
    }

    /// All that comes up to the end, and what end that is.
    pub(super) fn rest(&mut self) -> String {
        let mut shown = Vec::new();
        loop {
            match self.next() {
                Ok(one) => shown.push(one),
                Err(end) => {
                    shown.push(format!("{end:?}"));
                    return shown.join(", ");
                }
            }
        }
    }

    /// What comes of all that was sent before, as far as nobody is waited for; or up to the end.
    pub(super) fn so_far(&mut self) -> String {
        let mut shown = Vec::new();
        // The first answer overtakes bodies, the second does not overtake those of the first.
        for _ in 0..2 {
            self.send(&[ping("so far..")]);
            loop {
                match self.next() {
                    Ok(one) if one == "PONG so far.." => break,
                    Ok(one) => shown.push(one),
                    Err(end) => {
                        shown.push(format!("{end:?}"));
                        return shown.join(", ");
                    }
                }
            }
        }
        shown.join(", ")
    }

    fn show(&mut self, kind: u8, flags: u8, id: u32, payload: &[u8]) -> Option<String> {
        let end = if flags & frame::END_STREAM == 0 { "" } else { " END" };
        let code = |at: usize| ErrorCode::new(word(&payload[at..]));
        Some(match kind {
            frame::DATA => {
                self.taken += payload.len();
                if payload.len() > 40 {
                    return Some(format!("{id} {} bytes{end}", payload.len()));
                }
                format!("{id} '{}'{end}", payload.escape_ascii())
            }
            frame::HEADERS => {
                let fields = List::of(payload, &mut self.decoder);
                if fields.first().is_none_or(|(name, _)| name != ":status") {
                    let shown: Vec<_> = fields.iter().map(|(n, v)| format!(" {n}={v}")).collect();
                    return Some(format!("{id} trailers{}{end}", shown.concat()));
                }
                format!("{id} {}{end}", fields[0].1)
            }
            frame::RST_STREAM => format!("{id} RESET {}", code(0)),
            frame::SETTINGS if flags & frame::ACK == 0 => {
                if !self.is_silent {
                    return None;
                }
                "SETTINGS".to_owned()
            }
            frame::SETTINGS => return None,
            frame::PING if flags & frame::ACK == 0 => {
                if !self.is_silent {
                    let mut pong = Vec::new();
                    frame::put(frame::PING, frame::ACK, 0, payload, &mut pong);
                    self.client.send(pong);
                    return None;
                }
                format!("PING {}", payload.escape_ascii())
            }
            frame::PING => format!("PONG {}", payload.escape_ascii()),
            frame::GOAWAY => match word(payload) {
                0x7fff_ffff => format!("GOAWAY all {}", code(4)),
                last => format!("GOAWAY {last} {}", code(4)),
            },
            frame::WINDOW_UPDATE => {
                self.granted.push((id, word(payload)));
                return None;
            }
            other => panic!("no server sends a frame of type {other}"),
        })
    }
}

fn word(bytes: &[u8]) -> u32 {
    u32::from_be_bytes(bytes[..4].try_into().expect("four bytes"))
}

pub(super) fn put(kind: u8, flags: u8, id: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    frame::put(kind, flags, id, payload, &mut out);
    out
}

pub(super) fn settings(settings: &[(u16, u32)]) -> Vec<u8> {
    let entry = |&(id, value): &(u16, u32)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat();
    put(frame::SETTINGS, 0, 0, &settings.iter().flat_map(entry).collect::<Vec<_>>())
}

pub(super) fn ack() -> Vec<u8> {
    put(frame::SETTINGS, frame::ACK, 0, &[])
}

pub(super) fn ping(payload: &str) -> Vec<u8> {
    put(frame::PING, 0, 0, payload.as_bytes())
}

pub(super) fn window(id: u32, increment: u32) -> Vec<u8> {
    put(frame::WINDOW_UPDATE, 0, id, &increment.to_be_bytes())
}

pub(super) fn reset(id: u32, code: ErrorCode) -> Vec<u8> {
    put(frame::RST_STREAM, 0, id, &code.number().to_be_bytes())
}

/// A request without a body.
pub(super) fn get(id: u32, path: &str) -> Vec<u8> {
    request(id, "GET", path, frame::END_STREAM, &[])
}

/// A request whose body comes behind.
pub(super) fn post(id: u32, path: &str) -> Vec<u8> {
    request(id, "POST", path, 0, &[])
}

/// A request with fields of its own.
pub(super) fn request(
    id: u32,
    method: &str,
    path: &str,
    flags: u8,
    fields: &[(&str, &str)],
) -> Vec<u8> {
    let usual = [(":method", method), (":scheme", "http"), (":path", path), (":authority", "test")];
    head(id, flags, &[&usual, fields].concat())
}

/// A head, or trailers.
pub(super) fn head(id: u32, flags: u8, fields: &[(&str, &str)]) -> Vec<u8> {
    put(frame::HEADERS, flags | frame::END_HEADERS, id, &frame::block(fields))
}

pub(super) fn data(id: u32, bytes: &[u8]) -> Vec<u8> {
    put(frame::DATA, 0, id, bytes)
}

pub(super) fn last_data(id: u32, bytes: &[u8]) -> Vec<u8> {
    put(frame::DATA, frame::END_STREAM, id, bytes)
}
