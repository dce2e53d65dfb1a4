//! Waits for several drivers at once: for a ticker with more than one worker.
//!
//! Not here: what the drivers do once one of them has something.

use std::io;
use std::time::Instant;

#[cfg(unix)]
pub(crate) use self::unix::{Combined, Watched};

#[cfg(not(unix))]
pub(crate) use self::other::{Combined, Watched};

#[cfg(unix)]
mod unix {
    //! A poll over the drivers' polls, which are descriptors like any other.

    use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

    use mio::unix::SourceFd;
    use mio::{Events, Interest, Poll, Token};

    use super::{Instant, io};
    use crate::driver::mio::events::timeout;

    /// What can be waited for: something with a descriptor.
    pub(crate) trait Watched: AsFd {
        /// Makes the descriptor one that is readable when there is something to do.
        fn watch(&mut self) -> io::Result<()>;
    }

    /// A poll that is ready when one of the drivers is.
    pub(crate) struct Combined {
        poll: Poll,
        events: Events,
    }

    impl Combined {
        pub(crate) fn new<'d, D>(drivers: impl Iterator<Item = &'d D>) -> io::Result<Self>
        where
            D: Watched + 'd,
        {
            let poll = Poll::new()?;
            for (index, driver) in drivers.enumerate() {
                let fd = driver.as_fd().as_raw_fd();
                poll.registry().register(&mut SourceFd(&fd), Token(index), Interest::READABLE)?;
            }
            Ok(Self { poll, events: Events::with_capacity(16) })
        }

        /// Waits until a driver has something, or `until` has come.
        pub(crate) fn wait(&mut self, until: Option<Instant>) -> io::Result<()> {
            match self.poll.poll(&mut self.events, until.map(timeout)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
                waited => waited,
            }
        }

        pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
            self.poll.registry().as_fd()
        }
    }
}

#[cfg(not(unix))]
mod other {
    //! Where polls can't be polled: short sleeps between looks at each.

    use std::thread;
    use std::time::Duration;

    use super::{Instant, io};

    /// What can be waited for: anything, as nobody looks at it.
    pub(crate) trait Watched {
        fn watch(&mut self) -> io::Result<()>;
    }

    /// How long nothing is noticed.
    const NAP: Duration = Duration::from_millis(1);

    /// Naps.
    pub(crate) struct Combined;

    impl Combined {
        pub(crate) fn new<'d, D>(_drivers: impl Iterator<Item = &'d D>) -> io::Result<Self>
        where
            D: Watched + 'd,
        {
            Ok(Self)
        }

        /// Naps, or waits for `until` if that comes earlier.
        pub(crate) fn wait(&mut self, until: Option<Instant>) -> io::Result<()> {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            thread::sleep(left.unwrap_or(NAP).min(NAP));
            Ok(())
        }
    }
}
