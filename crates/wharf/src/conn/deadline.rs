//! Which deadline fits what a connection is doing, and how it moves with what the peer does.
//!
//! Each deadline waits for one kind of move, so that a peer can't hold one off with another. Where
//! a rate has to be kept, bytes buy time: so many bytes a second, and never more time in advance
//! than the peer may be silent for. Not here: the wheel (`timer.rs`), and what happens when a
//! deadline has come (`conn/h1`).

use std::time::{Duration, Instant};

use super::wire::Wire;
use super::{Conn, Work};
use crate::config::Timeouts;
use crate::observe::Limit;

/// How long a closed connection is read on although its peer goes on sending (nginx).
pub(super) const LINGER_IN_ALL: Duration = Duration::from_secs(30);

/// The deadline in place of one that is too far ahead for the clock: longer than the wheel holds.
const FAR_AHEAD: Duration = Duration::from_secs(60 * 86_400);

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    /// Nothing is expected of the peer.
    Off,
    /// The first byte should come.
    FirstByte,
    /// The next request should begin.
    Idle,
    /// Hands should be shaken (TLS).
    Handshake,
    /// A head should be complete.
    Head,
    /// More of a request body should come.
    Body,
    /// The peer should take more of a response.
    Write,
    /// Something should go either way.
    Tunnel,
    /// The same, and nothing is under way.
    TunnelIdle,
    /// The peer should close.
    Linger,
}

/// What happened since the deadline was worked out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moves {
    /// How many bytes the peer sent.
    pub(super) received: u64,
    /// How many bytes of a blocked send it took.
    taken: u64,
    /// A send was over.
    pub(super) sent: bool,
    /// A head came in full.
    pub(super) head_done: bool,
}

impl Moves {
    pub(super) const NONE: Self = Self { received: 0, taken: 0, sent: false, head_done: false };
}

/// How fast bytes have to move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace {
    /// How long none need move.
    pub(crate) timeout: Duration,
    /// How many have to, in a second; 0 is any number.
    pub(crate) min_rate: u32,
    /// The limits that stand for the two.
    pub(crate) limits: (Limit, Limit),
}

/// A time in whole milliseconds, begun ones included, in few bytes: every connection has two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Millis(u32);

impl Millis {
    fn of(time: Duration) -> Self {
        Self(u32::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(u32::MAX))
    }

    fn time(self) -> Duration {
        Duration::from_millis(self.0.into())
    }
}

/// The deadline of one connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    timer: Timer,
    /// What has been missed when it comes.
    limit: Limit,
    due: Option<Instant>,
    /// The pace that it was worked out for: a handler may set another.
    pace: Option<(Millis, u32)>,
    /// What was left for a body when the peer had to take something first.
    body_left: Option<(Limit, Millis)>,
    /// What the wheel holds.
    armed: Option<Instant>,
}

impl Deadline {
    pub(super) const fn new() -> Self {
        Self {
            timer: Timer::Off,
            limit: Limit::FirstByte,
            due: None,
            pace: None,
            body_left: None,
            armed: None,
        }
    }

    /// Nothing is waited for any more.
    pub(super) const fn stop(&mut self) {
        self.due = None;
    }

    pub(super) const fn due(&self) -> Option<Instant> {
        self.due
    }

    /// What has been missed when it comes.
    pub(super) const fn limit(&self) -> Limit {
        self.limit
    }

    /// Has the wheel tell when `due` comes, unless it tells before.
    #[inline(always)]
    fn arm(&mut self, due: Instant) -> Option<Instant> {
        if self.armed.is_some_and(|armed| armed <= due) {
            return None;
        }
        self.armed = Some(due);
        Some(due)
    }

    fn set(&mut self, limit: Limit, now: Instant, duration: Duration) {
        self.limit = limit;
        self.due = Some(now.checked_add(duration).unwrap_or(now + FAR_AHEAD));
    }

    /// Begins to want bytes at a pace.
    pub(super) fn start_pace(&mut self, pace: Pace, grace: Duration, now: Instant) {
        let (stalled, too_slow) = pace.limits;
        if pace.min_rate == 0 || pace.timeout <= grace {
            self.set(stalled, now, pace.timeout);
        } else {
            self.set(too_slow, now, grace);
        }
    }

