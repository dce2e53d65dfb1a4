//! Bars, as one SVG per chart.
//!
//! Not here: what is charted (`html.rs`).

use std::fmt::Write;

use crate::programs::Role;

/// One server's bar.
pub(super) struct Bar<'b> {
    pub(super) name: &'b str,
    pub(super) role: Role,
    pub(super) value: f64,
    /// A part of the value that is drawn darker, such as user space.
    pub(super) part: Option<f64>,
    /// What is written behind the bar.
    pub(super) label: String,
}

const ROW: f64 = 24.0;
const BAR: f64 = 16.0;
const NAMES: f64 = 110.0;
const BARS: f64 = 480.0;
const LABELS: f64 = 280.0;

/// Draws `bars`, the smallest value first.
pub(super) fn bars(mut bars: Vec<Bar<'_>>) -> String {
    bars.sort_by(|a, b| a.value.total_cmp(&b.value));
    let largest = bars.iter().map(|bar| bar.value).fold(0.0, f64::max);
    let (width, height) = (NAMES + BARS + LABELS, ROW * bars.len() as f64);
    let mut svg = format!(
        "<svg viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" \
         role=\"img\">\n"
    );
    for (index, bar) in bars.iter().enumerate() {
        push_bar(&mut svg, bar, ROW * index as f64, largest);
    }
    svg + "</svg>\n"
}

fn push_bar(svg: &mut String, bar: &Bar<'_>, top: f64, largest: f64) {
    let length = |value: f64| if largest > 0.0 { (value / largest * BARS).max(1.0) } else { 1.0 };
    let class = match bar.role {
        Role::Limit => "limit",
        Role::Wharf => "wharf",
        Role::Rival => "rival",
    };
    let (middle, bar_top) = (top + ROW / 2.0, top + (ROW - BAR) / 2.0);
    let (name, label) = (escape(bar.name), escape(&bar.label));
    let (names, behind, long) = (NAMES - 8.0, NAMES + length(bar.value) + 6.0, length(bar.value));
    // Writing to a string can't fail.
    let _ = writeln!(
        svg,
        "<text x=\"{names:.0}\" y=\"{middle:.1}\" class=\"name\">{name}</text>\
         <rect x=\"{NAMES:.0}\" y=\"{bar_top:.1}\" width=\"{long:.1}\" height=\"{BAR:.0}\" \
         class=\"{class}\"/>"
    );
    if let Some(part) = bar.part.filter(|part| *part > 0.0) {
        let short = length(part);
        let _ = writeln!(
            svg,
            "<rect x=\"{NAMES:.0}\" y=\"{bar_top:.1}\" width=\"{short:.1}\" height=\"{BAR:.0}\" \
             class=\"part\"/>"
        );
    }
    let _ = writeln!(svg, "<text x=\"{behind:.1}\" y=\"{middle:.1}\">{label}</text>");
}

/// Makes `text` safe inside elements and quoted attributes.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            char => escaped.push(char),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(name: &str, value: f64) -> Bar<'_> {
        Bar { name, role: Role::Rival, value, part: Some(value / 2.0), label: format!("{value}") }
    }

    #[test]
    fn markup_in_names_is_text() {
        assert_eq!(
            escape("<a href=\"x\" b='&'>"),
            "&lt;a href=&quot;x&quot; b=&#39;&amp;&#39;&gt;"
        );
        assert!(!bars(vec![bar("<script>", 1.0)]).contains("<script>"));
    }

    #[test]
    fn bars_are_as_long_as_their_values_the_shortest_first() {
        let svg = bars(vec![bar("long", 4.0), bar("short", 1.0)]);
        assert!(svg.find("short").unwrap() < svg.find("long").unwrap());
        assert!(svg.contains("width=\"480.0\"") && svg.contains("width=\"120.0\""));
        assert_eq!(svg.matches("<rect").count(), 4);
    }

    #[test]
    fn nothing_but_zeroes_is_drawn_all_the_same() {
        assert!(!bars(vec![bar("none", 0.0)]).contains("NaN"));
        assert!(bars(Vec::new()).ends_with("</svg>\n"));
    }
}
