//! Finding one of many routes in wharf's table, and in that of matchit, which is below it.
//!
//! A request can't be made outside of wharf, so the files that find routes are compiled into this
//! crate as they are. Not here: choosing by host and method, and calling the handler.

use std::hint::black_box;

#[expect(dead_code, reason = "the rest of the router uses more of it")]
#[path = "../../../crates/wharf/src/router/normal.rs"]
mod normal;
#[expect(dead_code, reason = "the rest of the router uses more of it")]
#[path = "../../../crates/wharf/src/router/paths.rs"]
mod paths;
#[expect(dead_code, reason = "the rest of the router uses more of it")]
#[path = "../../../crates/wharf/src/router/pattern.rs"]
mod pattern;

use paths::Paths;
use pattern::Pattern;

/// A path without a parameter, among those of [`patterns`].
pub(crate) const LITERAL: &str = "/api/v1/things7";

/// A path with one.
pub(crate) const PARAM: &str = "/api/v1/things7/1042";

/// `count` patterns, every other with a parameter.
fn patterns(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|number| {
        let thing = number / 2 + 5;
        let param = if number % 2 == 0 { "" } else { "/{id}" };
        format!("/api/v1/things{thing}{param}")
    })
}

/// As `Router` does for a path that is a route's.
pub(crate) fn wharf(count: usize, path: &'static str) -> Box<dyn FnMut()> {
    let mut table = Paths::default();
    for (entry, pattern) in patterns(count).enumerate() {
        let pattern = Pattern::route(&pattern).expect("the patterns are good");
        table.insert(&pattern, entry).expect("no two are the same");
    }
    Box::new(move || {
        let path = normal::of_path(black_box(path)).expect("the path has no dots");
        assert!(black_box(table.find(&path)).is_some());
    })
}

pub(crate) fn matchit(count: usize, path: &'static str) -> Box<dyn FnMut()> {
    let mut table = matchit::Router::new();
    for (entry, pattern) in patterns(count).enumerate() {
        table.insert(pattern, entry).expect("no two are the same");
    }
    Box::new(move || {
        assert!(black_box(table.at(black_box(path))).is_ok());
    })
}
