//! How much of its budget a tick has left.
//!
//! Without a budget this is one branch for each event, and the clock is not read. Not here: what an
//! event is made of (`mod.rs`), and what a program says ([`Budget`]).

use std::cell::Cell;
use std::time::Instant;

use crate::config::Budget;

/// Counts what a tick does, for all workers of a ticker together.
pub(crate) struct Meter {
    clock: Box<dyn Fn() -> Instant>,
    budget: Cell<Budget>,
    /// The budget bounds anything at all.
    is_limited: Cell<bool>,
    /// Events of this tick.
    taken: Cell<usize>,
    ends_at: Cell<Option<Instant>>,
}

impl Meter {
    /// One that bounds nothing and would look at `clock`.
    pub(crate) fn new(clock: Box<dyn Fn() -> Instant>) -> Self {
        Self {
            clock,
            budget: Cell::new(Budget::new()),
            is_limited: Cell::new(false),
            taken: Cell::new(0),
            ends_at: Cell::new(None),
        }
    }

    /// Bounds the ticks from the next one on.
    pub(crate) fn set(&self, budget: Budget) {
        self.budget.set(budget);
        self.is_limited.set(budget != Budget::new());
    }

    pub(crate) const fn is_limited(&self) -> bool {
        self.is_limited.get()
    }

    /// A tick begins, and may still wait.
    pub(crate) fn reset(&self) {
        self.taken.set(0);
        self.ends_at.set(None);
    }

    /// The tick has waited. If it has done nothing yet, its time begins now.
    pub(super) fn start(&self) {
        if let Some(time) = self.budget.get().time
            && self.taken.get() == 0
        {
            self.ends_at.set(self.now().checked_add(time));
        }
    }

    pub(super) fn now(&self) -> Instant {
        (self.clock)()
    }

    /// Takes an event from what is left, if there is anything left. Whatever the budget, a tick has
    /// one, or else work would never come to its end.
    #[inline]
    pub(crate) fn begin_event(&self) -> bool {
        !self.is_limited.get() || self.take()
    }

    /// There was none after all.
    pub(super) fn take_back(&self) {
        self.taken.set(self.taken.get().saturating_sub(1));
    }

    #[cold]
    fn take(&self) -> bool {
        let taken = self.taken.get();
        let is_over = taken > 0
            && (self.budget.get().events.is_some_and(|events| taken >= events)
                || self.ends_at.get().is_some_and(|at| at <= self.now()));
        if !is_over {
            self.taken.set(taken + 1);
        }
        !is_over
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;
    use std::time::Duration;

    use super::*;

    /// A meter with that budget, and what moves its time on.
    fn meter(budget: Budget) -> (Meter, impl Fn(u64)) {
        let time = Rc::new(Cell::new(Instant::now()));
        let clock = Rc::clone(&time);
        let meter = Meter::new(Box::new(move || clock.get()));
        meter.set(budget);
        meter.reset();
        (meter, move |millis| time.set(time.get() + Duration::from_millis(millis)))
    }

    #[test]
    fn the_time_of_a_tick_begins_when_it_has_waited() {
        let (meter, pass) = meter(Budget::new().time(Duration::from_millis(3)));
        // There was nothing to do but to wait once more.
        meter.start();
        assert!(meter.begin_event());
        meter.take_back();
        pass(10);
        meter.start();
        for _ in 0..3 {
            assert!(meter.begin_event());
            pass(1);
        }
        assert!(!meter.begin_event());
        // Another worker of the ticker has what is left, which is nothing.
        meter.start();
        assert!(!meter.begin_event());
        meter.reset();
        meter.start();
        assert!(meter.begin_event());
    }

    #[test]
    fn without_a_budget_nobody_asks_what_time_it_is() {
        let meter = Meter::new(Box::new(|| panic!("the clock was read")));
        meter.reset();
        meter.start();
        assert!((0..1000).all(|_| meter.begin_event()));
        assert!(!meter.is_limited());
    }
}
