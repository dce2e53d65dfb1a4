//! What the peers share: the `--listen ADDR` option, the socket it asks for, and what they serve.
//!
//! One socket with one set of options for all of them, so that a difference in the figures is a
//! difference between servers. With the feature `count-alloc` a program that uses this counts its
//! allocations (`allocations.rs`).
//!
//! Not here: accepting and answering, which is what is being compared.

#[cfg(feature = "count-alloc")]
mod allocations;
pub mod site;

use std::env;
use std::net::{SocketAddr, TcpListener};

use anyhow::{Context, Result, bail};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, listen, socket_with, sockopt};
use rustix::process::{Resource, getrlimit, setrlimit};

/// Connections the kernel may hold before they are accepted. Thousands arrive at once when idle
/// memory is measured; the standard library's 128 would make them wait for a repeated SYN.
const BACKLOG: i32 = 4096;

/// Returns the address that `--listen ADDR` on the command line asks for, for servers that open
/// their sockets themselves.
///
/// Also raises the limit of open files as far as allowed, for thousands of connections.
///
/// # Errors
///
/// When the command line is not exactly `--listen ADDR`.
pub fn address() -> Result<SocketAddr> {
    let address = listen_address(env::args().skip(1))?;
    raise_file_limit().context("cannot raise the limit of open files")?;
    #[cfg(feature = "count-alloc")]
    allocations::report_on_signal().context("cannot count allocations")?;
    Ok(address)
}

/// Returns the nonblocking listener that `--listen ADDR` on the command line asks for.
///
/// # Errors
///
/// As [`address`], and when the address cannot be listened on.
pub fn listener() -> Result<TcpListener> {
    let address = address()?;
    open(address).with_context(|| format!("cannot listen on {address}"))
}

fn listen_address(mut args: impl Iterator<Item = String>) -> Result<SocketAddr> {
    match (args.next().as_deref(), args.next(), args.next()) {
        (Some("--listen"), Some(address), None) => {
            address.parse().with_context(|| format!("{address:?} is not an address with a port"))
        }
        _ => bail!("the only and required option is --listen ADDR"),
    }
}

fn raise_file_limit() -> rustix::io::Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit)
}

fn open(address: SocketAddr) -> rustix::io::Result<TcpListener> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(family, SocketType::STREAM, flags, None)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    bind(&socket, &address)?;
    listen(&socket, BACKLOG)?;
    Ok(TcpListener::from(socket))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_listen_option_with_an_address_is_accepted() {
        let parse =
            |line: &str| listen_address(line.split_whitespace().map(ToOwned::to_owned)).ok();
        let local = Some(SocketAddr::from(([127, 0, 0, 1], 80)));
        for (line, expect) in [
            ("--listen 127.0.0.1:80", local),
            ("--listen 127.0.0.1", None),
            ("--listen", None),
            ("--listen 127.0.0.1:80 --more", None),
            ("127.0.0.1:80", None),
            ("", None),
        ] {
            assert_eq!(parse(line), expect, "{line:?}");
        }
    }
}
