#!/usr/bin/env bash
# Slow attacks by slowhttptest, and what they do to others: by hand, not in CI.
#
#   cargo build --release --example conformance
#   conformance/slow.sh target/release/examples/conformance [--quick]
#
# Slow heads, slow bodies, ranges and slow reading, 1,000 connections for 60 s each, against default
# timeouts. `--quick` is 10 s each. Meanwhile wrk is a good client on four connections. Prints for
# each attack the good client's median and 99th percentile before and during it, how long the attack
# held connections, the most descriptors and memory that it took, and what memory was left of it.
# Fails if the good client had an error, or if descriptors or memory do not come back.
# Needs slowhttptest and wrk.
#
# shellcheck disable=SC2329 # Functions that only a trap invokes are invoked all the same.
set -euo pipefail
export LC_ALL=C

example=$(realpath "${1:?usage: conformance/slow.sh SERVER [--quick]}")
connections=1000
seconds=60
interval=10
case ${2:-} in
    --quick) seconds=10 interval=2 ;;
    '') ;;
    *) echo "unknown option $2" >&2; exit 2 ;;
esac
# What the allocator may keep of the attacks' memory.
max_left_kib=16384
temp=$(mktemp -d)
server=
attack=
cleanup() {
    local pid
    for pid in $attack $server; do
        kill "$pid" 2> /dev/null || true
    done
    rm -rf "$temp"
}
trap cleanup EXIT

# Every connection is a descriptor of the server's and one of the attacker's.
ulimit -n 8192

descriptors() {
    find "/proc/$server/fd" -mindepth 1 2> /dev/null | wc -l
}

resident_kib() {
    sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB$/\1/p' "/proc/$server/status"
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

failed=0
fail() {
    failed=1
    printf 'FAILED: %s\n' "$*" >&2
}

good_client() { # SECONDS; sets `latency` to median and 99th percentile
    wrk --threads 1 --connections 4 --duration "$1s" --timeout 10s --latency "http://$addr/" > "$temp/wrk"
    latency=$(awk '$1 == "50%" { median = $2 } $1 == "99%" { print median, $2 }' "$temp/wrk")
    if grep -E 'Socket errors|Non-2xx' "$temp/wrk" >&2; then
        fail 'the good client was not served well'
    fi
}

# Notes four times a second for how many seconds there have been more descriptors than the good
# client's, and the most of descriptors and memory.
watch() {
    local descriptors=0 resident=0 held=0 now
    SECONDS=0
    while sleep 0.25; do
        now=$(descriptors)
        [[ $now -le $((idle_descriptors + 10)) ]] || held=$SECONDS
        [[ $now -le $descriptors ]] || descriptors=$now
        now=$(resident_kib)
        [[ $now -le $resident ]] || resident=$now
        echo "$held $descriptors $resident" > "$temp/most"
    done
}

attack() { # NAME PATH OPTIONS...
    local name=$1 path=$2 before_latency descriptors_now most watcher
    shift 2
    good_client 10
    before_latency=$latency
    # Attackers have machines of their own: what theirs takes of this one's cores is no attack.
    nice -n 19 slowhttptest "$@" -c $connections -r 500 -i $interval -l $seconds -p 5 -u "http://$addr$path" \
        > /dev/null 2>&1 &
    attack=$!
    watch &
    watcher=$!
    # Until all connections are open.
    sleep 3
    good_client $((seconds - 5))
    # It ends with an error if the server closes all connections, which is what is hoped for.
    wait "$attack" || true
    attack=
    kill "$watcher"
    wait "$watcher" || true
    most=$(cat "$temp/most")
    for _ in {1..150}; do
        descriptors_now=$(descriptors)
        [[ $descriptors_now -gt $idle_descriptors ]] || break
        sleep 0.1
    done
    [[ $descriptors_now -eq $idle_descriptors ]] ||
        fail "$name left $descriptors_now descriptors, not $idle_descriptors"
    # Memory is given back a second after a burst.
    sleep 2
    # shellcheck disable=SC2086 # These are several columns each.
    printf '%-12s %10s %10s %10s %10s %8s %8s %9s %9s\n' \
        "$name" $before_latency $latency $most "$(resident_kib)"
}

# The first load of all is no attack: what it takes is the server's own. Its connections may be
# closing still.
good_client 2
sleep 3
idle_descriptors=$(descriptors)
idle_kib=$(resident_kib)
echo "$connections connections for $seconds s each; idle: $idle_descriptors descriptors, $idle_kib KiB"
printf '%-12s %21s %21s %8s %18s %9s\n' '' 'before: median, p99' 'during: median, p99' 'held, s' 'most: fds, KiB' 'left, KiB'
memory_is_back() { # KIB
    # It is given back once a minute at most.
    for _ in {1..70}; do
        [[ $(resident_kib) -ge $(($1 + max_left_kib)) ]] || return 0
        sleep 1
    done
    fail "$(resident_kib) KiB are left, where there were $1"
}

attack 'slow heads' / -H
attack 'slow bodies' /upload -B -s 8192
attack 'ranges' '/bytes?count=10000' -R -t GET
memory_is_back "$idle_kib"
read_slowly=('/stream?pieces=100000&bytes=1000' -X -w 512 -y 1024 -n 1 -z 32 -k 3)
attack 'slow reading' "${read_slowly[@]}"
memory_is_back "$idle_kib"
exit "$failed"
