//! Connections that go on without what was spoken on them.
//!
//! Not here: what becomes of their parts (`conn/leave.rs`).

use super::Worker;
use super::state::{State, guard};
use crate::conn::Ending;
use crate::driver::{Driver, Key, Released};
use crate::observe::CloseReason;

impl<D: Driver> Worker<D> {
    /// Has the driver give a connection up that is to leave, now that all was sent. Says whether it
    /// does.
    pub(super) fn release(&mut self, key: Key) -> bool {
        let Some(conn) = self.state.conn(key) else { return false };
        let leaves = conn.ending() == Some(Ending::Detach);
        if leaves {
            conn.begin_leaving();
            self.driver.release(key);
        }
        leaves
    }
}

impl<S> State<S> {
    /// Has another protocol take over, as a request has asked for. What it has to say at once is
    /// sent in the next turn, which begins at once.
    pub(super) fn switch(&mut self, key: Key) {
        let raw = self.spares.raw(key, self.own.index);
        let Some(conn) = self.conn(key) else { return self.spares.keep_raw(raw) };
        conn.queued = true;
        self.next_queue.push(key);
        let mut ended = None;
        self.act(key, |conn, context| ended = conn.switch(raw, context));
        self.keep(ended);
    }

    /// A connection has left, unless it was closed meanwhile. Whoever gets it finds it gone.
    #[cold]
    pub(super) fn on_released(&mut self, released: Released) {
        let key = released.key;
        let Some((mut raw, detached)) = self.conn(key).and_then(|conn| conn.leave(released)) else {
            return;
        };
        self.forget(key, CloseReason::Detached);
        let context = self.shared.context(&self.own);
        guard(|| raw.on_detached(detached, &context));
        self.spares.keep_raw(raw);
    }
}
