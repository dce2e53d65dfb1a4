//! A worker: one driver, its connections, and the turn that moves them on.
//!
//! A turn waits for results, feeds each to its connection, sends what is answered in full
//! (`outbox.rs`), runs woken tasks, expires timers, and only then sends all else (`flush.rs`), so
//! that all that a peer asked for in one go is answered in one go. While handlers take their time,
//! what there is gets sent in between. Workers share nothing that a request touches. Not here:
//! threads (`server`), bytes (`conn`).

mod accept;
mod admit;
mod begin;
mod burst;
mod clients;
mod clock;
mod control;
mod drain;
mod end;
mod flush;
mod handshakes;
mod inbox;
mod inspect;
mod leave;
#[cfg(test)]
mod leftovers;
mod life;
mod listeners;
mod message;
mod meter;
mod orphans;
mod outbox;
mod own;
mod question;
mod report;
mod secure;
mod shared;
mod spares;
mod spin;
mod state;
mod watch;

use std::io;
use std::rc::Rc;
use std::thread;
use std::time::Instant;

use self::accept::Acceptor;
use self::burst::Burst;
pub(crate) use self::clients::Clients;
pub(crate) use self::clock::Clock;
pub(crate) use self::control::Control;
use self::drain::Drain;
use self::handshakes::Handshakes;
pub(crate) use self::inbox::{ConnWaker, Doorbell, Inbox, WakeQueue};
#[cfg(test)]
pub(crate) use self::leftovers::Leftovers;
pub use self::life::Stopped;
pub(crate) use self::life::{Life, Milestones, Presence};
pub(crate) use self::message::Message;
pub(crate) use self::meter::Meter;
use self::orphans::Orphans;
use self::outbox::Outbox;
use self::own::Own;
use self::question::{Answer, Minding};
pub use self::report::{DrainReport, Unfinished};
pub(crate) use self::shared::{Member, Plan, Shared};
use self::spares::Spares;
use self::spin::Spin;
use self::state::State;
use self::watch::Watch;
use crate::body::OnWorker;
use crate::conn::{Conn, Scratch};
use crate::driver::{Behind, Close, Completion, Driver, FileFailed, Input, Key, Sent};
use crate::env::WorkerEnv;
use crate::observe::{CloseReason, ErrorKind, OpenConnection};
use crate::sys;
use crate::timer::Wheel;

/// One worker.
pub(crate) struct Worker<D: Driver> {
    driver: D,
    state: State<D::Socket>,
    acceptor: Acceptor,
    spin: Spin,
    stage: Stage,
    /// Something was left for the worker before this turn.
    was_rung: bool,
    /// What the turn has still to do, the first of each at the end: connections whose tasks were
    /// woken, whose deadline has come, and that had more to do in the last turn.
    woken: Vec<Key>,
    expired: Vec<u32>,
    carried: Vec<Key>,
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

/// How far a turn has come. One that uses up its budget goes on there in the next tick, so that
/// everything has its turn whatever the budget.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Results,
    Wakes,
    Timers,
    Carried,
    Over,
}

impl<D: Driver> Worker<D> {
    pub(crate) fn new(plan: Plan<D>) -> Self {
        let meter = Rc::new(Meter::new(plan.driver.clock()));
        Self::with_meter(plan, meter)
    }

    /// A worker whose turns are bounded.
    pub(crate) fn with_meter(plan: Plan<D>, meter: Rc<Meter>) -> Self {
        let Plan { driver, index, shared, mut presence } = plan;
        let now = driver.now();
        presence.begin();
        let spin = Spin::new(shared.settings.spin);
        let env = WorkerEnv::without_states(&shared.env);
        let watch = Watch::new(shared.settings.blocked_worker_after, D::COARSE_CLOCK);
        let services = shared.services().clone();
        let sends_files = D::SENDS_FILES && sys::can_send_files();
        let state = State {
            own: Own::new(index, now, services, shared.settings.timeouts, meter, sends_files),
            shared,
            conns: Vec::new(),
            timers: Wheel::new(now),
            burst: Burst::default(),
            watch,
            spares: Spares::default(),
            scratch: Scratch::default(),
            handshakes: Handshakes::default(),
            orphans: Orphans::default(),
            outbox: D::SENDS_AT_ONCE.then(Outbox::default),
            queue: Vec::new(),
            next_queue: Vec::new(),
            report: DrainReport::default(),
        };
        let mut worker = Self {
            driver,
            state,
            acceptor: Acceptor::default(),
            spin,
            stage: Stage::Over,
            was_rung: false,
            woken: Vec::new(),
            expired: Vec::new(),
            carried: Vec::new(),
            drain: Drain::default(),
            lists: Vec::new(),
            minding: Minding::default(),
            env,
            has_ended: false,
            presence: Some(presence),
        };
        // The program's code: if it panics, there is a worker already whose end the others hear of.
        worker.env = WorkerEnv::new(&worker.state.shared.env);
        worker
    }

