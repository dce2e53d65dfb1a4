//! Everything of a worker but its driver: connections, their deadlines, and what they work with.
//!
//! Not here: turns and what the driver is told (`mod.rs`).

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::burst::{Burst, wait_to_return};
use super::handshakes::Handshakes;
use super::orphans::Orphans;
use super::outbox::Outbox;
use super::spares::Spares;
use super::watch::{Blocked, Watch};
use super::{DrainReport, Member, Own, Shared};
use crate::conn::{Conn, Context, Http1, Http2, Scratch, Work};
use crate::driver::{Driver, Input, Key};
use crate::observe::{CloseReason, ClosedConnection, ConnectionId, ErrorContext, ErrorKind, Limit};
use crate::output::Output;
use crate::peer::PeerAddr;
use crate::pool;
use crate::service::Service;
use crate::sys;
use crate::timer::Wheel;

/// Everything of a worker but its driver, whose results are borrowed while this is worked on.
pub(super) struct State<S> {
    pub(super) own: Own,
    pub(super) shared: Arc<Shared<S>>,
    pub(super) conns: Vec<Option<Conn>>,
    pub(super) timers: Wheel,
    pub(super) burst: Burst,
    pub(super) watch: Watch,
    pub(super) spares: Spares,
    /// For TLS.
    pub(super) scratch: Scratch,
    pub(super) handshakes: Handshakes,
    /// Handlers that go on without their connection.
    pub(super) orphans: Orphans,
    /// For connections that are done but for their output, if the driver sends at once.
    pub(super) outbox: Option<Outbox>,
    /// Connections to be looked at before the turn is over, and in the next one.
    pub(super) queue: Vec<Key>,
    pub(super) next_queue: Vec<Key>,
    /// What became of connections since the server was told to end.
    pub(super) report: DrainReport,
}

impl<S> State<S> {
    pub(super) fn member(&self) -> &Member<S> {
        &self.shared.members[self.own.index]
    }

    /// The connection of that key, unless it is closed.
    pub(super) fn conn(&mut self, key: Key) -> Option<&mut Conn> {
        conn_of(&mut self.conns, key)
    }

    pub(super) fn open(&mut self, mut conn: Conn) {
        let key = conn.key;
        let index = key.index as usize;
        if index >= self.conns.len() {
            self.conns.resize_with(index + 1, || None);
        }
        let service = conn.service();
        let acceptor = self.own.services.get(service.index()).and_then(Service::acceptor);
        let is_secure = acceptor.is_some();
        if let Some(acceptor) = acceptor {
            conn.secure_with(acceptor);
        }
        self.conns[index] = Some(conn);
        self.burst.on_open(self.member().connections.load(Ordering::Relaxed));
        if !is_secure {
            self.begin(key, service);
        }
        self.set_deadline(key);
    }

