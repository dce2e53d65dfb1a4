//! Runs what threads of wharf share in every order that the memory model allows, up to five switches
//! away from a thread that could go on: `cargo run --release --manifest-path model/Cargo.toml`.
//!
//! The files are wharf's own, taken with `#[path]`: they name what they share through `crate::sync`,
//! which is loom's here. A lost wake-up shows as a deadlock. Not here: what takes system calls.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::print_stdout,
    reason = "parts of wharf are not used here, and a command talks"
)]

mod bells;
mod pool;
mod sync;

#[path = "../../crates/wharf/src/worker/inbox.rs"]
mod inbox;
#[path = "../../crates/wharf/src/stop.rs"]
mod stop;
#[path = "../../crates/wharf/src/threads.rs"]
mod threads;

/// What stands in for the modules that the files above name.
mod driver {
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub(crate) struct Key {
        pub(crate) index: u32,
        pub(crate) generation: u32,
    }

    pub(crate) trait Unpark: Send + Sync {
        fn unpark(&self);
    }
}

mod worker {
    pub(crate) use crate::inbox::Doorbell;
}

use std::time::Instant;

/// Runs a model in every order with at most so many switches away from a thread that could go on.
fn check(name: &str, max_switches: usize, model: fn()) {
    let began = Instant::now();
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(max_switches);
    builder.check(model);
    println!("{name}: {:.1} s", began.elapsed().as_secs_f64());
}

fn main() {
    for (name, max_switches, model) in pool::MODELS.iter().chain(bells::MODELS) {
        check(name, *max_switches, *model);
    }
}
