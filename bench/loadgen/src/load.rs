//! The loop over all connections of a load.
//!
//! Not here: repeating runs or comparing servers (the `compare` tool), reconnecting: a connection
//! at fault stays closed and is counted.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;

use crate::connection::{Batch, Connection, dial};
use crate::{Fault, Headers, Outcome, exchange};

/// How long after its end a run waits for responses before it calls them missing.
const GRACE: Duration = Duration::from_secs(2);

/// Holds the responses to any sensible batch, so that one read takes them all.
const RECEIVE_BYTES: usize = 64 * 1024;

/// Wake-ups taken per `epoll_wait`.
const MAX_EVENTS: usize = 1024;

/// What a load is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The server.
    pub address: SocketAddr,
    /// Keep-alive connections.
    pub connections: usize,
    /// Requests per write; 1 means no pipelining.
    pub depth: usize,
    /// Header fields of each request.
    pub headers: Headers,
}

/// Open connections to one server, ready to send.
#[derive(Debug)]
pub struct Load {
    epoll: OwnedFd,
    /// `None` where a connection was given up.
    connections: Vec<Option<Connection>>,
    batch: Batch,
    input: Vec<u8>,
    /// Connections with responses to come; never more than there are connections.
    busy: usize,
}

impl Load {
    /// Opens all connections of `plan` and has one request answered on each.
    ///
    /// # Errors
    ///
    /// When one of them fails: a server that does not hold the connections is not measured.
    pub fn open(plan: &Plan) -> Result<Self, Fault> {
        let request = plan.headers.request(plan.address);
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let mut connections = Vec::with_capacity(plan.connections);
        let mut lengths = Vec::with_capacity(plan.connections);
        for key in 0..plan.connections {
            let mut stream = dial(plan.address)?;
            lengths.push(exchange(&mut stream, &request)?);
            let connection = Connection::new(stream)?;
            // Edge-triggered, so that interest in both directions costs nothing while idle.
            let interest = epoll::EventFlags::IN
                | epoll::EventFlags::OUT
                | epoll::EventFlags::RDHUP
                | epoll::EventFlags::ET;
            let data = epoll::EventData::new_u64(key as u64);
            epoll::add(&epoll, connection.stream(), data, interest)?;
            connections.push(Some(connection));
        }
        let response_bytes = lengths.first().copied().unwrap_or_default();
        if lengths.iter().any(|&length| length != response_bytes) {
            return Err(Fault::Uneven);
        }
        let batch = Batch {
            bytes: request.repeat(plan.depth),
            requests: plan.depth as u64,
            response_bytes,
        };
        Ok(Self { epoll, connections, batch, input: vec![0; RECEIVE_BYTES], busy: 0 })
    }

    /// Keeps every connection busy for `duration`, then waits for what is in flight.
    ///
    /// # Errors
    ///
    /// When the system refuses to wait for events. Connections at fault are no error of the run:
    /// they are counted in the outcome.
    pub fn run(&mut self, duration: Duration) -> Result<Outcome, Fault> {
        let mut outcome = Outcome::new();
        let start = Instant::now();
        let deadline = start + duration;
        for key in 0..self.connections.len() {
            self.begin(key, start, &mut outcome);
        }
        let mut events = Vec::with_capacity(MAX_EVENTS);
        while self.busy > 0 {
            let left = (deadline + GRACE).saturating_duration_since(Instant::now());
            if left.is_zero() {
                self.give_up_stalled(&mut outcome);
                break;
            }
            events.clear();
            let timeout = Timespec::try_from(left).expect("a run's length fits a timespec");
            match epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&timeout)) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            for event in &events {
                let key = usize::try_from(event.data.u64()).expect("keys come from a usize");
                self.on_event(key, event.flags, deadline, &mut outcome);
            }
        }
        outcome.elapsed = start.elapsed();
        Ok(outcome)
    }

    fn begin(&mut self, key: usize, now: Instant, outcome: &mut Outcome) {
        let Some(connection) = &mut self.connections[key] else { return };
        match connection.begin(&self.batch, now) {
            Ok(()) => self.busy += 1,
            Err(fault) => self.give_up(key, fault, outcome),
        }
    }

    fn on_event(
        &mut self,
        key: usize,
        flags: epoll::EventFlags,
        deadline: Instant,
        outcome: &mut Outcome,
    ) {
        let Some(connection) = &mut self.connections[key] else { return };
        // Taken out of the count first and put back last, so that a fault in between is right
        // whatever the connection had already received.
        self.busy -= usize::from(connection.is_busy());
        let moved = connection
            .send(&self.batch)
            .and_then(|()| connection.receive(&self.batch, &mut self.input, outcome))
            .and_then(|complete_at| match complete_at {
                Some(now) if now < deadline => connection.begin(&self.batch, now),
                Some(_) | None => Ok(()),
            });
        if let Err(fault) = moved {
            return self.give_up(key, fault, outcome);
        }
        // The server's end of the stream may have arrived behind a short read.
        if flags.intersects(epoll::EventFlags::RDHUP | epoll::EventFlags::HUP) {
            return self.give_up(key, Fault::Closed, outcome);
        }
        self.busy += usize::from(connection.is_busy());
    }

    /// Closes a connection that is not among the busy ones and counts why.
    fn give_up(&mut self, key: usize, fault: Fault, outcome: &mut Outcome) {
        self.connections[key] = None;
        outcome.record_fault(fault);
    }

    fn give_up_stalled(&mut self, outcome: &mut Outcome) {
        self.busy = 0;
        for key in 0..self.connections.len() {
            if self.connections[key].as_ref().is_some_and(Connection::is_busy) {
                self.give_up(key, Fault::Stalled, outcome);
            }
        }
    }
}
