//! The completion backend alone: what a worker can't show.
