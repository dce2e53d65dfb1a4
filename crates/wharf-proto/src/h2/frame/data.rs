//! DATA (RFC 9113 section 6.1): a piece of a body.

use super::{END_STREAM, FrameHeader, HEADER_BYTES, PADDED, kind, payload_len};
use crate::h2::ConnectionError;

/// What the beginning of a DATA frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::h2) struct Data {
    /// The bytes before the data: the frame's header and the length of its padding.
    pub(in crate::h2) data_at: usize,
    pub(in crate::h2) data_len: u32,
    /// The bytes behind the data.
    pub(in crate::h2) padding: u32,
}

/// What is known of a DATA frame that `input` begins with, as soon as the length of its padding has
/// come.
#[inline]
pub(in crate::h2) fn parse(
    header: FrameHeader,
    input: &[u8],
) -> Result<Option<Data>, ConnectionError> {
    if !header.has(PADDED) {
        return Ok(Some(Data { data_at: HEADER_BYTES, data_len: header.len, padding: 0 }));
    }
    let Some(behind_length) = header.len.checked_sub(1) else {
        return Err(ConnectionError::BadFrameSize);
    };
    let Some(&padding) = input.get(HEADER_BYTES) else { return Ok(None) };
    let padding = u32::from(padding);
    let data_len = behind_length.checked_sub(padding).ok_or(ConnectionError::BadPadding)?;
    Ok(Some(Data { data_at: HEADER_BYTES + 1, data_len, padding }))
}

/// The header of a frame with `len` bytes of data.
#[inline]
pub(in crate::h2) fn header(stream: u32, len: usize, is_last: bool) -> [u8; HEADER_BYTES] {
    let flags = if is_last { END_STREAM } else { 0 };
    FrameHeader { len: payload_len(len), kind: kind::DATA, flags, stream }.bytes()
}

/// Makes the frame with this header the last one.
pub(in crate::h2) fn end(header: &mut [u8; HEADER_BYTES]) {
    let [_, _, _, _, flags, ..] = header;
    *flags |= END_STREAM;
}
