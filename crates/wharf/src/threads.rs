//! The threads of a server on which jobs may block: started when they are needed, as many as are
//! allowed, behind one bounded queue.
//!
//! Nothing here knows of requests, and a job that waits has no deadline of its own: whoever has its
//! [`Ticket`] takes it back when it has waited for too long. Not here: what a job does
//! (`handler/blocking.rs`), and how long it waits (`conn/h1`).

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use crate::sync::{Condvar, Mutex, MutexGuard, on_this_pool, set_this_pool, spawn, wait_timeout};

/// What a thread is given to do.
pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// Neither is a thread free, nor is there room to wait for one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// The bounds of a pool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) max_threads: usize,
    /// How many jobs may wait for a thread.
    pub(crate) max_queued: usize,
    /// How long a thread without a job waits for one before it ends.
    pub(crate) idle: Duration,
}

/// A pool of threads. Dropping it drops the jobs that wait, and leaves those alone that run.
pub(crate) struct Threads {
    shared: Arc<Shared>,
}

struct Shared {
    bounds: Bounds,
    /// What each thread does to begin with.
    begin: Box<dyn Fn() + Send + Sync>,
    state: Mutex<State>,
    /// There is a job, or there will be none any more.
    work: Condvar,
    /// A thread has ended.
    ended: Condvar,
}

#[derive(Default)]
struct State {
    /// Jobs that nobody has begun, with their numbers, which ascend.
    queue: VecDeque<(u64, Job)>,
    last_job: u64,
    /// Whether a thread of that number exists.
    threads: Vec<bool>,
    /// How many of them will look at the queue before they sleep or end.
    free: usize,
    /// How many of those sleep.
    sleeping: usize,
    /// No job is taken any more, since then.
    stopped_at: Option<Instant>,
}

impl State {
    fn thread_count(&self) -> usize {
        self.threads.iter().filter(|exists| **exists).count()
    }

    /// Counts one more thread, which is free, and gives it the lowest number that none has.
    fn enlist(&mut self) -> usize {
        self.free += 1;
        let unused = self.threads.iter().position(|exists| !exists);
        let number = unused.unwrap_or_else(|| {
            self.threads.push(false);
            self.threads.len() - 1
        });
        self.threads[number] = true;
        number
    }

    /// Counts a free thread no more.
    fn dismiss(&mut self, number: usize) {
        self.free -= 1;
        self.threads[number] = false;
    }

    /// Takes a job out that nobody has begun.
    fn take(&mut self, number: u64) -> Option<Job> {
        let at = self.queue.binary_search_by_key(&number, |(number, _)| *number).ok()?;
        self.queue.remove(at).map(|(_, job)| job)
    }
}

impl Threads {
    /// A pool without a thread. Those that it will have call `begin` to begin with, which must not
    /// panic.
    pub(crate) fn new(bounds: Bounds, begin: impl Fn() + Send + Sync + 'static) -> Self {
        let shared = Shared {
            bounds,
            begin: Box::new(begin),
            state: Mutex::new(State::default()),
            work: Condvar::new(),
            ended: Condvar::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Has a thread do `job`, sooner or later. Whoever drops the ticket takes the job back if it
    /// has not begun.
    ///
    /// A job that panics harms nobody.
    pub(crate) fn submit(&self, job: Job) -> Result<Ticket, Full> {
        let bounds = &self.shared.bounds;
        let mut state = self.shared.lock();
        let has_to_wait = state.queue.len() >= state.free;
        let starts = has_to_wait && state.thread_count() < bounds.max_threads;
        let is_full = state.queue.len() >= state.free.saturating_add(bounds.max_queued);
        if state.stopped_at.is_some() || (is_full && !starts) {
            // What a job holds may be anything, and is dropped without the lock.
            drop(state);
            return Err(Full);
        }
        state.last_job += 1;
        let number = state.last_job;
        state.queue.push_back((number, job));
        let ticket = Ticket { shared: Arc::clone(&self.shared), job: number };
        if !starts {
            let has_sleeper = state.sleeping > 0;
            drop(state);
            if has_sleeper {
                self.shared.work.notify_one();
            }
            return Ok(ticket);
        }
        let thread = state.enlist();
        drop(state);
        let Err(_) = self.start(thread) else { return Ok(ticket) };
        // The system allows no more: the job is for those that there are.
        let mut state = self.shared.lock();
        state.dismiss(thread);
        let is_lost = state.thread_count() == 0;
        drop(state);
        if is_lost && ticket.take_back() { Err(Full) } else { Ok(ticket) }
    }

    /// Takes no job any more, drops those that wait, and has each thread end when it is done.
    pub(crate) fn stop(&self) {
        let mut state = self.shared.lock();
        state.stopped_at.get_or_insert_with(Instant::now);
        let dropped = std::mem::take(&mut state.queue);
        drop(state);
        self.shared.work.notify_all();
        for job in dropped {
            let _ = catch_unwind(AssertUnwindSafe(|| drop(job)));
        }
    }

    /// [`stop`](Self::stop), and waits for the threads until they have ended, or `at_most` is over
    /// since the first call. Says whether they have. One of the threads does not wait for itself.
    pub(crate) fn end(&self, at_most: Duration) -> bool {
        self.stop();
        let own = usize::from(on_this_pool(self.shared.id()));
        let mut state = self.shared.lock();
        let until = state.stopped_at.and_then(|at| at.checked_add(at_most));
        while state.thread_count() > own {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return false;
            }
            let (ended, mutex) = (&self.shared.ended, &self.shared.state);
            (state, _) = wait_timeout(ended, mutex, state, left.unwrap_or(Duration::MAX));
        }
        true
    }

    /// Starts a thread that is counted already.
    fn start(&self, number: usize) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        // The system shows no more than 15 bytes of a name.
        spawn(format!("wharf-block-{number}"), move || {
            set_this_pool(shared.id());
            (shared.begin)();
            shared.work(number);
        })
    }

