//! [`job`]: a function for another thread, and a future of what becomes of it.
//!
//! Not here: the threads (`threads.rs`), and how long it waits for one (`conn/raw`).

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};

use crate::pool;
use crate::response::BoxError;

type Outcome = Result<Result<(), BoxError>, Box<dyn Any + Send>>;

/// Where the outcome goes.
struct Report {
    place: Arc<Mutex<Option<Outcome>>>,
    waker: Waker,
}

impl Report {
    fn tell(&self, outcome: Outcome) {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        place.get_or_insert(outcome);
        drop(place);
        self.waker.wake_by_ref();
    }
}

/// A job may be dropped without being run.
impl Drop for Report {
    fn drop(&mut self) {
        self.tell(Ok(Err("the server's threads have stopped".into())));
    }
}

/// Gives `act` for another thread, and a future that is ready when it is over, of what it gives. A
/// panic goes on in the future. `waker` is woken then, which has to be whoever polls it.
pub(super) fn job(
    waker: Waker,
    act: impl FnOnce() -> Result<(), BoxError> + Send + 'static,
) -> (impl FnOnce() + Send + 'static, impl Future<Output = Result<(), BoxError>> + 'static) {
    let place = Arc::new(Mutex::new(None));
    let report = Report { place: Arc::clone(&place), waker };
    let run = move || {
        report.tell(catch_unwind(AssertUnwindSafe(act)));
        // This thread serves no connections for which it would be worth keeping.
        pool::clear_all();
    };
    let done = poll_fn(move |_| {
        let outcome = place.lock().unwrap_or_else(PoisonError::into_inner).take();
        match outcome {
            None => Poll::Pending,
            Some(Ok(result)) => Poll::Ready(result),
            Some(Err(panic)) => resume_unwind(panic),
        }
    });
    (run, done)
}
