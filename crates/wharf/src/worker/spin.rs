//! How long a worker that has nothing to do looks for more before it sleeps.
//!
//! Whoever sleeps has to be woken, which takes the system longer than a small request does. Not
//! here: what is looked for (`mod.rs`).

use std::time::{Duration, Instant};

/// Looks for a while after there was something.
#[derive(Debug)]
pub(super) struct Spin {
    length: Duration,
    /// When it is over, once a look has found nothing.
    ends_at: Option<Instant>,
}

impl Spin {
    pub(super) const fn new(length: Duration) -> Self {
        Self { length, ends_at: None }
    }

    /// Whether the worker looks again, rather than to sleep.
    pub(super) fn polls(&self, now: Instant) -> bool {
        !self.length.is_zero() && self.ends_at.is_none_or(|at| now < at)
    }

    /// Notes whether a look at `now` has found something.
    pub(super) fn note(&mut self, found: bool, now: Instant) {
        if found {
            self.ends_at = None;
        } else if self.ends_at.is_none() {
            // What is too far ahead for the clock has no end that anybody sees.
            self.ends_at = now.checked_add(self.length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_over_so_long_after_the_first_look_in_vain() {
        let (start, length) = (Instant::now(), Duration::from_micros(50));
        let at = |micros| start + Duration::from_micros(micros);
        let mut spin = Spin::new(length);
        for round in [0, 1000] {
            spin.note(true, at(round));
            assert!(spin.polls(at(round)), "there was something just now");
            for look in [10, 20, 59] {
                spin.note(false, at(round + look));
                assert!(spin.polls(at(round + look)));
            }
            spin.note(false, at(round + 60));
            assert!(!spin.polls(at(round + 60)));
            spin.note(false, at(round + 500));
            assert!(!spin.polls(at(round + 500)), "a timer is no reason to begin anew");
        }
    }

    #[test]
    fn without_a_length_there_is_none() {
        let mut spin = Spin::new(Duration::ZERO);
        assert!(!spin.polls(Instant::now()));
        spin.note(true, Instant::now());
        assert!(!spin.polls(Instant::now()));
    }

    #[test]
    fn a_length_without_bounds_does_no_harm() {
        let mut spin = Spin::new(Duration::MAX);
        spin.note(false, Instant::now());
        assert!(spin.polls(Instant::now()));
    }
}
