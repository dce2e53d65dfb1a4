//! The simulated backend: sockets in memory, with faults and time that come from a seed.
//!
//! [`SimNet`] connects drivers and clients (`net.rs`, `link.rs`, `client.rs`); [`SimDriver`] is one
//! worker's part of it. It may take only some of a send, give only some of what has come, break
//! connections and fail to accept, as [`Faults`] says, and in any case nothing but what a system
//! may do. Not here: what a worker makes of it.

mod client;
pub(crate) mod clock;
mod link;
mod net;
mod random;
mod socket;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, MutexGuard};
use std::task::Poll;
use std::thread;
use std::time::Instant;

pub(crate) use self::client::SimClient;
use self::link::Side;
pub(crate) use self::net::{Break, Faults, PATIENCE, Pace, SimNet};
use self::net::{State, Unparker, client_addr, server_addr};
pub(crate) use self::random::Random;
pub(crate) use self::socket::SimSocket;
use super::{
    Accepted, Behind, Close, Completion, Driver, Key, ListenerId, Listening, Origin, Sent, Step,
    Unpark,
};
use crate::output::Output;
use crate::sys::Descriptor;

/// How much is received at a time, in bytes.
const RECEIVE_BYTES: usize = 64 << 10;

/// How many looks that find nothing show that a driver has nothing to do: more than the turns in
/// which a worker does what nobody sees.
const LOOKS_IN_VAIN: u32 = 20;

/// What accepting fails with: about one peer, and about all of them.
const ACCEPT_ERRORS: [io::ErrorKind; 3] =
    [io::ErrorKind::ConnectionAborted, io::ErrorKind::Interrupted, io::ErrorKind::OutOfMemory];

/// A driver on a simulated net.
pub(crate) struct SimDriver {
    net: SimNet,
    /// This driver's place in the net.
    seat: usize,
    now: Instant,
    accepting: bool,
    slots: Vec<Slot>,
    free: Vec<u32>,
    ready: VecDeque<Ready>,
    buffer: Box<[u8]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ready {
    Accept,
    /// The rest of a send.
    Send(u32),
    Receive(u32),
    Release(u32),
}

#[derive(Default)]
struct Slot {
    link: Option<usize>,
    generation: u32,
    receiving: bool,
    /// The connection is to be given up.
    leaves: bool,
    /// The end, or the failure, was delivered.
    saw_end: bool,
    saw_failure: bool,
    unsent: Option<Output>,
    /// A system would be waiting with the last bytes for the end.
    withholds: bool,
}

impl Slot {
    fn is_readable(&self, state: &State) -> bool {
        let Some(link) = self.link.map(|link| &state.links[link]) else { return false };
        let has_bytes = link.readable_bytes(Side::Server) > 0;
        let has_end = link.is_at_end(Side::Server) && !self.saw_end;
        let has_failure = link.is_broken(Side::Server);
        !self.saw_failure && (has_failure || (self.receiving && (has_bytes || has_end)))
    }

    fn is_writable(&self, state: &State) -> bool {
        let Some(link) = self.link.map(|link| &state.links[link]) else { return false };
        self.unsent.is_some() && link.is_writable(Side::Server, state.time)
    }
}

impl SimDriver {
    fn new(net: SimNet, seat: usize, now: Instant) -> Self {
        Self {
            net,
            seat,
            now,
            accepting: true,
            slots: Vec::new(),
            free: Vec::new(),
            ready: VecDeque::new(),
            buffer: vec![0; RECEIVE_BYTES].into(),
        }
    }

    /// A handle that wakes this driver.
    pub(crate) fn unpark(&self) -> Arc<dyn Unpark> {
        Arc::new(Unparker { net: self.net.clone(), seat: self.seat })
    }

    /// How many slots hold a connection.
    pub(crate) fn open_slots(&self) -> usize {
        self.slots.iter().filter(|slot| slot.link.is_some()).count()
    }

