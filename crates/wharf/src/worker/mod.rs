//! A worker: one driver, its connections, and the turn that moves them on.
//!
//! A turn waits for results, feeds each to its connection, runs woken tasks, expires timers, and
//! only then sends, so that all that a peer asked for in one go is answered in one go. Workers
//! share nothing that a request touches. Not here: threads (`server`), bytes (`conn`).

mod accept;
mod clock;
mod end;
mod inbox;
#[cfg(test)]
mod leftovers;
mod shared;

use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use self::accept::Acceptor;
pub(crate) use self::clock::Clock;
pub(crate) use self::inbox::{ConnWaker, Doorbell, Inbox};
#[cfg(test)]
pub(crate) use self::leftovers::Leftovers;
use self::shared::fewest;
pub(crate) use self::shared::{Member, Plan, Shared};
use crate::body::OnWorker;
use crate::conn::{Conn, Context, Deadline, Ending, Http1};
use crate::driver::{Close, Completion, Driver, Key, Sent};
use crate::output::Output;
use crate::request::Addrs;
use crate::stop::StopSwitch;
use crate::timer::Wheel;

/// How many idle protocol parts a worker keeps for connections that become busy.
const MAX_SPARE: usize = 256;

/// One worker.
pub(crate) struct Worker<D: Driver> {
    driver: D,
    state: State<D::Socket>,
    acceptor: Acceptor,
    /// Put aside between turns, so that they are not made anew.
    woken: Vec<Key>,
    expired: Vec<u32>,
}

/// Everything of a worker but its driver, whose results are borrowed while this is worked on.
struct State<S> {
    index: usize,
    shared: Arc<Shared<S>>,
    conns: Vec<Option<Conn>>,
    timers: Wheel,
    clock: Clock,
    #[expect(clippy::vec_box, reason = "they are moved between this list and connections")]
    spare: Vec<Box<Http1>>,
    /// Connections to be looked at before the turn is over, and in the next one.
    queue: Vec<Key>,
    next_queue: Vec<Key>,
}

impl<D: Driver> Worker<D> {
    pub(crate) fn new(plan: Plan<D>) -> Self {
        let Plan { driver, index, shared } = plan;
        let now = driver.now();
        let state = State {
            index,
            shared,
            conns: Vec::new(),
            timers: Wheel::new(now),
            clock: Clock::new(now),
            spare: Vec::new(),
            queue: Vec::new(),
            next_queue: Vec::new(),
        };
        Self {
            driver,
            state,
            acceptor: Acceptor::default(),
            woken: Vec::new(),
            expired: Vec::new(),
        }
    }

    pub(crate) const fn driver(&self) -> &D {
        &self.driver
    }

    /// Turns until the server is told to stop, then closes everything.
    pub(crate) fn run(&mut self) -> io::Result<()> {
        let result = loop {
            if let Err(error) = self.turn(None) {
                break Err(error);
            }
            if self.is_stopping() {
                break Ok(());
            }
        };
        self.close_all();
        result
    }

    /// The switch that stops the worker's server.
    pub(crate) fn switch(&self) -> StopSwitch {
        self.state.shared.switch.clone()
    }

    /// Whether the server has been told to stop.
    pub(crate) fn is_stopping(&self) -> bool {
        self.state.shared.is_stopping()
    }

