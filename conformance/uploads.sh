#!/usr/bin/env bash
# Sends 100 MiB to handlers that read piece by piece, and looks at the server's memory:
#
#   cargo build --release --example conformance
#   conformance/uploads.sh target/release/examples/conformance
#
# With a length and chunked, to a handler that counts and to one that sends back what comes, the
# latter also to a client that does not read for two seconds. The peak of the server's resident
# memory may be 2 MiB above that of the idle server, or above what a small request left.
# shellcheck disable=SC2329 # Functions that only a trap or `"$@"` invokes are invoked all the same.
set -euo pipefail
export LC_ALL=C

example=$(realpath "${1:?usage: conformance/uploads.sh SERVER}")
max_growth_kib=2048
temp=$(mktemp -d)
server=
cleanup() {
    if [[ -n $server ]]; then
        kill "$server" 2> /dev/null || true
    fi
    rm -rf "$temp"
}
trap cleanup EXIT

memory() { # FIELD
    sed -n "s/^$1:[^0-9]*\([0-9]*\) kB\$/\1/p" "/proc/$server/status"
}

head -c $((100 << 20)) /dev/urandom > "$temp/data"
sum=$(sha256sum < "$temp/data")
expected=$(python3 -c 'import sys, zlib
data = open(sys.argv[1], "rb").read()
print("%d %08x" % (len(data), zlib.adler32(data)))' "$temp/data")

: > "$temp/out"
"$example" --listen 127.0.0.1:0 --max-body-bytes $((101 << 20)) > "$temp/out" &
server=$!
addr=
for _ in {1..100}; do
    addr=$(sed -n 's/^listening on //p' "$temp/out")
    [[ -z $addr ]] || break
    sleep 0.1
done
[[ -n $addr ]] || { echo 'the server did not start' >&2; exit 1; }

failed=0
fail() {
    failed=1
    printf 'FAILED: %s\n' "$*" >&2
}

send() { # PATH CURL-ARGS...
    local path=$1
    shift
    curl -sS --max-time 60 -H 'Expect:' "$@" -T "$temp/data" -X POST "http://$addr$path"
}

# Runs a function and looks at the memory before it and its peak during it.
measure() { # NAME FUNCTION ARGS...
    local name=$1 before peak
    shift
    before=$(memory VmRSS)
    # Has the kernel forget the peak up to now.
    echo 5 > "/proc/$server/clear_refs"
    "$@"
    peak=$(memory VmHWM)
    printf '%-34s idle %6d KiB, peak %6d KiB, growth %5d KiB\n' \
        "$name" "$before" "$peak" "$((peak - before))"
    [[ $((peak - before)) -lt $max_growth_kib ]] || fail "$name took $((peak - before)) KiB"
}

upload() { # CURL-ARGS...
    local answer
    answer=$(send /upload "$@") || fail "the upload ended with $?"
    [[ $answer == "$expected" ]] || fail "\`$answer\` instead of \`$expected\`"
}

echo_back() { # PAUSE CURL-ARGS...
    local pause=$1 answer
    shift
    answer=$(send /echo "$@" | { sleep "$pause"; sha256sum; }) || fail "the echo ended with $?"
    [[ $answer == "$sum" ]] || fail 'other bytes came back'
}

# Code and buffers that any upload needs once count as idle.
curl -sS -o /dev/null -d x "http://$addr/upload"
measure 'counted, with a length' upload
measure 'counted, chunked' upload -H 'Transfer-Encoding: chunked'
measure 'sent back, with a length' echo_back 0
measure 'sent back, chunked' echo_back 0 -H 'Transfer-Encoding: chunked'
measure 'sent back to one who waits' echo_back 2
exit "$failed"
