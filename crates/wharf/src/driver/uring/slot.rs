//! A place for a connection: what the kernel has been asked to do for it, and what is to be done.
//!
//! Not here: system calls (`sys`), and who does what when (`mod.rs`).

use std::io;
use std::mem::take;
use std::ops::Range;

use crate::driver::Key;
use crate::output::Output;
use crate::sys::uring::{Handle, MAX_TOKEN, Request, Ring};

/// How much of one connection is delivered in a turn, in bytes, so that others have theirs. What
/// comes beyond it is held.
const TURN_BYTES: usize = 64 << 10;

/// How much is held of one connection before it is given up, in bytes: what the kernel may have
/// received by the time it heard that nothing more is wanted is less.
const MAX_HELD_BYTES: usize = 8 << 20;

/// The bits of a token that are an index; the rest is a generation.
const INDEX_BITS: u32 = 28;

/// How many connections there may be, so that their indices fit.
pub(super) const MAX_SLOTS: usize = 1 << INDEX_BITS;

const _: () = assert!((u32::MAX as u64) << INDEX_BITS | (MAX_SLOTS as u64 - 1) == MAX_TOKEN);

/// What requests of a connection are known by.
pub(super) const fn token(key: Key) -> u64 {
    (key.generation as u64) << INDEX_BITS | key.index as u64
}

#[expect(clippy::cast_possible_truncation, reason = "the parts of a token")]
pub(super) const fn key(token: u64) -> Key {
    let index = token as u32 & (MAX_SLOTS as u32 - 1);
    Key { index, generation: (token >> INDEX_BITS) as u32 }
}

/// Where a request stands that has several results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Asked {
    #[default]
    No,
    Yes,
    /// Its last result is still to come.
    Cancelled,
}

impl Asked {
    /// What it takes to have what is wanted.
    pub(super) const fn change(self, is_wanted: bool) -> Change {
        match (self, is_wanted) {
            (Self::No, true) => Change::Ask,
            (Self::Yes, false) => Change::Cancel,
            (Self::No, false) | (Self::Yes, true) | (Self::Cancelled, _) => Change::Nothing,
        }
    }
}

/// What is to be told to the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Nothing,
    Ask,
    Cancel,
}

/// What the worker wants of a connection, apart from sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Wanted {
    Bytes,
    #[default]
    Nothing,
    /// The socket, to go on with it elsewhere.
    Socket,
}

/// Why nothing more is received.
#[derive(Debug)]
pub(super) enum End {
    Closed,
    Failed(io::Error),
}

/// What came but can't be delivered yet.
#[derive(Debug, Default)]
pub(super) struct Held {
    bytes: Vec<u8>,
    delivered: usize,
    end: Option<End>,
}

/// A place for a connection. It stays small: there is one for each that is idle.
#[derive(Default)]
pub(super) struct Slot {
    pub(super) socket: Option<Handle>,
    pub(super) generation: u32,
    /// Something is to be told to the kernel before the next wait.
    pub(super) is_changed: bool,
    /// It is in the list of those that deliver what they hold.
    pub(super) is_queued: bool,
    pub(super) wanted: Wanted,
    /// Nothing more will come.
    pub(super) is_over: bool,
    /// The worker was told that the connection is broken.
    pub(super) is_broken: bool,
    pub(super) receive: Asked,
    pub(super) watch: Asked,
    /// The number of the send that is under way.
    pub(super) sending: Option<u32>,
    /// The system was told to wait with the last bytes for the end.
    pub(super) withholds: bool,
    /// The sending side was shut down.
    pub(super) is_shut: bool,
    /// Both sides were, in good order, and the system has no more to tell.
    pub(super) has_hung_up: bool,
    /// What is sent on in the next turn.
    pub(super) paused: Option<Box<Output>>,
    /// How much was delivered in which turn.
    delivered: u32,
    turn: u32,
    held: Option<Box<Held>>,
}

impl Slot {
    /// Puts a connection here, receiving.
    pub(super) fn open(&mut self, socket: Handle, generation: u32) {
        // It may be in a list from before.
        let (is_changed, is_queued) = (self.is_changed, self.is_queued);
        *self = Self {
            socket: Some(socket),
            generation,
            is_changed,
            is_queued,
            wanted: Wanted::Bytes,
            ..Self::default()
        };
    }

    /// Takes the connection off, with the requests on it cancelled.
    pub(super) fn close(&mut self, index: u32, ring: &mut Ring) -> Option<Handle> {
        let socket = self.socket.take()?;
        let token = token(Key { index, generation: self.generation });
        if self.receive == Asked::Yes {
            ring.cancel(Request::Receive, token);
        }
        if self.watch == Asked::Yes {
            ring.cancel(Request::Watch, token);
        }
        if let Some(number) = self.sending.take() {
            ring.cancel(Request::Send, number.into());
        }
        self.held = None;
        Some(socket)
    }