    /// Leaves one thing that was waited for, to wait for `next`. A body goes on where it was once
    /// the peer has taken what it had to take first.
    fn leave(&mut self, before: Timer, next: Timer, moves: Moves, now: Instant) {
        self.body_left = match (before, next) {
            (Timer::Body, Timer::Write) => {
                let left = self.due.map(|due| due.saturating_duration_since(now));
                left.map(|left| (self.limit, Millis::of(left)))
            }
            (Timer::Write, Timer::Body) if !moves.head_done => self.body_left,
            _ => None,
        };
        // The other kind has a pace of its own.
        self.pace = None;
    }

    /// Wants bytes at a pace, as before or from now on.
    fn keep_pace(
        &mut self,
        pace: Pace,
        starts: bool,
        moves: Moves,
        now: Instant,
        timeouts: &Timeouts,
    ) {
        let is_body = self.timer == Timer::Body;
        let key = (Millis::of(pace.timeout), pace.min_rate);
        let is_new = self.pace.replace(key).is_some_and(|before| before != key);
        let left = if starts && is_body { self.body_left.take() } else { None };
        match left {
            Some((limit, left)) if !is_new => self.set(limit, now, left.time()),
            _ if starts || is_new => self.start_pace(pace, timeouts.rate_grace, now),
            _ => self.pay(if is_body { moves.received } else { moves.taken }, pace, now),
        }
    }

    /// Gives the time that so many bytes buy.
    pub(super) fn pay(&mut self, bytes: u64, pace: Pace, now: Instant) {
        if bytes == 0 {
            return;
        }
        let (stalled, too_slow) = pace.limits;
        let paid_until = self.due.unwrap_or(now);
        self.set(stalled, now, pace.timeout);
        if pace.min_rate == 0 {
            return;
        }
        let bought = u128::from(bytes) * 1_000_000_000 / u128::from(pace.min_rate);
        let bought = Duration::from_nanos(u64::try_from(bought).unwrap_or(u64::MAX));
        let paid_until = paid_until.checked_add(bought);
        if paid_until.is_some() && paid_until < self.due {
            self.limit = too_slow;
            self.due = paid_until;
        }
    }
}

impl Conn {
    /// Works the deadline out that fits what the connection is doing now. Returns when the wheel
    /// has to tell, if it would be too late as it is: most deadlines are moved on long before they
    /// come, and one that is told too early is worked out again then.
    pub(crate) fn deadline(
        &mut self,
        now: Instant,
        timeouts: &Timeouts,
        max_quiet: Option<Duration>,
    ) -> Option<Instant> {
        self.work_out(now, timeouts, max_quiet).and_then(|due| self.deadline.arm(due))
    }

    /// As [`deadline`](Self::deadline), for a connection that has become idle, where it is the
    /// same: most have been so before, and all that happened since was a request.
    #[inline(always)]
    pub(crate) fn idle_deadline(
        &mut self,
        now: Instant,
        timeouts: &Timeouts,
        max_quiet: Option<Duration>,
    ) -> Option<Instant> {
        debug_assert_eq!(self.timer(), Timer::Idle);
        debug_assert!(self.moves.head_done, "a request was answered");
        if self.deadline.timer != Timer::Idle {
            return self.deadline(now, timeouts, max_quiet);
        }
        self.moves = Moves::NONE;
        self.deadline.set(Limit::Idle, now, timeouts.idle);
        self.deadline.due.and_then(|due| self.deadline.arm(due))
    }

    /// The wheel says that the deadline has come. Whether it has, for what happened meanwhile
    /// counts as well, and which bound it is that was reached.
    pub(crate) fn expired(
        &mut self,
        now: Instant,
        timeouts: &Timeouts,
        max_quiet: Option<Duration>,
    ) -> Option<Limit> {
        self.deadline.armed = None;
        self.work_out(now, timeouts, max_quiet).filter(|due| *due <= now)?;
        let handler_due = self.work.as_ref().and_then(Work::handler_due);
        let is_handler = handler_due.is_some_and(|due| due <= now);
        let idle = self.work.as_ref().and_then(|work| work.idle(timeouts));
        if let Some((limit, _)) = idle.filter(|&(_, due)| due <= now) {
            return Some(limit);
        }
        Some(if is_handler { Limit::Handler } else { self.deadline.limit })
    }

