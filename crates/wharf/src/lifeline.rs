//! [`Lifeline`]: what a connection and the request that it has handed out have in common.
//!
//! A request may be on any thread while its connection goes on. The two meet at a place that lives
//! for as long as the process and is used again, so that a request that asks for nothing costs two
//! stores and two loads: no lock and no count of references. Only who asks for something takes the
//! lock, and leaves a mark that has the connection take it as well. Not here: what is asked for
//! (`signal.rs`).

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::signal::{DRAINING, OVER, Signal, Watch};

/// Places that no connection uses. There are as many as there were busy connections at a time.
static FREE: Mutex<Vec<&'static Place>> = Mutex::new(Vec::new());

/// Where a connection and a request of its meet. On cache lines of its own, since its worker writes
/// to it for each request.
#[derive(Default)]
#[repr(align(64))]
struct Place {
    /// The exchange that is under way, or the last one. Whoever asks for another is late.
    exchange: AtomicU64,
    /// The exchange whose request was dropped last: nobody asks for that one any more.
    released: AtomicU64,
    /// Something is held.
    is_marked: AtomicBool,
    /// Nobody waits for a response to this exchange.
    is_gone: AtomicBool,
    /// The server drains.
    drains: AtomicBool,
    held: Mutex<Option<Box<Held>>>,
}

/// What a request has asked for.
#[derive(Default)]
struct Held {
    watch: Option<Arc<Watch>>,
}

/// The connection's end.
pub(crate) struct Lifeline {
    place: &'static Place,
}

/// The request's end. That of no connection is over from the start.
#[derive(Clone, Copy, Default)]
pub(crate) struct Tether {
    place: Option<&'static Place>,
    exchange: u64,
}

impl Lifeline {
    /// One that nobody else has.
    pub(crate) fn new() -> Self {
        let free = lock(&FREE).pop();
        Self { place: free.unwrap_or_else(|| Box::leak(Box::default())) }
    }

    /// Begins an exchange, whose number no other has, and gives the request's end.
    pub(crate) fn begin(&self, exchange: u64) -> Tether {
        self.place.exchange.store(exchange, Ordering::Release);
        Tether { place: Some(self.place), exchange }
    }

    /// The exchange is over: whoever wants to know is told.
    #[inline]
    pub(crate) fn end(&self) {
        let exchange = self.place.exchange.load(Ordering::Relaxed);
        // In this order: what a request has asked for, it has asked for before it was dropped.
        let is_released = self.place.released.load(Ordering::Acquire) == exchange;
        if !is_released || self.place.is_marked.load(Ordering::Relaxed) {
            self.end_with_notice();
        }
    }

    #[cold]
    fn end_with_notice(&self) {
        let mut held = lock(&self.place.held);
        self.place.exchange.store(0, Ordering::Release);
        self.place.released.store(0, Ordering::Relaxed);
        self.place.is_marked.store(false, Ordering::Relaxed);
        let ended = held.take();
        drop(held);
        if let Some(watch) = ended.and_then(|held| held.watch) {
            watch.set(OVER);
        }
    }

    /// Nobody waits for the response any more, but its handler goes on.
    pub(crate) fn disconnect(&self) {
        self.place.is_gone.store(true, Ordering::Release);
        self.set(OVER);
    }

    /// The server drains, from now on and for as long as the connection works.
    pub(crate) fn drain(&self) {
        self.place.drains.store(true, Ordering::Release);
        self.set(DRAINING);
    }

    fn set(&self, flag: u8) {
        let watch = lock(&self.place.held).as_ref().and_then(|held| held.watch.clone());
        if let Some(watch) = watch {
            watch.set(flag);
        }
    }

    /// Forgets what was so for one connection.
    pub(crate) fn clear(&self) {
        self.end();
        self.place.is_gone.store(false, Ordering::Relaxed);
        self.place.drains.store(false, Ordering::Relaxed);
    }
}

impl Drop for Lifeline {
    fn drop(&mut self) {
        self.clear();
        lock(&FREE).push(self.place);
    }
}

impl Tether {
    /// Tells when nobody waits for the response any more.
    pub(crate) fn disconnected(self) -> Signal {
        Signal::new(self.watch(), OVER)
    }

    /// Tells when the server drains, or there is nothing left that would have to hurry.
    pub(crate) fn draining(self) -> Signal {
        Signal::new(self.watch(), DRAINING | OVER)
    }

    fn watch(self) -> Arc<Watch> {
        let watch = self.with(|held, place| {
            let watch = held.watch.get_or_insert_with(|| {
                let over = if place.is_gone.load(Ordering::Acquire) { OVER } else { 0 };
                let draining = if place.drains.load(Ordering::Acquire) { DRAINING } else { 0 };
                Arc::new(Watch::with(over | draining))
            });
            Arc::clone(watch)
        });
        watch.unwrap_or_else(|| Arc::new(Watch::with(OVER)))
    }

    /// Looks at what is held for the exchange, unless that is over.
    fn with<T>(self, act: impl FnOnce(&mut Held, &'static Place) -> T) -> Option<T> {
        let place = self.place?;
        let mut held = lock(&place.held);
        if place.exchange.load(Ordering::Acquire) != self.exchange {
            return None;
        }
        place.is_marked.store(true, Ordering::Relaxed);
        Some(act(held.get_or_insert_default(), place))
    }

    /// The request is dropped: nothing more is asked for.
    pub(crate) fn release(&mut self) {
        if let Some(place) = self.place.take() {
            place.released.store(self.exchange, Ordering::Release);
        }
    }
}

impl fmt::Debug for Tether {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tether").field("exchange", &self.exchange).finish_non_exhaustive()
    }
}

/// No user code runs under these locks, so that a panic can't leave anything half-done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
