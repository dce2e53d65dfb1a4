//! [`Context`]: what a connection may know of its server and worker.
//!
//! Not here: where that is kept (`worker/shared.rs`, `worker/own.rs`).

use std::sync::Arc;

use crate::config::{BlockingPool, Timeouts};
use crate::env::Env;
use crate::handler::{NOBODY, ToTls};
use crate::observe::{Counters, Hooks};
use crate::service::{Service, ServiceId, ServiceKind};
use crate::stop::Switches;
use crate::threads::Threads;
use crate::tls::Acceptor;
use crate::worker::{Clock, Meter, WakeQueue};
use crate::{Handler, Limits, Settings};

/// What a connection may know of its server and worker.
pub(crate) struct Context<'w> {
    pub(crate) services: &'w [Service],
    pub(crate) env: &'w Arc<Env>,
    pub(crate) limits: &'w Limits,
    pub(crate) settings: &'w Settings,
    pub(crate) blocking: &'w BlockingPool,
    pub(crate) threads: &'w Threads,
    pub(crate) timeouts: &'w Timeouts,
    pub(crate) hooks: &'w Hooks,
    pub(crate) counters: &'w Counters,
    pub(crate) clock: &'w Clock,
    pub(crate) switches: &'w Switches,
    pub(crate) meter: &'w Meter,
    pub(crate) wakes: &'w Arc<WakeQueue>,
    /// The worker has told its connections that the server drains.
    pub(crate) has_begun_drain: bool,
    /// The system sends files by itself, where nothing stands between them and the peer.
    pub(crate) sends_files: bool,
}

impl Context<'_> {
    /// Whether who speaks plain HTTP to that service is sent to where TLS is spoken.
    pub(crate) fn redirects_to_tls(&self, service: ServiceId) -> bool {
        let acceptor = self.services.get(service.index()).and_then(Service::acceptor);
        self.is_http(service) && acceptor.is_some_and(Acceptor::redirects_http)
    }

    /// Whether requests come on that service's connections.
    pub(crate) fn is_http(&self, service: ServiceId) -> bool {
        let service = self.services.get(service.index());
        service.is_some_and(|service| matches!(service.kind, ServiceKind::Http(_)))
    }

    /// Who answers requests of that service.
    #[inline]
    pub(crate) fn handler(&self, service: ServiceId) -> &dyn Handler {
        match self.services.get(service.index()).map(|service| &service.kind) {
            Some(ServiceKind::Http(handler)) => &**handler,
            None if service == ServiceId::TO_TLS => &ToTls,
            // Nothing else has requests.
            Some(ServiceKind::Raw(_)) | None => &NOBODY,
        }
    }

    /// Whether the server was told to end, so that each response says that its connection closes.
    /// It is asked as late as can be: whoever told it must not see one afterwards that does not.
    pub(crate) fn is_draining(&self) -> bool {
        self.switches.are_used()
    }
}
