//! What the system says sockets are ready for.
//!
//! Not here: what is done about it (`mod.rs`, `accept.rs`).

use std::time::{Duration, Instant};

use mio::Events;
use mio::event::Event;

use super::{ALARM_TOKEN, EVENTS, FIRST_LISTENER_TOKEN, MioDriver, WAKE_TOKEN};

impl MioDriver {
    pub(super) fn note_events(&mut self) {
        // The events are put aside, since noting one needs the rest of the driver.
        let events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        let mut count = 0;
        for event in &events {
            self.note(event);
            count += 1;
        }
        self.events_left = count == EVENTS;
        self.events = events;
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
