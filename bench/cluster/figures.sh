#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Failover, start and memory of a 3+3 cluster on this machine, as one table.
# Usage: bench/cluster/figures.sh [ROUNDS] [KILLS]
#   (after a build: bazel build --config=opt //cli:weir //controller //storage)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

rounds="${1:-5}"
# Of the active controller alone.
kills="${2:-20}"
bin="${WEIR_BIN:-$PWD/bazel-bin}"
weir="$bin/cli/weir"
work="$(mktemp -d)"
dev="$work/cluster"
trap '"$weir" dev stop --dir "$dev" >/dev/null 2>&1 || true; rm -rf "$work"' EXIT

now_ms() { date +%s%3N; }
median() { sort -n | awk '{v[NR]=$1} END {print v[int((NR+1)/2)]}'; }
most() { sort -n | tail -1; }
field() { sed -n "s/.*\"$1\": *\([0-9.]*\).*/\1/p" "$2" | head -1; }
pids() { "$weir" dev status --dir "$dev" --format json | sed -n 's/.*"pid": *\([0-9]*\).*/\1/p'; }
row() { printf '%-62s %12s %12s %10s\n' "$@"; }

start_cluster() {
  "$weir" dev stop --dir "$dev" >/dev/null 2>&1 || true
  rm -rf "$dev"
  "$weir" dev start --dir "$dev" --bin "$bin" >/dev/null 2>&1
  WEIR_BOOTSTRAP="$("$weir" dev status --dir "$dev" | awk '/^node/ { print $4 }' | paste -sd,)"
  export WEIR_BOOTSTRAP
}

seq 1 1600000 > "$work/lines"

first_ack() {
  "$weir" dev stop --dir "$dev" >/dev/null 2>&1 || true
  local from; from=$(now_ms)
  start_cluster
  "$weir" topic create first --partitions 1 --replicas 3 >/dev/null
  echo one | "$weir" produce first --acks all >/dev/null 2>&1
  echo $(( $(now_ms) - from ))
}

# Kills "$@" while records stream in, and says the longest pause without an acknowledgement.
pause_of() {
  local topic="pause-$RANDOM$RANDOM"
  "$weir" topic create "$topic" --partitions 6 --replicas 3 -c min.insync.replicas=2 >/dev/null
  head -c 3000000 "$work/lines" > "$work/part"
  "$weir" produce "$topic" "$work/part" --acks all --rate 500kB --report "$work/report.json" >/dev/null 2>&1 &
  local writer=$!
  sleep 2
  "$weir" dev kill --dir "$dev" "$@" >/dev/null 2>&1
  wait "$writer"
  field longest_pause_ms "$work/report.json"
  "$weir" dev restart --dir "$dev" --killed >/dev/null 2>&1
  "$weir" cluster health --wait 30 >/dev/null
}

# The longest time between two committed topic creations while the active controller is killed.
creation_pause() {
  (
    for i in $(seq 1 60); do
      "$weir" topic create "created-$RANDOM-$i" --partitions 1 --replicas 1 >/dev/null && now_ms
    done
  ) > "$work/created" &
  local creator=$!
  sleep 0.5
  "$weir" dev kill --dir "$dev" active-controller >/dev/null 2>&1
  wait "$creator"
  awk 'NR > 1 && $1 - last > most { most = $1 - last } { last = $1 } END { print most }' "$work/created"
  "$weir" dev restart --dir "$dev" --killed >/dev/null 2>&1
  "$weir" cluster health --wait 30 >/dev/null
}

row "WHAT" "MEDIAN" "WORST" "PROMISED"
for _ in $(seq "$rounds"); do first_ack; done > "$work/v"
row "start of 3+3 to the first acknowledged record, ms" "$(median < "$work/v")" "$(most < "$work/v")" "2000"

start_cluster
for _ in $(seq "$rounds"); do pause_of busiest-node; done > "$work/v"
row "kill -9 of the busiest storage node: longest pause, ms" "$(median < "$work/v")" "$(most < "$work/v")" "500"
for _ in $(seq "$rounds"); do pause_of busiest-node active-controller; done > "$work/v"
row "kill -9 of that and the active controller at once, ms" "$(median < "$work/v")" "$(most < "$work/v")" "2000"
for _ in $(seq "$kills"); do creation_pause; done > "$work/v"
row "kill -9 of the active controller: next topic committed, ms" "$(median < "$work/v")" "$(most < "$work/v")" "250"

start_cluster
sleep 5
"$weir" dev status --dir "$dev" --format json > "$work/status.json"
for role in node controller; do
  "$weir" dev status --dir "$dev" | awk -v role="^$role" '$1 ~ role { print $3 }' | while read -r pid; do
    awk '/^VmRSS/ { print int($2 / 1024) }' "/proc/$pid/status"
  done > "$work/v"
  promised=$([[ $role == node ]] && echo 40 || echo 60)
  row "memory of one idle $role, MB" "$(median < "$work/v")" "$(most < "$work/v")" "$promised"
done
ticks() { "$weir" dev status --dir "$dev" | awk '$3 ~ /^[0-9]+$/ { print $3 }' | while read -r pid; do awk '{ print $14 + $15 }' "/proc/$pid/stat"; done | paste -sd+ | bc; }
before=$(ticks); sleep 10; after=$(ticks)
row "six idle processes, % of one core" "$(awk -v t=$(( after - before )) 'BEGIN { printf "%.1f", t / 10 }')" "" "3"