    /// When the next turn is due even if nothing comes: at once, if there is work left.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        if self.driver.has_more() || !self.state.next_queue.is_empty() {
            return Some(self.driver.now());
        }
        [self.state.timers.next_due(), self.acceptor.resumes_at()].into_iter().flatten().min()
    }

    /// One turn: wait until there is something to do but not beyond `until`, do it, send.
    pub(crate) fn turn(&mut self, until: Option<Instant>) -> io::Result<()> {
        let due = [self.next_deadline(), until].into_iter().flatten().min();
        let doorbell = self.state.member().inbox.doorbell();
        let due = if doorbell.fall_asleep() { due } else { Some(self.driver.now()) };
        let waited = self.driver.wait(due);
        let was_rung = self.state.member().inbox.doorbell().wake_up();
        if was_rung && waited.is_err() {
            self.state.member().inbox.doorbell().ring();
        }
        waited?;
        let _on_worker = OnWorker::enter();
        self.state.clock.set(self.driver.now());
        std::mem::swap(&mut self.state.queue, &mut self.state.next_queue);
        self.take_completions();
        if was_rung {
            self.take_inbox();
        }
        self.expire();
        self.flush();
        let has_room = self.state.shared.has_room();
        self.acceptor.resume_if_due(has_room, &mut self.driver);
        Ok(())
    }

    /// Marks the worker as one that nobody runs at the moment: what it has begun goes on, and
    /// whoever leaves something for it makes the driver's descriptor readable.
    pub(crate) fn rest(&mut self) {
        self.driver.submit();
        let doorbell = self.state.member().inbox.doorbell();
        if !doorbell.fall_asleep() {
            doorbell.unpark();
        }
    }

    fn take_completions(&mut self) {
        while let Some(completion) = self.driver.next() {
            match completion {
                Completion::Received { key, bytes: [] } if self.state.is_quiet(key) => {
                    self.close(key, Close::Graceful);
                }
                Completion::Received { key, bytes } => self.state.on_bytes(key, bytes),
                Completion::Accepted { socket, peer_addr } => self.admit(socket, peer_addr),
                Completion::AcceptFailed { error } => {
                    self.acceptor.on_error(&error, &mut self.driver);
                }
                Completion::Failed { key, error } => self.fail(key, error),
                Completion::Progress { key } => self.state.note_progress(key),
                Completion::Sent(sent) => self.on_sent(sent),
            }
        }
    }

    /// Gives an accepted connection to a worker, or takes it on.
    fn admit(&mut self, socket: D::Socket, peer_addr: SocketAddr) {
        let shared = &self.state.shared;
        shared.connections.fetch_add(1, Ordering::Relaxed);
        if !shared.has_room() {
            self.acceptor.on_full(&mut self.driver);
        }
        let index = if shared.hands_over { fewest(&shared.members) } else { self.state.index };
        shared.members[index].connections.fetch_add(1, Ordering::Relaxed);
        if index == self.state.index {
            self.adopt(socket, peer_addr);
        } else {
            shared.members[index].inbox.hand_over(socket, peer_addr);
        }
    }

    fn adopt(&mut self, socket: D::Socket, peer_addr: SocketAddr) {
        // A peer that has gone already makes this fail, which concerns nobody else.
        let Ok((key, local_addr)) = self.driver.adopt(socket) else {
            self.state.note_closed();
            return;
        };
        let addrs = Addrs { peer: peer_addr, local: local_addr };
        self.state.open(Conn::new(key, addrs));
    }

    fn take_inbox(&mut self) {
        let mut woken = std::mem::take(&mut self.woken);
        for (socket, peer_addr) in self.state.member().inbox.take(&mut woken) {
            self.adopt(socket, peer_addr);
        }
        for key in woken.drain(..) {
            self.state.on_wake(key);
        }
        self.woken = woken;
    }

    fn expire(&mut self) {
        let mut expired = std::mem::take(&mut self.expired);
        self.state.timers.expire(self.driver.now(), &mut expired);
        for index in expired.drain(..) {
            let Some(conn) = self.state.conns[index as usize].as_ref() else { continue };
            let key = conn.key;
            // What the peer did in this very turn, which may have begun late, counts as well.
            match self.state.set_deadline(key) {
                Deadline::At(_) | Deadline::Unset => {}
                Deadline::Same if self.state.is_quiet(key) => self.close(key, Close::Graceful),
                Deadline::Same => self.state.on_timeout(key),
            }
        }
        self.expired = expired;
    }

    fn on_sent(&mut self, sent: Sent) {
        let Sent { key, output, result } = sent;
        match result {
            Ok(()) if self.state.conn(key).is_some() => self.state.on_sent(key, output),
            Ok(()) => self.state.give_up(key, output),
            Err(error) => {
                self.state.give_up(key, output);
                self.fail(key, error);
            }
        }
    }

    /// Looks once at each connection that something happened to: sends, closes, sets deadlines.
    fn flush(&mut self) {
        let mut queue = std::mem::take(&mut self.state.queue);
        for key in queue.drain(..) {
            self.flush_one(key);
        }
        self.state.queue = queue;
    }

    fn flush_one(&mut self, key: Key) {
        let Some(conn) = self.state.conn(key) else { return };
        conn.queued = false;
        if let Some(http) = conn.http.as_deref_mut()
            && !http.sending
            && !http.output.is_empty()
        {
            let output = http.take_output();
            match self.driver.send(key, output) {
                None => {}
                Some(Sent { result: Err(error), output, .. }) => {
                    self.state.give_up(key, output);
                    return self.fail(key, error);
                }
                Some(Sent { output, .. }) => self.state.on_sent_at_once(key, output),
            }
        }
        let Some(conn) = self.state.conn(key) else { return };
        match conn.http.as_deref().and_then(Http1::ending) {
            Some(Ending::Close(how)) => return self.close(key, how),
            Some(Ending::Cut) => return self.close(key, Close::Reset),
            Some(Ending::Linger) => self.linger(key),
            None => self.state.retire(key),
        }
        let Some(conn) = self.state.conn(key) else { return };
        let receiving = conn.http.as_deref().is_none_or(Http1::wants_bytes);
        if receiving != conn.receiving {
            conn.receiving = receiving;
            self.driver.set_receiving(key, receiving);
        }
        self.state.set_deadline(key);
    }

    /// Says that nothing more will be sent, and drops what still comes.
    fn linger(&mut self, key: Key) {
        self.driver.shutdown_send(key);
        let context = self.state.shared.context(&self.state.clock);
        let Some(conn) = self.state.conns[key.index as usize].as_mut() else { return };
        conn.lingering = true;
        let http = end(conn, &context);
        self.state.keep(http);
    }

    /// Gives up a connection that the system says is broken.
    fn fail(&mut self, key: Key, error: io::Error) {
        if let Some(conn) = self.state.conn(key) {
            conn.on_error(error);
        }
        self.close(key, Close::Reset);
    }

    fn close(&mut self, key: Key, how: Close) {
        if self.state.conn(key).is_none() {
            return;
        }
        if let Some(unsent) = self.driver.close(key, how) {
            self.state.give_up(key, unsent);
        }
        self.state.forget(key);
    }
}

