//! HEADERS (RFC 9113 section 6.2): the beginning of a header block, or all of it.

use super::{
    END_HEADERS, END_STREAM, FrameHeader, HEADER_BYTES, PADDED, PRIORITY, continuation, kind,
    payload_len, priority,
};
use crate::h2::ConnectionError;

/// What a HEADERS frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::h2) struct Headers<'b> {
    pub(in crate::h2) fragment: &'b [u8],
    /// The stream that it depends on, which is of no interest but that it can't be itself.
    pub(in crate::h2) depends_on: Option<u32>,
}

#[inline]
pub(in crate::h2) fn parse(
    header: FrameHeader,
    payload: &[u8],
) -> Result<Headers<'_>, ConnectionError> {
    let mut fragment = payload;
    if header.has(PADDED) {
        let (&padding, rest) = payload.split_first().ok_or(ConnectionError::BadFrameSize)?;
        let len =
            rest.len().checked_sub(usize::from(padding)).ok_or(ConnectionError::BadPadding)?;
        fragment = rest.get(..len).unwrap_or_default();
    }
    let mut depends_on = None;
    if header.has(PRIORITY) {
        let (fields, rest) = fragment
            .split_first_chunk::<{ priority::PAYLOAD_BYTES }>()
            .ok_or(ConnectionError::BadFrameSize)?;
        depends_on = Some(priority::depends_on(*fields));
        fragment = rest;
    }
    Ok(Headers { fragment, depends_on })
}

/// Makes room for the header of a frame whose block is appended next, and returns its place.
#[inline]
pub(in crate::h2) fn begin(out: &mut Vec<u8>) -> usize {
    let at = out.len();
    out.extend_from_slice(&[0; HEADER_BYTES]);
    at
}

/// Completes the frame that was begun `at` that place: in pieces if the peer takes no longer ones.
#[inline]
pub(in crate::h2) fn finish(
    at: usize,
    stream: u32,
    is_last: bool,
    max_frame: usize,
    out: &mut Vec<u8>,
) {
    let len = out.len().saturating_sub(at + HEADER_BYTES);
    let end_stream = if is_last { END_STREAM } else { 0 };
    let mut header = FrameHeader {
        len: payload_len(len.min(max_frame)),
        kind: kind::HEADERS,
        flags: end_stream | END_HEADERS,
        stream,
    };
    if len > max_frame {
        header.flags = end_stream;
        continuation::split(at + HEADER_BYTES + max_frame, stream, max_frame, out);
    }
    if let Some(place) = out.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
        *place = header.bytes();
    }
}