    /// Has a connection with nothing under way wait until `due` at the latest.
    pub(crate) fn hasten(&mut self, due: Instant) {
        if matches!(self.deadline.timer, Timer::FirstByte | Timer::Idle | Timer::TunnelIdle) {
            self.deadline.due = self.deadline.due.min(Some(due));
        }
        if let Some(Work::Http2(http)) = &mut self.work {
            http.hasten(due);
        }
    }

    /// Whether the peer is waited for to take a response.
    pub(crate) fn awaits_taking(&self) -> bool {
        self.deadline.timer == Timer::Write
    }

    /// Notes from how many untaken bytes on it counts what the peer takes.
    pub(crate) fn begin_taking(&mut self, untaken: u64) {
        if let Some(work) = &mut self.work {
            work.wire_mut().note_untaken(untaken);
        }
    }

    /// Notes how many bytes of a blocked send the peer has not taken yet.
    pub(crate) fn note_untaken(&mut self, untaken: u64) {
        if let Some(work) = &mut self.work {
            self.moves.taken += work.wire_mut().note_untaken(untaken);
        }
    }

    fn work_out(
        &mut self,
        now: Instant,
        timeouts: &Timeouts,
        max_quiet: Option<Duration>,
    ) -> Option<Instant> {
        let mut moves = std::mem::replace(&mut self.moves, Moves::NONE);
        moves.head_done |= self.work.as_mut().is_some_and(Work::take_head_done);
        let timer = self.timer();
        let before = std::mem::replace(&mut self.deadline.timer, timer);
        let starts = before != timer;
        let work = self.work.as_ref();
        let deadline = &mut self.deadline;
        if starts {
            deadline.leave(before, timer, moves, now);
        }
        match timer {
            Timer::Off => deadline.due = None,
            Timer::FirstByte if starts || moves.head_done => {
                deadline.set(Limit::FirstByte, now, timeouts.first_byte);
            }
            Timer::Idle if starts || moves.head_done => {
                deadline.set(Limit::Idle, now, timeouts.idle);
            }
            Timer::Handshake if starts => {
                deadline.set(Limit::Handshake, now, timeouts.handshake);
            }
            Timer::Head if starts || moves.head_done => {
                deadline.set(Limit::Head, now, timeouts.head);
            }
            Timer::Tunnel if starts || moves.received > 0 || moves.sent => {
                let silence = work.and_then(Work::silence).unwrap_or(timeouts.tunnel);
                deadline.set(Limit::Tunnel, now, silence);
            }
            Timer::TunnelIdle if starts || moves.received > 0 || moves.sent => {
                let own = work.and_then(Work::silence).unwrap_or(timeouts.tunnel);
                // A drain does not wait for that long.
                let silence = max_quiet.map_or(own, |max| own.min(max));
                deadline.set(Limit::Tunnel, now, silence);
            }
            Timer::Linger if starts || moves.received > 0 => {
                deadline.set(Limit::Linger, now, timeouts.linger);
                deadline.due = deadline.due.min(self.lingers_until);
            }
            Timer::Body | Timer::Write => {
                let pace = match work {
                    Some(work) => work.pace(timer, timeouts),
                    None => Wire::default().pace(timeouts),
                };
                deadline.keep_pace(pace, starts, moves, now, timeouts);
            }
            Timer::FirstByte
            | Timer::Idle
            | Timer::Handshake
            | Timer::Head
            | Timer::Tunnel
            | Timer::TunnelIdle
            | Timer::Linger => {}
        }
        let Some(work) = work else { return deadline.due };
        let handler_due = work.handler_due();
        let idle_due = work.idle(timeouts).map(|(_, due)| due);
        [deadline.due, handler_due, idle_due].into_iter().flatten().min()
    }

