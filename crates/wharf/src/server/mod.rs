//! [`Server`]: a handler, its addresses and its bounds, and the three ways to run it.
//!
//! `run` blocks, `start` goes to the background (`handle.rs`), `into_ticker` leaves the loop to the
//! program (`ticker.rs`). Not here: what a worker does.

mod assemble;
mod backend;
mod handle;
mod http2;
mod lifecycle;
mod listen;
mod state;
mod ticker;
mod tuning;

#[cfg(not(feature = "tokio"))]
mod no_runtime;
#[cfg(feature = "tokio")]
mod runtime;

use std::fmt;
use std::io;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

pub(crate) use self::assemble::assemble;
pub use self::backend::Backend;
use self::backend::Plans;
pub use self::handle::ServerHandle;
use self::handle::WorkerThreads;
pub use self::lifecycle::ServerState;
use self::lifecycle::{Companion, EndOfCompanion};
use self::listen::share_out;
#[cfg(not(feature = "tokio"))]
pub(crate) use self::no_runtime::Runtime;
#[cfg(feature = "tokio")]
pub(crate) use self::runtime::Runtime;
pub use self::ticker::Ticker;
#[cfg(test)]
pub(crate) use self::ticker::share_meter;
use crate::config::{BlockingPool, Dispatch, Timeouts};
use crate::driver::Driver;
use crate::env::{MakeState, States};
use crate::error::{Error, Result};
use crate::listener::{HandOver, Listener, Registry, Spread};
use crate::observe::{Access, ClosedConnection, ErrorContext, Hooks, OpenedConnection};
use crate::response::Response;
use crate::service::Service;
use crate::stop::StopSwitch;
use crate::stream::IntoStreamHandler;
use crate::worker::{Control, Milestones, Plan, Worker};
use crate::{IntoHandler, Limits, OnDisconnect, Settings};

/// A server that is being put together.
///
/// # Defaults
///
/// * workers: one for each core
/// * [`Limits`], [`Timeouts`]: see there; all on
/// * connections: 90% of the process's descriptor limit
/// * dispatch: [`Dispatch::PerWorkerListener`] on Linux
/// * backend: [`Backend::Auto`], which is epoll on Linux at present
///
/// ```
/// use wharf::{Request, Server};
///
/// let server = Server::new(|_: Request| "Hello, world!\n").listen("127.0.0.1:0")?;
/// let handle = server.start()?;
/// println!("listening on {}", handle.local_addrs()[0]);
/// handle.stop();
/// # Ok::<(), wharf::Error>(())
/// ```
#[must_use = "a server does nothing before `run`, `start` or `into_ticker`"]
pub struct Server {
    services: Vec<Service>,
    listeners: Vec<Listener>,
    config: Config,
}

/// What a server is told, apart from handler and addresses.
#[derive(Default)]
pub(crate) struct Config {
    settings: Settings,
    runtime: Runtime,
    hooks: Hooks,
    on_start: Vec<Box<dyn FnOnce() + Send>>,
    milestones: Milestones,
    companions: Vec<Companion>,
    states: States,
    makers: Vec<MakeState>,
    /// This server's alone.
    switch: StopSwitch,
    /// The program's own, which other servers may share.
    shared_switch: Option<StopSwitch>,
    registry: Registry,
    pub(super) hand_over: Option<HandOver>,
}

impl Server {
    /// A server for `handler`. Opens nothing.
    pub fn new<M>(handler: impl IntoHandler<M>) -> Self {
        Self::with(Service::http(handler))
    }

    /// A server whose connections are served by `handler`, a function over a
    /// [`Stream`](crate::Stream) or a [`BlockingStream`](crate::BlockingStream). Opens nothing.
    pub fn tcp<M>(handler: impl IntoStreamHandler<M>) -> Self {
        Self::with(Service::tcp(handler))
    }

    /// A server for `service`. Opens nothing.
    pub fn with(service: Service) -> Self {
        Self { services: vec![service], listeners: Vec::new(), config: Config::default() }
    }

