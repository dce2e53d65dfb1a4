//! Finds functions, test items, attributes and paths in a list of tokens.
//!
//! Braces are matched, types and expressions are not understood. A block in the generic arguments
//! of a signature (`Foo<{ N }>`) would be taken for the body; the house style has none.

use std::ops::{Range, RangeInclusive};

use super::lexer::Token;

/// A function with or without a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function<'c> {
    pub(crate) name: &'c str,
    /// From the line of `fn` to that of the closing brace.
    pub(crate) lines: RangeInclusive<usize>,
}

/// A path like `a::b::c`, or what follows `use`. Of a `use` group each leaf is one path.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NamedPath<'c> {
    pub(crate) segments: Vec<&'c str>,
    pub(crate) line: usize,
}

pub(crate) fn functions<'c>(tokens: &[Token<'c>]) -> Vec<Function<'c>> {
    let mut functions = Vec::new();
    for (at, pair) in tokens.windows(2).enumerate() {
        // `fn(u8)` is a type; `fn $name` stands in a macro.
        if pair[0].text == "fn" && (pair[1].is_word() || pair[1].text == "$") {
            let end = tokens[item_end(tokens, at)].line;
            functions.push(Function { name: pair[1].text, lines: pair[0].line..=end });
        }
    }
    functions
}

/// The lines of each item under `#[cfg(test)]`, the attribute included.
pub(crate) fn test_items(tokens: &[Token<'_>]) -> Vec<RangeInclusive<usize>> {
    let mut items = Vec::new();
    for start in 0..tokens.len() {
        let Some(attribute) = attribute_at(tokens, start) else { continue };
        let texts: Vec<&str> = tokens[attribute.clone()].iter().map(|token| token.text).collect();
        if texts.starts_with(&["cfg", "(", "test"])
            || texts.starts_with(&["cfg", "(", "all", "(", "test"])
        {
            let end = item_end(tokens, after_attributes(tokens, start));
            items.push(tokens[start].line..=tokens[end].line);
        }
    }
    items
}

/// What stands between the brackets of the attribute that begins at `at`, if one does.
pub(crate) fn attribute_at(tokens: &[Token<'_>], at: usize) -> Option<Range<usize>> {
    let text = |at: usize| tokens.get(at).map(|token| token.text);
    if text(at) != Some("#") {
        return None;
    }
    let open = if text(at + 1) == Some("!") { at + 2 } else { at + 1 };
    let end = closing(tokens, open);
    (text(open) == Some("[") && end > open).then(|| open + 1..end)
}

/// Where the first token stands that belongs to no attribute, from `at` on.
pub(crate) fn after_attributes(tokens: &[Token<'_>], mut at: usize) -> usize {
    while let Some(attribute) = attribute_at(tokens, at) {
        at = attribute.end + 1;
    }
    at
}

/// Where the bracket that opens at `open` closes, or the last token.
pub(crate) fn closing(tokens: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" if depth <= 1 => return at,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
    }
    tokens.len().saturating_sub(1)
}

/// Where the item that begins at `at` ends: at its semicolon or closing brace.
fn item_end(tokens: &[Token<'_>], mut at: usize) -> usize {
    while let Some(token) = tokens.get(at) {
        match token.text {
            "{" => return closing(tokens, at),
            ";" | "}" => return at,
            "(" | "[" => at = closing(tokens, at) + 1,
            _ => at += 1,
        }
    }
    tokens.len().saturating_sub(1)
}

pub(crate) fn named_paths<'c>(tokens: &[Token<'c>]) -> Vec<NamedPath<'c>> {
    let mut paths = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let in_use = at > 0 && tokens[at - 1].text == "use";
        if !is_segment(&tokens[at]) || is_inner_segment(tokens, at) {
            at += 1;
            continue;
        }
        let first = paths.len();
        at = push_paths(tokens, at, &[], &mut paths);
        if paths.len() == first + 1 && paths[first].segments.len() == 1 && !in_use {
            paths.pop();
        }
    }
    paths
}

/// Whether `token` can be part of a path: any word but the keywords that stand before `::name`.
fn is_segment(token: &Token<'_>) -> bool {
    const BEFORE_PATHS: &[&str] =
        &["as", "dyn", "else", "for", "if", "impl", "in", "match", "mut", "return", "use", "while"];
    token.is_word() && !BEFORE_PATHS.contains(&token.text)
}

