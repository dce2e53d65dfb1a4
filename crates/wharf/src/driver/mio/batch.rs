//! What several connections received in a row, before anybody looks at it.
//!
//! Each receive leaves the processor's caches to the system's code. If the program's code ran
//! between any two of them, it would find them cold each time; behind a batch it does so once. Not
//! here: the receives themselves (`mod.rs`).

use mio::net::TcpStream;

use crate::driver::{Completion, Key, Step};

/// What is offered to one receive, in bytes.
pub(super) const RECEIVE_BYTES: usize = 64 << 10;

/// What a batch holds, in bytes: small requests fit many times, and a large piece of a body is
/// looked at before the next one comes.
const BATCH_BYTES: usize = 2 * RECEIVE_BYTES;

/// How many receives a batch holds: so many that the caches no longer matter, and so few that the
/// first is not kept waiting.
const MAX_RECEIVES: usize = 64;

/// Whose bytes are those that were taken back: the key of no connection, which whoever is told of
/// it finds closed.
const NOBODY: Key = Key { index: u32::MAX, generation: 0 };

/// Received bytes by connection, and what came behind them.
pub(super) struct Batch {
    buffer: Box<[u8]>,
    /// How much of the buffer is in use.
    filled: usize,
    /// Who received how many bytes, in the order of the buffer.
    receives: Vec<(Key, usize)>,
    /// How many of them were told, and how many bytes that was.
    told: (usize, usize),
    /// A result that is not bytes ends the batch.
    last: Option<Step<TcpStream>>,
}

impl Batch {
    pub(super) fn new() -> Self {
        Self {
            buffer: vec![0; BATCH_BYTES].into(),
            filled: 0,
            receives: Vec::with_capacity(MAX_RECEIVES),
            told: (0, 0),
            last: None,
        }
    }

    /// Whether another receive fits, whatever it brings.
    pub(super) fn has_room(&self) -> bool {
        self.receives.len() < MAX_RECEIVES && self.buffer.len() - self.filled >= RECEIVE_BYTES
    }

    /// Where the bytes of the next receive go.
    pub(super) fn place(&mut self) -> &mut [u8; RECEIVE_BYTES] {
        self.buffer[self.filled..].first_chunk_mut().expect("only asked for if there is room")
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
        Some(Completion::Received { key, bytes: &self.buffer[at..at + len] })
    }

    /// Takes bytes of a connection out again that were not told. If their end was received too, it
    /// is found again by whoever reads on.
    pub(super) fn take_back(&mut self, key: Key) -> Vec<u8> {
        let (told, mut at) = self.told;
        let mut bytes = Vec::new();
        for (receiver, len) in &mut self.receives[told..] {
            if *receiver == key {
                bytes.extend_from_slice(&self.buffer[at..at + *len]);
                *receiver = NOBODY;
            }
            at += *len;
        }
        bytes
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
    }
}
