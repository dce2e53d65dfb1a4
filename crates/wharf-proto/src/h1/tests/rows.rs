//! The rows of the tables as a file, so that they are tried on a server behind a socket as well.
//!
//! `conformance/requests.txt` has a line for each: name, outcome and bytes, with tabs between them.
//! `WHARF_WRITE_ROWS=1 cargo test -p wharf-proto` writes it anew. Not here: rows with bounds of
//! their own, and long ones.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{LazyLock, Mutex};
use std::{env, fs};

use super::Case;

/// Lines that are longer say more about the length of lines than about requests.
const MAX_BYTES: usize = 1_000;

/// Lines of the file, and those that are to be in it.
static LINES: LazyLock<Mutex<BTreeSet<String>>> = LazyLock::new(|| {
    let text = if is_writing() { String::new() } else { fs::read_to_string(path()).unwrap() };
    Mutex::new(text.lines().map(str::to_owned).collect())
});

fn is_writing() -> bool {
    env::var_os("WHARF_WRITE_ROWS").is_some()
}

fn path() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../conformance/requests.txt"))
}

/// Sees to it that a row is in the file.
pub(super) fn check(case: &Case<'_>, input: &[u8]) {
    if input.len() > MAX_BYTES {
        return;
    }
    let outcome = match case.expect {
        Ok(_) => "served".to_owned(),
        Err(reject) => reject.status().as_str().to_owned(),
    };
    let line = format!("{}\t{outcome}\t{}", case.name, input.escape_ascii());
    let mut lines = LINES.lock().unwrap();
    if !is_writing() {
        assert!(lines.contains(&line), "not in conformance/requests.txt: {line}");
    } else if lines.insert(line) {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        fs::write(path(), text).unwrap();
    }
}
