//! A clock that costs little, where the system is Linux. Not here: one that is exact, which is
//! [`Instant`](std::time::Instant).

/// The nanoseconds since some beginning, as of the system's last tick: a few milliseconds ago at
/// most.
///
/// `rustix` has this as well, but looks for the kernel's page where valgrind has put it away.
#[expect(unsafe_code, reason = "the standard library has no such clock")]
#[expect(clippy::cast_sign_loss, reason = "it begins with the machine, and counts up")]
pub(crate) fn coarse_nanos() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the place that is written to is a `timespec`, and is not used otherwise meanwhile. If
    // the call fails, as it does on no Linux since 2.6.32, what is there stays.
    let _ = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC_COARSE, &raw mut time) };
    (time.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec as u64)
}
