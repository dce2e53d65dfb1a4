//! Times every case: `cargo bench -p micro`, or `cargo bench -p micro -- head` for some of them.
//!
//! Not here: the cases, which are shared with the count of instructions.

use divan::Bencher;
use micro::{CASES, Case};

fn main() {
    divan::main();
}

#[divan::bench(args = CASES)]
fn case(bencher: Bencher<'_, '_>, case: &Case) {
    let run = (case.setup)();
    bencher.bench_local(run);
}
