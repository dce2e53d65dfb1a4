//! The command line.
//!
//! Not here: what the attacks are (`catalogue/`).

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lexopt::prelude::*;

use crate::catalogue::{self, Attack};

pub(crate) const USAGE: &str = "\
attack [OPTIONS]

  --attack A,B,..     only these; see --list, default all
  --list              print the attacks
  --server PATH       takes the options of bench/peers, default peer-wharf beside this program
  --tls               all of it over TLS
  --seconds S         of an attack, default 30
  --before S          of honest clients alone, before it, default 10
  --honest N          honest connections, default 64
  --rate N            their requests per second in all, default 10000
  --attack-rate N     what attackers send per second in all, in units of the attack, default 20000
  --dials N           how often attackers connect per second in all, default 200
  --server-core N     default 0
  --load-core N       default 1";

/// What to run.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) attacks: Vec<&'static Attack>,
    pub(crate) server: PathBuf,
    pub(crate) over_tls: bool,
    pub(crate) attacked: Duration,
    pub(crate) before: Duration,
    pub(crate) honest: usize,
    pub(crate) rate: f64,
    pub(crate) attack_rate: f64,
    pub(crate) dials: f64,
    pub(crate) server_core: usize,
    pub(crate) load_core: usize,
}

/// What the command line asks for.
#[derive(Debug)]
pub(crate) enum Command {
    Run(Box<Options>),
    Help,
    List,
}

pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Command> {
    let own = std::env::current_exe().context("cannot tell where the peers are")?;
    let mut options = Options {
        attacks: catalogue::all().collect(),
        server: own.with_file_name("peer-wharf"),
        over_tls: false,
        attacked: Duration::from_secs(30),
        before: Duration::from_secs(10),
        honest: 64,
        rate: 10_000.0,
        attack_rate: 20_000.0,
        dials: 200.0,
        server_core: 0,
        load_core: 1,
    };
    let mut args = lexopt::Parser::from_iter(args);
    while let Some(arg) = args.next()? {
        match arg {
            Long("attack" | "attacks") => {
                options.attacks = catalogue::named(&args.value()?.string()?)?;
            }
            Long("list") => return Ok(Command::List),
            Long("server") => options.server = std::path::absolute(args.value()?)?,
            Long("tls") => options.over_tls = true,
            Long("seconds") => options.attacked = seconds(args.value()?.parse()?)?,
            Long("before") => options.before = seconds(args.value()?.parse()?)?,
            Long("honest") => options.honest = args.value()?.parse()?,
            Long("rate") => options.rate = rate(args.value()?.parse()?)?,
            Long("attack-rate") => options.attack_rate = rate(args.value()?.parse()?)?,
            Long("dials") => options.dials = rate(args.value()?.parse()?)?,
            Long("server-core") => options.server_core = args.value()?.parse()?,
            Long("load-core") => options.load_core = args.value()?.parse()?,
            Short('h') | Long("help") => return Ok(Command::Help),
            Short(_) | Long(_) | Value(_) => return Err(arg.unexpected().into()),
        }
    }
    ensure!((1..=4096).contains(&options.honest), "--honest is from 1 to 4096");
    options.attacks.retain(|attack| options.over_tls || !attack.needs_tls());
    ensure!(!options.attacks.is_empty(), "that attack needs --tls");
    Ok(Command::Run(Box::new(options)))
}

fn seconds(seconds: f64) -> Result<Duration> {
    ensure!((0.1..=3600.0).contains(&seconds), "a run takes from 0.1 s to an hour");
    Ok(Duration::from_secs_f64(seconds))
}

fn rate(rate: f64) -> Result<f64> {
    ensure!((1.0..=1e7).contains(&rate), "a rate is from 1 to 10,000,000 a second");
    Ok(rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(line: &str) -> Result<Command> {
        parse(std::iter::once("attack").chain(line.split_whitespace()).map(OsString::from))
    }

    #[test]
    fn options_end_up_where_they_belong() {
        let Command::Run(options) = options("--attack ping --seconds 5 --rate 100").unwrap() else {
            panic!("it runs")
        };
        assert_eq!(options.attacks.iter().map(|attack| attack.name).collect::<Vec<_>>(), ["ping"]);
        assert_eq!((options.attacked, options.rate), (Duration::from_secs(5), 100.0));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in ["--attack none", "--seconds 0", "--rate -1", "--honest 0", "more"] {
            assert!(options(line).is_err(), "{line}");
        }
        assert!(options("--attack key-update").is_err(), "it needs TLS");
    }
}
