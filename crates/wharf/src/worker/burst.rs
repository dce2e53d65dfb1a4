//! When a burst of connections is over, and what it left behind may be given back.
//!
//! Not here: what that is (`state.rs`).

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Fewer connections than this leave nothing that is worth the effort.
const MIN_FALL: usize = 128;

/// How long after the fall: another burst may be on its way, and the last parts on their way back.
const DELAY: Duration = Duration::from_secs(1);

/// How often a process returns memory at most: everybody who allocates may have to wait for it.
const RETURN_INTERVAL: Duration = Duration::from_secs(60);

/// When memory may be returned, if that is not now: one process has one heap.
pub(super) fn wait_to_return(now: Instant) -> Option<Instant> {
    static LAST: Mutex<Option<Instant>> = Mutex::new(None);
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    let wait = last.map(|last| last + RETURN_INTERVAL).filter(|at| *at > now);
    if wait.is_none() {
        *last = Some(now);
    }
    wait
}

/// How many connections there were at most, lately.
#[derive(Debug, Default)]
pub(super) struct Burst {
    peak: usize,
    /// When its end is to be dealt with.
    ends_at: Option<Instant>,
}

impl Burst {
    pub(super) fn on_open(&mut self, open: usize) {
        self.peak = self.peak.max(open);
    }

    pub(super) fn on_close(&mut self, open: usize, now: Instant) {
        let is_fall = open * 2 <= self.peak && self.peak - open >= MIN_FALL;
        if is_fall && self.ends_at.is_none() {
            self.ends_at = Some(now + DELAY);
        }
    }

    pub(super) const fn ends_at(&self) -> Option<Instant> {
        self.ends_at
    }

    /// Has the end told again at `at`, unless there is another before.
    pub(super) fn postpone(&mut self, at: Instant) {
        self.ends_at.get_or_insert(at);
    }

    /// Whether a burst has ended by now, which is told once.
    pub(super) fn ended(&mut self, open: usize, now: Instant) -> bool {
        let has_ended = self.ends_at.take_if(|at| *at <= now).is_some();
        if has_ended {
            self.peak = open;
        }
        has_ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fall_is_told_once_and_a_little_later() {
        let now = Instant::now();
        let mut burst = Burst::default();
        for open in 1..=1000 {
            burst.on_open(open);
        }
        burst.on_close(999, now);
        assert_eq!(burst.ends_at(), None);
        burst.on_close(487, now);
        burst.on_close(10, now + DELAY / 2);
        assert_eq!(burst.ends_at(), Some(now + DELAY));
        assert!(!burst.ended(10, now));
        assert!(burst.ended(10, now + DELAY));
        assert!(!burst.ended(10, now + DELAY));
        burst.on_close(0, now + DELAY);
        assert_eq!(burst.ends_at(), None, "ten are not worth it");
    }
}
