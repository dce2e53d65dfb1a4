//! What wharf uses of rustls, in terms of its own: no other folder names it.
//!
//! Not here: what a program sees (`tls/mod.rs`), and where certificates come from.

mod config;
mod describe;
mod errors;
mod hello;
mod session;

pub(crate) use self::config::Acceptor;
pub(super) use self::config::{Identity, sha256};
pub(crate) use self::session::{Received, TlsSession};
