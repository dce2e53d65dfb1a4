//! The properties on inputs from a seeded generator. Each failure prints its input.

use super::*;

/// Marsaglia's xorshift with 64 bits of state: the same numbers each time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `bound`.
    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap();
        usize::try_from(self.next() % bound).unwrap()
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }

    fn bytes(&mut self, max_len: usize) -> Vec<u8> {
        let len = self.below(max_len + 1);
        (0..len).map(|_| self.byte()).collect()
    }

    fn numbers(&mut self, max_len: usize, bound: usize) -> Vec<usize> {
        let len = self.below(max_len + 1);
        (0..len).map(|_| self.below(bound)).collect()
    }

    fn words<'w>(&mut self, words: &[&'w [u8]], max_len: usize) -> Vec<&'w [u8]> {
        let len = self.below(max_len + 1);
        (0..len).map(|_| words[self.below(words.len())]).collect()
    }

    /// A few requests in a row, with a little damage in one of two cases.
    fn message(&mut self) -> Vec<u8> {
        let mut input = Vec::new();
        for _ in 0..1 + self.below(3) {
            input.extend(self.words(EMPTY_LINES, 1).concat());
            input.extend_from_slice(LINES[self.below(LINES.len())]);
            input.extend(self.words(FIELDS, 3).concat());
            input.extend_from_slice(FRAMINGS[self.below(FRAMINGS.len())]);
            input.extend(self.words(BODIES, 3).concat());
        }
        self.damage(&mut input);
        input
    }

    /// One request head of lines that are common or nearly so, often with some damage.
    fn head(&mut self) -> Vec<u8> {
        let mut input = Vec::new();
        for parts in [METHODS, TARGETS, VERSIONS] {
            input.extend_from_slice(parts[self.below(parts.len())]);
        }
        for _ in 0..self.below(8) {
            let end = LINE_ENDS[self.below(LINE_ENDS.len())];
            input.extend_from_slice(end);
            input.extend_from_slice(FIELD_LINES[self.below(FIELD_LINES.len())]);
        }
        input.extend_from_slice(b"\r\n\r\n");
        self.damage(&mut input);
        input
    }

    /// Changes, removes or adds a byte, in one of two cases.
    fn damage(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len());
        match self.below(6) {
            0 => input[at] = self.byte(),
            1 => drop(input.remove(at)),
            2 => input.insert(at, self.byte()),
            _ => {}
        }
    }
}

const EMPTY_LINES: &[&[u8]] = &[b"", b"", b"", b"\r\n"];

const LINES: &[&[u8]] = &[
    b"GET / HTTP/1.1\r\nHost: a\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\n",
    b"HEAD /a?b HTTP/1.1\r\nHost: a:1\r\n",
    b"POST http://a:80/b?c HTTP/1.0\r\n",
    b"OPTIONS * HTTP/1.9\r\nhost:a\r\n",
    b"CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n",
    b"GET / HTTP/1.1\r\n",
];

const FIELDS: &[&[u8]] = &[
    b"Connection: close\r\n",
    b"Connection: keep-alive, x\r\n",
    b"Expect: 100-continue\r\n",
    b"X:\t y \xff\t\r\n",
    b"Y:\r\n",
    b"Z: 0123456789 0123456789\t0123456789\r\n",
];

/// With the empty line, and with what belongs to it.
const FRAMINGS: &[&[u8]] = &[
    b"\r\n",
    b"Content-Length: 0\r\n\r\n",
    b"Content-Length: 5\r\n\r\nhello",
    b"Content-Length: 40\r\n\r\n0123456789012345678901234567890123456789",
    b"Content-Length: 300\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\nA;b=\"c\"\r\n0123456789\r\n0\r\nX: y\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n",
];

const BODIES: &[&[u8]] = &[b"hello", b"5\r\nhello\r\n", b"0\r\n\r\n", b"\r\n", b"", b"", b"", b""];

const METHODS: &[&[u8]] = &[b"GET ", b"GET ", b"HEAD ", b"POST ", b"PUT ", b"DELETE ", b"GETS "];

const TARGETS: &[&[u8]] = &[
    b"/",
    b"/",
    b"/index.html",
    b"/a/rather/long/path/of/more/than/sixty-four/bytes/and/its/query?a=b",
    b"/?a=b&c=%20d",
    b"/?",
    b"/a?b?c",
    b"/a#b",
    b"*",
    b"http://a/",
];

const VERSIONS: &[&[u8]] = &[b" HTTP/1.1", b" HTTP/1.1", b" HTTP/1.1", b" HTTP/1.0", b" HTTP/1.2"];

const LINE_ENDS: &[&[u8]] = &[
    b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\n",
    b"\r\r\n",
];

