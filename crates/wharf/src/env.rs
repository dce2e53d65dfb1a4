//! What a program gives its handlers beside the request: values of a server, values of each of its
//! workers, and a way back to the server itself.
//!
//! Not here: what belongs to one request or connection (`request.rs`, `lifeline.rs`).

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::fmt;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::{Arc, Weak};

use crate::Settings;
use crate::listener::ListenAddr;
use crate::observe::{ConnectionId, Connections, Stats};
use crate::stop::StopSwitch;
use crate::worker::Control;

thread_local! {
    /// The worker whose turn it is.
    static CURRENT: RefCell<Option<Rc<WorkerEnv>>> = const { RefCell::new(None) };
}

/// Values by type, of which there are few.
#[derive(Default)]
pub(crate) struct States(Vec<(TypeId, Box<dyn Any + Send + Sync>)>);

impl States {
    /// Adds a value, in place of one of the same type.
    pub(crate) fn insert<T: Send + Sync + 'static>(&mut self, value: T) {
        self.0.retain(|(id, _)| *id != TypeId::of::<T>());
        self.0.push((TypeId::of::<T>(), Box::new(value)));
    }

    fn get<T: 'static>(&self) -> Option<&T> {
        let (_, value) = self.0.iter().find(|(id, _)| *id == TypeId::of::<T>())?;
        value.downcast_ref()
    }
}

/// Makes a value of a worker, on that worker.
pub(crate) type MakeState = Arc<dyn Fn() -> Rc<dyn Any> + Send + Sync>;

/// What the handlers of one server have in common.
pub(crate) struct Env {
    states: States,
    makers: Vec<MakeState>,
    server: ServerRef,
}

impl Env {
    pub(crate) fn new(states: States, makers: Vec<MakeState>, server: Weak<dyn Control>) -> Self {
        Self { states, makers, server: ServerRef { server: Some(server) } }
    }

    /// The value of that type.
    pub(crate) fn state<T: 'static>(&self) -> Option<&T> {
        self.states.get()
    }

    pub(crate) const fn server(&self) -> &ServerRef {
        &self.server
    }

    /// The value of that type that the worker has whose turn it is, if it is one of this server's.
    pub(crate) fn worker_state<T: 'static>(self: &Arc<Self>) -> Option<Rc<T>> {
        CURRENT.with_borrow(|current| {
            let worker = current.as_ref().filter(|worker| Arc::ptr_eq(&worker.env, self))?;
            worker.states.iter().find_map(|state| Rc::clone(state).downcast().ok())
        })
    }
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Env").finish_non_exhaustive()
    }
}

/// What the handlers on one worker have in common. It stays on its thread.
pub(crate) struct WorkerEnv {
    env: Arc<Env>,
    states: Vec<Rc<dyn Any>>,
}

impl WorkerEnv {
    /// That of a worker whose values were not made yet.
    pub(crate) fn without_states(env: &Arc<Env>) -> Rc<Self> {
        Rc::new(Self { env: Arc::clone(env), states: Vec::new() })
    }

    /// That of a worker on this thread, whose values are made now.
    pub(crate) fn new(env: &Arc<Env>) -> Rc<Self> {
        let states = env.makers.iter().map(|make| make()).collect();
        Rc::new(Self { env: Arc::clone(env), states })
    }

    /// Says that the worker has its turn, until what is returned is dropped.
    pub(crate) fn enter(self: &Rc<Self>) -> Turn {
        Turn { before: CURRENT.replace(Some(Rc::clone(self))) }
    }
}

/// A turn of a worker.
pub(crate) struct Turn {
    before: Option<Rc<WorkerEnv>>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        // A thread that is ending has none any more. A worker never goes while it has a turn, so
        // that no value's destructor runs here.
        let _ = CURRENT.try_with(|current| current.replace(self.before.take()));
    }
}

/// A running server, as its own handlers see it. It does not keep the server.
///
/// ```
/// use wharf::{Request, Router};
///
/// let site = Router::new()
///     .get("/count", |r: Request| {
///         let stats = r.server().stats();
///         format!("{} requests\n", stats.map_or(0, |stats| stats.requests))
///     })
///     .post("/stop", |r: Request| {
///         if let Some(switch) = r.server().stop_switch() {
///             switch.drain(std::time::Duration::from_secs(10));
///         }
///     });
/// # let _ = wharf::Server::new(site);
/// ```
#[derive(Clone)]
pub struct ServerRef {
    /// `None` is the server of a request that has none.
    server: Option<Weak<dyn Control>>,
}

impl ServerRef {
    pub(crate) const NONE: Self = Self { server: None };

    /// The server that runs the calling code: in its handlers, in the futures and hooks that it
    /// runs on its workers. `None` on every other thread, where
    /// [`Request::server`](crate::Request::server) tells all the same.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.with_borrow(|current| current.as_ref().map(|worker| worker.env.server.clone()))
    }

    /// What the server was told, and what it has come to; `None` once it is no more.
    #[must_use]
    pub fn settings(&self) -> Option<Settings> {
        self.with(|server| server.settings().clone())
    }

    /// What there is on the server, and how often it happened; `None` once it is no more.
    #[must_use]
    pub fn stats(&self) -> Option<Stats> {
        self.with(Control::stats)
    }

    /// A switch that ends this server and no other; `None` once it is no more.
    #[must_use]
    pub fn stop_switch(&self) -> Option<StopSwitch> {
        self.with(Control::stop_switch)
    }

    /// The addresses that it listens on, with their real ports; none once it is no more.
    #[must_use]
    pub fn local_addrs(&self) -> Vec<SocketAddr> {
        let addrs = self.with(Control::listen_addrs).unwrap_or_default();
        addrs.iter().filter_map(ListenAddr::socket_addr).collect()
    }

    /// What each connection is doing: see [`Connections`]. `None` once the server is no more.
    ///
    /// Workers answer between two turns. One that a handler blocks is not waited for longer than a
    /// second.
    pub async fn connections(&self) -> Option<Connections> {
        let asked = self.with(<dyn Control>::connections)?;
        Some(asked.await)
    }

    /// Closes a connection, and says whether it was open. Its handler is dropped, which may be the
    /// one that waits for this, and a response that has begun is reset.
    pub async fn kill(&self, id: ConnectionId) -> bool {
        match self.with(|server| server.kill(id)) {
            Some(asked) => asked.await,
            None => false,
        }
    }

    fn with<T>(&self, act: impl FnOnce(&(dyn Control + 'static)) -> T) -> Option<T> {
        self.server.as_ref()?.upgrade().map(|server| act(&*server))
    }
}

impl fmt::Debug for ServerRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerRef")
            .field("local_addrs", &self.local_addrs())
            .finish_non_exhaustive()
    }
}
