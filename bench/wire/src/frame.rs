//! Frames of HTTP/2 (RFC 9113 section 4.1), written as wanted and read without judging.
//!
//! Not here: header compression; blocks are bytes whose fields are in the static table, or are
//! made by whoever sends them.

/// What a client begins with (RFC 9113 section 3.4), without the SETTINGS behind it.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The fields of `GET /`, for the authority `a`.
pub const GET: &[u8] = b"\x82\x86\x84\x41\x01a";

/// The types of frames.
pub mod kind {
    #![expect(missing_docs, reason = "these are the names of RFC 9113 section 6")]
    pub const DATA: u8 = 0;
    pub const HEADERS: u8 = 1;
    pub const PRIORITY: u8 = 2;
    pub const RST_STREAM: u8 = 3;
    pub const SETTINGS: u8 = 4;
    pub const PING: u8 = 6;
    pub const GOAWAY: u8 = 7;
    pub const WINDOW_UPDATE: u8 = 8;
    pub const CONTINUATION: u8 = 9;
    pub const PRIORITY_UPDATE: u8 = 16;
}

/// What ends a stream, on HEADERS and DATA.
pub const END_STREAM: u8 = 1;

/// What answers SETTINGS and PING.
pub const ACK: u8 = 1;

/// What ends a header block.
pub const END_HEADERS: u8 = 4;

/// What says that there is padding.
pub const PADDED: u8 = 8;

/// The length of what is in front of every payload.
const HEADER_BYTES: usize = 9;

/// A frame that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'b> {
    /// Its type.
    pub kind: u8,
    /// Its flags.
    pub flags: u8,
    /// Its stream, 0 for the connection.
    pub stream: u32,
    /// What is in it.
    pub payload: &'b [u8],
}

/// Appends a frame.
///
/// # Panics
///
/// If the payload does not fit a frame.
pub fn put(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    let len = u32::try_from(payload.len()).expect("a frame is less than 16 MiB");
    assert!(len < 1 << 24, "a frame is less than 16 MiB");
    out.extend_from_slice(&len.to_be_bytes()[1..]);
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
}

/// Appends a setting's payload.
pub fn put_setting(out: &mut Vec<u8>, number: u16, value: u32) {
    out.extend_from_slice(&number.to_be_bytes());
    out.extend_from_slice(&value.to_be_bytes());
}

/// Returns the first frame of `bytes` and its length, if it is there in full.
#[must_use]
pub fn first(bytes: &[u8]) -> Option<(Frame<'_>, usize)> {
    let header = bytes.get(..HEADER_BYTES)?;
    let len = u32::from_be_bytes([0, header[0], header[1], header[2]]) as usize;
    let stream = u32::from_be_bytes([header[5], header[6], header[7], header[8]]) & (u32::MAX >> 1);
    let payload = bytes.get(HEADER_BYTES..HEADER_BYTES + len)?;
    Some((Frame { kind: header[3], flags: header[4], stream, payload }, HEADER_BYTES + len))
}

impl Frame<'_> {
    /// The code of a GOAWAY frame.
    #[must_use]
    pub fn goaway_code(&self) -> Option<u32> {
        let code = self.payload.get(4..8)?.try_into().ok()?;
        (self.kind == kind::GOAWAY).then(|| u32::from_be_bytes(code))
    }

    /// Whether it ends a stream as it should be ended.
    #[must_use]
    pub fn ends_stream(&self) -> bool {
        matches!(self.kind, kind::DATA | kind::HEADERS) && self.flags & END_STREAM != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut bytes = Vec::new();
        put(&mut bytes, kind::GOAWAY, 0, 0, b"\0\0\0\x09\0\0\0\x0b");
        let (frame, len) = first(&bytes).unwrap();
        assert_eq!((len, frame.goaway_code(), frame.ends_stream()), (bytes.len(), Some(11), false));
        assert!(first(&bytes[..bytes.len() - 1]).is_none());
        put(&mut bytes, kind::DATA, END_STREAM, 5, b"x");
        let (frame, _) = first(&bytes[len..]).unwrap();
        assert!(frame.ends_stream());
        assert_eq!((frame.stream, frame.payload), (5, &b"x"[..]));
    }
}
