//! Flow control (RFC 9113 sections 5.2 and 6.9): windows of both directions, and how large ours
//! are.
//!
//! A window of ours grows with what the path carries: the bytes that come between a PING and its
//! acknowledgement are what a round trip holds. Not here: the frames (`frame/`).

use std::time::Duration;

/// The largest window (RFC 9113 section 6.9.1).
pub(super) const MAX_WINDOW: u32 = (1 << 31) - 1;

/// The window of a new stream and of the connection, before anything else is said (RFC 9113
/// section 6.9.2).
pub(super) const INITIAL_WINDOW: u32 = 65_535;

/// So many bytes are worth a frame however large the window is: a third of a large one would be
/// missing where the path needs all of it.
const ENOUGH_BYTES: u32 = 256 << 10;

/// What may be sent to the peer. Below 0 after a setting took some back (RFC 9113 section 6.9.2).
#[derive(Clone, Copy, Debug)]
pub(super) struct SendWindow(i32);

/// A window would exceed [`MAX_WINDOW`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Overflow;

impl SendWindow {
    pub(super) fn new(bytes: u32) -> Self {
        Self(i32::try_from(bytes).unwrap_or(i32::MAX))
    }

    /// How many bytes may be sent.
    pub(super) fn available(self) -> usize {
        usize::try_from(self.0).unwrap_or(0)
    }

    /// Accounts for bytes that are sent: at most those available.
    pub(super) fn take(&mut self, bytes: usize) {
        self.0 = self.0.saturating_sub(i32::try_from(bytes).unwrap_or(i32::MAX));
    }

    /// Adds what a WINDOW_UPDATE frame grants.
    pub(super) fn grow(&mut self, increment: u32) -> Result<(), Overflow> {
        let increment = i32::try_from(increment).map_err(|_| Overflow)?;
        self.0 = self.0.checked_add(increment).ok_or(Overflow)?;
        Ok(())
    }

    /// Follows a change of the initial window.
    pub(super) fn shift(&mut self, from: u32, to: u32) -> Result<(), Overflow> {
        let moved = i64::from(self.0) + i64::from(to) - i64::from(from);
        self.0 = i32::try_from(moved).map_err(|_| Overflow)?;
        Ok(())
    }
}

/// What the peer may send to us.
#[derive(Clone, Copy, Debug)]
pub(super) struct RecvWindow {
    /// How many bytes the peer may still send. Below 0 after a setting took some back.
    left: i64,
    /// Bytes that came and that the application has not released.
    held: u32,
}

impl RecvWindow {
    pub(super) fn new(bytes: u32) -> Self {
        Self { left: i64::from(bytes), held: 0 }
    }

    /// Accounts for bytes that came. `false` if there were more than the peer may send.
    #[must_use]
    pub(super) fn receive(&mut self, bytes: u32) -> bool {
        if i64::from(bytes) > self.left.max(0) {
            return false;
        }
        self.left -= i64::from(bytes);
        self.held = self.held.saturating_add(bytes);
        true
    }

    /// Notes that so many of the bytes are not held any more, and returns how many were.
    pub(super) fn release(&mut self, bytes: u32) -> u32 {
        let released = bytes.min(self.held);
        self.held -= released;
        released
    }

    /// Bytes that are held.
    pub(super) fn held(self) -> u32 {
        self.held
    }

    /// Follows a change of the initial window.
    pub(super) fn shift(&mut self, from: u32, to: u32) {
        self.left += i64::from(to) - i64::from(from);
    }

    /// What is to be granted so that the peer may send `target` bytes, those held counted, if that
    /// is worth a frame: a third of it, or what is always worth one. With halves, a peer that sends
    /// in large frames would be left with half of its window for a round trip.
    #[inline]
    pub(super) fn grant(&mut self, target: u32) -> Option<u32> {
        let room = i64::from(target) - self.left - i64::from(self.held);
        if room < i64::from((target / 3).clamp(1, ENOUGH_BYTES)) {
            return None;
        }
        let increment = u32::try_from(room).unwrap_or(MAX_WINDOW).min(MAX_WINDOW);
        self.left += i64::from(increment);
        Some(increment)
    }
}

/// How large windows should be, by what a round trip holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tuner {
    /// What a stream's window should be.
    stream: u32,
    connection: u32,
    max_stream: u32,
    max_connection: u32,
    /// Bytes since the PING that is on its way.
    sample: Option<u32>,
    /// No PING before that instant.
    rest_until: Duration,
}

/// Bodies up to this length are not measured.
const SMALL_BODY_BYTES: u64 = 32 << 10;

/// A PING measures again after so long where the last one found the windows large enough.
const REST: Duration = Duration::from_millis(20);

impl Tuner {
    pub(super) fn new(stream: u32, connection: u32, max_stream: u32, max_connection: u32) -> Self {
        Self {
            stream,
            connection,
            max_stream: max_stream.max(stream),
            max_connection: max_connection.max(connection),
            sample: None,
            rest_until: Duration::ZERO,
        }
    }

    pub(super) const fn stream(&self) -> u32 {
        self.stream
    }

