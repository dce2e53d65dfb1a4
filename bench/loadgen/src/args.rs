//! The command line of the `loadgen` command.
//!
//! Not here: what the options do, which the library's types say.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lexopt::prelude::*;
use loadgen::{Headers, Payload, Plan, Request};

pub(crate) const USAGE: &str = "\
loadgen --connect ADDR [OPTIONS]

  --connections N       default 64
  --depth N             requests per write, default 1
  --headers NAME        plain or browser, default plain
  --path PATH           default /
  --post BYTES          send a body of so many bytes
  --echo BYTES          no HTTP: send so many bytes, which come back
  --chunked             in chunks instead of with Content-Length
  --per-connection N    close and reconnect after N requests
  --idle N              idle connections beside the busy ones
  --rate N              send N requests per second whether or not answers come (open loop)
  --seconds S           default 2";

/// What to send, for how long.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) plan: Plan,
    pub(crate) idle: usize,
    pub(crate) rate: Option<f64>,
    pub(crate) duration: Duration,
}

/// Returns `None` if help is what is wanted.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Option<Options>> {
    let mut address = None;
    let (mut connections, mut depth, mut idle) = (64, 1, 0);
    let (mut request, mut post, mut is_chunked) = (Request::get("/"), None, false);
    let (mut per_connection, mut rate, mut seconds, mut echo) = (None, None, 2.0, None);
    let mut args = lexopt::Parser::from_iter(args);
    while let Some(arg) = args.next()? {
        match arg {
            Long("connect") => address = Some(args.value()?.parse::<SocketAddr>()?),
            Long("connections") => connections = args.value()?.parse()?,
            Long("depth") => depth = args.value()?.parse()?,
            Long("headers") => request.headers = args.value()?.parse_with(headers)?,
            // Lives as long as we do, like those that are written down.
            Long("path") => request.path = args.value()?.string()?.leak(),
            Long("post") => post = Some(args.value()?.parse()?),
            Long("echo") => echo = Some(args.value()?.parse::<usize>()?),
            Long("chunked") => is_chunked = true,
            Long("per-connection") => per_connection = Some(args.value()?.parse::<NonZeroU64>()?),
            Long("idle") => idle = args.value()?.parse()?,
            Long("rate") => rate = Some(args.value()?.parse::<f64>()?),
            Long("seconds") => seconds = args.value()?.parse()?,
            Short('h') | Long("help") => return Ok(None),
            Short(_) | Long(_) | Value(_) => return Err(arg.unexpected().into()),
        }
    }
    request.payload = match post {
        Some(bytes) if is_chunked => Payload::Chunked(bytes),
        Some(bytes) => Payload::Sized(bytes),
        None => Payload::None,
    };
    if let Some(bytes) = echo {
        ensure!(request == Request::get("/") && depth == 1, "--echo goes with no HTTP");
        ensure!(bytes > 0 && per_connection.is_none(), "--echo keeps its connections");
        request = Request::echo(bytes);
    }
    let address = address.context("--connect ADDR is required")?;
    ensure!(connections > 0 && depth > 0, "--connections and --depth are at least 1");
    ensure!(depth == 1 || per_connection.is_none(), "--per-connection goes with --depth 1 alone");
    ensure!(!is_chunked || post.is_some(), "--chunked goes with --post");
    ensure!(rate.is_none_or(|rate| rate > 0.0 && rate < 1e9), "--rate is out of range");
    let duration = Duration::try_from_secs_f64(seconds).context("--seconds is out of range")?;
    let plan = Plan { address, connections, depth, request, per_connection };
    Ok(Some(Options { plan, idle, rate, duration }))
}

fn headers(name: &str) -> Result<Headers, &'static str> {
    match name {
        "plain" => Ok(Headers::Plain),
        "browser" => Ok(Headers::Browser),
        _ => Err("neither plain nor browser"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Option<Options>> {
        parse(std::iter::once("loadgen").chain(line.split_whitespace()).map(OsString::from))
    }

    #[test]
    fn options_end_up_where_they_belong() {
        let line = "--connect 127.0.0.1:80 --post 9 --chunked --path /upload --per-connection 10 \
            --rate 1000 --idle 5 --seconds 0.5";
        let options = parsed(line).unwrap().unwrap();
        assert_eq!(options.plan.request, Request::post("/upload", Payload::Chunked(9)));
        assert_eq!(options.plan.per_connection.map(NonZeroU64::get), Some(10));
        assert_eq!((options.plan.connections, options.plan.depth), (64, 1));
        assert_eq!((options.idle, options.rate), (5, Some(1000.0)));
        assert_eq!(options.duration, Duration::from_millis(500));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in [
            "",
            "--connect nowhere",
            "--connect 127.0.0.1:80 --connections 0",
            "--connect 127.0.0.1:80 --depth 2 --per-connection 1",
            "--connect 127.0.0.1:80 --per-connection 0",
            "--connect 127.0.0.1:80 --chunked",
            "--connect 127.0.0.1:80 --echo 0",
            "--connect 127.0.0.1:80 --echo 9 --post 9",
            "--connect 127.0.0.1:80 --echo 9 --per-connection 1",
            "--connect 127.0.0.1:80 --rate 0",
            "--connect 127.0.0.1:80 --rate NaN",
            "--connect 127.0.0.1:80 --seconds -1",
            "--connect 127.0.0.1:80 --headers many",
            "--connect 127.0.0.1:80 more",
        ] {
            assert!(parsed(line).is_err(), "{line}");
        }
        assert!(parsed("--help").unwrap().is_none());
    }
}
