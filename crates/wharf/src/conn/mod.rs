//! One connection in its worker's slot: addresses, deadline, and the protocol while it is busy.
//!
//! An idle connection is this small value and nothing else: buffers, the protocol machine and
//! tasks live in a [`Work`] that is borrowed from the worker's spares when bytes arrive and given
//! back when there is nothing more to do. Not here: system calls (`driver`) and turns (`worker`).

mod addrs;
mod choice;
mod context;
mod current;
mod deadline;
mod describe;
mod exchange;
mod h1;
mod h2;
mod leave;
mod orphan;
mod outgoing;
mod raw;
mod refusal;
mod secure;
mod trace;
mod wire;
mod work;

use std::io;
use std::time::Instant;

pub(crate) use self::addrs::PackedAddrs;
pub(crate) use self::choice::Choice;
pub(crate) use self::context::Context;
use self::deadline::{Deadline, LINGER_IN_ALL, Moves, Pace, Timer};
pub(crate) use self::h1::Http1;
pub(crate) use self::h2::Http2;
pub use self::raw::{Io, Protocol};
pub(crate) use self::raw::{Raw, Unmade};
use self::secure::Secure;
pub(crate) use self::secure::{Decrypted, Scratch};
pub(crate) use self::wire::Ending;
pub(crate) use self::work::Work;
use crate::driver::{Behind, Close, Input, Key};
use crate::lifeline::PerConnection;
use crate::observe::{CloseReason, ErrorContext, ErrorKind, Limit};
use crate::output::Output;
use crate::peer::PeerAddr;
use crate::request::Addrs;
use crate::service::ServiceId;

/// One open connection.
pub(crate) struct Conn {
    pub(crate) key: Key,
    addrs: PackedAddrs,
    /// What it was accepted for.
    service: ServiceId,
    /// `None` while the connection is idle or lingers.
    pub(crate) work: Option<Work>,
    deadline: Deadline,
    moves: Moves,
    /// How many heads came in full before the current [`Work`].
    requests: u32,
    /// The worker's uptime when it was opened, in tenths of a second.
    opened_at: u32,
    received_bytes: u64,
    /// How many bytes were given to the driver before the current [`Work`].
    given_bytes: u64,
    /// Nothing more is sent, and the peer is read until then at the latest.
    lingers_until: Option<Instant>,
    /// Why the connection ends, once that is decided.
    reason: Option<CloseReason>,
    kept: Kept,
    /// TLS, if it is spoken.
    secure: Option<Box<Secure>>,
    /// What the driver was told last.
    pub(crate) receiving: bool,
    /// The connection is in the worker's list of those to be looked at.
    pub(crate) queued: bool,
    /// The report on the server's end tells of it.
    pub(crate) is_reported: bool,
}

/// What a connection keeps for the next [`Work`].
enum Kept {
    Nothing,
    /// What requests have left for those to come.
    Left(Box<PerConnection>),
    /// The protocol of the program's own that is spoken.
    Protocol(Box<dyn Protocol>),
    /// What may become the first bytes of HTTP/2.
    Start(Vec<u8>),
}

impl Conn {
    pub(crate) fn new(key: Key, addrs: Addrs, service: ServiceId, opened_at: u32) -> Self {
        Self {
            key,
            addrs: PackedAddrs::new(addrs),
            service,
            work: None,
            deadline: Deadline::new(),
            moves: Moves::NONE,
            requests: 0,
            opened_at,
            received_bytes: 0,
            given_bytes: 0,
            lingers_until: None,
            reason: None,
            kept: Kept::Nothing,
            secure: None,
            receiving: true,
            queued: false,
            is_reported: false,
        }
    }

    pub(crate) fn peer_addr(&self) -> PeerAddr {
        self.addrs.get().peer
    }

    pub(crate) const fn service(&self) -> ServiceId {
        self.service
    }

    /// Takes on what the connection needs for an exchange.
    pub(crate) fn work_with(&mut self, mut http: Box<Http1>, context: &Context<'_>) {
        let tls = self.tls();
        http.bind(self.key, &self.addrs, self.service, self.requests, tls, context.settings);
        if context.is_draining() {
            http.fire_draining();
        }
        if let Some(left) = self.take_left() {
            http.give_left(left);
        }
        self.work = Some(Work::Http1(http));
    }

