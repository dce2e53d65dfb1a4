//! A server in a loop of callbacks and timers, as toolkits for windows have it, here `calloop`:
//! `cargo run --example callback_loop`, or with `-- --visit` for three requests and an end.
//!
//! What handlers and callbacks share needs no lock but the one that a handler's type asks for: all
//! run on one thread.

#![expect(clippy::print_stdout, reason = "an example may talk")]

mod visitor;

use std::error::Error;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use calloop::generic::Generic;
use calloop::timer::{TimeoutAction, Timer};
use calloop::{EventLoop, Interest, Mode, PostAction};
use wharf::{Budget, Request, Server, StopSwitch, Ticker};

/// How often the window would be drawn.
const FRAME: Duration = Duration::from_millis(16);

/// What the callbacks work on.
struct Program {
    ticker: Ticker,
    frames: Arc<AtomicU64>,
    is_running: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    let (frames, switch) = (Arc::new(AtomicU64::new(0)), StopSwitch::new());
    let shown = Arc::clone(&frames);
    let handler = move |_: Request| format!("frame {}\n", shown.load(Ordering::Relaxed));
    let server = Server::new(handler).stop_switch(&switch).listen("127.0.0.1:0")?;
    let mut ticker = server.into_ticker()?;
    // Other callbacks wait for as long as this one takes.
    ticker.set_budget(Budget::new().time(Duration::from_millis(2)));
    let addr = ticker.local_addrs()[0];
    println!("http://{addr}/");

    let mut event_loop = EventLoop::<Program>::try_new()?;
    let handle = event_loop.handle();
    // The loop gets a descriptor of its own for the same thing, so that the ticker stays ours.
    let readable = Generic::new(ticker.as_fd().try_clone_to_owned()?, Interest::READ, Mode::Level);
    handle.insert_source(readable, |_, _, program| {
        program.is_running &= program.ticker.tick(Duration::ZERO)?;
        Ok(PostAction::Continue)
    })?;
    handle.insert_source(Timer::from_duration(FRAME), |_, (), program| {
        program.frames.fetch_add(1, Ordering::Relaxed);
        TimeoutAction::ToDuration(FRAME)
    })?;

    let visits = std::env::args().any(|arg| arg == "--visit");
    let visitor = visits.then(|| visitor::visit(addr, "/", 3, switch));
    let mut program = Program { ticker, frames, is_running: true };
    while program.is_running {
        let due = program.ticker.next_deadline();
        let wait = due.map(|due| due.saturating_duration_since(Instant::now()));
        event_loop.dispatch(wait, &mut program)?;
        if due.is_some_and(|due| due <= Instant::now()) {
            program.is_running &= program.ticker.tick(Duration::ZERO)?;
        }
    }
    visitor.map_or(Ok(()), |visitor| visitor.join().expect("it does not panic"))?;
    Ok(())
}
