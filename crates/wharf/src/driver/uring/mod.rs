//! The completion backend: `io_uring`, where Linux has it and lets the program use it.
//!
//! The kernel is told what is wanted and says what came of it, all in one call a turn. It accepts
//! and receives until it is told not to, into one ring of buffers for all connections; sends of a
//! turn are handed over together. What a connection wants is compared with what the kernel was
//! asked for before each wait (`slot.rs`), so that a change that is taken back costs nothing.
//!
//! Bytes of a connection that does not receive any more may be on their way: they are held until
//! it does. Not here: memory that the kernel knows of (`sys/uring`).

mod accept;
mod events;
mod release;
mod slot;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io;
use std::net::{Shutdown, TcpStream};
use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use socket2::SockRef;

use self::accept::{Listener, Waiting};
use self::slot::{End, MAX_SLOTS, Slot, Wanted, token};
use super::{
    Accepted, BULK_BYTES, Behind, Close, Completion, Driver, Key, ListenerId, Listening,
    SMALL_BYTES, Sent, Step, Unpark, Watched,
};
use crate::output::Output;
use crate::sys::uring::{Handle, Parts, Ring, RingWaker, Sizes};
use crate::sys::{self, Descriptor};

/// The ring of a worker. It has room for more than usually happens in a turn: what goes beyond it
/// takes another call. Only buffers that were used take up memory.
const SIZES: Sizes =
    Sizes { requests: 512, completions: 4096, buffers: 256, buffer_bytes: 16 << 10 };

/// Connections accepted in one turn before others have theirs.
const ACCEPTS_PER_TURN: u32 = 64;

/// A driver on top of `io_uring`.
pub(crate) struct UringDriver {
    ring: Ring,
    now: Instant,
    /// Counts waits, if only to tell one from the next.
    turn: u32,
    listeners: Vec<Listener>,
    /// That of the last listener. No two have the same.
    listener_number: u64,
    accepting: bool,
    /// What was accepted is delivered, whatever comes of it.
    is_withdrawing: bool,
    accepts_left: u32,
    /// How much more bulk is handed over in this turn.
    bulk_left: usize,
    /// How many results of the ring are told in this turn: those that came behind the wait, with
    /// what was handed over in the midst of it, have to wait for the next.
    events_left: usize,
    /// Connections that the kernel has accepted and the worker was not told of.
    accepted: VecDeque<Waiting>,
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// That of the last connection. No two have the same, also where a place was freed in between.
    generation: u32,
    /// Slots of which something is to be told to the kernel.
    changed: Vec<u32>,
    /// Slots that deliver what they hold: in this turn, and in the next.
    ready: VecDeque<u32>,
    again: Vec<u32>,
    /// Slots with a send for whose next part nothing was left, the one that waits longest first.
    paused: VecDeque<u32>,
    /// What the last completion borrows.
    lent: Lent,
}

#[derive(Clone, Debug)]
enum Lent {
    Nothing,
    Buffer(u16),
    Held(u32, Range<usize>),
}

impl UringDriver {
    /// Says whether, and if not why, there can be such drivers here.
    pub(crate) fn check() -> io::Result<()> {
        Ring::new(SIZES).map(drop)
    }

    /// A driver that accepts from `listeners`.
    pub(crate) fn new(listeners: Vec<Listening>) -> io::Result<Self> {
        Self::with_sizes(listeners, SIZES)
    }

    fn with_sizes(listeners: Vec<Listening>, sizes: Sizes) -> io::Result<Self> {
        let mut driver = Self {
            ring: Ring::new(sizes)?,
            now: Instant::now(),
            turn: 0,
            listeners: Vec::new(),
            listener_number: 0,
            accepting: true,
            is_withdrawing: false,
            accepts_left: ACCEPTS_PER_TURN,
            bulk_left: BULK_BYTES,
            events_left: 0,
            accepted: VecDeque::new(),
            slots: Vec::new(),
            free: Vec::new(),
            generation: 0,
            changed: Vec::new(),
            ready: VecDeque::new(),
            again: Vec::new(),
            paused: VecDeque::new(),
            lent: Lent::Nothing,
        };
        listeners.into_iter().try_for_each(|listening| driver.listen(listening))?;
        Ok(driver)
    }

