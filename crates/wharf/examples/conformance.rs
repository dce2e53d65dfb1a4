//! What real clients and floods are run against: `conformance/` starts this and reads the addresses
//! from its first lines, in the order in which they were given.
//!
//! `--listen ADDR` may be repeated, and so may `--listen-tls ADDR` if it is built with the feature
//! `tls-self-signed`. Its certificate is that of `--tls-cert FILE --tls-key FILE`, or else one that
//! is made for `localhost` and `127.0.0.1`.
//!
//! * `/` a few bytes, also for OPTIONS; `/status/N` that status and no body
//! * `/bytes?count=N` N bytes of known length
//! * `/stream?pieces=N&bytes=M` N pieces of M bytes, of unannounced length
//! * `/trailers?pieces=N&bytes=M` the same, and behind it its Adler-32 checksum in `X-Checksum`
//! * `/slow?ms=N` a head at once and the body N milliseconds later
//! * `/fields?bytes=N` the length of the request's `X-Large`, and an `X-Large` of N bytes
//! * `/pages/N` a page with N images, `/image/I` one of them
//! * `/echo` gives the body back while it comes, and the trailers that `Trailer` announces
//! * `/upload` the length of the body and its Adler-32 checksum
//! * `/early` refuses before it has read anything of the body
//!
//! The byte at place `i` of a made-up body is `i % 251`. Not here: what is asked (`conformance/`).

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command talks")]
#![expect(clippy::needless_pass_by_value, reason = "handlers take requests by value")]

use std::io::Write;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use wharf::{
    Backend, Body, BodyError, Closed, Headers, Limits, Request, Response, Router, Server,
    StatusCode, Timeouts,
};

const PERIOD: usize = 251;
/// The longest made-up body and the longest wait. Whoever asks for more gets this.
const MAX_BYTES: usize = 64 << 20;
const MAX_MILLIS: usize = 10_000;
/// The most images of a page.
const MAX_IMAGES: usize = 1000;
/// The longest field. Browsers and others take no more than 16 KiB or so in all.
const MAX_FIELD_BYTES: usize = 64 << 10;

type Error = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("conformance: {error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<(), Error> {
    let mut server = Server::new(site());
    let mut timeouts = Timeouts::default();
    let (mut addrs, mut secure_addrs) = (Vec::new(), Vec::new());
    let (mut certificate, mut key) = (None, None);
    let mut args = std::env::args().skip(1);
    while let Some(option) = args.next() {
        let value = args.next().ok_or_else(|| format!("{option} needs a value"))?;
        let millis = || value.parse().map(Duration::from_millis);
        match option.as_str() {
            "--listen" => addrs.push(value),
            "--listen-tls" => secure_addrs.push(value),
            "--tls-cert" => certificate = Some(value),
            "--tls-key" => key = Some(value),
            "--backend" if value == "epoll" => server = server.backend(Backend::Epoll),
            "--backend" if value == "io_uring" => server = server.backend(Backend::IoUring),
            "--workers" => server = server.workers(value.parse()?),
            "--max-body-bytes" => {
                let limits = Limits::builder().max_body_bytes(value.parse()?).build()?;
                server = server.limits(limits);
            }
            "--head-timeout-ms" => timeouts = timeouts.with_head(millis()?),
            "--body-timeout-ms" => timeouts = timeouts.with_body(millis()?),
            "--write-timeout-ms" => timeouts = timeouts.with_write(millis()?),
            "--idle-timeout-ms" => timeouts = timeouts.with_idle(millis()?),
            "--linger-timeout-ms" => timeouts = timeouts.with_linger(millis()?),
            _ => return Err(format!("not understood: {option} {value}").into()),
        }
    }
    if addrs.is_empty() && secure_addrs.is_empty() {
        addrs.push("127.0.0.1:0".to_owned());
    }
    server = server.timeouts(timeouts);
    for addr in addrs {
        server = server.listen(addr)?;
    }
    if !secure_addrs.is_empty() {
        server = secure::listen(server, secure_addrs, certificate.zip(key))?;
    }
    for addr in server.local_addrs() {
        println!("listening on {addr}");
    }
    std::io::stdout().flush()?;
    Ok(server.run()?)
}

#[cfg(feature = "tls-self-signed")]
mod secure {
    use wharf::{Server, Tls};

    use super::Error;

    /// Listens for TLS, with a pair of files or with what is made for the occasion.
    pub(super) fn listen(
        mut server: Server,
        addrs: Vec<String>,
        files: Option<(String, String)>,
    ) -> Result<Server, Error> {
        let tls = match files {
            Some((certificate, key)) => Tls::from_pem_files(certificate, key)?,
            None => Tls::self_signed(["localhost", "127.0.0.1"])?,
        };
        for addr in addrs {
            server = server.listen_tls(addr, tls.clone())?;
        }
        Ok(server)
    }
}

#[cfg(not(feature = "tls-self-signed"))]
mod secure {
    use wharf::Server;

    use super::Error;

    pub(super) fn listen(
        _server: Server,
        _addrs: Vec<String>,
        _files: Option<(String, String)>,
    ) -> Result<Server, Error> {
        Err("--listen-tls needs the feature tls-self-signed".into())
    }
}

fn site() -> Router {
    Router::new()
        .get("/", "hello\n")
        .options("/", |_: Request| (StatusCode::NO_CONTENT, [("Allow", "GET, HEAD, OPTIONS")], ()))
        .get("/bytes", bytes)
        .get("/status/{code}", status)
        .get("/stream", stream)
        .get("/trailers", trailers)
        .get("/slow", slow)
        .get("/fields", fields)
        .get("/pages/{count}", page)
        .get("/image/{index}", |_: Request| Response::of_type("image/svg+xml", IMAGE))
        .post("/echo", echo)
        .put("/echo", echo)
        .post("/upload", upload)
        .put("/upload", upload)
        .post("/early", early)
        .put("/early", early)
}

