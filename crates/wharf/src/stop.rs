//! [`StopSwitch`]: tells servers to stop, from anywhere.
//!
//! Not here: what a server does then (`worker`).

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::worker::Doorbell;

/// Tells servers to stop: once, for good, from any thread.
///
/// Clones are the same switch, and several servers may share one.
///
/// ```
/// use wharf::{Server, StopSwitch};
///
/// let switch = StopSwitch::new();
/// let server = Server::new("hello").stop_switch(&switch).listen("127.0.0.1:0")?;
/// std::thread::spawn(move || switch.stop());
/// server.run()?;
/// # Ok::<(), wharf::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct StopSwitch {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    stopped: AtomicBool,
    /// The workers that have to hear of it.
    doorbells: Mutex<Vec<Arc<Doorbell>>>,
}

impl StopSwitch {
    /// A switch that was not used yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells every server that has this switch to stop. Again: nothing happens.
    pub fn stop(&self) {
        if self.shared.stopped.swap(true, Ordering::AcqRel) {
            return;
        }
        let doorbells = self.shared.doorbells.lock().unwrap_or_else(PoisonError::into_inner);
        for doorbell in doorbells.iter() {
            doorbell.ring();
        }
    }

    /// Whether [`stop`](Self::stop) was called.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.shared.stopped.load(Ordering::Acquire)
    }

    /// Has a worker told.
    pub(crate) fn register(&self, doorbell: &Arc<Doorbell>) {
        let mut doorbells = self.shared.doorbells.lock().unwrap_or_else(PoisonError::into_inner);
        doorbells.push(Arc::clone(doorbell));
        drop(doorbells);
        if self.is_stopped() {
            doorbell.ring();
        }
    }

    /// Has a worker that is no more told no longer.
    pub(crate) fn unregister(&self, doorbell: &Arc<Doorbell>) {
        let mut doorbells = self.shared.doorbells.lock().unwrap_or_else(PoisonError::into_inner);
        doorbells.retain(|registered| !Arc::ptr_eq(registered, doorbell));
    }
}

impl fmt::Debug for StopSwitch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StopSwitch").field("stopped", &self.is_stopped()).finish_non_exhaustive()
    }
}