    /// Tells the kernel what has become different.
    ///
    /// A connection that does not receive is watched, so that its worker hears if it breaks.
    pub(super) fn tell(&mut self, index: u32, ring: &mut Ring) {
        self.is_changed = false;
        let Some(socket) = &self.socket else { return };
        let token = token(Key { index, generation: self.generation });
        let receives = self.receives() && !self.is_over && self.held.is_none();
        match self.receive.change(receives) {
            Change::Nothing => {}
            Change::Ask => {
                ring.receive(token, socket);
                self.receive = Asked::Yes;
            }
            Change::Cancel => {
                ring.cancel(Request::Receive, token);
                self.receive = Asked::Cancelled;
            }
        }
        let may_break = !self.is_broken && !self.has_hung_up;
        let watches = match self.wanted {
            Wanted::Bytes => self.is_over && may_break,
            Wanted::Nothing => may_break,
            Wanted::Socket => false,
        };
        match self.watch.change(watches) {
            Change::Nothing => {}
            Change::Ask => {
                ring.watch(token, socket);
                self.watch = Asked::Yes;
            }
            Change::Cancel => {
                ring.cancel(Request::Watch, token);
                self.watch = Asked::Cancelled;
            }
        }
    }

    /// Whether so many bytes that came in `turn` are to be delivered at once. If not, they are to
    /// be held.
    pub(super) fn delivers(&mut self, turn: u32, len: usize) -> bool {
        if !self.receives() || self.held.is_some() {
            return false;
        }
        if self.turn != turn {
            (self.turn, self.delivered) = (turn, 0);
        }
        self.delivered = self.delivered.saturating_add(u32::try_from(len).unwrap_or(u32::MAX));
        self.delivered as usize <= TURN_BYTES
    }

    /// Keeps what can't be delivered.
    pub(super) fn hold(&mut self, bytes: &[u8]) {
        let held = self.held.get_or_insert_default();
        if held.bytes.len() + bytes.len() <= MAX_HELD_BYTES {
            held.bytes.extend_from_slice(bytes);
        } else {
            self.end(End::Failed(io::ErrorKind::OutOfMemory.into()));
        }
    }

    /// Nothing more will come after what is held.
    pub(super) fn end(&mut self, end: End) {
        self.is_over = true;
        self.held.get_or_insert_default().end = Some(end);
    }

    pub(super) fn receives(&self) -> bool {
        self.wanted == Wanted::Bytes
    }

    /// Whether what is held can be delivered, if only its end, or the socket be given up.
    pub(super) fn has_deliverable(&self) -> bool {
        self.has_deliverable_held() || self.can_leave()
    }

    fn has_deliverable_held(&self) -> bool {
        let Some(held) = &self.held else { return false };
        self.receives() || matches!(held.end, Some(End::Failed(_)))
    }

    /// Whether the socket is wanted, and no request names it any more.
    fn can_leave(&self) -> bool {
        let is_unnamed = self.receive == Asked::No && self.watch == Asked::No;
        self.wanted == Wanted::Socket && is_unnamed && self.socket.is_some() && !self.is_broken
    }

    /// A part of what is held that is to be delivered now. Empty: see [`take_end`](Self::take_end).
    pub(super) fn take_held(&mut self) -> Range<usize> {
        let receives = self.receives();
        let Some(held) = self.held.as_mut().filter(|_| receives) else { return 0..0 };
        let start = held.delivered;
        held.delivered = held.bytes.len().min(start + TURN_BYTES);
        start..held.delivered
    }

    pub(super) fn held(&self, range: Range<usize>) -> &[u8] {
        self.held.as_ref().map_or(&[], |held| &held.bytes[range])
    }

    /// Forgets what is held once all of it is delivered. Returns whether it has.
    pub(super) fn forget_held(&mut self) -> bool {
        let is_delivered =
            |held: &mut Box<Held>| held.end.is_none() && held.delivered == held.bytes.len();
        self.held.take_if(is_delivered).is_some()
    }

    /// What came behind the bytes that are held, once it can be delivered.
    pub(super) fn take_end(&mut self) -> Option<End> {
        if !self.has_deliverable_held() {
            return None;
        }
        take(&mut self.held)?.end
    }

    /// Takes the socket off, once it can leave, with what it received and did not deliver.
    pub(super) fn leave(&mut self) -> Option<(Handle, Vec<u8>)> {
        if !self.can_leave() {
            return None;
        }
        let held = take(&mut self.held).map_or_else(Held::default, |held| *held);
        let mut unread = held.bytes;
        unread.drain(..held.delivered);
        Some((self.socket.take()?, unread))
    }
}
