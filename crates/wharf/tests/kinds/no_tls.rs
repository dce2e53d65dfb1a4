//! The layers of a build that has no TLS. Not here: TLS (`tls.rs`).

use super::{Layer, PLAIN};

pub(super) const LAYERS: &[Layer] = &[PLAIN];
