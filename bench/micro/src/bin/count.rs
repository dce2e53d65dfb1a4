//! Runs one case so many times, for `count.sh` to count the instructions of.
//!
//! Without arguments it names all cases. Not here: time, which means nothing under an emulator.

use std::env;
use std::process::ExitCode;

use micro::CASES;

/// Done before the counted ones, so that buffers have grown to their size.
const WARMUP: u32 = 16;

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let [name, times] = &args[..] else {
        for case in &CASES {
            println!("{case}");
        }
        return ExitCode::SUCCESS;
    };
    let case = CASES.iter().find(|case| case.name == name);
    let (Some(case), Ok(times)) = (case, times.parse::<u32>()) else {
        eprintln!("usage: count [CASE TIMES]");
        return ExitCode::from(2);
    };
    let mut run = (case.setup)();
    for _ in 0..WARMUP {
        run();
    }
    for _ in 0..times {
        run();
    }
    ExitCode::SUCCESS
}
