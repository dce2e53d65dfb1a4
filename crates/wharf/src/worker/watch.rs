//! Notices who keeps a worker for itself, and that others have waited long enough for a turn's end.
//!
//! The clock is read once for each time that a connection has had its turn: what has passed since
//! the last reading is what this one took. The system's coarse clock is good enough for that, and
//! costs a fraction of the exact one. What a driver waits for while it goes on with the rest of a
//! file is counted for whoever comes next. Not here: who is told (`state.rs`), and what is sent
//! before the turn is over (`flush.rs`).

use std::cell::Cell;
use std::error::Error;
use std::fmt;
use std::time::Duration;

/// How much later than the last flush, in nanoseconds of the clock, everything is sent in the midst
/// of a turn. Turns are over sooner, unless handlers take their time.
const MAX_WAIT: u64 = 1_000_000;

/// The time at which a worker last got to the next connection.
#[derive(Debug)]
pub(super) struct Watch {
    clock: fn() -> u64,
    /// What is too long, in nanoseconds; the most that there can be is never.
    bound: u64,
    mark: Cell<u64>,
    /// When everything was last sent.
    waits_since: Cell<u64>,
}

impl Watch {
    pub(super) fn new(bound: Duration, clock: fn() -> u64) -> Self {
        let bound = u64::try_from(bound.as_nanos()).unwrap_or(u64::MAX);
        Self { clock, bound, mark: Cell::new(0), waits_since: Cell::new(0) }
    }

    /// From now on it counts.
    pub(super) fn begin(&self) {
        self.mark.set((self.clock)());
    }

    /// As [`begin`](Self::begin), and there is nothing that waits to be sent.
    pub(super) fn begin_waiting(&self) {
        self.begin();
        self.waits_since.set(self.mark.get());
    }

    /// Whether what waits to be sent has waited long enough.
    #[inline(always)]
    pub(super) fn is_late(&self) -> bool {
        self.mark.get().saturating_sub(self.waits_since.get()) >= MAX_WAIT
    }

    /// How long it took since the mark, if that was too long. Marks the next beginning.
    #[inline(always)]
    pub(super) fn lap(&self) -> Option<Blocked> {
        self.lap_at((self.clock)())
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
        let watch = Watch::new(millis(100), || 0);
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
    fn who_has_no_bound_never_takes_too_long() {
        let watch = Watch::new(Duration::MAX, || u64::MAX - 1);
        assert_eq!(watch.lap(), None);
    }

    #[test]
    fn it_is_late_when_something_has_waited_since_the_last_send() {
        let watch = Watch::new(Duration::MAX, || 5_000_000);
        watch.begin_waiting();
        for (now, is_late) in [(0, false), (5_999_999, false), (6_000_000, true)] {
            assert_eq!((watch.lap_at(now), watch.is_late()), (None, is_late), "{now}");
        }
        watch.begin_waiting();
        assert!(!watch.is_late());
    }
}
