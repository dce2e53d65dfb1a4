//! What `/proc` says about processes and about the machine.
//!
//! `processes.rs` finds the processes that make up one server, `cpu.rs` and `memory.rs` say what
//! they have used, `machine.rs` says what everybody has used together. All figures are running
//! totals or snapshots: the caller subtracts.
//!
//! Not here: sampling, statistics, printing. Linux only.

mod cpu;
mod machine;
mod memory;
mod processes;

pub use cpu::{Cpu, ended_busy_ns};
pub use machine::machine_busy_ns;
pub use memory::Memory;
pub use processes::Processes;
