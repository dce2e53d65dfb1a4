//! Connections that go on without what was spoken on them.
//!
//! Not here: what becomes of their parts (`conn/leave.rs`).

use super::state::State;
use crate::driver::Key;

impl<S> State<S> {
    /// Has another protocol take over, as a request has asked for. What it has to say at once is
    /// sent in the next turn, which begins at once.
    pub(super) fn switch(&mut self, key: Key) {
        let raw = self.spares.raw(key, &self.shared.members[self.own.index], self.own.index);
        let Some(conn) = self.conn(key) else { return self.spares.keep_raw(raw) };
        conn.queued = true;
        self.next_queue.push(key);
        let mut ended = None;
        self.act(key, |conn, context| ended = conn.switch(raw, context));
        self.keep(ended);
    }
}