    fn slot(&mut self, key: Key) -> Option<(&mut Slot, usize)> {
        let slot = self.slots.get_mut(key.index as usize)?;
        let link = slot.link.filter(|_| slot.generation == key.generation)?;
        Some((slot, link))
    }

    /// Everything that could be worked on now.
    fn all_ready(&self, state: &State) -> Vec<Ready> {
        let mut ready = Vec::new();
        if self.accepting && !state.seats[self.seat].backlog.is_empty() {
            ready.push(Ready::Accept);
        }
        for (index, slot) in (0..).zip(&self.slots) {
            if slot.is_writable(state) {
                ready.push(Ready::Send(index));
            }
            if slot.is_readable(state) {
                ready.push(Ready::Receive(index));
            }
            if slot.leaves && slot.link.is_some() && !slot.saw_failure {
                ready.push(Ready::Release(index));
            }
        }
        ready
    }

    fn accept(&mut self) -> Option<Step<SimSocket>> {
        if !self.accepting {
            return None;
        }
        let (net, seat) = (&self.net, self.seat);
        let step = net.act(|state| {
            let link = *state.seats[seat].backlog.front()?;
            let kind = state.faults.accepting.or_else(|| {
                let fails = state.random.one_in(state.faults.accept_error);
                fails.then(|| state.random.pick(&ACCEPT_ERRORS))
            });
            if let Some(kind) = kind {
                state.note(&format!("accept fails: {kind}"), link, seat);
                return Some(Step::AcceptFailed(kind.into()));
            }
            state.seats[seat].backlog.pop_front();
            state.note("accept", link, seat);
            let socket = SimSocket::new(net.clone(), link);
            Some(Step::Accepted(Accepted {
                socket,
                peer_addr: client_addr(link).into(),
                local_addr: Some(server_addr()),
                origin: Origin::PLAIN,
            }))
        })?;
        self.ready.push_back(Ready::Accept);
        Some(step)
    }

    /// Goes on with a send that was begun earlier.
    fn send_rest(&mut self, index: u32) -> Option<Step<SimSocket>> {
        let slot = &mut self.slots[index as usize];
        let (link, key) = (slot.link?, Key { index, generation: slot.generation });
        let mut output = slot.unsent.take()?;
        let result = match self.net.act(|state| transmit(state, link, &mut output)) {
            Ok(false) => {
                slot.unsent = Some(output);
                return None;
            }
            Ok(true) => Ok(()),
            Err(error) => Err(error),
        };
        Some(Step::Sent(Sent { key, output, result }))
    }

