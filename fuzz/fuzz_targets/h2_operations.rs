//! No order of what peers and applications can do breaks a connection of HTTP/2 or its streams.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wharf_proto::h2::properties::check_operations;

fuzz_target!(|ops: &[u8]| check_operations(ops));
