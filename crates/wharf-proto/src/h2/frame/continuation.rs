//! CONTINUATION (RFC 9113 section 6.10): more of a header block.

use super::{END_HEADERS, FrameHeader, kind, payload_len};

/// Puts the header of a CONTINUATION frame before each piece of the block that ends `out`, of which
/// the part before `at` stands in a frame already.
#[cold]
pub(in crate::h2) fn split(at: usize, stream: u32, max_frame: usize, out: &mut Vec<u8>) {
    let rest = out.split_off(at);
    let mut pieces = rest.chunks(max_frame.max(1)).peekable();
    while let Some(piece) = pieces.next() {
        let flags = if pieces.peek().is_none() { END_HEADERS } else { 0 };
        let len = payload_len(piece.len());
        let header = FrameHeader { len, kind: kind::CONTINUATION, flags, stream };
        out.extend_from_slice(&header.bytes());
        out.extend_from_slice(piece);
    }
}
