//! From what a program says to workers that can be run: [`assemble`].
//!
//! Not here: sockets (`listener`), drivers (`backend.rs`), and who runs the workers (`handle.rs`,
//! `ticker.rs`).

use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex, OnceLock, Weak};

use super::Config;
use crate::Settings;
use crate::driver::{Driver, Unpark};
use crate::env::Env;
use crate::observe::Counters;
use crate::service::Service;
use crate::stop::Switches;
use crate::sys::{self, Place};
use crate::threads::Threads;
use crate::worker::{Clients, Doorbell, Inbox, Life, Member, Plan, Presence, Shared};

/// Connections where the system sets no limit to descriptors.
const UNLIMITED_CONNECTIONS: usize = 1 << 20;

/// Plans a worker for each driver, all of one server.
pub(crate) fn assemble<D: Driver>(
    services: Vec<Service>,
    mut config: Config,
    drivers: Vec<(Arc<dyn Unpark>, D)>,
    hands_over: bool,
) -> Vec<Plan<D>> {
    let switches = Switches { own: config.switch, shared: config.shared_switch };
    let mut members = Vec::with_capacity(drivers.len());
    for (unpark, _) in &drivers {
        let doorbell = Arc::new(Doorbell::new(Arc::clone(unpark)));
        switches.register(&doorbell);
        members.push(Member {
            inbox: Inbox::new(doorbell),
            connections: AtomicUsize::new(0),
            counters: Counters::default(),
            has_failed: AtomicBool::new(false),
            thread: OnceLock::new(),
        });
    }
    let max_connections = config.settings.max_connections.unwrap_or_else(default_max_connections);
    config.settings.max_connections = Some(max_connections);
    config.settings.workers = Some(drivers.len());
    let life = Life::new(config.milestones, switches.own.clone(), drivers.len());
    let shared = Arc::new_cyclic(|shared: &Weak<Shared<D::Socket>>| Shared {
        env: Arc::new(Env::new(config.states, config.makers, shared.clone())),
        services: Mutex::new(services),
        threads: blocking_threads(&config.settings),
        runtime: config.runtime,
        hooks: config.hooks,
        switches,
        max_connections,
        clients: config.settings.max_connections_per_client.map(Clients::new),
        connections: AtomicUsize::new(0),
        members,
        hands_over: hands_over && drivers.len() > 1,
        listeners: config.registry,
        settings: config.settings,
        accepting: AtomicUsize::new(drivers.len()),
    });
    let drivers = drivers.into_iter().enumerate();
    drivers
        .map(|(index, (_, driver))| {
            let (shared, presence) = (Arc::clone(&shared), Presence::new(&life, index));
            Plan { driver, index, shared, presence }
        })
        .collect()
}

/// The threads on which handlers will block. A worker that starts one may be pinned, which is for
/// the worker alone.
fn blocking_threads(settings: &Settings) -> Threads {
    let place = if settings.pin_workers { Place::of_this_thread() } else { None };
    Threads::new(settings.blocking_pool.bounds(), move || {
        if let Some(place) = &place {
            place.enter();
        }
    })
}

/// The rest of the descriptors is for listeners, files, and the program's own.
fn default_max_connections() -> usize {
    let limit = sys::open_file_limit().map_or(UNLIMITED_CONNECTIONS, |limit| {
        usize::try_from(limit).unwrap_or(UNLIMITED_CONNECTIONS)
    });
    (limit.min(UNLIMITED_CONNECTIONS) / 10 * 9).max(1)
}
