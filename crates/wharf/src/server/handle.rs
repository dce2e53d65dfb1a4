//! [`ServerHandle`]: a server in the background.
//!
//! Not here: what its threads do (`worker`).

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::ServerState;
use crate::Settings;
use crate::body::OnWorker;
use crate::driver::Driver;
use crate::error::{Error, Result};
use crate::listener::{InvalidAddr, ListenAddr, Listener};
use crate::observe::{ConnectionId, Connections, Stats};
use crate::service::Service;
use crate::stop::{Order, StopSwitch};
use crate::worker::{Control, DrainReport, Life, Plan, Stopped, Worker};

/// How much longer than its deadline a drain is waited for: a worker that is blocked by a handler
/// can't close anything.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long a handle that is dropped waits for the server's end.
const DROP_PATIENCE: Duration = Duration::from_secs(5);

/// A server that runs in the background. Dropping the handle stops it and waits for its threads,
/// up to five seconds, and then for [`blocking`](crate::blocking) handlers that run, as long as
/// [`BlockingPool::stop_wait`](crate::BlockingPool::stop_wait) says.
///
/// ```
/// use std::time::Duration;
/// use wharf::{Server, ServerState};
///
/// let handle = Server::new("hello").listen("127.0.0.1:0")?.start()?;
/// assert_eq!(handle.state(), ServerState::Running);
/// let report = handle.drain(Duration::from_secs(30));
/// assert!(report.is_clean());
/// assert_eq!(handle.state(), ServerState::Stopped);
/// # Ok::<(), wharf::Error>(())
/// ```
#[must_use = "dropping the handle stops the server"]
pub struct ServerHandle {
    switch: StopSwitch,
    life: Arc<Life>,
    control: Arc<dyn Control>,
    threads: WorkerThreads,
    is_detached: bool,
}

impl fmt::Debug for ServerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerHandle")
            .field("listen_addrs", &self.listen_addrs())
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

/// The threads of workers.
#[derive(Debug)]
pub(super) struct WorkerThreads(Vec<JoinHandle<io::Result<()>>>);

impl WorkerThreads {
    /// Runs each worker on a thread. If one can't be made, the others are told to stop by the plan
    /// that was not carried out.
    pub(super) fn start<D>(plans: Vec<Plan<D>>) -> io::Result<Self>
    where
        D: Driver + Send + 'static,
    {
        let mut threads = Vec::with_capacity(plans.len());
        for plan in plans {
            // A thread begins where the one that starts it runs, so that a failure is told at once.
            let _pinned = plan.pin_this_thread()?;
            let thread = thread::Builder::new().name(format!("wharf-{}", plan.index));
            threads.push(thread.spawn(move || Worker::serve(plan))?);
        }
        Ok(Self(threads))
    }

