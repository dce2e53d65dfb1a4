//! What every way to run a server has to do, as a table: a name, what is configured, what is asked.
//!
//! `WHARF_CASE=name` runs one row alone. Not here: faults of the network (`seeds.rs`).

mod basics;
mod blocking;
mod bodies;
mod detach;
mod drain;
mod faults;
mod inspection;
mod lifetimes;
mod on_disk;
mod protocols;
mod raw;
mod reasons;
mod semantics;
mod streams;
mod timeouts;
mod upgrade;

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use super::harness::{Backend, Combination, Harness, Mode, PLAIN};
use super::lifetimes::with_states;
use super::message;
use super::site::{Stage, site};
use crate::{Server, Service, Stream, StreamOutcome};

/// One row.
struct Case {
    name: &'static str,
    /// What is spoken, if it is not HTTP.
    service: Option<fn(&Arc<Stage>) -> Service>,
    /// What is changed of the server's defaults.
    configure: fn(Server) -> Server,
    run: fn(&mut Harness),
}

impl Case {
    /// A case with the defaults.
    const fn new(name: &'static str, run: fn(&mut Harness)) -> Self {
        Self { name, service: None, configure: |server| server, run }
    }

    /// A case about another service.
    const fn of(
        name: &'static str,
        service: fn(&Arc<Stage>) -> Service,
        run: fn(&mut Harness),
    ) -> Self {
        Self { name, service: Some(service), configure: |server| server, run }
    }

    const fn with(mut self, configure: fn(Server) -> Server) -> Self {
        self.configure = configure;
        self
    }
}

/// A service whose connections are each served by `serve`, with what the case knows.
fn tcp<F>(
    stage: &Arc<Stage>,
    serve: impl Fn(Arc<Stage>, Stream) -> F + Send + Sync + 'static,
) -> Service
where
    F: Future<Output: StreamOutcome> + 'static,
{
    let stage = Arc::clone(stage);
    Service::tcp(move |stream: Stream| serve(Arc::clone(&stage), stream))
}

const TABLES: &[&[Case]] = &[
    basics::CASES,
    blocking::CASES,
    bodies::CASES,
    streams::CASES,
    on_disk::CASES,
    faults::CASES,
    timeouts::CASES,
    semantics::CASES,
    upgrade::CASES,
    detach::CASES,
    reasons::CASES,
    drain::CASES,
    inspection::CASES,
    lifetimes::CASES,
    raw::CASES,
    protocols::CASES,
];

fn check(tables: &[&[Case]], combination: Combination) {
    if !combination.backend.is_here() {
        return;
    }
    let only = env::var("WHARF_CASE").ok();
    let mut failures = Vec::new();
    for case in tables.iter().copied().flatten() {
        if only.as_ref().is_some_and(|only| only != case.name) {
            continue;
        }
        // What is not HTTP is the same whatever HTTP is spoken.
        let leaves_out = combination.transport.leaves_out;
        if leaves_out.is_some_and(|leaves_out| case.service.is_some() || leaves_out(case.name)) {
            continue;
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let stage = Arc::new(Stage::default());
            let (opens, closes) = (Arc::clone(&stage), Arc::clone(&stage));
            let service = match case.service {
                Some(service) => service(&stage),
                None => Service::http(site(&stage)),
            };
            let server = Server::with((combination.transport.carry)(service));
            let server = server.on_open(move |_| opens.add("open", 1));
            let server = server.on_close(move |closed| {
                closes.add(&format!("close: {:?}", closed.reason), 1);
                closes.add(&format!("closed: {}", closed.id.expect("it was served")), 1);
            });
            let server = with_states(server, &stage);
            // A machine that is busy with other tests may take its time.
            let server = server.blocked_worker_after(Duration::MAX);
            let server = (case.configure)(server);
            let mut harness = Harness::start(combination, server, stage);
            (case.run)(&mut harness);
        }));
        if let Err(panic) = outcome {
            failures.push(format!("{} on {combination}: {}", case.name, message(&*panic)));
        }
    }
    assert!(failures.is_empty(), "WHARF_CASE=name runs one alone\n{}", failures.join("\n"));
}

macro_rules! combinations {
    (
        $transport:ident, $check:expr;
        $($name:ident: $backend:ident, $workers:literal, $mode:ident;)*
    ) => {$(
        #[test]
        fn $name() {
            let check: fn(Combination) = $check;
            check(Combination {
                transport: $transport,
                backend: Backend::$backend,
                workers: $workers,
                mode: Mode::$mode,
            });
        }
    )*};
}

combinations! {
    PLAIN, |combination| check(TABLES, combination);
    every_case_on_mio_with_1_worker_that_runs: Mio, 1, Run;
    every_case_on_mio_with_1_worker_that_is_started: Mio, 1, Start;
    every_case_on_mio_with_1_worker_that_is_ticked: Mio, 1, Tick;
    every_case_on_mio_with_1_worker_that_crawls: Mio, 1, Crawl;
    every_case_on_mio_with_2_workers_that_run: Mio, 2, Run;
    every_case_on_mio_with_2_workers_that_are_started: Mio, 2, Start;
    every_case_on_mio_with_2_workers_that_are_ticked: Mio, 2, Tick;
    every_case_on_mio_with_2_workers_that_crawl: Mio, 2, Crawl;
    every_case_on_uring_with_1_worker_that_runs: Uring, 1, Run;
    every_case_on_uring_with_1_worker_that_is_started: Uring, 1, Start;
    every_case_on_uring_with_1_worker_that_is_ticked: Uring, 1, Tick;
    every_case_on_uring_with_1_worker_that_crawls: Uring, 1, Crawl;
    every_case_on_uring_with_2_workers_that_run: Uring, 2, Run;
    every_case_on_uring_with_2_workers_that_are_started: Uring, 2, Start;
    every_case_on_uring_with_2_workers_that_are_ticked: Uring, 2, Tick;
    every_case_on_uring_with_2_workers_that_crawl: Uring, 2, Crawl;
    every_case_on_sim_with_1_worker_that_runs: Sim, 1, Run;
    every_case_on_sim_with_1_worker_that_is_started: Sim, 1, Start;
    every_case_on_sim_with_1_worker_that_is_ticked: Sim, 1, Tick;
    every_case_on_sim_with_1_worker_that_crawls: Sim, 1, Crawl;
    every_case_on_sim_with_2_workers_that_run: Sim, 2, Run;
    every_case_on_sim_with_2_workers_that_are_started: Sim, 2, Start;
    every_case_on_sim_with_2_workers_that_are_ticked: Sim, 2, Tick;
    every_case_on_sim_with_2_workers_that_crawl: Sim, 2, Crawl;
}

// Behind the macro that they use.
mod frames;
pub(super) mod h2;
#[cfg(feature = "tls-self-signed")]
mod secure;

#[test]
fn each_case_has_a_name_of_its_own_and_there_are_enough() {
    let mut names: Vec<_> = TABLES.iter().copied().flatten().map(|case| case.name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(count >= 40, "{count}");
}
