//! [`Ticker`]: a server in the program's own loop.
//!
//! Not here: what a tick does (`worker`).

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::driver::{Combined, MioDriver};
use crate::observe::Stats;
use crate::stop::StopSwitch;
use crate::worker::Worker;

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
    workers: Vec<Worker<MioDriver>>,
    combined: Combined,
    addrs: Vec<SocketAddr>,
}

impl Ticker {
    pub(crate) fn new(workers: Vec<Worker<MioDriver>>, addrs: Vec<SocketAddr>) -> io::Result<Self> {
        let combined = Combined::new(workers.iter().map(Worker::driver))?;
        for worker in &workers {
            worker.rest();
        }
        Ok(Self { workers, combined, addrs })
    }

    /// What there is on the server, and how often it happened.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.workers.first().map(Worker::stats).unwrap_or_default()
    }

    /// One turn: waits at most `max_wait` for something to do, does what there is to do, and sends
    /// the answers. Returns whether the server runs; after a stop everything is closed.
    ///
    /// # Errors
    ///
    /// What the system reports about the loop itself. What goes wrong with one connection is not
    /// among it.
    pub fn tick(&mut self, max_wait: Duration) -> io::Result<bool> {
        let until = Instant::now().checked_add(max_wait);
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

    fn turn(&mut self, until: Option<Instant>) -> io::Result<()> {
        if let [only] = &mut self.workers[..] {
            return only.turn(until);
        }
        let due = [self.next_deadline(), until].into_iter().flatten().min();
        self.combined.wait(due)?;
        self.workers.iter_mut().try_for_each(|worker| worker.turn(Some(Instant::now())))
    }

    /// When the next tick is due even if the descriptor does not become readable. It may be past;
    /// `None` means never.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.workers.iter().filter_map(Worker::next_deadline).min()
    }

    /// The addresses that are listened on, with their real ports.
    #[must_use]
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.addrs
    }

    /// The switch that stops this server.
    #[must_use]
    pub fn stop_switch(&self) -> StopSwitch {
        self.workers.first().map_or_else(StopSwitch::new, Worker::switch)
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
        match &self.workers[..] {
            [only] => std::os::fd::AsFd::as_fd(only.driver()),
            _ => self.combined.as_fd(),
        }
    }
}
