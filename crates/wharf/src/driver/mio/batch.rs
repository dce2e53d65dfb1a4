//! What several connections received in a row, before anybody looks at it.
//!
//! Each receive leaves the processor's caches to the system's code. If the program's code ran
//! between any two of them, it would find them cold each time; behind a batch it does so once. Not
//! here: the receives themselves (`mod.rs`).

use std::collections::VecDeque;

use mio::net::TcpStream;

use crate::driver::{Completion, Step};

/// What is offered to one receive, in bytes.
pub(super) const RECEIVE_BYTES: usize = 64 << 10;

/// What a batch holds, in bytes: small requests fit many times, and a large piece of a body is
/// looked at before the next one comes.
const BATCH_BYTES: usize = 2 * RECEIVE_BYTES;

/// How many results a batch holds: so many that the caches no longer matter, and so few that the
/// first is not kept waiting.
const MAX_RESULTS: usize = 64;

/// Results in order, with the bytes that were received.
pub(super) struct Batch {
    buffer: Box<[u8]>,
    /// How much of the buffer is in use.
    filled: usize,
    /// Each result with the place of its bytes in the buffer.
    results: VecDeque<(usize, Step<TcpStream>)>,
}

impl Batch {
    pub(super) fn new() -> Self {
        Self {
            buffer: vec![0; BATCH_BYTES].into(),
            filled: 0,
            results: VecDeque::with_capacity(MAX_RESULTS),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.results.is_empty()
    }

    /// Whether another result fits, whatever it brings.
    pub(super) fn has_room(&self) -> bool {
        self.results.len() < MAX_RESULTS && self.buffer.len() - self.filled >= RECEIVE_BYTES
    }

    /// Where the bytes of the next result go.
    pub(super) fn place(&mut self) -> &mut [u8; RECEIVE_BYTES] {
        self.buffer[self.filled..].first_chunk_mut().expect("only asked for if there is room")
    }

    /// Adds a result, whose bytes are in [`place`](Self::place).
    pub(super) fn push(&mut self, step: Step<TcpStream>) {
        let at = self.filled;
        if let Step::Received(_, len) = step {
            self.filled += len;
        }
        self.results.push_back((at, step));
    }

    /// The first result. With the last one the buffer is free again.
    pub(super) fn pop(&mut self) -> Option<Completion<'_, TcpStream>> {
        let (at, step) = self.results.pop_front()?;
        if self.results.is_empty() {
            self.filled = 0;
        }
        Some(step.with(&self.buffer[at..]))
    }
}
