//! The simulated network: connections, listeners, chance and time, shared by drivers and clients.
//!
//! Time is virtual. In a ticked net it jumps to the next thing that happens when a driver waits,
//! everything is done by one thread, and the same seed gives the same run. In a threaded net it
//! stands still until the test moves it on, and nothing is delayed. Not here: what becomes of bytes
//! (`link.rs`), and what a driver makes of it (`mod.rs`).

use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::link::{Link, Side};
use super::random::Random;
use super::{SimClient, SimDriver, Unpark};

/// How many bytes each end takes before they are read, where a test says nothing else.
const WINDOW_BYTES: usize = 256 << 10;

/// How long a test waits, in real time, before it takes its own threads for stuck.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// What goes wrong, and how often. A number says that one in so many does; zero is never.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    /// Receives that give only a part of what has come.
    pub(crate) short_read: u32,
    /// Sends of which only a part is taken, the rest after a delay.
    pub(crate) short_write: u32,
    /// Segments, of either direction, that take up to `max_delay`.
    pub(crate) delay: u32,
    pub(crate) max_delay: Duration,
    /// Reads and writes of either end at which the connection breaks.
    pub(crate) reset: u32,
    /// Resets that destroy what came before them and was not read.
    pub(crate) lossy_reset: u32,
    /// Accepts that fail.
    pub(crate) accept_error: u32,
    /// Accepted connections that are gone before they are used.
    pub(crate) adopt_error: u32,
    /// The results of a turn come in any order.
    pub(crate) disorder: bool,
    /// What every accept, and every send of the server, fails with.
    pub(crate) accepting: Option<io::ErrorKind>,
    pub(crate) sending: Option<io::ErrorKind>,
}

/// Who moves a net on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// One thread, by ticking.
    Ticked,
    /// A thread for each worker.
    Threaded,
}

/// A handle of a net.
#[derive(Clone)]
pub(crate) struct SimNet {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

pub(super) struct State {
    base: Instant,
    /// The virtual time since `base`.
    pub(super) time: Duration,
    pub(super) pace: Pace,
    pub(super) faults: Faults,
    pub(super) random: Random,
    pub(super) links: Vec<Link>,
    pub(super) seats: Vec<Seat>,
    window: usize,
    /// Counts everything that somebody did to the net.
    pub(super) changes: u64,
    /// How often a driver of a threaded net waited.
    pub(super) sleeps: u64,
    /// What happened so far, in one number: equal runs have equal ones.
    fingerprint: u64,
    /// What happened so far, in words, if anybody wants to know.
    log: Option<Vec<String>>,
}

/// What the net knows of one driver.
#[derive(Default)]
pub(super) struct Seat {
    pub(super) listening: bool,
    pub(super) backlog: VecDeque<usize>,
    pub(super) unparked: bool,
    /// The driver waits, or looks in vain, and has seen that many changes.
    pub(super) waits_since: Option<u64>,
    /// After how many changes it last looked and found nothing, and how often before.
    pub(super) looked_in_vain: (u64, u32),
    pub(super) gone: bool,
    /// The driver's next wait does not come back as it should.
    pub(super) breaks: Option<Break>,
}

/// How a driver fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Break {
    Error,
    Panic,
}

