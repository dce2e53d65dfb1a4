//! The `wharf` command: serves a directory over HTTP.
//!
//! `args.rs` reads the command line with the addresses in it (`addr.rs`), `serve.rs` does what it
//! says, `tls.rs` has certificates, `log.rs` writes a line for each request. Not here: HTTP, TLS,
//! files and signals, which are the library's.

mod addr;
mod args;
mod log;
mod serve;
#[cfg(not(feature = "tls"))]
#[path = "no_tls.rs"]
mod tls;
#[cfg(feature = "tls")]
mod tls;

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let serve = match args::parse(std::env::args_os()) {
        Ok(serve) => serve,
        Err(refusal) => return refusal.report(),
    };
    match serve::serve(&serve) {
        Ok(report) if report.is_clean() => ExitCode::SUCCESS,
        Ok(report) => {
            complain(report);
            ExitCode::FAILURE
        }
        Err(failure) => {
            complain(failure);
            ExitCode::FAILURE
        }
    }
}

/// Tells the user that something went wrong, in one line.
fn complain(what: impl Display) {
    // If there is no one to tell, there is nothing else to do about it.
    let _ = writeln!(io::stderr(), "wharf: {what}");
}
