//! [`Ticker`]: a server in the program's own loop.
//!
//! Not here: what a tick does (`worker`).

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::handle::{listen, state, unlisten};
use super::{Runtime, ServerState};
use crate::Settings;
use crate::config::Budget;
use crate::driver::{Combined, Driver, Watched};
use crate::error::Result;
use crate::listener::{InvalidAddr, ListenAddr};
use crate::observe::{ConnectionId, Connections, Stats};
use crate::service::Service;
use crate::stop::StopSwitch;
use crate::worker::{Control, DrainReport, Life, Meter, Plan, Worker};

/// A server whose loop is the program's: nothing happens but in [`tick`](Self::tick).
///
/// A loop that waits for several things watches the ticker's descriptor (`AsFd` and `AsRawFd`, on
/// Unix) for reading, waits no longer than [`next_deadline`](Self::next_deadline), and then ticks
/// without waiting. The descriptor stays the same as long as the ticker lives. It is readable,
/// level-triggered, while there is something to do; after each tick the deadline may be another.
///
/// A loop with frames bounds what a tick does by a [`Budget`].
///
/// Dropping it ends the server, and waits for [`blocking`](crate::blocking) handlers as long as
/// [`BlockingPool::stop_wait`](crate::BlockingPool::stop_wait) says.
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
    switch: StopSwitch,
    life: Arc<Life>,
    control: Arc<dyn Control>,
    /// Behind the workers, whose end it waits for.
    _blocking: EndOfBlocking,
    meter: Rc<Meter>,
    runtime: Runtime,
}

/// Ends the threads on which handlers block.
struct EndOfBlocking(Arc<dyn Control>);

impl Drop for EndOfBlocking {
    fn drop(&mut self) {
        self.0.end_blocking();
    }
}

impl Ticker {
    pub(crate) fn new<D>(mut plans: Vec<Plan<D>>) -> io::Result<Self>
    where
        D: Driver + Watched + 'static,
    {
        let first = plans.first().ok_or_else(|| io::Error::other("there are no workers"))?;
        let (life, switch) = (Arc::clone(first.presence.life()), first.shared.switches.own.clone());
        let control = Arc::clone(&first.shared) as Arc<dyn Control>;
        let runtime = first.shared.runtime.clone();
        let _entered = runtime.enter();
        plans.iter_mut().try_for_each(|plan| plan.driver.watch())?;
        let (mut workers, meter) = share_meter(plans);
        let combined = Combined::new(workers.iter().map(Worker::driver))?;
        for worker in &mut workers {
            worker.rest();
        }
        let workers = Box::new(Workers { workers, combined, first: 0 });
        let (runtime, blocking) = (runtime.clone(), EndOfBlocking(Arc::clone(&control)));
        Ok(Self { workers, switch, life, control, _blocking: blocking, meter, runtime })
    }

    /// Bounds what each tick does from now on. Several workers have one budget together.
    pub fn set_budget(&mut self, budget: Budget) {
        self.meter.set(budget);
    }

    /// What the server was told, and what it has come to.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        self.control.settings()
    }

    /// What there is on the server, and how often it happened.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.control.stats()
    }

    /// What each connection is doing: see [`Connections`]. Times are those of the last tick.
    #[must_use]
    pub fn connections(&self) -> Connections {
        self.workers.connections()
    }

    /// Closes a connection at once, and says whether it was open. Its handler is dropped, and a
    /// response that has begun is reset, so that it is not taken for complete.
    ///
    /// ```
    /// use wharf::Server;
    ///
    /// let mut ticker = Server::new("hello").listen("127.0.0.1:0")?.into_ticker()?;
    /// for connection in ticker.connections().list {
    ///     ticker.kill(connection.id);
    /// }
    /// # Ok::<(), wharf::Error>(())
    /// ```
    pub fn kill(&mut self, id: ConnectionId) -> bool {
        self.workers.kill(id)
    }

    /// Where the server is in its life. In a drain it is over in the tick that says so.
    #[must_use]
    pub fn state(&self) -> ServerState {
        state(&self.life, &*self.control)
    }

    /// What became of what was under way when the server was told to end.
    #[must_use]
    pub fn report(&self) -> DrainReport {
        self.life.report()
    }

    /// One turn: waits at most `max_wait` for something to do, does what there is to do, and sends
    /// the answers. Returns whether the server runs: told to drain, it does until nothing is left
    /// or the deadline has come. When it is over, everything is closed.
    ///
    /// # Errors
    ///
    /// What the system reports about the loop itself. What goes wrong with one connection is not
    /// among it.
    pub fn tick(&mut self, max_wait: Duration) -> io::Result<bool> {
        self.tick_within(Instant::now().checked_add(max_wait))
    }

    /// One turn, as [`tick`](Self::tick), that waits until `until` at most. If that is past, it
    /// does not wait.
    ///
    /// Where the system counts in whole milliseconds, as epoll does, a wait may end up to one
    /// later.
    ///
    /// # Errors
    ///
    /// As [`tick`](Self::tick).
    pub fn tick_until(&mut self, until: Instant) -> io::Result<bool> {
        self.tick_within(Some(until))
    }

    fn tick_within(&mut self, until: Option<Instant>) -> io::Result<bool> {
        self.meter.reset();
        let _entered = self.runtime.enter();
        self.workers.tick(until)
    }

    /// When the next tick is due even if the descriptor does not become readable. It may be past,
    /// as it is while something is left to do; `None` means never.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.workers.next_deadline()
    }

    /// The internet addresses that are listened on, with their real ports.
    /// [`listen_addrs`](Self::listen_addrs) has those of Unix sockets as well.
    #[must_use]
    pub fn local_addrs(&self) -> Vec<SocketAddr> {
        self.listen_addrs().iter().filter_map(ListenAddr::socket_addr).collect()
    }

    /// What is listened on, in the order in which it was asked for.
    #[must_use]
    pub fn listen_addrs(&self) -> Vec<ListenAddr> {
        self.control.listen_addrs()
    }

    /// Listens on another address from the next tick on, as
    /// [`ServerHandle::listen`](crate::ServerHandle::listen) does.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidAddr`](crate::Error::InvalidAddr) if the text can't be read;
    /// [`Error::Listen`](crate::Error::Listen) if the address can't be listened on, or the server
    /// was told to end.
    pub fn listen<A>(&self, addr: A) -> Result<Vec<ListenAddr>>
    where
        A: TryInto<ListenAddr, Error: Into<InvalidAddr>>,
    {
        listen(&*self.control, addr, None)
    }

    /// Listens on another address for another service from the next tick on, as
    /// [`ServerHandle::listen_for`](crate::ServerHandle::listen_for) does.
    ///
    /// # Errors
    ///
    /// As [`ServerHandle::listen_for`](crate::ServerHandle::listen_for).
    pub fn listen_for<A>(&self, addr: A, service: Service) -> Result<Vec<ListenAddr>>
    where
        A: TryInto<ListenAddr, Error: Into<InvalidAddr>>,
    {
        listen(&*self.control, addr, Some(service))
    }

    /// Listens no longer on an address from the next tick on, as
    /// [`ServerHandle::unlisten`](crate::ServerHandle::unlisten) does.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidAddr`](crate::Error::InvalidAddr) if the text can't be read.
    pub fn unlisten<A>(&self, addr: A) -> Result<bool>
    where
        A: TryInto<ListenAddr, Error: Into<InvalidAddr>>,
    {
        unlisten(&*self.control, addr)
    }

    /// The switch that ends this server and no other.
    #[must_use]
    pub fn stop_switch(&self) -> StopSwitch {
        self.switch.clone()
    }
}

