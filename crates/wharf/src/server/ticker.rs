//! [`Ticker`]: a server in the program's own loop.
//!
//! Not here: what a tick does (`worker`).

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::driver::{Combined, Driver, Watched};
use crate::observe::Stats;
use crate::stop::StopSwitch;
use crate::worker::{Plan, Worker};

/// A server whose loop is the program's: nothing happens but in [`tick`](Self::tick).
///
/// A loop that waits for several things watches the ticker's descriptor
/// ([`AsFd`](std::os::fd::AsFd), on Unix) for reading (level-triggered), waits no longer than
/// [`next_deadline`](Self::next_deadline), and then ticks without waiting.
///
/// ```
/// use std::time::Duration;
/// use wharf::Server;
///
/// let mut ticker = Server::new("hello").listen("127.0.0.1:0")?.into_ticker()?;
/// for _frame in 0..3 {
///     ticker.tick(Duration::from_millis(1)).expect("the loop runs");
/// }
/// # Ok::<(), wharf::Error>(())
/// ```
pub struct Ticker {
    workers: Box<dyn Turns>,
    addrs: Vec<SocketAddr>,
}

impl Ticker {
    pub(crate) fn new<D>(mut plans: Vec<Plan<D>>, addrs: Vec<SocketAddr>) -> io::Result<Self>
    where
        D: Driver + Watched + 'static,
    {
        plans.iter_mut().try_for_each(|plan| plan.driver.watch())?;
        let mut workers: Vec<_> = plans.into_iter().map(Worker::new).collect();
        let combined = Combined::new(workers.iter().map(Worker::driver))?;
        for worker in &mut workers {
            worker.rest();
        }
        Ok(Self { workers: Box::new(Workers { workers, combined }), addrs })
    }

    /// What there is on the server, and how often it happened.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.workers.stats()
    }

    /// One turn: waits at most `max_wait` for something to do, does what there is to do, and sends
    /// the answers. Returns whether the server runs; after a stop everything is closed.
    ///
    /// # Errors
    ///
    /// What the system reports about the loop itself. What goes wrong with one connection is not
    /// among it.
    pub fn tick(&mut self, max_wait: Duration) -> io::Result<bool> {
        self.workers.tick(Instant::now().checked_add(max_wait))
    }

    /// When the next tick is due even if the descriptor does not become readable. It may be past;
    /// `None` means never.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.workers.next_deadline()
    }

    /// The addresses that are listened on, with their real ports.
    #[must_use]
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.addrs
    }

    /// The switch that stops this server.
    #[must_use]
    pub fn stop_switch(&self) -> StopSwitch {
        self.workers.switch()
    }
}

/// The workers of a ticker, on whichever backend.
trait Turns {
    fn tick(&mut self, until: Option<Instant>) -> io::Result<bool>;

    fn next_deadline(&self) -> Option<Instant>;

    fn switch(&self) -> StopSwitch;

    fn stats(&self) -> Stats;

    #[cfg(unix)]
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_>;
}

struct Workers<D: Driver> {
    workers: Vec<Worker<D>>,
    combined: Combined,
}

impl<D: Driver> Workers<D> {
    fn turn(&mut self, until: Option<Instant>) -> io::Result<()> {
        if let [only] = &mut self.workers[..] {
            return only.turn(until);
        }
        let next = self.workers.iter().filter_map(Worker::next_deadline).min();
        self.combined.wait([next, until].into_iter().flatten().min())?;
        self.workers.iter_mut().try_for_each(|worker| worker.turn(Some(Instant::now())))
    }
}

impl<D: Driver + Watched> Turns for Workers<D> {
    fn tick(&mut self, until: Option<Instant>) -> io::Result<bool> {
        let turned = self.turn(until);
        let stopping = self.workers.iter().any(Worker::is_stopping);
        for worker in &mut self.workers {
            if stopping {
                worker.close_all();
            }
            worker.rest();
        }
        turned.map(|()| !stopping)
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.workers.iter().filter_map(Worker::next_deadline).min()
    }

    fn switch(&self) -> StopSwitch {
        self.workers.first().map_or_else(StopSwitch::new, Worker::switch)
    }

    fn stats(&self) -> Stats {
        self.workers.first().map(Worker::stats).unwrap_or_default()
    }

    #[cfg(unix)]
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        match &self.workers[..] {
            [only] => std::os::fd::AsFd::as_fd(only.driver()),
            _ => self.combined.as_fd(),
        }
    }
}

impl fmt::Debug for Ticker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticker").field("local_addrs", &self.addrs).finish_non_exhaustive()
    }
}

#[cfg(unix)]
impl std::os::fd::AsFd for Ticker {
    /// A descriptor that is readable when a tick has something to do.
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.workers.as_fd()
    }
}