    /// A handle that wakes this driver.
    pub(crate) fn unpark(&self) -> Arc<dyn Unpark> {
        Arc::clone(self.ring.waker()) as Arc<dyn Unpark>
    }

    fn slot(&self, key: Key) -> Option<&Slot> {
        let slot = self.slots.get(key.index as usize)?;
        (slot.generation == key.generation && slot.socket.is_some()).then_some(slot)
    }

    fn slot_mut(&mut self, key: Key) -> Option<&mut Slot> {
        self.slot(key)?;
        self.slots.get_mut(key.index as usize)
    }

    /// Sees to it that the kernel, and the worker, are told what has become different of a slot.
    fn note(&mut self, index: u32) {
        let slot = &mut self.slots[index as usize];
        if !slot.is_changed {
            slot.is_changed = true;
            self.changed.push(index);
        }
        if !slot.is_queued && slot.has_deliverable() {
            slot.is_queued = true;
            self.again.push(index);
        }
    }

    /// Makes requests of all that has become different.
    fn prepare(&mut self) {
        self.ask_for_connections();
        for index in self.changed.drain(..) {
            self.slots[index as usize].tell(index, &mut self.ring);
        }
    }

    /// Takes back what the last completion borrowed.
    fn take_back(&mut self) {
        match std::mem::replace(&mut self.lent, Lent::Nothing) {
            Lent::Nothing => {}
            Lent::Buffer(id) => self.ring.recycle(id),
            Lent::Held(index, _) => {
                self.slots[index as usize].forget_held();
                self.note(index);
            }
        }
    }

    /// Delivers some of what a slot holds.
    fn deliver_held(&mut self, index: u32) -> Option<Step<TcpStream>> {
        let slot = &mut self.slots[index as usize];
        slot.is_queued = false;
        let key = Key { index, generation: slot.generation };
        let range = slot.take_held();
        if range.is_empty() {
            return match slot.take_end() {
                None => self.give_up(key),
                Some(End::Closed) => Some(Step::Received(key, 0)),
                Some(End::Failed(error)) => self.fail(key, error),
            };
        }
        let len = range.len();
        self.lent = Lent::Held(index, range);
        Some(Step::Received(key, len))
    }

    fn fail(&mut self, key: Key, error: io::Error) -> Option<Step<TcpStream>> {
        let slot = self.slot_mut(key)?;
        if slot.is_broken {
            return None;
        }
        (slot.is_broken, slot.is_over) = (true, true);
        self.note(key.index);
        Some(Step::Failed(key, error))
    }

    /// Gives as much of an output to the kernel as may be sent in this turn. It comes back as
    /// [`Event::Sent`].
    fn hand_over(&mut self, key: Key, output: Output) {
        let slot = &mut self.slots[key.index as usize];
        let (len, is_bulk) = (output.len(), output.len() > SMALL_BYTES);
        if is_bulk && self.bulk_left == 0 {
            slot.paused = Some(Box::new(output));
            self.paused.push_back(key.index);
            return;
        }
        let max = if is_bulk { len.min(self.bulk_left) } else { len };
        self.bulk_left -= if is_bulk { max } else { 0 };
        let socket = slot.socket.as_ref().expect("it is open");
        let (buffer, sent, tail) = output.into_parts();
        let parts = Parts { buffer, sent, tail };
        slot.sending = Some(self.ring.send(token(key), socket, parts, max));
    }

    /// Sends the last output of a connection now, if it is small, so that it goes in one packet
    /// with the end. The result of a request would come in the next turn, and so long the system
    /// must not be told to wait. Returns whether that was all; what goes wrong goes wrong again
    /// where it is handed over.
    fn send_last(&mut self, key: Key, output: &mut Output) -> bool {
        let slot = &mut self.slots[key.index as usize];
        let Some(socket) = &slot.socket else { return false };
        if output.len() > SMALL_BYTES || output.has_tail() {
            return false;
        }
        output.advance(sys::send_withheld(socket, &output.slices(SMALL_BYTES)[0]).unwrap_or(0));
        slot.withholds = output.is_empty();
        slot.withholds
    }

