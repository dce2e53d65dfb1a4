//! One stream: its state, its windows, and what of its request and response is still to come.
//!
//! Not here: transitions (`state.rs`), where streams are kept (`streams.rs`).

use super::flow::{RecvWindow, SendWindow};
use super::priority::Priority;
use super::state::{Input, State};

/// A stream that is open.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    pub(super) id: u32,
    pub(super) state: State,
    pub(super) send_window: SendWindow,
    pub(super) recv_window: RecvWindow,
    pub(super) body: RequestBody,
    pub(super) sending: Sending,
    pub(super) priority: Priority,
    pub(super) kind: RequestKind,
    /// The request is refused: what of it still comes is dropped.
    pub(super) is_refused: bool,
    /// The application has more to send and waits for the window.
    pub(super) awaits_window: bool,
}

/// What a method means for the messages of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RequestKind {
    Usual,
    /// The response has no content.
    Head,
    /// What follows the heads is a tunnel.
    Connect,
}

/// How much of a request's body came.
#[derive(Clone, Copy, Debug)]
pub(super) struct RequestBody {
    /// What Content-Length says.
    pub(super) announced: Option<u64>,
    /// What of it came; behind the response to one that is refused, what was dropped since.
    pub(super) received: u64,
    /// The most that is taken.
    pub(super) max: u64,
}

/// How far a response is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sending {
    /// Its head is not out.
    Awaiting,
    /// So many bytes of its body are not out.
    Length(u64),
    /// Its body goes on until it is ended.
    Unknown,
    /// It is out in full.
    Done,
}

impl Stream {
    /// Goes to the state after `input`, which the caller knows to be allowed.
    pub(super) fn step(&mut self, input: Input) {
        let next = self.state.after(input);
        debug_assert!(next.is_some(), "{input:?} in {:?}", self.state);
        self.state = next.unwrap_or(self.state);
    }
}
