//! Bytes on their way to a peer: heads and small bodies in one buffer, behind them a large body, or
//! one that is in a file.
//!
//! Not here: when they are sent (`worker`), and by which call (`driver`).

use std::io::IoSlice;

use bytes::{Buf, Bytes};

use crate::body::{Extent, FilePart};

/// Storage that an idle buffer may keep, in bytes.
pub(crate) const MAX_SPARE_BYTES: usize = 128 << 10;

/// Bytes to be sent, in order: the buffer, then the tail.
#[derive(Debug, Default)]
pub(crate) struct Output {
    /// Encoded heads, chunk framing and small bodies.
    pub(crate) buffer: Vec<u8>,
    /// A body that is not copied. Nothing can be put behind it before it is sent. It is kept until
    /// `clear` even then, for dropping it may run the program's code.
    tail: Option<Tail>,
    /// How much of the buffer has been sent.
    sent: usize,
}

/// A body that is sent from where it is.
#[derive(Debug)]
enum Tail {
    Bytes(Bytes),
    /// One that the system sends by itself.
    File(FilePart),
}

impl Tail {
    // Neither is made a part of its callers, most of which find no tail.
    #[inline(never)]
    fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::File(part) => usize::try_from(part.left()).unwrap_or(usize::MAX),
        }
    }

    #[inline(never)]
    fn advance(&mut self, len: usize) {
        match self {
            Self::Bytes(bytes) => bytes.advance(len),
            Self::File(part) => part.skip(len),
        }
    }
}