const FIELD_LINES: &[&[u8]] = &[
    b"Host: a",
    b"Host: a",
    b"Host: www.example.com:8080",
    b"host:a",
    b"Host: a/b",
    b"Connection: keep-alive",
    b"connection: Close",
    b"Content-Length: 0",
    b"Content-Length: 00",
    b"Transfer-Encoding: x",
    b"Expect: 100-continue",
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)",
    b"Accept: */*",
    b"Accept-Encoding: gzip, deflate, br, zstd",
    b"Cookie: a=0123456789abcdef0123456789abcdef; b=0123456789abcdef0123456789abcdef0123456789abcdef",
    b"X-Request-Id_1: 0",
    b"X~1: ~",
    b"X: ",
    b"X:",
    b"X:  y",
    b"X: y ",
    b"X: y\t",
    b"X: \ty",
    b"X: y\tz",
    b"X: \xc3\xa4",
    b"X : y",
    b": y",
];

const CHUNKS: &[&[u8]] = &[
    b"5\r\nhello\r\n",
    b"a;b=c\r\n0123456789\r\n",
    b"0A; d = \"e f\"\r\n0123456789\r\n",
    b"1\r\n\n\r\n",
    b"01;2\r\n0\r\n",
];

const LAST_CHUNKS: &[&[u8]] =
    &[b"0\r\n\r\n", b"000\r\n\r\n", b"0;a=b\r\n\r\n", b"0\r\nA: b\r\nC:\r\n\r\n"];

#[test]
fn where_the_bytes_are_cut_means_nothing() {
    let mut random = Random(0x5eed_0001);
    for _ in 0..10_000 {
        let input = random.message();
        check_split_invariance(&input, &random.numbers(4, 300));
    }
}

#[test]
fn whole_lines_mean_what_their_bytes_mean() {
    let mut random = Random(0x5eed_0007);
    for round in 0..5_000 {
        let input = random.head();
        check_split_invariance(&input, &(0..=input.len()).collect::<Vec<_>>());
        check_split_invariance(&input, &random.numbers(3, 300));
        if round % 50 == 0 {
            for cut in 0..input.len() {
                check_split_invariance(&input, &[cut]);
            }
        }
    }
}

/// Names and values that end at every place of a block and of the input, and one byte of every kind
/// at every place.
#[test]
fn lines_of_all_lengths_mean_what_their_bytes_mean() {
    let check = |input: &[u8]| {
        check_split_invariance(input, &(0..=input.len()).collect::<Vec<_>>());
    };
    let head = |path: usize, name: usize, value: usize| {
        let [path, name, value] =
            [("p", path), ("N", name), ("v", value)].map(|(s, n)| s.repeat(n));
        format!("GET /{path} HTTP/1.1\r\nHost: a\r\n{name}: {value}\r\n\r\n").into_bytes()
    };
    for len in 0..40 {
        for other in [1, 2, 12, 13, 14, 15, 16, 17, 31, 32, 33] {
            check(&head(len, 3, other));
            check(&head(1, len, other));
            check(&head(1, other, len));
        }
    }
    let good = head(14, 13, 19);
    for at in 0..good.len() {
        for byte in *b"\0\t\n\r !#-/0:?@A[_`z{~\x7f\x80\xff" {
            let mut input = good.clone();
            input[at] = byte;
            check(&input);
        }
    }
}

#[test]
fn each_byte_may_come_alone() {
    let mut random = Random(0x5eed_0002);
    for _ in 0..2_000 {
        let input = random.message();
        check_split_invariance(&input, &(0..=input.len()).collect::<Vec<_>>());
    }
}

#[test]
fn what_we_send_as_chunks_we_read_as_chunks() {
    let mut random = Random(0x5eed_0003);
    for _ in 0..5_000 {
        let data = random.bytes(300);
        check_chunked_round_trip(&data, &random.numbers(10, 100));
    }
    check_chunked_round_trip(&vec![b'x'; 100_000], &[1]);
}

#[test]
fn heads_mean_to_others_what_they_mean_to_us() {
    let mut random = Random(0x5eed_0004);
    for _ in 0..20_000 {
        check_against_reference(&random.message());
        check_against_reference(&random.head());
    }
}

#[test]
fn chunks_mean_to_others_what_they_mean_to_us() {
    let mut random = Random(0x5eed_0006);
    for _ in 0..10_000 {
        let mut body = random.words(CHUNKS, 4).concat();
        body.extend_from_slice(LAST_CHUNKS[random.below(LAST_CHUNKS.len())]);
        random.damage(&mut body);
        check_chunks_against_reference(&body);
    }
}

#[test]
fn no_order_of_operations_breaks_a_connection() {
    let mut random = Random(0x5eed_0005);
    for _ in 0..20_000 {
        check_operations(&random.bytes(60));
    }
}
