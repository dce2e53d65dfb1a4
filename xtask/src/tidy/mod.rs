//! The house rules that a program can check.
//!
//! `tree.rs` reads the sources, `lexer.rs` tells code from comments and literals, `syntax.rs` finds
//! functions and paths in the code. Each file in `rules/` checks one rule and says in its header
//! what it can't see. The tables to edit are in `tables.rs` and `exceptions.rs`.

use std::fmt;
use std::io;
use std::path::Path;

use tree::Tree;

mod exceptions;
mod lexer;
mod rules;
mod syntax;
mod tables;
mod tree;

/// One place that breaks a rule. Displayed as `file:line: rule: what to do`.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// Relative to the root of the repository.
    path: String,
    line: usize,
    rule: &'static str,
    advice: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.path, self.line, self.rule, self.advice)
    }
}

/// Checks every rule on the repository that this file belongs to.
pub(crate) fn check_repository() -> io::Result<Vec<Finding>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask has a parent folder");
    Ok(check(&Tree::read(root)?))
}

fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings: Vec<Finding> = rules::ALL.iter().flat_map(|rule| rule(tree)).collect();
    findings.sort();
    findings
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_repository_is_tidy() {
        let findings = check_repository().unwrap();
        let list: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert!(list.is_empty(), "{} findings:\n{}", list.len(), list.join("\n"));
    }

    #[test]
    fn a_thoroughly_bad_tree_trips_every_rule() {
        let text = format!(
            "fn f() {{ unsafe {{ mio::f() }}; #[cfg(unix)] todo!() }}\t\nuse crate::worker::X;\n{}",
            "\n".repeat(600)
        );
        let mut tree = Tree::of(&[("crates/wharf/src/body.rs", text.as_str())]);
        tree.architecture = "See `crates/gone.rs`.".to_owned();
        tree.documents = vec![("docs/a.md".to_owned(), "| shown by |\n| `gone` |".to_owned())];
        let tripped: BTreeSet<&str> = check(&tree).iter().map(|finding| finding.rule).collect();
        let all = [
            "architecture",
            "cfg",
            "direction",
            "foreign-crate",
            "header",
            "layout",
            "leftover",
            "length",
            "shown",
            "unsafe",
        ];
        assert_eq!(tripped, BTreeSet::from(all));
        assert_eq!(all.len(), rules::ALL.len());
    }

    #[test]
    fn a_finding_can_be_clicked() {
        let finding =
            Finding { path: "a.rs".to_owned(), line: 3, rule: "cfg", advice: "go".to_owned() };
        assert_eq!(finding.to_string(), "a.rs:3: cfg: go");
    }
}
