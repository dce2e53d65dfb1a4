//! PRIORITY_UPDATE (RFC 9218 section 7.1): the priority of a stream, in words.

use super::stream_id;
use crate::h2::ConnectionError;

/// The stream, and the value of its `Priority` field.
pub(in crate::h2) fn parse(payload: &[u8]) -> Result<(u32, &[u8]), ConnectionError> {
    let (id, value) = payload.split_first_chunk().ok_or(ConnectionError::BadFrameSize)?;
    match stream_id(*id) {
        0 => Err(ConnectionError::BadStreamId),
        stream => Ok((stream, value)),
    }
}
