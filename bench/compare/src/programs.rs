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

use crate::args::Options;
use crate::configured::{self, Software};

/// The servers others are measured by, as they are called in the table.
pub(crate) const LIMIT_EPOLL: &str = "limit-epoll";
pub(crate) const LIMIT_URING: &str = "limit-uring";

/// Peers by name, and their programs beside ours.
const PEERS: [(&str, &str); 10] = [
    (LIMIT_EPOLL, "limit-epoll"),
    (LIMIT_URING, "limit-uring"),
    ("wharf", "peer-wharf"),
    ("hyper", "peer-hyper"),
    ("actix", "peer-actix"),
    ("axum", "peer-axum"),
    ("ntex", "peer-ntex"),
    ("xitca", "peer-xitca"),
    ("may", "peer-may"),
    ("tiny-http", "peer-tiny-http"),
];

/// Peers in other languages, which count no allocations.
const GO: (&str, &str) = ("go", "peer-go");
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
    /// Whether a build with the feature `count-alloc` counts its allocations.
    pub(crate) counts_allocations: bool,
    path: PathBuf,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Takes `--listen ADDR` and these arguments.
    Listen(&'static [&'static str]),
    Configured(Software),
    /// The interpreter of [`NODE_PROGRAM`].
    Node,
}

impl Program {
    /// Returns the command that serves on `address`, with the directory it needs while it runs.
    pub(crate) fn command(&self, address: SocketAddr) -> Result<(Command, Option<TempDir>)> {
        match self.kind {
            Kind::Listen(more) => {
                let mut command = Command::new(&self.path);
                command.arg("--listen").arg(address.to_string()).args(more);
                Ok((command, None))
            }
            Kind::Configured(software) => {
                let (command, directory) = software.command(&self.path, address)?;
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
}

/// Returns the servers that `options` ask for.
pub(crate) fn selected(options: &Options) -> Result<Vec<Program>> {
    let Known { programs, missing } = known(options)?;
    let Some(wanted) = &options.servers else {
        for reason in missing {
            eprintln!("left out: {reason}");
        }
        return Ok(programs);
    };
    for name in wanted {
        let is_there = programs.iter().any(|program| program.name == *name);
        ensure!(is_there, "there is no server {name:?}; --list shows those that can be started");
    }
    Ok(programs.into_iter().filter(|program| wanted.contains(&program.name)).collect())
}

pub(crate) fn known(options: &Options) -> Result<Known> {
    let own = env::current_exe().context("cannot tell where the peers are")?;
    let mut known = Known { programs: Vec::new(), missing: Vec::new() };
    for (name, file) in PEERS {
        if !options.wharfs.iter().any(|(other, _)| other == name) {
            known.add_peer(name, &own.with_file_name(file));
        }
    }
    for (name, path) in &options.wharfs {
        let taken = known.programs.iter().any(|program| program.name == *name);
        ensure!(!taken, "two servers are called {name:?}; use --wharf NAME=PATH");
        known.programs.push(Program {
            name: name.clone(),
            role: Role::Wharf,
            counts_allocations: false,
            path: path.clone(),
            kind: Kind::Listen(&["--workers", "1"]),
        });
    }
    known.add_peer(GO.0, &own.with_file_name(GO.1));
    for software in configured::ALL {
        known.add_installed(software.name(), Kind::Configured(software));
    }
    known.add_installed(NODE, Kind::Node);
    Ok(known)
}

impl Known {
    fn add_peer(&mut self, name: &str, path: &Path) {
        if !path.exists() {
            self.missing.push(format!("{name}: {} is not built", path.display()));
            return;
        }
        let role = match name {
            LIMIT_EPOLL | LIMIT_URING => Role::Limit,
            "wharf" => Role::Wharf,
            _ => Role::Rival,
        };
        let is_rust = name != LIMIT_URING && name != GO.0;
        self.programs.push(Program {
            name: name.to_owned(),
            role,
            counts_allocations: cfg!(feature = "count-alloc") && is_rust,
            path: path.to_owned(),
            kind: Kind::Listen(&[]),
        });
    }

    fn add_installed(&mut self, name: &str, kind: Kind) {
        let Some(path) = configured::find(name) else {
            self.missing.push(format!("{name}: it is not installed"));
            return;
        };
        self.programs.push(Program {
            name: name.to_owned(),
            role: Role::Rival,
            counts_allocations: false,
            path,
            kind,
        });
    }
}
