//! When a wait ends though nothing has come, by a timer that stays set from wait to wait.
//!
//! A wait with a time limit has the system set a timer and take it back. On a processor that has
//! nothing else to do, that is the next thing to happen there, which the hardware has to be told
//! each time: a tenth of what a request costs that comes alone. What a worker waits for is most
//! often far ahead and hardly changes, and a timer that goes off too early is set anew. Not here:
//! what happens at that time (`worker`), and systems without such timers (`no_alarm.rs`).

use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Interest, Registry};

use super::ALARM_TOKEN;
use super::events::timeout;
use crate::sys::SystemTimer;

/// What is nearer than that gets a limit of its own: setting the timer takes a system call.
const MIN_AHEAD: Duration = Duration::from_millis(100);

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

    /// The limit of a wait that has to end at `until`, if it needs one.
    pub(super) fn cover(&mut self, until: Instant) -> Option<Duration> {
        if self.rings_at.is_some_and(|at| at <= until) {
            return None;
        }
        let ahead = until.saturating_duration_since(Instant::now());
        if ahead >= MIN_AHEAD
            && let Some(timer) = &self.timer
            && timer.set(ahead).is_ok()
        {
            self.rings_at = Some(until);
            return None;
        }
        Some(timeout(until))
    }

    /// It went off.
    pub(super) const fn rang(&mut self) {
        self.rings_at = None;
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
        let now = Instant::now();
        let until = now + MIN_AHEAD + Duration::from_millis(50);
        assert_eq!(alarm.cover(until), None);
        assert_eq!(alarm.cover(until + Duration::from_secs(1)), None, "it rings before");
        let mut events = mio::Events::with_capacity(8);
        while events.is_empty() {
            poll.poll(&mut events, None).or_else(interrupted).unwrap();
        }
        assert!(Instant::now() >= until);
        assert!(events.iter().all(|event| event.token() == ALARM_TOKEN));
        alarm.rang();
        let late = until + Duration::from_secs(60);
        assert_eq!(alarm.cover(late), None);
        assert_eq!(alarm.rings_at, Some(late));
    }

    #[test]
    fn one_that_is_too_late_is_set_anew_and_what_is_near_has_a_limit() {
        let (_poll, mut alarm) = alarm();
        let now = Instant::now();
        let minute = Duration::from_secs(60);
        assert_eq!(alarm.cover(now + 2 * minute), None);
        assert_eq!(alarm.cover(now + minute), None);
        assert_eq!(alarm.rings_at, Some(now + minute));
        let near = alarm.cover(now + MIN_AHEAD / 2).expect("it would ring too late");
        assert!(near <= MIN_AHEAD / 2 + Duration::from_millis(1));
        assert_eq!(alarm.rings_at, Some(now + minute), "it is left as it was");
        assert_eq!(alarm.cover(now), Some(Duration::ZERO));
    }

    #[test]
    fn without_a_timer_each_wait_has_its_limit() {
        let mut alarm = Alarm { timer: None, rings_at: None };
        let limit = alarm.cover(Instant::now() + Duration::from_secs(60));
        assert!(limit.is_some_and(|limit| limit > Duration::from_secs(1)));
    }

    fn interrupted(error: std::io::Error) -> std::io::Result<()> {
        if error.kind() == std::io::ErrorKind::Interrupted { Ok(()) } else { Err(error) }
    }
}
