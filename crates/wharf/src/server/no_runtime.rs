//! Without the feature `tokio`: a runtime that is none.
//!
//! Not here: everything.

/// No runtime.
#[derive(Clone, Debug, Default)]
pub(crate) struct Runtime(());

/// The context of no runtime.
pub(crate) struct Entered;

impl Runtime {
    pub(crate) const fn or_current(self) -> Self {
        self
    }

    pub(crate) const fn enter(&self) -> Entered {
        Entered
    }
}
