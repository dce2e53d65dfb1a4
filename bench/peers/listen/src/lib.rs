//! What the peers share: their options, the socket these ask for, and what they serve.
//!
//! One socket with one set of options for all of them, so that a difference in the figures is a
//! difference between servers. With the feature `count-alloc` a program that uses this counts its
//! allocations (`allocations.rs`), with `rustls` it has what TLS needs (`tls.rs`).
//!
//! Not here: accepting and answering, which is what is being compared.

#[cfg(feature = "count-alloc")]
mod allocations;
pub mod site;
#[cfg(feature = "rustls")]
pub mod tls;

use std::env;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, listen, socket_with, sockopt};
use rustix::process::{Resource, getrlimit, setrlimit};

/// Connections the kernel may hold before they are accepted. Thousands arrive at once when idle
/// memory is measured; the standard library's 128 would make them wait for a repeated SYN.
const BACKLOG: i32 = 4096;

/// What a peer was started for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// `--listen ADDR`.
    pub address: SocketAddr,
    /// What is spoken there.
    pub service: Service,
}

/// What is spoken on a peer's only address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Service {
    /// HTTP/1.1 in cleartext, unless another option says otherwise.
    Http,
    /// HTTP/2 in cleartext, with prior knowledge: `--http2`.
    Http2,
    /// HTTP over TLS, with either version: `--tls-cert FILE --tls-key FILE`, both PEM.
    Tls {
        /// The chain.
        certificate: PathBuf,
        /// The private key.
        key: PathBuf,
    },
    /// What comes is sent back: `--echo STYLE`, where a peer has several ways to write that.
    Echo(String),
}

/// Returns what the command line asks for.
///
/// Also raises the limit of open files as far as allowed, for thousands of connections.
///
/// # Errors
///
/// When the command line is not as described at [`Options`].
pub fn options() -> Result<Options> {
    let options = parse(env::args().skip(1))?;
    raise_file_limit().context("cannot raise the limit of open files")?;
    #[cfg(feature = "count-alloc")]
    allocations::report_on_signal().context("cannot count allocations")?;
    Ok(options)
}

/// Returns the address that a server listens on which opens its sockets itself, and speaks HTTP/1.1
/// in cleartext alone.
///
/// # Errors
///
/// When the command line is not exactly `--listen ADDR`.
pub fn address() -> Result<SocketAddr> {
    match options()? {
        Options { address, service: Service::Http } => Ok(address),
        _ => bail!("the only and required option is --listen ADDR"),
    }
}

/// Returns the nonblocking listener of a server that speaks HTTP/1.1 in cleartext alone.
///
/// # Errors
///
/// As [`address`], and when the address cannot be listened on.
pub fn listener() -> Result<TcpListener> {
    Options { address: address()?, service: Service::Http }.listener()
}

impl Options {
    /// Returns a nonblocking listener on the address.
    ///
    /// # Errors
    ///
    /// When the address cannot be listened on.
    pub fn listener(&self) -> Result<TcpListener> {
        open(self.address).with_context(|| format!("cannot listen on {}", self.address))
    }
}

fn parse(mut args: impl Iterator<Item = String>) -> Result<Options> {
    let (mut address, mut certificate, mut key) = (None, None, None);
    let (mut speaks_http2, mut echo) = (false, None);
    while let Some(option) = args.next() {
        if option == "--http2" {
            speaks_http2 = true;
            continue;
        }
        let value = args.next().with_context(|| format!("{option} needs a value"))?;
        match option.as_str() {
            "--listen" => address = Some(value),
            "--tls-cert" => certificate = Some(PathBuf::from(value)),
            "--tls-key" => key = Some(PathBuf::from(value)),
            "--echo" => echo = Some(value),
            _ => bail!("there is no option {option:?}"),
        }
    }
    let address = address.context("--listen ADDR is required")?;
    let address =
        address.parse().with_context(|| format!("{address:?} is not an address with a port"))?;
    let service = match (speaks_http2, echo, certificate, key) {
        (false, None, None, None) => Service::Http,
        (true, None, None, None) => Service::Http2,
        (false, Some(style), None, None) => Service::Echo(style),
        (false, None, Some(certificate), Some(key)) => Service::Tls { certificate, key },
        _ => bail!("--http2, --echo, and --tls-cert with --tls-key exclude each other"),
    };
    Ok(Options { address, service })
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
    fn a_peer_listens_on_one_address_for_one_service() {
        let parse = |line: &str| parse(line.split_whitespace().map(ToOwned::to_owned)).ok();
        let local =
            |service| Some(Options { address: SocketAddr::from(([127, 0, 0, 1], 80)), service });
        let tls = Service::Tls { certificate: "c".into(), key: "k".into() };
        for (line, expect) in [
            ("--listen 127.0.0.1:80", local(Service::Http)),
            ("--http2 --listen 127.0.0.1:80", local(Service::Http2)),
            ("--listen 127.0.0.1:80 --echo stream", local(Service::Echo("stream".to_owned()))),
            ("--listen 127.0.0.1:80 --tls-cert c --tls-key k", local(tls)),
            ("--listen 127.0.0.1:80 --tls-cert c", None),
            ("--listen 127.0.0.1:80 --http2 --echo stream", None),
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
