//! Which servers take part and how each is started.
//!
//! Not here: nginx's configuration (`nginx.rs`), starting (`server.rs`).

use std::env;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::args::Options;
use crate::nginx;

/// The servers others are measured by, as they are called in the table.
pub(crate) const LIMIT: &str = "limit-epoll";
pub(crate) const HYPER: &str = "hyper";

/// A server that can be started.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) name: String,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// Takes `--listen ADDR` and these arguments.
    Listen {
        path: PathBuf,
        more: &'static [&'static str],
    },
    Nginx {
        path: PathBuf,
    },
}

impl Program {
    /// Returns the command that serves on `address`, with the directory it needs while it runs.
    pub(crate) fn command(&self, address: SocketAddr) -> Result<(Command, Option<TempDir>)> {
        match &self.kind {
            Kind::Listen { path, more } => {
                let mut command = Command::new(path);
                command.arg("--listen").arg(address.to_string()).args(*more);
                Ok((command, None))
            }
            Kind::Nginx { path } => {
                let (command, directory) = nginx::command(path, address)?;
                Ok((command, Some(directory)))
            }
        }
    }
}

/// Returns the servers that `options` ask for.
pub(crate) fn selected(options: &Options) -> Result<Vec<Program>> {
    let known = known(options)?;
    let Some(wanted) = &options.servers else { return Ok(known) };
    for name in wanted {
        ensure!(known.iter().any(|program| program.name == *name), "there is no server {name:?}");
    }
    Ok(known.into_iter().filter(|program| wanted.contains(&program.name)).collect())
}

fn known(options: &Options) -> Result<Vec<Program>> {
    let own = env::current_exe().context("cannot tell where the peers are")?;
    let peer = |name: &str, file: &str| {
        let path = own.with_file_name(file);
        ensure!(path.exists(), "{} is missing; build the whole workspace first", path.display());
        Ok(Program { name: name.to_owned(), kind: Kind::Listen { path, more: &[] } })
    };
    let mut programs = vec![peer(LIMIT, "limit-epoll")?];
    for (name, path) in &options.wharfs {
        let taken = programs.iter().any(|program| program.name == *name);
        ensure!(!taken, "two servers are called {name:?}; use --wharf NAME=PATH");
        let kind = Kind::Listen { path: path.clone(), more: &["--workers", "1"] };
        programs.push(Program { name: name.clone(), kind });
    }
    programs.push(peer(HYPER, "peer-hyper")?);
    programs.push(peer("actix", "peer-actix")?);
    if options.nginx.exists() {
        let kind = Kind::Nginx { path: options.nginx.clone() };
        programs.push(Program { name: "nginx".to_owned(), kind });
    } else {
        eprintln!("nginx is left out: there is no {}", options.nginx.display());
    }
    Ok(programs)
}
