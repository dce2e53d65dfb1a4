//! [`Outbox`]: responses on their way from connections that are done with everything else.
//!
//! A connection whose request is answered in full has nothing left but bytes to be sent. They are
//! put here, and what it worked with serves the next connection at once, while the processor has it
//! in its caches. When all that came is dealt with, or handlers have taken their time, a loop that
//! does little but send finds them in a row, whatever became of the caches in each call. A driver
//! delivers once a turn for each connection, so that none is here twice. Not here: who has anything
//! else left, which is looked at once the turn is over (`flush.rs`), and backends that carry a send
//! out later.

use crate::driver::Key;
use crate::output::Output;

/// How many places are kept when a burst is over.
const MIN_PLACES: usize = 8;

/// What is to be sent of connections that need nothing else.
#[derive(Default)]
pub(super) struct Outbox {
    /// The places in use come first. The outputs in the others are empty and have storage.
    places: Vec<(Key, Output)>,
    used: usize,
}

/// The key in a place that was never used: of no connection.
const NOBODY: Key = Key { index: u32::MAX, generation: 0 };

impl Outbox {
    /// Takes what is to be sent out of `output`, which gets the storage of an earlier one.
    #[inline(always)]
    pub(super) fn put(&mut self, key: Key, output: &mut Output) {
        if self.used == self.places.len() {
            self.places.push((NOBODY, Output::default()));
        }
        let place = &mut self.places[self.used];
        place.0 = key;
        output.give_plain(&mut place.1);
        self.used += 1;
    }

    /// What is to be sent from that place, if so many were put here.
    #[inline(always)]
    pub(super) fn at(&mut self, place: usize) -> Option<&mut (Key, Output)> {
        self.places[..self.used].get_mut(place)
    }

    /// Gives a place storage again that its output was sent with.
    pub(super) fn refill(&mut self, place: usize, storage: &mut Output) {
        if let Some((_, output)) = self.at(place) {
            debug_assert!(
                output.is_empty() && storage.is_empty(),
                "nothing of either is to be sent"
            );
            std::mem::swap(output, storage);
        }
    }

    /// Forgets what was sent, or could not be.
    #[inline(always)]
    pub(super) fn clear(&mut self) {
        for (_, output) in &mut self.places[..self.used] {
            output.clear_to_spare();
        }
        self.used = 0;
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.used
    }

    /// Frees what a burst has left.
    pub(super) fn shrink(&mut self) {
        self.places.truncate(self.used.max(MIN_PLACES));
        self.places.shrink_to_fit();
    }
}
