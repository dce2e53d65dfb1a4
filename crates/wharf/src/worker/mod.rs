//! A worker: one driver, its connections, and the turn that moves them on.
//!
//! A turn waits for results, feeds each to its connection, runs woken tasks, expires timers, and
//! only then sends, so that all that a peer asked for in one go is answered in one go. Workers
//! share nothing that a request touches. Not here: threads (`server`), bytes (`conn`).

mod accept;
mod burst;
mod clients;
mod clock;
mod control;
mod drain;
mod end;
mod inbox;
mod inspect;
#[cfg(test)]
mod leftovers;
mod life;
mod listeners;
mod message;
mod orphans;
mod own;
mod question;
mod report;
mod shared;
mod spin;
mod state;
mod watch;

use std::io;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::thread;
use std::time::Instant;

use self::accept::Acceptor;
use self::burst::Burst;
pub(crate) use self::clients::Clients;
pub(crate) use self::clock::Clock;
pub(crate) use self::control::Control;
use self::drain::Drain;
pub(crate) use self::inbox::{ConnWaker, Doorbell, Inbox};
#[cfg(test)]
pub(crate) use self::leftovers::Leftovers;
pub use self::life::Stopped;
pub(crate) use self::life::{Life, Milestones, Presence};
pub(crate) use self::message::Message;
use self::orphans::Orphans;
use self::own::Own;
use self::question::{Answer, Minding};
pub use self::report::{DrainReport, Unfinished};
use self::shared::fewest;
pub(crate) use self::shared::{Member, Plan, Shared};
use self::spin::Spin;
use self::state::{State, end};
use self::watch::Watch;
use crate::body::OnWorker;
use crate::conn::{Conn, Ending, Http1};
use crate::driver::{Accepted, Close, Completion, Driver, Key, Listening, Sent};
use crate::env::WorkerEnv;
use crate::observe::{CloseReason, ConnectionId, ErrorKind, Limit, OpenConnection};
use crate::request::Addrs;
use crate::timer::Wheel;

/// One worker.
pub(crate) struct Worker<D: Driver> {
    driver: D,
    state: State<D::Socket>,
    acceptor: Acceptor,
    spin: Spin,
    /// Put aside between turns, so that they are not made anew.
    woken: Vec<Key>,
    expired: Vec<u32>,
    drain: Drain,
    /// Who wants to know what there is once the turn is over.
    lists: Vec<Answer<Vec<OpenConnection>>>,
    minding: Minding,
    /// Behind all that may use it.
    env: Rc<WorkerEnv>,
    /// Everything was closed.
    has_ended: bool,
    /// Last, since it tells the program that everything else is gone.
    presence: Option<Presence>,
}

impl<D: Driver> Worker<D> {
    pub(crate) fn new(plan: Plan<D>) -> Self {
        let Plan { driver, index, shared, mut presence } = plan;
        let now = driver.now();
        presence.begin();
        let spin = Spin::new(shared.tuning.spin);
        let env = WorkerEnv::new(&shared.env);
        let watch = Watch::new(shared.rules.blocked_after);
        let state = State {
            own: Own::new(index, now, shared.timeouts),
            shared,
            conns: Vec::new(),
            timers: Wheel::new(now),
            burst: Burst::default(),
            watch,
            spare: Vec::new(),
            orphans: Orphans::default(),
            queue: Vec::new(),
            next_queue: Vec::new(),
            report: DrainReport::default(),
        };
        Self {
            driver,
            state,
            acceptor: Acceptor::default(),
            spin,
            woken: Vec::new(),
            expired: Vec::new(),
            drain: Drain::default(),
            lists: Vec::new(),
            minding: Minding::default(),
            env,
            has_ended: false,
            presence: Some(presence),
        }
    }

    pub(crate) const fn driver(&self) -> &D {
        &self.driver
    }

    /// Turns until the server is over, then closes everything.
    pub(crate) fn run(mut self) -> io::Result<()> {
        if let Some(name) = thread::current().name() {
            // Each worker is run once.
            let _ = self.state.member().thread.set(name.to_owned());
        }
        let result = loop {
            let now = self.driver.now();
            let until = self.spin.polls(now).then_some(now);
            if let Err(error) = self.turn(until) {
                self.fall_out(&error);
                break Err(error);
            }
            if self.is_over() {
                break Ok(());
            }
        };
        self.close_all();
        // Who waits for the end finds nothing left of the worker.
        let presence = self.presence.take();
        drop(self);
        drop(presence);
        result
    }

