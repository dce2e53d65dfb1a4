#!/usr/bin/env bash
# Runs real HTTP clients against the `conformance` example: curl, nghttp, h2load, Python's
# http.client, requests, httpx, aiohttp and h2, Node's fetch, http, https, http2 and undici, and Go's
# net/http. Each speaks what it can of HTTP/1.1 and HTTP/2, over TLS and without.
#
#   cargo build --release -p wharf --features tls-self-signed --example conformance
#   conformance/clients/run.sh target/release/examples/conformance [BACKEND]
#
# Each sends 1,000 mixed requests, of which every answer is checked, then uploads 5 MiB over and over
# where 1 MiB is allowed: the client must see the 413 and no reset. It then leaves in the middle of
# responses. Afterwards the server must have closed every connection.
#
# PYTHON is an interpreter with the packages of requirements.txt (default: python3), and
# WHARF_NODE_PACKAGES a folder in which undici is installed (default: undici is left out). BACKEND is
# epoll or io_uring.
# shellcheck disable=SC2329 # Functions that only a trap or `"$@"` invokes are invoked all the same.
set -euo pipefail
export LC_ALL=C

example=$(realpath "${1:?usage: conformance/clients/run.sh SERVER [BACKEND]}")
backend=${2:-epoll}
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

bash ../certificates.sh "$temp"
# Node looks for the second.
export WHARF_CLIENTS_CA=$temp/ca.pem NODE_EXTRA_CA_CERTS=$temp/ca.pem
: > "$temp/out"
"$example" --backend "$backend" --listen 127.0.0.1:0 --listen-tls 127.0.0.1:0 \
    --tls-cert "$temp/cert.pem" --tls-key "$temp/key.pem" > "$temp/out" &
server=$!
ports=()
for _ in {1..100}; do
    mapfile -t ports < <(sed -n 's/^listening on 127.0.0.1://p' "$temp/out")
    [[ ${#ports[@]} -lt 2 ]] || break
    sleep 0.1
done
[[ ${#ports[@]} -eq 2 ]] || { echo 'the server did not start' >&2; exit 1; }
before=$(descriptors)

failed=0
# No byte code in the source tree.
export PYTHONDONTWRITEBYTECODE=1
# Debian's packages of Go, of which one is HTTP/2 without TLS.
export GO111MODULE=off GOFLAGS='' GOPATH=/usr/share/gocode
go build -o "$temp/go_client" go_client.go
for url in "http://127.0.0.1:${ports[0]}" "https://localhost:${ports[1]}"; do
    for version in 1.1 2; do
        python3 curl_client.py "$url" "$version" || failed=1
        python3 nghttp_client.py "$url" "$version" || failed=1
        "$python" python_clients.py "$url" "$version" || failed=1
        node node_clients.mjs "$url" "$version" || failed=1
        "$temp/go_client" "$url" "$version" || failed=1
    done
    "$python" h2_client.py "$url" || failed=1
done

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
