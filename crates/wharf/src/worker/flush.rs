//! What connections have to say is sent, that of the outbox as soon as all that came is dealt with,
//! all else when the turn ends, and everything as soon as handlers take their time; and those that
//! are over are closed.
//!
//! Not here: what they have to say, and how it is sent (`driver`).

use std::task::Poll;

use super::Worker;
use super::state::{State, conn_of, end};
use crate::conn::Ending;
use crate::driver::{Behind, Close, Driver, FileFailed, Key};
use crate::observe::CloseReason;

impl<D: Driver> Worker<D> {
    /// Sends what is in the outbox.
    pub(super) fn send_posted(&mut self) {
        let mut place = 0;
        while let Some(outbox) = &mut self.state.outbox
            && let Some((key, output)) = outbox.at(place)
        {
            let key = *key;
            match self.driver.send(key, output, Behind::More) {
                Poll::Ready(Ok(())) => {}
                Poll::Pending => self.state.await_posted(key, place, &mut self.driver),
                Poll::Ready(Err(error)) => self.fail(key, error),
            }
            place += 1;
        }
        if place > 0
            && let Some(outbox) = &mut self.state.outbox
        {
            outbox.clear();
            // Whoever comes next has nothing to do with it.
            self.state.watch.begin();
        }
    }

    /// Looks once at each connection that something happened to: sends, closes, sets deadlines.
    pub(super) fn flush(&mut self) {
        self.send_posted();
        let mut queue = std::mem::take(&mut self.state.queue);
        for key in queue.drain(..) {
            self.flush_one(key);
        }
        self.state.queue = queue;
    }

    /// As [`flush`](Self::flush), in the midst of a turn: those who have been answered do not wait
    /// for all who have not.
    #[cold]
    pub(super) fn flush_early(&mut self) {
        self.flush();
        self.driver.submit();
        self.state.watch.begin_waiting();
    }

    #[inline(always)]
    fn flush_one(&mut self, key: Key) {
        let State { conns, scratch, .. } = &mut self.state;
        let Some(conn) = conn_of(conns, key) else { return };
        conn.queued = false;
        if let Some((output, behind)) = conn.begin_send(scratch) {
            let has_file = output.has_file();
            match self.driver.send(key, output, behind) {
                Poll::Pending => conn.note_sending(),
                Poll::Ready(Ok(())) => self.state.on_sent_at_once(key),
                Poll::Ready(Err(error)) => {
                    let unsent = conn.take_unsent();
                    self.state.give_up(key, unsent.unwrap_or_default());
                    match error.downcast() {
                        Ok(FileFailed(error)) => self.state.on_file_failed(key, error),
                        Err(error) => return self.fail(key, error),
                    }
                }
            }
            if has_file {
                // Its storage may be slow, which is nobody else's fault.
                self.state.lap(key);
            }
        }
        let Some(conn) = self.state.conn(key) else { return };
        match conn.ending() {
            Some(Ending::Close(how)) => return self.close(key, how, CloseReason::Finished),
            Some(Ending::Cut) => return self.close(key, Close::Reset, CloseReason::Finished),
            Some(Ending::Linger) => self.linger(key),
            Some(Ending::HalfClose) => {
                conn.note_half_closed();
                self.driver.shutdown_send(key);
                if self.release(key) {
                    return;
                }
            }
            Some(Ending::Detach) => {
                self.release(key);
                return;
            }
            Some(Ending::Leaving) => return,
            Some(Ending::Switch) => self.state.switch(key),
            None => {}
        }
        self.state.rest(key, &mut self.driver);
    }

    /// Says that nothing more will be sent, and drops what still comes.
    pub(super) fn linger(&mut self, key: Key) {
        self.driver.shutdown_send(key);
        let state = &mut self.state;
        let context = state.shared.context(&state.own);
        let Some(conn) = state.conns[key.index as usize].as_mut() else { return };
        conn.begin_linger(state.own.clock.now());
        let work = end(conn, &context);
        self.state.keep(work);
    }
}
