//! Frames (RFC 9113 sections 4 and 6): how each looks on the wire, a file for each.
//!
//! A function `parse` takes the payload of a whole frame, `put` appends a frame. Not here: whether
//! a frame may come (`state.rs`, `receive.rs`), and what it does.

pub(super) mod continuation;
pub(super) mod data;
pub(super) mod goaway;
pub(super) mod headers;
pub(super) mod ping;
pub(super) mod priority;
pub(super) mod priority_update;
pub(super) mod rst_stream;
pub(super) mod settings;
pub(super) mod window_update;

use super::ConnectionError;

/// The length of what stands before each payload.
pub(super) const HEADER_BYTES: usize = 9;

/// The last frame of a direction of a stream (RFC 9113 sections 6.1 and 6.2).
pub(super) const END_STREAM: u8 = 0x1;
/// An answer to the peer's frame (RFC 9113 sections 6.5 and 6.7).
pub(super) const ACK: u8 = 0x1;
/// The last frame of a header block (RFC 9113 sections 6.2 and 6.10).
pub(super) const END_HEADERS: u8 = 0x4;
/// The length of padding stands first, and padding last (RFC 9113 sections 6.1 and 6.2).
pub(super) const PADDED: u8 = 0x8;
/// The fields of PRIORITY stand before the header block (RFC 9113 section 6.2).
pub(super) const PRIORITY: u8 = 0x20;

/// The type of a frame, as its number.
pub(super) mod kind {
    pub(in crate::h2) const DATA: u8 = 0x0;
    pub(in crate::h2) const HEADERS: u8 = 0x1;
    pub(in crate::h2) const PRIORITY: u8 = 0x2;
    pub(in crate::h2) const RST_STREAM: u8 = 0x3;
    pub(in crate::h2) const SETTINGS: u8 = 0x4;
    pub(in crate::h2) const PUSH_PROMISE: u8 = 0x5;
    pub(in crate::h2) const PING: u8 = 0x6;
    pub(in crate::h2) const GOAWAY: u8 = 0x7;
    pub(in crate::h2) const WINDOW_UPDATE: u8 = 0x8;
    pub(in crate::h2) const CONTINUATION: u8 = 0x9;
    /// RFC 9218 section 7.1.
    pub(in crate::h2) const PRIORITY_UPDATE: u8 = 0x10;
}

/// What stands before a payload (RFC 9113 section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameHeader {
    /// The length of the payload.
    pub(super) len: u32,
    pub(super) kind: u8,
    pub(super) flags: u8,
    /// Without the reserved bit.
    pub(super) stream: u32,
}

impl FrameHeader {
    #[inline]
    pub(super) fn parse(bytes: [u8; HEADER_BYTES]) -> Self {
        let [len0, len1, len2, kind, flags, id0, id1, id2, id3] = bytes;
        Self {
            len: u32::from_be_bytes([0, len0, len1, len2]),
            kind,
            flags,
            stream: stream_id([id0, id1, id2, id3]),
        }
    }

    #[inline]
    pub(super) fn bytes(self) -> [u8; HEADER_BYTES] {
        let [_, len0, len1, len2] = self.len.to_be_bytes();
        let [id0, id1, id2, id3] = self.stream.to_be_bytes();
        [len0, len1, len2, self.kind, self.flags, id0, id1, id2, id3]
    }

    pub(super) const fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Refuses a frame that names no stream.
    pub(super) const fn on_stream(self) -> Result<(), ConnectionError> {
        if self.stream == 0 { Err(ConnectionError::BadStreamId) } else { Ok(()) }
    }

    /// Refuses a frame that names a stream, though it is about the connection.
    pub(super) const fn on_connection(self) -> Result<(), ConnectionError> {
        if self.stream == 0 { Ok(()) } else { Err(ConnectionError::BadStreamId) }
    }
}

/// The number of a stream, without the reserved bit.
pub(super) const fn stream_id(bytes: [u8; 4]) -> u32 {
    u32::from_be_bytes(bytes) & 0x7fff_ffff
}

/// The length of a payload. What is sent is cut to the frames that the peer takes.
pub(super) fn payload_len(len: usize) -> u32 {
    u32::try_from(len).expect("payloads are shorter than 16 MiB")
}

/// Appends a frame whose payload has a fixed length.
pub(super) fn put<const N: usize>(
    kind: u8,
    flags: u8,
    stream: u32,
    payload: [u8; N],
    out: &mut Vec<u8>,
) {
    let header = FrameHeader { len: payload_len(N), kind, flags, stream };
    out.extend_from_slice(&header.bytes());
    out.extend_from_slice(&payload);
}
