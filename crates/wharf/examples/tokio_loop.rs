//! A server as one task of a tokio runtime with one thread:
//! `cargo run --example tokio_loop`, or with `-- --visit` for three requests and an end.
//!
//! The ticker is not `Send`: its task stays on the thread that made it (`block_on`, or a
//! `LocalSet`). With several threads for requests, start a server inside the runtime instead: see
//! `tokio_handlers`.

#![expect(clippy::print_stdout, reason = "an example may talk")]

mod visitor;

use std::error::Error;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::{interval, sleep_until};
use wharf::{Budget, Server, StopSwitch, Ticker};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let switch = StopSwitch::new();
    let server = Server::new("served beside other tasks\n").stop_switch(&switch);
    let mut ticker = server.listen("127.0.0.1:0")?.into_ticker()?;
    // Other tasks wait for as long as a tick takes.
    ticker.set_budget(Budget::new().time(Duration::from_millis(1)));
    let addr = ticker.local_addrs()[0];
    println!("http://{addr}/");

    let other = tokio::spawn(async {
        let mut seconds = interval(Duration::from_secs(1));
        loop {
            seconds.tick().await;
        }
    });
    let visits = std::env::args().any(|arg| arg == "--visit");
    let visitor = visits.then(|| visitor::visit(addr, "/", 3, switch));
    serve(&mut ticker).await?;
    other.abort();
    visitor.map_or(Ok(()), |visitor| visitor.join().expect("it does not panic"))?;
    Ok(())
}

/// Serves until the server is told to stop.
async fn serve(ticker: &mut Ticker) -> std::io::Result<()> {
    // The runtime gets a descriptor of its own for the same thing.
    let readable = ticker.as_fd().try_clone_to_owned()?;
    #[expect(deprecated, reason = "what replaces it is unsafe; an owned descriptor stays open")]
    let readable = AsyncFd::with_interest(readable, Interest::READABLE)?;
    loop {
        let due = ticker.next_deadline();
        let wake_at = due.unwrap_or_else(|| Instant::now() + Duration::from_secs(3600));
        tokio::select! {
            // Before the tick, so that what comes later is told again. What it leaves undone is
            // due at once.
            guard = readable.readable() => guard?.clear_ready(),
            () = sleep_until(wake_at.into()) => {}
        }
        if !ticker.tick(Duration::ZERO)? {
            return Ok(());
        }
        // Work that is left does not keep the other tasks from theirs.
        tokio::task::yield_now().await;
    }
}
