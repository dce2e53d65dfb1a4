//! Sixteen bytes at once are classed as each of them is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wharf_scan::properties::check;

fuzz_target!(|input: &[u8]| check(input));