    fn receive(&mut self, index: u32) -> Option<Step<SimSocket>> {
        let slot = &mut self.slots[index as usize];
        let (link, key) = (slot.link?, Key { index, generation: slot.generation });
        // Something else in this turn may have changed it.
        if !slot.is_readable(&self.net.lock()) {
            return None;
        }
        if !slot.receiving {
            slot.saw_failure = true;
            return Some(Step::Failed(key, io::ErrorKind::ConnectionReset.into()));
        }
        match self.net.act(|state| state.read(link, Side::Server, &mut self.buffer)) {
            Ok(len) => {
                slot.saw_end = len == 0;
                Some(Step::Received(key, len))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            Err(error) => {
                slot.saw_failure = true;
                Some(Step::Failed(key, error))
            }
        }
    }

    /// Notes a look that did not wait. Who finds nothing many times in a row is at rest as well.
    fn note_look(&self, state: &mut State, found: bool) {
        let changes = state.changes;
        let seat = &mut state.seats[self.seat];
        let is_in_vain = !found && seat.looked_in_vain.0 == changes;
        seat.looked_in_vain = (changes, if is_in_vain { seat.looked_in_vain.1 + 1 } else { 0 });
        if seat.looked_in_vain.1 >= LOOKS_IN_VAIN {
            seat.waits_since = Some(changes);
            self.net.notify();
        }
    }

    /// Waits in real time for others to do something.
    fn sleep<'s>(&self, mut state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        let changes = state.changes;
        state.seats[self.seat].waits_since = Some(changes);
        self.net.notify();
        while state.changes == changes && !state.seats[self.seat].unparked {
            state = self.net.block(state, PATIENCE);
        }
        state.seats[self.seat].waits_since = None;
        state
    }
}

/// Hands as much of `output` to the net as it takes. Returns whether that was all.
fn transmit(state: &mut State, link: usize, output: &mut Output) -> io::Result<bool> {
    if let Some(kind) = state.faults.sending {
        return Err(kind.into());
    }
    if !state.links[link].is_writable(Side::Server, state.time) {
        return Ok(false);
    }
    let bytes = output.slices(usize::MAX).map(|slice| slice.to_vec()).concat();
    let is_short = state.random.one_in(state.faults.short_write);
    let limit = if is_short { state.random.below(bytes.len().max(1)) } else { bytes.len() };
    if limit > 0 {
        match state.write(link, Side::Server, &bytes[..limit]) {
            Ok(len) => output.advance(len),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    if is_short {
        let until = state.time + state.delay();
        state.links[link].block(Side::Server, until);
    }
    Ok(output.is_empty())
}

impl Driver for SimDriver {
    type Socket = SimSocket;

    const SENDS_AT_ONCE: bool = true;
    const SENDS_FILES: bool = false;
    const COARSE_CLOCK: fn() -> u64 = clock::nanos;

    fn now(&self) -> Instant {
        self.now
    }

    fn clock(&self) -> Box<dyn Fn() -> Instant> {
        let net = self.net.clone();
        Box::new(move || net.lock().now())
    }

    fn wait(&mut self, until: Option<Instant>) -> io::Result<()> {
        let net = self.net.clone();
        let withholds = self.slots.iter().any(|slot| slot.link.is_some() && slot.withholds);
        assert!(!withholds, "the end that was announced comes before anything else");
        let mut state = net.lock();
        let (mut has_jumped, mut has_slept) = (false, false);
        loop {
            state.deliver();
            self.ready = self.all_ready(&state).into();
            match state.seats[self.seat].breaks.take() {
                None => {}
                Some(Break::Error) => return Err(io::ErrorKind::OutOfMemory.into()),
                Some(Break::Panic) => {
                    drop(state);
                    std::panic::resume_unwind(Box::new("as asked for"));
                }
            }
            let was_unparked = std::mem::take(&mut state.seats[self.seat].unparked);
            let is_due = until.is_some_and(|until| until <= state.now());
            if was_unparked || is_due || !self.ready.is_empty() {
                self.note_look(&mut state, was_unparked || !self.ready.is_empty());
                break;
            }
            match state.pace {
                Pace::Threaded => {
                    // One wait is one, however often it is disturbed.
                    state.sleeps += u64::from(!std::mem::replace(&mut has_slept, true));
                    state = self.sleep(state);
                }
                // Something may have arrived for a client, which should have its turn.
                Pace::Ticked if has_jumped => break,
                Pace::Ticked => {
                    state.jump(until);
                    has_jumped = true;
                }
            }
        }
        let is_idle = state.pace == Pace::Threaded && self.ready.is_empty();
        if state.faults.disorder {
            state.random.shuffle(self.ready.make_contiguous());
        }
        self.now = state.now();
        drop(state);
        if is_idle {
            // Who looks again and again must not keep others from the net.
            thread::yield_now();
        }
        Ok(())
    }

    fn next(&mut self) -> Option<Completion<'_, SimSocket>> {
        loop {
            let step = match self.ready.pop_front()? {
                Ready::Accept => self.accept(),
                Ready::Send(index) => self.send_rest(index),
                Ready::Receive(index) => self.receive(index),
                Ready::Release(index) => self.give_up(index),
            };
            let Some(step) = step else { continue };
            return Some(step.with(&self.buffer));
        }
    }

    fn next_due(&self) -> Option<Instant> {
        None
    }

    fn has_more(&self) -> bool {
        !self.all_ready(&self.net.lock()).is_empty()
    }

    fn adopt(&mut self, mut socket: SimSocket) -> io::Result<Key> {
        let link = socket.link();
        self.net.act(|state| {
            if state.random.one_in(state.faults.adopt_error) {
                state.links[link].cut(true);
                state.note("adopt fails", link, self.seat);
                return Err(io::Error::from(io::ErrorKind::NotConnected));
            }
            state.note("adopt", link, self.seat);
            Ok(())
        })?;
        socket.note_adopted();
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            u32::try_from(self.slots.len() - 1).expect("a test has few connections")
        });
        let slot = &mut self.slots[index as usize];
        let generation = slot.generation.wrapping_add(1);
        *slot = Slot { link: Some(link), generation, receiving: true, ..Slot::default() };
        Ok(Key { index, generation })
    }

