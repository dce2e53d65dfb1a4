//! Chores of this repository, started as `cargo run -p xtask -- <chore>`.
//!
//! There is one so far: `tidy` checks the rules that neither the compiler nor clippy knows.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "printing is what chores are for")]

use std::env;
use std::process::ExitCode;

mod tidy;

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["tidy"] => report_tidy(),
        _ => {
            eprintln!("usage: cargo run -p xtask -- tidy");
            ExitCode::from(2)
        }
    }
}

fn report_tidy() -> ExitCode {
    let findings = match tidy::check_repository() {
        Ok(findings) => findings,
        Err(error) => {
            eprintln!("tidy: {error}");
            return ExitCode::from(2);
        }
    };
    for finding in &findings {
        println!("{finding}");
    }
    if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
