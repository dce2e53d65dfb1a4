//! Interim responses on their way from a handler to its connection.
//!
//! A handler runs on the worker of its connection, which looks here as soon as the handler has had
//! its turn; the thread is what the two have in common, so that no request carries a way back. Not
//! here: what a response looks like (`wharf_proto`).

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU64, Ordering};

use http::StatusCode;
use wharf_proto::{Headers, Misuse};

/// How many threads there have been, in the upper bits.
static THREADS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// The exchange whose handler is running, or 0.
    static RUNNING: Cell<u64> = const { Cell::new(0) };
    /// Where a thread counts from is its own, so that no two exchanges have one number.
    static LAST_EXCHANGE: Cell<u64> = Cell::new(THREADS.fetch_add(1 << 40, Ordering::Relaxed));
    static QUEUE: RefCell<Vec<(StatusCode, Headers)>> = const { RefCell::new(Vec::new()) };
}

/// How many a handler may leave in one turn of its own.
const MAX_QUEUED: usize = 16;

/// The interim responses of one exchange.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Interims {
    exchange: u64,
}

/// The handler of an exchange runs for as long as this lives.
pub(crate) struct Running {
    before: u64,
}

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.set(self.before);
    }
}

impl Interims {
    /// Those of a new exchange on this thread.
    pub(crate) fn begin() -> Self {
        let exchange = LAST_EXCHANGE.get() + 1;
        LAST_EXCHANGE.set(exchange);
        Self { exchange }
    }

    /// The number of the exchange, which no other has.
    pub(crate) const fn exchange(self) -> u64 {
        self.exchange
    }

    /// Notes that the handler of the exchange runs.
    pub(crate) fn run(self) -> Running {
        Running { before: RUNNING.replace(self.exchange) }
    }

    /// Leaves an interim response for the connection.
    pub(crate) fn push(self, status: StatusCode, headers: Headers) -> Result<(), Misuse> {
        let is_ours = status == StatusCode::CONTINUE || status == StatusCode::SWITCHING_PROTOCOLS;
        if !status.is_informational() || is_ours {
            return Err(Misuse::WrongStatusClass);
        }
        if self.exchange == 0 || self.exchange != RUNNING.get() {
            return Err(Misuse::NotAwaitingResponse);
        }
        QUEUE.with_borrow_mut(|queue| {
            if queue.len() == MAX_QUEUED {
                return Err(Misuse::NotAwaitingResponse);
            }
            queue.push((status, headers));
            Ok(())
        })
    }

    /// Takes what the handler has left in its turn.
    pub(crate) fn take() -> Vec<(StatusCode, Headers)> {
        QUEUE.with_borrow_mut(std::mem::take)
    }

    /// Whether a handler has left something.
    pub(crate) fn are_there() -> bool {
        QUEUE.with_borrow(|queue| !queue.is_empty())
    }
}
