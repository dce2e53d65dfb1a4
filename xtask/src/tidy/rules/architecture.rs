//! Rule `architecture`: the files and folders that ARCHITECTURE.md names exist.
//!
//! Looks at `crates/...` in backticks that ends in `.rs` or `/`. Names of modules and types are not
//! checked, and a folder counts only with a Rust file in it.

use super::super::Finding;
use super::super::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in tree.architecture.lines().enumerate() {
        for path in line.split('`').skip(1).step_by(2).filter(|text| is_path(text)) {
            let mut sources = tree.sources.iter();
            if !sources.any(|source| source.path == path || is_below(&source.path, path)) {
                findings.push(Finding {
                    path: "ARCHITECTURE.md".to_owned(),
                    line: index + 1,
                    rule: "architecture",
                    advice: format!("`{path}` does not exist; name what replaced it"),
                });
            }
        }
    }
    findings
}

fn is_path(text: &str) -> bool {
    let is_plain = !text.contains([' ', '*', '{', '<']) && !text.contains("...");
    text.starts_with("crates/") && is_plain && (text.ends_with(".rs") || text.ends_with('/'))
}

fn is_below(path: &str, folder: &str) -> bool {
    folder.ends_with('/') && path.starts_with(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_in_backticks_must_exist() {
        let mut tree = Tree::of(&[("crates/a/src/b/c.rs", "")]);
        tree.architecture = "`crates/a/src/b/c.rs` is in `crates/a/src/b/`, crates/no.rs\n\
                             `crates/*/no.rs`, `crates/{x,y}.rs`, `Crate`\n\
                             `Tree` and `crates/a/src/gone.rs`\n\
                             `crates/a/src/gone/`\n\
                             `crates/a/src/b/c.rs/`\n"
            .to_owned();
        let lines: Vec<usize> = check(&tree).iter().map(|finding| finding.line).collect();
        assert_eq!(lines, [3, 4, 5]);
    }

    #[test]
    fn without_the_document_nothing_is_asked() {
        assert_eq!(check(&Tree::of(&[])), []);
    }
}
