//! Serves a greeting over TLS, with a certificate that is made for the occasion.
//!
//! Not here: a certificate that browsers trust ([`Tls::from_pem_files`]).

use wharf::{Request, Server, Tls};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let addr = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8443".to_owned());
    let hello = |request: Request| match request.tls() {
        Some(tls) => format!("Hello over {} with {}!\n", tls.version, tls.cipher_suite),
        None => "Hello!\n".to_owned(),
    };
    Server::new(hello).listen_tls(addr, Tls::self_signed(["localhost"])?)?.run()?;
    Ok(())
}
