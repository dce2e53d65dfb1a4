#!/usr/bin/env bash
# Has programs that know nothing of wharf speak to servers of other protocols than HTTP:
#
#   cargo build --release --features tls -p wharf --example tcp_echo --example custom_protocol
#   conformance/raw.sh target/release/examples/tcp_echo target/release/examples/custom_protocol
#
# nc, socat (IPv4, IPv6, TLS) and `openssl s_client` get back what they send, byte for byte;
# redis-benchmark and redis-cli find the part of Redis that the example has. A program that is not
# installed is left out, which is said. Prints one line for each part, and what failed.
set -euo pipefail
export LC_ALL=C

echo_server=$(realpath "${1:?usage: conformance/raw.sh TCP_ECHO CUSTOM_PROTOCOL}")
redis_server=$(realpath "${2:?usage: conformance/raw.sh TCP_ECHO CUSTOM_PROTOCOL}")
temp=$(mktemp -d)
servers=()
cleanup() {
  for server in "${servers[@]}"; do
    kill -KILL "$server" 2> /dev/null || true
  done
  rm -rf "$temp"
}
trap cleanup EXIT

failures=0
has() {
  command -v "$1" > /dev/null || { echo "left out: $1 is not installed"; return 1; }
}
is_same() { # WHAT FILE FILE
  if cmp -s "$2" "$3"; then
    echo "$1: $(stat -c %s "$3") bytes"
  else
    failures=$((failures + 1))
    echo "FAILED: $1: not what was sent came back" >&2
  fi
}

# Starts a server; sets `port`.
start() { # PROGRAM ARGS...
  local out=$temp/out.${#servers[@]}
  mkfifo "$out"
  "$@" > "$out" &
  servers+=($!)
  disown
  exec 3< "$out"
  local line
  read -r line <&3
  port=${line##*:}
}

head -c 5000000 /dev/urandom > "$temp/data"
head -c 20000 "$temp/data" | base64 > "$temp/text"

start "$echo_server" 127.0.0.1:0
if has nc; then
  nc -N 127.0.0.1 "$port" < "$temp/data" > "$temp/back"
  is_same "nc" "$temp/data" "$temp/back"
fi
if has socat; then
  socat -t 20 - "TCP4:127.0.0.1:$port" < "$temp/data" > "$temp/back"
  is_same "socat TCP4" "$temp/data" "$temp/back"
fi

start "$echo_server" "[::1]:0"
if has socat; then
  socat -t 20 - "TCP6:[::1]:$port" < "$temp/data" > "$temp/back"
  is_same "socat TCP6" "$temp/data" "$temp/back"
fi

if has openssl; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost -keyout "$temp/key" -out "$temp/cert" 2> /dev/null
  start "$echo_server" 127.0.0.1:0 "$temp/cert" "$temp/key"
  for version in tls1_2 tls1_3; do
    # It ends with its input, and would not wait for what is on its way: the last byte is asked for.
    mkfifo "$temp/in"
    openssl s_client -quiet -verify_quiet -verify_return_error -CAfile "$temp/cert" "-$version" \
      -servername localhost -connect "127.0.0.1:$port" < "$temp/in" > "$temp/all" 2> /dev/null &
    client=$!
    servers+=("$client")
    exec 4> "$temp/in"
    cat "$temp/text" >&4
    deadline=$((SECONDS + 20))
    until [[ $(stat -c %s "$temp/all") == $(stat -c %s "$temp/text") || $SECONDS -gt $deadline ]]; do
      read -r -t 0.02 <> <(:) || true
    done
    exec 4>&-
    kill "$client" 2> /dev/null || true
    wait "$client" 2> /dev/null || true
    is_same "openssl s_client -$version" "$temp/text" "$temp/all"
    rm "$temp/in"
  done
  if has socat; then
    socat -t 20 - "OPENSSL:localhost:$port,pf=ip4,cafile=$temp/cert" < "$temp/data" > "$temp/back"
    is_same "socat OPENSSL" "$temp/data" "$temp/back"
  fi
fi

start "$redis_server" 127.0.0.1:0
if has redis-cli; then
  printf '%s\n' PONG OK value 1 2 "" > "$temp/expected"
  printf '%s\n' PING "SET key value" "GET key" "INCR number" "INCR number" "GET nothing" |
    redis-cli -p "$port" > "$temp/back"
  is_same "redis-cli" "$temp/expected" "$temp/back"
fi
if has redis-benchmark; then
  for depth in 1 16; do
    redis-benchmark -p "$port" -t ping,set,get,incr -n 20000 -P "$depth" --csv > "$temp/back" 2> /dev/null
    if [[ $(grep -cE '^"(PING_INLINE|PING_MBULK|SET|GET|INCR)","[0-9.]+"' "$temp/back") != 5 ]]; then
      failures=$((failures + 1))
      echo "FAILED: redis-benchmark -P $depth:" "$(cat "$temp/back")" >&2
    fi
    echo "redis-benchmark -P $depth: $(grep -c '^"' "$temp/back") lines"
  done
fi

if [[ $failures -gt 0 ]]; then
  echo "$failures failed" >&2
  exit 1
fi
