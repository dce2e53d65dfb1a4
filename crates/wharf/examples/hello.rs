//! The smallest server: `cargo run --release --example hello`.

use wharf::Request;

fn main() -> wharf::Result {
    wharf::serve("127.0.0.1:8080", |_: Request| "Hello, world!\n")
}
