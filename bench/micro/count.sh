#!/usr/bin/env bash
# Instructions per run of each case, counted by callgrind: the same on every machine, calm or not.
#
#   bench/micro/count.sh [CASE..]
#
# Two runs of different length are subtracted, so that starting up does not count. valgrind lacks an
# instruction that picohttpparser uses, so its cases fail.
set -euo pipefail
cd "$(dirname "$0")/.."

few=${COUNT_FEW:-200}
many=$((few * 2))

cargo build --release --quiet -p micro --bin count
count=${CARGO_TARGET_DIR:-target}/release/count

instructions() {
  local told
  told=$(valgrind --tool=callgrind --callgrind-out-file=/dev/null "$count" "$1" "$2" 2>&1) || return 0
  sed -n 's/^==[0-9]*== Collected : //p' <<<"$told"
}

if [ $# -gt 0 ]; then cases=("$@"); else mapfile -t cases < <("$count"); fi
printf '%-28s %14s\n' case instructions
for case in "${cases[@]}"; do
  once=$(instructions "$case" "$few")
  twice=$(instructions "$case" "$many")
  if [ -z "$once" ] || [ -z "$twice" ]; then
    printf '%-28s %14s\n' "$case" failed
    continue
  fi
  printf '%-28s %14d\n' "$case" $(((twice - once) / (many - few)))
done