    pub(crate) const fn driver(&self) -> &D {
        &self.driver
    }

    /// Does what a worker on a thread of its own does from the beginning to the end.
    pub(crate) fn serve(plan: Plan<D>) -> io::Result<()> {
        let runtime = plan.shared.runtime.clone();
        let _entered = runtime.enter();
        Self::new(plan).run()
    }

    /// Turns until the server is over, then closes everything.
    fn run(mut self) -> io::Result<()> {
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
        if self.has_work() {
            return Some(self.driver.now());
        }
        let (timers, burst) = (&self.state.timers, &self.state.burst);
        let mut next = timers.next_due();
        let others = [
            self.acceptor.resumes_at(),
            burst.ends_at(),
            self.drain_due(),
            self.minding.next_due(),
            self.state.orphans.next_due(),
            self.driver.next_due(),
        ];
        // Most often there is none.
        for due in others.iter().flatten() {
            next = Some(next.map_or(*due, |next| next.min(*due)));
        }
        next
    }

    /// Whether there is something to do for which nobody needs to wait.
    fn has_work(&self) -> bool {
        let is_over = self.stage == Stage::Over && self.state.next_queue.is_empty();
        !self.has_ended && (!is_over || self.driver.has_more())
    }

    /// One turn: wait until there is something to do but not beyond `until`, do it, send. If there
    /// is more to do than the budget allows, the next calls go on with it.
    pub(crate) fn turn(&mut self, until: Option<Instant>) -> io::Result<()> {
        if self.stage != Stage::Over {
            self.state.own.clock.set(self.state.own.meter.now());
            if self.work() || self.stage != Stage::Over {
                return Ok(());
            }
            // There was nothing left but to find that out.
        }
        self.begin_turn(until)?;
        self.work();
        Ok(())
    }

    /// Waits, and finds out what there is to do.
    fn begin_turn(&mut self, until: Option<Instant>) -> io::Result<()> {
        let due = [self.next_deadline(), until].into_iter().flatten().min();
        let waits = due.is_none_or(|due| due > self.driver.now());
        // Who does not sleep need not be woken, which spares others a system call.
        let waits = waits && self.state.member().inbox.doorbell().fall_asleep();
        let due = if waits { due } else { Some(self.driver.now()) };
        let waited = self.driver.wait(due);
        self.was_rung = self.state.member().inbox.doorbell().wake_up();
        if self.was_rung && waited.is_err() {
            self.state.member().inbox.doorbell().ring();
        }
        waited?;
        self.state.own.clock.set(self.driver.now());
        if !self.state.next_queue.is_empty() {
            std::mem::swap(&mut self.carried, &mut self.state.next_queue);
            self.carried.reverse();
        }
        self.stage = Stage::Results;
        Ok(())
    }

    /// Does what there is to do, as far as the budget goes. Returns whether anything was done.
    fn work(&mut self) -> bool {
        let _on_worker = (OnWorker::enter(), self.env.enter());
        // Nobody has kept the worker while it slept.
        self.state.watch.begin_waiting();
        self.heed();
        let is_limited = self.state.own.meter.is_limited();
        self.state.own.meter.start();
        let mut has_done = false;
        while self.stage != Stage::Over && self.state.own.meter.begin_event() {
            if self.take_event() {
                has_done = true;
                // The answer is part of the event: it must not wait for what the budget stops.
                if is_limited {
                    self.flush();
                } else if self.state.watch.is_late() {
                    self.flush_early();
                }
                continue;
            }
            if is_limited {
                self.state.own.meter.take_back();
            }
            self.enter_next_stage(has_done);
        }
        has_done
    }

    /// Deals with the next event of this stage, if there is one.
    #[inline(always)]
    fn take_event(&mut self) -> bool {
        match self.stage {
            Stage::Results => return self.take_completion(),
            Stage::Wakes => {
                let Some(key) = self.woken.pop() else { return false };
                self.state.on_wake(key);
            }
            Stage::Timers => {
                let Some(index) = self.expired.pop() else { return false };
                self.expire(index);
            }
            Stage::Carried => {
                let Some(key) = self.carried.pop() else { return false };
                self.state.resume(key);
                self.state.queue.push(key);
            }
            Stage::Over => return false,
        }
        true
    }