    /// Waits for their end, and tells what went wrong first.
    pub(super) fn join(&mut self) -> io::Result<()> {
        let mut result = Ok(());
        for thread in self.0.drain(..) {
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

    /// Whether the calling thread is one of them.
    fn include_this(&self) -> bool {
        self.0.iter().any(|thread| thread.thread().id() == thread::current().id())
    }
}

impl ServerHandle {
    /// Runs each worker on a thread.
    pub(crate) fn start<D>(plans: Vec<Plan<D>>) -> io::Result<Self>
    where
        D: Driver + Send + 'static,
    {
        let first = plans.first().ok_or_else(|| io::Error::other("there are no workers"))?;
        let (life, switch) = (Arc::clone(first.presence.life()), first.shared.switches.own.clone());
        let control = Arc::clone(&first.shared) as Arc<dyn Control>;
        let threads = WorkerThreads::start(plans)?;
        Ok(Self { switch, life, control, threads, is_detached: false })
    }

    /// What a handler of the server may ask.
    #[cfg(test)]
    pub(crate) fn control(&self) -> Arc<dyn Control> {
        Arc::clone(&self.control)
    }

    /// Waits until every worker runs.
    pub(super) fn wait_begun(&self) {
        self.life.wait_begun();
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

    /// Listens on another address, as [`Server::listen`](crate::Server::listen) does. Tells what is
    /// listened on thereby, with real ports.
    ///
    /// ```
    /// let handle = wharf::Server::new("hello").listen("127.0.0.1:0")?.start()?;
    /// let more = handle.listen("127.0.0.1:0")?;
    /// assert_eq!(handle.listen_addrs().len(), 2);
    /// assert!(handle.unlisten(&more[0])?);
    /// # Ok::<(), wharf::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidAddr`] if the text can't be read; [`Error::Listen`] if the address can't be
    /// listened on, or the server was told to end.
    pub fn listen<A>(&self, addr: A) -> Result<Vec<ListenAddr>>
    where
        A: TryInto<ListenAddr, Error: Into<InvalidAddr>>,
    {
        listen(&*self.control, addr, None)
    }

    /// Listens on another address for another service, as
    /// [`Server::listen_for`](crate::Server::listen_for) does. The server keeps the service until
    /// its end.
    ///
    /// ```
    /// use wharf::{Server, Service};
    ///
    /// let handle = Server::new("hello").listen("127.0.0.1:0")?.start()?;
    /// let admin = handle.listen_for("127.0.0.1:0", Service::http("for operators"))?;
    /// assert_ne!(admin[0].socket_addr(), None);
    /// # Ok::<(), wharf::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`listen`](Self::listen), and as [`Server::listen_for`](crate::Server::listen_for).
    pub fn listen_for<A>(&self, addr: A, service: Service) -> Result<Vec<ListenAddr>>
    where
        A: TryInto<ListenAddr, Error: Into<InvalidAddr>>,
    {
        listen(&*self.control, addr, Some(service))
    }

    /// Listens no longer on an address, one of [`listen_addrs`](Self::listen_addrs). What has come
    /// there is still accepted, connections that are open go on, and the file of a Unix socket is
    /// removed. Returns at once, and says whether there was such a listener; a moment later the
    /// address is free.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidAddr`] if the text can't be read.
    pub fn unlisten<A>(&self, addr: A) -> Result<bool>
    where
        A: TryInto<ListenAddr, Error: Into<InvalidAddr>>,
    {
        unlisten(&*self.control, addr)
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

    /// What each connection is doing: see [`Connections`]. Workers answer between two turns, and
    /// one that a handler blocks is waited for no longer than a second.
    ///
    /// # Panics
    ///
    /// On a worker, which would wait for itself.
    #[must_use]
    pub fn connections(&self) -> Connections {
        self.control.connections_blocking()
    }

    /// Closes a connection, and says whether it was open. Its handler is dropped, and a response
    /// that has begun is reset, so that it is not taken for complete.
    ///
    /// A worker that a handler blocks closes it when it can; then this says `false` after a second.
    ///
    /// ```
    /// use wharf::Server;
    ///
    /// let handle = Server::new("hello").listen("127.0.0.1:0")?.start()?;
    /// for connection in handle.connections().list {
    ///     if connection.age.as_secs() > 3600 {
    ///         handle.kill(connection.id);
    ///     }
    /// }
    /// # Ok::<(), wharf::Error>(())
    /// ```
    ///
    /// # Panics
    ///
    /// On a worker, which would wait for itself.
    pub fn kill(&self, id: ConnectionId) -> bool {
        self.control.kill_blocking(id)
    }

    /// Where the server is in its life.
    #[must_use]
    pub fn state(&self) -> ServerState {
        state(&self.life, &*self.control)
    }

    /// Whether the server serves and was not told to end.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.state() == ServerState::Running
    }

    /// Has the server stop: listeners and connections are closed, handlers that have not answered
    /// are dropped. Returns at once; [`wait`](Self::wait) tells when it is done.
    pub fn stop(&self) {
        self.switch.stop();
    }

    /// Has the server accept nothing more and bring to its end what has begun, and waits for that:
    /// until `deadline` is over, or little longer where a handler blocks its worker.
    ///
    /// Requests that are under way are answered, and the answer says that the connection closes.
    /// Who has nothing under way is given a moment
    /// ([`Timeouts::drain_grace`](crate::Timeouts::drain_grace)). At the deadline handlers that
    /// have not answered are dropped and answered for with 503, and what is still open then is
    /// closed.
    ///
    /// # Panics
    ///
    /// On a worker, which would wait for itself: use the [`StopSwitch`] there.
    pub fn drain(&self, deadline: Duration) -> DrainReport {
        assert!(!OnWorker::is_here(), "a handler can't wait for its server's end");
        self.switch.drain(deadline);
        let until = Instant::now().checked_add(deadline.saturating_add(PATIENCE));
        self.life.wait_over(until);
        self.report()
    }

    /// What became of what was under way when the server was told to end, as far as its workers
    /// are over.
    #[must_use]
    pub fn report(&self) -> DrainReport {
        self.life.report()
    }

    /// A switch that ends this server and no other.
    #[must_use]
    pub fn stop_switch(&self) -> StopSwitch {
        self.switch.clone()
    }

    /// Waits until the server is over, by whatever cause, or `timeout` has passed. Says whether it
    /// is. May be called again.
    #[must_use]
    pub fn wait(&self, timeout: Option<Duration>) -> bool {
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        self.life.wait_over(until)
    }

    /// A future of the server's end, for whatever runs futures.
    pub fn stopped(&self) -> Stopped {
        Stopped::new(Arc::clone(&self.life))
    }

    /// Waits until the server is over, by whatever cause, and tells what went wrong.
    ///
    /// # Errors
    ///
    /// [`Error::Worker`] if the system refused what a worker needs, or a worker panicked.
    ///
    /// # Panics
    ///
    /// On a worker, which may be one of those that it would wait for.
    pub fn join(mut self) -> Result {
        assert!(!OnWorker::is_here(), "a handler can't wait for its server's end");
        self.end_threads().map_err(Error::Worker)
    }

    fn end_threads(&mut self) -> io::Result<()> {
        let result = self.threads.join();
        self.control.end_blocking();
        result
    }

    /// Lets the server go on without the handle: a [`StopSwitch`] ends it, or the process's end.
    pub fn detach(mut self) {
        self.is_detached = true;
    }
}

/// Has a running server listen on more, for its own service or another.
pub(super) fn listen<A>(
    server: &dyn Control,
    addr: A,
    mut service: Option<Service>,
) -> Result<Vec<ListenAddr>>
where
    A: TryInto<ListenAddr, Error: Into<InvalidAddr>>,
{
    let addr = addr.try_into().map_err(|error| Error::InvalidAddr(error.into()))?;
    if let Some(service) = &mut service {
        service.prepare_for(server.settings())?;
    }
    server.listen(Listener::open(&addr)?, service)
}

/// Has a running server listen on less.
pub(super) fn unlisten<A>(server: &dyn Control, addr: A) -> Result<bool>
where
    A: TryInto<ListenAddr, Error: Into<InvalidAddr>>,
{
    let addr = addr.try_into().map_err(|error| Error::InvalidAddr(error.into()))?;
    Ok(server.unlisten(&addr))
}

/// Where a server that was run is in its life.
pub(super) fn state(life: &Life, server: &dyn Control) -> ServerState {
    if life.is_over() {
        ServerState::Stopped
    } else if server.order() == Order::Serve {
        ServerState::Running
    } else {
        ServerState::Draining
    }
}

impl Drop for ServerHandle {
    fn drop(&mut self) {
        if self.is_detached {
            return;
        }
        self.stop();
        let patience = if self.threads.include_this() { Duration::ZERO } else { DROP_PATIENCE };
        // Threads that are blocked end by themselves, whenever that is.
        if self.wait(Some(patience)) {
            // Nobody is left who could be told.
            let _ = self.end_threads();
        }
    }
}