impl SimNet {
    pub(crate) fn new(pace: Pace, seed: u64, faults: Faults) -> Self {
        let state = State {
            base: Instant::now(),
            time: Duration::ZERO,
            pace,
            faults,
            random: Random::new(seed),
            links: Vec::new(),
            seats: Vec::new(),
            window: WINDOW_BYTES,
            changes: 0,
            sleeps: 0,
            fingerprint: 0,
            log: None,
        };
        Self { shared: Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() }) }
    }

    /// Has other things go wrong from now on.
    pub(crate) fn set_faults(&self, faults: Faults) {
        self.act(|state| state.faults = faults);
    }

    /// How many bytes each end of a later connection takes before they are read.
    pub(crate) fn set_window(&self, bytes: usize) {
        self.lock().window = bytes;
    }

    /// Keeps a log, which [`log`](Self::log) gives.
    pub(crate) fn keep_log(&self) {
        self.lock().log = Some(Vec::new());
    }

    pub(crate) fn log(&self) -> Vec<String> {
        self.lock().log.clone().unwrap_or_default()
    }

    /// Adds a driver, which accepts connections if it `listens`.
    pub(crate) fn driver(&self, listens: bool) -> SimDriver {
        let mut state = self.lock();
        state.seats.push(Seat { listening: listens, ..Seat::default() });
        let (seat, now) = (state.seats.len() - 1, state.now());
        drop(state);
        SimDriver::new(self.clone(), seat, now)
    }

    /// Connects to one of the drivers that listen.
    pub(crate) fn connect(&self) -> io::Result<SimClient> {
        let link = self.act(|state| {
            let listening: Vec<usize> =
                (0..state.seats.len()).filter(|seat| state.seats[*seat].listening).collect();
            if listening.is_empty() {
                return Err(io::Error::from(io::ErrorKind::ConnectionRefused));
            }
            let seat = state.random.pick(&listening);
            let link = state.links.len();
            state.links.push(Link::new(state.window));
            state.seats[seat].backlog.push_back(link);
            state.note("connect", link, seat);
            Ok(link)
        })?;
        Ok(SimClient::new(self.clone(), link))
    }

    /// Has the driver of that seat fail.
    pub(crate) fn break_driver(&self, seat: usize, how: Break) {
        self.act(|state| {
            state.seats[seat].breaks = Some(how);
            state.seats[seat].unparked = true;
        });
    }

    pub(crate) fn time(&self) -> Duration {
        self.lock().time
    }

    /// That virtual time as an instant.
    pub(crate) fn instant(&self, time: Duration) -> Instant {
        self.lock().base + time
    }

    /// Moves a threaded net's time on, once every driver waits or looks for more in vain.
    pub(crate) fn advance(&self, by: Duration) {
        let mut state = self.lock();
        let deadline = Instant::now() + PATIENCE;
        while !state.is_settled() {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "a driver does not come to rest");
            state = self.block(state, left);
        }
        state.time += by;
        state.changes += 1;
        drop(state);
        self.shared.changed.notify_all();
    }

    /// Lets a ticked net's time jump to the next event, but not beyond `until`, unless a driver was
    /// unparked.
    pub(crate) fn jump(&self, until: Option<Instant>) {
        self.lock().jump(until);
    }

    /// Lets a ticked net's time pass whatever there is to do, as it does while a handler works.
    pub(crate) fn pass(&self, by: Duration) {
        self.act(|state| state.time += by);
    }

    /// How often a driver of a threaded net waited for something to happen.
    pub(crate) fn sleeps(&self) -> u64 {
        self.lock().sleeps
    }

    /// How many connections the server's side has, waiting ones included.
    pub(crate) fn open_connections(&self) -> usize {
        self.lock().links.iter().filter(|link| !link.is_closed(Side::Server)).count()
    }

    /// What happened so far, in one number.
    pub(crate) fn fingerprint(&self) -> u64 {
        self.lock().fingerprint
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something to the net that others may wait for.
    pub(super) fn act<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.lock();
        state.changes += 1;
        let result = act(&mut state);
        drop(state);
        self.shared.changed.notify_all();
        result
    }

    /// Gives the lock up until something changes, but not for longer than `at_most`.
    pub(super) fn block<'s>(
        &self,
        state: MutexGuard<'s, State>,
        at_most: Duration,
    ) -> MutexGuard<'s, State> {
        let waited = self.shared.changed.wait_timeout(state, at_most);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Tells those who wait for drivers to come to rest that one has.
    pub(super) fn notify(&self) {
        self.shared.changed.notify_all();
    }
}

impl State {
    pub(super) fn now(&self) -> Instant {
        self.base + self.time
    }

    /// Lets everything arrive that is due.
    pub(super) fn deliver(&mut self) {
        let Self { links, random, faults, time, .. } = self;
        for link in links {
            link.deliver(*time, || random.one_in(faults.lossy_reset));
        }
    }

    /// Lets time jump to the next event, but not beyond `until`, unless somebody was unparked.
    pub(super) fn jump(&mut self, until: Option<Instant>) {
        self.deliver();
        if self.seats.iter().any(|seat| seat.unparked) {
            return;
        }
        let until = until.map(|until| until.saturating_duration_since(self.base));
        let event = self.links.iter().filter_map(|link| link.next_event(self.time)).min();
        if let Some(next) = [until, event].into_iter().flatten().min() {
            self.time = self.time.max(next);
            self.deliver();
        }
    }

