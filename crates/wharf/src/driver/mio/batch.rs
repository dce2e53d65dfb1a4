//! What several connections received in a row, before anybody looks at it.
//!
//! Each receive leaves the processor's caches to the system's code. If the program's code ran
//! between any two of them, it would find them cold each time; behind a batch it does so once. Not
//! here: the receives themselves (`mod.rs`).

use std::mem;

use bytes::{Bytes, BytesMut};
use mio::net::TcpStream;

use crate::driver::{Completion, Input, Key, MIN_SHARE_BYTES, Step};

/// What is offered to one receive, in bytes: a body of 64 KiB, as many senders make their pieces,
/// comes with its head.
pub(super) const RECEIVE_BYTES: usize = (64 + 4) << 10;

/// What a batch holds, in bytes: small requests fit many times, and a large piece of a body is
/// looked at before the next one comes.
const BATCH_BYTES: usize = 2 * RECEIVE_BYTES;

/// How many receives a batch holds: so many that the caches no longer matter, and so few that the
/// first is not kept waiting.
const MAX_RECEIVES: usize = 64;

/// Of how many buffers somebody may have a part at a time. While it is so many, bytes are copied.
const MAX_SHARED: usize = 4;

/// Whose bytes are those that were taken back: the key of no connection, which whoever is told of
/// it finds closed.
const NOBODY: Key = Key { index: u32::MAX, generation: 0 };

/// Received bytes by connection, and what came behind them.
pub(super) struct Batch {
    buffer: Buffer,
    /// Buffers of earlier batches of which somebody still had a part.
    shared: Vec<Bytes>,
    /// How much of the buffer is in use.
    filled: usize,
    /// Who received how many bytes, in the order of the buffer.
    receives: Vec<(Key, usize)>,
    /// How many of them were told, and how many bytes that was.
    told: (usize, usize),
    /// A result that is not bytes ends the batch.
    last: Option<Step<TcpStream>>,
}

/// Where bytes are received.
enum Buffer {
    Own(BytesMut),
    /// Nothing is written to it while somebody may have a part of it.
    Shared(Bytes),
}

impl Batch {
    pub(super) fn new() -> Self {
        Self {
            buffer: Buffer::Own(BytesMut::zeroed(BATCH_BYTES)),
            shared: Vec::new(),
            filled: 0,
            receives: Vec::with_capacity(MAX_RECEIVES),
            told: (0, 0),
            last: None,
        }
    }

    /// Whether another receive fits, whatever it brings.
    pub(super) fn has_room(&self) -> bool {
        self.receives.len() < MAX_RECEIVES && BATCH_BYTES - self.filled >= RECEIVE_BYTES
    }

    /// Where the bytes of the next receive go.
    pub(super) fn place(&mut self) -> &mut [u8; RECEIVE_BYTES] {
        let Buffer::Own(buffer) = &mut self.buffer else {
            unreachable!("nothing is received before the batch is cleared");
        };
        buffer[self.filled..].first_chunk_mut().expect("only asked for if there is room")
    }

    /// Adds `len` bytes, which are in [`place`](Self::place).
    pub(super) fn push(&mut self, key: Key, len: usize) {
        self.filled += len;
        self.receives.push((key, len));
    }

    /// Ends the batch with another result.
    pub(super) fn end_with(&mut self, step: Step<TcpStream>) {
        self.last = Some(step);
    }

    /// The next result.
    pub(super) fn next(&mut self) -> Option<Completion<'_, TcpStream>> {
        let (told, at) = self.told;
        let Some(&(key, len)) = self.receives.get(told) else {
            let last = self.last.take()?;
            return Some(last.with(&[]));
        };
        self.told = (told + 1, at + len);
        if len >= MIN_SHARE_BYTES && self.can_share() {
            self.buffer.share();
        }
        let input = match &self.buffer {
            Buffer::Own(buffer) => Input::new(&buffer[at..at + len]),
            Buffer::Shared(buffer) => Input::within(buffer, &buffer[at..at + len]),
        };
        Some(Completion::Received { key, input })
    }

    /// Takes bytes of a connection out again that were not told. If their end was received too, it
    /// is found again by whoever reads on.
    pub(super) fn take_back(&mut self, key: Key) -> Vec<u8> {
        let (told, mut at) = self.told;
        let mut bytes = Vec::new();
        let buffer = self.buffer.bytes();
        for (receiver, len) in &mut self.receives[told..] {
            if *receiver == key {
                bytes.extend_from_slice(&buffer[at..at + *len]);
                *receiver = NOBODY;
            }
            at += *len;
        }
        bytes
    }

    /// Whether another buffer may be held up by who has a part of it.
    fn can_share(&self) -> bool {
        self.shared.len() < MAX_SHARED || self.shared.iter().any(Bytes::is_unique)
    }

    /// Whether there is no next result.
    pub(super) fn is_told(&self) -> bool {
        self.told.0 == self.receives.len() && self.last.is_none()
    }

    /// Makes room for the next batch, once all results are told.
    pub(super) fn clear(&mut self) {
        self.filled = 0;
        self.receives.clear();
        self.told = (0, 0);
        if let Buffer::Shared(buffer) = &mut self.buffer {
            let buffer = mem::take(buffer);
            self.buffer = Buffer::Own(self.replace(buffer));
        }
    }

    /// Frees what nobody has a part of any more.
    pub(super) fn shrink(&mut self) {
        self.shared.retain(|buffer| !buffer.is_unique());
        self.shared.shrink_to_fit();
    }

    /// A buffer of which nobody has a part: this one, an earlier one, or a new one.
    #[cold]
    fn replace(&mut self, buffer: Bytes) -> BytesMut {
        self.shared.push(buffer);
        let free = self.shared.iter().rposition(Bytes::is_unique);
        let buffer = match free {
            Some(free) => self.shared.swap_remove(free).try_into_mut().ok(),
            None => None,
        };
        buffer.unwrap_or_else(|| BytesMut::zeroed(BATCH_BYTES))
    }
}

