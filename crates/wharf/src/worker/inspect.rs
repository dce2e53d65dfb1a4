//! What a worker tells of its connections, and how it closes one of them on request.
//!
//! Not here: who asks (`control.rs`), and what is known of one connection (`conn`).

use std::sync::atomic::Ordering;

use super::Worker;
use crate::conn::Conn;
use crate::driver::{Driver, Key};
use crate::observe::{CloseReason, ConnectionId, OpenConnection};

impl<D: Driver> Worker<D> {
    /// Answers who wants to know what there is, now that everything was looked at.
    #[inline]
    pub(super) fn tell(&mut self) {
        if !self.lists.is_empty() {
            self.answer();
        }
        self.minding.expire(self.state.own.clock.now());
    }

    #[cold]
    fn answer(&mut self) {
        for answer in std::mem::take(&mut self.lists) {
            if answer.is_wanted() {
                answer.give(self.connections());
            }
        }
    }

    /// What each connection is doing.
    pub(crate) fn connections(&self) -> Vec<OpenConnection> {
        let count = self.state.member().connections.load(Ordering::Relaxed);
        let mut list = Vec::with_capacity(count);
        list.extend(self.state.conns.iter().flatten().map(|conn| self.describe(conn)));
        list
    }

    /// What a connection is doing.
    pub(super) fn describe(&self, conn: &Conn) -> OpenConnection {
        let own = &self.state.own;
        let id = ConnectionId::new(own.index, conn.key);
        conn.describe(id, &own.clock, || self.driver.untaken(conn.key))
    }

    /// Closes a connection with whatever is under way on it. `false` if there is none of that key.
    pub(crate) fn kill(&mut self, key: Key) -> bool {
        let Some(how) = self.state.conn(key).map(|conn| conn.how_to_stop()) else { return false };
        self.close(key, how, CloseReason::Killed);
        true
    }
}
