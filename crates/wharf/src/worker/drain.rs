//! Draining: how a worker comes to its end without losing anything that was begun.
//!
//! Nothing more is accepted, each response says that its connection closes, and who has nothing
//! under way is given a moment, since a request may be on its way. The worker is over once nothing
//! is left; at the deadline it is over all the same (`end.rs`). Not here: who orders it
//! (`stop.rs`).

use std::sync::atomic::Ordering;
use std::time::Instant;

use super::Worker;
use crate::conn::{Conn, Ending};
use crate::driver::{Driver, Key};
use crate::observe::CloseReason;
use crate::stop::Order;

/// How far a worker is with its end.
#[derive(Debug, Default)]
pub(super) struct Drain {
    /// When it heard of it.
    began: Option<Instant>,
    /// Its listeners are closed, or will be as soon as what has come was accepted.
    pub(super) has_withdrawn: bool,
    /// Nothing will be accepted any more, and the others know.
    accepts_nothing: bool,
}

impl<D: Driver> Worker<D> {
    /// Does what the server was told to do about its end, as far as it is time.
    pub(super) fn heed(&mut self) {
        if self.state.shared.switches.order() == Order::Serve {
            return;
        }
        let now = self.state.own.clock.now();
        if self.drain.began.is_none() {
            self.drain.began = Some(now);
            self.begin_drain(now);
        }
        if self.withdraws_at().is_some_and(|at| at <= now) {
            self.withdraw();
        }
    }

    /// Whether the worker has nothing more to do, or no more time for it.
    pub(crate) fn is_over(&self) -> bool {
        match self.state.shared.switches.order() {
            Order::Serve => false,
            Order::Stop => true,
            Order::Drain { until } => {
                until.is_some_and(|until| until <= self.driver.now()) || self.is_left_alone()
            }
        }
    }

    /// When a drain needs the worker even if nothing happens.
    pub(super) fn drain_due(&self) -> Option<Instant> {
        let Order::Drain { until } = self.state.shared.switches.order() else { return None };
        let next =
            if self.drain.began.is_none() { Some(self.driver.now()) } else { self.withdraws_at() };
        [next, until].into_iter().flatten().min()
    }

    /// When the listeners are to be closed, while they are open.
    fn withdraws_at(&self) -> Option<Instant> {
        let began = self.drain.began.filter(|_| !self.drain.has_withdrawn)?;
        // What is too far ahead for the clock comes with the deadline.
        began.checked_add(self.state.shared.settings.lame_duck)
    }

    /// Whether there is no connection and no handler without one, and no connection will come: a
    /// worker that accepts for others may have left some.
    fn is_left_alone(&self) -> bool {
        let shared = &self.state.shared;
        self.drain.has_withdrawn
            && shared.accepting.load(Ordering::Acquire) == 0
            && self.state.member().connections.load(Ordering::Acquire) == 0
            && self.state.orphans.len() == 0
    }

    fn begin_drain(&mut self, now: Instant) {
        self.state.own.begin_drain();
        let due = now.checked_add(self.state.own.timeouts.idle).unwrap_or(now);
        let keys: Vec<Key> = self.state.conns.iter().flatten().map(|conn| conn.key).collect();
        for key in keys {
            let was_idle = self.state.take_up(key);
            self.state.act(key, Conn::on_drain);
            if was_idle {
                // Many may be, and what they are asked with is lent to one after the other.
                self.flush();
            }
            if let Some(conn) = self.state.conn(key) {
                conn.hasten(due);
                self.state.set_deadline(key);
            }
        }
        self.state.orphans.fire_draining();
    }

    /// Takes the listeners away, once.
    pub(super) fn withdraw(&mut self) {
        if std::mem::replace(&mut self.drain.has_withdrawn, true) {
            return;
        }
        // One that fails leaves the others what they listen on, and the files of it.
        if self.state.shared.switches.are_used() {
            self.state.shared.listeners.close();
        }
        self.driver.withdraw();
    }

    /// Tells the others as soon as this worker accepts nothing any more.
    pub(super) fn note_withdrawn(&mut self) {
        let is_told = !self.drain.has_withdrawn || self.drain.accepts_nothing;
        if is_told || self.driver.has_listeners() {
            return;
        }
        self.drain.accepts_nothing = true;
        let shared = &self.state.shared;
        if shared.accepting.fetch_sub(1, Ordering::AcqRel) == 1 {
            shared.listeners.close();
            // Now that nobody accepts any more, those who have nothing to do are over.
            for member in &shared.members {
                member.inbox.doorbell().ring();
            }
        }
    }

    /// Says to a peer with nothing under way that there will be nothing more. What it may be
    /// sending is read for a while, so that it sees an end and no reset.
    pub(super) fn say_goodbye(&mut self, key: Key) {
        let Some(conn) = self.state.conn(key) else { return };
        conn.set_reason(CloseReason::Stopped);
        if conn.is_secure() {
            // It lingers as soon as that was said.
            conn.end_securely(Ending::Linger, CloseReason::Stopped);
            return self.state.act(key, |_, _| {});
        }
        self.linger(key);
        self.state.rest(key, &mut self.driver);
    }
}