    /// Has a protocol of the program's own spoken from here on.
    pub(crate) fn speak(&mut self, protocol: Box<dyn Protocol>) {
        self.kept = Kept::Protocol(protocol);
    }

    /// Whether a protocol of the program's own waits for something to happen.
    pub(crate) const fn keeps_protocol(&self) -> bool {
        matches!(self.kept, Kept::Protocol(_))
    }

    /// Takes on what a protocol of the program's own needs while there is something to do.
    pub(crate) fn work_raw(&mut self, mut raw: Box<Raw>) {
        if let Kept::Protocol(protocol) = self.take_kept() {
            let tls = self.tls();
            raw.bind(self.key, &self.addrs, self.requests, tls, protocol);
            self.work = Some(Work::Raw(raw));
        }
    }

    /// Calls the protocol of a connection that was just taken on.
    pub(crate) fn on_open(&mut self, context: &Context<'_>) {
        if let Some(Work::Raw(raw)) = &mut self.work {
            raw.on_open(context);
        }
    }

    /// Takes what requests have left for the connection's end.
    fn take_left(&mut self) -> Option<Box<PerConnection>> {
        match self.take_kept() {
            Kept::Left(left) => Some(left),
            Kept::Nothing | Kept::Protocol(_) | Kept::Start(_) => None,
        }
    }

    const fn take_kept(&mut self) -> Kept {
        std::mem::replace(&mut self.kept, Kept::Nothing)
    }

    /// Whether nothing is sent any more, and what comes is dropped.
    pub(crate) const fn is_lingering(&self) -> bool {
        self.lingers_until.is_some()
    }

    /// Whether nothing is under way, so that the peer may close.
    pub(crate) fn is_quiet(&self) -> bool {
        self.is_lingering() || (self.work.is_none() && !self.is_securing())
    }

