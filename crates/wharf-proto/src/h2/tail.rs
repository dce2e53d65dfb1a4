//! [`Tail`]: the DATA frame that ends the output, into which the next piece of a body can go.
//!
//! Not here: whole frames (`send.rs`).

use super::connection::Connection;
use super::frame::{FrameHeader, HEADER_BYTES, data, kind};
use super::send::TURN_BYTES;
use super::{Sent, StreamKey};
use crate::Misuse;

/// Where a DATA frame begins that ends the output, so that more can be put into it. What is no
/// frame of the stream's, or does not end the output any more, is left alone.
#[derive(Debug, Default)]
pub struct Tail {
    at: Option<usize>,
}

impl Tail {
    /// Whether there is a frame.
    pub(super) const fn is_open(&self) -> bool {
        self.at.is_some()
    }

    /// A frame is about to be appended.
    pub(super) const fn begin(&mut self, out: &[u8]) {
        self.at = Some(out.len());
    }

    /// The header of the frame, and how long it says that it is, if there is such a frame.
    pub(super) fn header<'o>(
        &self,
        stream: StreamKey,
        out: &'o mut [u8],
    ) -> Option<(&'o mut [u8; HEADER_BYTES], usize)> {
        let frame = out.get_mut(self.at?..)?;
        let len = frame.len().checked_sub(HEADER_BYTES)?;
        let header = frame.first_chunk_mut()?;
        let FrameHeader { len: said, kind, stream: id, .. } = FrameHeader::parse(*header);
        (kind == kind::DATA && id == stream.id && said as usize == len).then_some((header, len))
    }
}

impl Connection {
    /// Puts as much into the frame that ends the output as it has room for.
    #[inline(never)]
    pub(super) fn join_data(
        &mut self,
        stream: StreamKey,
        bytes: &[u8],
        tail: &Tail,
        out: &mut Vec<u8>,
    ) -> Result<Sent, Misuse> {
        let Some((_, len)) = tail.header(stream, out) else {
            return Ok(Sent { bytes: 0, is_over: false });
        };
        let room = self.max_frame().min(TURN_BYTES).saturating_sub(len);
        let frame = self.next_frame(stream, bytes.len(), room)?;
        if let Some((header, _)) = tail.header(stream, out).filter(|_| frame.len > 0) {
            *header = data::header(stream.id, len + frame.len, frame.is_last);
            out.extend_from_slice(bytes.get(..frame.len).unwrap_or_default());
            self.account_sent(stream, frame);
            if frame.is_last {
                self.finish_sending(stream, out);
            }
        }
        Ok(Sent { bytes: frame.len, is_over: frame.is_last })
    }
}
