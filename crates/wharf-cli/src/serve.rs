//! `wharf serve`: the directory, the server, and what the user is told about them.
//!
//! Not here: reading the command line (`args.rs`).

use std::fmt;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use wharf::{DrainReport, Files, ListenAddr, Server, Service, Signals};

use crate::args::Serve;
use crate::complain;
use crate::log::Log;
use crate::tls;

/// How long the last lines of the log may take, for the terminal may stand still.
const LOG_PATIENCE: Duration = Duration::from_secs(1);

/// How long what has begun may take when another server takes over. Kubernetes gives 30 s.
const DRAIN: Duration = Duration::from_secs(30);

/// Why a directory can't be served, or is served no longer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The directory as the user wrote it, and what the system said.
    Directory(PathBuf, io::Error),
    Server(wharf::Error),
    /// What is wrong with the certificate.
    Tls(String),
    /// What the process itself needs: a thread.
    System(io::Error),
}

/// Serves until a signal comes, and tells what became of what was under way then.
pub(crate) fn serve(options: &Serve) -> Result<DrainReport, Failure> {
    let directory = find(&options.directory)
        .map_err(|error| Failure::Directory(options.directory.clone(), error))?;
    let files = Files::new(&directory)
        .listing(options.listing)
        .hidden(options.hidden)
        .follow_symlinks(options.follow_symlinks);
    let end = Arc::new(Mutex::new(DrainReport::default()));
    let report = Arc::clone(&end);
    let mut service = Service::http(files);
    let mut note = String::new();
    if let Some(from) = &options.tls {
        (service, note) = tls::cover(service, from).map_err(Failure::Tls)?;
    }
    let mut server = Server::with(service).signals(Signals::default()).on_stop(move |told| {
        report.lock().unwrap_or_else(PoisonError::into_inner).clone_from(told);
    });
    if let Some(workers) = options.workers {
        server = server.workers(workers);
    }
    if let Some(path) = &options.hand_over {
        server = server.hand_over(path, DRAIN).map_err(Failure::Server)?;
    }
    for addr in &options.listen {
        server = server.listen(addr).map_err(Failure::Server)?;
    }
    // Whoever closed the output does not want to know.
    let scheme = if options.tls.is_some() { "https" } else { "http" };
    let _ = announce(io::stdout().lock(), &directory, scheme, &server.listen_addrs(), &note);
    let result = if options.quiet { server.run() } else { run_with_log(server)? };
    result.map_err(Failure::Server)?;
    let report = std::mem::take(&mut *end.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(report)
}

/// Runs the server, with a line for each request.
fn run_with_log(server: Server) -> Result<wharf::Result, Failure> {
    let log = Log::start(io::stdout()).map_err(Failure::System)?;
    let result = server.access_log(log.recorder()).run();
    let dropped = log.finish(LOG_PATIENCE);
    if dropped > 0 {
        complain(format_args!("{dropped} lines were not logged: the output is too slow"));
    }
    Ok(result)
}

/// The absolute path of a directory that can be read.
fn find(directory: &Path) -> io::Result<PathBuf> {
    let path = fs::canonicalize(directory)?;
    fs::read_dir(&path)?;
    Ok(path)
}

fn announce(
    mut out: impl Write,
    directory: &Path,
    scheme: &'static str,
    addrs: &[ListenAddr],
    note: &str,
) -> io::Result<()> {
    writeln!(out, "Serving {}", directory.display())?;
    for addr in addrs {
        match addr.socket_addr() {
            Some(addr) => writeln!(out, "  {}", Url(scheme, addr))?,
            None => writeln!(out, "  {addr}")?,
        }
    }
    out.write_all(note.as_bytes())?;
    writeln!(out, "Press Ctrl-C to stop.")?;
    out.flush()
}

/// Where a browser finds what listens on an address.
struct Url(&'static str, SocketAddr);

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(scheme, addr) = self;
        let port = addr.port();
        match addr {
            SocketAddr::V4(addr) if addr.ip().is_unspecified() => {
                write!(
                    f,
                    "{scheme}://127.0.0.1:{port}/ and every other IPv4 address of this machine"
                )
            }
            SocketAddr::V6(addr) if addr.ip().is_unspecified() => {
                write!(f, "{scheme}://localhost:{port}/ and every other address of this machine")
            }
            addr => write!(f, "{scheme}://{addr}/"),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(path, error) => {
                write!(f, "can't serve `{}`: ", path.display())?;
                match error.kind() {
                    ErrorKind::NotFound => f.write_str("there is no such directory"),
                    ErrorKind::NotADirectory => f.write_str("it is not a directory"),
                    ErrorKind::PermissionDenied => f.write_str("no permission to read it"),
                    _ => error.fmt(f),
                }
            }
            Self::Server(error) => error.fmt(f),
            Self::Tls(error) => write!(f, "can't speak TLS: {error}"),
            Self::System(error) => write!(f, "the system refuses what is needed: {error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_is_told_what_is_served_and_where() {
        let addrs = ["127.0.0.1:8080", "[::1]:80", "0.0.0.0:81", "[::]:82", "unix:/run/x.sock"]
            .map(|addr| addr.parse().unwrap());
        let mut out = Vec::new();
        announce(&mut out, Path::new("/srv/site"), "http", &addrs, "").unwrap();
        let expected = "Serving /srv/site\n  \
            http://127.0.0.1:8080/\n  \
            http://[::1]:80/\n  \
            http://127.0.0.1:81/ and every other IPv4 address of this machine\n  \
            http://localhost:82/ and every other address of this machine\n  \
            unix:/run/x.sock\n\
            Press Ctrl-C to stop.\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn a_directory_that_can_not_be_served_is_named_with_the_reason() {
        for (path, reason) in [
            ("src/nowhere", "can't serve `src/nowhere`: there is no such directory"),
            ("src/main.rs", "can't serve `src/main.rs`: it is not a directory"),
        ] {
            let error = find(Path::new(path)).expect_err(path);
            assert_eq!(Failure::Directory(path.into(), error).to_string(), reason);
        }
    }
}