    /// Goes on with sends that had to wait for this turn.
    fn resume(&mut self) {
        while self.bulk_left > 0
            && let Some(index) = self.paused.pop_front()
        {
            let slot = &mut self.slots[index as usize];
            let key = Key { index, generation: slot.generation };
            // It may have been closed meanwhile.
            if let Some(output) = slot.paused.take() {
                self.hand_over(key, *output);
            }
        }
    }
}

impl Driver for UringDriver {
    type Socket = TcpStream;

    const SENDS_AT_ONCE: bool = false;
    const SENDS_FILES: bool = false;
    const COARSE_CLOCK: fn() -> u64 = sys::coarse_nanos;

    fn now(&self) -> Instant {
        self.now
    }

    fn clock(&self) -> Box<dyn Fn() -> Instant> {
        Box::new(Instant::now)
    }

    fn wait(&mut self, until: Option<Instant>) -> io::Result<()> {
        self.take_back();
        self.turn = self.turn.wrapping_add(1);
        self.accepts_left = ACCEPTS_PER_TURN;
        self.bulk_left = BULK_BYTES;
        self.ready.extend(self.again.drain(..));
        self.resume();
        self.prepare();
        let timeout = if self.has_more() {
            Some(Duration::ZERO)
        } else {
            until.map(|until| until.saturating_duration_since(Instant::now()))
        };
        let waited = self.ring.wait(timeout);
        self.events_left = self.ring.event_count();
        self.now = Instant::now();
        self.close_those_that_are_over();
        waited
    }