/// The workers of a ticker, on whichever backend.
trait Turns {
    fn tick(&mut self, until: Option<Instant>) -> io::Result<bool>;

    fn next_deadline(&self) -> Option<Instant>;

    fn connections(&self) -> Connections;

    fn kill(&mut self, id: ConnectionId) -> bool;

    #[cfg(unix)]
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_>;
}

/// Workers of which at most one works at a time, and what their ticks are bounded by.
pub(crate) fn share_meter<D: Driver>(plans: Vec<Plan<D>>) -> (Vec<Worker<D>>, Rc<Meter>) {
    let clock = plans.first().map(|plan| plan.driver.clock());
    let meter = Rc::new(Meter::new(clock.unwrap_or_else(|| Box::new(Instant::now))));
    let workers = plans.into_iter().map(|plan| Worker::with_meter(plan, Rc::clone(&meter)));
    (workers.collect(), meter)
}

struct Workers<D: Driver> {
    workers: Vec<Worker<D>>,
    combined: Combined,
    /// Who has its turn first, as the last may find nothing left of the budget.
    first: usize,
}

impl<D: Driver> Workers<D> {
    fn turn(&mut self, until: Option<Instant>) -> io::Result<()> {
        if let [only] = &mut self.workers[..] {
            return only.turn(until);
        }
        let next = self.workers.iter().filter_map(Worker::next_deadline).min();
        self.combined.wait([next, until].into_iter().flatten().min())?;
        let (before, from) = self.workers.split_at_mut(self.first);
        self.first = (self.first + 1) % (before.len() + from.len());
        let mut workers = from.iter_mut().chain(before);
        workers.try_for_each(|worker| worker.turn(Some(Instant::now())))
    }
}

impl<D: Driver + Watched> Turns for Workers<D> {
    fn tick(&mut self, until: Option<Instant>) -> io::Result<bool> {
        let turned = self.turn(until);
        let is_over = self.workers.iter().all(Worker::is_over);
        for worker in &mut self.workers {
            if is_over {
                worker.close_all();
            }
            worker.rest();
        }
        if is_over {
            self.workers.iter_mut().for_each(Worker::depart);
        }
        turned.map(|()| !is_over)
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.workers.iter().filter_map(Worker::next_deadline).min()
    }

    fn connections(&self) -> Connections {
        let list = self.workers.iter().flat_map(Worker::connections).collect();
        Connections { list, silent_workers: Vec::new() }
    }

    fn kill(&mut self, id: ConnectionId) -> bool {
        let Some(worker) = self.workers.get_mut(id.worker()) else { return false };
        let was_open = worker.kill(id.key());
        // What the driver was told is not to wait for the next tick.
        worker.rest();
        was_open
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
        f.debug_struct("Ticker").field("listen_addrs", &self.listen_addrs()).finish_non_exhaustive()
    }
}

#[cfg(unix)]
impl std::os::fd::AsFd for Ticker {
    /// A descriptor that is readable when a tick has something to do.
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.workers.as_fd()
    }
}

#[cfg(unix)]
impl std::os::fd::AsRawFd for Ticker {
    /// The number of the descriptor that [`AsFd`](std::os::fd::AsFd) gives. It belongs to the
    /// ticker.
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.workers.as_fd().as_raw_fd()
    }
}
