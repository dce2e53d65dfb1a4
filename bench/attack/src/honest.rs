//! Honest clients: `GET /` at a steady rate, whatever the server does.
//!
//! Latency counts from when a request was due, so that one that had to wait for a free connection
//! is not taken for a fast one. Not here: waiting for events (`run.rs`).

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hdrhistogram::Histogram;
use wire::{Client, Fault, Link, Transport, Version};

use crate::run::register;

/// A request that takes longer is missing.
const PATIENCE: Duration = Duration::from_secs(2);

/// The honest clients of one server.
#[derive(Debug)]
pub(crate) struct Honest {
    address: SocketAddr,
    transport: Transport,
    version: Version,
    slots: Vec<Slot>,
    /// Those that are not waited for, the one that has rested longest first.
    free: VecDeque<usize>,
    interval: Duration,
    due: Instant,
    /// No request is due from then on.
    until: Instant,
    outcome: Outcome,
}

#[derive(Debug)]
struct Slot {
    client: Option<Client>,
    /// When the request was due that is under way.
    asked: Option<Instant>,
}

/// What they noticed.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) latency_ns: Histogram<u64>,
    pub(crate) faults: BTreeMap<String, u64>,
}

impl Outcome {
    fn new() -> Self {
        Self { latency_ns: loadgen::empty_histogram(), faults: BTreeMap::new() }
    }

    pub(crate) fn faults(&self) -> u64 {
        self.faults.values().sum()
    }
}

impl Honest {
    /// Opens `count` connections, which together ask `rate` times a second.
    pub(crate) fn open(
        epoll: &OwnedFd,
        address: SocketAddr,
        (transport, version): (Transport, Version),
        count: usize,
        rate: f64,
    ) -> Result<Self> {
        let now = Instant::now();
        let mut this = Self {
            address,
            transport,
            version,
            slots: (0..count).map(|_| Slot { client: None, asked: None }).collect(),
            free: (0..count).collect(),
            interval: Duration::from_secs_f64(1.0 / rate),
            due: now,
            until: now,
            outcome: Outcome::new(),
        };
        for key in 0..count {
            let mut client = this.dial().context("an honest client can't connect")?;
            client.exchange().context("an honest client has no answer")?;
            register(epoll, key as u64, client.link())?;
            this.slots[key].client = Some(client);
        }
        Ok(this)
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Begins anew with what is counted, for so long.
    pub(crate) fn begin(&mut self, duration: Duration) {
        self.outcome = Outcome::new();
        self.due = Instant::now();
        self.until = self.due + duration;
    }

    /// Whether requests are due or under way.
    pub(crate) fn goes_on(&self, now: Instant) -> bool {
        let is_busy = self.free.len() < self.slots.len() || self.due < self.until;
        is_busy && now < self.until + PATIENCE
    }

    /// Ends what [`begin`](Self::begin) began.
    pub(crate) fn end(&mut self) -> Outcome {
        for key in 0..self.slots.len() {
            if self.slots[key].asked.is_some() {
                self.fail(key, "missing");
            }
        }
        while self.due < self.until {
            self.due += self.interval;
            *self.outcome.faults.entry("not sent".to_owned()).or_default() += 1;
        }
        std::mem::replace(&mut self.outcome, Outcome::new())
    }

    /// Asks what is due.
    pub(crate) fn ask(&mut self, epoll: &OwnedFd, now: Instant) -> Result<()> {
        while self.due <= now
            && self.due < self.until
            && let Some(key) = self.free.pop_front()
        {
            self.slots[key].asked = Some(self.due);
            self.due += self.interval;
            if self.slots[key].client.is_none() {
                match self.dial() {
                    Ok(client) => {
                        register(epoll, key as u64, client.link())?;
                        self.slots[key].client = Some(client);
                    }
                    Err(fault) => {
                        self.fail(key, &fault.to_string());
                        continue;
                    }
                }
            }
            if let Some(client) = &mut self.slots[key].client
                && let Err(fault) = client.ask()
            {
                self.fail(key, &fault.to_string());
            }
        }
        Ok(())
    }

    /// Something has happened on a connection.
    pub(crate) fn on_event(&mut self, key: usize) {
        let Some(client) = &mut self.slots[key].client else { return };
        match client.receive() {
            Ok(false) => {}
            Ok(true) => {
                if let Some(asked) = self.slots[key].asked.take() {
                    let nanos = u64::try_from(asked.elapsed().as_nanos()).unwrap_or(u64::MAX);
                    self.outcome.latency_ns.saturating_record(nanos);
                    self.free.push_back(key);
                }
            }
            Err(fault) => self.fail(key, &fault.to_string()),
        }
    }

    /// Gives a connection up. Another takes its place with the next request.
    fn fail(&mut self, key: usize, why: &str) {
        *self.outcome.faults.entry(why.to_owned()).or_default() += 1;
        self.slots[key].client = None;
        if self.slots[key].asked.take().is_some() {
            self.free.push_back(key);
        }
    }

    fn dial(&self) -> Result<Client, Fault> {
        Ok(Client::new(Link::dial(self.address, &self.transport)?, self.version))
    }
}
