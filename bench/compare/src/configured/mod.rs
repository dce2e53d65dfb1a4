//! Servers that are not linked but configured: they serve files from a directory made for them.
//!
//! One file per server knows its configuration. None of them reads a request's body or streams
//! without a language on top, so those workloads are left out for them. Not here: starting
//! (`server.rs`).

mod caddy;
mod h2o;
mod lighttpd;
mod nginx;

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use tempfile::TempDir;
use wire::Certificate;

use crate::service::Service;

/// Where servers are besides those in `PATH`, which often lacks it.
const MORE_FOLDERS: [&str; 2] = ["/usr/sbin", "/usr/local/sbin"];

/// A server that a distribution has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Software {
    Caddy,
    H2o,
    Lighttpd,
    Nginx,
}

pub(crate) const ALL: [Software; 4] =
    [Software::Nginx, Software::H2o, Software::Lighttpd, Software::Caddy];

impl Software {
    /// As it is called in tables, and as its program is called.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Caddy => "caddy",
            Self::H2o => "h2o",
            Self::Lighttpd => "lighttpd",
            Self::Nginx => "nginx",
        }
    }

    /// What it is compared in.
    pub(crate) const fn services(self) -> &'static [Service] {
        match self {
            Self::H2o | Self::Nginx => &[Service::Http, Service::Http2, Service::Tls],
            Self::Caddy | Self::Lighttpd => &[Service::Http],
        }
    }

    /// Returns the command that serves on `address`, and the directory that holds its
    /// configuration and everything it reads and writes.
    pub(crate) fn command(
        self,
        path: &Path,
        address: SocketAddr,
        service: Service,
        certificate: &Certificate,
    ) -> Result<(Command, TempDir)> {
        let directory = site().context("cannot write the files to serve")?;
        let file = directory.path().join("configuration");
        let text = self.configuration(address, directory.path(), service, certificate);
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
        let mut command = Command::new(path);
        match self {
            Self::Caddy => {
                command.arg("run").arg("--adapter").arg("caddyfile").arg("--config").arg(&file);
                command.env("GOMAXPROCS", "1").env("HOME", directory.path());
                command.env_remove("XDG_CONFIG_HOME").env_remove("XDG_DATA_HOME");
            }
            Self::H2o => {
                command.arg("-m").arg("worker").arg("-c").arg(&file);
            }
            Self::Lighttpd => {
                command.arg("-D").arg("-f").arg(&file);
            }
            // Without -e it would first try the log file it was compiled with.
            Self::Nginx => {
                command.arg("-e").arg("stderr").arg("-p").arg(directory.path());
                command.arg("-c").arg(&file);
            }
        }
        Ok((command, directory))
    }

    fn configuration(
        self,
        address: SocketAddr,
        directory: &Path,
        service: Service,
        certificate: &Certificate,
    ) -> String {
        match self {
            Self::Caddy => caddy::configuration(address, directory),
            Self::H2o => h2o::configuration(address, directory, service, certificate),
            Self::Lighttpd => lighttpd::configuration(address, directory),
            Self::Nginx => nginx::configuration(address, directory, service, certificate),
        }
    }
}

/// Where the program `name` is installed, if it is.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(MORE_FOLDERS.map(PathBuf::from));
    folders.map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Writes the files that the site consists of into a new directory.
fn site() -> std::io::Result<TempDir> {
    let directory = tempfile::Builder::new().prefix("compare-").tempdir()?;
    // Servers started by root serve as somebody else.
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755))?;
    let site = directory.path().join("site");
    fs::create_dir(&site)?;
    fs::write(site.join("index.txt"), "Hello, world!\n")?;
    fs::write(site.join("64k"), vec![b'x'; 64 << 10])?;
    fs::write(site.join("1m"), vec![b'x'; 1 << 20])?;
    Ok(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_holds_the_site_and_a_configuration_for_the_address() {
        let address = SocketAddr::from(([127, 0, 0, 1], 8080));
        let certificate = Certificate::new().unwrap();
        let all = ALL.iter().flat_map(|software| {
            software.services().iter().map(move |&service| (*software, service))
        });
        for (software, service) in all {
            let (command, directory) =
                software.command(Path::new("/server"), address, service, &certificate).unwrap();
            let text = fs::read_to_string(directory.path().join("configuration")).unwrap();
            assert!(text.contains("127.0.0.1") && text.contains("8080"), "{text}");
            assert_eq!(text.matches('{').count(), text.matches('}').count(), "{text}");
            let root = directory.path().to_string_lossy().into_owned();
            assert!(text.contains(&format!("{root}/site")), "{text}");
            let key = certificate.key().to_string_lossy().into_owned();
            assert_eq!(text.contains(&key), service == Service::Tls, "{text}");
            assert!(command.get_args().any(|arg| arg.to_string_lossy().starts_with(&root)));
            assert_eq!(fs::read(directory.path().join("site/1m")).unwrap().len(), 1 << 20);
        }
    }
}
