//! The server as its clients see it, from the first byte to the last.
//!
//! `cases` asks one thing after another of every way to run a server; `seeds` lets many clients
//! meet on a network with faults; `inside.rs` and `budget.rs` show what clients do not see.
//! `harness.rs` makes the ways to run a server alike, `site.rs` is what is served, `client.rs` and
//! `response.rs` are the other side. Not here: the machine alone (`wharf-proto`) and the parts
//! alone (tests beside them).

mod answers;
mod blocking;
mod budget;
mod cases;
mod client;
mod crowd;
mod faults;
mod features;
mod frames;
mod harness;
mod http2;
mod inside;
mod inspect;
mod leaving;
mod lifetimes;
mod on_disk;
mod response;
// It needs a certificate.
#[cfg(feature = "tls-self-signed")]
mod secure;
mod seeds;
mod site;
mod storage;

use std::any::Any;

pub(crate) use self::on_disk::{file, pattern};

/// What a test said when it failed.
fn message(panic: &(dyn Any + Send)) -> &str {
    match (panic.downcast_ref::<String>(), panic.downcast_ref::<&str>()) {
        (Some(text), _) => text,
        (None, Some(text)) => text,
        (None, None) => "a panic without words",
    }
}
