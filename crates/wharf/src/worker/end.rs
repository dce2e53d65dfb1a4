//! The end of a worker: everything is closed, and nothing that was answered is lost.
//!
//! Not here: what comes before, if there is time (`drain.rs`), and how one connection ends
//! (`mod.rs`).

use std::io;
use std::sync::atomic::Ordering;
use std::thread;

use super::report::Unfinished;
use super::{Message, Stage, Worker};
use crate::body::OnWorker;
use crate::conn::Conn;
use crate::driver::{Completion, Driver, Key};
use crate::observe::{CloseReason, ErrorKind};
use crate::pool;
use crate::stop::Order;

impl<D: Driver> Worker<D> {
    /// Closes every connection and listener, and says what became of them. Again: nothing happens.
    pub(crate) fn close_all(&mut self) {
        if self.has_ended {
            return;
        }
        self.has_ended = true;
        let _on_worker = (OnWorker::enter(), self.env.enter());
        self.state.watch.begin();
        self.withdraw();
        self.driver.close_listeners();
        self.note_withdrawn();
        if matches!(self.state.shared.switches.order(), Order::Drain { .. }) {
            self.cancel_all();
        }
        self.finish_sends();
        // What had to wait behind them, as a response behind the end of a handshake.
        self.flush();
        self.finish_sends();
        let conns = self.state.conns.iter().flatten();
        let ends: Vec<_> =
            conns.map(|conn| (conn.key, conn.how_to_stop(), conn.is_at_rest())).collect();
        for (key, how, is_at_rest) in ends {
            if !is_at_rest {
                self.note_unfinished(key, true);
            }
            self.close(key, how, CloseReason::Stopped);
        }
        self.state.drop_orphans();
        self.state.queue.clear();
        self.state.next_queue.clear();
        self.carried.clear();
        self.expired.clear();
        self.woken.clear();
        self.stage = Stage::Over;
        self.turn_off();
        self.lists.clear();
        self.driver.submit();
        if let Some(presence) = &self.presence {
            presence.report(std::mem::take(&mut self.state.report));
        }
    }

    /// The worker is over although its server is not. The others go on, unless it is the one that
    /// accepts for them.
    pub(super) fn fall_out(&self, error: &io::Error) {
        self.state.tell_of_failure(ErrorKind::Worker, error, None);
        self.state.member().has_failed.store(true, Ordering::Release);
        let shared = &self.state.shared;
        if shared.hands_over && self.state.own.index == 0 {
            shared.switches.own.stop();
        }
    }

    /// Takes no more messages. Connections that were left and not taken on are closed.
    fn turn_off(&mut self) {
        let left = self.state.member().inbox.close();
        self.state.member().inbox.take(&mut self.woken);
        for message in left {
            if let Message::Adopt(_, addrs, _) = message {
                self.state.report.cut += 1;
                self.state.note_closed(None, addrs.peer, CloseReason::Stopped, 0);
            }
        }
    }

    /// Answers for the handlers that could not be waited for.
    fn cancel_all(&mut self) {
        let conns = self.state.conns.iter().flatten().filter(|conn| conn.awaits_handler());
        let keys: Vec<Key> = conns.map(|conn| conn.key).collect();
        for key in keys {
            self.note_unfinished(key, false);
            self.state.act(key, Conn::cancel);
        }
        self.flush();
    }

    fn note_unfinished(&mut self, key: Key, was_cut: bool) {
        let conn = self.state.conns.get(key.index as usize).and_then(Option::as_ref);
        let Some(connection) = conn.map(|conn| self.describe(conn)) else { return };
        let Some(conn) = self.state.conn(key) else { return };
        if !std::mem::replace(&mut conn.is_reported, true) {
            self.state.report.note(Unfinished { connection, was_cut });
        }
    }

    /// Lets what was sent in the last turn go out, and takes note of what is over thereby: only a
    /// response that was not handed over in full is to be reset.
    fn finish_sends(&mut self) {
        self.driver.settle();
        while let Some(completion) = self.driver.next() {
            match completion {
                Completion::Sent(sent) => self.on_sent(sent),
                Completion::Released(released) => self.state.on_released(released),
                _ => {}
            }
        }
    }
}

/// A worker may be dropped without having been told to stop.
impl<D: Driver> Drop for Worker<D> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.fall_out(&io::Error::other("a worker panicked"));
        }
        self.close_all();
        // What is kept for the next request would keep what the program gave for requests.
        pool::clear_all();
    }
}
