//! When the requests of an open loop are due.
//!
//! They are due at even distances, whatever the server does. Not here: who sends them.

use std::time::{Duration, Instant};

/// A product of floats may be this much too large.
const ROUNDING: f64 = 1e-6;

/// The times at which batches are due in one run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    start: Instant,
    /// Seconds between two batches.
    interval: f64,
    /// Batches handed out.
    next: u64,
    /// Batches in all.
    total: u64,
}

impl Schedule {
    /// Spreads `per_second` batches evenly over each second of `duration`.
    pub(crate) fn new(start: Instant, per_second: f64, duration: Duration) -> Self {
        let mut total = 0;
        // Counted up, because no conversion from a float is free of doubt.
        let batches = per_second * duration.as_secs_f64();
        while (total as f64) + ROUNDING < batches {
            total += 1;
        }
        Self { start, interval: 1.0 / per_second, next: 0, total }
    }

    /// Takes the next batch if it is due and returns since when.
    pub(crate) fn take(&mut self, now: Instant) -> Option<Instant> {
        let at = self.start + Duration::from_secs_f64(self.next as f64 * self.interval);
        let is_due = self.next < self.total && at <= now;
        is_due.then(|| {
            self.next += 1;
            at
        })
    }

    /// Batches that were not taken.
    pub(crate) fn left(&self) -> u64 {
        self.total - self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_due_at_even_distances_however_late_they_are_taken() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, 1000.0, Duration::from_millis(10));
        assert_eq!(schedule.left(), 10);
        assert_eq!(schedule.take(start), Some(start));
        assert_eq!(schedule.take(start), None);
        let late = start + Duration::from_secs(1);
        for number in 1..10 {
            assert_eq!(schedule.take(late), Some(start + Duration::from_millis(number)));
        }
        assert_eq!((schedule.take(late), schedule.left()), (None, 0));
    }
}
