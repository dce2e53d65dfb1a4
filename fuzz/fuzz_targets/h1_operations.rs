//! No order of what peers and applications can do breaks a connection or its responses.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wharf_proto::h1::properties::check_operations;

fuzz_target!(|ops: &[u8]| check_operations(ops));
