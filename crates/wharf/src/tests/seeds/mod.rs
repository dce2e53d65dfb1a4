//! Many small worlds, each made by a seed: clients with random scripts, a network with faults, and
//! what has to be true however they meet.
//!
//! On each connection every request is answered once and in order, with its own body, or the
//! connection is seen to fail, and then only for a reason; no handler runs twice for a request; and
//! nothing is left in the workers at the end.
//!
//! `WHARF_SIM_SEEDS` says how many seeds are run; `WHARF_SIM_SEED` runs one and shows what happens.
//! Not here: what a seed can't reach, such as real sockets (`cases`).

mod peer;
mod script;
mod world;

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use self::peer::Peer;
use self::script::Script;
use self::world::{World, site};
use super::harness::{SimTicker, plan};
use super::message;
use crate::driver::sim::{Faults, Pace, Random, SimNet, clock};
use crate::worker::Leftovers;
use crate::{Budget, OnDisconnect, Server, StopSwitch, Timeouts};

/// Seeds that are run where nothing else is said.
const SEEDS: u64 = 300;

/// Turns after which a run is taken to be stuck.
const MAX_TURNS: usize = 300_000;

/// Virtual time after which a run is taken to be stuck.
const MAX_TIME: Duration = Duration::from_secs(3600);

fn faults(random: &mut Random) -> Faults {
    if random.one_in(8) {
        return Faults::default();
    }
    Faults {
        short_read: random.pick(&[0, 2, 5, 50]),
        short_write: random.pick(&[0, 2, 5, 50]),
        delay: random.pick(&[0, 1, 3, 20]),
        max_delay: Duration::from_millis(random.pick(&[1, 30, 200])),
        reset: random.pick(&[0, 0, 0, 30, 300]),
        lossy_reset: random.pick(&[0, 1, 2]),
        accept_error: random.pick(&[0, 0, 3]),
        adopt_error: random.pick(&[0, 0, 0, 5]),
        disorder: random.one_in(2),
        ..Faults::default()
    }
}

fn timeouts(random: &mut Random, is_impatient: bool) -> Timeouts {
    // So long that whoever lingers hears its peer out.
    // Some clients read six bytes at a time through a window of sixty.
    let timeouts = Timeouts::default()
        .with_linger(Duration::from_secs(60))
        .with_body_rate(0)
        .with_write_rate(0);
    if !is_impatient {
        return timeouts;
    }
    let mut short = || Duration::from_millis(random.pick(&[1, 20, 300, 5000]));
    timeouts
        .with_head(short())
        .with_body(short())
        .with_write(short())
        .with_idle(short())
        .with_linger(short())
}