/// Whether the word at `at` continues a path or is a field: `a::word`, `<T>::word`, `a.word`.
fn is_inner_segment(tokens: &[Token<'_>], at: usize) -> bool {
    let before = |back: usize| at.checked_sub(back).map(|at| &tokens[at]);
    match before(1).map(|token| token.text) {
        Some(".") => true,
        Some("::") => before(2).is_some_and(|token| token.text == ">" || is_segment(token)),
        _ => false,
    }
}

/// Pushes the path that continues `prefix` at `at`, or each leaf if it ends in a group. Returns
/// where it ended, always behind `at`.
fn push_paths<'c>(
    tokens: &[Token<'c>],
    mut at: usize,
    prefix: &[&'c str],
    paths: &mut Vec<NamedPath<'c>>,
) -> usize {
    let line = tokens[at].line;
    let mut segments = prefix.to_vec();
    while let Some(token) = tokens.get(at) {
        if token.text == "{" && !segments.is_empty() {
            let end = closing(tokens, at);
            at += 1;
            while at < end {
                let is_path = is_segment(&tokens[at]) || tokens[at].text == "*";
                at = if is_path { push_paths(tokens, at, &segments, paths) } else { at + 1 };
            }
            return end + 1;
        }
        if !is_segment(token) && token.text != "*" {
            break;
        }
        segments.push(token.text);
        at += 1;
        if tokens.get(at).is_none_or(|token| token.text != "::") {
            break;
        }
        at += 1;
    }
    if segments.len() > 1 && segments.last() == Some(&"self") {
        segments.pop();
    }
    // The new name after `as` in a `use` is no path.
    let text = |at: usize| tokens.get(at).map(|token| token.text);
    if text(at) == Some("as") && text(at + 2) != Some("::") {
        at += 2;
    }
    paths.push(NamedPath { segments, line });
    at
}

#[cfg(test)]
mod tests {
    use super::super::lexer::tokens;
    use super::*;

    #[test]
    fn functions_reach_to_their_closing_brace() {
        let code = "fn a(f: fn(u8)) -> [u8; 2] {\n if b { c } }\ntrait T {\n fn d();\n}\n";
        let functions: Vec<_> =
            functions(&tokens(code)).into_iter().map(|f| (f.name, f.lines)).collect();
        assert_eq!(functions, [("a", 1..=2), ("d", 4..=4)]);
    }

    #[test]
    fn test_items_include_their_attributes() {
        let code = "fn a() {}\n#[cfg(test)]\n#[path(x)]\nmod t {\n fn b() {}\n}\n\
                    #[cfg(all(test, unix))]\nuse x::{y};\n#[cfg(any(test, fuzzing))]\nmod p;\n";
        assert_eq!(test_items(&tokens(code)), [2..=6, 7..=8]);
    }

    #[test]
    fn use_groups_are_taken_apart() {
        let code =
            "use a::{b, c::{self, d as e}, f::*};\nuse g;\nuse ::h::i as j;\nuse {k::l, m::n};";
        let paths: Vec<String> =
            named_paths(&tokens(code)).iter().map(|path| path.segments.join("::")).collect();
        assert_eq!(paths, ["a::b", "a::c", "a::c::d", "a::f::*", "g", "h::i", "k::l", "m::n"]);
    }

    #[test]
    fn paths_in_expressions_begin_at_their_first_segment() {
        let code = "let x: Vec<a::B> = c::d::<u8>::e(f.g::<h::I>(), <J as k::L>::m, n);";
        let paths: Vec<String> =
            named_paths(&tokens(code)).iter().map(|path| path.segments.join("::")).collect();
        assert_eq!(paths, ["a::B", "c::d", "h::I", "k::L"]);
    }

    #[test]
    fn unbalanced_code_does_no_harm() {
        for code in ["fn f(", "#[cfg(test)]", "}", "use a::", "use a::{b", "fn f() {", "#[", "::"] {
            let tokens = tokens(code);
            functions(&tokens);
            test_items(&tokens);
            named_paths(&tokens);
        }
    }
}
