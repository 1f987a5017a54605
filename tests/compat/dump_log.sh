#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Compares the files of a partition with Kafka's own code: Kafka's DumpLogSegments reads what Weir
# wrote, and Weir reads what a Kafka wrote, after a clean stop of it and after a kill. On demand
# only; ./test does not run it. Needs Java 17 and Maven, and a minute.
#
#   tests/compat/dump_log.sh
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
broker=
trap '[ -z "$broker" ] || kill -9 "$broker" 2> /dev/null || true; rm -rf "$work"' EXIT

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

(cd "$root" && "${BAZEL:-bazel}" build //tests/compat:log_folder)
log_folder=$root/bazel-bin/tests/compat/log_folder
mvn -q -B -f "$here/pom.xml" ${MAVEN_REPO:+-Dmaven.repo.local="$MAVEN_REPO"} \
  dependency:build-classpath -Dmdep.outputFile="$work/classpath" > "$work/maven.log" ||
  fail "$(cat "$work/maven.log")"
kafka() {
  java -Xmx512m -cp "$(cat "$work/classpath")" "$@" 2> "$work/java.log" ||
    fail "$* said: $(tail -5 "$work/java.log")"
}
dump() {
  kafka org.apache.kafka.tools.DumpLogSegments "$@"
}

echo "== Kafka reads what Weir wrote"
folder=$work/weir/topic-0
"$log_folder" write "$work/weir" topic-0 > "$work/written"
batches=$(sed -n 's/^batches //p' "$work/written")
[ "$(find "$folder" -name '*.log' | wc -l)" -gt 1 ] || fail "there is only one segment"
for file in "$folder"/*.log "$folder"/*.index "$folder"/*.timeindex "$folder"/*.snapshot; do
  dump --files "$file" > "$work/dump"
  complaints='mismatch|invalid|out of order|corrupt|isvalid: false|non-consecutive|not found'
  if grep -qiE "$complaints" "$work/dump"; then
    fail "$file: $(grep -iE -A3 "$complaints" "$work/dump" | head -20)"
  fi
  case $file in
    *.index | *.timeindex)
      dump --index-sanity-check --files "$file" > "$work/sane"
      grep -q 'passed sanity check' "$work/sane" || fail "$file: $(cat "$work/sane")"
      ;;
    *.snapshot) cat "$work/dump" >> "$work/producers" ;;
    *.log) cat "$work/dump" >> "$work/batches" ;;
  esac
done
[ "$(grep -c 'isvalid: true' "$work/batches")" = "$batches" ] || fail "not all $batches batches"
[ "$(grep -c 'producerId: 100[0-4]' "$work/producers")" -ge 5 ] || fail "not all producers"
dump --print-data-log --deep-iteration --files "$folder/00000000000000000000.log" |
  grep -q 'key: key 0 payload: value 0' || fail "the first record is not there"

echo "== Weir reads what Kafka wrote"
mkdir "$work/kafka"
cat > "$work/server.properties" << END
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:19393
listeners=PLAINTEXT://127.0.0.1:19392,CONTROLLER://127.0.0.1:19393
controller.listener.names=CONTROLLER
log.dirs=$work/kafka
offsets.topic.replication.factor=1
share.coordinator.state.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
END
kafka kafka.tools.StorageTool format -t VSZ2tVQ3R1yUEnmEVYJQ3A \
  -c "$work/server.properties" > "$work/format"
start_broker() {
  java -Xmx512m -cp "$(cat "$work/classpath")" kafka.Kafka "$work/server.properties" \
    > "$work/broker.log" 2>&1 &
  broker=$!
  for _ in $(seq 60); do
    if (exec 3<> /dev/tcp/127.0.0.1/19392) 2> /dev/null; then return; fi
    kill -0 "$broker" 2> /dev/null || fail "Kafka ended: $(tail -5 "$work/broker.log")"
    sleep 0.5
  done
  fail "Kafka does not listen"
}
produce() {
  kafka org.apache.kafka.tools.ProducerPerformance --topic compat --num-records 20000 \
    --record-size 200 --throughput -1 \
    --producer-props bootstrap.servers=127.0.0.1:19392 acks=all "compression.type=$1" > /dev/null
}
start_broker
kafka org.apache.kafka.tools.TopicCommand --bootstrap-server 127.0.0.1:19392 --create \
  --topic compat --partitions 1 --config segment.bytes=1048576 > /dev/null
produce none
produce none
kill "$broker"
wait "$broker" || true
broker=
read_kafkas() {
  rm -rf "$work/copy"
  cp -r "$work/kafka" "$work/copy"
  "$log_folder" read "$work/copy" compat-0 > "$work/read" ||
    fail "Weir finds damage: $(cat "$work/read")"
  grep -qx "records $1" "$work/read" || fail "Weir does not find $1 records: $(cat "$work/read")"
  # What it wrote beside them at its stop, Kafka can read.
  "$log_folder" read "$work/copy" compat-0 > "$work/again"
  diff "$work/read" "$work/again" > /dev/null || fail "Weir does not read the same twice"
}
read_kafkas 40000
start_broker
produce none
produce none
kill -9 "$broker"
wait "$broker" 2> /dev/null || true
broker=
read_kafkas 80000
echo "Kafka and Weir agree"
