//! Tells code from comments and literals, and cuts code into tokens.
//!
//! Knows what Rust needs for that: nested comments, escapes, raw strings, and that `'a` is a
//! lifetime while `'a'` is a character. It works on any text: what is never closed reaches
//! to the end.

/// Two copies of a text, each with the rest blanked. Line numbers are those of the original.
pub(crate) struct Views {
    pub(crate) code: String,
    pub(crate) comments: String,
}

/// A word, `::`, or any other single character that is not white space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'c> {
    pub(crate) text: &'c str,
    /// Counted from 1.
    pub(crate) line: usize,
}

impl Token<'_> {
    pub(crate) fn is_word(&self) -> bool {
        self.text.starts_with(is_word_char)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code,
    Comment,
    Literal,
}

pub(crate) fn views(text: &str) -> Views {
    let mut views = Views { code: String::new(), comments: String::new() };
    let mut rest = text;
    while !rest.is_empty() {
        let (kind, len) = next_piece(rest);
        let (piece, tail) = rest.split_at(len);
        let blank: String =
            piece.chars().map(|char| if char == '\n' { '\n' } else { ' ' }).collect();
        views.code.push_str(if kind == Kind::Code { piece } else { &blank });
        views.comments.push_str(if kind == Kind::Comment { piece } else { &blank });
        rest = tail;
    }
    views
}

/// Cuts `code` into tokens. Comments and literals must have been blanked.
pub(crate) fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let len = match first {
                _ if is_word_char(first) => word_len(rest),
                ':' if rest.starts_with("::") => 2,
                _ => first.len_utf8(),
            };
            tokens.push(Token { text: &rest[..len], line: index + 1 });
            rest = rest[len..].trim_start();
        }
    }
    tokens
}

/// What `text` begins with, and how many bytes that takes.
fn next_piece(text: &str) -> (Kind, usize) {
    if text.starts_with("//") {
        return (Kind::Comment, text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return (Kind::Comment, block_comment_len(text));
    }
    let word_len = word_len(text);
    let (word, rest) = text.split_at(word_len);
    let literal_len = match word {
        "" | "b" | "c" if rest.starts_with('"') => Some(quoted_len(rest, '"')),
        "" | "b" if rest.starts_with('\'') => char_len(rest),
        "r" | "br" | "cr" => raw_string_len(rest),
        _ => None,
    };
    match literal_len {
        Some(len) => (Kind::Literal, word_len + len),
        None if word_len > 0 => (Kind::Code, word_len),
        None => (Kind::Code, text.chars().next().map_or(0, char::len_utf8)),
    }
}

fn block_comment_len(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while let Some(found) = text[at..].find(['/', '*']) {
        at += found;
        let step = match text.get(at..at + 2) {
            Some("/*") => 1,
            Some("*/") => -1,
            _ => 0,
        };
        depth += step;
        at += if step == 0 { 1 } else { 2 };
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// The length of a literal that begins and ends with `quote` and escapes with a backslash.
fn quoted_len(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, char) in text.char_indices().skip(1) {
        if !escaped && char == quote {
            return at + 1;
        }
        escaped = !escaped && char == '\\';
    }
    text.len()
}

/// The length of a character literal, or `None` at a lifetime.
fn char_len(text: &str) -> Option<usize> {
    let mut chars = text.chars().skip(1);
    let first = chars.next()?;
    if first == '\\' {
        return Some(quoted_len(text, '\''));
    }
    (chars.next() == Some('\'')).then(|| first.len_utf8() + 2)
}

/// The length of a raw string after its `r`, or `None` at a raw identifier or a plain word.
fn raw_string_len(text: &str) -> Option<usize> {
    let body = text.trim_start_matches('#');
    let hashes = text.len() - body.len();
    let body = body.strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    Some(body.find(&end).map_or(text.len(), |at| hashes + 1 + at + end.len()))
}

fn word_len(text: &str) -> usize {
    text.find(|char| !is_word_char(char)).unwrap_or(text.len())
}

fn is_word_char(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source, and its code with runs of blanks made one.
    const CODE: &[(&str, &str)] = &[
        ("a // b\nc", "a c"),
        ("a /* b /* c */ d */ e", "a e"),
        ("a /*/ b */ c", "a c"),
        ("a /* never closed", "a"),
        ("f(\"b { \\\" c\") d", "f( ) d"),
        ("f(b\"x\", c\"x\")", "f( , )"),
        ("f(r\"a\\\") b", "f( ) b"),
        ("f(r#\"a \" b\"#) c", "f( ) c"),
        ("f(br##\"a \"# b\"##) c", "f( ) c"),
        ("r#type + r", "r#type + r"),
        ("writer\"x\"", "writer"),
        ("'{' 'é' '\\'' '\\u{1F600}' b'}' a", "a"),
        ("fn f<'a>(x: &'a str) -> &'static str", "fn f<'a>(x: &'a str) -> &'static str"),
        ("'outer: loop { break 'outer; }", "'outer: loop { break 'outer; }"),
        ("\"// no comment\" a", "a"),
        ("\"never closed", ""),
    ];

    #[test]
    fn code_is_what_is_neither_comment_nor_literal() {
        for (text, expected) in CODE {
            let code = views(text).code;
            let words: Vec<&str> = code.split_whitespace().collect();
            assert_eq!(words.join(" "), *expected, "{text}");
        }
    }

    #[test]
    fn comments_are_kept_apart_and_lines_stay_in_place() {
        let views = views("//! a\nlet b = \"// c\n\"; /* d\n*/ // e");
        assert_eq!(views.code.lines().count(), 4);
        assert!(views.code.lines().nth(1).unwrap().contains("let b ="));
        let comments: Vec<&str> = views.comments.lines().map(str::trim).collect();
        assert_eq!(comments, ["//! a", "", "/* d", "*/ // e"]);
    }

    #[test]
    fn tokens_are_words_double_colons_and_single_characters() {
        let tokens = tokens("a::b_1 ->\n<c:d>");
        let texts: Vec<&str> = tokens.iter().map(|token| token.text).collect();
        assert_eq!(texts, ["a", "::", "b_1", "-", ">", "<", "c", ":", "d", ">"]);
        assert_eq!(tokens[5].line, 2);
        assert!(tokens[2].is_word() && !tokens[1].is_word());
    }
}
