//! Notices who keeps a worker for itself.
//!
//! The clock is read once for each time that a connection has had its turn: what has passed since
//! the last reading is what this one took. The system's coarse clock is good enough for that, and
//! costs a fraction of the exact one. What a driver waits for while it goes on with the rest of a
//! file is counted for whoever comes next. Not here: who is told (`state.rs`).

use std::cell::Cell;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::sys;

/// The time at which a worker last got to the next connection.
#[derive(Debug)]
pub(super) struct Watch {
    /// What is too long, in nanoseconds; the most that there can be is never.
    bound: u64,
    mark: Cell<u64>,
}

impl Watch {
    pub(super) fn new(bound: Duration) -> Self {
        let bound = u64::try_from(bound.as_nanos()).unwrap_or(u64::MAX);
        Self { bound, mark: Cell::new(0) }
    }

    /// From now on it counts.
    pub(super) fn begin(&self) {
        if self.bound != u64::MAX {
            self.mark.set(sys::coarse_nanos());
        }
    }

    /// How long it took since the mark, if that was too long. Marks the next beginning.
    #[inline(always)]
    pub(super) fn lap(&self) -> Option<Blocked> {
        if self.bound == u64::MAX {
            return None;
        }
        self.lap_at(sys::coarse_nanos())
    }

    #[inline(always)]
    fn lap_at(&self, now: u64) -> Option<Blocked> {
        let took = now.saturating_sub(self.mark.replace(now));
        (took >= self.bound).then(|| Blocked(Duration::from_nanos(took)))
    }
}

/// A worker was kept for so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Blocked(pub(super) Duration);

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the worker was blocked for {:.3} s", self.0.as_secs_f64())
    }
}

impl Error for Blocked {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_took_too_long_is_told_once() {
        let millis = Duration::from_millis;
        let nanos = |millis: u64| millis * 1_000_000;
        let watch = Watch::new(millis(100));
        watch.mark.set(nanos(1000));
        for (now, took) in
            [(1099, None), (1198, None), (1298, Some(100)), (1300, None), (999, None)]
        {
            let blocked = watch.lap_at(nanos(now));
            assert_eq!(blocked, took.map(|took| Blocked(millis(took))), "{now}");
        }
        assert_eq!(Blocked(millis(1204)).to_string(), "the worker was blocked for 1.204 s");
    }

    #[test]
    fn without_a_bound_no_clock_is_read() {
        let watch = Watch::new(Duration::MAX);
        watch.begin();
        assert_eq!((watch.lap(), watch.mark.get()), (None, 0));
    }
}
