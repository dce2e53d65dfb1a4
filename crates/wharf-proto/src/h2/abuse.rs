//! What a peer may do that costs us more than it: a budget for each.
//!
//! A budget is a bucket of tokens that fills with time, so that bursts are fine and floods are not.
//! Work that is worth something fills those that come with it. Not here: bounds on sizes, which
//! stand where the bytes are looked at.

use std::time::Duration;

use super::ConnectionError;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// The peer reset a stream before its response was out (known as rapid reset).
    Reset,
    /// The peer reset a stream that had its response: it may, and each costs a frame to read.
    LateReset,
    /// The peer did something for which its stream had to be reset (known as MadeYouReset), or sent
    /// a head or trailers that are larger than is allowed.
    Fault,
    Settings,
    Ping,
    EmptyData,
    WindowUpdate,
    Priority,
    UnknownFrame,
}

/// The size of a bucket, and how many tokens it gets in a second.
#[derive(Clone, Copy, Debug)]
struct Budget {
    burst: u32,
    per_second: u32,
    error: ConnectionError,
}

/// How many acts there are.
const ACTS: usize = 9;

impl Act {
    const fn budget(self) -> Budget {
        let (burst, per_second, error) = match self {
            // A browser that leaves a page gives up what it loads, at most all streams at once.
            Self::Reset => (256, 64, ConnectionError::ResetFlood),
            // On top of those that were earned.
            Self::LateReset => (256, 64, ConnectionError::ResetFlood),
            Self::Fault => (128, 16, ConnectionError::FaultFlood),
            // Clients send them at the start, and a few change their windows later.
            Self::Settings => (32, 4, ConnectionError::SettingsFlood),
            // gRPC measures the path with them while data flows, which earns some.
            Self::Ping => (256, 64, ConnectionError::PingFlood),
            Self::EmptyData => (64, 16, ConnectionError::EmptyDataFlood),
            // What is sent earns them, most of all.
            Self::WindowUpdate => (2048, 512, ConnectionError::WindowUpdateFlood),
            // A browser states and changes them by the stream.
            Self::Priority => (1024, 256, ConnectionError::PriorityFlood),
            Self::UnknownFrame => (128, 32, ConnectionError::UnknownFrameFlood),
        };
        Budget { burst, per_second, error }
    }
}

/// How many WINDOW_UPDATE frames a DATA frame of ours may bring about: one for the stream, one for
/// the connection, and as many again for peers that read in small steps.
const WINDOW_UPDATES_PER_DATA: u32 = 4;

/// How many late resets may be earned in advance. A client that gives a download up may answer each
/// frame that is still on its way with one, and such are in a large window as many.
const MAX_EARNED_RESETS: u16 = 4096;

/// The buckets of one connection.
#[derive(Clone, Debug)]
pub(super) struct Buckets {
    buckets: [Bucket; ACTS],
    /// How many late resets cost no token.
    earned_resets: u16,
}

/// A bucket that was filled last at an instant, in milliseconds.
#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    spent: u32,
    filled_at: u32,
}

impl Buckets {
    /// All of them full.
    pub(super) const fn new() -> Self {
        Self { buckets: [Bucket { spent: 0, filled_at: 0 }; ACTS], earned_resets: 0 }
    }

    /// Takes a token.
    pub(super) fn spend(&mut self, act: Act, now: Duration) -> Result<(), ConnectionError> {
        if act == Act::LateReset && self.earned_resets > 0 {
            self.earned_resets -= 1;
            return Ok(());
        }
        let budget = act.budget();
        let Some(bucket) = self.buckets.get_mut(act as usize) else { return Ok(()) };
        if bucket.spent > budget.burst / 2 {
            bucket.fill(&budget, now);
        }
        if bucket.spent >= budget.burst {
            return Err(budget.error);
        }
        if bucket.spent == 0 {
            bucket.filled_at = millis(now);
        }
        bucket.spent += 1;
        Ok(())
    }

    /// Notes that a DATA frame went out, which the peer may answer with frames of its own.
    #[inline]
    pub(super) fn sent_data(&mut self) {
        self.earn(Act::WindowUpdate, WINDOW_UPDATES_PER_DATA);
        self.earn(Act::Ping, 1);
        self.earn_reset();
    }

