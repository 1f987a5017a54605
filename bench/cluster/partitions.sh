#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Many partitions created through the admin API of a 3+3 cluster on this machine: when they are
# committed, open on all three nodes, and served by their leaders; and what they take.
# Usage: bench/cluster/partitions.sh [TOPICS] [PARTITIONS] [ROUNDS]
#   (after a build: bazel build --config=opt //cli:weir //controller //storage //bench/partitions)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

topics="${1:-1}"
partitions="${2:-10000}"
rounds="${3:-3}"
bin="${WEIR_BIN:-$PWD/bazel-bin}"
weir="$bin/cli/weir"
work="$(mktemp -d)"
dev="$work/cluster"
trap '"$weir" dev stop --dir "$dev" >/dev/null 2>&1 || true; rm -rf "$work"' EXIT

row() { printf '%-52s %12s %12s %10s\n' "$@"; }
median() { sort -n | awk '{v[NR]=$1} END {print v[int((NR+1)/2)]}'; }
most() { sort -n | tail -1; }
value() { sed -n "s/.*\\b$1 \\([0-9.]*\\).*/\\1/p" "$work/line"; }

# When the last node said that all its replicas are open, in ms since the creation began.
open_ms() {
  local from="$1" latest=0 stamp at
  for log in "$dev"/logs/node-*.log; do
    stamp="$(grep 'replicas are open' "$log" | tail -1 | awk '{ print substr($1, 2) " " $2 }')"
    at="$(date -d "$stamp" +%s%3N)"
    if (( at > latest )); then latest=$at; fi
  done
  echo $(( latest - from ))
}

# The most that a process of a role takes: resident memory in MB, or open files.
taken() {
  "$weir" dev status --dir "$dev" | awk -v role="^$1" '$1 ~ role { print $3 }' | while read -r pid; do
    case "$2" in
      memory) awk '/^VmRSS/ { print int($2 / 1024) }' "/proc/$pid/status" ;;
      files) find "/proc/$pid/fd" -mindepth 1 | wc -l ;;
    esac
  done | most
}

for _ in $(seq "$rounds"); do
  "$weir" dev stop --dir "$dev" >/dev/null 2>&1 || true
  rm -rf "$dev"
  "$weir" dev start --dir "$dev" --bin "$bin" >/dev/null 2>&1
  endpoints="$("$weir" dev status --dir "$dev" | awk '/^node/ { print $4 }' | paste -sd,)"
  "$bin/bench/partitions/partitions" "$endpoints" "$topics" "$partitions" 3 > "$work/line"
  sleep 2
  value committed_ms >> "$work/committed"
  value slowest_ms >> "$work/slowest"
  value led_ms >> "$work/led"
  value repeats >> "$work/repeats"
  open_ms "$(value begin_ms)" >> "$work/open"
  for role in controller node; do
    for what in memory files; do taken "$role" "$what" >> "$work/$role-$what"; done
  done
done

row "$topics x $partitions PARTITIONS OF 3 REPLICAS" "MEDIAN" "WORST" "PROMISED"
show() { row "$1" "$(median < "$work/$2")" "$(most < "$work/$2")" "$3"; }
is_ten_thousand=$([[ $(( topics * partitions )) == 10000 ]] && echo yes || echo "")
show "committed, ms" committed "${is_ten_thousand:+1,000}"
show "  the slowest topic, ms" slowest ""
show "  requests that had to be asked again" repeats ""
show "open on all three nodes, ms" open "${is_ten_thousand:+3,000}"
show "each one asked for, and served by its leader, ms" led "${is_ten_thousand:+3,000}"
show "memory of a controller, MB" controller-memory ""
show "memory of a storage node, MB" node-memory ""
show "open files of a controller" controller-files ""
show "open files of a storage node" node-files ""
