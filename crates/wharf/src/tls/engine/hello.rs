//! The choice of a certificate when a client has said hello, and what is to be known of it later.
//!
//! The engine asks for a certificate in the middle of a session's call and does not say for which
//! session. The answer is left with the thread, on which that call goes on. Not here: how names are
//! compared (`tls/store.rs`).

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::config::Identity;
use crate::tls::store::Store;

thread_local! {
    /// The name that was asked for in the call that is on its way.
    static NAME: RefCell<Option<Box<str>>> = const { RefCell::new(None) };
    /// Whether that call was refused because of the name.
    static IS_REFUSED: Cell<bool> = const { Cell::new(false) };
}

/// Chooses by the name that a client asks for.
#[derive(Debug)]
pub(super) struct ByName {
    pub(super) store: Arc<Store>,
    pub(super) refuses_unknown: bool,
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name();
        NAME.set(name.map(Into::into));
        let schemes = hello.signature_schemes();
        let fits = |pair: &Identity| pair.0.key.choose_scheme(schemes).is_some();
        let known = name.and_then(|name| self.store.find(name, fits));
        let is_refused = name.is_some() && known.is_none() && self.refuses_unknown;
        IS_REFUSED.set(is_refused);
        let chosen = known.or_else(|| if is_refused { None } else { self.store.default(fits) });
        chosen.map(|pair| pair.0)
    }
}

/// The name that was asked for in the call that has just returned.
pub(super) fn take_name() -> Option<Box<str>> {
    NAME.take()
}

/// Whether the call that has just failed did because of the name.
pub(super) fn take_refusal() -> bool {
    IS_REFUSED.take()
}
