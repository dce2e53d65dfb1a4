//! Waits, and what the system says then that sockets are ready for.
//!
//! Not here: what is done about it (`mod.rs`, `accept.rs`).

use std::io;
use std::time::{Duration, Instant};

use mio::Events;
use mio::event::Event;

use super::{ALARM_TOKEN, EVENTS, FIRST_LISTENER_TOKEN, MioDriver, WAKE_TOKEN};

impl MioDriver {
    /// Waits, and takes note of what comes. Returns whether that was the alarm alone, and too
    /// early: it stays set for what has been put off since.
    pub(super) fn wait_once(&mut self, until: Option<Instant>) -> io::Result<bool> {
        let timeout = match until {
            _ if !self.ready.is_empty() || self.events_left => Some(Duration::ZERO),
            Some(until) if until <= self.now => Some(Duration::ZERO),
            Some(until) => self.alarm.cover(self.now, until),
            None => None,
        };
        let was_set = self.alarm.is_set();
        let polled = self.poll.poll(&mut self.events, timeout);
        self.now = Instant::now();
        match polled {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        let events = self.note_events();
        let rang_alone = events == 1 && was_set && !self.alarm.is_set();
        Ok(rang_alone && until.is_none_or(|until| until > self.now))
    }

    /// Takes note of the events of a wait. Returns how many there were.
    fn note_events(&mut self) -> usize {
        // The events are put aside, since noting one needs the rest of the driver.
        let events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        let mut count = 0;
        for event in &events {
            self.note(event);
            count += 1;
        }
        self.events_left = count == EVENTS;
        self.events = events;
        count
    }

    /// Takes note of what the system says a socket is ready for.
    fn note(&mut self, event: &Event) {
        let token = event.token();
        if token == WAKE_TOKEN {
            return;
        }
        if token == ALARM_TOKEN {
            return self.alarm.rang();
        }
        if token.0 >= FIRST_LISTENER_TOKEN {
            let index = token.0 - FIRST_LISTENER_TOKEN;
            if let Some(Some(listener)) = self.listeners.get_mut(index) {
                listener.readable = true;
                self.queue_listener(index);
            }
            return;
        }
        let Some(slot) = self.slots.get_mut(token.0).filter(|slot| slot.stream.is_some()) else {
            return;
        };
        let closed = event.is_read_closed() || event.is_error();
        slot.closed_by_peer |= closed;
        let has_hung_up = event.is_read_closed() && event.is_write_closed();
        slot.broken |= event.is_error() || (has_hung_up && !slot.is_shut);
        slot.readable |= event.is_readable() || closed;
        slot.writable |= event.is_writable() || event.is_write_closed() || event.is_error();
        self.queue_connection(u32::try_from(token.0).expect("indices are below 2^31"));
    }
}

/// The time until then in whole milliseconds, which is what the system counts in.
pub(super) fn timeout(until: Instant) -> Duration {
    let left = until.saturating_duration_since(Instant::now());
    Duration::from_millis(u64::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX))
}
