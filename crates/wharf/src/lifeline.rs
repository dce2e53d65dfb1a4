//! [`Lifeline`]: what a connection and the request that it has handed out have in common.
//!
//! A request may be on any thread while its connection goes on. The two meet at a place that lives
//! for as long as the process and is used again, so that a request that asks for nothing costs two
//! stores and two loads: no lock and no count of references. Only who asks for something takes the
//! lock, and leaves a mark that has the connection take it as well. Not here: what is asked for
//! (`signal.rs`).

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::Extensions;

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
    /// What is not as it is for most requests: any of the marks below.
    marks: AtomicU8,
    held: Mutex<Option<Box<Held>>>,
}

/// Something is held.
const HELD: u8 = 1;
/// Nobody waits for the response any more.
const GONE: u8 = 2;
/// The connection is closed.
const CLOSED: u8 = 4;
/// The server drains.
const DRAINS: u8 = 8;

/// What a request has asked for.
#[derive(Default)]
struct Held {
    watch: Option<Arc<Watch>>,
    /// To be called when the exchange is over.
    on_end: Vec<Callback>,
    connection: Option<Box<PerConnection>>,
}

/// The program's code, to be called once.
type Callback = Box<dyn FnOnce() + Send>;

/// What the requests of a connection have left for those to come, and for its end.
#[derive(Default)]
pub(crate) struct PerConnection {
    extensions: Extensions,
    on_close: Vec<Callback>,
}

impl PerConnection {
    /// Adds what another request has left.
    pub(crate) fn merge(&mut self, other: Self) {
        self.extensions.extend(other.extensions);
        self.on_close.extend(other.on_close);
    }

    /// The connection is closed.
    pub(crate) fn close(self) {
        call_all(self.on_close);
        let _ = catch_unwind(AssertUnwindSafe(|| drop(self.extensions)));
    }
}

/// Calls each in the reverse order of their registration.
fn call_all(callbacks: Vec<Callback>) {
    for callback in callbacks.into_iter().rev() {
        // The others are to be called all the same.
        let _ = catch_unwind(AssertUnwindSafe(callback));
    }
}

impl Place {
    fn mark(&self, mark: u8) {
        self.marks.fetch_or(mark, Ordering::AcqRel);
    }

    fn unmark(&self, mark: u8) {
        self.marks.fetch_and(!mark, Ordering::AcqRel);
    }

