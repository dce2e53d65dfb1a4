//! lighttpd, serving files.

use std::net::SocketAddr;
use std::path::Path;

pub(super) fn configuration(address: SocketAddr, directory: &Path) -> String {
    let directory = directory.display();
    let (host, port) = (address.ip(), address.port());
    format!(
        r#"server.document-root = "{directory}/site"
server.bind = "{host}"
server.port = {port}
server.listen-backlog = 4096
server.max-fds = 20000
server.max-connections = 16384
server.max-keep-alive-requests = 1000000000
server.max-keep-alive-idle = 3600
index-file.names = ( "index.txt" )
mimetype.assign = ( "" => "text/plain" )
"#
    )
}
