//! A server in the loop of a game, on one thread, and how well the frames keep their time:
//! `cargo run --release --example game_loop`, or with `-- --frames 600 --load 20000` for ten
//! seconds with 20,000 requests a second.
//!
//! The world moves 60 times a second, which takes 2 ms (`--world MICROS`), and requests are
//! answered in what is left of each frame. `curl http://127.0.0.1:8080/frame` shows the
//! world, `curl -X POST http://127.0.0.1:8080/stop` ends it.

#![expect(clippy::print_stdout, reason = "an example may talk")]

use std::error::Error;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use wharf::{Budget, Request, Router, Server, StopSwitch, Ticker};

const FRAME: Duration = Duration::from_nanos(1_000_000_000 / 60);

/// How long a tick works at most: a frame may be late by so much and by one request.
const TICK: Duration = Duration::from_micros(200);

/// The world: all that ever happens in it is that time passes.
#[derive(Default)]
struct World {
    frames: AtomicU64,
}

impl World {
    /// Moves on by a frame, which takes some time.
    fn advance(&self, work: Duration) -> u64 {
        let start = Instant::now();
        while start.elapsed() < work {
            std::hint::spin_loop();
        }
        self.frames.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// What the program was asked for.
struct Options {
    addr: String,
    frames: u64,
    world: Duration,
    /// Requests a second that the program sends to itself.
    load: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = options()?;
    let world = Arc::new(World::default());
    let (shown, switch) = (Arc::clone(&world), StopSwitch::new());
    let stop = switch.clone();
    let site = Router::new()
        .get("/", "a game\n")
        .get("/frame", move |_: Request| format!("{}\n", shown.frames.load(Ordering::Relaxed)))
        .post("/stop", move |_: Request| {
            stop.stop();
            "game over\n"
        });
    let server = Server::new(site).stop_switch(&switch).listen(options.addr.as_str())?;
    let mut ticker = server.into_ticker()?;
    ticker.set_budget(Budget::new().time(TICK));
    let addr = ticker.local_addrs()[0];
    println!("playing; see http://{addr}/");
    let load = (options.load > 0).then(|| load(addr, options.load));
    let times = play(&world, &mut ticker, &options)?;
    times.print(ticker.stats().requests);
    drop(ticker);
    load.map_or(Ok(()), |load| load.join().expect("it does not panic"))?;
    Ok(())
}

/// Plays so many frames, or until the server is told to stop.
fn play(world: &World, ticker: &mut Ticker, options: &Options) -> Result<Times, Box<dyn Error>> {
    let start = Instant::now();
    let mut times = Times { start, frames: Vec::new(), late: Vec::new(), ticks: 0 };
    let (mut frame_start, mut frame_end) = (start, start);
    let mut is_running = true;
    while is_running && world.advance(options.world) < options.frames {
        frame_end += FRAME;
        // At least one tick a frame, so that players are not forgotten when the world is slow.
        loop {
            is_running = ticker.tick_until(frame_end)?;
            times.ticks += 1;
            if !is_running || Instant::now() >= frame_end {
                break;
            }
        }
        let now = Instant::now();
        times.frames.push(now - frame_start);
        times.late.push(now.saturating_duration_since(frame_end));
        frame_start = now;
    }
    Ok(times)
}

/// How long frames took.
struct Times {
    start: Instant,
    frames: Vec<Duration>,
    /// How much later each ended than it should have.
    late: Vec<Duration>,
    ticks: u64,
}

impl Times {
    fn print(self, requests: u64) {
        let seconds = self.start.elapsed().as_secs_f64();
        let (frames, ticks) = (self.frames.len(), self.ticks);
        #[expect(clippy::cast_precision_loss, reason = "nobody reads that many digits")]
        let rate = requests as f64 / seconds;
        println!(
            "{frames} frames in {seconds:.3} s: {requests} requests ({rate:.0}/s), {ticks} ticks"
        );
        let missed = self.late.iter().filter(|late| **late >= FRAME).count();
        print_row("frame", self.frames);
        print_row("late by", self.late);
        println!("{missed} frames missed");
    }
}

fn print_row(name: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |per_mille: usize| {
        let time = times.get((times.len() * per_mille / 1000).min(times.len().saturating_sub(1)));
        time.map_or(0.0, |time| time.as_secs_f64() * 1000.0)
    };
    let [p50, p99, p999, max] = [500, 990, 999, 1000].map(at);
    println!("{name:>8}: p50 {p50:.3} ms, p99 {p99:.3} ms, p99.9 {p999:.3} ms, max {max:.3} ms");
}

/// Sends so many requests a second, in as many pieces as there are milliseconds, until the server
/// closes the connection.
fn load(addr: SocketAddr, rate: usize) -> JoinHandle<io::Result<()>> {
    thread::spawn(move || {
        let mut stream = TcpStream::connect(addr)?;
        stream.set_nodelay(true)?;
        let mut answers = stream.try_clone()?;
        // It ends with the connection.
        let reader = thread::spawn(move || io::copy(&mut answers, &mut io::sink()));
        let (start, mut sent) = (Instant::now(), 0);
        loop {
            let due = usize::try_from(start.elapsed().as_millis()).unwrap_or(0) * rate / 1000;
            let requests = "GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(due - sent);
            if stream.write_all(requests.as_bytes()).is_err() {
                break;
            }
            sent = due;
            thread::sleep(Duration::from_millis(1));
        }
        let _ = reader.join();
        Ok(())
    })
}

fn options() -> Result<Options, Box<dyn Error>> {
    let mut options = Options {
        addr: "127.0.0.1:8080".to_owned(),
        frames: u64::MAX,
        world: Duration::from_millis(2),
        load: 0,
    };
    let mut args = std::env::args().skip(1);
    while let Some(option) = args.next() {
        let value = args.next().ok_or_else(|| format!("{option} needs a value"))?;
        match option.as_str() {
            "--listen" => options.addr = value,
            "--frames" => options.frames = value.parse()?,
            "--world" => options.world = Duration::from_micros(value.parse()?),
            "--load" => options.load = value.parse()?,
            _ => return Err(format!("unknown option {option}").into()),
        }
    }
    Ok(options)
}
