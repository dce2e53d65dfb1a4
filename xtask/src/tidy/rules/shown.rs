//! Rule `shown`: the tests that a document names exist.
//!
//! Looks at the tables in `docs/` whose last column is called `shown by`. What stands there in
//! backticks is the name of a test function, or of a row of a table of cases (`Case::new("...")`).
//! Whether the test shows what is said can't be seen.

use std::collections::BTreeSet;

use super::super::Finding;
use super::super::tree::{Source, Tree};

/// What heads the column.
const COLUMN: &str = "shown by";

/// What the name of a case stands behind.
const CASE: &str = "Case::new(\"";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let tests: BTreeSet<&str> = tree.sources.iter().flat_map(names).collect();
    let mut findings = Vec::new();
    for (path, text) in &tree.documents {
        let mut is_shown_by = false;
        for (index, line) in text.lines().enumerate() {
            let Some(cell) = last_cell(line) else {
                is_shown_by = false;
                continue;
            };
            is_shown_by |= cell == COLUMN;
            let named = cell.split('`').skip(1).step_by(2);
            for name in named.filter(|name| is_shown_by && !tests.contains(name)) {
                findings.push(Finding {
                    path: path.clone(),
                    line: index + 1,
                    rule: "shown",
                    advice: format!("there is no test `{name}`; name the one that shows it"),
                });
            }
        }
    }
    findings
}

/// What stands in the last column, if the line belongs to a table.
fn last_cell(line: &str) -> Option<&str> {
    let row = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    row.rsplit('|').next().map(str::trim)
}

/// The tests and cases of a file.
fn names(source: &Source) -> impl Iterator<Item = &str> {
    let cases = source.text.split(CASE).skip(1).filter_map(|rest| rest.split('"').next());
    let tokens = source.tokens();
    let mut tests = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let is_attribute = at >= 2 && tokens[at - 1].text == "[" && tokens[at - 2].text == "#";
        if token.text != "test" || !is_attribute {
            continue;
        }
        // Other attributes may stand between the two.
        let names = tokens[at..].windows(2).filter(|pair| pair[0].text == "fn");
        tests.extend(names.map(|pair| pair[1].text).next());
    }
    cases.chain(tests)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "#[test]\n#[cfg(unix)]\nfn it_works() {}\nfn helper() {}\n\
                          const A: Case = Case::new(\"a_case\", helper);\n";

    fn lines(document: &str) -> Vec<usize> {
        let mut tree = Tree::of(&[("crates/a/tests/a.rs", SOURCE)]);
        tree.documents = vec![("docs/a.md".to_owned(), document.to_owned())];
        check(&tree).iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn tests_that_are_named_must_exist() {
        let document = "| `what` | shown by |\n|---|---|\n| `f` | `it_works`, `a_case` |\n\
                        | `g` | `it_works`, `gone` |\n| `h` | `helper` |\n| `i` | the compiler |\n";
        assert_eq!(lines(document), [4, 5]);
    }

    #[test]
    fn other_tables_name_what_they_like() {
        assert_eq!(lines("| a | shown by |\n\n| a | b |\n|---|---|\n| `c` | `d` |\n"), [0; 0]);
    }
}
