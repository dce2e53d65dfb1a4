//! The readiness backend: epoll, kqueue and IOCP through `mio`.
//!
//! Sockets are registered once, edge-triggered, for both directions. Each successful receive is
//! one system call: a read that did not fill the buffer has emptied the socket. A new connection is
//! looked at in the turn that takes it on and registered only if it lives longer, since one that is
//! readable by then is reported at once. A `TcpStream` here is a stream socket of any family: on
//! Unix it is a descriptor that is read and written like any other. Not here: sockets of listeners
//! (`listener` makes them).

mod accept;
mod batch;
mod combined;
mod events;
mod release;
mod send;
mod slot;
#[cfg(test)]
mod tests;

#[cfg(target_os = "linux")]
mod alarm;
#[cfg(not(target_os = "linux"))]
#[path = "no_alarm.rs"]
mod alarm;

#[cfg(unix)]
mod unix;
#[cfg(not(unix))]
#[path = "no_unix.rs"]
mod unix;

use std::collections::VecDeque;
use std::io::{self, Read};
use std::mem::ManuallyDrop;
use std::net::Shutdown;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Token};

use self::accept::Listener;
use self::alarm::Alarm;
use self::batch::{Batch, RECEIVE_BYTES};
pub(crate) use self::combined::{Combined, Watched};
use self::release::Leaving;
use self::send::{Progress, bulk_share, send};
use self::slot::Slot;
use super::{
    BULK_BYTES, Behind, Close, Completion, Driver, Key, ListenerId, Listening, SMALL_BYTES, Sent,
    Step, Unpark,
};
use crate::output::Output;
use crate::sys::{self, Descriptor};

/// Events taken from the system at a time, and thereby how many connections have their requests
/// handled before the responses are sent: so few that what a connection needs, in the system as
/// here, is in the processor's caches still.
const EVENTS: usize = 128;

/// Whether a short read means that the socket is empty. On Windows an event is only re-armed by a
/// read that finds nothing.
#[cfg(unix)]
const SHORT_READ_IS_LAST: bool = true;
#[cfg(not(unix))]
const SHORT_READ_IS_LAST: bool = false;

const WAKE_TOKEN: Token = Token(usize::MAX);
const ALARM_TOKEN: Token = Token(usize::MAX - 1);

/// Tokens from here on are listeners; below it they are indices of connections.
const FIRST_LISTENER_TOKEN: usize = 1 << 31;

/// A driver on top of `mio`.
pub(crate) struct MioDriver {
    poll: mio::Poll,
    events: Events,
    waker: Arc<mio::Waker>,
    alarm: Alarm,
    now: Instant,
    /// Places of listeners, which do not move.
    listeners: Vec<Option<Listener>>,
    accepting: bool,
    accepts_left: usize,
    /// A listener is to be closed once nothing waits there.
    has_closing: bool,
    /// How much more bulk is sent in this turn.
    bulk_left: usize,
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// That of the last connection. No two have the same, also where a place was freed in between.
    generation: u32,
    /// What can be worked on in this turn.
    ready: VecDeque<Ready>,
    /// Connections that were taken on since the last wait, which tells the system of them.
    fresh: Vec<Key>,
    /// How many of them were looked at for what may have come already.
    tried: usize,
    /// What there will be more of in the next turn.
    again: Vec<Ready>,
    /// Sends that were begun in this turn: in the next one they come behind those that were not.
    paused: Vec<Ready>,
    /// The last wait brought as many events as fit, so that the system may have more.
    events_left: bool,
    /// Results that were gathered and not told yet.
    batch: Batch,
}

#[derive(Debug)]
enum Ready {
    Listener(usize),
    Connection(Key),
    /// The system can't tell when there is something to do for it.
    Unwatched(Key, io::Error),
    /// A connection that is given up.
    Leaving(Box<Leaving>),
}

