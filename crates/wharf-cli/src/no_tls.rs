//! The command without the feature `tls`: it says so when it is asked for TLS.
//!
//! Not here: the command with it (`tls.rs`).

use wharf::Service;

use crate::args::CertificateFrom;

pub(crate) fn cover(_: Service, _: &CertificateFrom) -> Result<(Service, String), String> {
    Err("it was built without TLS: build it with `--features tls`".to_owned())
}
