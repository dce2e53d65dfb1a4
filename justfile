# Runs all tests of the workspace.
test:
    cargo test --workspace --all-features

# Checks format, lints, dependencies and licenses.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --all-features -- -D warnings
    cargo deny check

# Checks the house rules, see xtask/src/tidy.
tidy:
    cargo run --quiet --package xtask -- tidy

# Runs each fuzz target for a minute, or for the given number of seconds.
fuzz seconds="60":
    for target in $(cargo fuzz list); do cargo +nightly fuzz run $target -- -max_total_time={{seconds}} || exit 1; done

# Compares with other servers on this machine. Arguments go to the tool.
bench *args:
    cargo run --release --manifest-path bench/Cargo.toml --package compare -- {{args}}
