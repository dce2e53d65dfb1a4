//! [`Signal`]: tells code that works for a request, wherever it runs, that something has happened.
//!
//! Not here: who has it happen (`lifeline.rs`), and what becomes of handlers then (`conn/h1`).

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::body::OnWorker;

/// Nobody waits for the response any more.
pub(crate) const OVER: u8 = 1;
/// The server has begun to drain.
pub(crate) const DRAINING: u8 = 2;

/// Something that happens to a request at most once: a future, a flag, and a wait for threads.
///
/// [`Request::disconnected`](crate::Request::disconnected) and
/// [`Request::draining`](crate::Request::draining) give one. It may outlive the request and go to
/// any thread, and clones tell of the same.
///
/// ```
/// use wharf::{Request, Response};
///
/// let events = |request: Request| {
///     let draining = request.draining();
///     Response::stream(async move |mut writer| {
///         writer.write("data: hello\n\n").await?;
///         // Here it would wait for events as well.
///         draining.await;
///         writer.finish()
///     })
/// };
/// # let _ = wharf::Server::new(events);
/// ```
pub struct Signal {
    watch: Arc<Watch>,
    /// Which of the watch's flags it is about: any of them will do.
    flags: u8,
    /// That of this value's waker in the watch, once it has left one.
    number: Option<u64>,
}

impl Signal {
    pub(crate) const fn new(watch: Arc<Watch>, flags: u8) -> Self {
        Self { watch, flags, number: None }
    }

    /// Whether it has happened.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.watch.flags.load(Ordering::Acquire) & self.flags != 0
    }

    /// Blocks the thread until it has happened or `timeout` is over. Says whether it has.
    ///
    /// # Panics
    ///
    /// If it had to block a worker, on which nothing would happen meanwhile: await it instead.
    #[must_use]
    pub fn wait(&self, timeout: Option<Duration>) -> bool {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut waiters = self.watch.lock();
        while !self.is_set() {
            assert!(!OnWorker::is_here(), "a handler must not block its worker: await instead");
            waiters = match deadline {
                None => self.watch.changed.wait(waiters).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return false;
                    }
                    let waited = self.watch.changed.wait_timeout(waiters, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        true
    }
}

impl Future for Signal {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let watch = Arc::clone(&self.watch);
        let mut waiters = watch.lock();
        // Under the lock, so that whoever sets it sees the waker.
        if self.is_set() {
            return Poll::Ready(());
        }
        let number = *self.number.get_or_insert_with(|| {
            waiters.last_number += 1;
            waiters.last_number
        });
        match waiters.wakers.iter_mut().find(|(other, _)| *other == number) {
            Some((_, waker)) => waker.clone_from(cx.waker()),
            None => waiters.wakers.push((number, cx.waker().clone())),
        }
        Poll::Pending
    }
}

impl Clone for Signal {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.watch), self.flags)
    }
}

/// Nobody is woken for a value that is gone.
impl Drop for Signal {
    fn drop(&mut self) {
        let Some(number) = self.number else { return };
        let mut waiters = self.watch.lock();
        let at = waiters.wakers.iter().position(|(other, _)| *other == number);
        let waker = at.map(|at| waiters.wakers.swap_remove(at));
        drop(waiters);
        // Its destructor is somebody else's code.
        drop(waker);
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signal").field("is_set", &self.is_set()).finish_non_exhaustive()
    }
}

/// What the signals of one request have in common. It is made when the first of them is.
#[derive(Default)]
pub(crate) struct Watch {
    flags: AtomicU8,
    waiters: Mutex<Waiters>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiters {
    /// Each signal that was polled has one at most.
    wakers: Vec<(u64, Waker)>,
    last_number: u64,
}

impl Watch {
    /// One with these flags set.
    pub(crate) fn with(flags: u8) -> Self {
        Self { flags: AtomicU8::new(flags), ..Self::default() }
    }

    /// Sets a flag, and wakes everybody who waits.
    pub(crate) fn set(&self, flag: u8) {
        if self.flags.fetch_or(flag, Ordering::AcqRel) & flag != 0 {
            return;
        }
        let wakers = std::mem::take(&mut self.lock().wakers);
        self.changed.notify_all();
        for (_, waker) in wakers {
            // Wakers are somebody else's code, and the others are to be woken all the same.
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiters> {
        self.waiters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;
    use std::thread;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn poll(signal: &mut Signal, count: &Arc<Count>) -> bool {
        let waker = Waker::from(Arc::clone(count));
        Pin::new(signal).poll(&mut Context::from_waker(&waker)).is_ready()
    }

    #[test]
    fn each_signal_that_waits_is_woken_once_and_no_other() {
        let (watch, count) = (Arc::new(Watch::default()), Arc::new(Count::default()));
        let mut signals: Vec<_> =
            (0..3).map(|_| Signal::new(Arc::clone(&watch), OVER | DRAINING)).collect();
        for signal in &mut signals {
            assert!(!poll(signal, &count) && !poll(signal, &count));
        }
        assert_eq!(watch.lock().wakers.len(), 3);
        drop(signals.pop());
        assert_eq!(watch.lock().wakers.len(), 2);
        let mut clone = signals[0].clone();
        watch.set(DRAINING);
        watch.set(DRAINING);
        assert_eq!(count.0.load(Ordering::Relaxed), 2);
        assert!(poll(&mut clone, &count) && clone.wait(Some(Duration::ZERO)));
        let mut other = Signal::new(Arc::clone(&watch), OVER);
        assert!(!poll(&mut other, &count) && !other.wait(Some(Duration::ZERO)));
        watch.set(OVER);
        assert!(other.is_set());
        assert_eq!(count.0.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn a_thread_that_waits_goes_on() {
        let watch = Arc::new(Watch::default());
        let signal = Signal::new(Arc::clone(&watch), OVER);
        let waits = thread::spawn(move || signal.wait(None));
        watch.set(OVER);
        assert!(waits.join().unwrap());
    }

    #[test]
    fn a_waker_that_panics_keeps_no_other_from_being_woken() {
        struct Grenade;

        impl Wake for Grenade {
            fn wake(self: Arc<Self>) {
                std::panic::resume_unwind(Box::new("as asked for"));
            }
        }

        let (watch, count) = (Arc::new(Watch::default()), Arc::new(Count::default()));
        let mut first = Signal::new(Arc::clone(&watch), OVER);
        let grenade = Waker::from(Arc::new(Grenade));
        assert!(Pin::new(&mut first).poll(&mut Context::from_waker(&grenade)).is_pending());
        let mut second = Signal::new(Arc::clone(&watch), OVER);
        assert!(!poll(&mut second, &count));
        watch.set(OVER);
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
    }
}