impl<S> State<S> {
    fn member(&self) -> &Member<S> {
        &self.shared.members[self.index]
    }

    /// The connection of that key, unless it is closed.
    fn conn(&mut self, key: Key) -> Option<&mut Conn> {
        self.conns.get_mut(key.index as usize)?.as_mut().filter(|conn| conn.key == key)
    }

    fn open(&mut self, conn: Conn) {
        let key = conn.key;
        let index = key.index as usize;
        if index >= self.conns.len() {
            self.conns.resize_with(index + 1, || None);
        }
        self.conns[index] = Some(conn);
        self.set_deadline(key);
    }

    /// Runs `act` on a connection, and sees to it that the connection is looked at afterwards.
    fn act(&mut self, key: Key, act: impl FnOnce(&mut Conn, &Context<'_>)) {
        let context = self.shared.context(&self.clock);
        let Some(Some(conn)) = self.conns.get_mut(key.index as usize) else { return };
        if conn.key != key {
            return;
        }
        shield(conn, |conn| act(conn, &context));
        if !conn.queued {
            conn.queued = true;
            self.queue.push(key);
        }
    }

    fn on_bytes(&mut self, key: Key, bytes: &[u8]) {
        let Some(conn) = self.conn(key) else { return };
        if conn.lingering {
            return;
        }
        if conn.http.is_none() {
            self.busy(key);
        }
        self.act(key, |conn, context| conn.on_bytes(bytes, context));
    }

    /// Whether nothing is under way on a connection, so that its peer may close it.
    fn is_quiet(&mut self, key: Key) -> bool {
        self.conn(key).is_some_and(|conn| conn.lingering || conn.http.is_none())
    }

    fn on_wake(&mut self, key: Key) {
        self.act(key, Conn::on_wake);
    }

    fn on_timeout(&mut self, key: Key) {
        self.act(key, Conn::on_timeout);
    }

    fn note_progress(&mut self, key: Key) {
        self.act(key, |conn, _| conn.on_progress());
    }

    fn on_sent(&mut self, key: Key, output: Output) {
        self.act(key, |conn, context| conn.on_sent(output, context));
    }

    /// A send was over as soon as it was begun. If that made room for more, the connection has
    /// another turn, after everybody else.
    fn on_sent_at_once(&mut self, key: Key, output: Output) {
        let context = self.shared.context(&self.clock);
        let Some(Some(conn)) = self.conns.get_mut(key.index as usize) else { return };
        shield(conn, |conn| conn.on_sent(output, &context));
        let has_more = conn.http.as_deref().is_some_and(|http| !http.output.is_empty());
        if has_more && !conn.queued {
            conn.queued = true;
            self.next_queue.push(key);
        }
    }

    /// Gives a connection what it needs for an exchange.
    fn busy(&mut self, key: Key) {
        let spare = self.spare.pop();
        let Some(Some(conn)) = self.conns.get_mut(key.index as usize) else { return };
        conn.http = Some(match spare {
            Some(mut http) => {
                http.bind(key, conn.addrs);
                http
            }
            None => {
                let waker = self.shared.members[self.index].inbox.waker(key);
                Box::new(Http1::new(waker, conn.addrs))
            }
        });
    }

    /// Takes the protocol's parts off a connection that has become idle.
    fn retire(&mut self, key: Key) {
        let http = self.conn(key).and_then(Conn::retire);
        self.keep(http);
    }

    fn keep(&mut self, http: Option<Box<Http1>>) {
        let Some(mut http) = http else { return };
        let spare = &mut self.spare;
        guard(|| {
            http.clear();
            if spare.len() < MAX_SPARE {
                spare.push(http);
            }
        });
    }

    /// Arms the timer that fits what a connection is doing, and says what was changed.
    fn set_deadline(&mut self, key: Key) -> Deadline {
        let Some(Some(conn)) = self.conns.get_mut(key.index as usize) else {
            return Deadline::Unset;
        };
        let deadline = conn.deadline(self.clock.now(), &self.shared.timeouts);
        match deadline {
            Deadline::Same => {}
            Deadline::Unset => self.timers.cancel(key.index),
            Deadline::At(at) => self.timers.arm(key.index, at),
        }
        deadline
    }

    /// Drops an output that will not be sent any further.
    fn give_up(&mut self, key: Key, output: Output) {
        if let Some(conn) = self.conn(key) {
            conn.on_unsent(output.len());
        }
        guard(|| drop(output));
    }

    /// Forgets a connection that was closed.
    fn forget(&mut self, key: Key) {
        let context = self.shared.context(&self.clock);
        let Some(slot) = self.conns.get_mut(key.index as usize) else { return };
        let Some(mut conn) = slot.take() else { return };
        let http = end(&mut conn, &context);
        self.timers.release(key.index);
        self.keep(http);
        self.note_closed();
    }

    fn note_closed(&self) {
        self.shared.connections.fetch_sub(1, Ordering::Relaxed);
        self.member().connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Tells whoever works for a connection that it is over, wakers of the program's among them.
fn end(conn: &mut Conn, context: &Context<'_>) -> Option<Box<Http1>> {
    catch_unwind(AssertUnwindSafe(|| conn.on_end(context))).unwrap_or_default()
}

/// Runs what may be the program's code, mostly destructors, where nobody could be told of a panic.
fn guard(act: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(act));
}

/// Keeps a panic of the program's code from harming any but this connection. Where a response can
/// tell of it, it is caught before; what comes up to here are destructors.
fn shield(conn: &mut Conn, act: impl FnOnce(&mut Conn)) {
    if catch_unwind(AssertUnwindSafe(|| act(conn))).is_err() {
        conn.on_panic();
    }
}
