//! What a server is started for: a process of its own for each, so that nothing of one is carried
//! by another.
//!
//! Not here: which servers know which (`programs.rs`, `configured/`), who loads them
//! (`workload.rs`).

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use loadgen::Request;
use tempfile::TempDir;

/// What is sent to an echo before it is loaded, and once on connections that are idle afterwards.
const ECHO: Request = Request::echo(1 << 10);

/// What is spoken on a server's only address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// HTTP/1.1 in cleartext.
    Http,
    /// HTTP/2 in cleartext, with prior knowledge.
    Http2,
    /// HTTP/1.1 and HTTP/2 over TLS, by the client's choice.
    Tls,
    /// What comes is sent back.
    Echo,
}

impl Service {
    pub(crate) const ALL: [Self; 4] = [Self::Http, Self::Http2, Self::Tls, Self::Echo];

    /// A request that shows if the service is there; `None` if we don't speak what it speaks.
    pub(crate) const fn request(self) -> Option<Request> {
        match self {
            Self::Http => Some(Request::get("/")),
            Self::Echo => Some(ECHO),
            Self::Http2 | Self::Tls => None,
        }
    }
}

/// A certificate for `localhost` that signs itself, with a key on the curve P-256, in files that
/// are there as long as this is.
#[derive(Clone, Debug)]
pub(crate) struct Certificate(Arc<TempDir>);

impl Certificate {
    pub(crate) fn new() -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("compare-").tempdir()?;
        // Servers started by root serve as somebody else.
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755))?;
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])
            .context("cannot make a certificate")?;
        let this = Self(Arc::new(directory));
        fs::write(this.chain(), made.cert.pem())?;
        fs::write(this.key(), made.signing_key.serialize_pem())?;
        Ok(this)
    }

    pub(crate) fn chain(&self) -> PathBuf {
        self.0.path().join("cert.pem")
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.0.path().join("key.pem")
    }

    /// The options that peers take for it.
    pub(crate) fn options(&self) -> [OsString; 4] {
        ["--tls-cert".into(), self.chain().into(), "--tls-key".into(), self.key().into()]
    }
}
