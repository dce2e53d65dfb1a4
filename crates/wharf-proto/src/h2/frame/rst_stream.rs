//! RST_STREAM (RFC 9113 section 6.4): the end of a stream at once.

use super::{kind, put as put_frame};
use crate::h2::{ConnectionError, ErrorCode};

pub(in crate::h2) fn parse(payload: &[u8]) -> Result<ErrorCode, ConnectionError> {
    let bytes = payload.try_into().map_err(|_| ConnectionError::BadFrameSize)?;
    Ok(ErrorCode::new(u32::from_be_bytes(bytes)))
}

pub(in crate::h2) fn put(stream: u32, code: ErrorCode, out: &mut Vec<u8>) {
    put_frame(kind::RST_STREAM, 0, stream, code.number().to_be_bytes(), out);
}
