//! The seam between workers and the operating system: a worker says what it wants, a [`Driver`]
//! brings results together with the bytes.
//!
//! The interface has the shape of completions: who asks for something hands over what is needed
//! and gets it back with the result. A readiness backend (`mio`) may answer a send at once; one
//! that hands buffers to the kernel (`uring`) answers later. Connections never see which backend it
//! is. Not here: what bytes mean.

mod input;
mod listening;
mod mio;
#[cfg(test)]
pub(crate) mod sim;

#[cfg(all(target_os = "linux", any(target_arch = "aarch64", target_arch = "x86_64")))]
mod uring;
#[cfg(all(target_os = "linux", any(target_arch = "aarch64", target_arch = "x86_64")))]
pub(crate) use self::uring::UringDriver;

#[cfg(not(all(target_os = "linux", any(target_arch = "aarch64", target_arch = "x86_64"))))]
mod no_uring;
#[cfg(not(all(target_os = "linux", any(target_arch = "aarch64", target_arch = "x86_64"))))]
pub(crate) use self::no_uring::UringDriver;

use std::error::Error;
use std::net::{SocketAddr, TcpStream};
use std::task::Poll;
use std::time::Instant;
use std::{fmt, io};

pub(crate) use self::input::{Input, MIN_SHARE_BYTES};
use self::listening::LocalAddr;
pub(crate) use self::listening::{
    ListenSocket, ListenerId, Listening, Origin, is_about_one_peer, is_closed_to_all,
};
pub(crate) use self::mio::{Combined, MioDriver, Watched};
use crate::output::Output;
use crate::peer::PeerAddr;
use crate::sys::Descriptor;

/// A send of more than this is bulk: what is asked for in quantity waits for what is asked for in
/// small.
const SMALL_BYTES: usize = 16 << 10;

/// How much of one bulk send, and of all together, is handed to the system in one turn: so little
/// that nobody else notices, and so much that nothing is lost by it.
const BULK_BYTES: usize = 256 << 10;

/// How many connections are still accepted from a listener that is to be closed: as many as usually
/// fit where they wait.
const MAX_LAST_ACCEPTS: u32 = 4096;

/// Names one connection of one worker. A key is never valid again after its connection closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    /// The slot, which another connection may use later.
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

/// Something that came of what a worker asked for.
#[derive(Debug)]
pub(crate) enum Completion<'d, S> {
    Accepted(Accepted<S>),
    /// A connection could not be accepted.
    AcceptFailed {
        error: io::Error,
    },
    /// Bytes came from the peer. None at all: it closed its sending side.
    Received {
        key: Key,
        input: Input<'d>,
    },
    /// The connection is broken. This comes also to one that does not receive.
    Failed {
        key: Key,
        error: io::Error,
    },
    /// A send that was begun earlier is over.
    Sent(Sent),
    /// A connection is this driver's no more.
    Released(Released),
}

/// A connection that was accepted; [`Driver::adopt`] makes it this driver's.
#[derive(Debug)]
pub(crate) struct Accepted<S> {
    pub(crate) socket: S,
    pub(crate) peer_addr: PeerAddr,
    /// `None` on a Unix socket.
    pub(crate) local_addr: Option<SocketAddr>,
    pub(crate) origin: Origin,
}

/// A completion that does not borrow the receive buffer yet, so that a backend can go on looking
/// for one.
enum Step<S> {
    Accepted(Accepted<S>),
    AcceptFailed(io::Error),
    /// So many bytes of the buffer.
    Received(Key, usize),
    Failed(Key, io::Error),
    Sent(Sent),
    Released(Released),
}

impl<S> Step<S> {
    /// The completion, with its bytes.
    fn with(self, buffer: &[u8]) -> Completion<'_, S> {
        match self {
            Self::Accepted(accepted) => Completion::Accepted(accepted),
            Self::AcceptFailed(error) => Completion::AcceptFailed { error },
            Self::Received(key, len) => {
                Completion::Received { key, input: Input::new(&buffer[..len]) }
            }
            Self::Failed(key, error) => Completion::Failed { key, error },
            Self::Sent(sent) => Completion::Sent(sent),
            Self::Released(released) => Completion::Released(released),
        }
    }
}

/// A send that is over: all of it, unless `result` is an error. The output comes back to be used
/// again.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) key: Key,
    pub(crate) output: Output,
    pub(crate) result: io::Result<()>,
}

/// A connection that was given up by [`Driver::release`]. Its key is valid no more. Who has closed
/// it meanwhile drops it, which closes the socket.
#[derive(Debug)]
pub(crate) struct Released {
    pub(crate) key: Key,
    /// It blocks. On Unix it may be of any family, as all that is accepted.
    pub(crate) socket: TcpStream,
    /// What had been received and not delivered: it comes before what the socket still has.
    pub(crate) unread: Vec<u8>,
}