    /// When something that is sent now arrives.
    pub(super) fn arrival(&mut self) -> Duration {
        self.time + self.delay()
    }

    pub(super) fn delay(&mut self) -> Duration {
        if self.pace == Pace::Threaded || !self.random.one_in(self.faults.delay) {
            return Duration::ZERO;
        }
        let micros = usize::try_from(self.faults.max_delay.as_micros()).expect("delays are short");
        let micros = self.random.below(micros.max(1));
        Duration::from_micros(u64::try_from(micros).expect("a usize fits"))
    }

    /// Breaks the connection, if it is its turn. Returns whether it did.
    pub(super) fn may_cut(&mut self, link: usize) -> bool {
        let cuts = !self.links[link].is_released() && self.random.one_in(self.faults.reset);
        if cuts {
            let destroys = self.random.one_in(self.faults.lossy_reset);
            self.links[link].cut(destroys);
            self.note("cut", link, usize::from(destroys));
        }
        cuts
    }

    pub(super) fn write(&mut self, link: usize, side: Side, bytes: &[u8]) -> io::Result<usize> {
        self.may_cut(link);
        let at = self.arrival();
        let written = self.links[link].write(side, bytes, at);
        self.note_io(&format!("{side:?} writes"), link, &written);
        self.deliver();
        written
    }

    pub(super) fn read(&mut self, link: usize, side: Side, buffer: &mut [u8]) -> io::Result<usize> {
        self.deliver();
        let there = self.links[link].readable_bytes(side).min(buffer.len());
        if there > 0 {
            self.may_cut(link);
        }
        let is_short = there > 1 && self.random.one_in(self.faults.short_read);
        let len = if is_short { 1 + self.random.below(there) } else { buffer.len() };
        let read = self.links[link].read(side, &mut buffer[..len]);
        self.note_io(&format!("{side:?} reads"), link, &read);
        read
    }

    pub(super) fn shut(&mut self, link: usize, side: Side) {
        self.note(&format!("{side:?} shuts"), link, 0);
        let at = self.arrival();
        self.links[link].shut(side, at);
        self.deliver();
    }

    pub(super) fn close(&mut self, link: usize, side: Side) {
        self.note(&format!("{side:?} closes"), link, 0);
        let (at, destroys) = (self.arrival(), self.random.one_in(self.faults.lossy_reset));
        self.links[link].close(side, at, destroys);
        self.deliver();
    }

    pub(super) fn reset(&mut self, link: usize, side: Side) {
        self.note(&format!("{side:?} resets"), link, 0);
        let (at, destroys) = (self.arrival(), self.random.one_in(self.faults.lossy_reset));
        self.links[link].reset(side, at, destroys);
        self.deliver();
    }

    /// Whether every driver waits and has seen all that was done.
    fn is_settled(&self) -> bool {
        self.seats.iter().all(|seat| seat.gone || seat.waits_since == Some(self.changes))
    }

    fn note_io(&mut self, what: &str, link: usize, result: &io::Result<usize>) {
        match result {
            Ok(len) => self.note(what, link, *len),
            // Clients try as often as they like; that is no part of what happened.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => self.note(&format!("{what} ({error})"), link, 0),
        }
    }

    pub(super) fn note(&mut self, what: &str, link: usize, number: usize) {
        let time = self.time;
        let entry = || format!("{time:?} #{link} {what} {number}");
        // FNV-1a, which is short and good enough to tell two runs apart.
        for byte in entry().bytes() {
            self.fingerprint = (self.fingerprint ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        if let Some(log) = &mut self.log {
            log.push(entry());
        }
    }
}

/// Wakes the driver of a seat.
pub(super) struct Unparker {
    pub(super) net: SimNet,
    pub(super) seat: usize,
}

impl Unpark for Unparker {
    fn unpark(&self) {
        self.net.act(|state| state.seats[self.seat].unparked = true);
    }
}

/// The address of a connection's client, which no other has.
pub(super) fn client_addr(link: usize) -> SocketAddr {
    let port = 1024 + u16::try_from(link % 60_000).expect("it fits a port");
    SocketAddr::from((Ipv4Addr::new(198, 51, 100, 7), port))
}

/// The server's address.
pub(super) fn server_addr() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 80))
}
