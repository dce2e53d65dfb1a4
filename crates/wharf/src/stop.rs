//! [`StopSwitch`]: tells servers to drain or to stop, from anywhere, a signal handler included.
//!
//! Not here: what a server does then (`worker/drain.rs`).

use std::fmt;
use std::sync::{Arc, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use crate::sync::{AtomicU64, Mutex, Ordering, fence};
use crate::worker::Doorbell;

/// In place of the end of a server that was not told to end.
const NEVER: u64 = u64::MAX;

/// Tells servers to end: once, for good, from any thread.
///
/// Clones are the same switch, and several servers may share one. [`drain`](Self::drain) lets what
/// has begun come to its end, [`stop`](Self::stop) does not wait. Either may be called again, but
/// the end is never put off by it.
///
/// Both may be called in a signal handler on Unix: they neither allocate nor wait for a lock.
///
/// ```
/// use std::time::Duration;
/// use wharf::{Server, StopSwitch};
///
/// let switch = StopSwitch::new();
/// let server = Server::new("hello").stop_switch(&switch).listen("127.0.0.1:0")?;
/// std::thread::spawn(move || switch.drain(Duration::from_secs(30)));
/// server.run()?;
/// # Ok::<(), wharf::Error>(())
/// ```
#[derive(Clone)]
pub struct StopSwitch {
    shared: Arc<Shared>,
}

struct Shared {
    made_at: Instant,
    /// When all is over, in nanoseconds since the switch was made: zero is at once. It only falls.
    ends_at: AtomicU64,
    bells: Mutex<Bells>,
}

/// The workers that have to hear of it.
struct Bells {
    doorbells: Vec<Arc<Doorbell>>,
    /// The end that they were rung for.
    rung_for: u64,
}

impl Default for StopSwitch {
    fn default() -> Self {
        Self::new()
    }
}

impl StopSwitch {
    /// A switch that was not used yet.
    #[must_use]
    pub fn new() -> Self {
        let bells = Bells { doorbells: Vec::new(), rung_for: NEVER };
        let shared = Shared {
            made_at: Instant::now(),
            ends_at: AtomicU64::new(NEVER),
            bells: Mutex::new(bells),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Tells every server that has this switch to accept nothing more, to let what has begun come
    /// to its end, and to stop as soon as nothing is left or `deadline` is over.
    ///
    /// Returns at once. Of several calls the one with the earliest end counts.
    pub fn drain(&self, deadline: Duration) {
        match Instant::now().checked_add(deadline) {
            Some(at) => self.drain_until(at),
            // Beyond what the clock can tell is later than any other.
            None => self.end_at(NEVER - 1),
        }
    }

    /// As [`drain`](Self::drain), with the end on the clock of whoever says so.
    pub(crate) fn drain_until(&self, at: Instant) {
        let nanos = at.saturating_duration_since(self.shared.made_at).as_nanos();
        // Zero would be to stop, without a look at what has begun.
        self.end_at(u64::try_from(nanos).unwrap_or(NEVER).clamp(1, NEVER - 1));
    }

    /// Tells every server that has this switch to stop now: connections are closed, and handlers
    /// that have not answered are dropped. Again: nothing happens.
    pub fn stop(&self) {
        self.end_at(0);
    }

    /// Whether [`stop`](Self::stop) was called.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.shared.ends_at.load(Ordering::Acquire) == 0
    }

    /// Whether [`drain`](Self::drain) or [`stop`](Self::stop) was called.
    #[must_use]
    pub fn is_used(&self) -> bool {
        self.shared.ends_at.load(Ordering::Acquire) != NEVER
    }

    /// What a server was told.
    fn order(&self) -> Order {
        match self.shared.ends_at.load(Ordering::Acquire) {
            NEVER => Order::Serve,
            0 => Order::Stop,
            nanos => {
                let at = self.shared.made_at.checked_add(Duration::from_nanos(nanos));
                Order::Drain { until: at }
            }
        }
    }

    fn end_at(&self, nanos: u64) {
        self.shared.ends_at.fetch_min(nanos, Ordering::AcqRel);
        self.ring();
    }

    /// Has every worker look, unless somebody else is about to: whoever has the lock looks again
    /// when it has given it back, so that nobody needs to wait for it.
    fn ring(&self) {
        let mut rung_for = NEVER;
        loop {
            // Either whoever has the lock sees the new end, or this finds the lock free.
            fence(Ordering::SeqCst);
            let ends_at = self.shared.ends_at.load(Ordering::Acquire);
            if ends_at == rung_for {
                return;
            }
            let mut bells = match self.shared.bells.try_lock() {
                Ok(bells) => bells,
                Err(TryLockError::Poisoned(bells)) => bells.into_inner(),
                Err(TryLockError::WouldBlock) => return,
            };
            rung_for = ends_at;
            if std::mem::replace(&mut bells.rung_for, ends_at) != ends_at {
                for doorbell in &bells.doorbells {
                    doorbell.ring();
                }
            }
        }
    }

    /// Has a worker told.
    fn register(&self, doorbell: &Arc<Doorbell>) {
        let mut bells = self.shared.bells.lock().unwrap_or_else(PoisonError::into_inner);
        bells.doorbells.push(Arc::clone(doorbell));
        drop(bells);
        if self.is_used() {
            doorbell.ring();
        }
        self.ring();
    }

    /// Has a worker that is no more told no longer.
    fn unregister(&self, doorbell: &Arc<Doorbell>) {
        let mut bells = self.shared.bells.lock().unwrap_or_else(PoisonError::into_inner);
        bells.doorbells.retain(|registered| !Arc::ptr_eq(registered, doorbell));
        drop(bells);
        self.ring();
    }
}

/// The switches of one server.
#[derive(Debug)]
pub(crate) struct Switches {
    /// This server's alone.
    pub(crate) own: StopSwitch,
    /// The program's, which other servers may share: none of them uses it.
    pub(crate) shared: Option<StopSwitch>,
}

impl Switches {
    fn iter(&self) -> impl Iterator<Item = &StopSwitch> {
        self.shared.iter().chain([&self.own])
    }

    /// What the server was told.
    pub(crate) fn order(&self) -> Order {
        let own = self.own.order();
        match &self.shared {
            None => own,
            Some(shared) => own.sooner(shared.order()),
        }
    }

    /// Whether that is anything but to serve.
    pub(crate) fn are_used(&self) -> bool {
        self.iter().any(StopSwitch::is_used)
    }

    /// Has a worker told.
    pub(crate) fn register(&self, doorbell: &Arc<Doorbell>) {
        self.iter().for_each(|switch| switch.register(doorbell));
    }

    /// Has a worker that is no more told no longer.
    pub(crate) fn unregister(&self, doorbell: &Arc<Doorbell>) {
        self.iter().for_each(|switch| switch.unregister(doorbell));
    }
}

/// What a server was told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Serve,
    /// To come to an end, at this time at the latest; `None` is further ahead than the clock goes.
    Drain {
        until: Option<Instant>,
    },
    Stop,
}

impl Order {
    /// What two switches say together.
    fn sooner(self, other: Self) -> Self {
        match (self, other) {
            (Self::Stop, _) | (_, Self::Stop) => Self::Stop,
            (Self::Serve, order) | (order, Self::Serve) => order,
            (Self::Drain { until: a }, Self::Drain { until: b }) => {
                Self::Drain { until: [a, b].into_iter().flatten().min() }
            }
        }
    }
}

impl fmt::Debug for StopSwitch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StopSwitch").field("order", &self.order()).finish_non_exhaustive()
    }
}