    fn next(&mut self) -> Option<Completion<'_, TcpStream>> {
        self.take_back();
        loop {
            let step = if let Some(index) = self.ready.pop_front() {
                self.deliver_held(index)
            } else if let Some(step) = self.take_accepted() {
                Some(step)
            } else {
                self.events_left = self.events_left.checked_sub(1)?;
                let Some(event) = self.ring.next_event() else { continue };
                self.take_event(event)
            };
            let Some(step) = step else { continue };
            return Some(step.with(match &self.lent {
                Lent::Nothing => &[],
                Lent::Buffer(id) => self.ring.bytes(*id),
                Lent::Held(index, range) => self.slots[*index as usize].held(range.clone()),
            }));
        }
    }

    fn next_due(&self) -> Option<Instant> {
        self.closes_next()
    }

    fn has_more(&self) -> bool {
        !self.ready.is_empty()
            || !self.again.is_empty()
            || !self.paused.is_empty()
            || self.ring.has_events()
            || (self.delivers_accepted() && !self.accepted.is_empty())
    }

    fn adopt(&mut self, socket: TcpStream) -> io::Result<Key> {
        let index = match self.free.pop() {
            Some(index) => index,
            None if self.slots.len() == MAX_SLOTS => return Err(io::ErrorKind::OutOfMemory.into()),
            None => {
                self.slots.push(Slot::default());
                u32::try_from(self.slots.len() - 1).expect("there are not as many")
            }
        };
        let generation = self.generation.wrapping_add(1);
        self.generation = generation;
        self.slots[index as usize].open(Handle::new(socket.into()), generation);
        self.note(index);
        Ok(Key { index, generation })
    }

    fn set_receiving(&mut self, key: Key, receiving: bool) {
        let Some(slot) = self.slot_mut(key) else { return };
        slot.wanted = if receiving { Wanted::Bytes } else { Wanted::Nothing };
        self.note(key.index);
    }

    fn send(&mut self, key: Key, output: &mut Output, behind: Behind) -> Poll<io::Result<()>> {
        let Some(slot) = self.slot(key) else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        debug_assert!(slot.sending.is_none() && slot.paused.is_none(), "one send at a time");
        if output.is_empty() {
            return Poll::Ready(Ok(()));
        }
        if behind == Behind::End && self.send_last(key, output) {
            return Poll::Ready(Ok(()));
        }
        self.hand_over(key, std::mem::take(output));
        Poll::Pending
    }

    fn submit(&mut self) {
        self.prepare();
        // What goes wrong will go wrong again in the next wait, which can tell of it.
        let _ = self.ring.submit();
    }

    fn settle(&mut self) {
        self.submit();
        self.events_left = self.ring.event_count();
    }

    fn untaken(&self, key: Key) -> u64 {
        let Some(slot) = self.slot(key) else { return 0 };
        let unsent = match (slot.sending, &slot.paused) {
            (Some(number), _) => self.ring.send_len(number),
            (None, paused) => paused.as_ref().map_or(0, |output| output.len()),
        };
        unsent as u64 + slot.socket.as_ref().map_or(0, sys::unacknowledged_bytes)
    }

    fn shutdown_send(&mut self, key: Key) {
        if self.slot(key).is_some_and(|slot| slot.sending.is_some()) {
            self.submit();
        }
        let Some(slot) = self.slot_mut(key) else { return };
        slot.withholds = false;
        slot.is_shut = true;
        if let Some(socket) = &slot.socket {
            // A peer that is gone already needs not be told.
            let _ = SockRef::from(socket).shutdown(Shutdown::Write);
        }
    }

    /// An output that the kernel has comes back as [`Completion::Sent`] when it needs it no more.
    fn close(&mut self, key: Key, how: Close) -> Option<Output> {
        let slot = self.slot_mut(key)?;
        let unsent = slot.paused.take().map(|output| *output);
        let withholds = slot.withholds;
        let socket = self.slots[key.index as usize].close(key.index, &mut self.ring)?;
        if how == Close::Graceful && withholds {
            // With bytes that nobody has read a close is a reset, which takes along what is unsent.
            let _ = SockRef::from(&socket).shutdown(Shutdown::Write);
        }
        if how == Close::Reset {
            // Without it the peer sees an ordinary end, which is all that is lost if this fails.
            let _ = SockRef::from(&socket).set_linger(Some(Duration::ZERO));
        }
        self.ring.close(socket);
        self.free.push(key.index);
        unsent
    }

    fn release(&mut self, key: Key) {
        self.begin_release(key);
    }

    fn set_accepting(&mut self, accepting: bool) {
        self.accepting = accepting;
    }

    fn listen(&mut self, listening: Listening) -> io::Result<()> {
        self.add_listener(listening)
    }

    fn unlisten(&mut self, id: ListenerId) {
        self.close_listeners_that(|listener| listener == id);
    }

    fn duplicate_listeners(&self) -> io::Result<Vec<Descriptor>> {
        let open = self.listeners.iter().filter(|listener| listener.closes_at.is_none());
        open.map(|listener| listener.socket.as_fd().try_clone_to_owned()).collect()
    }

    fn withdraw(&mut self) {
        self.is_withdrawing = true;
        self.close_listeners_that(|_| true);
    }

    fn has_listeners(&self) -> bool {
        !self.listeners.is_empty() || !self.accepted.is_empty()
    }

    fn close_listeners(&mut self) {
        self.close_all_listeners();
    }

    /// A place that is in a list stays.
    fn shrink(&mut self) {
        self.take_back();
        let is_free = |slot: &Slot| slot.socket.is_none() && !slot.is_changed && !slot.is_queued;
        while self.slots.last().is_some_and(is_free) {
            self.slots.pop();
        }
        let len = self.slots.len();
        self.paused.retain(|index| (*index as usize) < len);
        self.free.retain(|index| (*index as usize) < len);
        self.free.shrink_to_fit();
        self.slots.shrink_to_fit();
    }
}

impl Drop for UringDriver {
    fn drop(&mut self) {
        self.close_listeners();
        for slot in &mut self.slots {
            if let Some(socket) = slot.socket.take() {
                self.ring.close(socket);
            }
        }
    }
}

impl Unpark for RingWaker {
    fn unpark(&self) {
        self.wake();
    }
}

impl Watched for UringDriver {
    fn watch(&mut self) -> io::Result<()> {
        self.ring.watch_from_outside()
    }
}

impl AsFd for UringDriver {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ring.as_fd()
    }
}
