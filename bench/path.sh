#!/usr/bin/env bash
# Sends 100 MiB up and down a path of 50 ms (there and back), with HTTP/2 and HTTP/1.1, in cleartext
# and over TLS, and fails if HTTP/2 is slower than nine tenths of HTTP/1.1:
#
#   cargo build --release --manifest-path bench/Cargo.toml -p peer-wharf -p relay
#   bench/path.sh bench/target/release
#
# Server and client (curl) are the same for both. Rounds alternate; medians count. The path is one
# of our own (bench/relay), since not every kernel emulates one. DELAY_MS is one way, MBIT the
# bandwidth, ROUNDS how often.
# shellcheck disable=SC2329 # The trap invokes it.
set -euo pipefail
export LC_ALL=C

programs=$(realpath "${1:?usage: bench/path.sh FOLDER}")
rounds=${ROUNDS:-3}
temp=$(mktemp -d)
pids=()
cleanup() {
    kill "${pids[@]}" 2> /dev/null || true
    rm -rf "$temp"
}
trap cleanup EXIT

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
    -keyout "$temp/key.pem" -out "$temp/cert.pem" 2> /dev/null
truncate -s $((100 << 20)) "$temp/data"

free_port() {
    python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])'
}

begin() { # NAME SERVER-OPTIONS...
    local name=$1 port
    shift
    port=$(free_port)
    "$programs/peer-wharf" --listen "127.0.0.1:$port" "$@" < /dev/null &
    pids+=($!)
    "$programs/relay" --to "127.0.0.1:$port" --delay-ms "${DELAY_MS:-25}" --mbit "${MBIT:-500}" \
        > "$temp/$name" &
    pids+=($!)
    for _ in {1..100}; do
        [[ -s $temp/$name ]] && curl -sko "$temp/out" "$(url "$name")/" && return
        sleep 0.1
    done
    echo 'the server did not start' >&2
    exit 1
}

url() { # NAME
    local scheme=http
    [[ $1 != tls ]] || scheme=https
    printf '%s://%s' "$scheme" "$(sed -n 's/^listening on //p' "$temp/$1")"
}

begin cleartext
begin tls --tls-cert "$temp/cert.pem" --tls-key "$temp/key.pem"

measure() { # TRANSPORT VERSION DIRECTION
    local version=--http1.1 path=/100m options=()
    if [[ $2 == http2 ]]; then
        version=--http2
        [[ $1 == tls ]] || version=--http2-prior-knowledge
    fi
    if [[ $3 == up ]]; then
        path=/upload
        options=(-T "$temp/data" -X POST -H Expect:)
    fi
    curl -sSk --max-time 120 "$version" "${options[@]}" -o "$temp/out" \
        -w '%{http_version} %{response_code} %{size_upload} %{size_download} %{time_total}\n' \
        "$(url "$1")$path" >> "$temp/$1-$2-$3"
}

for ((round = 0; round < rounds; round++)); do
    for transport in cleartext tls; do
        for direction in up down; do
            for version in http1 http2; do
                measure "$transport" "$version" "$direction"
            done
        done
    done
done

python3 - "$temp" << 'EOF'
import statistics, sys

def seconds(name, direction, version):
    times = []
    for line in open(f"{sys.argv[1]}/{name}-{version}-{direction}"):
        spoken, status, up, down, total = line.split()
        moved = int(up if direction == "up" else down)
        wanted = {"http1": "1.1", "http2": "2"}[version]
        assert (spoken, status, moved) == (wanted, "200", 100 << 20), line
        times.append(float(total))
    return statistics.median(times)

slow = 0
print(f"{'':<16} {'HTTP/1.1':>10} {'HTTP/2':>10}  MiB/s, medians, and their ratio")
for name in ["cleartext", "tls"]:
    for direction in ["up", "down"]:
        one, two = (seconds(name, direction, version) for version in ["http1", "http2"])
        ratio = one / two
        slow += ratio < 0.9
        print(f"{name + ' ' + direction:<16} {100 / one:>10.1f} {100 / two:>10.1f}  {ratio:.2f}")
sys.exit(slow > 0)
EOF
