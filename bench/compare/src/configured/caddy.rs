//! Caddy, with one scheduler thread.

use std::net::SocketAddr;
use std::path::Path;

pub(super) fn configuration(address: SocketAddr, directory: &Path) -> String {
    let directory = directory.display();
    let (host, port) = (address.ip(), address.port());
    format!(
        r#"{{
    admin off
    auto_https off
}}
http://{address} http://localhost:{port} {{
    bind {host}
    root * {directory}/site
    respond / "Hello, world!"
    file_server
}}
"#
    )
}
