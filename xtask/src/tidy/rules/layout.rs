//! Rule `layout`: no tabs, no trailing white space, at most 100 columns, one newline at the end.
//!
//! rustfmt does not break strings, so lines of tests may be longer if a quote is on them. Columns
//! are characters, whatever their width.

use super::super::Finding;
use super::super::tree::{Source, Tree};

const MAX_COLUMNS: usize = 100;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.sources.iter().flat_map(check_source).collect()
}

fn check_source(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut report = |line, advice| findings.push(source.finding(line, "layout", advice));
    // Not `lines()`, which would hide a carriage return.
    for (index, line) in source.text.split('\n').enumerate() {
        let number = index + 1;
        if line.contains('\t') {
            report(number, "indent with blanks, write `\\t` in literals");
        }
        if line.ends_with(char::is_whitespace) {
            report(number, "remove the white space at the end of the line");
        }
        let may_be_long = line.contains('"') && source.is_test_line(number);
        if line.chars().count() > MAX_COLUMNS && !may_be_long {
            report(number, "break the line; it has more than 100 columns");
        }
    }
    if !source.text.ends_with('\n') || source.text.ends_with("\n\n") {
        report(source.text.lines().count(), "end the file with one newline");
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::lines;
    use super::*;

    #[test]
    fn clean_lines_pass() {
        let text = format!("// {}\n\n    a();\n", "é".repeat(97));
        assert_eq!(lines(check, "a.rs", &text), [0; 0]);
    }

    #[test]
    fn each_kind_of_untidiness_is_found() {
        for text in ["\n\ta();\n", "\na(); \n", "\na();\r\n", "\na();", "\n\n"] {
            assert_eq!(lines(check, "a.rs", text), [2], "{text:?}");
        }
        assert_eq!(lines(check, "a.rs", &format!("\n//{}\n", "a".repeat(99))), [2]);
    }

    #[test]
    fn only_strings_of_tests_may_make_a_line_long() {
        let long = "a".repeat(100);
        let string = format!("f(\"{long}\");\n");
        assert_eq!(lines(check, "x/tests/a.rs", &string), [0; 0]);
        assert_eq!(lines(check, "x/src/a.rs", &string), [1]);
        assert_eq!(lines(check, "x/tests/a.rs", &format!("f({long});\n")), [1]);
        let inline = format!("#[cfg(test)]\nmod tests {{\n{string}}}\n");
        assert_eq!(lines(check, "x/src/a.rs", &inline), [0; 0]);
    }
}
