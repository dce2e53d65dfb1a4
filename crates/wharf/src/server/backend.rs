//! [`Backend`]: by which interface of the system the workers wait and move bytes.
//!
//! Not here: the backends themselves (`driver`).

use std::io;
use std::sync::Arc;

use super::{Config, assemble};
use crate::driver::{Listening, MioDriver, UringDriver};
use crate::error::{Error, Result};
use crate::service::Service;
use crate::worker::{Control, Plan};

/// By which interface of the system a server waits and moves bytes. What it does is the same.
///
/// ```
/// use wharf::{Backend, Server};
///
/// let server = Server::new("hello").backend(Backend::Epoll).listen("127.0.0.1:0")?;
/// # server.start()?.stop();
/// # Ok::<(), wharf::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Backend {
    /// The one that has been measured to be better, of those that the system has. The default. At
    /// present that is `Epoll` everywhere.
    #[default]
    Auto,
    /// Readiness: epoll on Linux, and its relatives elsewhere (kqueue, IOCP).
    Epoll,
    /// Completions through `io_uring`: Linux 6.1 or later, on x86-64 and ARM64, where no policy
    /// forbids it, as those of containers often do.
    ///
    /// A worker that has been busy keeps about a megabyte of buffers (4 MiB where bodies are
    /// received). Connections beyond the limit may be accepted, as many as wait in the listener's
    /// backlog, but are not served before there is room. Where the system does not have it or
    /// forbids it, the server does not start ([`Error::Backend`](crate::Error::Backend)).
    IoUring,
}

/// What [`Backend::Auto`] is where there is `io_uring`. Comparisons have not shown `io_uring` to be
/// worth what it takes (see ARCHITECTURE.md).
const AUTO: Backend = Backend::Epoll;

/// The workers of a server, on one of the backends.
pub(super) enum Plans {
    Epoll(Vec<Plan<MioDriver>>),
    IoUring(Vec<Plan<UringDriver>>),
}

impl Plans {
    /// A worker for each share of the listeners.
    pub(super) fn new(
        services: Vec<Service>,
        mut config: Config,
        shares: Vec<Vec<Listening>>,
        hands_over: bool,
    ) -> Result<Self> {
        config.settings.backend = choose(config.settings.backend, AUTO, UringDriver::check)?;
        if config.settings.backend == Backend::IoUring {
            let drivers: io::Result<Vec<_>> = shares.into_iter().map(UringDriver::new).collect();
            let drivers = drivers.map_err(Error::Backend)?;
            let drivers = drivers.into_iter().map(|driver| (driver.unpark(), driver)).collect();
            return Ok(Self::IoUring(assemble(services, config, drivers, hands_over)));
        }
        let drivers: io::Result<Vec<_>> = shares.into_iter().map(MioDriver::new).collect();
        let drivers = drivers.map_err(Error::Worker)?;
        let drivers = drivers.into_iter().map(|driver| (driver.unpark(), driver)).collect();
        Ok(Self::Epoll(assemble(services, config, drivers, hands_over)))
    }
}

impl Plans {
    /// The server that the workers belong to.
    pub(super) fn control(&self) -> Arc<dyn Control> {
        match self {
            Self::Epoll(plans) => Arc::clone(&plans[0].shared) as Arc<dyn Control>,
            Self::IoUring(plans) => Arc::clone(&plans[0].shared) as Arc<dyn Control>,
        }
    }
}

/// The backend that `wanted` is here and now. Only who asks for `io_uring` by name is told if it
/// is not to be had.
fn choose(
    wanted: Backend,
    auto: Backend,
    check: impl FnOnce() -> io::Result<()>,
) -> Result<Backend> {
    match (wanted, auto) {
        (Backend::Epoll, _) | (Backend::Auto, Backend::Auto | Backend::Epoll) => Ok(Backend::Epoll),
        (Backend::IoUring, _) => check().map(|()| Backend::IoUring).map_err(Error::Backend),
        (Backend::Auto, Backend::IoUring) => {
            Ok(check().map_or(Backend::Epoll, |()| Backend::IoUring))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_not_be_had_is_an_error_only_if_it_was_asked_for_by_name() {
        use Backend::{Auto, Epoll, IoUring};
        for (wanted, auto, is_here, chosen) in [
            (Auto, Epoll, true, Some(Epoll)),
            (Auto, IoUring, true, Some(IoUring)),
            (Auto, IoUring, false, Some(Epoll)),
            (Epoll, IoUring, true, Some(Epoll)),
            (IoUring, Epoll, true, Some(IoUring)),
            (IoUring, Epoll, false, None),
        ] {
            let check = || if is_here { Ok(()) } else { Err(io::ErrorKind::Unsupported.into()) };
            let result = choose(wanted, auto, check);
            assert!(result.is_ok() || matches!(result, Err(Error::Backend(_))));
            assert_eq!(result.ok(), chosen, "{wanted:?}, {auto:?}, {is_here}");
        }
    }
}
