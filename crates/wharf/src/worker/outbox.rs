//! [`Outbox`]: answers on their way from connections that are done with everything else.
//!
//! A connection whose request is answered in full has nothing left but bytes to be sent. They are
//! put here, and what it worked with serves the next connection at once, while the processor has it
//! in its caches. When all that came is dealt with, a loop that does little but send finds them in
//! a row, whatever became of the caches in each call. Not here: who has what else left, which is
//! looked at once the turn is over (`mod.rs`), and backends that carry a send out later.

use crate::driver::Key;
use crate::output::Output;

/// How many outputs are kept to be used again.
const MAX_SPARE: usize = 256;

/// How many of them are kept when a burst is over.
const MIN_SPARE: usize = 8;

/// What is to be sent of connections that need nothing else.
#[derive(Default)]
pub(super) struct Outbox {
    answers: Vec<(Key, Output)>,
    /// Empty outputs that have storage.
    spare: Vec<Output>,
}

impl Outbox {
    /// An empty output in place of one that is put here.
    #[inline(always)]
    pub(super) fn spare(&mut self) -> Output {
        self.spare.pop().unwrap_or_default()
    }

    #[inline(always)]
    pub(super) fn put(&mut self, key: Key, output: Output) {
        self.answers.push((key, output));
    }

    /// Takes what is to be sent, for [`give_back`](Self::give_back).
    #[inline(always)]
    pub(super) fn take(&mut self) -> Vec<(Key, Output)> {
        std::mem::take(&mut self.answers)
    }

    /// Keeps the storage of what was sent.
    #[inline(always)]
    pub(super) fn give_back(&mut self, mut answers: Vec<(Key, Output)>) {
        for (_, mut output) in answers.drain(..) {
            output.clear_to_spare();
            if self.spare.len() < MAX_SPARE {
                self.spare.push(output);
            }
        }
        self.answers = answers;
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.answers.len()
    }

    /// Frees what a burst has left.
    pub(super) fn shrink(&mut self) {
        self.spare.truncate(MIN_SPARE);
        self.spare.shrink_to_fit();
        self.answers.shrink_to(MIN_SPARE);
    }
}
