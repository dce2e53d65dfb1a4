//! nginx, configured to do as little as the peers do.
//!
//! Not here: starting it (`server.rs`).

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use tempfile::TempDir;

/// Returns the command that serves on `address`, and the directory that holds its configuration
/// and everything it writes.
pub(crate) fn command(path: &Path, address: SocketAddr) -> Result<(Command, TempDir)> {
    let directory = tempfile::Builder::new().prefix("compare-nginx-").tempdir()?;
    let file = directory.path().join("nginx.conf");
    fs::write(&file, configuration(address, directory.path()))
        .with_context(|| format!("cannot write {}", file.display()))?;
    let mut command = Command::new(path);
    // Without -e it would first try the log file it was compiled with.
    command.arg("-e").arg("stderr").arg("-p").arg(directory.path()).arg("-c").arg(&file);
    Ok((command, directory))
}

fn configuration(address: SocketAddr, directory: &Path) -> String {
    let directory = directory.display();
    // The temporary paths are never written to, but nginx creates them at start.
    format!(
        r#"daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid {directory}/nginx.pid;
error_log stderr crit;

events {{
    worker_connections 16384;
}}

http {{
    access_log off;
    default_type text/plain;
    keepalive_requests 1000000000;
    keepalive_timeout 3600s;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;

    server {{
        listen {address} backlog=4096;
        location = / {{
            return 200 "Hello, world!\n";
        }}
    }}
}}
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_holds_a_configuration_for_the_address() {
        let address = SocketAddr::from(([127, 0, 0, 1], 8080));
        let (command, directory) = command(Path::new("/nginx"), address).unwrap();
        let text = fs::read_to_string(directory.path().join("nginx.conf")).unwrap();
        assert!(text.contains("listen 127.0.0.1:8080 "));
        assert_eq!(text.matches('{').count(), text.matches('}').count());
        assert!(command.get_args().any(|arg| arg == directory.path()));
    }
}
