//! Which servers take part and how each is started.
//!
//! Not here: configurations (`configured/`), starting (`server.rs`).

use std::env;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use tempfile::TempDir;
use wire::Certificate;

use crate::args::Options;
use crate::configured::{self, Software};
use crate::service::Service;

/// The servers others are measured by, as they are called in the table.
pub(crate) const LIMIT_EPOLL: &str = "limit-epoll";
pub(crate) const LIMIT_URING: &str = "limit-uring";

/// What a peer is called, its program beside ours, what it speaks, and the style of its echo.
type Peer = (&'static str, &'static str, &'static [Service], &'static str);

const HTTP: &[Service] = &[Service::Http];
const ECHO: &[Service] = &[Service::Echo];

const PEERS: [Peer; 13] = [
    (LIMIT_EPOLL, "limit-epoll", &[Service::Http, Service::Tls, Service::Echo], "bare"),
    (LIMIT_URING, "limit-uring", HTTP, ""),
    ("wharf", "peer-wharf", &Service::ALL, "protocol"),
    ("wharf-read", "peer-wharf", ECHO, "readable"),
    ("wharf-stream", "peer-wharf", ECHO, "stream"),
    ("hyper", "peer-hyper", &[Service::Http, Service::Http2, Service::Tls], ""),
    ("tokio", "peer-tokio", ECHO, "copy"),
    ("actix", "peer-actix", HTTP, ""),
    ("axum", "peer-axum", HTTP, ""),
    ("ntex", "peer-ntex", HTTP, ""),
    ("xitca", "peer-xitca", HTTP, ""),
    ("may", "peer-may", HTTP, ""),
    ("tiny-http", "peer-tiny-http", HTTP, ""),
];

/// Peers in other languages, which count no allocations.
const GO: Peer = ("go", "peer-go", HTTP, "");
const NODE: &str = "node";

const NODE_PROGRAM: &str = include_str!("../../peers/node/server.js");

/// What a server is to the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// No HTTP: the floor.
    Limit,
    Wharf,
    Rival,
}

/// A server that can be started.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) service: Service,
    /// Whether a build with the feature `count-alloc` counts its allocations.
    pub(crate) counts_allocations: bool,
    path: PathBuf,
    kind: Kind,
    /// What TLS is spoken with.
    certificate: Certificate,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Takes the options of `peer-listen`; its echo has this style.
    Peer(&'static str),
    /// Takes `--listen ADDR --workers 1`.
    Wharf,
    Configured(Software),
    /// The interpreter of [`NODE_PROGRAM`].
    Node,
}

impl Program {
    /// What TLS is spoken with.
    pub(crate) const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Returns the command that serves on `address`, with the directory it needs while it runs.
    pub(crate) fn command(&self, address: SocketAddr) -> Result<(Command, Option<TempDir>)> {
        match self.kind {
            Kind::Peer(style) => {
                let mut command = Command::new(&self.path);
                command.arg("--listen").arg(address.to_string());
                match self.service {
                    Service::Http => {}
                    Service::Http2 => drop(command.arg("--http2")),
                    Service::Tls => drop(command.args(self.certificate.options())),
                    Service::Echo => drop(command.arg("--echo").arg(style)),
                }
                Ok((command, None))
            }
            Kind::Wharf => {
                let mut command = Command::new(&self.path);
                command.arg("--listen").arg(address.to_string()).args(["--workers", "1"]);
                Ok((command, None))
            }
            Kind::Configured(software) => {
                let (command, directory) =
                    software.command(&self.path, address, self.service, &self.certificate)?;
                Ok((command, Some(directory)))
            }
            Kind::Node => {
                let directory = tempfile::Builder::new().prefix("compare-").tempdir()?;
                let file = directory.path().join("server.js");
                fs::write(&file, NODE_PROGRAM)?;
                let mut command = Command::new(&self.path);
                command.arg(file).arg("--listen").arg(address.to_string());
                Ok((command, Some(directory)))
            }
        }
    }
}

/// All servers that can be started here, and the reasons why others can't.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) programs: Vec<Program>,
    pub(crate) missing: Vec<String>,
    certificate: Certificate,
}

/// Returns the servers that `options` ask for, one for each service that a workload needs.
pub(crate) fn selected(options: &Options) -> Result<Vec<Program>> {
    let Known { mut programs, missing, .. } = known(options)?;
    if let Some(wanted) = &options.servers {
        for name in wanted {
            let is_there = programs.iter().any(|program| program.name == *name);
            ensure!(
                is_there,
                "there is no server {name:?}; --list shows those that can be started"
            );
        }
        programs.retain(|program| wanted.contains(&program.name));
    } else {
        for reason in missing {
            eprintln!("left out: {reason}");
        }
    }
    let services: Vec<Service> =
        options.workloads.iter().map(|workload| workload.service).collect();
    programs.retain(|program| services.contains(&program.service));
    Ok(programs)
}

/// Returns all servers with all services.
pub(crate) fn known(options: &Options) -> Result<Known> {
    let own = env::current_exe().context("cannot tell where the peers are")?;
    let certificate = Certificate::new()?;
    let mut known = Known { programs: Vec::new(), missing: Vec::new(), certificate };
    for peer in PEERS {
        if !options.wharfs.iter().any(|(other, _)| other == peer.0) {
            known.add_peer(peer, &own.with_file_name(peer.1));
        }
    }
    for (name, path) in &options.wharfs {
        let taken = known.programs.iter().any(|program| program.name == *name);
        ensure!(!taken, "two servers are called {name:?}; use --wharf NAME=PATH");
        known.add(name, Role::Wharf, path, Kind::Wharf, &[Service::Http, Service::Http2]);
    }
    known.add_peer(GO, &own.with_file_name(GO.1));
    for software in configured::ALL {
        let kind = Kind::Configured(software);
        known.add_installed(software.name(), kind, software.services());
    }
    known.add_installed(NODE, Kind::Node, HTTP);
    Ok(known)
}

impl Known {
    fn add_peer(&mut self, (name, _, services, style): Peer, path: &Path) {
        if !path.exists() {
            self.missing.push(format!("{name}: {} is not built", path.display()));
            return;
        }
        let role = match name {
            LIMIT_EPOLL | LIMIT_URING => Role::Limit,
            "wharf" | "wharf-read" | "wharf-stream" => Role::Wharf,
            _ => Role::Rival,
        };
        self.add(name, role, path, Kind::Peer(style), services);
    }

    fn add_installed(&mut self, name: &str, kind: Kind, services: &[Service]) {
        match configured::find(name) {
            Some(path) => self.add(name, Role::Rival, &path, kind, services),
            None => self.missing.push(format!("{name}: it is not installed")),
        }
    }

    /// Adds a program once for each service.
    fn add(&mut self, name: &str, role: Role, path: &Path, kind: Kind, services: &[Service]) {
        let is_rust = matches!(kind, Kind::Peer(_)) && name != LIMIT_URING && name != GO.0;
        for &service in services {
            self.programs.push(Program {
                name: name.to_owned(),
                role,
                service,
                counts_allocations: cfg!(feature = "count-alloc") && is_rust,
                path: path.to_owned(),
                kind,
                certificate: self.certificate.clone(),
            });
        }
    }
}