/// A number from the query, at most `max`.
fn number(request: &Request, name: &str, default: usize, max: usize) -> usize {
    let value = request.query_pairs().find(|(key, _)| key == name);
    value.and_then(|(_, value)| value.parse().ok()).unwrap_or(default).min(max)
}

/// The bytes from place `start` on.
fn pattern(start: usize, count: usize) -> Vec<u8> {
    (0..=u8::MAX).take(PERIOD).cycle().skip(start % PERIOD).take(count).collect()
}

fn bytes(request: Request) -> Response {
    let count = number(&request, "count", 1000, MAX_BYTES);
    Response::of_type("application/octet-stream", pattern(0, count))
        .with_header("X-Count", count.to_string())
}

/// A status without a body, with a field that a 304 has to carry.
fn status(request: Request) -> Response {
    let code = request.param("code").and_then(|code| code.parse().ok());
    let status = code.and_then(|code: u16| StatusCode::from_u16(code).ok());
    let status = status.filter(|status| !status.is_informational());
    Response::new(status.unwrap_or(StatusCode::BAD_REQUEST)).with_header("ETag", "\"fixed\"")
}

fn stream(request: Request) -> Response {
    let pieces = number(&request, "pieces", 10, 1_000_000);
    let piece = number(&request, "bytes", 100, MAX_BYTES / 64);
    Response::stream(async move |mut writer| {
        for index in 0..pieces {
            writer.write(pattern(index * piece, piece)).await?;
        }
        writer.finish()
    })
    .with_header("X-Count", (pieces * piece).to_string())
}

fn trailers(request: Request) -> Response {
    let pieces = number(&request, "pieces", 10, 1_000_000);
    let piece = number(&request, "bytes", 100, MAX_BYTES / 64);
    Response::stream(async move |mut writer| {
        let mut checksum = Adler::default();
        for index in 0..pieces {
            let bytes = pattern(index * piece, piece);
            checksum.add(&bytes);
            writer.write(bytes).await?;
        }
        let mut trailers = Headers::new();
        let value = format!("{:08x}", checksum.value());
        trailers.append("X-Checksum", value).expect("a number is a valid field");
        writer.finish_with(trailers)
    })
    .with_header("Trailer", "X-Checksum")
}

fn fields(request: Request) -> Response {
    let came = request.header("X-Large").map_or(0, str::len);
    let count = number(&request, "bytes", 0, MAX_FIELD_BYTES);
    Response::text(format!("{came}\n")).with_header("X-Large", "x".repeat(count))
}

/// What a browser asks for all at once.
fn page(request: Request) -> Response {
    let count = request.param("count").and_then(|count| count.parse().ok()).unwrap_or(0);
    let images: String =
        (0..MAX_IMAGES.min(count)).map(|index| format!("<img src=/image/{index}>\n")).collect();
    Response::html(format!("<!doctype html><title>images</title>\n{images}"))
}

const IMAGE: &str = concat!(
    "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'>",
    "<circle cx='4' cy='4' r='4'/></svg>"
);

/// A thread for each request that is under way will do for tests.
fn slow(request: Request) -> std::io::Result<Response> {
    let wait = number(&request, "ms", 100, MAX_MILLIS) as u64;
    let (mut writer, body) = Body::channel();
    thread::Builder::new().spawn(move || -> Result<(), Closed> {
        thread::sleep(Duration::from_millis(wait));
        writer.write_blocking("late\n")?;
        writer.finish()
    })?;
    Ok(Response::text(body))
}

/// An `async` handler is called when the head has come; the body goes back as it comes.
async fn echo(mut request: Request) -> Response {
    let mut body = std::mem::take(request.body_mut());
    if request.header("Trailer").is_none() {
        return Response::of_type("application/octet-stream", body);
    }
    Response::stream(async move |mut writer| {
        // Whoever sends no more of its body is told by an end that is none.
        while let Some(piece) = body.chunk().await.map_err(|_| Closed)? {
            writer.write(piece).await?;
        }
        writer.finish_with(body.trailers().cloned().unwrap_or_default())
    })
}

/// Reads piece by piece and keeps none.
async fn upload(mut request: Request) -> Result<String, BodyError> {
    let (mut length, mut checksum) = (0, Adler::default());
    while let Some(piece) = request.body_mut().chunk().await? {
        length += piece.len();
        checksum.add(&piece);
    }
    Ok(format!("{length} {:08x}\n", checksum.value()))
}

async fn early(_: Request) -> (StatusCode, &'static str) {
    (StatusCode::FORBIDDEN, "not wanted\n")
}

/// Adler-32 (RFC 1950 section 9), which the clients' languages have at hand.
struct Adler(u32, u32);

impl Default for Adler {
    fn default() -> Self {
        Self(1, 0)
    }
}

impl Adler {
    fn add(&mut self, bytes: &[u8]) {
        // RFC 1950's 5552: as many bytes as can be added before the sums have to be reduced.
        for block in bytes.chunks(5552) {
            for byte in block {
                self.0 += u32::from(*byte);
                self.1 += self.0;
            }
            self.0 %= 65521;
            self.1 %= 65521;
        }
    }

    const fn value(&self) -> u32 {
        self.1 << 16 | self.0
    }
}
