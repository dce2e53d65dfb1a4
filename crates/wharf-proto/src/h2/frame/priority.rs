//! PRIORITY (RFC 9113 section 6.3), which says nothing any more but must be well-formed.

use super::stream_id;

pub(in crate::h2) const PAYLOAD_BYTES: usize = 5;

/// The stream that the frame's stream depends on.
pub(in crate::h2) const fn depends_on(payload: [u8; PAYLOAD_BYTES]) -> u32 {
    let [id0, id1, id2, id3, _weight] = payload;
    stream_id([id0, id1, id2, id3])
}