    /// Whether the next request may come, and nothing else is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.work.is_none() && !self.is_lingering() && !self.is_securing()
    }

    /// Whether a handler is waited for that could be answered for.
    pub(crate) fn awaits_handler(&self) -> bool {
        self.work.as_ref().is_some_and(Work::awaits_handler)
    }

    /// The handler can't be waited for any longer: the server answers.
    pub(crate) fn cancel(&mut self, context: &Context<'_>) {
        if let Some(work) = &mut self.work {
            work.cancel(context);
        }
    }

    /// Bytes came that nobody will look at.
    pub(crate) const fn on_dropped_bytes(&mut self, len: usize) {
        self.moves.received += len as u64;
        self.received_bytes += len as u64;
    }

    /// The peer sent bytes; none means that it will send no more.
    pub(crate) fn on_bytes(&mut self, input: Input<'_>, context: &Context<'_>) {
        if self.secure.is_none() {
            self.moves.received += input.bytes.len() as u64;
            self.received_bytes += input.bytes.len() as u64;
        }
        if let Some(work) = &mut self.work {
            work.on_bytes(input, context);
        }
    }

    /// Tells handlers, and those who write responses, that the server has begun to drain.
    pub(crate) fn on_drain(&mut self, context: &Context<'_>) {
        if let Some(work) = &mut self.work {
            work.on_drain(context);
        }
    }

    /// Something that a task of the connection waited for has come.
    pub(crate) fn on_wake(&mut self, context: &Context<'_>) {
        if let Some(work) = &mut self.work {
            work.on_wake(context);
        }
    }

    /// Requests that had to wait for another tick have their turn.
    pub(crate) fn on_resume(&mut self, context: &Context<'_>) {
        if let Some(work) = &mut self.work {
            work.on_resume(context);
        }
    }

    /// The output to be sent now, if there is any, and what comes behind it.
    #[inline(always)]
    pub(crate) fn begin_send(&mut self, scratch: &mut Scratch) -> Option<(&mut Output, Behind)> {
        match &mut self.secure {
            None => self.work.as_mut()?.begin_send(),
            Some(secure) => {
                let is_working = self.work.is_some();
                let (output, behind) = secure.begin_send(self.work.as_mut(), scratch)?;
                if !is_working {
                    self.given_bytes += output.len() as u64;
                }
                Some((output, behind))
            }
        }
    }

    /// The driver has taken the output, and says later what became of it.
    pub(crate) fn note_sending(&mut self) {
        if let Some(secure) = &mut self.secure {
            return secure.note_sending();
        }
        if let Some(work) = &mut self.work {
            work.wire_mut().sending = true;
        }
    }

    /// Takes the output back that the driver could not send. It stays on its way: what was not sent
    /// must not be taken for sent.
    pub(crate) fn take_unsent(&mut self) -> Option<Output> {
        if let Some(secure) = &mut self.secure {
            return Some(secure.take_unsent());
        }
        let wire = self.work.as_mut()?.wire_mut();
        wire.sending = true;
        Some(std::mem::take(&mut wire.output))
    }

    /// All output was handed to the system; `output` is what it was.
    pub(crate) fn on_sent(&mut self, output: Output, context: &Context<'_>) {
        self.moves.sent = true;
        if self.secure.is_some() {
            return self.on_sent_securely(Some(output), context);
        }
        if let Some(work) = &mut self.work {
            work.on_sent(output, context);
        }
    }

    /// Takes off what an exchange of HTTP/1 has worked with, if all that is left of it is output.
    /// Who takes it sees to it that this is sent before anything else happens to the connection,
    /// which is idle from here on.
    #[inline(always)]
    pub(crate) fn retire_answered(&mut self) -> Option<Box<Http1>> {
        let is_answered = match &self.work {
            Some(Work::Http1(http)) => self.secure.is_none() && http.is_answered(),
            _ => false,
        };
        if !is_answered {
            return None;
        }
        let Some(Work::Http1(mut http)) = self.work.take() else { return None };
        self.moves.sent = true;
        self.moves.head_done |= http.take_head_done();
        self.requests = http.requests();
        self.given_bytes += http.give_output();
        if let Some(left) = http.take_left() {
            self.keep_left(left);
        }
        Some(http)
    }

    /// All output was handed to the system at once.
    #[inline(always)]
    pub(crate) fn on_sent_at_once(&mut self, context: &Context<'_>) {
        self.moves.sent = true;
        if self.secure.is_some() {
            return self.on_sent_securely(None, context);
        }
        if let Some(work) = &mut self.work {
            work.on_sent_at_once(context);
        }
    }

    /// Whether there is output that the driver does not have.
    #[inline(always)]
    pub(crate) fn has_output(&self) -> bool {
        self.work.as_ref().is_some_and(|work| !work.wire().output.is_empty())
            || self.secure.as_ref().is_some_and(|secure| secure.has_output())
    }

    /// How the connection ends, as soon as all output is sent.
    #[inline(always)]
    pub(crate) fn ending(&self) -> Option<Ending> {
        let ending = self.work.as_ref().and_then(|work| work.wire().ending());
        match &self.secure {
            None => ending,
            Some(secure) => secure.ending(ending),
        }
    }

    /// The peer was told that nothing more will be sent, and what it sends is still wanted.
    pub(crate) fn note_half_closed(&mut self) {
        if let Some(work) = &mut self.work {
            work.note_half_closed();
        }
    }

    /// The deadline has come: that of `limit`.
    pub(crate) fn on_timeout(&mut self, limit: Limit, context: &Context<'_>) {
        match &mut self.work {
            Some(work) => work.on_timeout(limit, context),
            None => self.on_secure_timeout(limit, context),
        }
    }

    /// An output was given up with so many bytes unsent.
    pub(crate) fn on_unsent(&mut self, len: usize) {
        if let Some(work) = &mut self.work {
            // Of what was encrypted it is not known what the rest stood for.
            let len = if self.secure.is_some() { usize::MAX } else { len };
            work.wire_mut().on_unsent(len);
        }
    }

    /// The system says that the connection is broken.
    pub(crate) fn on_error(&mut self, error: io::Error, context: &Context<'_>) {
        if self.is_lingering() {
            return;
        }
        let decided = self.work.as_ref().and_then(|work| work.wire().reason);
        self.reason = self.reason.or(decided).or(Some(CloseReason::Lost));
        let request = self.work.as_ref().and_then(Work::request);
        // There is nobody to respond to.
        let _ = context.hooks.error(&ErrorContext {
            kind: ErrorKind::Io,
            error: &error,
            peer_addr: Some(self.peer_addr()),
            request,
            status: None,
            stream: None,
        });
        if let Some(work) = &mut self.work {
            work.on_error(error);
        }
    }

    /// A file could not be read that was being sent, of which nothing is on its way any more.
    #[cold]
    pub(crate) fn on_file_failed(&mut self, error: io::Error, context: &Context<'_>) {
        if let Some(Work::Http1(http)) = &mut self.work {
            http.on_file_failed(error, context);
        }
    }

    /// The program's code has failed in a way that no response can tell of.
    pub(crate) fn on_panic(&mut self) {
        if let Some(work) = &mut self.work {
            work.abort();
        }
    }

    /// Whether its end leaves nothing undone.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.is_quiet() || self.work.as_ref().is_some_and(Work::is_at_rest)
    }

    /// How the connection ends if it has to end now: a peer that is in the middle of something must
    /// not take what it has for all of it.
    pub(crate) fn how_to_stop(&self) -> Close {
        let is_answering = self.work.as_ref().is_some_and(Work::is_answering);
        if is_answering { Close::Reset } else { Close::Graceful }
    }

    /// Nothing more will be sent, and the peer is given some time to take what was.
    pub(crate) fn begin_linger(&mut self, now: Instant) {
        self.lingers_until = Some(now + LINGER_IN_ALL);
    }

    /// Whoever works for the connection is told that it is over. Gives back what it worked with.
    pub(crate) fn end_work(&mut self, context: &Context<'_>) -> Option<Work> {
        let mut work = self.work.take()?;
        self.note_end_of_work(&mut work);
        let mut left = match &mut work {
            Work::Http1(http) => http.close_left(),
            Work::Raw(raw) => raw.take_left(),
            Work::Http2(_) => None,
        };
        work.on_end(context);
        if let Work::Http2(http) = &mut work {
            left = http.take_left();
        }
        if let Some(left) = left {
            self.kept = Kept::Left(left);
        }
        Some(work)
    }

    /// Takes the protocol's parts off a connection that has become idle.
    #[inline(always)]
    pub(crate) fn retire(&mut self) -> Option<Work> {
        let mut work = self.work.take_if(|work| work.is_idle())?;
        self.note_end_of_work(&mut work);
        match &mut work {
            Work::Http1(http) => {
                if let Some(left) = http.take_left() {
                    self.keep_left(left);
                }
            }
            Work::Raw(raw) => self.keep_protocol(raw),
            Work::Http2(_) => {}
        }
        Some(work)
    }

    #[cold]
    fn keep_left(&mut self, left: Box<PerConnection>) {
        self.kept = Kept::Left(left);
    }

    fn keep_protocol(&mut self, raw: &mut Raw) {
        if let Some(protocol) = raw.take_protocol() {
            self.kept = Kept::Protocol(protocol);
        }
    }

    /// Drops what is left for the connection's end, which may call the program's code.
    pub(crate) fn close_kept(&mut self) {
        match self.take_kept() {
            Kept::Nothing | Kept::Start(_) => {}
            Kept::Left(left) => left.close(),
            Kept::Protocol(protocol) => drop(protocol),
        }
    }

    fn note_end_of_work(&mut self, work: &mut Work) {
        self.moves.head_done |= work.take_head_done();
        self.requests = work.requests();
        self.given_bytes += work.wire().given_bytes();
        self.reason = self.reason.or(work.wire().reason);
    }

    /// Decides on why the connection ends, unless that was decided before.
    pub(crate) fn set_reason(&mut self, reason: CloseReason) {
        self.reason.get_or_insert(reason);
    }
}
