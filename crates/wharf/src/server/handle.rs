//! [`ServerHandle`]: a server in the background.
//!
//! Not here: what its threads do (`worker`).

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::driver::Driver;
use crate::error::{Error, Result};
use crate::observe::Stats;
use crate::stop::StopSwitch;
use crate::worker::{Plan, StatsSource, Worker};

/// A server that runs in the background. Dropping the handle stops it and waits for its threads.
///
/// ```
/// use std::time::Duration;
/// use wharf::Server;
///
/// let handle = Server::new("hello").listen("127.0.0.1:0")?.start()?;
/// assert!(!handle.wait(Some(Duration::ZERO)), "it runs until it is told to stop");
/// handle.stop();
/// assert!(handle.wait(None));
/// # Ok::<(), wharf::Error>(())
/// ```
#[must_use = "dropping the handle stops the server"]
pub struct ServerHandle {
    addrs: Vec<SocketAddr>,
    switch: StopSwitch,
    stats: Option<Arc<dyn StatsSource>>,
    threads: Vec<JoinHandle<io::Result<()>>>,
    running: Arc<Running>,
}

impl fmt::Debug for ServerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerHandle").field("local_addrs", &self.addrs).finish_non_exhaustive()
    }
}

/// How many workers run.
#[derive(Debug, Default)]
struct Running {
    count: Mutex<usize>,
    changed: Condvar,
}

impl Running {
    fn lock(&self) -> MutexGuard<'_, usize> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a worker until it is dropped, also by a panic, and has the others stop then: a server
/// that has lost a worker would leave connections unanswered.
struct Counted {
    running: Arc<Running>,
    switch: StopSwitch,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.switch.stop();
        *self.running.lock() -= 1;
        self.running.changed.notify_all();
    }
}

impl ServerHandle {
    /// Runs each worker on a thread.
    pub(crate) fn start<D>(plans: Vec<Plan<D>>, switch: StopSwitch) -> io::Result<Self>
    where
        D: Driver + Send + 'static,
    {
        let running = Arc::new(Running::default());
        let stats = plans.first().map(|plan| Arc::clone(&plan.shared) as Arc<dyn StatsSource>);
        let mut handle = Self { addrs: Vec::new(), switch, stats, threads: Vec::new(), running };
        for plan in plans {
            *handle.running.lock() += 1;
            let running = Arc::clone(&handle.running);
            let counted = Counted { running, switch: handle.switch.clone() };
            // A thread begins where the one that starts it runs, so that a failure is told at once.
            let _pinned = plan.pin_this_thread()?;
            // If a thread can't be made, dropping the handle stops those that could.
            let name = format!("wharf-{}", plan.index);
            let thread = thread::Builder::new().name(name).spawn(move || {
                let _counted = counted;
                Worker::new(plan).run()
            });
            handle.threads.push(thread?);
        }
        Ok(handle)
    }

    pub(crate) fn with_addrs(mut self, addrs: Vec<SocketAddr>) -> Self {
        self.addrs = addrs;
        self
    }

    /// The addresses that are listened on, with their real ports.
    #[must_use]
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.addrs
    }

    /// What there is on the server, and how often it happened.
    ///
    /// # Panics
    ///
    /// Never: a handle that a program has is one of a server with workers.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.stats.as_ref().expect("a background server has a worker").stats()
    }

    /// Has the server stop: listeners and connections are closed, handlers that have not answered
    /// are dropped. Returns at once; [`wait`](Self::wait) tells when it is done.
    pub fn stop(&self) {
        self.switch.stop();
    }

    /// A switch that stops this server and no other.
    #[must_use]
    pub fn stop_switch(&self) -> StopSwitch {
        self.switch.clone()
    }

    /// Waits until the server has stopped, by whatever cause, or `timeout` is over. Says whether
    /// it has. May be called again.
    #[must_use]
    pub fn wait(&self, timeout: Option<Duration>) -> bool {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut count = self.running.lock();
        while *count > 0 {
            count = match deadline {
                None => self.running.changed.wait(count).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return false;
                    }
                    let waited = self.running.changed.wait_timeout(count, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        true
    }

    /// Waits until the server has stopped, by whatever cause, and tells what went wrong.
    ///
    /// # Errors
    ///
    /// [`Error::Worker`] if the system refused what a worker needs, or a worker panicked.
    pub fn join(mut self) -> Result {
        self.join_threads().map_err(Error::Worker)
    }

    fn join_threads(&mut self) -> io::Result<()> {
        let mut result = Ok(());
        for thread in self.threads.drain(..) {
            // A handler that drops the handle runs on one of them, which can't wait for itself.
            if thread.thread().id() == thread::current().id() {
                continue;
            }
            let ended =
                thread.join().unwrap_or_else(|_| Err(io::Error::other("a worker panicked")));
            result = result.and(ended);
        }
        result
    }
}

impl Drop for ServerHandle {
    fn drop(&mut self) {
        self.stop();
        // Nobody is left who could be told.
        let _ = self.join_threads();
    }
}