    /// How many threads there are.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.shared.lock().thread_count()
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    /// What a thread does from its start to its end.
    fn work(&self, number: usize) {
        let mut state = self.lock();
        loop {
            if let Some((_, job)) = state.queue.pop_front() {
                state.free -= 1;
                drop(state);
                let _ = catch_unwind(AssertUnwindSafe(job));
                state = self.lock();
                state.free += 1;
                continue;
            }
            if state.stopped_at.is_some() {
                break;
            }
            state.sleeping += 1;
            let is_over;
            (state, is_over) = wait_timeout(&self.work, &self.state, state, self.bounds.idle);
            state.sleeping -= 1;
            // What was submitted meanwhile counts on this thread.
            if is_over && state.queue.is_empty() {
                break;
            }
        }
        state.dismiss(number);
        drop(state);
        self.ended.notify_all();
    }

    /// Tells this pool from others for as long as it lives.
    fn id(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// No job runs under this lock, so that a panic can't leave anything half-done.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A job that was submitted. Dropping the ticket takes the job back.
pub(crate) struct Ticket {
    shared: Arc<Shared>,
    job: u64,
}

impl Ticket {
    /// Drops the job, unless it has begun. Says whether that was so: of a job that was taken back,
    /// nothing is ever run, and a job that was not runs, or has run, to its end.
    pub(crate) fn take_back(&self) -> bool {
        let job = self.shared.lock().take(self.job);
        job.is_some()
    }

    /// Whether the job has not begun.
    pub(crate) fn is_waiting(&self) -> bool {
        let state = self.shared.lock();
        state.queue.binary_search_by_key(&self.job, |(number, _)| *number).is_ok()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.take_back();
    }
}

#[cfg(test)]
mod tests {
    use std::panic::resume_unwind;
    use std::sync::mpsc::{self, Receiver, Sender};
    use std::thread;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn pool(max_threads: usize, max_queued: usize, idle: Duration) -> Threads {
        Threads::new(Bounds { max_threads, max_queued, idle }, || {})
    }

    /// A job that says when it has begun, and then waits until it is told to go on or nobody can
    /// tell it any more.
    fn held(begun: &Sender<String>) -> (Job, Sender<()>) {
        let (go_on, waits) = mpsc::channel::<()>();
        let begun = begun.clone();
        let job = move || {
            begun.send(thread::current().name().unwrap_or("none").to_owned()).unwrap();
            let _ = waits.recv();
        };
        (Box::new(job), go_on)
    }

    fn next<T>(events: &Receiver<T>) -> T {
        events.recv_timeout(PATIENCE).expect("it happens")
    }

    /// Waits until a pool has that many threads.
    fn wait_for_count(pool: &Threads, count: usize) {
        let deadline = Instant::now() + PATIENCE;
        while pool.count() != count {
            assert!(Instant::now() < deadline, "{} threads", pool.count());
            thread::yield_now();
        }
    }

    #[test]
    fn as_many_jobs_run_at_once_as_there_may_be_threads_and_the_others_in_their_order() {
        let pool = pool(2, 10, PATIENCE);
        assert_eq!(pool.count(), 0, "none is started before it is needed");
        let (begun, events) = mpsc::channel();
        let (order, orders) = mpsc::channel();
        let held: Vec<_> = (0..2).map(|_| held(&begun)).collect();
        let (jobs, gates): (Vec<_>, Vec<_>) = held.into_iter().unzip();
        let mut tickets: Vec<_> = jobs.into_iter().map(|job| pool.submit(job).unwrap()).collect();
        let mut names = [next(&events), next(&events)];
        names.sort();
        assert_eq!(names, ["wharf-block-0", "wharf-block-1"]);
        for number in 0..5 {
            let order = order.clone();
            tickets.push(pool.submit(Box::new(move || order.send(number).unwrap())).unwrap());
        }
        assert!(orders.try_recv().is_err());
        assert_eq!(pool.count(), 2);
        // One thread does them all, so that there is an order.
        let mut gates = gates.into_iter();
        drop(gates.next());
        assert_eq!([(); 5].map(|()| next(&orders)), [0, 1, 2, 3, 4]);
        assert!(tickets.iter().all(|ticket| !ticket.take_back()), "all have begun");
    }

    #[test]
    fn one_more_than_may_wait_is_refused() {
        for max_queued in [0, 1, 3] {
            let pool = pool(1, max_queued, PATIENCE);
            let (begun, events) = mpsc::channel();
            let (job, gate) = held(&begun);
            let _running = pool.submit(job).unwrap();
            next(&events);
            let mut waiting: Vec<_> =
                (0..max_queued).map(|_| pool.submit(Box::new(|| {})).unwrap()).collect();
            assert!(pool.submit(Box::new(|| {})).is_err_and(|full| full == Full), "{max_queued}");
            // Who gives up makes room.
            if waiting.pop().is_some() {
                waiting.push(pool.submit(Box::new(|| {})).unwrap());
                assert!(pool.submit(Box::new(|| {})).is_err(), "{max_queued}");
            }
            drop(gate);
        }
    }

    #[test]
    fn a_job_that_is_taken_back_never_runs_and_one_that_has_begun_is_not_taken_back() {
        let pool = pool(1, 10, PATIENCE);
        let (begun, events) = mpsc::channel();
        let (first, gate) = held(&begun);
        let running = pool.submit(first).unwrap();
        next(&events);
        let (ran, runs) = mpsc::channel();
        let ask = |number: u32| {
            let ran = ran.clone();
            pool.submit(Box::new(move || ran.send(number).unwrap())).unwrap()
        };
        let (taken_back, dropped, kept) = (ask(1), ask(2), ask(3));
        assert!(taken_back.take_back() && !taken_back.take_back());
        drop(dropped);
        assert!(!running.take_back());
        drop(gate);
        assert_eq!(next(&runs), 3);
        assert!(!kept.take_back());
        drop((pool, ran));
        assert!(runs.recv_timeout(PATIENCE).is_err(), "neither of the others has run");
    }

    #[test]
    fn a_panic_harms_no_other_job() {
        let pool = pool(1, 10, PATIENCE);
        let (sender, events) = mpsc::channel();
        let names = [(); 2].map(|()| {
            let sender = sender.clone();
            let job = move || {
                sender.send(thread::current().id()).unwrap();
                resume_unwind(Box::new("as asked for"));
            };
            let _ticket = pool.submit(Box::new(job)).unwrap();
            next(&events)
        });
        assert_eq!(names[0], names[1], "the thread lives on");
    }

    #[test]
    fn threads_without_work_end_and_others_are_started_in_their_place() {
        let pool = pool(3, 10, Duration::ZERO);
        let (begun, events) = mpsc::channel();
        for round in 0..2 {
            let (jobs, gates): (Vec<_>, Vec<_>) = (0..3).map(|_| held(&begun)).unzip();
            let tickets: Vec<_> = jobs.into_iter().map(|job| pool.submit(job).unwrap()).collect();
            let mut names = [(); 3].map(|()| next(&events));
            names.sort();
            assert_eq!(names, [0, 1, 2].map(|n| format!("wharf-block-{n}")), "{round}");
            drop(gates);
            wait_for_count(&pool, 0);
            drop(tickets);
        }
    }

    #[test]
    fn a_stop_drops_what_waits_and_waits_for_what_runs_but_not_for_ever() {
        let pool = pool(1, 10, PATIENCE);
        let (begun, events) = mpsc::channel();
        let (job, gate) = held(&begun);
        let _running = pool.submit(job).unwrap();
        next(&events);
        let (held_by_job, dropped) = mpsc::channel::<()>();
        let waiting = pool.submit(Box::new(move || held_by_job.send(()).unwrap())).unwrap();
        assert!(!pool.end(Duration::ZERO), "one runs, and is left alone");
        assert!(dropped.recv().is_err(), "it is dropped without being run");
        assert!(!waiting.take_back());
        assert!(pool.submit(Box::new(|| {})).is_err());
        drop(gate);
        assert!(pool.end(PATIENCE));
        assert_eq!(pool.count(), 0);
    }

    #[test]
    fn a_pool_is_ended_by_one_of_its_own_threads() {
        let pool = Arc::new(pool(2, 10, PATIENCE));
        let (sender, events) = mpsc::channel();
        let own = Arc::clone(&pool);
        let _ticket = pool.submit(Box::new(move || sender.send(own.end(PATIENCE)).unwrap()));
        assert!(next(&events), "it does not wait for itself");
        wait_for_count(&pool, 0);
    }

    #[test]
    fn who_drops_the_pool_does_not_wait() {
        let pool = pool(1, 10, PATIENCE);
        let (begun, events) = mpsc::channel();
        let (job, gate) = held(&begun);
        let ticket = pool.submit(job).unwrap();
        next(&events);
        drop(pool);
        drop(gate);
        assert!(!ticket.take_back());
    }
}
