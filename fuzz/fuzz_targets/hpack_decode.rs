//! Header blocks keep both tables in step, stay within bounds, and come back as they were.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wharf_proto::h2::hpack::properties::check_blocks;

fuzz_target!(|input: &[u8]| check_blocks(input));
