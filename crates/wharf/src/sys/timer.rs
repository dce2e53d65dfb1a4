//! A timer of the system that is watched like a socket, as Linux has it.
//!
//! Not here: what it is for (`driver/mio/alarm.rs`).

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

/// A timer, whose descriptor becomes readable when it goes off.
#[derive(Debug)]
pub(crate) struct SystemTimer(OwnedFd);

impl SystemTimer {
    pub(crate) fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        Ok(Self(timerfd_create(TimerfdClockId::Monotonic, flags)?))
    }

    /// Has it go off once, after that time, which is not zero; what was set before is void.
    pub(crate) fn set(&self, after: Duration) -> io::Result<()> {
        let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
        let once = Timespec::try_from(after).map_err(|_| io::ErrorKind::InvalidInput)?;
        let times = Itimerspec { it_interval: zero, it_value: once };
        timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &times)?;
        Ok(())
    }
}

impl AsFd for SystemTimer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
