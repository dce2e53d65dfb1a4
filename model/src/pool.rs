//! Models of the pool of threads: each job is run or dropped, never both and never neither.
//!
//! Not here: what a job does.

use std::sync::Arc;
use std::time::Duration;

use crate::sync::{Condvar, Mutex};
use crate::threads::{Bounds, Threads};

pub(crate) const MODELS: &[(&str, usize, fn())] = &[
    ("a job is run or taken back", 5, run_or_taken_back),
    ("a job that is submitted while its thread is about to end", 5, while_a_thread_ends),
    ("a thread that sleeps is woken for the next job", 5, a_sleeper_is_woken),
    ("two who submit at once have both jobs run", 2, two_submit),
    ("a job that is submitted while the pool stops", 5, while_the_pool_stops),
];

/// What has become of a job.
struct Fate {
    state: Mutex<(usize, usize)>,
    changed: Condvar,
}

impl Fate {
    /// A job, and what will become of it.
    fn job() -> (Arc<Self>, impl FnOnce() + Send + 'static) {
        struct Held(Arc<Fate>);

        impl Drop for Held {
            fn drop(&mut self) {
                self.0.note(|(_, dropped)| *dropped += 1);
            }
        }

        let fate = Arc::new(Self { state: Mutex::new((0, 0)), changed: Condvar::new() });
        let held = Held(Arc::clone(&fate));
        (fate, move || held.0.note(|(ran, _)| *ran += 1))
    }

    fn note(&self, change: impl FnOnce(&mut (usize, usize))) {
        change(&mut self.state.lock().unwrap());
        self.changed.notify_all();
    }

    /// How often it was run, once it is no more.
    fn runs(&self) -> usize {
        let mut state = self.state.lock().unwrap();
        while state.1 == 0 {
            state = self.changed.wait(state).unwrap();
        }
        assert_eq!(state.1, 1, "it is dropped once");
        state.0
    }
}

fn pool(max_threads: usize, idle: Duration) -> Threads {
    Threads::new(Bounds { max_threads, max_queued: 8, idle }, || {})
}

fn run_or_taken_back() {
    let pool = pool(1, Duration::MAX);
    let (fate, job) = Fate::job();
    let ticket = pool.submit(Box::new(job)).unwrap();
    let taken_back = ticket.take_back();
    assert_eq!(fate.runs(), usize::from(!taken_back));
    assert!(pool.end(Duration::MAX));
}

fn while_a_thread_ends() {
    let pool = pool(1, Duration::ZERO);
    for _ in 0..2 {
        let (fate, job) = Fate::job();
        let ticket = pool.submit(Box::new(job)).unwrap();
        assert_eq!(fate.runs(), 1);
        assert!(!ticket.take_back());
    }
    assert!(pool.end(Duration::MAX));
}

fn a_sleeper_is_woken() {
    let pool = pool(1, Duration::MAX);
    for _ in 0..3 {
        let (fate, job) = Fate::job();
        let _ticket = pool.submit(Box::new(job)).unwrap();
        assert_eq!(fate.runs(), 1);
    }
    assert!(pool.end(Duration::MAX));
}

fn two_submit() {
    let pool = Arc::new(pool(2, Duration::MAX));
    let other = Arc::clone(&pool);
    let submitting = loom::thread::spawn(move || {
        let (fate, job) = Fate::job();
        let _ticket = other.submit(Box::new(job)).unwrap();
        assert_eq!(fate.runs(), 1);
    });
    let (fate, job) = Fate::job();
    let _ticket = pool.submit(Box::new(job)).unwrap();
    assert_eq!(fate.runs(), 1);
    submitting.join().unwrap();
    assert!(pool.end(Duration::MAX));
}

fn while_the_pool_stops() {
    let pool = Arc::new(pool(1, Duration::MAX));
    let other = Arc::clone(&pool);
    let submitting = loom::thread::spawn(move || {
        let (fate, job) = Fate::job();
        let ticket = other.submit(Box::new(job));
        let was_taken = ticket.is_ok();
        let runs = fate.runs();
        assert!(was_taken || runs == 0);
        assert!(ticket.is_err() || !ticket.unwrap().take_back());
    });
    assert!(pool.end(Duration::MAX));
    submitting.join().unwrap();
    assert!(pool.end(Duration::MAX), "what was started meanwhile has ended as well");
}
