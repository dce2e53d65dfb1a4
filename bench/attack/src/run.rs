//! One attack: the server, the honest clients before it and during it, and the attackers.
//!
//! Not here: what is right or wrong with the results (`report.rs`).

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use meter::{Cpu, Processes, machine_busy_ns};
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;
use wire::{Certificate, Link, Transport, Version};

use crate::args::Options;
use crate::attackers::{Attackers, Tally};
use crate::catalogue::{Attack, Speaks};
use crate::honest::{Honest, Outcome};
use crate::server::Server;

/// Wake-ups taken per `epoll_wait`.
const MAX_EVENTS: usize = 256;

/// Honest clients are heard of so long before anything is counted.
const WARMUP: Duration = Duration::from_millis(500);

/// What honest clients noticed in a phase, and what was used meanwhile, in parts of a core.
#[derive(Debug)]
pub(crate) struct Phase {
    pub(crate) honest: Outcome,
    pub(crate) server: f64,
    /// By processes that are neither the server nor us.
    pub(crate) others: f64,
}

/// What became of one attack.
#[derive(Debug)]
pub(crate) struct Results {
    pub(crate) before: Phase,
    pub(crate) during: Phase,
    pub(crate) tally: Tally,
    /// Resident bytes: before the attack, and the most during it.
    pub(crate) start_bytes: u64,
    pub(crate) peak_bytes: u64,
    pub(crate) counters: Vec<String>,
}

pub(crate) fn run(attack: &'static Attack, options: &Options) -> Result<Results> {
    let certificate = options.over_tls.then(Certificate::new).transpose()?;
    let version = attack.honest();
    let cores = (options.server_core, options.load_core);
    let speaks_http2 = version == Version::Http2;
    let server = Server::start(&options.server, certificate.as_ref(), speaks_http2, cores)?;
    let transport = |version| match &certificate {
        Some(certificate) => certificate.transport(version),
        None => Ok(Transport::Plain),
    };
    let hostile = match attack.speaks {
        Speaks::Hello => Transport::Plain,
        Speaks::Http1 | Speaks::Http2 => transport(version)?,
    };
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let address = server.address();
    let spoken = (transport(version)?, version);
    let mut honest = Honest::open(&epoll, address, spoken, options.honest, options.rate)?;
    phase(&server, &epoll, &mut honest, None, WARMUP)?;
    let before = phase(&server, &epoll, &mut honest, None, options.before)?;
    server.forget_peak()?;
    let start_bytes = server.resident_bytes()?;
    let rates = (options.attack_rate, options.dials);
    let mut attackers = Attackers::new(attack, address, hostile, honest.len(), rates);
    let during = phase(&server, &epoll, &mut honest, Some(&mut attackers), options.attacked)?;
    let peak_bytes = server.peak_bytes()?;
    let tally = attackers.tally().clone();
    Ok(Results { before, during, tally, start_bytes, peak_bytes, counters: server.counters() })
}

/// Lets everybody go on for `duration`.
fn phase(
    server: &Server,
    epoll: &OwnedFd,
    honest: &mut Honest,
    mut attackers: Option<&mut Attackers>,
    duration: Duration,
) -> Result<Phase> {
    let own = Processes::own();
    let reading =
        || -> Result<_> { Ok((server.cpu()?, Cpu::of(&own)?, machine_busy_ns()?, Instant::now())) };
    let before = reading()?;
    honest.begin(duration);
    let mut events = Vec::with_capacity(MAX_EVENTS);
    let until = Instant::now() + duration;
    loop {
        events.clear();
        // Sleeping would wake up late by more than a request takes.
        match epoll::wait(epoll, spare_capacity(&mut events), Some(&Timespec::default())) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in &events {
            let (key, flags) = (event.data.u64(), event.flags);
            if let Ok(key) = usize::try_from(key)
                && key < honest.len()
            {
                honest.on_event(key);
            } else if let Some(attackers) = &mut attackers {
                let end = epoll::EventFlags::RDHUP | epoll::EventFlags::HUP;
                attackers.on_event(key, flags.intersects(end));
            }
        }
        let now = Instant::now();
        honest.ask(epoll, now)?;
        if !honest.goes_on(now) {
            break;
        }
        if let Some(attackers) = &mut attackers
            && now < until
        {
            attackers.step(epoll, now)?;
        }
    }
    let after = reading()?;
    let elapsed = (after.3 - before.3).as_nanos() as f64;
    let used = (after.0 - before.0).busy_ns as f64;
    let ours = (after.1 - before.1).busy_ns as f64;
    let machine = (after.2 - before.2) as f64;
    let (server, others) = (used / elapsed, (machine - used - ours).max(0.0) / elapsed);
    Ok(Phase { honest: honest.end(), server, others })
}

/// Edge-triggered, so that interest in both directions costs nothing while idle.
pub(crate) fn register(epoll: &OwnedFd, key: u64, link: &Link) -> Result<()> {
    let interest = epoll::EventFlags::IN
        | epoll::EventFlags::OUT
        | epoll::EventFlags::RDHUP
        | epoll::EventFlags::ET;
    epoll::add(epoll, link, epoll::EventData::new_u64(key), interest)
        .context("a connection can't be waited for")
}
