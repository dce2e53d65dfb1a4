//! Counts the allocations of the program and prints the count when asked.
//!
//! Not here: what they are for, and those of libraries in C.

use std::alloc::System;
use std::io;
use std::thread;

use signal_hook::consts::SIGUSR1;
use signal_hook::iterator::Signals;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// From now on, SIGUSR1 has the number of allocations since the start printed as a line.
pub(crate) fn report_on_signal() -> io::Result<()> {
    let mut signals = Signals::new([SIGUSR1])?;
    thread::spawn(move || {
        for _ in signals.forever() {
            let stats = ALLOCATOR.stats();
            // A block that grows may move, which costs as much as a new one.
            println!("allocations {}", stats.allocations + stats.reallocations);
        }
    });
    Ok(())
}
