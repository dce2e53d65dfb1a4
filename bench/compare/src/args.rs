//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lexopt::prelude::*;

use crate::workload::{WORKLOADS, Workload};

pub(crate) const USAGE: &str = "\
compare [OPTIONS]

  --wharf [NAME=]PATH   a wharf server, started as `PATH --listen ADDR --workers 1`; may be
                        repeated under different names to compare builds
  --nginx PATH          default /usr/sbin/nginx; left out if it is not there
  --servers A,B,..      only these of limit-epoll, hyper, actix, nginx and the names given above
  --workloads A,B,..    only these of plain64, pipe64x16, plain512, browser64
  --rounds N            samples per server and workload, default 6
  --seconds S           length of a sample, default 2
  --server-core N       default 0
  --load-core N         default 1
  --seed N              for the order of samples, default random
  --json FILE           also write everything measured to FILE";

/// Sent before each sample and not counted: caches and branch predictors have just served
/// somebody else.
const WARMUP: Duration = Duration::from_millis(200);

/// Bounds that keep a slip of the finger from running for days.
const MAX_SAMPLE_SECONDS: f64 = 60.0;
const MAX_ROUNDS: usize = 1000;

/// What to run.
pub(crate) struct Options {
    /// Names and paths.
    pub(crate) wharfs: Vec<(String, PathBuf)>,
    pub(crate) nginx: PathBuf,
    /// `None` means all.
    pub(crate) servers: Option<Vec<String>>,
    pub(crate) workloads: Vec<&'static Workload>,
    pub(crate) rounds: usize,
    pub(crate) warmup: Duration,
    pub(crate) sample: Duration,
    pub(crate) server_core: usize,
    pub(crate) load_core: usize,
    pub(crate) seed: u64,
    pub(crate) json: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            wharfs: Vec::new(),
            nginx: PathBuf::from("/usr/sbin/nginx"),
            servers: None,
            workloads: WORKLOADS.iter().collect(),
            rounds: 6,
            warmup: WARMUP,
            sample: Duration::from_secs(2),
            server_core: 0,
            load_core: 1,
            seed: fastrand::u64(..),
            json: None,
        }
    }
}

/// Returns `None` if help is what is wanted.
pub(crate) fn parse() -> Result<Option<Options>> {
    let mut options = Options::default();
    let mut args = lexopt::Parser::from_env();
    while let Some(arg) = args.next()? {
        match arg {
            Long("wharf") => options.wharfs.push(wharf(&args.value()?.string()?)?),
            Long("nginx") => options.nginx = args.value()?.into(),
            Long("servers") => options.servers = Some(list(&args.value()?.string()?)),
            Long("workloads") => options.workloads = workloads(&args.value()?.string()?)?,
            Long("rounds") => options.rounds = args.value()?.parse()?,
            Long("seconds") => {
                let seconds: f64 = args.value()?.parse()?;
                ensure!(
                    seconds > 0.0 && seconds <= MAX_SAMPLE_SECONDS,
                    "--seconds is more than 0 and at most {MAX_SAMPLE_SECONDS}"
                );
                options.sample = Duration::from_secs_f64(seconds);
            }
            Long("server-core") => options.server_core = args.value()?.parse()?,
            Long("load-core") => options.load_core = args.value()?.parse()?,
            Long("seed") => options.seed = args.value()?.parse()?,
            Long("json") => options.json = Some(args.value()?.into()),
            Short('h') | Long("help") => return Ok(None),
            Short(_) | Long(_) | Value(_) => return Err(arg.unexpected().into()),
        }
    }
    ensure!((1..=MAX_ROUNDS).contains(&options.rounds), "--rounds is from 1 to {MAX_ROUNDS}");
    ensure!(options.server_core != options.load_core, "server and load need a core each");
    Ok(Some(options))
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

fn workloads(names: &str) -> Result<Vec<&'static Workload>> {
    let find = |name: &str| WORKLOADS.iter().find(|workload| workload.name == name);
    list(names)
        .iter()
        .map(|name| find(name).with_context(|| format!("there is no workload {name:?}")))
        .collect()
}