/// One world.
struct Run {
    net: SimNet,
    world: Arc<World>,
    server: SimTicker,
    peers: Vec<Peer>,
    switch: StopSwitch,
    /// The turn in which the server is told to stop.
    stops_at: Option<usize>,
    /// How long it may drain then, if it does.
    drains_for: Option<Duration>,
    turns: usize,
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let net = SimNet::new(Pace::Ticked, random.next(), faults(&mut random));
        let window = random.pick(&[50, 700, 10_000, 65_536, 262_144]);
        net.set_window(window);
        let (world, switch) = (World::new(&net), StopSwitch::new());
        let log = Arc::clone(&world);
        let is_impatient = random.one_in(8);
        let allows_half_close = !random.one_in(8);
        let server = Server::new(site(&world))
            .stop_switch(&switch)
            .timeouts(timeouts(&mut random, is_impatient))
            .max_connections(random.pick(&[1000, 1000, 3, 1]))
            .allow_half_close(allows_half_close)
            .access_log(move |access| log.log(access));
        let workers = random.pick(&[1, 1, 2, 3]);
        let server = match random.pick(&[0, 0, 1, 2]) {
            0 => server,
            1 => server.on_disconnect(OnDisconnect::Cancel),
            _ => server.on_disconnect(OnDisconnect::Finish),
        };
        let plans = plan(&net, server, workers, random.one_in(2));
        let budget = match random.below(4) {
            0 => Budget::new().events(1 + random.below(5)),
            1 => Budget::new().time(Duration::from_micros(random.pick(&[0, 1, 1000]))),
            _ => Budget::new(),
        };
        let server = SimTicker::new(net.clone(), plans, budget);
        let stops_at = random.one_in(10).then(|| random.below(200));
        let drains_for =
            random.one_in(2).then(|| Duration::from_millis(random.pick(&[1, 500, 30_000])));
        // With some of them what there is gets sent in the midst of a turn.
        clock::step(random.pick(&[0, 0, 400_000, 2_000_000]));
        let mut peers = Vec::new();
        for number in 0..1 + random.below(6) {
            let name = format!("c{number}");
            let mut script = Script::random(&mut random, &name, window);
            // Nobody may be as fast as such a server wants.
            script.misbehaves |= is_impatient || stops_at.is_some() || !allows_half_close;
            let client = net.connect().expect("the server listens");
            peers.push(Peer::new(name, client, script));
        }
        Self { net, world, server, peers, switch, stops_at, drains_for, turns: 0 }
    }

    /// Lets everything happen.
    fn play(&mut self) {
        self.turn_until(|run| run.peers.iter().all(Peer::is_gone));
        self.turn_until(|run| run.net.open_connections() == 0);
        // Some handlers go on without their client.
        self.turn_until(|run| run.server.workers.iter().all(|w| w.leftovers().orphans == 0));
        self.turn_until(|run| !run.server.is_due());
    }

    fn turn_until(&mut self, is_over: impl Fn(&Self) -> bool) {
        while self.turns < MAX_TURNS {
            self.turns += 1;
            let now = self.net.time();
            assert!(now < MAX_TIME, "nothing happens any more");
            self.world.fire();
            self.peers.iter_mut().for_each(|peer| peer.visit(now));
            if is_over(self) {
                return;
            }
            let next = self.peers.iter().filter_map(|peer| peer.next_at(now));
            let next = next.chain(self.world.next_timer()).min();
            if self.stops_at.is_some_and(|turn| turn <= self.turns) {
                match self.drains_for {
                    // Again and again, of which the first one counts.
                    Some(time) => self.switch.drain_until(self.net.instant(self.net.time() + time)),
                    None => self.switch.stop(),
                }
            }
            self.server.tick(next.map(|next| self.net.instant(next)));
        }
        panic!("it does not end");
    }

    /// Checks everything, and returns how many responses there were.
    fn check(&self) -> usize {
        let responses = self.peers.iter().map(|peer| peer.check(&self.world)).sum();
        let unread = self.world.logged("");
        assert!(unread.iter().all(|entry| entry.status == Some(408)), "logged: {unread:?}");
        assert_eq!(self.world.alive(), 0, "futures or producers are left");
        for worker in &self.server.workers {
            assert_eq!(worker.leftovers(), Leftovers::default());
            assert_eq!(worker.driver().open_slots(), 0, "the driver holds a connection");
        }
        responses
    }
}

/// Plays one seed and returns its fingerprint and how many responses there were.
fn play(seed: u64) -> (u64, usize) {
    let mut run = Run::new(seed);
    run.play();
    let responses = run.check();
    (run.net.fingerprint(), responses)
}

#[test]
fn every_request_is_answered_once_and_in_order_or_its_connection_fails() {
    if let Some(seed) = number("WHARF_SIM_SEED") {
        return show(seed);
    }
    let mut responses = 0;
    for seed in 0..number("WHARF_SIM_SEEDS").unwrap_or(SEEDS) {
        match catch_unwind(AssertUnwindSafe(|| play(seed))) {
            Ok((_, count)) => responses += count,
            Err(panic) => panic!(
                "seed {seed}: {}\nWHARF_SIM_SEED={seed} cargo test -p wharf --lib seeds -- --nocapture",
                message(&*panic)
            ),
        }
    }
    assert!(responses > 0, "no seed has led to a response");
}

#[test]
fn a_seed_is_always_the_same_run() {
    for seed in 0..10 {
        assert_eq!(play(seed), play(seed), "seed {seed}");
    }
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().expect("a number"))
}

/// Plays one seed and prints what happened on the network.
fn show(seed: u64) {
    let mut run = Run::new(seed);
    run.net.keep_log();
    for peer in &run.peers {
        println!("{peer:?}");
    }
    let played = catch_unwind(AssertUnwindSafe(|| {
        run.play();
        run.check()
    }));
    for line in run.net.log() {
        println!("{line}");
    }
    match played {
        Ok(responses) => println!("{responses} responses"),
        Err(panic) => panic!("seed {seed}: {}", message(&*panic)),
    }
}