impl MioDriver {
    /// A driver that accepts from `listeners`.
    pub(crate) fn new(listeners: Vec<Listening>) -> io::Result<Self> {
        let poll = mio::Poll::new()?;
        let waker = Arc::new(mio::Waker::new(poll.registry(), WAKE_TOKEN)?);
        let alarm = Alarm::new(poll.registry());
        let mut driver = Self {
            poll,
            events: Events::with_capacity(EVENTS),
            waker,
            alarm,
            now: Instant::now(),
            listeners: Vec::new(),
            accepting: true,
            accepts_left: 0,
            has_closing: false,
            bulk_left: BULK_BYTES,
            slots: Vec::new(),
            free: Vec::new(),
            generation: 0,
            ready: VecDeque::new(),
            fresh: Vec::new(),
            tried: 0,
            again: Vec::new(),
            paused: Vec::new(),
            events_left: false,
            batch: Batch::new(),
        };
        listeners.into_iter().try_for_each(|listening| driver.listen(listening))?;
        Ok(driver)
    }

    /// A handle that wakes this driver.
    pub(crate) fn unpark(&self) -> Arc<dyn Unpark> {
        Arc::clone(&self.waker) as Arc<dyn Unpark>
    }

    fn queue_connection(&mut self, index: u32) {
        let slot = &mut self.slots[index as usize];
        let has_work = (slot.readable && slot.receiving)
            || (slot.writable && slot.unsent.is_some())
            || (slot.broken && !slot.receiving);
        if !slot.queued && has_work {
            slot.queued = true;
            self.ready.push_back(Ready::Connection(Key { index, generation: slot.generation }));
        }
    }

    fn slot(&mut self, key: Key) -> Option<&mut Slot> {
        let slot = self.slots.get_mut(key.index as usize)?;
        (slot.generation == key.generation && slot.stream.is_some()).then_some(slot)
    }

    /// Fills the batch, up to the first result that is not bytes: they are rare, and whether there
    /// may be another connection is decided once one was accepted.
    fn gather(&mut self) {
        self.batch.clear();
        while self.batch.has_room()
            && let Some(ready) = self.ready.pop_front().or_else(|| self.next_fresh())
        {
            let step = match ready {
                Ready::Connection(key) => self.serve(key),
                Ready::Listener(index) => self.accept(index),
                Ready::Unwatched(key, error) => Some(Step::Failed(key, error)),
                Ready::Leaving(leaving) => self.give_up(*leaving),
            };
            let Some(step) = step else { continue };
            let Step::Received(key, len) = step else { return self.batch.end_with(step) };
            // Nothing of it is to be dropped, which the compiler has to be told.
            let _ = ManuallyDrop::new(step);
            self.batch.push(key, len);
        }
    }

    /// Does for one connection what it is ready for: the rest of a send, else a receive.
    fn serve(&mut self, key: Key) -> Option<Step<TcpStream>> {
        let slot = self.slots.get_mut(key.index as usize)?;
        // Its place may have been freed, and be another's.
        if slot.generation != key.generation {
            return None;
        }
        slot.queued = false;
        let stream = slot.stream.as_mut()?;
        if slot.writable
            && self.bulk_left > 0
            && let Some(output) = &mut slot.unsent
        {
            let len = output.len();
            let mut left = bulk_share(self.bulk_left, len);
            let progress = send(stream, output, &mut left, Behind::More);
            self.bulk_left = self.bulk_left.saturating_sub(len - output.len());
            match progress {
                Progress::Over(result) => {
                    let output = std::mem::take(&mut **output);
                    slot.unsent = None;
                    self.queue_connection(key.index);
                    return Some(Step::Sent(Sent { key, output, result }));
                }
                Progress::Blocked => slot.writable = false,
                Progress::Paused => {
                    slot.queued = true;
                    self.paused.push(Ready::Connection(key));
                }
            }
        }
        if slot.writable && slot.unsent.is_some() && !slot.queued {
            slot.queued = true;
            self.again.push(Ready::Connection(key));
        }
        if slot.broken && !slot.receiving {
            slot.broken = false;
            let error = stream.take_error().ok().flatten();
            let error = error.unwrap_or_else(|| io::ErrorKind::ConnectionReset.into());
            return Some(Step::Failed(key, error));
        }
        if !slot.readable || !slot.receiving {
            return None;
        }
        match stream.read(self.batch.place()) {
            Ok(len) => {
                let may_be_more = len == RECEIVE_BYTES || !SHORT_READ_IS_LAST;
                slot.readable = len > 0 && (may_be_more || slot.closed_by_peer);
                slot.ended = len == 0 || (!may_be_more && slot.closed_by_peer);
                if slot.readable && !slot.queued {
                    slot.queued = true;
                    self.again.push(Ready::Connection(key));
                }
                Some(Step::Received(key, len))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                slot.readable = false;
                None
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                if !std::mem::replace(&mut slot.queued, true) {
                    self.again.push(Ready::Connection(key));
                }
                None
            }
            Err(error) => {
                slot.readable = false;
                Some(Step::Failed(key, error))
            }
        }
    }
}

