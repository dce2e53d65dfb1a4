//! What came of an attack, in lines of text, and whether that is right.
//!
//! Not here: how it was measured (`run.rs`).

use hdrhistogram::Histogram;

use crate::args::Options;
use crate::catalogue::{self, Attack, Fate};
use crate::run::Results;

/// Honest clients may wait so much longer at the 99th percentile.
const MAX_SLOWDOWN: f64 = 2.0;

/// Below that a slowdown is not judged: it is the time of one wake-up of the machine.
const SMALL_NS: u64 = 200_000;

/// Where others have used more of a core than that, latencies are theirs and are not judged.
const MAX_OTHERS: f64 = 0.1;

/// What a server may hold beside its connections: buffers that are shared, storage that is kept.
const SHARED_BYTES: u64 = 2 << 20;

/// What a session of TLS may take on top of what an attack may make a server hold.
const SESSION_KIB: u32 = 8;

pub(crate) fn list() {
    for attack in catalogue::all() {
        println!("{:<20} {}", attack.name, attack.about);
    }
}

pub(crate) fn begin(options: &Options) {
    println!(
        "{} honest connections, {:.0} requests a second in all, {:.0} s alone and {:.0} s under \
         attack; attackers send at most {:.0} units and connect {:.0} times a second. {}",
        options.honest,
        options.rate,
        options.before.as_secs_f64(),
        options.attacked.as_secs_f64(),
        options.attack_rate,
        options.dials,
        if options.over_tls { "Over TLS." } else { "In cleartext." },
    );
    println!("p50/p99/p99.9 in us; CPU in % of a core; memory in KiB, start and peak\n");
}

/// Prints what came of `attack`, and returns whether all is right.
pub(crate) fn print(attack: &Attack, results: &Results, over_tls: bool) -> bool {
    let held_kib = attack.held_kib + if over_tls { SESSION_KIB } else { 0 };
    let wrong = judge(attack.fate, held_kib, results);
    let (before, during, tally) = (&results.before, &results.during, &results.tally);
    println!("{}: {}", attack.name, if wrong.is_empty() { "ok" } else { "WRONG" });
    for fault in &wrong {
        println!("  WRONG     {fault}");
    }
    println!(
        "  honest    {} -> {}  errors {} -> {}{}",
        quantiles(&before.honest.latency_ns),
        quantiles(&during.honest.latency_ns),
        before.honest.faults(),
        during.honest.faults(),
        if is_disturbed(results) { "  (disturbed: latencies are not judged)" } else { "" },
    );
    for (fault, count) in &during.honest.faults {
        println!("            {count} times: {fault}");
    }
    let cuts: Vec<String> =
        tally.cuts.iter().map(|(how, count)| format!("{how} {count}")).collect();
    println!(
        "  attackers {} connections, at most {} at a time, cut: {}; {} units, {} KiB; {} answers, \
         {} resets",
        tally.connections,
        tally.open,
        if cuts.is_empty() { "none".to_owned() } else { cuts.join(", ") },
        tally.units,
        tally.bytes / 1024,
        tally.answers,
        tally.resets,
    );
    println!(
        "  server    memory {} -> {}  CPU {:.1}% -> {:.1}%  others {:.0}% and {:.0}%",
        results.start_bytes / 1024,
        results.peak_bytes / 1024,
        before.server * 100.0,
        during.server * 100.0,
        before.others * 100.0,
        during.others * 100.0,
    );
    for line in results.counters.iter().filter(|line| is_telling(line)) {
        println!("            {}", line.trim());
    }
    println!();
    wrong.is_empty()
}

fn judge(fate: Fate, held_kib: u32, results: &Results) -> Vec<String> {
    let mut wrong = Vec::new();
    let (before, during) = (&results.before.honest, &results.during.honest);
    let p99 = |latency: &Histogram<u64>| latency.value_at_quantile(0.99);
    let (p99_before, p99_during) = (p99(&before.latency_ns), p99(&during.latency_ns));
    let slowdown = p99_during as f64 / p99_before.max(1) as f64;
    if slowdown > MAX_SLOWDOWN && p99_during > SMALL_NS && !is_disturbed(results) {
        wrong.push(format!("honest clients wait {slowdown:.1} times as long at p99"));
    }
    if during.faults() > 0 {
        wrong.push(format!("{} honest requests failed", during.faults()));
    }
    let tally = &results.tally;
    let cuts: u64 = tally.cuts.values().sum();
    let codes: Vec<&str> = tally.cuts.keys().map(String::as_str).collect();
    match fate {
        Fate::Calm if !codes.contains(&"calm") => wrong.push("no attacker is told to calm".into()),
        Fate::Cut if cuts == 0 => wrong.push("no attacker is cut".into()),
        Fate::Borne if cuts > 0 => wrong.push(format!("{cuts} were cut that need not be")),
        Fate::Calm | Fate::Cut | Fate::Borne | Fate::Any => {}
    }
    let grown = results.peak_bytes.saturating_sub(results.start_bytes);
    let bound = SHARED_BYTES + tally.open * u64::from(held_kib) * 1024;
    if grown > bound {
        wrong.push(format!("memory grew by {} KiB, of {}", grown / 1024, bound / 1024));
    }
    wrong
}

fn is_disturbed(results: &Results) -> bool {
    results.before.others > MAX_OTHERS || results.during.others > MAX_OTHERS
}

fn quantiles(latency: &Histogram<u64>) -> String {
    let at = |quantile| latency.value_at_quantile(quantile) as f64 / 1000.0;
    format!("{:.0}/{:.0}/{:.0}", at(0.5), at(0.99), at(0.999))
}

/// Whether a counter says something about attacks.
fn is_telling(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with("worker")
}