    fn has(&self, mark: u8) -> bool {
        self.marks.load(Ordering::Acquire) & mark != 0
    }
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
        if !self.is_plain() {
            self.end_with_notice();
        }
    }

    /// Whether nothing was asked for, and nothing can be any more.
    #[inline]
    fn is_plain(&self) -> bool {
        let exchange = self.place.exchange.load(Ordering::Relaxed);
        // In this order: what a request has asked for, it has asked for before it was dropped.
        let is_released = self.place.released.load(Ordering::Acquire) == exchange;
        is_released && self.place.marks.load(Ordering::Relaxed) == 0
    }

    #[cold]
    fn end_with_notice(&self) {
        let mut held = lock(&self.place.held);
        self.place.exchange.store(0, Ordering::Release);
        self.place.released.store(0, Ordering::Relaxed);
        let Some(mut ended) = held.take() else { return };
        let connection = ended.connection.take();
        self.hold(&mut held, connection);
        drop(held);
        if let Some(watch) = ended.watch {
            watch.set(OVER);
        }
        call_all(ended.on_end);
    }

    /// Holds nothing but what belongs to the connection.
    fn hold(&self, held: &mut Option<Box<Held>>, connection: Option<Box<PerConnection>>) {
        self.place.unmark(HELD);
        if connection.is_some() {
            self.place.mark(HELD);
        }
        *held = connection
            .map(|connection| Box::new(Held { connection: Some(connection), ..Held::default() }));
    }

    /// Makes what earlier requests of the connection have left known to the next.
    pub(crate) fn give(&self, connection: Box<PerConnection>) {
        self.hold(&mut lock(&self.place.held), Some(connection));
    }

    /// Takes what the requests of the connection have left.
    #[inline]
    pub(crate) fn take(&self) -> Option<Box<PerConnection>> {
        if self.place.marks.load(Ordering::Relaxed) == 0 {
            return None;
        }
        self.take_held()
    }

    #[cold]
    fn take_held(&self) -> Option<Box<PerConnection>> {
        lock(&self.place.held).as_mut()?.connection.take()
    }

    /// The connection is closed: nothing more can be left for it.
    pub(crate) fn close(&self) -> Option<Box<PerConnection>> {
        // Under the lock, so that nothing is left afterwards.
        let mut held = lock(&self.place.held);
        self.place.mark(CLOSED);
        held.as_mut()?.connection.take()
    }

    /// Nobody waits for the response any more, but its handler goes on.
    pub(crate) fn disconnect(&self) {
        self.place.mark(GONE);
        self.set(OVER);
    }

    /// The server drains, from now on and for as long as the connection works.
    pub(crate) fn drain(&self) {
        self.place.mark(DRAINS);
        self.set(DRAINING);
    }

    fn set(&self, flag: u8) {
        let watch = lock(&self.place.held).as_ref().and_then(|held| held.watch.clone());
        if let Some(watch) = watch {
            watch.set(flag);
        }
    }

    /// Forgets what was so for one connection.
    #[inline]
    pub(crate) fn clear(&self) {
        if !self.is_plain() {
            self.clear_held();
        }
    }

    #[cold]
    fn clear_held(&self) {
        self.end_with_notice();
        let left = lock(&self.place.held).take();
        self.place.marks.store(0, Ordering::Release);
        drop(left);
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
                let over = if place.has(GONE) { OVER } else { 0 };
                let draining = if place.has(DRAINS) { DRAINING } else { 0 };
                Arc::new(Watch::with(over | draining))
            });
            Arc::clone(watch)
        });
        watch.unwrap_or_else(|| Arc::new(Watch::with(OVER)))
    }

    /// Has `callback` called when the exchange is over, which may be now.
    pub(crate) fn on_end(self, callback: Callback) {
        let mut callback = Some(callback);
        self.with(|held, _| held.on_end.extend(callback.take()));
        call_all(callback.into_iter().collect());
    }

    /// Has `callback` called when the connection is closed, which may be now.
    pub(crate) fn on_close(self, callback: Callback) {
        let mut callback = Some(callback);
        self.with(|held, place| {
            if !place.has(CLOSED) {
                let connection = held.connection.get_or_insert_default();
                connection.on_close.extend(callback.take());
            }
        });
        call_all(callback.into_iter().collect());
    }

    /// Lets `act` see and change the values of the connection. They are taken away meanwhile, so
    /// that no code of the program runs under the lock.
    pub(crate) fn extensions<T>(self, act: impl FnOnce(&mut Extensions) -> T) -> T {
        let taken = self.with(|held, _| {
            let connection = held.connection.as_mut();
            connection.map(|connection| std::mem::take(&mut connection.extensions))
        });
        let mut extensions = taken.flatten().unwrap_or_default();
        let result = act(&mut extensions);
        if !extensions.is_empty() {
            let mut extensions = Some(extensions);
            self.with(|held, place| {
                if !place.has(CLOSED) {
                    let connection = held.connection.get_or_insert_default();
                    connection.extensions = extensions.take().unwrap_or_default();
                }
            });
        }
        result
    }

    /// Looks at what is held for the exchange, unless that is over.
    fn with<T>(self, act: impl FnOnce(&mut Held, &'static Place) -> T) -> Option<T> {
        let place = self.place?;
        let mut held = lock(&place.held);
        if place.exchange.load(Ordering::Acquire) != self.exchange {
            return None;
        }
        place.mark(HELD);
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    fn count(counter: &Arc<AtomicUsize>) -> Callback {
        let counter = Arc::clone(counter);
        Box::new(move || {
            counter.fetch_add(1, Ordering::Relaxed);
        })
    }

    /// What a request on another thread asks for, early or late, is done exactly once.
    #[test]
    fn whatever_is_asked_for_from_another_thread_happens_once() {
        const EXCHANGES: u64 = 20_000;
        let (sender, requests) = mpsc::channel::<Tether>();
        let (ended, closed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let counters = (Arc::clone(&ended), Arc::clone(&closed));
        let asker = thread::spawn(move || {
            let mut signals = Vec::new();
            for mut tether in requests {
                tether.on_end(count(&counters.0));
                if tether.exchange % 3 == 0 {
                    tether.on_close(count(&counters.1));
                }
                signals.push(tether.disconnected());
                tether.release();
            }
            signals
        });
        let lifeline = Lifeline::new();
        let mut left: Option<Box<PerConnection>> = None;
        for exchange in 1..=EXCHANGES {
            if let Some(left) = left.take() {
                lifeline.give(left);
            }
            sender.send(lifeline.begin(exchange)).unwrap();
            if exchange % 2 == 0 {
                thread::yield_now();
            }
            lifeline.end();
            // A connection has several exchanges, and is idle between two of them.
            if exchange % 5 == 0 {
                if let Some(left) = lifeline.close() {
                    left.close();
                }
            } else {
                left = lifeline.take();
            }
            lifeline.clear();
        }
        drop(sender);
        let signals = asker.join().unwrap();
        if let Some(left) = left {
            left.close();
        }
        assert!(signals.iter().all(Signal::is_set));
        assert_eq!(ended.load(Ordering::Relaxed) as u64, EXCHANGES);
        assert_eq!(closed.load(Ordering::Relaxed) as u64, EXCHANGES / 3);
    }

    #[test]
    fn a_request_that_asks_for_nothing_leaves_nothing() {
        let lifeline = Lifeline::new();
        for exchange in 1..4 {
            let mut tether = lifeline.begin(exchange);
            assert!(!lifeline.is_plain(), "it may still ask");
            tether.release();
            assert!(lifeline.is_plain());
            lifeline.end();
            assert!(lifeline.take().is_none());
            lifeline.clear();
        }
    }

    #[test]
    fn a_place_is_used_again_as_good_as_new() {
        let lifeline = Lifeline::new();
        let tether = lifeline.begin(7);
        let signal = tether.draining();
        lifeline.drain();
        lifeline.disconnect();
        assert!(signal.is_set() && tether.disconnected().is_set());
        tether.extensions(|extensions| extensions.insert("kept"));
        lifeline.clear();
        assert!(lifeline.is_plain() && lifeline.take().is_none());
        let tether = lifeline.begin(8);
        assert!(!tether.draining().is_set() && !tether.disconnected().is_set());
        assert!(tether.extensions(|extensions| extensions.is_empty()));
        lifeline.end();
        tether.extensions(|extensions| extensions.insert("dropped"));
        assert!(lifeline.take().is_none());
    }
}