    pub(super) const fn connection(&self) -> u32 {
        self.connection
    }

    /// Notes bytes that came, on a stream of whose body `received` came before. Returns whether a
    /// PING should be sent: small bodies tell nothing of the path.
    #[inline]
    pub(super) fn receive(&mut self, bytes: u32, received: u64, now: Duration) -> bool {
        if let Some(sample) = &mut self.sample {
            *sample = sample.saturating_add(bytes);
            return false;
        }
        let is_due = self.stream < self.max_stream
            && received > SMALL_BODY_BYTES.min(u64::from(self.stream / 2))
            && now >= self.rest_until;
        if is_due {
            self.sample = Some(bytes);
        }
        is_due
    }

    /// Whether a PING is on its way.
    pub(super) const fn is_measuring(&self) -> bool {
        self.sample.is_some()
    }

    /// Notes that the PING was acknowledged: what came meanwhile is what a round trip holds.
    pub(super) fn acknowledge(&mut self, now: Duration) {
        let Some(sample) = self.sample.take() else { return };
        // Where a third of the window came, the window may be what kept the peer: a window that has
        // just grown is not used in full before it is granted.
        if sample < self.stream / 3 {
            self.rest_until = now + REST;
            return;
        }
        let wanted = sample.saturating_mul(4).max(self.stream.saturating_mul(2));
        self.stream = wanted.min(self.max_stream);
        // One stream that is not read must not keep the others waiting.
        let wanted = self.stream.saturating_mul(2).min(self.max_connection);
        self.connection = self.connection.max(wanted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_send_window_keeps_to_its_bounds() {
        let mut window = SendWindow::new(INITIAL_WINDOW);
        window.take(65_000);
        assert_eq!(window.available(), 535);
        assert_eq!(window.shift(INITIAL_WINDOW, 0), Ok(()));
        assert_eq!(window.available(), 0);
        assert_eq!(window.grow(65_001), Ok(()));
        assert_eq!(window.available(), 1);
        assert_eq!(window.grow(MAX_WINDOW - 1), Ok(()));
        assert_eq!(window.grow(1), Err(Overflow));
        assert_eq!(window.shift(0, 1), Err(Overflow));
        assert_eq!(window.available(), MAX_WINDOW as usize);
    }

    #[test]
    fn what_is_granted_is_what_was_released_in_thirds_of_the_window() {
        let mut window = RecvWindow::new(100);
        assert!(window.receive(100));
        assert!(!window.receive(1));
        assert_eq!((window.release(32), window.grant(100)), (32, None));
        assert_eq!((window.release(1), window.grant(100)), (1, Some(33)));
        assert_eq!((window.release(90), window.held()), (67, 0));
        assert_eq!(window.grant(100), Some(67));
        assert_eq!(window.grant(1000), Some(900));
        assert!(window.receive(1000));
    }

    #[test]
    fn a_large_window_is_granted_in_small_parts() {
        let mut window = RecvWindow::new(8 << 20);
        assert!(window.receive(ENOUGH_BYTES));
        assert_eq!((window.release(ENOUGH_BYTES - 1), window.grant(8 << 20)), (262_143, None));
        assert_eq!((window.release(1), window.grant(8 << 20)), (1, Some(ENOUGH_BYTES)));
    }

    #[test]
    fn windows_grow_while_the_path_takes_all_they_allow_and_no_further() {
        let (mib, rtt) = (1 << 20, Duration::from_millis(50));
        let mut tuner = Tuner::new(INITIAL_WINDOW, mib, 8 * mib, 16 * mib);
        // A path that carries 3 MiB in a round trip.
        let (mut now, mut received) = (Duration::ZERO, u64::from(INITIAL_WINDOW));
        let mut rounds = 0;
        while tuner.stream() < 4 * mib {
            let bytes = tuner.stream().min(3 * mib);
            if tuner.receive(0, received, now) {
                assert!(!tuner.receive(bytes, received, now));
                now += rtt;
                tuner.acknowledge(now);
            }
            received += u64::from(bytes);
            rounds += 1;
            assert!(rounds < 8, "{tuner:?}");
        }
        assert!(tuner.connection() >= 8 * mib);
        // Another, which carries little.
        let mut tuner = Tuner::new(INITIAL_WINDOW, mib, 8 * mib, 16 * mib);
        assert!(tuner.receive(1, 40_000, now));
        assert!(!tuner.receive(20_000, 40_000, now));
        tuner.acknowledge(now + rtt);
        assert_eq!(tuner.stream(), INITIAL_WINDOW);
        assert!(!tuner.receive(1, 80_000, now + rtt), "it rests");
        assert!(tuner.receive(1, 80_000, now + rtt + REST));
    }

    #[test]
    fn small_bodies_are_not_measured() {
        let mut tuner = Tuner::new(INITIAL_WINDOW, 1 << 20, 8 << 20, 16 << 20);
        assert!(!tuner.receive(10_000, 0, Duration::ZERO));
        assert!(!tuner.receive(10_000, 10_000, Duration::ZERO));
    }
}
