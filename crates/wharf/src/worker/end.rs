//! The end of a worker: everything is closed, and nothing that was answered is lost.
//!
//! Not here: how one connection ends (`mod.rs`).

use super::Worker;
use crate::driver::{Completion, Driver};
use crate::observe::CloseReason;

impl<D: Driver> Worker<D> {
    /// Closes every connection and listener.
    pub(crate) fn close_all(&mut self) {
        self.driver.close_listeners();
        self.finish_sends();
        let conns = self.state.conns.iter().flatten();
        let ends: Vec<_> = conns.map(|conn| (conn.key, conn.how_to_stop())).collect();
        for (key, how) in ends {
            self.close(key, how, CloseReason::Stopped);
        }
        self.state.queue.clear();
        self.state.next_queue.clear();
        self.woken.clear();
        self.state.member().inbox.take(&mut self.woken);
        self.driver.submit();
    }

    /// Lets what was sent in the last turn go out, and takes note of what is over thereby: only a
    /// response that was not handed over in full is to be reset.
    fn finish_sends(&mut self) {
        self.driver.submit();
        while let Some(completion) = self.driver.next() {
            if let Completion::Sent(sent) = completion {
                self.on_sent(sent);
            }
        }
    }
}

/// A worker may be dropped without having been told to stop.
impl<D: Driver> Drop for Worker<D> {
    fn drop(&mut self) {
        self.close_all();
    }
}
