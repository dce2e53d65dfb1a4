//! The loads that servers are compared under.
//!
//! Not here: what the paths answer, which is written down in the `peer-listen` crate.

use std::net::SocketAddr;
use std::num::NonZeroU64;

use anyhow::{Context, Result, ensure};
use loadgen::{Answer, Headers, Payload, Plan, Request};

use crate::h2load::{HTTP1, TLS};
use crate::service::Service;

/// One row of [`WORKLOADS`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) service: Service,
    pub(crate) generator: Generator,
    pub(crate) connections: usize,
    /// Requests under way on each connection: pipelined, or streams.
    pub(crate) depth: usize,
    pub(crate) request: Request,
    pub(crate) per_connection: Option<NonZeroU64>,
    /// Connections that do nothing meanwhile.
    pub(crate) idle: usize,
    /// Whether it is run if nobody asks for anything.
    is_usual: bool,
}

/// Who sends the requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Generator {
    /// We do.
    Ours,
    /// h2load does, with these arguments.
    H2load(&'static [&'static str]),
}

const HELLO: Workload = Workload {
    name: "",
    about: "",
    service: Service::Http,
    generator: Generator::Ours,
    connections: 64,
    depth: 1,
    request: Request::get("/"),
    per_connection: None,
    idle: 0,
    is_usual: false,
};

const BROWSER: Request = Request { headers: Headers::Browser, ..Request::get("/") };

const fn plain(name: &'static str, about: &'static str, connections: usize) -> Workload {
    Workload { name, about, connections, ..HELLO }
}

const fn upload(name: &'static str, about: &'static str, payload: Payload) -> Workload {
    Workload { name, about, request: Request::post("/upload", payload), ..HELLO }
}

const fn echo(name: &'static str, about: &'static str, bytes: usize) -> Workload {
    Workload { name, about, service: Service::Echo, request: Request::echo(bytes), ..HELLO }
}

const fn http2(name: &'static str, about: &'static str, depth: usize) -> Workload {
    let generator = Generator::H2load(&[]);
    Workload { name, about, service: Service::Http2, generator, depth, ..HELLO }
}

const fn tls(
    name: &'static str,
    about: &'static str,
    depth: usize,
    arguments: &'static [&'static str],
) -> Workload {
    let generator = Generator::H2load(arguments);
    Workload { name, about, service: Service::Tls, generator, depth, ..HELLO }
}

const fn usual(workload: Workload) -> Workload {
    Workload { is_usual: true, ..workload }
}

#[rustfmt::skip]
pub(crate) static WORKLOADS: [Workload; 26] = [
    plain("plain1", "1 keep-alive connection", 1),
    usual(plain("plain64", "64 keep-alive connections", 64)),
    usual(plain("plain512", "512 keep-alive connections", 512)),
    plain("plain4096", "4,096 keep-alive connections", 4096),
    plain("plain10000", "10,000 keep-alive connections, all busy", 10_000),
    usual(Workload { name: "pipe64x16", about: "64 connections, 16 pipelined requests each",
        depth: 16, ..HELLO }),
    Workload { name: "pipe512x16", about: "512 connections, 16 pipelined requests each",
        connections: 512, depth: 16, ..HELLO },
    usual(Workload { name: "browser64", about: "64 connections, a browser's headers",
        request: BROWSER, ..HELLO }),
    usual(Workload { name: "close1", about: "a connection per request, 64 at a time",
        per_connection: NonZeroU64::new(1), ..HELLO }),
    Workload { name: "close10", about: "10 requests per connection, 64 at a time",
        per_connection: NonZeroU64::new(10), ..HELLO },
    usual(upload("post1k", "64 connections, POST 1 KiB", Payload::Sized(1 << 10))),
    upload("post1k-chunked", "64 connections, POST 1 KiB in chunks", Payload::Chunked(1 << 10)),
    upload("post64k", "64 connections, POST 64 KiB", Payload::Sized(64 << 10)),
    upload("post64k-chunked", "64 connections, POST 64 KiB in chunks", Payload::Chunked(64 << 10)),
    usual(Workload { name: "get64k", about: "64 connections, responses of 64 KiB",
        request: Request::get("/64k"), ..HELLO }),
    Workload { name: "get1m", about: "16 connections, responses of 1 MiB",
        connections: 16, request: Request::get("/1m"), ..HELLO },
    usual(Workload { name: "stream", about: "16 connections, responses of 1,000 small chunks",
        connections: 16, request: Request::get("/stream"), ..HELLO }),
    Workload { name: "idle10k", about: "64 busy connections beside 10,000 idle ones",
        idle: 10_000, ..HELLO },
    echo("echo1k", "64 connections, 1 KiB there and back", 1 << 10),
    echo("echo16k", "64 connections, 16 KiB there and back", 16 << 10),
    http2("h2c-1", "64 connections of HTTP/2, a stream each", 1),
    http2("h2c-32", "64 connections of HTTP/2, 32 streams each", 32),
    tls("tls-h1", "64 keep-alive connections over TLS", 1, &[TLS, HTTP1]),
    tls("tls-h2-1", "64 connections of HTTP/2 over TLS, a stream each", 1, &[TLS]),
    tls("tls-h2-32", "64 connections of HTTP/2 over TLS, 32 streams each", 32, &[TLS]),
    Workload { per_connection: NonZeroU64::new(1),
        ..tls("tls-handshake", "a full handshake and a connection per request, 640 a second", 1,
            &[TLS, HTTP1]) },
];