impl Driver for MioDriver {
    type Socket = TcpStream;

    const SENDS_AT_ONCE: bool = true;
    const SENDS_FILES: bool = true;
    const COARSE_CLOCK: fn() -> u64 = sys::coarse_nanos;

    fn now(&self) -> Instant {
        self.now
    }

    fn clock(&self) -> Box<dyn Fn() -> Instant> {
        Box::new(Instant::now)
    }

    fn wait(&mut self, until: Option<Instant>) -> io::Result<()> {
        self.bulk_left = BULK_BYTES;
        self.watch_fresh();
        for list in [&mut self.again, &mut self.paused] {
            // Most often there is nothing, and finding that out so is quicker.
            if !list.is_empty() {
                self.ready.extend(list.drain(..));
            }
        }
        while self.wait_once(until)? {}
        self.look_at_settled();
        self.accepts_left = self.accepts_in_turn();
        Ok(())
    }

    fn next(&mut self) -> Option<Completion<'_, TcpStream>> {
        if self.batch.is_told() {
            self.gather();
        }
        self.batch.next()
    }

    fn next_due(&self) -> Option<Instant> {
        self.settles_next()
    }

    fn has_more(&self) -> bool {
        !self.batch.is_told()
            || !self.ready.is_empty()
            || !self.again.is_empty()
            || !self.paused.is_empty()
            || self.events_left
    }

    fn adopt(&mut self, socket: TcpStream) -> io::Result<Key> {
        let index = match self.free.pop() {
            Some(index) => index,
            None if self.slots.len() == FIRST_LISTENER_TOKEN => {
                return Err(io::ErrorKind::OutOfMemory.into());
            }
            None => {
                self.slots.push(Slot::default());
                u32::try_from(self.slots.len() - 1).expect("indices are below 2^31")
            }
        };
        let slot = &mut self.slots[index as usize];
        let generation = self.generation.wrapping_add(1);
        self.generation = generation;
        *slot = Slot::new(socket, generation);
        let key = Key { index, generation };
        self.fresh.push(key);
        Ok(key)
    }

    fn set_receiving(&mut self, key: Key, receiving: bool) {
        let Some(slot) = self.slot(key) else { return };
        slot.receiving = receiving;
        self.queue_connection(key.index);
    }

    fn send(&mut self, key: Key, output: &mut Output, behind: Behind) -> Poll<io::Result<()>> {
        let len = output.len();
        let is_bulk = len > SMALL_BYTES;
        let mut left = if is_bulk { bulk_share(self.bulk_left, len) } else { SMALL_BYTES };
        let slot = self.slots.get_mut(key.index as usize);
        let slot = slot.filter(|slot| slot.generation == key.generation);
        let Some(slot) = slot else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        debug_assert!(slot.unsent.is_none(), "one send at a time");
        let Some(stream) = &mut slot.stream else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        // What is sent in several turns is not the end of all in the first of them.
        let behind = if is_bulk { Behind::More } else { behind };
        let progress = send(stream, output, &mut left, behind);
        if is_bulk {
            self.bulk_left = self.bulk_left.saturating_sub(len - output.len());
        }
        match progress {
            Progress::Over(result) => {
                slot.withholds = behind == Behind::End;
                return Poll::Ready(result);
            }
            Progress::Blocked => slot.writable = false,
            Progress::Paused if slot.queued => {}
            Progress::Paused => {
                slot.queued = true;
                self.paused.push(Ready::Connection(key));
            }
        }
        slot.unsent = Some(Box::new(std::mem::take(output)));
        Poll::Pending
    }

    /// A send is handed over as soon as it is begun.
    fn submit(&mut self) {
        self.watch_fresh();
    }

    fn untaken(&self, key: Key) -> u64 {
        let slot = self.slots.get(key.index as usize);
        let Some(slot) = slot.filter(|slot| slot.generation == key.generation) else { return 0 };
        let unsent = slot.unsent.as_ref().map_or(0, |unsent| unsent.len() as u64);
        unsent + slot.stream.as_ref().map_or(0, sys::unacknowledged_bytes)
    }

    fn shutdown_send(&mut self, key: Key) {
        let Some(slot) = self.slot(key) else { return };
        slot.withholds = false;
        slot.is_shut = true;
        if let Some(stream) = &slot.stream {
            // A peer that is gone already needs not be told.
            let _ = stream.shutdown(Shutdown::Write);
        }
    }

    fn close(&mut self, key: Key, how: Close) -> Option<Output> {
        let slot = self.slot(key)?;
        let unsent = slot.unsent.take().map(|unsent| *unsent);
        let stream = slot.stream.take()?;
        if how == Close::Graceful && slot.withholds && !slot.ended {
            // With bytes that nobody has read a close is a reset, which takes along what is unsent.
            let _ = stream.shutdown(Shutdown::Write);
        }
        if how == Close::Reset {
            // Without it the peer sees an ordinary end, which is all that is lost if this fails.
            let _ = socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
        }
        // Closing the last descriptor of a socket takes it out of the poll.
        drop(stream);
        self.free.push(key.index);
        unsent
    }

    fn release(&mut self, key: Key) {
        self.begin_release(key);
    }

    fn set_accepting(&mut self, accepting: bool) {
        if accepting && !self.accepting {
            // Another process may have taken them over, and given them up again.
            self.make_listeners_nonblocking();
        }
        self.accepting = accepting;
        for index in 0..self.listeners.len() {
            self.queue_listener(index);
        }
    }

    fn listen(&mut self, listening: Listening) -> io::Result<()> {
        self.add_listener(listening)
    }

    fn unlisten(&mut self, id: ListenerId) {
        self.close_listeners_that(|listener| listener == id);
    }

    fn duplicate_listeners(&self) -> io::Result<Vec<Descriptor>> {
        let open = self.listeners.iter().flatten().filter(|listener| !listener.is_closing());
        open.map(Listener::duplicate).collect()
    }

    fn withdraw(&mut self) {
        if self.accepting {
            self.close_listeners_that(|_| true);
        } else {
            self.close_listeners();
        }
    }

    fn has_listeners(&self) -> bool {
        self.listeners.iter().any(Option::is_some)
    }

    fn close_listeners(&mut self) {
        for listener in self.listeners.drain(..).flatten() {
            listener.close(self.poll.registry());
        }
    }

    fn shrink(&mut self) {
        self.batch.shrink();
        while self.slots.last().is_some_and(|slot| slot.stream.is_none()) {
            self.slots.pop();
        }
        self.free.retain(|index| (*index as usize) < self.slots.len());
        self.free.shrink_to_fit();
        self.slots.shrink_to_fit();
    }
}

impl Watched for MioDriver {
    /// A poll is such a descriptor.
    fn watch(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What events of a listener are known by.
const fn listener_token(index: usize) -> Token {
    Token(FIRST_LISTENER_TOKEN + index)
}

impl Unpark for mio::Waker {
    fn unpark(&self) {
        // It fails only where the descriptor is gone, and then there is nobody to wake.
        let _ = self.wake();
    }
}

#[cfg(unix)]
impl std::os::fd::AsFd for MioDriver {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.poll.registry().as_fd()
    }
}
