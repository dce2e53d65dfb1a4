//! [`Stream`]: one request and its response on a connection that has several at a time.
//!
//! Not here: frames and windows (the machine's), and what happens to a stream (`receive.rs`,
//! `respond.rs`).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use wharf_proto::h2::StreamKey;

use crate::conn::current::Current;
use crate::conn::deadline::{Deadline, Pace};
use crate::conn::exchange::{Exchange, discard};
use crate::interim::Interims;
use crate::lifeline::Lifeline;

/// One request and its response.
pub(super) struct Stream {
    pub(super) key: StreamKey,
    /// Which of the connection's requests it is.
    pub(super) number: u32,
    pub(super) exchange: Exchange,
    pub(super) interims: Interims,
    pub(super) lifeline: Lifeline,
    pub(super) current: Current,
    /// What of the response's body was taken from where it comes from, and not sent.
    pub(super) pending: Bytes,
    /// The response is that to HEAD.
    pub(super) is_head: bool,
    /// The peer waits with the body until it is asked for it.
    pub(super) expects_continue: bool,
    /// The response was told of, or never will be.
    pub(super) is_told: bool,
    /// How much of the request's body was passed on and not made up for in the window.
    pub(super) unreleased: usize,
    /// The handler does not keep up with the request's body.
    pub(super) is_paused: bool,
    /// The response is out, and what still comes of the request is dropped.
    pub(super) is_dropping: bool,
    /// When more of the request's body has to have come, or its end.
    pub(super) body_deadline: Deadline,
    /// All that was taken of the response's body is in the output that is being sent.
    pub(super) is_sent_with_it: bool,
    /// More of the response's body is taken when there is room for it in the output.
    pub(super) is_held: bool,
    /// How fast the request's body had to come when that was looked at last.
    pub(super) body_pace: Option<Pace>,
    /// When the peer has to have made room for more of the response.
    pub(super) room_deadline: Deadline,
    /// How long that may take, if the handler said so.
    pub(super) write_timeout: Option<Duration>,
    pub(super) waker: Waker,
    wake: Arc<StreamWake>,
}

impl Stream {
    /// One that no request has. `waker` is the connection's.
    pub(super) fn new(key: StreamKey, waker: &Waker) -> Self {
        let wake = Arc::new(StreamWake { connection: waker.clone(), is_woken: false.into() });
        Self {
            key,
            number: 0,
            exchange: Exchange::default(),
            interims: Interims::default(),
            lifeline: Lifeline::new(),
            current: Current::default(),
            pending: Bytes::new(),
            is_head: false,
            expects_continue: false,
            is_told: false,
            unreleased: 0,
            is_paused: false,
            is_dropping: false,
            body_deadline: Deadline::new(),
            is_sent_with_it: false,
            is_held: false,
            body_pace: None,
            room_deadline: Deadline::new(),
            write_timeout: None,
            waker: Waker::from(Arc::clone(&wake)),
            wake,
        }
    }

    /// Whether something that it waited for has come since the last call.
    pub(super) fn take_woken(&self) -> bool {
        self.wake.is_woken.load(Ordering::Relaxed)
            && self.wake.is_woken.swap(false, Ordering::AcqRel)
    }

    /// When something has to have happened.
    pub(super) fn due(&self) -> Option<Instant> {
        let body_due = self.body_deadline.due();
        let room_due = self.room_deadline.due();
        [self.exchange.handler_due, body_due, room_due].into_iter().flatten().min()
    }

    /// Forgets the request and keeps storage.
    pub(super) fn clear(&mut self) {
        self.lifeline.clear();
        if !self.pending.is_empty() || !self.exchange.is_over() || self.exchange.failure.is_some() {
            // What is left is the program's, and so is what its destructors do.
            discard((std::mem::take(&mut self.pending), std::mem::take(&mut self.exchange)));
        }
        self.exchange = Exchange::default();
        self.current.clear();
        self.is_head = false;
        self.expects_continue = false;
        self.is_told = false;
        self.unreleased = 0;
        self.is_paused = false;
        self.is_dropping = false;
        self.body_deadline = Deadline::new();
        self.is_sent_with_it = false;
        self.is_held = false;
        self.body_pace = None;
        self.room_deadline = Deadline::new();
        self.write_timeout = None;
        self.wake.is_woken.store(false, Ordering::Relaxed);
    }
}

/// Wakes a connection for one of its streams. A clone that outlives its request wakes the next for
/// nothing.
struct StreamWake {
    connection: Waker,
    is_woken: AtomicBool,
}

impl Wake for StreamWake {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_woken.store(true, Ordering::Release);
        self.connection.wake_by_ref();
    }
}
