//! A file that the secrets of sessions are written to, so that a recording of them can be read.
//!
//! The format is that of `SSLKEYLOGFILE`, which Wireshark reads. Not here: which secrets there are.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

#[derive(Debug)]
pub(super) struct KeyLogFile(File);

impl KeyLogFile {
    /// Goes on behind what is there.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        for_the_owner_alone(&mut options);
        options.open(path).map(Self)
    }

    /// Writes a line. One that can't be written is missing: a full disk ends no connection.
    pub(super) fn write(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let mut line = format!("{label} ");
        push_hex(&mut line, client_random);
        line.push(' ');
        push_hex(&mut line, secret);
        line.push('\n');
        // What is appended at once stays together, whoever else writes.
        let _missing = (&self.0).write_all(line.as_bytes());
    }
}

fn push_hex(line: &mut String, bytes: &[u8]) {
    for byte in bytes {
        let _never_fails = write!(line, "{byte:02x}");
    }
}

#[cfg(unix)]
fn for_the_owner_alone(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600);
}

#[cfg(not(unix))]
fn for_the_owner_alone(_: &mut OpenOptions) {}
