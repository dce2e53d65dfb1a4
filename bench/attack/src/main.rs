//! What honest clients notice while others attack, what becomes of the attackers, and what it costs
//! the server in memory and CPU.
//!
//! For each attack a server is started anew, loaded by honest clients alone, then by them and
//! attackers. All clients are one thread, on another core than the server: an attacker never keeps
//! it for longer than it takes to send a few KiB, so that what honest clients notice is the
//! server's doing.
//!
//! `args.rs` says what to run, `catalogue/` what the attacks are, `server.rs` starts the server,
//! `run.rs` is the loop, `honest.rs` and `attackers.rs` are those who are in it, `report.rs` judges
//! and prints.
//!
//! Not here: what is on the wire (the `wire` crate), whether a rule of HTTP is kept (conformance).

mod args;
mod attackers;
mod catalogue;
mod honest;
mod report;
mod run;
mod server;

use anyhow::{Result, ensure};
use loadgen::raise_file_limit;

use crate::args::Command;

/// The descriptors we, and the server, need in all.
const FILES: u64 = 16_384;

fn main() -> Result<()> {
    let options = match args::parse(std::env::args_os())? {
        Command::Help => {
            println!("{}", args::USAGE);
            return Ok(());
        }
        Command::List => {
            report::list();
            return Ok(());
        }
        Command::Run(options) => options,
    };
    raise_file_limit(FILES)?;
    report::begin(&options);
    let mut failed = 0;
    for &attack in &options.attacks {
        match run::run(attack, &options) {
            Ok(results) => {
                let is_right = report::print(attack, &results, options.over_tls);
                failed += usize::from(!is_right);
            }
            Err(error) => {
                println!("{}: FAILED: {error:#}", attack.name);
                failed += 1;
            }
        }
    }
    ensure!(failed == 0, "{failed} of {} attacks did harm", options.attacks.len());
    Ok(())
}