    fn set_receiving(&mut self, key: Key, receiving: bool) {
        if let Some((slot, _)) = self.slot(key) {
            slot.receiving = receiving;
        }
    }

    fn send(&mut self, key: Key, output: &mut Output, behind: Behind) -> Poll<io::Result<()>> {
        let net = self.net.clone();
        let Some((slot, link)) = self.slot(key) else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        assert!(slot.unsent.is_none(), "one send at a time");
        match net.act(|state| transmit(state, link, output)) {
            Ok(true) => {
                slot.withholds = behind == Behind::End;
                Poll::Ready(Ok(()))
            }
            Ok(false) => {
                slot.unsent = Some(std::mem::take(output));
                Poll::Pending
            }
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    /// A send is handed over as soon as it is begun.
    fn submit(&mut self) {}

    fn untaken(&self, key: Key) -> u64 {
        let slot = self.slots.get(key.index as usize);
        let Some(slot) = slot.filter(|slot| slot.generation == key.generation) else { return 0 };
        let Some(link) = slot.link else { return 0 };
        let unsent = slot.unsent.as_ref().map_or(0, Output::len);
        (unsent + self.net.lock().links[link].unread_bytes(Side::Server)) as u64
    }

    fn shutdown_send(&mut self, key: Key) {
        let net = self.net.clone();
        if let Some((slot, link)) = self.slot(key) {
            slot.withholds = false;
            net.act(|state| state.shut(link, Side::Server));
        }
    }

    fn close(&mut self, key: Key, how: Close) -> Option<Output> {
        let net = self.net.clone();
        let (slot, link) = self.slot(key)?;
        slot.link = None;
        let unsent = slot.unsent.take();
        self.free.push(key.index);
        net.act(|state| match how {
            Close::Graceful => state.close(link, Side::Server),
            Close::Reset => state.reset(link, Side::Server),
        });
        unsent
    }

    fn release(&mut self, key: Key) {
        if let Some((slot, _)) = self.slot(key) {
            assert!(slot.unsent.is_none() && !slot.withholds, "nothing is being sent");
            (slot.receiving, slot.leaves) = (false, true);
        }
    }

    fn set_accepting(&mut self, accepting: bool) {
        self.accepting = accepting;
    }

    /// Tests have few connections.
    fn shrink(&mut self) {}

    /// A net has the one listener.
    fn listen(&mut self, _listening: Listening) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn unlisten(&mut self, _id: ListenerId) {}

    fn duplicate_listeners(&self) -> io::Result<Vec<Descriptor>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn withdraw(&mut self) {
        self.close_listeners();
    }

    fn has_listeners(&self) -> bool {
        self.net.lock().seats[self.seat].listening
    }

    fn close_listeners(&mut self) {
        self.net.act(|state| {
            state.seats[self.seat].listening = false;
            for link in std::mem::take(&mut state.seats[self.seat].backlog) {
                state.reset(link, Side::Server);
            }
        });
    }
}

/// A driver that is gone takes its connections along, as its descriptors would be closed.
impl Drop for SimDriver {
    fn drop(&mut self) {
        self.close_listeners();
        let links: Vec<usize> = self.slots.iter().filter_map(|slot| slot.link).collect();
        self.net.act(|state| {
            for link in links {
                state.close(link, Side::Server);
            }
            state.seats[self.seat].gone = true;
        });
    }
}
