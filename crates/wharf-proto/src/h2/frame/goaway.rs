//! GOAWAY (RFC 9113 section 6.8): the end of a connection, and which streams are still dealt with.

use super::{kind, put as put_frame, stream_id};
use crate::h2::{ConnectionError, ErrorCode};

/// The last stream that the peer deals with, and why. What else it says is for people.
pub(in crate::h2) fn parse(payload: &[u8]) -> Result<(u32, ErrorCode), ConnectionError> {
    let Some(&[id0, id1, id2, id3, c0, c1, c2, c3]) = payload.first_chunk() else {
        return Err(ConnectionError::BadFrameSize);
    };
    let code = ErrorCode::new(u32::from_be_bytes([c0, c1, c2, c3]));
    Ok((stream_id([id0, id1, id2, id3]), code))
}

pub(in crate::h2) fn put(last_stream: u32, code: ErrorCode, out: &mut Vec<u8>) {
    let [id0, id1, id2, id3] = last_stream.to_be_bytes();
    let [c0, c1, c2, c3] = code.number().to_be_bytes();
    put_frame(kind::GOAWAY, 0, 0, [id0, id1, id2, id3, c0, c1, c2, c3], out);
}
