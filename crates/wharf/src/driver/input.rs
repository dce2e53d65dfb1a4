//! [`Input`]: bytes that came from a peer, a part of which can outlive them without a copy.
//!
//! Not here: where they are received (`mio/batch.rs`).

use bytes::Bytes;

/// A part that is kept keeps all of the receive buffer from being used again, so that it has to be
/// a good part of it, in bytes.
pub(crate) const MIN_SHARE_BYTES: usize = 48 << 10;

/// Bytes that came from a peer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input<'d> {
    pub(crate) bytes: &'d [u8],
    /// What they are a part of, where that can be shared.
    storage: Option<&'d Bytes>,
}

impl<'d> Input<'d> {
    /// Bytes of a buffer that is used again behind the call.
    pub(crate) const fn new(bytes: &'d [u8]) -> Self {
        Self { bytes, storage: None }
    }

    /// A part of `storage`.
    pub(crate) const fn within(storage: &'d Bytes, bytes: &'d [u8]) -> Self {
        Self { bytes, storage: Some(storage) }
    }

    /// These bytes of it alone.
    pub(crate) const fn part(self, bytes: &'d [u8]) -> Self {
        Self { bytes, ..self }
    }

    /// A part of the bytes for as long as anybody wants it, if it is worth that: else it is to be
    /// copied.
    pub(crate) fn share(&self, part: &[u8]) -> Option<Bytes> {
        let storage = self.storage.filter(|_| part.len() >= MIN_SHARE_BYTES)?;
        Some(storage.slice_ref(part))
    }
}
