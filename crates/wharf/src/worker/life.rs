//! From the first worker's beginning to the last one's end: who runs, who waits for the end, and
//! the program's functions that mark the way.
//!
//! Not here: what makes a server end (`stop.rs`, `drain.rs`).

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use super::report::DrainReport;
use crate::stop::StopSwitch;

type Hook = Box<dyn FnOnce() + Send>;
type WorkerHook = Box<dyn Fn(usize) + Send + Sync>;
type StopHook = Box<dyn FnOnce(&DrainReport) + Send>;

/// What a program wants done on the way.
#[derive(Default)]
pub(crate) struct Milestones {
    pub(crate) on_ready: Vec<Hook>,
    pub(crate) on_worker_start: Vec<WorkerHook>,
    pub(crate) on_worker_stop: Vec<WorkerHook>,
    /// Called in reverse order.
    pub(crate) on_stop: Vec<StopHook>,
}

/// The life of one server, from when its workers are planned.
pub(crate) struct Life {
    on_worker_start: Vec<WorkerHook>,
    on_worker_stop: Vec<WorkerHook>,
    /// That of this server and no other.
    switch: StopSwitch,
    /// How many workers there are to be.
    planned: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    on_ready: Vec<Hook>,
    on_stop: Vec<StopHook>,
    /// How many workers have begun, and how many are no more, begun or not.
    begun: usize,
    gone: usize,
    /// The program was told of the end.
    is_over: bool,
    /// Of all workers that have ended.
    report: DrainReport,
    /// Each future that was polled has one at most.
    waiting: Vec<(u64, Waker)>,
    last_waiting: u64,
}

impl Life {
    pub(crate) fn new(milestones: Milestones, switch: StopSwitch, planned: usize) -> Arc<Self> {
        let Milestones { on_ready, on_worker_start, on_worker_stop, on_stop } = milestones;
        let state = Mutex::new(State { on_ready, on_stop, ..State::default() });
        let changed = Condvar::new();
        Arc::new(Self { on_worker_start, on_worker_stop, switch, planned, state, changed })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether all workers have ended and the program was told.
    pub(crate) fn is_over(&self) -> bool {
        self.lock().is_over
    }

    /// What became of what was under way.
    pub(crate) fn report(&self) -> DrainReport {
        let state = self.lock();
        let blocked_workers = (self.planned - state.gone) as u64;
        DrainReport { blocked_workers, ..state.report.clone() }
    }

    /// Waits until every worker has begun, or some are gone already.
    pub(crate) fn wait_begun(&self) {
        let mut state = self.lock();
        while state.begun < self.planned && state.gone == 0 {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until all is over. `false` if `until` has come before.
    pub(crate) fn wait_over(&self, until: Option<Instant>) -> bool {
        let mut state = self.lock();
        while !state.is_over {
            let Some(until) = until else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// The last worker is gone: the program hears of it before those who wait do.
    fn end(&self) {
        let (hooks, report) = {
            let mut state = self.lock();
            (std::mem::take(&mut state.on_stop), state.report.clone())
        };
        for hook in hooks.into_iter().rev() {
            let _ = catch_unwind(AssertUnwindSafe(|| hook(&report)));
        }
        let waiting = {
            let mut state = self.lock();
            state.is_over = true;
            std::mem::take(&mut state.waiting)
        };
        self.changed.notify_all();
        for (_, waker) in waiting {
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
    }
}

/// One worker's part in the life of its server. It is taken from the plan to the end, however that
/// comes.
pub(crate) struct Presence {
    life: Arc<Life>,
    index: usize,
    has_begun: bool,
}

impl Presence {
    pub(crate) fn new(life: &Arc<Life>, index: usize) -> Self {
        Self { life: Arc::clone(life), index, has_begun: false }
    }

    pub(crate) const fn life(&self) -> &Arc<Life> {
        &self.life
    }

    /// The worker is about to take its first turn.
    pub(super) fn begin(&mut self) {
        self.has_begun = true;
        for hook in &self.life.on_worker_start {
            let _ = catch_unwind(AssertUnwindSafe(|| hook(self.index)));
        }
        let mut state = self.life.lock();
        state.begun += 1;
        let is_last = state.begun == self.life.planned;
        let ready = if is_last { std::mem::take(&mut state.on_ready) } else { Vec::new() };
        drop(state);
        for hook in ready {
            let _ = catch_unwind(AssertUnwindSafe(hook));
        }
        self.life.changed.notify_all();
    }

    /// Adds what became of the worker's connections.
    pub(super) fn report(&self, report: DrainReport) {
        self.life.lock().report.add(report);
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        if self.has_begun {
            for hook in &self.life.on_worker_stop {
                let _ = catch_unwind(AssertUnwindSafe(|| hook(self.index)));
            }
        }
        if !self.has_begun {
            // A server that never had all of its workers is none.
            self.life.switch.stop();
        }
        let is_last = {
            let mut state = self.life.lock();
            state.gone += 1;
            state.gone == self.life.planned
        };
        if is_last {
            self.life.end();
        } else {
            self.life.changed.notify_all();
        }
    }
}

/// Resolves when a server is over: see [`ServerHandle::stopped`](crate::ServerHandle::stopped).
#[must_use = "futures do nothing unless polled"]
pub struct Stopped {
    life: Arc<Life>,
    /// That of this value's waker, once it has left one.
    number: Option<u64>,
}

impl Stopped {
    pub(crate) const fn new(life: Arc<Life>) -> Self {
        Self { life, number: None }
    }
}

impl Future for Stopped {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // Wakers are somebody else's code, which must not run under the lock.
        let waker = cx.waker().clone();
        let life = Arc::clone(&self.life);
        let mut state = life.lock();
        if state.is_over {
            return Poll::Ready(());
        }
        let number = *self.number.get_or_insert_with(|| {
            state.last_waiting += 1;
            state.last_waiting
        });
        let before = match state.waiting.iter_mut().find(|(other, _)| *other == number) {
            Some((_, before)) => Some(std::mem::replace(before, waker)),
            None => {
                state.waiting.push((number, waker));
                None
            }
        };
        drop(state);
        drop(before);
        Poll::Pending
    }
}

/// Nobody is woken for a value that is gone.
impl Drop for Stopped {
    fn drop(&mut self) {
        let Some(number) = self.number else { return };
        let mut state = self.life.lock();
        let at = state.waiting.iter().position(|(other, _)| *other == number);
        let waker = at.map(|at| state.waiting.swap_remove(at));
        drop(state);
        drop(waker);
    }
}

impl fmt::Debug for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stopped").field("is_over", &self.life.is_over()).finish()
    }
}
