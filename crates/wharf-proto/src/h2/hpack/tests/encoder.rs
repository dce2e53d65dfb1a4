//! What we send, and that a peer reads it as it was meant.

use super::*;

/// Encodes a head and checks that a decoder in step reads it.
fn sent(encoder: &mut Encoder, decoder: &mut Decoder, fields: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut block = encoder.block(&mut out);
    for (name, value) in fields {
        block.field(name.as_bytes(), value.as_bytes());
    }
    let (outcome, taken) = decode(decoder, &out);
    assert_eq!(outcome, Ok(Outcome::Complete));
    let lower = fields.iter().map(|(name, value)| format!("{}: {value}", name.to_lowercase()));
    assert_eq!(taken, lower.collect::<Vec<_>>());
    out
}

fn pair() -> (Encoder, Decoder) {
    (Encoder::new(), Decoder::new(65_536))
}

#[test]
fn a_repeated_head_takes_a_byte_for_each_field() {
    let (mut encoder, mut decoder) = pair();
    let head = [
        (":status", "200"),
        ("Content-Type", "text/html; charset=utf-8"),
        ("server", "wharf"),
        ("Date", "Mon, 21 Oct 2013 20:13:22 GMT"),
        ("content-length", "1234"),
        ("X-Powered-By", "patience"),
    ];
    let first = sent(&mut encoder, &mut decoder, &head);
    assert!(first.len() > 60, "{}", first.len());
    let second = sent(&mut encoder, &mut decoder, &head);
    assert!(second.len() < 14, "the length is indexed now: {second:x?}");
    let third = sent(&mut encoder, &mut decoder, &head);
    assert_eq!(third.len(), head.len());
    let generation = encoder.generation();
    assert_eq!(sent(&mut encoder, &mut decoder, &head), third);
    assert_eq!(encoder.generation(), generation);
}

#[test]
fn statuses_are_one_byte_or_become_one() {
    let (mut encoder, mut decoder) = pair();
    for status in [200, 204, 206, 304, 400, 404, 500, 100, 201, 302, 999] {
        for _ in 0..2 {
            let mut out = Vec::new();
            encoder.block(&mut out).status(status);
            assert_eq!(decode(&mut decoder, &out).1, [format!(":status: {status}")]);
        }
        let mut out = Vec::new();
        encoder.block(&mut out).status(status);
        assert_eq!(out.len(), 1, "{status}");
    }
}

#[test]
fn secrets_are_never_indexed() {
    let (mut encoder, mut decoder) = pair();
    let generation = encoder.generation();
    for name in ["authorization", "Cookie", "proxy-authorization", "SET-COOKIE"] {
        for _ in 0..3 {
            let out = sent(&mut encoder, &mut decoder, &[(name, "a secret")]);
            assert_eq!(out[0] & 0xf0, 0x10, "7.1.3 {name}");
        }
    }
    assert_eq!((encoder.generation(), encoder.storage_bytes()), (generation, 0));
    assert!(table(&decoder).is_empty());
}

#[test]
fn what_differs_each_time_drives_nothing_out() {
    let (mut encoder, mut decoder) = pair();
    sent(&mut encoder, &mut decoder, &[("server", "wharf")]);
    for number in 0..1000 {
        let number = number.to_string();
        let head = [("server", "wharf"), ("content-length", &number), ("etag", &number)];
        let out = sent(&mut encoder, &mut decoder, &head);
        assert_eq!(out[0], 0xbe);
    }
    assert_eq!(table(&decoder).len(), 1);
    let large = "x".repeat(1000);
    sent(&mut encoder, &mut decoder, &[("x-large", &large), ("x-large", &large)]);
    assert_eq!(table(&decoder).len(), 1);
}

#[test]
fn sizes_of_the_table_are_confirmed_with_the_next_block() {
    let (mut encoder, mut decoder) = pair();
    let head = [("server", "wharf")];
    sent(&mut encoder, &mut decoder, &head);
    // More than is used changes nothing.
    encoder.set_max_table_bytes(65_536);
    assert_eq!(sent(&mut encoder, &mut decoder, &head), [0xbe]);

    decoder.set_max_table_bytes(100);
    encoder.set_max_table_bytes(100);
    assert_eq!(sent(&mut encoder, &mut decoder, &head), [0x3f, 0x45, 0xbe], "4.2 smaller");

    encoder.set_max_table_bytes(0);
    encoder.set_max_table_bytes(50);
    encoder.set_max_table_bytes(100);
    decoder.set_max_table_bytes(100);
    let out = sent(&mut encoder, &mut decoder, &[(":status", "200")]);
    assert_eq!(out, [0x20, 0x3f, 0x45, 0x88], "4.2 the smallest and the last");
    assert_eq!(sent(&mut encoder, &mut decoder, &[(":status", "200")]), [0x88]);

    decoder.set_max_table_bytes(0);
    encoder.set_max_table_bytes(0);
    for _ in 0..3 {
        sent(&mut encoder, &mut decoder, &head);
    }
    assert!(table(&decoder).is_empty());
}

#[test]
fn names_are_indexed_too() {
    let (mut encoder, mut decoder) = pair();
    sent(&mut encoder, &mut decoder, &[("X-Name-Of-Our-Own", "1")]);
    let out = sent(&mut encoder, &mut decoder, &[("x-name-of-our-own", "2")]);
    assert_eq!(out, [0x7e, 0x01, b'2']);
    let out = sent(&mut encoder, &mut decoder, &[("accept-encoding", "gzip, deflate")]);
    assert_eq!(out, [0x90]);
}

#[test]
fn idle_tables_hold_no_storage_and_busy_ones_little() {
    let (mut encoder, mut decoder) = pair();
    for _ in 0..3 {
        sent(&mut encoder, &mut decoder, &[(":status", "404")]);
    }
    assert_eq!((encoder.storage_bytes(), decoder.storage_bytes()), (0, 0));
    for number in 0..10_000 {
        let (name, value) = (format!("x-{}", number % 300), number.to_string());
        sent(&mut encoder, &mut decoder, &[(&name, &value)]);
    }
    assert!(encoder.storage_bytes() < 16_384, "{}", encoder.storage_bytes());
    assert!(decoder.storage_bytes() < 16_384, "{}", decoder.storage_bytes());
}

#[test]
fn a_usual_head_takes_little_storage_and_a_long_one_is_found_again() {
    let (mut encoder, mut decoder) = pair();
    let usual =
        [("content-type", "text/plain"), ("date", "Mon, 21 Oct 2013 20:13:22 GMT"), ("x-a", "b")];
    for _ in 0..3 {
        sent(&mut encoder, &mut decoder, &usual);
    }
    assert!(encoder.storage_bytes() < 512, "{}", encoder.storage_bytes());
    let names: Vec<String> = (0..20).map(|number| format!("x-{number}")).collect();
    let long: Vec<(&str, &str)> = names.iter().map(|name| (&**name, "a value")).collect();
    for _ in 0..3 {
        sent(&mut encoder, &mut decoder, &long);
    }
    assert_eq!(sent(&mut encoder, &mut decoder, &long).len(), long.len());
}