/// What is to be sent next of an output with a tail.
pub(crate) enum Next<'o> {
    /// The rest of the buffer, and what there is of the tail in memory.
    Slices([IoSlice<'o>; 2]),
    /// The rest of the buffer, directly behind which a file comes.
    BeforeFile(&'o [u8]),
    File(Extent<'o>),
}

impl Output {
    /// How many bytes are still to be sent.
    pub(crate) fn len(&self) -> usize {
        self.buffer.len() - self.sent + self.tail.as_ref().map_or(0, Tail::len)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts bytes behind everything. A tail in memory that is there already is copied before them;
    /// who appends does not send files.
    pub(crate) fn append(&mut self, bytes: &[u8]) {
        match self.tail.take() {
            Some(Tail::Bytes(tail)) => self.buffer.extend_from_slice(&tail),
            tail => debug_assert!(tail.is_none(), "a file is not in memory"),
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Puts a large body behind the buffer.
    ///
    /// # Panics
    ///
    /// If there is one already: whoever fills an output waits until it is sent.
    pub(crate) fn set_tail(&mut self, tail: Bytes) {
        assert!(!self.has_tail(), "an output holds one tail");
        self.tail = Some(Tail::Bytes(tail));
    }

    /// Puts a part of a file, which was [taken](FilePart::take), behind the buffer. For a
    /// driver that sends files.
    ///
    /// # Panics
    ///
    /// As [`set_tail`](Self::set_tail).
    pub(crate) fn set_file(&mut self, part: FilePart) {
        assert!(!self.has_tail(), "an output holds one tail");
        self.tail = Some(Tail::File(part));
    }

    /// Whether a file is to be sent, or was.
    pub(crate) const fn has_file(&self) -> bool {
        matches!(self.tail, Some(Tail::File(_)))
    }

    /// Whether nothing may be put behind what is there.
    pub(crate) fn has_tail(&self) -> bool {
        self.tail.as_ref().is_some_and(|tail| tail.len() > 0)
    }

    /// What is still to be sent, `max` bytes of it at most, if nothing was put behind the buffer.
    #[inline(always)]
    pub(crate) fn slice(&self, max: usize) -> Option<&[u8]> {
        if self.tail.is_some() {
            return None;
        }
        let buffer = &self.buffer[self.sent..];
        Some(&buffer[..buffer.len().min(max)])
    }

    /// What is to be sent next, `max` bytes of it at most.
    pub(crate) fn next(&self, max: usize) -> Next<'_> {
        let Some(Tail::File(part)) = &self.tail else { return Next::Slices(self.slices(max)) };
        let buffer = &self.buffer[self.sent..];
        match part.extent(max) {
            Some(extent) if buffer.is_empty() => Next::File(extent),
            _ => Next::BeforeFile(&buffer[..buffer.len().min(max)]),
        }
    }

    /// What is still to be sent and in memory, in order and `max` bytes of it at most; either slice
    /// may be empty.
    pub(crate) fn slices(&self, max: usize) -> [IoSlice<'_>; 2] {
        let buffer = &self.buffer[self.sent..];
        let buffer = &buffer[..buffer.len().min(max)];
        let tail = match &self.tail {
            Some(Tail::Bytes(bytes)) => &bytes[..bytes.len().min(max - buffer.len())],
            Some(Tail::File(_)) | None => &[],
        };
        [IoSlice::new(buffer), IoSlice::new(tail)]
    }

    /// Notes that the first `len` bytes were sent.
    #[inline(always)]
    pub(crate) fn advance(&mut self, len: usize) {
        let of_buffer = len.min(self.buffer.len() - self.sent);
        self.sent += of_buffer;
        match &mut self.tail {
            Some(tail) => tail.advance(len - of_buffer),
            None => debug_assert_eq!(len, of_buffer, "no more is sent than there is"),
        }
    }

    /// Whether there is something to be sent that the program's code has nothing to do with.
    #[inline(always)]
    pub(crate) const fn is_plain(&self) -> bool {
        !self.buffer.is_empty() && self.sent == 0 && self.tail.is_none()
    }

    /// Gives what is there to `other`, which is empty, for the storage that this has.
    #[inline(always)]
    pub(crate) fn give_plain(&mut self, other: &mut Self) {
        debug_assert!(
            self.is_plain() && other.buffer.is_empty() && other.sent == 0 && other.tail.is_none(),
            "the rest of both is the same"
        );
        std::mem::swap(&mut self.buffer, &mut other.buffer);
    }

    /// Forgets everything and keeps as much storage as whoever is idle may.
    #[inline(always)]
    pub(crate) fn clear_to_spare(&mut self) {
        self.clear();
        self.buffer.shrink_to(MAX_SPARE_BYTES);
    }

    /// Forgets everything and keeps the buffer's storage. What becomes of the tail comes last: if
    /// its destructor, which may be the program's, panics, there is an empty output all the same.
    pub(crate) fn clear(&mut self) {
        self.buffer.clear();
        self.sent = 0;
        drop(self.tail.take());
    }
}

/// For a backend whose system keeps what it sends.
#[cfg(all(target_os = "linux", any(target_arch = "aarch64", target_arch = "x86_64")))]
impl Output {
    /// The buffer, how much of it has been sent, and the tail, which is in memory.
    pub(crate) fn into_parts(self) -> (Vec<u8>, usize, Bytes) {
        let tail = match self.tail {
            Some(Tail::Bytes(tail)) => tail,
            tail => {
                debug_assert!(tail.is_none(), "a ring sends no files");
                Bytes::new()
            }
        };
        (self.buffer, self.sent, tail)
    }

    /// What it was before [`into_parts`](Self::into_parts).
    pub(crate) fn from_parts(buffer: Vec<u8>, sent: usize, tail: Bytes) -> Self {
        Self { buffer, tail: Some(Tail::Bytes(tail)), sent }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn every_byte_comes_out_once_and_in_order() {
        for step in 1..12 {
            let mut output = Output::default();
            output.buffer.extend_from_slice(b"head");
            output.set_tail(Bytes::from_static(b"large body"));
            let mut sent = Vec::new();
            while !output.is_empty() {
                let next = output.slices(step).map(|slice| slice.to_vec()).concat();
                assert_eq!(output.slice(step), None, "there are two");
                assert_eq!(next.len(), step.min(output.len()));
                sent.extend_from_slice(&next);
                output.advance(next.len());
            }
            assert_eq!(sent, b"headlarge body");
        }
    }

    #[test]
    fn what_is_in_one_place_is_one_slice() {
        let mut output = Output::default();
        output.buffer.extend_from_slice(b"head");
        assert_eq!(output.slice(9), Some(&b"head"[..]));
        output.advance(1);
        assert_eq!(output.slice(2), Some(&b"ea"[..]));
        output.advance(3);
        assert!(output.is_empty());
    }

    #[test]
    fn what_has_an_owner_is_forgotten_with_it_and_not_before() {
        let mut output = Output::default();
        assert!(!output.is_plain(), "there is nothing to be sent");
        output.buffer.extend_from_slice(b"head");
        assert!(output.is_plain());
        let owner = Arc::new([0_u8; 3]);
        output.set_tail(Bytes::from_owner(Shared(Arc::clone(&owner))));
        assert!(!output.is_plain());
        output.advance(7);
        assert!(output.is_empty() && !output.is_plain());
        assert_eq!(Arc::strong_count(&owner), 2, "its destructor may be the program's");
        output.clear();
        assert_eq!(Arc::strong_count(&owner), 1);
        output.buffer.extend_from_slice(b"head");
        assert!(output.is_plain());
    }

    struct Shared(Arc<[u8; 3]>);

    impl AsRef<[u8]> for Shared {
        fn as_ref(&self) -> &[u8] {
            &*self.0
        }
    }
}
