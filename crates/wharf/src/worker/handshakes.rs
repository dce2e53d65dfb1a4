//! [`Handshakes`]: which connections of a worker shake hands, the one that began first to be given
//! up where there are too many.
//!
//! Whoever fills all places by beginning and not going on is the first to lose them, and who shakes
//! hands as fast as usual goes on: to turn newcomers away, or to let them wait, would give the
//! server to him. A connection on which nothing came has not begun, and holds nothing. Not here:
//! how long a handshake may take (`conn/deadline.rs`).

use std::collections::VecDeque;

use crate::driver::Key;

/// Connections that have begun to shake hands, in that order. Some may be done by now.
#[derive(Debug, Default)]
pub(super) struct Handshakes {
    begun: VecDeque<Key>,
}

impl Handshakes {
    /// Notes that a connection begins to shake hands, of which no more than `max` may. Returns the
    /// one that is to be given up for it. `goes_on` says of a connection whether it is not done.
    pub(super) fn begin(
        &mut self,
        key: Key,
        max: usize,
        goes_on: impl Fn(Key) -> bool,
    ) -> Option<Key> {
        while self.begun.front().is_some_and(|first| !goes_on(*first)) {
            self.begun.pop_front();
        }
        if self.begun.len() >= max {
            self.begun.retain(|key| goes_on(*key));
        }
        let given_up = if self.begun.len() >= max { self.begun.pop_front() } else { None };
        self.begun.push_back(key);
        given_up
    }

    /// Frees what a burst has left.
    pub(super) fn shrink(&mut self) {
        self.begun.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(index: u32) -> Key {
        Key { index, generation: 0 }
    }

    #[test]
    fn the_oldest_handshake_is_given_up_and_what_is_done_does_not_count() {
        let mut handshakes = Handshakes::default();
        let all = |_: Key| true;
        for index in 0..3 {
            assert_eq!(handshakes.begin(key(index), 3, all), None);
        }
        assert_eq!(handshakes.begin(key(3), 3, all), Some(key(0)));
        // One in the middle is done.
        assert_eq!(handshakes.begin(key(4), 3, |key| key.index != 2), None);
        assert_eq!(handshakes.begin(key(5), 3, all), Some(key(1)));
        assert_eq!(handshakes.begin(key(6), 3, |_| false), None);
        assert_eq!(handshakes.begun, [key(6)]);
    }

    #[test]
    fn as_many_are_remembered_as_may_be_at_it() {
        let mut handshakes = Handshakes::default();
        for index in 0..1000 {
            // The first goes on for ever, the others are done at once.
            let given_up = handshakes.begin(key(index), 10, |key| key.index == 0);
            assert_eq!(given_up, None);
            assert!(handshakes.begun.len() <= 10);
        }
    }
}
