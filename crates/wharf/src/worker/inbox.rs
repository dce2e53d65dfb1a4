//! What other threads leave for a worker: wake-ups of tasks, and messages.
//!
//! A doorbell keeps them from making a system call where the worker is awake anyway. Not here: what
//! messages say (`message.rs`) and what is done about them (`mod.rs`).

use std::sync::{Arc, PoisonError, Weak};
use std::task::{Wake, Waker};

use crate::driver::{Key, Unpark};
use crate::sync::{AtomicBool, AtomicU8, AtomicU64, Mutex, MutexGuard, Ordering};

/// The worker is in the middle of a turn.
const AWAKE: u8 = 0;
/// The worker waits, or nobody runs it: whoever leaves something has to unpark it.
const ASLEEP: u8 = 1;
/// Something was left since the worker last looked.
const RUNG: u8 = 2;

/// Tells a worker that there is something for it.
pub(crate) struct Doorbell {
    state: AtomicU8,
    unpark: Arc<dyn Unpark>,
}

impl Doorbell {
    pub(crate) fn new(unpark: Arc<dyn Unpark>) -> Self {
        Self { state: AtomicU8::new(AWAKE), unpark }
    }

    /// To be called after something was left.
    pub(crate) fn ring(&self) {
        if self.state.swap(RUNG, Ordering::AcqRel) == ASLEEP {
            self.unpark.unpark();
        }
    }

    /// Says that the worker is about to wait. `false` if something was left meanwhile, in which
    /// case it must not.
    pub(crate) fn fall_asleep(&self) -> bool {
        let fell = self.state.compare_exchange(AWAKE, ASLEEP, Ordering::AcqRel, Ordering::Acquire);
        fell.is_ok() || self.state.load(Ordering::Acquire) == ASLEEP
    }

    /// Says that the worker is awake, and whether something was left.
    pub(crate) fn wake_up(&self) -> bool {
        self.state.swap(AWAKE, Ordering::AcqRel) == RUNG
    }

    /// Makes the driver's descriptor readable, for another loop that watches it.
    pub(crate) fn unpark(&self) {
        self.unpark.unpark();
    }
}

/// How many messages may wait in an inbox for one more question to be left: a worker that is
/// blocked must not be asked without an end.
const MAX_WAITING: usize = 1024;

/// What was left for one worker.
pub(crate) struct Inbox<M> {
    wakes: Arc<WakeQueue>,
    messages: Mutex<Messages<M>>,
}

/// Messages that wait to be taken.
struct Messages<M> {
    list: Vec<M>,
    /// Nobody will take any.
    is_closed: bool,
}

impl<M> Inbox<M> {
    pub(crate) fn new(doorbell: Arc<Doorbell>) -> Self {
        let wakes = WakeQueue { woken: Mutex::new(Vec::new()), doorbell };
        let messages = Messages { list: Vec::new(), is_closed: false };
        Self { wakes: Arc::new(wakes), messages: Mutex::new(messages) }
    }

    pub(crate) fn doorbell(&self) -> &Arc<Doorbell> {
        &self.wakes.doorbell
    }

    /// Leaves a message. It comes back if nobody will take it.
    pub(crate) fn post(&self, message: M) -> Result<(), M> {
        let mut messages = lock(&self.messages);
        if messages.is_closed {
            return Err(message);
        }
        messages.list.push(message);
        drop(messages);
        self.doorbell().ring();
        Ok(())
    }

    /// Leaves a question, or gives it back if there are too many. A worker that is no more answers
    /// nothing, and nobody waits for it: what is left for it is dropped.
    pub(crate) fn offer(&self, question: M) -> Option<M> {
        let mut messages = lock(&self.messages);
        let (is_closed, has_room) = (messages.is_closed, messages.list.len() < MAX_WAITING);
        if has_room && !is_closed {
            messages.list.push(question);
            drop(messages);
            self.doorbell().ring();
            return None;
        }
        drop(messages);
        Some(question).filter(|_| !is_closed)
    }

    /// Nobody will take what is left from now on. Gives back what was left before.
    pub(crate) fn close(&self) -> Vec<M> {
        let mut messages = lock(&self.messages);
        messages.is_closed = true;
        std::mem::take(&mut messages.list)
    }

