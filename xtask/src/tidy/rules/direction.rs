//! Rule `direction`: the protocol crate names nothing that does I/O, and the modules of `wharf` use
//! each other only as `tables.rs` allows.
//!
//! Looks at paths outside of tests that begin with `crate`, `self` or `super`. Names that the crate
//! root re-exports count as their module, unless the re-export renames them or is a glob. Inline
//! modules are taken for the file they stand in. Method calls and macros are not seen.

use super::super::Finding;
use super::super::tables::{MODULES, NOT_IN_PROTO, Uses};
use super::super::tree::{Source, Tree};

const PROTO: &str = "crates/wharf-proto/src/";
const WHARF: &str = "crates/wharf/src/";
const WHARF_ROOT: &str = "crates/wharf/src/lib.rs";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let root = tree.sources.iter().find(|source| source.path == WHARF_ROOT);
    let exports = root.map(exports).unwrap_or_default();
    let mut findings = Vec::new();
    for source in &tree.sources {
        if source.path.starts_with(PROTO) {
            findings.extend(check_proto(source));
        } else if source.path.starts_with(WHARF) {
            findings.extend(check_modules(source, &exports));
        }
    }
    findings
}

fn check_proto(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for path in source.shipped_paths() {
        if let Some(banned) = NOT_IN_PROTO.iter().find(|banned| reaches(&path.segments, banned)) {
            let advice = format!("leave `{banned}` to the caller: no I/O, no clock, no threads");
            findings.push(source.finding(path.line, "direction", &advice));
        }
    }
    findings
}

fn check_modules(source: &Source, exports: &[Vec<&str>]) -> Vec<Finding> {
    let module = module_of(&source.path);
    let Some((_, uses)) = MODULES.iter().find(|(names, _)| names.contains(&module[0])) else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    for path in source.shipped_paths() {
        let Some(mut target) = resolve(&module, &path.segments) else { continue };
        if let Some(export) = exports.iter().find(|export| export.last() == target.first()) {
            target.clone_from(export);
        }
        let is_allowed = match uses {
            Uses::Only(modules) => modules.contains(&target[0]),
            Uses::AllBut(modules) => !modules.iter().any(|module| reaches(&target, module)),
        };
        if !is_allowed {
            let target = target.join("::");
            let advice = format!("`{}` must not use `{target}` (see tables.rs)", module[0]);
            findings.push(source.finding(path.line, "direction", &advice));
        }
    }
    findings
}

/// What the crate root makes available under its own name: paths from the root to the item.
fn exports(root: &Source) -> Vec<Vec<&str>> {
    let mut exports: Vec<Vec<&str>> =
        root.shipped_paths().into_iter().map(|path| path.segments).collect();
    for export in &mut exports {
        export.retain(|segment| !matches!(*segment, "crate" | "self"));
    }
    exports.retain(|export| export.len() > 1);
    exports
}

/// The module that a file of `wharf` holds, from the crate root.
fn module_of(path: &str) -> Vec<&str> {
    let path = path.trim_start_matches(WHARF).trim_end_matches(".rs");
    path.trim_end_matches("/mod").split('/').collect()
}

/// `path`, as named in `module`, from the crate root. `None` if it does not name a module of ours.
fn resolve<'p>(module: &[&'p str], path: &[&'p str]) -> Option<Vec<&'p str>> {
    let (first, rest) = path.split_first()?;
    let mut base = match *first {
        "crate" => Vec::new(),
        "self" => module.to_vec(),
        "super" => module[..module.len() - 1].to_vec(),
        _ => return None,
    };
    for segment in rest {
        if *segment == "super" {
            base.pop();
        } else {
            base.push(*segment);
        }
    }
    (!base.is_empty()).then_some(base)
}

/// Whether `path` names `target` or something in it, or imports a module or glob that opens it.
fn reaches(path: &[&str], target: &str) -> bool {
    let target: Vec<&str> = target.split("::").collect();
    let common = path.iter().zip(&target).take_while(|(a, b)| a == b).count();
    let opens = common > 1 && common == path.len();
    common == target.len() || opens || (common > 0 && path.get(common) == Some(&"*"))
}

#[cfg(test)]
mod tests {
    use super::super::lines;
    use super::*;

    #[test]
    fn the_protocol_crate_knows_no_input_output_and_no_clock() {
        let path = "crates/wharf-proto/src/h1/mod.rs";
        for text in [
            "use std::io;",
            "use std::{fmt, net::IpAddr};",
            "use std::time::{Duration, Instant};",
            "use std::time;",
            "use std::time::*;",
            "fn f() { std::thread::spawn(g) }",
            "fn f(out: &mut impl std::io::Write) {}",
        ] {
            assert_eq!(lines(check, path, text), [1], "{text}");
        }
        for text in ["use std::fmt;", "use std::time::Duration;", "use std::{fmt, mem};"] {
            assert_eq!(lines(check, path, text), [0; 0], "{text}");
        }
        assert_eq!(lines(check, path, "#[cfg(test)]\nmod tests { use std::io; }"), [0; 0]);
        assert_eq!(lines(check, "crates/wharf/src/worker.rs", "use std::io;"), [0; 0]);
    }

    /// File, code, and whether it breaks the table.
    const EDGES: &[(&str, &str, bool)] = &[
        ("router/mod.rs", "use crate::handler::Handler;", false),
        ("router/mod.rs", "use crate::worker::Worker;", true),
        ("router/tree.rs", "fn f(_: crate::timer::Timer) {}", true),
        ("files/mod.rs", "use crate::{body::Body, pool::Pool};", true),
        ("files/mod.rs", "use super::conn::Conn;", true),
        ("files/range.rs", "use super::resolve;", false),
        ("files/range.rs", "use super::super::conn::Conn;", true),
        ("sys/mod.rs", "use self::socket::Socket;", false),
        ("sys/socket.rs", "use crate::config::Config;", true),
        ("timer.rs", "use std::time::Instant;", false),
        ("timer.rs", "use crate::config::Config;", true),
        ("driver/mio.rs", "use crate::sys::socket;", false),
        ("driver/mio.rs", "use crate::request::Request;", true),
        ("handler.rs", "use crate::Server;", true),
        ("handler.rs", "use crate::Response;", false),
        ("conn/mod.rs", "use crate::driver::Driver;", false),
        ("conn/mod.rs", "use crate::driver::mio::Backend;", true),
        ("worker.rs", "use crate::driver::mio::Backend;", false),
    ];

    #[test]
    fn modules_use_each_other_as_the_table_says() {
        let root = "pub use response::Response;\npub use crate::server::{Server, ServerHandle};";
        for (file, text, is_broken) in EDGES {
            let path = format!("{WHARF}{file}");
            let tree = Tree::of(&[(WHARF_ROOT, root), (&path, text)]);
            assert_eq!(check(&tree).len(), usize::from(*is_broken), "{file}: {text}");
        }
    }
}