/// Names that stand for several workloads: the cost as connections grow.
const GROWTH: [&str; 5] = ["plain1", "plain64", "plain512", "plain4096", "plain10000"];

/// The same for everything but HTTP/1.1 in cleartext.
const ECHO: [&str; 2] = ["echo1k", "echo16k"];
const HTTP2: [&str; 2] = ["h2c-1", "h2c-32"];
const OVER_TLS: [&str; 4] = ["tls-h1", "tls-h2-1", "tls-h2-32", "tls-handshake"];

impl Workload {
    pub(crate) fn plan(&self, address: SocketAddr) -> Plan {
        Plan {
            address,
            connections: self.connections,
            depth: self.depth,
            request: self.request,
            per_connection: self.per_connection,
        }
    }

    /// Descriptors that a server, or we, need for it.
    pub(crate) fn files(&self) -> usize {
        self.connections + self.idle
    }

    /// Makes sure that `answer` is what the site says, so that none is cheap by being wrong.
    pub(crate) fn check(&self, answer: &Answer) -> Result<()> {
        let body_bytes = match (self.request.path, self.request.payload) {
            // Compared as it came back.
            (_, Payload::Echo(_)) => return Ok(()),
            (_, Payload::Sized(bytes) | Payload::Chunked(bytes)) => {
                ensure!(answer.wire_body == bytes.to_string().as_bytes(), "it counts wrong");
                return Ok(());
            }
            ("/64k", Payload::None) => 64 << 10,
            ("/1m", Payload::None) => 1 << 20,
            ("/stream", Payload::None) => {
                ensure!(answer.is_chunked, "the response is not chunked");
                32_000
            }
            (_, Payload::None) => return Ok(()),
        };
        ensure!(answer.body_bytes == body_bytes, "the body has {} bytes", answer.body_bytes);
        Ok(())
    }
}

/// Those that are run if nobody asks for anything.
pub(crate) fn usual_set() -> Vec<&'static Workload> {
    WORKLOADS.iter().filter(|workload| workload.is_usual).collect()
}

/// Returns the workloads of a list of names, each once and in the order of [`WORKLOADS`].
pub(crate) fn named(names: &str) -> Result<Vec<&'static Workload>> {
    let mut wanted = Vec::new();
    for name in names.split(',') {
        match name {
            "all" => wanted.extend(WORKLOADS.iter().map(|workload| workload.name)),
            "usual" => wanted.extend(usual_set().iter().map(|workload| workload.name)),
            "growth" => wanted.extend(GROWTH),
            "echo" => wanted.extend(ECHO),
            "h2c" => wanted.extend(HTTP2),
            "tls" => wanted.extend(OVER_TLS),
            name => {
                let known = WORKLOADS.iter().find(|workload| workload.name == name);
                wanted.push(known.with_context(|| format!("there is no workload {name:?}"))?.name);
            }
        }
    }
    Ok(WORKLOADS.iter().filter(|workload| wanted.contains(&workload.name)).collect())
}

/// Describes all workloads, one a line.
pub(crate) fn list() -> String {
    let mut text = "workloads (* is run by default):\n".to_owned();
    for workload in &WORKLOADS {
        let mark = if workload.is_usual { '*' } else { ' ' };
        text += &format!("{mark} {:<16} {}\n", workload.name, workload.about);
    }
    text + "and `growth` for plain1 to plain10000; `echo`, `h2c`, `tls`; `usual` for those with *; \
            `all`\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &str) -> Vec<&'static str> {
        named(list).unwrap().iter().map(|workload| workload.name).collect()
    }

    #[test]
    fn names_and_groups_are_found_once_each() {
        assert_eq!(names("stream,plain1,plain1"), ["plain1", "stream"]);
        assert_eq!(names("growth,plain64"), GROWTH);
        assert_eq!(names("all").len(), WORKLOADS.len());
        assert_eq!(names("tls,h2c,echo"), [&ECHO[..], &HTTP2, &OVER_TLS].concat());
        assert!(named("plain1,plain2").is_err());
        assert!(named("").is_err());
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = WORKLOADS.iter().map(|workload| workload.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), WORKLOADS.len());
    }

    #[test]
    fn a_server_that_does_not_read_what_is_posted_is_found_out() {
        let [workload] = named("post1k").unwrap()[..] else { panic!("one is asked for") };
        let answer = |body: &[u8]| Answer {
            bytes: 100 + body.len(),
            body_bytes: body.len(),
            is_chunked: false,
            wire_body: body.to_vec(),
        };
        assert!(workload.check(&answer(b"1024")).is_ok());
        assert!(workload.check(&answer(b"Hello, world!\n")).is_err());
    }
}
