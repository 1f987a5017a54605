#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Commits a second and how long one takes: three Weir controllers beside three members of etcd (where
# it is installed), on this machine and this disk, in turns.
# Usage: bench/quorum/quorum.sh [ROUNDS]
#   (after a build: bazel build --config=opt //cli:weir //bench/quorum //bench/quorum:member)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

rounds="${1:-5}"
bin="${WEIR_BIN:-$PWD/bazel-bin}"
work="$(mktemp -d "${WEIR_BENCH_DIR:-${TMPDIR:-/tmp}}/weir-quorum-XXXXXX")"
started=()
stop() {
  [[ ${#started[@]} -eq 0 ]] || kill "${started[@]}" 2>/dev/null || true
  wait
  rm -rf "$work"
}
trap stop EXIT

free_port() {
  local port
  while port=$((20000 + RANDOM % 12000)); ss -Hltn | grep -q ":$port "; do :; done
  echo "$port"
}

weir=(); members=()
for id in 1 2 3; do
  weir+=("127.0.0.1:$(free_port)")
  members+=("127.0.0.1:$(free_port)")
  "$bin/bench/quorum/member" $id "${weir[-1]}" "${members[-1]}" "$work/weir-$id" \
    2> "$work/weir-$id.log" &
  started+=($!)
done
weir_list="$(IFS=,; echo "${weir[*]}")"
member_list="$(IFS=,; echo "${members[*]}")"
"$bin/cli/weir" cluster init --controllers "$weir_list" > /dev/null

etcd_list=""
if command -v etcd > /dev/null; then
  peers=(); clients=(); initial=""
  for id in 1 2 3; do
    peers+=("http://127.0.0.1:$(free_port)")
    clients+=("127.0.0.1:$(free_port)")
    initial+="${initial:+,}m$id=${peers[-1]}"
  done
  for id in 1 2 3; do
    etcd --name "m$id" --data-dir "$work/etcd-$id" --log-level error \
      --listen-peer-urls "${peers[id - 1]}" --initial-advertise-peer-urls "${peers[id - 1]}" \
      --listen-client-urls "http://${clients[id - 1]}" \
      --advertise-client-urls "http://${clients[id - 1]}" \
      --initial-cluster "$initial" --initial-cluster-state new > "$work/etcd-$id.log" 2>&1 &
    started+=($!)
  done
  etcd_list="$(IFS=,; echo "${clients[*]}")"
fi
sleep 3

# shellcheck disable=SC2086
"$bin/bench/quorum/quorum" "$rounds" "$weir_list" "$member_list" $etcd_list