    /// What the server was told so far.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.config.settings
    }

    /// How many workers serve, each on a thread of its own. Default: as many as there are cores;
    /// one for a [`Ticker`]. Zero is taken as one.
    pub const fn workers(mut self, count: usize) -> Self {
        self.config.settings.workers = Some(if count == 0 { 1 } else { count });
        self
    }

    /// How connections come to the workers. Default: [`Dispatch::PerWorkerListener`] on Linux,
    /// [`Dispatch::LeastConnections`] elsewhere.
    pub const fn dispatch(mut self, dispatch: Dispatch) -> Self {
        self.config.settings.dispatch = dispatch;
        self
    }

    /// By which interface of the system bytes are moved. Default: [`Backend::Auto`].
    pub const fn backend(mut self, backend: Backend) -> Self {
        self.config.settings.backend = backend;
        self
    }

    /// Bounds on one request.
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.config.settings.limits = limits;
        self
    }

    /// How long a peer may take.
    pub const fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.config.settings.timeouts = timeouts;
        self
    }

    /// The threads on which [`blocking`](crate::blocking) handlers run.
    pub const fn blocking_pool(mut self, pool: BlockingPool) -> Self {
        self.config.settings.blocking_pool = pool;
        self
    }

    /// How many connections may be open. Default: 90% of the process's descriptor limit. Others
    /// wait in the listeners' backlogs. Each worker may exceed it by one. Zero is taken as one.
    pub const fn max_connections(mut self, count: usize) -> Self {
        self.config.settings.max_connections = Some(if count == 0 { 1 } else { count });
        self
    }

    /// How many connections one client may have open; one more is closed at once. Default: no bound
    /// beside [`max_connections`](Self::max_connections), since many people may share an address.
    /// A client is an IPv4 address or an IPv6 network of 64 bits; on a Unix socket a user. Zero is
    /// taken as one.
    pub const fn max_connections_per_client(mut self, count: usize) -> Self {
        let count = if count == 0 { 1 } else { count };
        self.config.settings.max_connections_per_client = Some(count);
        self
    }

    /// How many TLS handshakes may be under way on each worker. Default 1,000; zero is taken as
    /// one. When one more begins, the one that began first is cut.
    ///
    /// One holds 64 KiB at most and about 20 KB usually, and a worker does a few thousand in a
    /// second: 1,000 are under way when all of them take a third of a second. A connection on which
    /// nothing came has not begun.
    pub const fn max_handshakes(mut self, count: usize) -> Self {
        self.config.settings.max_handshakes = if count == 0 { 1 } else { count };
        self
    }

    /// How many requests may come on one connection; the last response says that it closes. Default
    /// 1,000,000. Behind a load balancer, a lower bound spreads connections anew from time to time.
    /// Zero is taken as one.
    pub const fn max_requests_per_connection(mut self, count: u32) -> Self {
        self.config.settings.max_requests_per_connection = if count == 0 { 1 } else { count };
        self
    }

    /// What becomes of handlers that have not answered when their client disconnects. Default: it
    /// depends on the method (see [`OnDisconnect`]). [`on_disconnect`](crate::on_disconnect) says
    /// so for one handler.
    pub const fn on_disconnect(mut self, rule: OnDisconnect) -> Self {
        self.config.settings.on_disconnect = Some(rule);
        self
    }

    /// Whether a client may close its sending side while it waits for a response, as some do that
    /// have nothing more to ask. Default: yes.
    ///
    /// A client that closes the connection altogether looks the same at first. If it speaks
    /// HTTP/1.1 and its handler has not answered, it is sent `100 Continue`, to which one that is
    /// gone answers with a reset; otherwise it is found out by what is sent to it next. With `no`,
    /// closing the sending side is a disconnect at once, as in most servers.
    pub const fn allow_half_close(mut self, allow: bool) -> Self {
        self.config.settings.allow_half_close = allow;
        self
    }

    /// Whether TRACE is answered with the request's head, without the fields that hold credentials
    /// (RFC 9110 section 9.3.8). Default: no, it is answered with 501. No handler sees TRACE.
    pub const fn allow_trace(mut self, allow: bool) -> Self {
        self.config.settings.allow_trace = allow;
        self
    }

    /// Whether a line of a request's head may end with LF alone, as some old clients have it (RFC
    /// 9112 section 2.2). Default: no, since servers that differ in this can be played off against
    /// each other. Chunks always have to end their lines with CR LF.
    pub const fn accept_bare_lf(mut self, accept: bool) -> Self {
        self.config.settings.accept_bare_lf = accept;
        self
    }

    /// Whether the allocator is asked to return what is free to the system when a burst of many
    /// connections is over. Default: yes, where it needs to be asked (glibc), and at most once a
    /// minute. It looks through all of the program's free memory, on the worker: a program with
    /// gigabytes in small pieces may not want that.
    pub const fn return_memory(mut self, returns: bool) -> Self {
        self.config.settings.return_memory = returns;
        self
    }

    /// Has `log` called after each request, on the worker that served it. It must not block. If it
    /// panics, that has no further consequence.
    pub fn access_log(mut self, log: impl Fn(&Access<'_>) + Send + Sync + 'static) -> Self {
        self.config.hooks.access_log = Some(Arc::new(log));
        self
    }

    /// Has `hook` called for everything that goes wrong: what peers send, what handlers do, what
    /// the system says of connections and of accepting them. It runs on the worker concerned and
    /// must not block. If it panics, that has no further consequence.
    ///
    /// Where no response has begun ([`ErrorContext::status`]), the one that it returns takes the
    /// place of the server's own, which tells the status and nothing else.
    ///
    /// ```
    /// use wharf::{ErrorContext, Response, Server};
    ///
    /// let server = Server::new("hello").on_error(|context: &ErrorContext<'_>| {
    ///     eprintln!("{:?}: {}", context.kind, context.error);
    ///     let page = Response::html("<h1>Something went wrong</h1>");
    ///     context.status.map(|status| page.with_status(status))
    /// });
    /// # let _ = server;
    /// ```
    pub fn on_error(
        mut self,
        hook: impl Fn(&ErrorContext<'_>) -> Option<Response> + Send + Sync + 'static,
    ) -> Self {
        self.config.hooks.on_error = Some(Arc::new(hook));
        self
    }

    /// Has `hook` called for each connection that is taken on. It runs on the worker that has it
    /// from then on, and must not block. If it panics, that has no further consequence.
    pub fn on_open(mut self, hook: impl Fn(&OpenedConnection) + Send + Sync + 'static) -> Self {
        self.config.hooks.on_open = Some(Arc::new(hook));
        self
    }

    /// What counts as a handler that blocks its worker: longer than this without letting others
    /// have their turn. Default 100 ms (Python's `asyncio`); [`Duration::MAX`] is never.
    ///
    /// It is told to [`on_error`](Self::on_error) when it is over, with the request
    /// ([`ErrorKind::BlockedWorker`](crate::ErrorKind::BlockedWorker)), and counted. What is
    /// measured is the time that passed, in steps of some milliseconds: on a machine that is
    /// overloaded a worker may have waited for a core. Handlers that block belong into
    /// [`blocking`](crate::blocking).
    pub const fn blocked_worker_after(mut self, time: Duration) -> Self {
        self.config.settings.blocked_worker_after = time;
        self
    }

    /// Has `hook` called for each connection that is over, with the reason; also for those that
    /// were not taken on, since their client had too many or they were lost before. It runs on the
    /// worker concerned and must not block. If it panics, that has no further consequence.
    pub fn on_close(mut self, hook: impl Fn(&ClosedConnection) + Send + Sync + 'static) -> Self {
        self.config.hooks.on_close = Some(Arc::new(hook));
        self
    }

    /// Serves until a [`StopSwitch`] is used. The calling thread is one of the workers.
    ///
    /// # Errors
    ///
    /// [`Error::NothingToListenOn`] without an address; [`Error::Backend`] if the backend that was
    /// asked for is not to be had, [`Error::BusyPoll`] if busy polling is not; [`Error::Worker`] if
    /// the system refuses what a worker needs.
    pub fn run(self) -> Result {
        match self.plan(None)? {
            Plans::Epoll(plans) => run_here(plans),
            Plans::IoUring(plans) => run_here(plans),
        }
    }

    /// Serves on threads of its own, from before this returns until the handle is dropped or used
    /// to stop.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub fn start(self) -> Result<ServerHandle> {
        let started = match self.plan(None)? {
            Plans::Epoll(plans) => ServerHandle::start(plans),
            Plans::IoUring(plans) => ServerHandle::start(plans),
        };
        let handle = started.map_err(Error::Worker)?;
        handle.wait_begun();
        Ok(handle)
    }

    /// Leaves the loop to the program: nothing is served except in [`Ticker::tick`], on the thread
    /// that calls it.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub fn into_ticker(mut self) -> Result<Ticker> {
        self.config.settings.leave_to_ticker();
        let ticker = match self.plan(Some(NonZeroUsize::MIN))? {
            Plans::Epoll(plans) => Ticker::new(plans),
            Plans::IoUring(plans) => Ticker::new(plans),
        };
        ticker.map_err(Error::Worker)
    }

    fn plan(self, default_workers: Option<NonZeroUsize>) -> Result<Plans> {
        if self.listeners.is_empty() {
            return Err(Error::NothingToListenOn);
        }
        let Self { mut services, listeners, mut config } = self;
        services.iter_mut().try_for_each(|service| service.prepare_for(&config.settings))?;
        config.runtime = std::mem::take(&mut config.runtime).or_current();
        let default_workers = default_workers.or_else(|| thread::available_parallelism().ok());
        let default_workers = default_workers.map_or(1, NonZeroUsize::get);
        let count = config.settings.workers.unwrap_or(default_workers);
        config.settings.leave_to_system();
        let system_spreads = config.settings.dispatch == Dispatch::PerWorkerListener;
        if let Some(micros) = config.settings.busy_poll_micros() {
            let set = listeners.iter().try_for_each(|listener| listener.set_busy_poll(micros));
            set.map_err(Error::BusyPoll)?;
        }
        for companion in config.companions.drain(..) {
            let end = companion(config.switch.clone()).map_err(Error::Worker)?;
            let end = EndOfCompanion(Some(end));
            // First of all, so that it comes last.
            config.milestones.on_stop.insert(0, Box::new(|_| drop(end)));
        }
        let spread = Spread { workers: count, system_spreads };
        let shares = share_out(listeners, &config.registry, spread)?;
        for hook in config.on_start.drain(..) {
            hook();
        }
        let successors = config.begin_hand_over()?;
        let switch = config.switch.clone();
        let plans = Plans::new(services, config, shares, !system_spreads)?;
        if let Some(successors) = successors {
            let server = Arc::downgrade(&plans.control());
            successors.wait_for(server, switch).map_err(Error::Worker)?;
        }
        Ok(plans)
    }
}

#[cfg(test)]
impl Server {
    /// What [`assemble`] takes, for a server on other drivers than the system's.
    pub(crate) fn into_parts(mut self) -> (Vec<Service>, Config) {
        self.services.iter_mut().for_each(|service| service.prepare().expect("a service"));
        (self.services, self.config)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("listen_addrs", &self.listen_addrs()).finish_non_exhaustive()
    }
}

/// Runs the workers of a server until it is told to stop. The calling thread is the first of them,
/// so that one worker needs no thread.
pub(crate) fn run_here<D>(mut plans: Vec<Plan<D>>) -> Result
where
    D: Driver + Send + 'static,
{
    let first = plans.remove(0);
    let mut threads = WorkerThreads::start(plans).map_err(Error::Worker)?;
    let _pinned = first.pin_this_thread().map_err(Error::Worker)?;
    let control: Arc<dyn Control> = Arc::clone(&first.shared) as _;
    // As on a thread of its own: the others go on, and are waited for.
    let served = catch_unwind(AssertUnwindSafe(|| Worker::serve(first)));
    let result = served.unwrap_or_else(|_| Err(io::Error::other("a worker panicked")));
    let result = result.and(threads.join());
    control.end_blocking();
    result.map_err(Error::Worker)
}
