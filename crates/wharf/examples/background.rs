//! A server beside the program's own work, which goes on on the main thread:
//! `cargo run --release --example background`.
//!
//! The work is to count primes. `curl http://127.0.0.1:8080/` tells how far it has come,
//! `curl -X POST http://127.0.0.1:8080/stop` ends it.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example may talk")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use wharf::{Request, Router, Server};

/// What the work and the server share.
#[derive(Default)]
struct Progress {
    tested: AtomicU64,
    primes: AtomicU64,
    stop: AtomicBool,
}

fn main() -> wharf::Result {
    let progress = Arc::new(Progress::default());
    let (shown, stopped) = (Arc::clone(&progress), Arc::clone(&progress));
    let site = Router::new()
        .get("/", move |_: Request| {
            let tested = shown.tested.load(Ordering::Relaxed);
            let primes = shown.primes.load(Ordering::Relaxed);
            format!("{primes} primes up to {tested}\n")
        })
        .post("/stop", move |_: Request| {
            stopped.stop.store(true, Ordering::Relaxed);
            "stopping\n"
        });
    let handle = Server::new(site).listen("127.0.0.1:8080")?.workers(1).start()?;
    println!("counting; see http://{}/", handle.local_addrs()[0]);

    count_primes(&progress);

    // Dropping the handle would do the same, but would wait for as long as it takes.
    handle.stop();
    if !handle.wait(Some(Duration::from_secs(5))) {
        eprintln!("a handler is still busy");
    }
    println!("{} primes", progress.primes.load(Ordering::Relaxed));
    Ok(())
}

fn count_primes(progress: &Progress) {
    for number in 2_u64.. {
        if progress.stop.load(Ordering::Relaxed) {
            return;
        }
        if is_prime(number) {
            progress.primes.fetch_add(1, Ordering::Relaxed);
        }
        progress.tested.store(number, Ordering::Relaxed);
    }
}

fn is_prime(number: u64) -> bool {
    (2..)
        .take_while(|factor| factor * factor <= number)
        .all(|factor| !number.is_multiple_of(factor))
}