    fn timer(&self) -> Timer {
        match &self.work {
            _ if self.is_lingering() => Timer::Linger,
            Some(work) => work.timer(),
            None if self.is_handshaking() => Timer::Handshake,
            None if self.is_securing() => Timer::Write,
            None if self.keeps_protocol() => Timer::TunnelIdle,
            None if self.requests > 0 => Timer::Idle,
            None => Timer::FirstByte,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::Key;
    use crate::request::Addrs;
    use crate::service::ServiceId;

    const PACE: Pace = Pace {
        timeout: Duration::from_secs(60),
        min_rate: 100,
        limits: (Limit::Body, Limit::BodyRate),
    };
    const GRACE: Duration = Duration::from_secs(5);

    /// Which limit is reached when, in milliseconds, if so many bytes come at these times.
    fn reached(pace: Pace, bytes: &[(u64, u64)]) -> (Limit, u128) {
        let start = Instant::now();
        let mut deadline = Deadline::new();
        deadline.start_pace(pace, GRACE, start);
        for &(at, bytes) in bytes {
            let now = start + Duration::from_millis(at);
            if deadline.due.is_some_and(|due| due <= now) {
                break;
            }
            deadline.pay(bytes, pace, now);
        }
        (deadline.limit, (deadline.due.unwrap() - start).as_millis())
    }

    #[test]
    fn bytes_buy_time_and_not_more_than_the_timeout() {
        assert_eq!(reached(PACE, &[]), (Limit::BodyRate, 5_000));
        assert_eq!(reached(PACE, &[(1_000, 50)]), (Limit::BodyRate, 5_500));
        assert_eq!(reached(PACE, &[(1_000, 50), (5_400, 100)]), (Limit::BodyRate, 6_500));
        assert_eq!(reached(PACE, &[(1_000, 50), (5_600, 100)]), (Limit::BodyRate, 5_500));
        assert_eq!(reached(PACE, &[(1_000, 1 << 40)]), (Limit::Body, 61_000));
        // What was paid in advance does not add up beyond the timeout.
        let bytes = [(1_000, 1 << 40), (2_000, 1 << 40), (3_000, 10)];
        assert_eq!(reached(PACE, &bytes), (Limit::BodyRate, 62_100));
        assert_eq!(reached(PACE, &[(1_000, u64::MAX)]), (Limit::Body, 61_000));
    }

    #[test]
    fn the_short_way_to_an_idle_deadline_leads_where_the_long_one_does() {
        let (start, timeouts) = (Instant::now(), Timeouts::default());
        for requests_before in [0, 1] {
            let connection = || {
                let key = Key { index: 0, generation: 0 };
                let mut conn = Conn::new(key, Addrs::UNKNOWN, ServiceId::FIRST, 0);
                conn.requests = requests_before;
                assert!(conn.deadline(start, &timeouts, None).is_some());
                conn.requests = requests_before + 1;
                conn.moves = Moves { received: 100, taken: 0, sent: true, head_done: true };
                conn
            };
            let (mut long, mut short) = (connection(), connection());
            for seconds in [0, 3, 1000] {
                let now = start + Duration::from_secs(seconds);
                let arm = long.deadline(now, &timeouts, None);
                assert_eq!(short.idle_deadline(now, &timeouts, None), arm);
                assert_eq!(format!("{:?}", short.deadline), format!("{:?}", long.deadline));
                assert_eq!(format!("{:?}", short.moves), format!("{:?}", long.moves));
                for conn in [&mut long, &mut short] {
                    conn.moves.head_done = true;
                }
            }
        }
    }

    #[test]
    fn a_steady_rate_is_enough_and_less_is_not() {
        let steady = |rate: u64| (1..1000).map(|second| (second * 1_000, rate)).collect::<Vec<_>>();
        assert!(reached(PACE, &steady(100)).1 > 1_000_000);
        let (limit, at) = reached(PACE, &steady(50));
        assert_eq!(limit, Limit::BodyRate);
        assert!((9_000..=11_000).contains(&at), "{at}");
    }

    #[test]
    fn without_a_rate_only_silence_counts() {
        let pace = Pace { min_rate: 0, ..PACE };
        assert_eq!(reached(pace, &[]), (Limit::Body, 60_000));
        assert_eq!(reached(pace, &[(59_000, 1)]), (Limit::Body, 119_000));
        let short = Pace { timeout: Duration::from_secs(1), ..PACE };
        assert_eq!(reached(short, &[]), (Limit::Body, 1_000));
    }
}
