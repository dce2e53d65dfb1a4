//! Rule `foreign-crate`: the types of a foreign crate stop at the files that `tables.rs` names.
//!
//! Looks at paths in `crates/*/src` outside of tests. Values whose foreign type is never named
//! pass, and so does a crate that is renamed in the manifest.

use super::super::Finding;
use super::super::tables::FOREIGN_CRATES;
use super::super::tree::{Source, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let is_shipped = |source: &&Source| {
        let mut parts = source.path.split('/');
        parts.next() == Some("crates") && parts.nth(1) == Some("src")
    };
    tree.sources.iter().filter(is_shipped).flat_map(check_source).collect()
}

fn check_source(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for path in source.shipped_paths() {
        let row = FOREIGN_CRATES.iter().find(|(name, _)| *name == path.segments[0]);
        let Some((name, allowed)) = row else { continue };
        let is_allowed = allowed.iter().any(|start| source.path.starts_with(start));
        if !is_allowed && !declares_module(source, name) {
            let advice = format!("name `{name}` only in {}", allowed.join(", "));
            findings.push(source.finding(path.line, "foreign-crate", &advice));
        }
    }
    findings
}

/// Whether `name` is a module of this file, which then hides the crate.
fn declares_module(source: &Source, name: &str) -> bool {
    source.tokens().windows(2).any(|pair| pair[0].text == "mod" && pair[1].text == name)
}

#[cfg(test)]
mod tests {
    use super::super::lines;
    use super::*;

    #[test]
    fn a_foreign_crate_is_found_outside_of_its_file() {
        for text in ["use mio;", "pub use ::mio::Poll;", "fn f() -> mio::Poll {}", "a(mio::f())"] {
            assert_eq!(lines(check, "crates/wharf/src/worker.rs", text), [1], "{text}");
        }
        assert_eq!(lines(check, "crates/wharf-cli/src/main.rs", "use http::Uri;"), [1]);
        assert_eq!(lines(check, "crates/wharf/src/files/mod.rs", "use rustix::{fs, io};"), [1, 1]);
    }

    #[test]
    fn a_foreign_crate_is_welcome_in_its_file_and_in_tests() {
        for path in
            ["crates/wharf/src/driver/mio/mod.rs", "crates/wharf/src/tests.rs", "bench/a/src/b.rs"]
        {
            assert_eq!(lines(check, path, "use mio::Poll;"), [0; 0], "{path}");
        }
        let path = "crates/wharf/src/body.rs";
        assert_eq!(lines(check, path, "#[cfg(test)]\nmod tests { use mio::Poll; }"), [0; 0]);
        assert_eq!(lines(check, path, "use bytes::Bytes;"), [0; 0]);
    }

    #[test]
    fn a_module_of_the_same_name_is_not_the_crate() {
        for text in
            ["mod mio;\nfn f() { mio::f() }", "use self::mio::Driver;", "use crate::mio::A;"]
        {
            assert_eq!(lines(check, "crates/wharf/src/driver/mod.rs", text), [0; 0], "{text}");
        }
    }
}
