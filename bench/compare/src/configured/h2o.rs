//! h2o, serving files: it has no fixed responses without a scripting language.

use std::net::SocketAddr;
use std::path::Path;

use rustix::process::getuid;

use wire::Certificate;

use crate::service::Service;

pub(super) fn configuration(
    address: SocketAddr,
    directory: &Path,
    service: Service,
    certificate: &Certificate,
) -> String {
    // It sees which version is spoken by itself.
    let tls = if service == Service::Tls {
        let (chain, key) = (certificate.chain(), certificate.key());
        let (chain, key) = (chain.display(), key.display());
        // A process that looks for what may be stapled would come, and go while it is counted.
        format!(
            "  ssl:\n    certificate-file: {chain}\n    key-file: {key}\n    \
             ocsp-update-interval: 0\n"
        )
    } else {
        String::new()
    };
    let directory = directory.display();
    // Otherwise it would become somebody who has no access to our files.
    let user = if getuid().is_root() { "user: root\n" } else { "" };
    let (host, port) = (address.ip(), address.port());
    format!(
        r#"{user}num-threads: 1
max-connections: 16384
http1-request-timeout: 3600
http2-idle-timeout: 3600
listen:
  host: {host}
  port: {port}
{tls}hosts:
  default:
    paths:
      /:
        file.dir: {directory}/site
        file.index: ["index.txt"]
        file.mime.setdefaulttype: text/plain
"#
    )
}
