//! SHA-256 (FIPS 180-4) and base64, for the one hash that the policy of the page has.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub(super) fn sha256_base64(message: &[u8]) -> String {
    let mut hash = sha256(message).to_vec();
    // 32 bytes are a byte short of 11 groups.
    hash.push(0);
    let mut text = String::new();
    for group in hash.chunks(3) {
        let bits = group.iter().fold(0, |bits, &byte| bits << 8 | usize::from(byte));
        text.extend([18, 12, 6, 0].map(|shift| char::from(ALPHABET[bits >> shift & 63])));
    }
    text.replace_range(text.len() - 1.., "=");
    text
}

fn sha256(message: &[u8]) -> [u8; 32] {
    let primes = (2_u32..).filter(|&number| (2..number).all(|divisor| number % divisor != 0));
    let primes: Vec<f64> = primes.take(64).map(f64::from).collect();
    let constants: Vec<u32> = primes.iter().map(|prime| fraction(prime.cbrt())).collect();
    let mut state: Vec<u32> = primes.iter().take(8).map(|prime| fraction(prime.sqrt())).collect();

    let mut padded = message.to_vec();
    padded.push(0x80);
    padded.resize(padded.len().next_multiple_of(64), 0);
    if padded.len() - message.len() < 9 {
        padded.resize(padded.len() + 64, 0);
    }
    let length_at = padded.len() - 8;
    padded[length_at..].copy_from_slice(&(message.len() as u64 * 8).to_be_bytes());

    for block in padded.chunks(64) {
        let words = block.chunks(4).map(|word| u32::from_be_bytes(word.try_into().unwrap()));
        let mut words: Vec<u32> = words.collect();
        for at in 16..64 {
            let (a, b) = (words[at - 15], words[at - 2]);
            let a = a.rotate_right(7) ^ a.rotate_right(18) ^ a >> 3;
            let b = b.rotate_right(17) ^ b.rotate_right(19) ^ b >> 10;
            let sum = [words[at - 16], a, words[at - 7], b].into_iter().fold(0, u32::wrapping_add);
            words.push(sum);
        }
        let mut next = state.clone();
        for (word, constant) in words.iter().zip(&constants) {
            let [a, b, c, _, e, f, g, h] = *next.first_chunk().unwrap();
            let high = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
            let low = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
            let parts = [h, high, e & f ^ !e & g, *constant, *word];
            let first = parts.into_iter().fold(0, u32::wrapping_add);
            let second = low.wrapping_add(a & b ^ a & c ^ b & c);
            next.rotate_right(1);
            next[4] = next[4].wrapping_add(first);
            next[0] = first.wrapping_add(second);
        }
        for (word, change) in state.iter_mut().zip(next) {
            *word = word.wrapping_add(change);
        }
    }
    let bytes: Vec<u8> = state.into_iter().flat_map(u32::to_be_bytes).collect();
    bytes.try_into().unwrap()
}

/// The first 32 bits behind the point.
fn fraction(number: f64) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is below 2^32")]
    let bits = (number.fract() * 4_294_967_296.0) as u32;
    bits
}

#[test]
fn hashes_are_those_of_the_standard() {
    let rows = [
        ("", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
        ("abc", "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "JI1qYdIGOLjlwCaTDD5gOaM85Flk/yFn9uzt1BnbBsE=",
        ),
    ];
    for (message, expected) in rows {
        assert_eq!(sha256_base64(message.as_bytes()), expected, "{message}");
    }
}