/// What comes behind an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behind {
    /// More may be sent at any time.
    More,
    /// Nothing: the sending side is shut down, or the connection closed, as soon as the send is
    /// over. The last bytes may wait for that, so that they share a packet with it.
    End,
}

/// What to do with a connection's unsent and unread bytes when it is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Close {
    /// What was sent is delivered.
    Graceful,
    /// The peer is told that something is missing.
    Reset,
}

/// One worker's way to the operating system.
///
/// A closed connection's key may still occur in completions that were under way; whoever gets
/// them compares generations.
pub(crate) trait Driver {
    /// An accepted socket that no driver owns yet.
    type Socket: Send + 'static;

    /// Whether a send is over at once, as long as the peer keeps up.
    const SENDS_AT_ONCE: bool;

    /// Whether outputs may end with a file, as far as the system [can send
    /// them](crate::sys::can_send_files).
    const SENDS_FILES: bool;

    /// A clock for whoever looks often, in nanoseconds since some beginning. It may go in steps of
    /// some milliseconds.
    const COARSE_CLOCK: fn() -> u64;

    /// The time of the last [`wait`](Self::wait), or of the driver's making.
    fn now(&self) -> Instant;

    /// What tells the time between two waits.
    fn clock(&self) -> Box<dyn Fn() -> Instant>;

    /// Waits until something completes, `until` has come, or the doorbell is rung. `None` waits
    /// without an end; an instant that has passed does not wait.
    fn wait(&mut self, until: Option<Instant>) -> io::Result<()>;

    /// When to wait no longer, even if nothing has completed.
    fn next_due(&self) -> Option<Instant>;

    /// The next result of this turn. Bounded: each connection delivers once a turn, which workers
    /// rely on.
    fn next(&mut self) -> Option<Completion<'_, Self::Socket>>;

    /// Whether results are left for which nobody needs to wait.
    fn has_more(&self) -> bool;

    /// Takes a connection on, receiving.
    fn adopt(&mut self, socket: Self::Socket) -> io::Result<Key>;

    /// Stops or resumes delivering a connection's bytes, so that its peer is slowed down.
    fn set_receiving(&mut self, key: Key, receiving: bool);

    /// Sends all of `output`. If that is not over at once, the output is taken and comes back with
    /// the result as [`Completion::Sent`]. One send per connection at a time. What fails with a
    /// [`FileFailed`] has nothing to do with the connection.
    fn send(&mut self, key: Key, output: &mut Output, behind: Behind) -> Poll<io::Result<()>>;

    /// Hands over what was begun, without waiting: for those who do not know when they will wait
    /// next. [`wait`](Self::wait) does it as well.
    fn submit(&mut self);

    /// As [`submit`](Self::submit), and has [`next`](Self::next) tell what has come of it by now:
    /// for an end, behind which there is no other turn.
    fn settle(&mut self) {
        self.submit();
    }

    /// How many bytes of the connection's current send the peer has not taken: those that were not
    /// handed to the system, and those that it has not acknowledged, where the system can tell.
    fn untaken(&self, key: Key) -> u64;

    /// Tells the peer that nothing more will be sent.
    fn shutdown_send(&mut self, key: Key);

    /// Closes a connection. Gives back an output that was being sent, since dropping it may run the
    /// program's code.
    fn close(&mut self, key: Key, how: Close) -> Option<Output>;

    /// Gives a connection up without closing it, while nothing is being sent. Nothing more of it is
    /// delivered but [`Completion::Released`], or [`Completion::Failed`] in its place; until then
    /// it can be closed, but nothing else. The end of what the peer sends, and most failures, are
    /// left for whoever reads from the socket.
    fn release(&mut self, key: Key);

    /// Stops or resumes accepting.
    fn set_accepting(&mut self, accepting: bool);

    /// Accepts from another listener.
    fn listen(&mut self, listening: Listening) -> io::Result<()>;

    /// Closes a listener, if it is this driver's, once what has come there was accepted.
    fn unlisten(&mut self, id: ListenerId);

    /// Another descriptor of each listener.
    fn duplicate_listeners(&self) -> io::Result<Vec<Descriptor>>;

    /// Closes the listeners once what has come to them was accepted, if anything is accepted now;
    /// what the system has accepted is delivered in any case. Who has begun to connect has come.
    fn withdraw(&mut self);

    /// Whether connections may still be accepted or delivered.
    fn has_listeners(&self) -> bool;

    /// Closes the listeners at once.
    fn close_listeners(&mut self);

    /// Frees places of connections that are closed, where a burst has left many.
    fn shrink(&mut self);
}

/// A file could not be read whose bytes were to be sent.
#[derive(Debug)]
pub(crate) struct FileFailed(pub(crate) io::Error);

impl fmt::Display for FileFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for FileFailed {}

/// Wakes a driver that waits, from any thread.
pub(crate) trait Unpark: Send + Sync {
    /// Makes the current or the next [`Driver::wait`] return.
    fn unpark(&self);
}
