//! Rule `length`: functions fit a screen, files can be read in one sitting.
//!
//! A function is counted from its `fn` to its brace, a file without items under `#[cfg(test)]`.
//! What must be longer is in `exceptions.rs`. Functions that a macro makes are not seen, and an
//! excepted name covers each function of that name in its file.

use super::super::Finding;
use super::super::exceptions::{LONG_FILES, LONG_FUNCTIONS};
use super::super::syntax;
use super::super::tree::{Source, Tree};

const MAX_FUNCTION_LINES: usize = 70;
const MAX_FILE_LINES: usize = 500;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = check_functions(tree, LONG_FUNCTIONS);
    findings.extend(check_files(tree, LONG_FILES));
    findings
}

fn check_functions(tree: &Tree, exceptions: &[(&str, &str, &str)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut needed = Vec::new();
    for source in &tree.sources {
        for function in syntax::functions(&source.tokens()) {
            let (name, line) = (function.name, *function.lines.start());
            let len = function.lines.count();
            if len <= MAX_FUNCTION_LINES {
                continue;
            }
            needed.push((source.path.as_str(), name));
            if !exceptions.iter().any(|row| (row.0, row.1) == (source.path.as_str(), name)) {
                let advice = format!("`{name}` has {len} lines; split it to {MAX_FUNCTION_LINES}");
                findings.push(source.finding(line, "length", &advice));
            }
        }
    }
    let unneeded = exceptions.iter().filter(|row| !needed.contains(&(row.0, row.1)));
    findings.extend(unneeded.map(|row| unneeded_exception(row.0, row.1)));
    findings
}

fn check_files(tree: &Tree, exceptions: &[(&str, &str)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut needed = Vec::new();
    for source in &tree.sources {
        let len = shipped_lines(source);
        if len <= MAX_FILE_LINES {
            continue;
        }
        needed.push(source.path.as_str());
        if !exceptions.iter().any(|row| row.0 == source.path) {
            let advice = format!("{len} lines without tests; split the file to {MAX_FILE_LINES}");
            findings.push(source.finding(1, "length", &advice));
        }
    }
    let unneeded = exceptions.iter().filter(|row| !needed.contains(&row.0));
    findings.extend(unneeded.map(|row| unneeded_exception(row.0, "the file")));
    findings
}

fn shipped_lines(source: &Source) -> usize {
    (1..=source.text.lines().count()).filter(|line| !source.is_test_line(*line)).count()
}

fn unneeded_exception(path: &str, what: &str) -> Finding {
    let advice = format!("`{what}` is no longer too long; remove its row from exceptions.rs");
    Finding { path: path.to_owned(), line: 1, rule: "length", advice }
}

#[cfg(test)]
mod tests {
    use super::super::lines;
    use super::*;

    fn function(lines: usize) -> String {
        format!("\nfn f() {{{}}}\n", "\n".repeat(lines - 1))
    }

    #[test]
    fn a_function_may_have_seventy_lines() {
        assert_eq!(lines(check, "a.rs", &function(70)), [0; 0]);
        assert_eq!(lines(check, "a.rs", &function(71)), [2]);
        assert_eq!(lines(check, "tests/a.rs", &function(71)), [2]);
    }

    #[test]
    fn a_file_may_have_five_hundred_lines_without_tests() {
        let tests = format!("#[cfg(test)]\nmod tests {{{}}}\n", "\n".repeat(100));
        assert_eq!(lines(check, "a.rs", &("\n".repeat(500) + &tests)), [0; 0]);
        assert_eq!(lines(check, "a.rs", &("\n".repeat(501) + &tests)), [1]);
        assert_eq!(lines(check, "a/tests/b.rs", &"\n".repeat(501)), [0; 0]);
    }

    #[test]
    fn exceptions_are_heeded_while_needed() {
        let tree = Tree::of(&[("a.rs", &(function(71) + &"\n".repeat(500)))]);
        assert_eq!(check_functions(&tree, &[("a.rs", "f", "it is a table")]), []);
        assert_eq!(check_files(&tree, &[("a.rs", "it is a table")]), []);

        let tree = Tree::of(&[("a.rs", &function(70))]);
        assert_eq!(check_functions(&tree, &[("a.rs", "f", "it was long")]).len(), 1);
        assert_eq!(check_files(&tree, &[("gone.rs", "it was long")]).len(), 1);
    }

    #[test]
    fn each_exception_has_a_reason() {
        assert!(LONG_FUNCTIONS.iter().all(|row| row.2.contains(' ')));
        assert!(LONG_FILES.iter().all(|row| row.1.contains(' ')));
    }
}
