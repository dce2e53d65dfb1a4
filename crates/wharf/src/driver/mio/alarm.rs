//! When a wait ends though nothing has come, by a timer that stays set from wait to wait.
//!
//! A wait with a time limit has the system set a timer and take it back. On a processor that has
//! nothing else to do, that is the next thing to happen there, which the hardware has to be told
//! each time: 3 to 11% of what a request costs that comes alone, measured in a virtual machine.
//! What a worker waits for is most often far ahead and hardly changes, and a timer that goes off
//! too early is set anew. Not here: what happens at that time (`worker`), and systems without such
//! timers (`no_alarm.rs`).

use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Interest, Registry};

use super::ALARM_TOKEN;
use super::events::timeout;
use crate::sys::SystemTimer;

/// What is nearer than that gets a limit of its own: setting the timer takes a system call.
const MIN_AHEAD: Duration = Duration::from_millis(100);

/// How late it may go off: what a limit, counted in whole milliseconds, may be late as well.
const MAX_DELAY: Duration = Duration::from_millis(1);

/// A timer that a driver watches.
pub(super) struct Alarm {
    /// `None` where the system refuses it, so that each wait has its limit.
    timer: Option<SystemTimer>,
    /// When it goes off, until that was seen.
    rings_at: Option<Instant>,
}

impl Alarm {
    pub(super) fn new(registry: &Registry) -> Self {
        let timer = SystemTimer::new().ok().filter(|timer| {
            let fd = timer.as_fd().as_raw_fd();
            registry.register(&mut SourceFd(&fd), ALARM_TOKEN, Interest::READABLE).is_ok()
        });
        Self { timer, rings_at: None }
    }

    /// The limit of a wait that has to end at `until`, if it needs one. It was `last` not long ago.
    pub(super) fn cover(&mut self, last: Instant, until: Instant) -> Option<Duration> {
        let is_set = self.rings_at.is_some_and(|at| at <= until);
        if is_set && self.rings_at > Some(last + MIN_AHEAD) {
            return None;
        }
        let now = Instant::now();
        let ahead = until.saturating_duration_since(now);
        if is_set && !ahead.is_zero() {
            return None;
        }
        if ahead >= MIN_AHEAD
            && let Some(timer) = &self.timer
            && timer.set(ahead).is_ok()
        {
            // Whoever is kept from running between the two finds the timer set too late.
            let delay = now.elapsed();
            let is_late = delay > MAX_DELAY;
            self.rings_at = Some(if is_late { until + delay } else { until });
            return is_late.then(|| timeout(until));
        }
        Some(timeout(until))
    }

    /// It went off.
    pub(super) const fn rang(&mut self) {
        self.rings_at = None;
    }

    /// Whether it will go off.
    pub(super) const fn is_set(&self) -> bool {
        self.rings_at.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alarm() -> (mio::Poll, Alarm) {
        let poll = mio::Poll::new().unwrap();
        let alarm = Alarm::new(poll.registry());
        assert!(alarm.timer.is_some());
        (poll, alarm)
    }

    #[test]
    fn a_wait_that_is_covered_needs_no_limit_until_it_rang() {
        let (mut poll, mut alarm) = alarm();
        // Until nothing comes between two looks at the clock.
        let until = loop {
            let now = Instant::now();
            let until = now + MIN_AHEAD + Duration::from_millis(50);
            if alarm.cover(now, until).is_none() {
                break until;
            }
        };
        let later = until + Duration::from_secs(1);
        assert_eq!(alarm.cover(Instant::now(), later), None, "it rings before");
        let mut events = mio::Events::with_capacity(8);
        while events.is_empty() {
            poll.poll(&mut events, None).or_else(interrupted).unwrap();
        }
        assert!(Instant::now() >= until);
        assert!(events.iter().all(|event| event.token() == ALARM_TOKEN));
        alarm.rang();
        let late = until + Duration::from_secs(60);
        while alarm.cover(Instant::now(), late).is_some() {}
        assert!(alarm.is_set() && alarm.rings_at >= Some(late));
    }

    #[test]
    fn one_that_is_too_late_is_set_anew_and_what_is_near_has_a_limit() {
        let (_poll, mut alarm) = alarm();
        let now = Instant::now();
        let minute = Duration::from_secs(60);
        alarm.cover(now, now + 2 * minute);
        alarm.cover(now, now + minute);
        let set = alarm.rings_at;
        assert!((Some(now + minute)..Some(now + 2 * minute)).contains(&set));
        let near = alarm.cover(now, now + MIN_AHEAD / 2).expect("it would ring too late");
        assert!(near <= MIN_AHEAD / 2 + MAX_DELAY);
        assert_eq!(alarm.rings_at, set, "it is left as it was");
    }

    #[test]
    fn what_is_past_is_not_waited_for_though_it_did_not_ring_yet() {
        let now = Instant::now();
        let mut alarm = Alarm { timer: None, rings_at: Some(now) };
        assert_eq!(alarm.cover(now, now), Some(Duration::ZERO));
    }

    #[test]
    fn without_a_timer_each_wait_has_its_limit() {
        let mut alarm = Alarm { timer: None, rings_at: None };
        let now = Instant::now();
        let limit = alarm.cover(now, now + Duration::from_secs(60));
        assert!(limit.is_some_and(|limit| limit > Duration::from_secs(1)));
    }

    fn interrupted(error: std::io::Error) -> std::io::Result<()> {
        if error.kind() == std::io::ErrorKind::Interrupted { Ok(()) } else { Err(error) }
    }
}
