//! nginx, configured to do as little as the peers do.

use std::net::SocketAddr;
use std::path::Path;

use wire::Certificate;

use crate::service::Service;

pub(super) fn configuration(
    address: SocketAddr,
    directory: &Path,
    service: Service,
    certificate: &Certificate,
) -> String {
    let (speaks, tls) = match service {
        Service::Http | Service::Echo => ("", String::new()),
        Service::Http2 => (" http2", String::new()),
        Service::Tls => {
            let (chain, key) = (certificate.chain(), certificate.key());
            let (chain, key) = (chain.display(), key.display());
            // As all others do, whose choice it is without being told.
            let tls = format!(
                "ssl_protocols TLSv1.3;\n        ssl_certificate {chain};\n        \
                 ssl_certificate_key {key};"
            );
            (" ssl http2", tls)
        }
    };
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
    sendfile on;
    open_file_cache max=10;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;

    server {{
        listen {address} backlog=4096{speaks};
        {tls}
        root {directory}/site;
        location = / {{
            return 200 "Hello, world!\n";
        }}
    }}
}}
"#
    )
}
