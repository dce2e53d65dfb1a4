//! The command line.
//!
//! Not here: what the workloads are (`workload.rs`) and the servers (`programs.rs`).

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lexopt::prelude::*;

use crate::workload::{self, Workload};

pub(crate) const USAGE: &str = "\
compare [OPTIONS]

what is compared
  --workload A,B,..     only these workloads; see --list
  --servers A,B,..      only these servers, of those --list shows and the names given with --wharf
  --wharf [NAME=]PATH   also a wharf server started as `PATH --listen ADDR --workers 1`, `wharf`
                        unless named; may be repeated to compare builds
  --list                print workloads and servers

how
  --rounds N            samples per server and workload, default 6
  --seconds S           length of a sample, default 2
  --server-core N       default 0
  --load-core N         default 1
  --seed N              for the order of samples, default random

passes beside the samples
  --open-loop           at 50% and 80% of the rate that each server was measured to reach
  --rate N              at N requests per second, the same for all (open loop)
  --memory              resident memory per idle connection, each server fresh
  --connections N       idle connections of --memory, default 10000
  --syscalls            system calls per request, under strace
  --allocations         allocations per request; needs a build with the feature count-alloc
  --only-passes         leave the samples out (and with them --open-loop)

results
  --json FILE           everything measured
  --html FILE           charts and tables in one file

Server CPU time per request comes from the scheduler's run time (schedstat, exact), its part in
user space from utime and stime (stat, in ticks of 10 ms over all samples, so coarse).";

/// Sent before each sample and not counted: caches and branch predictors have just served
/// somebody else.
const WARMUP: Duration = Duration::from_millis(200);

/// Bounds that keep a slip of the finger from running for days.
const MAX_SAMPLE_SECONDS: f64 = 60.0;
const MAX_ROUNDS: usize = 1000;

/// What to run.
#[derive(Debug)]
pub(crate) struct Options {
    /// Names and paths.
    pub(crate) wharfs: Vec<(String, PathBuf)>,
    /// `None` means all.
    pub(crate) servers: Option<Vec<String>>,
    pub(crate) workloads: Vec<&'static Workload>,
    pub(crate) rounds: usize,
    pub(crate) warmup: Duration,
    pub(crate) sample: Duration,
    pub(crate) server_core: usize,
    pub(crate) load_core: usize,
    pub(crate) seed: u64,
    pub(crate) passes: Passes,
    pub(crate) json: Option<PathBuf>,
    pub(crate) html: Option<PathBuf>,
}

/// What is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Passes {
    pub(crate) samples: bool,
    pub(crate) open_loop: bool,
    pub(crate) rate: Option<f64>,
    /// For so many idle connections.
    pub(crate) memory: Option<usize>,
    pub(crate) syscalls: bool,
    pub(crate) allocations: bool,
}

/// What the command line asks for.
#[derive(Debug)]
pub(crate) enum Command {
    Run(Box<Options>),
    Help,
    List(Box<Options>),
}

impl Default for Options {
    fn default() -> Self {
        Self {
            wharfs: Vec::new(),
            servers: None,
            workloads: workload::usual_set(),
            rounds: 6,
            warmup: WARMUP,
            sample: Duration::from_secs(2),
            server_core: 0,
            load_core: 1,
            seed: fastrand::u64(..),
            passes: Passes {
                samples: true,
                open_loop: false,
                rate: None,
                memory: None,
                syscalls: false,
                allocations: false,
            },
            json: None,
            html: None,
        }
    }
}

pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Command> {
    let mut options = Options::default();
    let (mut memory, mut idle, mut lists) = (false, 10_000, false);
    let mut args = lexopt::Parser::from_iter(args);
    while let Some(arg) = args.next()? {
        match arg {
            Long("wharf") => options.wharfs.push(wharf(&args.value()?.string()?)?),
            Long("servers") => options.servers = Some(list(&args.value()?.string()?)),
            Long("workload" | "workloads") => {
                options.workloads = workload::named(&args.value()?.string()?)?;
            }
            Long("list") => lists = true,
            Long("rounds") => options.rounds = args.value()?.parse()?,
            Long("seconds") => options.sample = seconds(args.value()?.parse()?)?,
            Long("server-core") => options.server_core = args.value()?.parse()?,
            Long("load-core") => options.load_core = args.value()?.parse()?,
            Long("seed") => options.seed = args.value()?.parse()?,
            Long("open-loop") => options.passes.open_loop = true,
            Long("rate") => options.passes.rate = Some(args.value()?.parse()?),
            Long("memory") => memory = true,
            Long("connections") => idle = args.value()?.parse()?,
            Long("syscalls") => options.passes.syscalls = true,
            Long("allocations") => options.passes.allocations = true,
            Long("only-passes") => options.passes.samples = false,
            Long("json") => options.json = Some(args.value()?.into()),
            Long("html") => options.html = Some(args.value()?.into()),
            Short('h') | Long("help") => return Ok(Command::Help),
            Short(_) | Long(_) | Value(_) => return Err(arg.unexpected().into()),
        }
    }
    options.passes.memory = memory.then_some(idle);
    check(&options)?;
    let options = Box::new(options);
    Ok(if lists { Command::List(options) } else { Command::Run(options) })
}

fn check(options: &Options) -> Result<()> {
    let passes = &options.passes;
    ensure!((1..=MAX_ROUNDS).contains(&options.rounds), "--rounds is from 1 to {MAX_ROUNDS}");
    ensure!(options.server_core != options.load_core, "server and load need a core each");
    ensure!(passes.rate.is_none_or(|rate| rate > 0.0 && rate < 1e9), "--rate is out of range");
    ensure!(passes.memory != Some(0), "--connections is at least 1");
    ensure!(passes.samples || !passes.open_loop, "--open-loop needs the samples");
    let counts = cfg!(feature = "count-alloc");
    ensure!(counts || !passes.allocations, "--allocations needs the feature count-alloc");
    ensure!(!counts || !passes.samples, "a build that counts allocations is too slow for samples");
    Ok(())
}

fn seconds(seconds: f64) -> Result<Duration> {
    ensure!(
        seconds > 0.0 && seconds <= MAX_SAMPLE_SECONDS,
        "--seconds is more than 0 and at most {MAX_SAMPLE_SECONDS}"
    );
    Ok(Duration::from_secs_f64(seconds))
}

fn wharf(value: &str) -> Result<(String, PathBuf)> {
    let (name, path) = value.split_once('=').unwrap_or(("wharf", value));
    // A relative path would be looked up in PATH if it had no slash.
    let path = std::path::absolute(path).context("not a path")?;
    Ok((name.to_owned(), path))
}

fn list(names: &str) -> Vec<String> {
    names.split(',').map(ToOwned::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command> {
        parse(std::iter::once("compare").chain(line.split_whitespace()).map(OsString::from))
    }

    fn options(line: &str) -> Options {
        match parsed(line).unwrap() {
            Command::Run(options) => *options,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn options_end_up_where_they_belong() {
        let options = options(
            "--workload plain1,stream --servers hyper,wharf --wharf old=/a/b --rounds 3 \
             --seconds 0.5 --rate 1000 --memory --connections 100 --json a.json --html b.html",
        );
        assert_eq!(options.workloads.len(), 2);
        assert_eq!(options.servers.unwrap(), ["hyper", "wharf"]);
        assert_eq!(options.wharfs, [("old".to_owned(), PathBuf::from("/a/b"))]);
        assert_eq!((options.rounds, options.sample), (3, Duration::from_millis(500)));
        assert_eq!((options.passes.rate, options.passes.memory), (Some(1000.0), Some(100)));
        assert!(!options.passes.open_loop && !options.passes.syscalls);
        assert_eq!(options.html, Some(PathBuf::from("b.html")));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in [
            "--rounds 0",
            "--rounds 1001",
            "--seconds 0",
            "--seconds 61",
            "--seconds NaN",
            "--server-core 1",
            "--workload none",
            "--rate -1",
            "--memory --connections 0",
            "--only-passes --open-loop",
            "more",
            "--unknown",
        ] {
            assert!(parsed(line).is_err(), "{line}");
        }
        assert!(matches!(parsed("--help").unwrap(), Command::Help));
        assert!(matches!(parsed("--list").unwrap(), Command::List(_)));
    }
}