    /// Takes what was left.
    pub(crate) fn take(&self, keys: &mut Vec<Key>) -> Vec<M> {
        for bound in lock(&self.wakes.woken).drain(..) {
            bound.queued.store(false, Ordering::Release);
            keys.push(unpack(bound.key.load(Ordering::Acquire)));
        }
        std::mem::take(&mut lock(&self.messages).list)
    }

    /// How many messages wait to be taken.
    #[cfg(test)]
    pub(crate) fn messages(&self) -> usize {
        lock(&self.messages).list.len()
    }

    /// A waker for the tasks of a connection.
    pub(crate) fn waker(&self, key: Key) -> ConnWaker {
        ConnWaker::new(Arc::downgrade(&self.wakes), key)
    }

    /// Where connections come by wakers of their own.
    pub(crate) const fn wakes(&self) -> &Arc<WakeQueue> {
        &self.wakes
    }
}

/// The connections whose tasks were woken, each once.
pub(crate) struct WakeQueue {
    woken: Mutex<Vec<Arc<Bound>>>,
    doorbell: Arc<Doorbell>,
}

impl WakeQueue {
    /// A waker for that connection and no other.
    pub(crate) fn waker(self: &Arc<Self>, key: Key) -> Waker {
        ConnWaker::new(Arc::downgrade(self), key).waker
    }
}

/// A waker that can be bound to another connection, so that it is not made for each request.
pub(crate) struct ConnWaker {
    bound: Arc<Bound>,
    waker: Waker,
}

/// The connection that a waker wakes. A clone that outlives its task wakes whoever has the waker
/// next, which then finds nothing to do.
struct Bound {
    /// Weak, since the queue may hold the waker.
    queue: Weak<WakeQueue>,
    key: AtomicU64,
    /// It is in the queue already.
    queued: AtomicBool,
}

impl ConnWaker {
    fn new(queue: Weak<WakeQueue>, key: Key) -> Self {
        let (key, queued) = (AtomicU64::new(pack(key)), AtomicBool::new(false));
        let bound = Arc::new(Bound { queue, key, queued });
        Self { waker: Waker::from(Arc::clone(&bound)), bound }
    }

    /// Makes the waker wake `key` from now on.
    pub(crate) fn bind(&self, key: Key) {
        self.bound.key.store(pack(key), Ordering::Release);
    }

    pub(crate) const fn waker(&self) -> &Waker {
        &self.waker
    }
}

impl Wake for Bound {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.queued.swap(true, Ordering::AcqRel) {
            return;
        }
        let Some(queue) = self.queue.upgrade() else { return };
        lock(&queue.woken).push(Arc::clone(self));
        queue.doorbell.ring();
    }
}

fn pack(key: Key) -> u64 {
    u64::from(key.generation) << 32 | u64::from(key.index)
}

#[expect(clippy::cast_possible_truncation, reason = "the halves of a packed key")]
const fn unpack(packed: u64) -> Key {
    Key { index: packed as u32, generation: (packed >> 32) as u32 }
}

/// No user code runs under these locks, so that a panic can't leave anything half-done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Default)]
    struct Counter(AtomicUsize);

    impl Unpark for Counter {
        fn unpark(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_ring_unparks_only_a_sleeper_and_is_never_missed() {
        let counter = Arc::new(Counter::default());
        let bell = Doorbell::new(Arc::clone(&counter) as Arc<dyn Unpark>);
        bell.ring();
        assert!(!bell.fall_asleep(), "something was left before");
        assert!(bell.wake_up());
        assert!(bell.fall_asleep());
        bell.ring();
        bell.ring();
        assert_eq!(counter.0.load(Ordering::Relaxed), 1);
        assert!(bell.wake_up());
        assert!(!bell.wake_up());
    }

    #[test]
    fn a_bound_waker_wakes_the_connection_it_is_bound_to() {
        let bell = Arc::new(Doorbell::new(Arc::new(Counter::default())));
        let inbox = Inbox::<()>::new(bell);
        let first = Key { index: 1, generation: 7 };
        let second = Key { index: u32::MAX, generation: u32::MAX };
        let waker = inbox.waker(first);
        waker.waker().wake_by_ref();
        waker.waker().wake_by_ref();
        let mut keys = Vec::new();
        inbox.take(&mut keys);
        waker.bind(second);
        waker.waker().wake_by_ref();
        inbox.take(&mut keys);
        assert_eq!(keys, [first, second]);
    }
}
