//! Listeners of a running server: more of them, fewer, and none for a while.
//!
//! Not here: binding (`listener`), and what a worker does about it (`mod.rs`, `accept.rs`).

use std::io;
use std::time::{Duration, Instant};

use super::message::Message;
use super::question::{Answer, Answers, ask};
use super::shared::Shared;
use crate::error::{Error, Result};
use crate::listener::{ListenAddr, Listener, Spread};
use crate::service::{Service, ServiceId};
use crate::sys::Descriptor;

/// How long the workers' answers are waited for: one that is blocked by a handler gives none, and a
/// ticker's when it is ticked.
const PATIENCE: Duration = Duration::from_secs(10);

impl<S: Send> Shared<S> {
    /// Has the workers accept from more listeners, for another service than the server's own if
    /// there is one.
    pub(super) fn listen(
        &self,
        listeners: Vec<Listener>,
        service: Option<Service>,
    ) -> Result<Vec<ListenAddr>> {
        if let Some(micros) = self.settings.busy_poll_micros() {
            for listener in &listeners {
                listener.set_busy_poll(micros).map_err(Error::BusyPoll)?;
            }
        }
        let (id, speaks_tls) = match service {
            Some(service) => self.add_service(service)?,
            None => (ServiceId::FIRST, self.services()[0].speaks_tls()),
        };
        let workers = self.members.len();
        let spread = Spread { workers, system_spreads: !self.hands_over };
        let mut addrs = Vec::with_capacity(listeners.len());
        for listener in listeners {
            let listener = listener.of(id, speaks_tls);
            let addr = listener.addr().clone();
            let shares = self.listeners.add(listener, spread);
            let refused = |source| Error::Listen { addr: addr.to_string(), source };
            for (index, listening) in shares.map_err(refused)?.into_iter().enumerate() {
                self.place(index, Message::Listen(listening));
            }
            addrs.push(addr);
        }
        Ok(addrs)
    }

    /// Has all workers know of another service before any of its connections comes to them.
    fn add_service(&self, service: Service) -> Result<(ServiceId, bool)> {
        let mut services = self.services();
        let (id, speaks_tls) = (ServiceId::new(services.len())?, service.speaks_tls());
        for member in &self.members {
            // One that has ended serves nothing. The lock has everybody learn of them in order.
            let _ = member.inbox.post(Message::Serve(id, service.clone()));
        }
        services.push(service);
        Ok((id, speaks_tls))
    }

    /// Leaves a message for the worker whose turn it is, or for one of those that have not ended.
    fn place(&self, first: usize, message: Message<S>) {
        let mut left = Some(message);
        for index in first..first + self.members.len() {
            let Some(message) = left.take() else { return };
            left = self.members[index % self.members.len()].inbox.post(message).err();
        }
    }

    /// Closes the listeners on an address. Says whether there were any.
    pub(super) fn unlisten(&self, addr: &ListenAddr) -> bool {
        let removed = self.listeners.remove(addr);
        for &id in &removed {
            for member in &self.members {
                // One that has ended listens to nothing.
                let _ = member.inbox.post(Message::Unlisten(id));
            }
        }
        !removed.is_empty()
    }

    /// Other descriptors of all sockets that are listened on.
    pub(super) fn duplicate_listeners(&self) -> io::Result<Vec<Descriptor>> {
        let fds: io::Result<Vec<Vec<Descriptor>>> =
            self.ask_all(Message::Duplicate)?.into_iter().collect();
        Ok(fds?.into_iter().flatten().collect())
    }

    /// Has nothing accepted any more, and waits until that is so.
    pub(super) fn hold(&self) -> io::Result<()> {
        self.ask_all(Message::Hold).map(drop)
    }

    /// Has the workers accept again.
    pub(super) fn release(&self) {
        for member in &self.members {
            // One that has ended accepts nothing.
            let _ = member.inbox.post(Message::Release);
        }
    }

    /// An answer of each worker.
    fn ask_all<T>(&self, message: impl Fn(Answer<T>) -> Message<S>) -> io::Result<Vec<T>> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let asked = ask(0..self.members.len(), |worker, answer| {
                self.members[worker].inbox.ask(message(answer));
            });
            let Answers { given, silent, .. } = asked.wait();
            if silent.is_empty() {
                return Ok(given);
            }
            if Instant::now() > deadline {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
    }
}
