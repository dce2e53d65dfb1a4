#!/usr/bin/env bash
# Runs real HTTP clients against the `conformance` example: curl, Python's http.client, requests,
# httpx and aiohttp, Node's fetch, http and undici, and Go's net/http.
#
#   cargo build --release --example conformance
#   conformance/clients/run.sh target/release/examples/conformance
#
# Each sends 1,000 mixed requests, of which every answer is checked, and then uploads 5 MiB over and
# over where 1 MiB is allowed: the client must see the 413 and no reset. Afterwards the server must
# have closed every connection.
#
# PYTHON is an interpreter with the packages of requirements.txt (default: python3), and
# WHARF_NODE_PACKAGES a folder in which undici is installed (default: undici is left out).
# shellcheck disable=SC2329 # Functions that only a trap or `"$@"` invokes are invoked all the same.
set -euo pipefail
export LC_ALL=C

example=$(realpath "${1:?usage: conformance/clients/run.sh SERVER}")
cd "$(dirname "$0")"
python=${PYTHON:-python3}
temp=$(mktemp -d)
server=
cleanup() {
    if [[ -n $server ]]; then
        kill "$server" 2> /dev/null || true
    fi
    rm -rf "$temp"
}
trap cleanup EXIT

descriptors() {
    find "/proc/$server/fd" -mindepth 1 2> /dev/null | wc -l
}

: > "$temp/out"
"$example" --listen 127.0.0.1:0 > "$temp/out" &
server=$!
addr=
for _ in {1..100}; do
    addr=$(sed -n 's/^listening on //p' "$temp/out")
    [[ -z $addr ]] || break
    sleep 0.1
done
[[ -n $addr ]] || { echo 'the server did not start' >&2; exit 1; }
before=$(descriptors)

failed=0
# No byte code in the source tree.
export PYTHONDONTWRITEBYTECODE=1
python3 curl_client.py "$addr" || failed=1
"$python" python_clients.py "$addr" || failed=1
node node_clients.mjs "$addr" || failed=1
GO111MODULE=off GOFLAGS='' go run go_client.go "$addr" || failed=1

# The longest that a closed connection is kept is the linger of 2 s.
for _ in {1..50}; do
    after=$(descriptors)
    [[ $after -gt $before ]] || break
    sleep 0.1
done
if [[ $after -ne $before ]]; then
    echo "FAILED: the server had $before descriptors and has $after" >&2
    failed=1
fi
exit "$failed"