    fn enter_next_stage(&mut self, has_done: bool) {
        self.stage = match self.stage {
            Stage::Results => {
                self.send_posted();
                self.spin.note(has_done || self.was_rung, self.driver.now());
                if std::mem::take(&mut self.was_rung) {
                    self.take_inbox();
                }
                Stage::Wakes
            }
            Stage::Wakes => {
                self.state.timers.expire(self.driver.now(), &mut self.expired);
                self.expired.reverse();
                Stage::Timers
            }
            Stage::Timers => {
                self.state.expire_orphans();
                Stage::Carried
            }
            Stage::Carried | Stage::Over => {
                self.flush();
                self.note_withdrawn();
                self.tell();
                let has_room = self.state.shared.has_room();
                self.acceptor.resume_if_due(has_room, &mut self.driver);
                self.state.give_back_if_due(&mut self.driver);
                Stage::Over
            }
        };
    }

    /// Marks the worker as one that nobody runs at the moment: what it has begun goes on, and
    /// whoever leaves something for it makes the driver's descriptor readable, as does work that
    /// is left.
    pub(crate) fn rest(&mut self) {
        self.driver.submit();
        let doorbell = self.state.member().inbox.doorbell();
        if !doorbell.fall_asleep() || self.has_work() {
            doorbell.unpark();
        }
    }

    /// Deals with the next of the driver's results, if there is one.
    #[inline(always)]
    fn take_completion(&mut self) -> bool {
        let Some(completion) = self.driver.next() else { return false };
        match completion {
            Completion::Received { key, input: Input { bytes: [], .. } }
                if self.state.is_quiet(key) =>
            {
                self.close(key, Close::Graceful, CloseReason::PeerClosed);
            }
            Completion::Received { key, input } => self.state.on_bytes(key, input),
            Completion::Accepted(accepted) => self.admit(accepted),
            Completion::AcceptFailed { error } => {
                self.state.tell_of_failure(ErrorKind::Accept, &error, None);
                self.acceptor.on_error(&error, &mut self.driver);
            }
            Completion::Failed { key, error } => self.fail(key, error),
            Completion::Sent(sent) => self.on_sent(sent),
            Completion::Released(released) => self.state.on_released(released),
        }
        true
    }

    /// A connection's deadline may have come.
    #[inline(never)]
    fn expire(&mut self, index: u32) {
        let Some(Some(conn)) = self.state.conns.get_mut(index as usize) else { return };
        let key = conn.key;
        if conn.awaits_taking() {
            conn.note_untaken(self.driver.untaken(key));
        }
        // What the peer did in this very turn, which may have begun late, counts as well. What it
        // did since the turn has begun is not known yet.
        let own = &self.state.own;
        let Some(limit) = conn.expired(self.driver.now(), &own.timeouts, own.max_quiet) else {
            self.state.set_deadline(key);
            return;
        };
        if own.is_draining && conn.is_idle() {
            if self.state.take_up(key) {
                return self.state.act(key, |conn, context| conn.on_timeout(limit, context));
            }
            self.say_goodbye(key);
        } else if conn.is_quiet() {
            self.state.member().counters.count_limit(limit);
            self.close(key, Close::Graceful, CloseReason::Limit(limit));
        } else {
            self.state.act(key, |conn, context| conn.on_timeout(limit, context));
        }
    }

    #[inline(never)]
    fn on_sent(&mut self, sent: Sent) {
        let Sent { key, output, result } = sent;
        match result {
            Ok(()) if self.state.conn(key).is_some() => self.state.on_sent(key, output),
            Ok(()) => self.state.give_up(key, output),
            Err(error) => {
                self.state.give_up(key, output);
                match error.downcast() {
                    Ok(FileFailed(error)) => {
                        self.state.act(key, |conn, context| conn.on_file_failed(error, context));
                    }
                    Err(error) => self.fail(key, error),
                }
            }
        }
    }

    /// Gives up a connection that the system says is broken.
    #[cold]
    fn fail(&mut self, key: Key, error: io::Error) {
        self.state.act(key, |conn, context| conn.on_error(error, context));
        self.close(key, Close::Reset, CloseReason::Lost);
    }

    /// Tells a peer that speaks TLS that nothing more comes, as far as that is possible at once.
    fn say_last(&mut self, key: Key) {
        let goodbye = self.state.conn(key).and_then(Conn::goodbye);
        if let Some(mut goodbye) = goodbye {
            let _ = self.driver.send(key, &mut goodbye, Behind::End);
        }
    }

    /// Closes a connection, because of `reason` unless another was decided on before.
    #[inline(never)]
    fn close(&mut self, key: Key, how: Close, reason: CloseReason) {
        if self.state.conn(key).is_none() {
            return;
        }
        if how == Close::Graceful {
            self.say_last(key);
        }
        if let Some(unsent) = self.driver.close(key, how) {
            self.state.give_up(key, unsent);
        }
        self.state.forget(key, reason);
    }
}
