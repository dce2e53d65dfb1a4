//! A server in the program's own loop, one tick at a time, on one thread:
//! `cargo run --release --example game_loop`, or with `-- 600` for 600 frames.
//!
//! The world moves 60 times a second, and requests are answered in what is left of each frame.
//! `curl http://127.0.0.1:8080/` shows the world, `curl -X POST http://127.0.0.1:8080/stop`
//! ends it.

#![expect(clippy::print_stdout, reason = "an example may talk")]

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use wharf::{Request, Router, Server, StopSwitch};

const FRAME: Duration = Duration::from_nanos(1_000_000_000 / 60);

/// The world: all that ever happens in it is that time passes.
#[derive(Default)]
struct World {
    frames: AtomicU64,
}

impl World {
    fn advance(&self) -> u64 {
        self.frames.fetch_add(1, Ordering::Relaxed) + 1
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let last_frame = match std::env::args().nth(1) {
        Some(count) => count.parse()?,
        None => u64::MAX,
    };
    let world = Arc::new(World::default());
    let (shown, switch) = (Arc::clone(&world), StopSwitch::new());
    let stop = switch.clone();
    let site = Router::new()
        .get("/", move |_: Request| format!("frame {}\n", shown.frames.load(Ordering::Relaxed)))
        .post("/stop", move |_: Request| {
            stop.stop();
            "game over\n"
        });
    let server = Server::new(site).stop_switch(&switch).listen("127.0.0.1:8080")?;
    let mut ticker = server.into_ticker()?;
    println!("playing; see http://{}/", ticker.local_addrs()[0]);

    let start = Instant::now();
    let mut frame_end = start;
    let mut running = true;
    while running && world.advance() < last_frame {
        frame_end += FRAME;
        // At least one tick a frame, so that players are not forgotten when the world is slow.
        while running {
            let left = frame_end.saturating_duration_since(Instant::now());
            running = ticker.tick(left)?;
            if left.is_zero() {
                break;
            }
        }
    }
    let frames = world.frames.load(Ordering::Relaxed);
    println!("{frames} frames in {:.3} s", start.elapsed().as_secs_f64());
    Ok(())
}
