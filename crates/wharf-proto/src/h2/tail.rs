//! [`Tail`]: the DATA frame that ends the output, into which the next piece of a body can go.
//!
//! Not here: whole frames (`send.rs`).

use super::connection::Connection;
use super::frame::{HEADER_BYTES, data};
use super::send::TURN_BYTES;
use super::{Sent, StreamKey};
use crate::Misuse;

/// Where a DATA frame begins that ends the output, so that more can be put into it. It holds as
/// long as nothing else is appended to the output, and the output is not sent.
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

    /// The header of the frame, if there is one.
    pub(super) fn header<'o>(&self, out: &'o mut [u8]) -> Option<&'o mut [u8; HEADER_BYTES]> {
        out.get_mut(self.at?..)?.first_chunk_mut()
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
        let Some(at) = tail.at else { return Ok(Sent { bytes: 0, is_over: false }) };
        let len = out.len().saturating_sub(at + HEADER_BYTES);
        let room = self.max_frame().min(TURN_BYTES).saturating_sub(len);
        let frame = self.next_frame(stream, bytes.len(), room)?;
        if let Some(header) = out.get_mut(at..at + HEADER_BYTES)
            && frame.len > 0
        {
            header.copy_from_slice(&data::header(stream.id, len + frame.len, frame.is_last));
            out.extend_from_slice(bytes.get(..frame.len).unwrap_or_default());
            self.account_sent(stream, frame);
            if frame.is_last {
                self.finish_sending(stream, out);
            }
        }
        Ok(Sent { bytes: frame.len, is_over: frame.is_last })
    }
}