    /// Runs `act` on a connection, and sees to it that the connection is looked at afterwards.
    pub(super) fn act(&mut self, key: Key, act: impl FnOnce(&mut Conn, &Context<'_>)) {
        self.run(key, act);
        self.look_later(key);
    }

    /// Runs `act` on a connection.
    #[inline(always)]
    fn run(&mut self, key: Key, act: impl FnOnce(&mut Conn, &Context<'_>)) {
        let context = self.shared.context(&self.own);
        let Some(conn) = conn_of(&mut self.conns, key) else { return };
        shield(conn, |conn| act(conn, &context));
        if let Some(blocked) = self.watch.lap() {
            tell_of_blocking(conn, blocked, &context);
        }
    }

    /// The file can't be read that a connection is looked at for, which it is until that is over.
    #[cold]
    pub(super) fn on_file_failed(&mut self, key: Key, error: io::Error) {
        self.run(key, |conn, context| conn.on_file_failed(error, context));
    }

    /// Looks how long a connection has kept the worker.
    #[cold]
    pub(super) fn lap(&mut self, key: Key) {
        let context = self.shared.context(&self.own);
        if let Some(blocked) = self.watch.lap()
            && let Some(conn) = conn_of(&mut self.conns, key)
        {
            tell_of_blocking(conn, blocked, &context);
        }
    }

    /// Sees to it that a connection is looked at before the turn is over.
    #[inline(always)]
    fn look_later(&mut self, key: Key) {
        if let Some(conn) = conn_of(&mut self.conns, key)
            && !conn.queued
        {
            conn.queued = true;
            self.queue.push(key);
        }
    }

    #[inline(always)]
    pub(super) fn on_bytes(&mut self, key: Key, input: Input<'_>) {
        let Some(conn) = self.conn(key) else { return };
        if conn.is_lingering() {
            return conn.on_dropped_bytes(input.bytes.len());
        }
        if conn.is_secure() {
            return self.on_records(key, input.bytes);
        }
        self.on_plain_bytes(key, input);
    }

    /// Bytes came that nothing stands between who speaks on the connection and.
    #[inline(always)]
    pub(super) fn on_plain_bytes(&mut self, key: Key, input: Input<'_>) {
        let Some(conn) = self.conn(key) else { return };
        if conn.work.is_some() {
            return self.act(key, |conn, context| conn.on_bytes(input, context));
        }
        if conn.keeps_protocol() {
            self.take_up(key);
            return self.act(key, |conn, context| conn.on_bytes(input, context));
        }
        if conn.has_choice(input.bytes) {
            return self.choose(key, input);
        }
        self.on_http1_bytes(key, input);
    }

    /// Bytes came that an exchange of HTTP/1.1 begins with.
    #[inline(always)]
    pub(super) fn on_http1_bytes(&mut self, key: Key, input: Input<'_>) {
        let spare = self.spares.http(key, &self.shared.members[self.own.index], self.own.index);
        self.run(key, |conn, context| {
            conn.work_with(spare, context);
            conn.on_bytes(input, context);
        });
        if !self.post(key) {
            self.look_later(key);
        }
    }

    /// Puts what a connection has to send into the outbox, if it needs nothing else.
    #[inline(always)]
    fn post(&mut self, key: Key) -> bool {
        let Some(outbox) = &mut self.outbox else { return false };
        let Some(conn) = conn_of(&mut self.conns, key) else { return false };
        let Some(mut http) = conn.retire_answered() else { return false };
        outbox.put(key, http.output());
        let Own { clock, timeouts, max_quiet, .. } = &self.own;
        if let Some(at) = conn.idle_deadline(clock.now(), timeouts, *max_quiet) {
            self.timers.arm(key.index, at);
        }
        self.keep_http(http);
        true
    }

    /// What was at that place of the outbox is not sent at once: its connection has something under
    /// way again.
    #[cold]
    pub(super) fn await_posted(&mut self, key: Key, place: usize, driver: &mut impl Driver) {
        let mut http = self.spares.http(key, &self.shared.members[self.own.index], self.own.index);
        if let Some(outbox) = &mut self.outbox {
            // That of the place is what the connection gets back.
            outbox.refill(place, http.output());
        }
        let context = self.shared.context(&self.own);
        let Some(conn) = conn_of(&mut self.conns, key) else { return };
        debug_assert!(conn.work.is_none(), "a driver delivers once a turn for each connection");
        conn.work_with(http, &context);
        conn.note_sending();
        self.rest(key, driver);
    }

    /// Whether nobody is to be asked about the end of a connection whose peer closes it.
    pub(super) fn is_quiet(&mut self, key: Key) -> bool {
        let keeps = |conn: &Conn| conn.keeps_protocol() && !conn.is_secure();
        self.conn(key).is_some_and(|conn| conn.is_quiet() && !keeps(conn))
    }

    #[inline(never)]
    pub(super) fn on_wake(&mut self, key: Key) {
        if Orphans::is_one(key) {
            return self.wake_orphan(key);
        }
        if !self.conn(key).is_some_and(|conn| conn.is_lingering()) {
            self.take_up(key);
        }
        self.act(key, Conn::on_wake);
    }

    /// Goes on with requests for which nothing was left of a tick's budget.
    #[inline(never)]
    pub(super) fn resume(&mut self, key: Key) {
        if let Some(conn) = self.conn(key)
            && conn.work.as_ref().is_some_and(Work::is_postponed)
        {
            self.act(key, Conn::on_resume);
        }
    }

    pub(super) fn on_sent(&mut self, key: Key, output: Output) {
        self.act(key, |conn, context| conn.on_sent(output, context));
    }

    /// A send was over as soon as it was begun. If that made room for more, the connection has
    /// another turn, after everybody else.
    #[inline(always)]
    pub(super) fn on_sent_at_once(&mut self, key: Key) {
        let Some(Some(conn)) = self.conns.get_mut(key.index as usize) else { return };
        let context = self.shared.context(&self.own);
        let is_left = conn.work.as_ref().is_some_and(Work::has_more_to_do);
        shield(conn, |conn| conn.on_sent_at_once(&context));
        if is_left && let Some(blocked) = self.watch.lap() {
            tell_of_blocking(conn, blocked, &context);
        }
        if conn.has_output() && !conn.queued {
            conn.queued = true;
            self.next_queue.push(key);
        }
    }

    /// Leaves a connection alone until something happens to it: takes the protocol's parts off one
    /// that has become idle, and says whether bytes are wanted and until when.
    #[inline(always)]
    pub(super) fn rest(&mut self, key: Key, driver: &mut impl Driver) {
        let Some(Some(conn)) = self.conns.get_mut(key.index as usize) else { return };
        let retired = conn.retire();
        conn.rest_securely(&mut self.scratch);
        if let Some(Work::Http2(http)) = &mut conn.work
            && http.has_orphans()
        {
            return self.rest_without_orphans(key, driver);
        }
        let receiving = conn.wants_bytes();
        if receiving != conn.receiving {
            if conn.work.as_ref().is_some_and(Work::holds_requests) {
                self.shared.members[self.own.index].counters.count_limit(Limit::Pipelined);
            }
            conn.receiving = receiving;
            driver.set_receiving(key, receiving);
        }
        let awaited_taking = conn.awaits_taking();
        if let Some(at) =
            conn.deadline(self.own.clock.now(), &self.own.timeouts, self.own.max_quiet)
        {
            self.timers.arm(key.index, at);
        }
        // From now on it counts what the peer takes.
        if conn.awaits_taking() && !awaited_taking {
            conn.begin_taking(driver.untaken(key));
        }
        if conn.work.as_ref().is_some_and(Work::is_postponed) && !conn.queued {
            conn.queued = true;
            self.next_queue.push(key);
        }
        self.keep(retired);
    }

    #[inline(always)]
    pub(super) fn keep(&mut self, work: Option<Work>) {
        match work {
            None => {}
            Some(Work::Http1(http)) => self.keep_http(http),
            Some(Work::Http2(http)) => self.end_http2(http),
            Some(Work::Raw(raw)) => self.spares.keep_raw(raw),
        }
    }

    /// Drops what a connection of HTTP/2 worked with, but for handlers that go on without it.
    fn end_http2(&mut self, mut http: Box<Http2>) {
        self.adopt_orphans(&mut http);
        guard(|| drop(http));
    }

    #[inline(always)]
    pub(super) fn keep_http(&mut self, http: Box<Http1>) {
        if http.has_orphan() {
            return self.keep_orphan(http);
        }
        self.spares.keep_http(http);
    }

    /// Takes handlers off a connection whose client has given them up.
    #[cold]
    fn rest_without_orphans(&mut self, key: Key, driver: &mut impl Driver) {
        let Some(conn) = self.conn(key) else { return };
        let Some(Work::Http2(mut http)) = conn.work.take() else { return };
        self.adopt_orphans(&mut http);
        if let Some(conn) = self.conn(key) {
            conn.work = Some(Work::Http2(http));
        }
        self.rest(key, driver);
    }

    /// Arms the timer that fits what a connection is doing.
    pub(super) fn set_deadline(&mut self, key: Key) {
        let Some(Some(conn)) = self.conns.get_mut(key.index as usize) else { return };
        if let Some(at) =
            conn.deadline(self.own.clock.now(), &self.own.timeouts, self.own.max_quiet)
        {
            self.timers.arm(key.index, at);
        }
    }

    /// Drops an output that will not be sent any further.
    pub(super) fn give_up(&mut self, key: Key, output: Output) {
        if let Some(conn) = self.conn(key) {
            conn.on_unsent(output.len());
        }
        guard(|| drop(output));
    }

    /// Forgets a connection that was closed, because of `reason` unless it has another.
    pub(super) fn forget(&mut self, key: Key, reason: CloseReason) {
        let context = self.shared.context(&self.own);
        let Some(slot) = self.conns.get_mut(key.index as usize) else { return };
        let Some(mut conn) = slot.take() else { return };
        let mut work = end(&mut conn, &context);
        let mut goes_on = false;
        if let Some(Work::Http1(http)) = &mut work {
            if matches!(reason, CloseReason::Stopped | CloseReason::Killed) {
                // Whoever orders that ends what is under way.
                http.cancel_orphan();
            }
            goes_on = http.has_orphan();
        }
        if let Some(Work::Http2(http)) = &mut work {
            if matches!(reason, CloseReason::Stopped | CloseReason::Killed) {
                http.cancel_orphans();
            }
            goes_on = http.has_orphans();
        }
        let (reason, requests) = conn.verdict(reason);
        self.timers.release(key.index);
        guard(|| conn.close_kept());
        guard(|| conn.drop_secure());
        self.keep(work);
        if self.own.is_draining && !conn.is_reported && !goes_on {
            self.report.finished += 1;
        }
        let id = ConnectionId::new(self.own.index, key);
        self.note_closed(Some(id), conn.peer_addr(), reason, requests);
    }

    pub(super) fn note_closed(
        &mut self,
        id: Option<ConnectionId>,
        peer_addr: PeerAddr,
        reason: CloseReason,
        requests: u32,
    ) {
        self.shared.connections.fetch_sub(1, Ordering::Relaxed);
        let open = self.member().connections.fetch_sub(1, Ordering::Relaxed) - 1;
        self.burst.on_close(open, self.own.clock.now());
        if let Some(clients) = &self.shared.clients {
            clients.leave(peer_addr);
        }
        self.tell_of_close(&ClosedConnection { id, peer_addr, reason, requests });
    }

    fn tell_of_close(&self, closed: &ClosedConnection) {
        self.member().counters.count_close(closed.reason);
        self.shared.hooks.closed(closed);
        if self.shared.hooks.on_close.is_some() {
            // Whoever comes next has nothing to do with it.
            self.watch.begin();
        }
    }

    /// Notes that a connection is not taken on, since its client has too many.
    pub(super) fn turn_away(&self, peer_addr: PeerAddr) {
        let limit = Limit::ConnectionsPerClient;
        self.member().counters.count_limit(limit);
        self.tell_of_failure(ErrorKind::Limit(limit), &limit, Some(peer_addr));
        let reason = CloseReason::Limit(limit);
        self.tell_of_close(&ClosedConnection { id: None, peer_addr, reason, requests: 0 });
    }

    /// Frees what a burst of connections has left behind.
    pub(super) fn give_back_if_due(&mut self, driver: &mut impl Driver) {
        let open = self.member().connections.load(Ordering::Relaxed);
        if !self.burst.ended(open, self.own.clock.now()) {
            return;
        }
        if self.shared.settings.return_memory
            && let Some(at) = wait_to_return(self.own.clock.now())
        {
            return self.burst.postpone(at);
        }
        self.spares.shrink();
        if let Some(outbox) = &mut self.outbox {
            outbox.shrink();
        }
        self.scratch.shrink();
        self.handshakes.shrink();
        while let Some(None) = self.conns.last() {
            self.conns.pop();
        }
        self.conns.shrink_to_fit();
        self.timers.shrink();
        driver.shrink();
        pool::clear_all();
        if self.shared.settings.return_memory {
            sys::return_free_memory();
        }
    }

    pub(super) fn tell_of_failure(
        &self,
        kind: ErrorKind,
        error: &(dyn std::error::Error + Send + Sync + 'static),
        peer_addr: Option<PeerAddr>,
    ) {
        // Nothing was asked yet, so that there is nothing to respond to.
        let _ = self.shared.hooks.error(&ErrorContext {
            kind,
            error,
            peer_addr,
            request: None,
            status: None,
            stream: None,
        });
    }
}

/// The connection of that key, unless it is closed.
#[inline(always)]
pub(super) fn conn_of(conns: &mut [Option<Conn>], key: Key) -> Option<&mut Conn> {
    conns.get_mut(key.index as usize)?.as_mut().filter(|conn| conn.key == key)
}

/// Tells whoever works for a connection that it is over, wakers of the program's among them.
pub(super) fn end(conn: &mut Conn, context: &Context<'_>) -> Option<Work> {
    catch_unwind(AssertUnwindSafe(|| conn.end_work(context))).unwrap_or_default()
}

/// Tells the program who has blocked a worker, with the last request that it was about.
#[cold]
fn tell_of_blocking(conn: &Conn, blocked: Blocked, context: &Context<'_>) {
    context.counters.count_limit(Limit::BlockedWorker);
    // Whatever is to be responded is the handler's affair.
    let _ = context.hooks.error(&ErrorContext {
        kind: ErrorKind::BlockedWorker(blocked.0),
        error: &blocked,
        peer_addr: Some(conn.peer_addr()),
        request: conn.work.as_ref().and_then(Work::last_request),
        status: None,
        stream: None,
    });
}

/// Runs what may be the program's code, mostly destructors, where nobody could be told of a panic.
#[inline(always)]
pub(super) fn guard(act: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(act));
}

/// Keeps a panic of the program's code from harming any but this connection. Where a response can
/// tell of it, it is caught before; what comes up to here are destructors.
#[inline(always)]
fn shield(conn: &mut Conn, act: impl FnOnce(&mut Conn)) {
    if catch_unwind(AssertUnwindSafe(|| act(conn))).is_err() {
        conn.on_panic();
    }
}