impl Buffer {
    fn share(&mut self) {
        if let Self::Own(buffer) = self {
            *self = Self::Shared(mem::take(buffer).freeze());
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Own(buffer) => buffer,
            Self::Shared(buffer) => buffer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = Key { index: 0, generation: 0 };

    /// Receives `len` bytes of one value. What it gives is a part of them that was kept, and where
    /// they were.
    fn receive(batch: &mut Batch, len: usize, byte: u8) -> (Option<Bytes>, *const u8) {
        batch.clear();
        batch.place()[..len].fill(byte);
        batch.push(KEY, len);
        let Some(Completion::Received { input, .. }) = batch.next() else { panic!("nothing") };
        assert_eq!(input.bytes, vec![byte; len]);
        (input.share(&input.bytes[1..]), input.bytes.as_ptr())
    }

    #[test]
    fn a_large_part_is_kept_and_a_small_one_is_not() {
        let mut batch = Batch::new();
        assert!(receive(&mut batch, MIN_SHARE_BYTES, 1).0.is_none());
        let (kept, _) = receive(&mut batch, MIN_SHARE_BYTES + 1, 2);
        let kept = kept.expect("it is large");
        for byte in 3..10 {
            receive(&mut batch, RECEIVE_BYTES, byte);
        }
        assert_eq!(kept, vec![2; MIN_SHARE_BYTES]);
    }

    #[test]
    fn what_was_received_before_it_is_told_as_ever() {
        let mut batch = Batch::new();
        batch.place()[..5].copy_from_slice(b"small");
        batch.push(KEY, 5);
        batch.place().fill(1);
        batch.push(KEY, RECEIVE_BYTES);
        for expected in [&b"small"[..], &[1; RECEIVE_BYTES]] {
            let Some(Completion::Received { input, .. }) = batch.next() else { panic!("nothing") };
            assert_eq!(input.bytes, expected);
        }
    }

    #[test]
    fn a_buffer_is_used_again_once_nobody_has_a_part_of_it() {
        let mut batch = Batch::new();
        let (first, place) = receive(&mut batch, RECEIVE_BYTES, 1);
        drop(first);
        let (second, again) = receive(&mut batch, RECEIVE_BYTES, 2);
        assert_eq!(place, again);
        let (_, other) = receive(&mut batch, RECEIVE_BYTES, 3);
        assert_ne!(place, other);
        drop(second);
        receive(&mut batch, RECEIVE_BYTES, 4);
        let places = [5, 6].map(|byte| receive(&mut batch, RECEIVE_BYTES, byte).1);
        assert!(places.iter().all(|used| [place, other].contains(used)));
    }

    #[test]
    fn no_more_than_a_few_can_be_kept() {
        let mut batch = Batch::new();
        let mut kept: Vec<_> =
            (0..20).map_while(|byte| receive(&mut batch, RECEIVE_BYTES, byte).0).collect();
        assert_eq!(kept.len(), MAX_SHARED);
        for (byte, part) in (0..).zip(&kept) {
            assert_eq!(*part, vec![byte; RECEIVE_BYTES - 1]);
        }
        kept.remove(1);
        assert!(receive(&mut batch, RECEIVE_BYTES, 21).0.is_some(), "one is free again");
        assert_eq!(batch.shared.len(), MAX_SHARED);
        batch.shrink();
        assert_eq!(batch.shared.len(), MAX_SHARED - 1, "they are still held");
        drop(kept);
        batch.shrink();
        assert!(batch.shared.is_empty());
    }
}