    /// Says that the worker is over, while its driver remains.
    pub(crate) fn depart(&mut self) {
        self.presence = None;
    }

    /// When the next turn is due even if nothing comes: at once, if there is work left.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        if self.has_ended {
            return None;
        }
        if self.driver.has_more() || !self.state.next_queue.is_empty() {
            return Some(self.driver.now());
        }
        let (timers, burst) = (&self.state.timers, &self.state.burst);
        let dues = [
            timers.next_due(),
            self.acceptor.resumes_at(),
            burst.ends_at(),
            self.drain_due(),
            self.minding.next_due(),
            self.state.orphans.next_due(),
        ];
        dues.into_iter().flatten().min()
    }

    /// One turn: wait until there is something to do but not beyond `until`, do it, send.
    pub(crate) fn turn(&mut self, until: Option<Instant>) -> io::Result<()> {
        let due = [self.next_deadline(), until].into_iter().flatten().min();
        let waits = due.is_none_or(|due| due > self.driver.now());
        // Who does not sleep need not be woken, which spares others a system call.
        let waits = waits && self.state.member().inbox.doorbell().fall_asleep();
        let due = if waits { due } else { Some(self.driver.now()) };
        let waited = self.driver.wait(due);
        let was_rung = self.state.member().inbox.doorbell().wake_up();
        if was_rung && waited.is_err() {
            self.state.member().inbox.doorbell().ring();
        }
        waited?;
        let _on_worker = (OnWorker::enter(), self.env.enter());
        self.state.own.clock.set(self.driver.now());
        self.heed();
        self.state.watch.begin();
        std::mem::swap(&mut self.state.queue, &mut self.state.next_queue);
        let has_completions = self.take_completions();
        self.spin.note(has_completions || was_rung, self.driver.now());
        if was_rung {
            self.take_inbox();
        }
        self.expire();
        self.flush();
        self.note_withdrawn();
        self.tell();
        let has_room = self.state.shared.has_room();
        self.acceptor.resume_if_due(has_room, &mut self.driver);
        self.state.give_back_if_due(&mut self.driver);
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

    /// Whether there were any.
    fn take_completions(&mut self) -> bool {
        let mut are_there = false;
        while let Some(completion) = self.driver.next() {
            are_there = true;
            match completion {
                Completion::Received { key, bytes: [] } if self.state.is_quiet(key) => {
                    self.close(key, Close::Graceful, CloseReason::PeerClosed);
                }
                Completion::Received { key, bytes } => self.state.on_bytes(key, bytes),
                Completion::Accepted(accepted) => self.admit(accepted),
                Completion::AcceptFailed { error } => {
                    self.state.tell_of_failure(ErrorKind::Accept, &error, None);
                    self.acceptor.on_error(&error, &mut self.driver);
                }
                Completion::Failed { key, error } => self.fail(key, error),
                Completion::Sent(sent) => self.on_sent(sent),
            }
        }
        are_there
    }

    /// Gives an accepted connection to a worker, or takes it on.
    fn admit(&mut self, accepted: Accepted<D::Socket>) {
        let Accepted { socket, peer_addr: peer, local_addr: local, hands_over } = accepted;
        let addrs = Addrs { peer, local };
        let shared = &self.state.shared;
        let counters = &self.state.member().counters;
        counters.count_accepted();
        if shared.clients.as_ref().is_some_and(|clients| !clients.enter(peer)) {
            return self.state.turn_away(peer);
        }
        shared.connections.fetch_add(1, Ordering::Relaxed);
        if !shared.has_room() {
            counters.count_limit(Limit::Connections);
            self.acceptor.on_full(&mut self.driver);
        }
        let own = self.state.own.index;
        let hands_over = hands_over || shared.hands_over;
        let index = if hands_over { fewest(&shared.members) } else { own };
        shared.members[index].connections.fetch_add(1, Ordering::Relaxed);
        if index == own {
            return self.adopt(socket, addrs);
        }
        let left = shared.members[index].inbox.post(Message::Adopt(socket, addrs));
        if let Err(Message::Adopt(socket, addrs)) = left {
            // That worker has just ended.
            shared.members[index].connections.fetch_sub(1, Ordering::Relaxed);
            shared.members[own].connections.fetch_add(1, Ordering::Relaxed);
            self.adopt(socket, addrs);
        }
    }

    fn adopt(&mut self, socket: D::Socket, addrs: Addrs) {
        // A peer that has gone already makes this fail, which concerns nobody else.
        let Ok(key) = self.driver.adopt(socket) else {
            self.state.note_closed(None, addrs.peer, CloseReason::Lost, 0);
            return;
        };
        self.state.shared.hooks.opened(ConnectionId::new(self.state.own.index, key), addrs);
        self.state.open(Conn::new(key, addrs, self.state.own.clock.uptime()));
    }

    fn take_inbox(&mut self) {
        let mut woken = std::mem::take(&mut self.woken);
        for message in self.state.member().inbox.take(&mut woken) {
            self.take_message(message);
        }
        for key in woken.drain(..) {
            self.state.on_wake(key);
        }
        self.woken = woken;
    }

    fn take_message(&mut self, message: Message<D::Socket>) {
        match message {
            Message::Adopt(socket, addrs) => self.adopt(socket, addrs),
            Message::List(answer) => self.lists.push(answer),
            Message::Kill(key, answer) => answer.give(self.kill(key)),
            Message::Mind(question) => {
                self.minding.add(question, self.state.own.clock.now());
            }
            Message::Listen(listening) => self.listen(listening),
            Message::Unlisten(id) => self.driver.unlisten(id),
            Message::Duplicate(answer) => answer.give(self.driver.duplicate_listeners()),
            Message::Hold(answer) => {
                self.acceptor.hold(true, &mut self.driver);
                answer.give(());
            }
            Message::Release => self.acceptor.hold(false, &mut self.driver),
        }
    }

    fn listen(&mut self, listening: Listening) {
        if !self.drain.has_withdrawn
            && let Err(error) = self.driver.listen(listening)
        {
            self.state.tell_of_failure(ErrorKind::Accept, &error, None);
        }
    }

    fn expire(&mut self) {
        let mut expired = std::mem::take(&mut self.expired);
        self.state.timers.expire(self.driver.now(), &mut expired);
        for index in expired.drain(..) {
            let Some(conn) = self.state.conns[index as usize].as_mut() else { continue };
            let key = conn.key;
            if conn.awaits_taking() {
                conn.note_untaken(self.driver.untaken(key));
            }
            // What the peer did in this very turn, which may have begun late, counts as well.
            let own = &self.state.own;
            let Some(limit) = conn.expired(own.clock.now(), &own.timeouts) else {
                self.state.set_deadline(key);
                continue;
            };
            if own.is_draining && conn.is_idle() {
                self.say_goodbye(key);
            } else if conn.is_quiet() {
                self.state.member().counters.count_limit(limit);
                self.close(key, Close::Graceful, CloseReason::Limit(limit));
            } else {
                self.state.act(key, |conn, context| conn.on_timeout(limit, context));
            }
        }
        self.expired = expired;
        self.state.expire_orphans();
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
            && let Some((output, behind)) = http.begin_send()
        {
            match self.driver.send(key, output, behind) {
                Poll::Pending => http.sending = true,
                Poll::Ready(Ok(())) => self.state.on_sent_at_once(key),
                Poll::Ready(Err(error)) => {
                    // It stays on its way: what was not sent must not be taken for sent.
                    http.sending = true;
                    let unsent = std::mem::take(&mut http.output);
                    self.state.give_up(key, unsent);
                    return self.fail(key, error);
                }
            }
        }
        let Some(conn) = self.state.conn(key) else { return };
        match conn.http.as_deref().and_then(Http1::ending) {
            Some(Ending::Close(how)) => return self.close(key, how, CloseReason::Finished),
            Some(Ending::Cut) => return self.close(key, Close::Reset, CloseReason::Finished),
            Some(Ending::Linger) => self.linger(key),
            None => {}
        }
        self.state.rest(key, &mut self.driver);
    }

    /// Says that nothing more will be sent, and drops what still comes.
    fn linger(&mut self, key: Key) {
        self.driver.shutdown_send(key);
        let state = &mut self.state;
        let context = state.shared.context(&state.own);
        let Some(conn) = state.conns[key.index as usize].as_mut() else { return };
        conn.begin_linger(state.own.clock.now());
        let http = end(conn, &context);
        self.state.keep(http);
    }

    /// Gives up a connection that the system says is broken.
    fn fail(&mut self, key: Key, error: io::Error) {
        self.state.act(key, |conn, context| conn.on_error(error, context));
        self.close(key, Close::Reset, CloseReason::Lost);
    }

    /// Closes a connection, because of `reason` unless another was decided on before.
    fn close(&mut self, key: Key, how: Close, reason: CloseReason) {
        if self.state.conn(key).is_none() {
            return;
        }
        if let Some(unsent) = self.driver.close(key, how) {
            self.state.give_up(key, unsent);
        }
        self.state.forget(key, reason);
    }
}
