//! WINDOW_UPDATE (RFC 9113 section 6.9): how many more bytes may be sent.

use super::{kind, put as put_frame, stream_id};
use crate::h2::ConnectionError;

/// The increment, which may be the 0 that is not allowed.
pub(in crate::h2) fn parse(payload: &[u8]) -> Result<u32, ConnectionError> {
    let bytes = payload.try_into().map_err(|_| ConnectionError::BadFrameSize)?;
    // The reserved bit is where that of a stream's number is.
    Ok(stream_id(bytes))
}

pub(in crate::h2) fn put(stream: u32, increment: u32, out: &mut Vec<u8>) {
    put_frame(kind::WINDOW_UPDATE, 0, stream, increment.to_be_bytes(), out);
}
