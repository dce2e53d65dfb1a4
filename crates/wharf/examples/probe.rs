//! A server for conformance suites and load generators:
//! `cargo run --release --example probe -- --listen 127.0.0.1:8080 --workers 1 --backend io_uring`.
//!
//! `/` answers `OK` and echoes what is posted, `/echo` returns the fields that were received,
//! `/cookie` the cookies.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command talks")]

use std::fmt::Write;
use std::io::Write as _;
use std::process::ExitCode;

use wharf::{Backend, Limits, Request, Response, Router, Server, StatusCode, Timeouts};

/// Every field, one `Name: Value` a line, in the order and the spelling received.
fn echo(request: &Request) -> Response {
    let mut lines = Vec::new();
    for (name, value) in request.headers() {
        lines.extend_from_slice(name.as_bytes());
        lines.extend_from_slice(b": ");
        lines.extend_from_slice(value);
        lines.push(b'\n');
    }
    Response::text(lines)
}

/// Every cookie as `name=value`, one a line.
fn cookies(request: &Request) -> String {
    request.cookies().fold(String::new(), |mut lines, (name, value)| {
        let _ = writeln!(lines, "{name}={value}");
        lines
    })
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("probe: {error}");
            ExitCode::from(2)
        }
    }
}

#[cfg(feature = "tls")]
fn listen_tls(
    server: Server,
    addr: String,
    certificate: &str,
    key: &str,
) -> Result<Server, Box<dyn std::error::Error>> {
    Ok(server.listen_tls(addr, wharf::Tls::from_pem_files(certificate, key)?)?)
}

#[cfg(not(feature = "tls"))]
fn listen_tls(
    _: Server,
    _: String,
    _: &str,
    _: &str,
) -> Result<Server, Box<dyn std::error::Error>> {
    Err("it was built without the feature `tls`".into())
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let (mut addrs, mut workers, mut backend) = (Vec::new(), None, Backend::Auto);
    let (mut certificate, mut key) = (None, None);
    let mut args = std::env::args().skip(1);
    while let Some(option) = args.next() {
        let value = args.next().ok_or_else(|| format!("{option} needs a value"))?;
        match option.as_str() {
            "--listen" => addrs.push(value),
            "--workers" => workers = Some(value.parse()?),
            "--backend" => {
                backend = match value.as_str() {
                    "epoll" => Backend::Epoll,
                    "io_uring" => Backend::IoUring,
                    _ => return Err(format!("no such backend: {value}").into()),
                }
            }
            "--tls-cert" => certificate = Some(value),
            "--tls-key" => key = Some(value),
            _ => return Err(format!("unknown option {option}").into()),
        }
    }
    if addrs.is_empty() {
        addrs.push("127.0.0.1:8080".to_owned());
    }
    let site = Router::new()
        .get("/", "OK")
        .options("/", |_: Request| {
            (StatusCode::NO_CONTENT, [("Allow", "GET, HEAD, OPTIONS, POST")], ())
        })
        .post("/", |request: Request| request.into_body())
        .get("/echo", |request: Request| echo(&request))
        .post("/echo", |request: Request| echo(&request))
        .get("/cookie", |request: Request| cookies(&request));
    // Suites announce bodies that never come, to see what is done without them: it has to wait.
    let limits = Limits::builder().max_body_bytes(1 << 30).build()?;
    let timeouts = Timeouts::default().with_body_rate(0);
    let mut server = Server::new(site).backend(backend).limits(limits).timeouts(timeouts);
    for addr in addrs {
        server = match (&certificate, &key) {
            (Some(certificate), Some(key)) => listen_tls(server, addr, certificate, key)?,
            _ => server.listen(addr)?,
        };
    }
    if let Some(workers) = workers {
        server = server.workers(workers);
    }
    for addr in server.local_addrs() {
        println!("listening on {addr}");
    }
    std::io::stdout().flush()?;
    Ok(server.run()?)
}