    /// Notes that a response is out, whose stream the peer may reset all the same.
    #[inline]
    pub(super) fn answered(&mut self) {
        self.earn_reset();
    }

    #[inline]
    fn earn_reset(&mut self) {
        self.earned_resets = (self.earned_resets + 1).min(MAX_EARNED_RESETS);
    }

    #[inline]
    fn earn(&mut self, act: Act, tokens: u32) {
        if let Some(bucket) = self.buckets.get_mut(act as usize) {
            bucket.spent = bucket.spent.saturating_sub(tokens);
        }
    }
}

impl Bucket {
    /// Adds what time has earned.
    fn fill(&mut self, budget: &Budget, now: Duration) {
        let now = millis(now);
        let passed = u64::from(now.wrapping_sub(self.filled_at));
        let tokens = passed * u64::from(budget.per_second) / 1000;
        if let Ok(tokens) = u32::try_from(tokens) {
            // What is less than a token is kept, or a peer that comes often would get none.
            if tokens > 0 {
                let used = u64::from(tokens) * 1000 / u64::from(budget.per_second);
                self.filled_at = self.filled_at.wrapping_add(u32::try_from(used).unwrap_or(0));
            }
            self.spent = self.spent.saturating_sub(tokens);
        } else {
            (self.spent, self.filled_at) = (0, now);
        }
    }
}

/// Milliseconds, which start over after 49 days: whoever was quiet for so long gets a few less.
fn millis(now: Duration) -> u32 {
    u32::try_from(now.as_millis() & u128::from(u32::MAX)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Act; ACTS] = [
        Act::Reset,
        Act::LateReset,
        Act::Fault,
        Act::Settings,
        Act::Ping,
        Act::EmptyData,
        Act::WindowUpdate,
        Act::Priority,
        Act::UnknownFrame,
    ];

    #[test]
    fn a_burst_is_fine_and_a_flood_is_not() {
        for act in ALL {
            let budget = act.budget();
            let (mut buckets, now) = (Buckets::new(), Duration::from_secs(100));
            for _ in 0..budget.burst {
                assert_eq!(buckets.spend(act, now), Ok(()));
            }
            assert_eq!(buckets.spend(act, now), Err(budget.error));
            let later = now + Duration::from_secs(1);
            for _ in 0..budget.per_second {
                assert_eq!(buckets.spend(act, later), Ok(()), "{act:?}");
            }
            assert_eq!(buckets.spend(act, later), Err(budget.error));
        }
    }

    #[test]
    fn a_steady_rate_within_the_budget_goes_on_for_ever() {
        for act in ALL {
            let budget = act.budget();
            let mut buckets = Buckets::new();
            for turn in 0..20_000_u32 {
                let now = Duration::from_secs(1) * turn / budget.per_second;
                assert_eq!(buckets.spend(act, now), Ok(()), "{act:?} {turn}");
            }
        }
    }

    #[test]
    fn data_that_goes_out_earns_window_updates() {
        let (mut buckets, now) = (Buckets::new(), Duration::ZERO);
        for _ in 0..100_000 {
            buckets.sent_data();
            for _ in 0..WINDOW_UPDATES_PER_DATA {
                assert_eq!(buckets.spend(Act::WindowUpdate, now), Ok(()));
            }
        }
    }

    /// Some clients reset a stream that they have given up once more for each frame of it that
    /// comes.
    #[test]
    fn data_that_goes_out_earns_late_resets_up_to_a_bound_and_no_others() {
        let (mut buckets, now) = (Buckets::new(), Duration::ZERO);
        let flood = |buckets: &mut Buckets, act| {
            (0..u32::MAX).find(|_| buckets.spend(act, now).is_err()).unwrap()
        };
        assert_eq!(flood(&mut buckets, Act::LateReset), 256);
        for _ in 0..1000 {
            buckets.sent_data();
        }
        assert_eq!(flood(&mut buckets, Act::LateReset), 1000);
        for _ in 0..100_000 {
            buckets.sent_data();
        }
        assert_eq!(flood(&mut buckets, Act::Reset), 256);
        assert_eq!(flood(&mut buckets, Act::LateReset), u32::from(MAX_EARNED_RESETS));
    }
}
