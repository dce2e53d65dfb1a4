//! The least a single-threaded `io_uring` server can do; what a request costs here is the kernel's.
//!
//! The program is `server.c`: a ring is memory shared with the kernel, which takes unsafe code, and
//! in this repository there is none outside of one folder of wharf. Its `main` is the program's.
//!
//! Not here: anything else. This file makes it a binary like all others.

#![no_main]
