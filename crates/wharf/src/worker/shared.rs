//! What the workers of a server have in common, and what each may know of the others.
//!
//! Nothing here is written to by a request. Not here: what a worker has for itself (`mod.rs`).

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::clients::Clients;
use super::{Inbox, Message, Own, Presence};
use crate::Settings;
use crate::conn::Context;
use crate::driver::Driver;
use crate::env::Env;
use crate::listener::Registry;
use crate::observe::{Counters, Hooks, Stats, WorkerStats, snapshot};
use crate::server::Runtime;
use crate::service::Service;
use crate::stop::Switches;
use crate::sys::{self, Pinned};
use crate::threads::Threads;

/// What all workers of a server have in common. Nothing in it is written to by a request.
pub(crate) struct Shared<S> {
    pub(crate) env: Arc<Env>,
    /// What is spoken, by number.
    pub(crate) services: Mutex<Vec<Service>>,
    pub(crate) settings: Settings,
    /// Where handlers block.
    pub(crate) threads: Threads,
    pub(crate) runtime: Runtime,
    pub(crate) hooks: Hooks,
    pub(crate) switches: Switches,
    pub(crate) max_connections: usize,
    /// How many connections each client has, where that is bounded.
    pub(crate) clients: Option<Clients>,
    /// Open connections of all workers, and of each.
    pub(crate) connections: AtomicUsize,
    pub(crate) members: Vec<Member<S>>,
    /// Connections go to the worker that has the fewest, not to the one that accepted.
    pub(crate) hands_over: bool,
    /// What is listened on.
    pub(crate) listeners: Registry,
    /// How many workers may still accept.
    pub(crate) accepting: AtomicUsize,
}

/// What other workers may know of one.
pub(crate) struct Member<S> {
    pub(crate) inbox: Inbox<Message<S>>,
    pub(crate) connections: AtomicUsize,
    pub(crate) counters: Counters,
    /// It is over although the server is not.
    pub(crate) has_failed: AtomicBool,
    /// The thread that it runs on, where that has a name.
    pub(crate) thread: OnceLock<String>,
}

/// A switch may outlive the server: it must not ring for workers that are no more.
impl<S> Drop for Shared<S> {
    fn drop(&mut self) {
        for member in &self.members {
            self.switches.unregister(member.inbox.doorbell());
        }
    }
}

impl<S> Shared<S> {
    pub(super) fn services(&self) -> MutexGuard<'_, Vec<Service>> {
        self.services.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn has_room(&self) -> bool {
        self.connections.load(Ordering::Relaxed) < self.max_connections
    }

    /// What there is and how often it happened.
    pub(crate) fn stats(&self) -> Stats {
        let workers = self.members.iter().map(|member| {
            let connections = member.connections.load(Ordering::Relaxed) as u64;
            let has_failed = member.has_failed.load(Ordering::Acquire);
            let thread = member.thread.get().cloned();
            (
                WorkerStats { thread, has_failed, connections, ..WorkerStats::default() },
                &member.counters,
            )
        });
        snapshot(self.connections.load(Ordering::Relaxed), workers)
    }

    pub(super) fn context<'w>(&'w self, own: &'w Own) -> Context<'w> {
        Context {
            services: &own.services,
            env: &self.env,
            limits: &self.settings.limits,
            settings: &self.settings,
            blocking: &self.settings.blocking_pool,
            threads: &self.threads,
            timeouts: &own.timeouts,
            hooks: &self.hooks,
            counters: &self.members[own.index].counters,
            clock: &own.clock,
            switches: &self.switches,
            meter: &own.meter,
            wakes: self.members[own.index].inbox.wakes(),
            has_begun_drain: own.is_draining,
            sends_files: own.sends_files,
        }
    }
}

/// What a worker is made of, on its way to the thread that it will stay on: tasks need not be
/// `Send`, so that a worker is not either.
pub(crate) struct Plan<D: Driver> {
    pub(crate) driver: D,
    pub(crate) index: usize,
    pub(crate) shared: Arc<Shared<D::Socket>>,
    pub(crate) presence: Presence,
}

impl<D: Driver> Plan<D> {
    /// Has the calling thread, and those that it starts, run where the worker is to run, if that is
    /// said.
    pub(crate) fn pin_this_thread(&self) -> io::Result<Option<Pinned>> {
        let pins = self.shared.settings.pin_workers;
        pins.then(|| sys::pin_this_thread(self.index)).transpose()
    }
}

/// The worker with the fewest connections; of several, the first.
pub(super) fn fewest<S>(members: &[Member<S>]) -> usize {
    let count = |index: &usize| members[*index].connections.load(Ordering::Relaxed);
    let is_there = |index: &usize| !members[*index].has_failed.load(Ordering::Relaxed);
    (0..members.len()).filter(is_there).min_by_key(count).unwrap_or(0)
}
