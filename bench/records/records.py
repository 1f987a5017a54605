#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records in and out of Weir and of Kafka, in turns on this machine, as one table with ratios.

Needs Python 3, Java 17, Maven and its registry (for Kafka), and an optimised build:
  bazel build --config=opt //cli:weir //controller //storage //bench/records:load

  bench/records/records.py                     all rows, 5 rounds of 20 s each
  bench/records/records.py --rows latency      those whose name has this in it
  bench/records/records.py --only weir         without Kafka
"""

import argparse
import json
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import time

import clusters


class Bench:
    def __init__(self, options):
        self.options = options
        self.bin = pathlib.Path(options.bin).resolve()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-records-"))
        self.jars = clusters.jars() if "kafka" in self.peers() else None
        self.count = 0
        self.rows = []

    def peers(self):
        return [self.options.only] if self.options.only else ["weir", "kafka"]

    def cluster(self, peer, nodes):
        if peer == "weir":
            return clusters.Weir(self.folder, nodes, self.bin)
        return clusters.Kafka(self.folder, nodes, self.jars)

    def load(self, cluster, topic, mode, **flags):
        line = [str(self.bin / "bench" / "records" / "load"), f"--peer={cluster.name}",
                f"--bootstrap={cluster.bootstrap}", f"--topic={topic}", f"--mode={mode}"]
        line += [f"--{key}={value}" for key, value in flags.items()]
        done = subprocess.run(line, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(line)}:\n{done.stderr}")
        return json.loads(done.stdout)

    def fresh(self):
        self.count += 1
        return f"records-{self.count}"

    def fill(self, cluster, partitions, replicas, durability):
        """One round: MB/s, and CPU-seconds of the brokers for each GB."""
        topic = self.fresh()
        cluster.create(topic, partitions, replicas, durability)
        before = clusters.cpu_seconds(cluster.pids())
        got = self.load(cluster, topic, "fill", seconds=self.options.seconds)
        cpu = clusters.cpu_seconds(cluster.pids()) - before
        cluster.delete(topic)
        gigabytes = got["mb_per_s"] * got["seconds"] / 1000
        return {"MB/s": got["mb_per_s"], "broker CPU-s/GB": cpu / gigabytes,
                "client CPU-s/GB": got["client_cpu_s"] / gigabytes}

    def pace(self, cluster, partitions, replicas, durability, rate=2000):
        topic = self.fresh()
        cluster.create(topic, partitions, replicas, durability)
        got = self.load(cluster, topic, "pace", seconds=self.options.seconds, rate=rate,
                        linger_ms=self.options.linger_ms)
        cluster.delete(topic)
        return {"p50 ms": got["p50_ms"], "p99 ms": got["p99_ms"], "p99.9 ms": got["p999_ms"]}

    def read(self, cluster):
        topic = self.fresh()
        cluster.create(topic, 1, 1)
        self.load(cluster, topic, "fill", bytes=2_000_000_000)
        before = clusters.cpu_seconds(cluster.pids())
        got = self.load(cluster, topic, "read")
        cpu = clusters.cpu_seconds(cluster.pids()) - before
        cluster.delete(topic)
        gigabytes = got["mb_per_s"] * got["seconds"] / 1000
        return {"MB/s": got["mb_per_s"], "broker CPU-s/GB": cpu / gigabytes,
                "client CPU-s/GB": got["client_cpu_s"] / gigabytes}

    def memory(self, cluster):
        topic = self.fresh()
        cluster.create(topic, 6, 3)
        self.load(cluster, topic, "fill", bytes=1_000_000_000)
        used = clusters.memory_mb(cluster.pids())
        cluster.delete(topic)
        return {"MB of all processes": used}

    def kill(self, cluster):
        topic = self.fresh()
        cluster.create(topic, 6, 3)
        line = [str(self.bin / "bench" / "records" / "load"), f"--peer={cluster.name}",
                f"--bootstrap={cluster.bootstrap}", f"--topic={topic}", "--mode=pace",
                "--rate=600", f"--seconds={max(20, self.options.seconds)}", "--linger_ms=0"]
        with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True) as loading:
            time.sleep(5)
            cluster.kill_busiest()
            out, trouble = loading.communicate()
        if loading.returncode != 0:
            raise SystemExit(trouble)
        cluster.restart_killed()
        cluster.healthy()
        cluster.delete(topic)
        return {"longest wait ms": json.loads(out)["max_ms"]}

    def restart(self, cluster):
        """kill -9 of a node with 10,000 partitions: until it acknowledges again."""
        if not hasattr(cluster, "filled"):
            cluster.filled = "many"
            cluster.create("many", 10_000, 1)
            time.sleep(20)
            self.load(cluster, "many", "pace", rate=2000, seconds=10, linger_ms=0)
        cluster.kill_busiest()
        start = time.monotonic()
        cluster.restart_killed()
        cluster_first = self.load(cluster, "many", "pace", rate=10, seconds=0.1, linger_ms=0,
                                  warm_seconds=0)
        assert cluster_first["records"] >= 1
        return {"s to the first ack": time.monotonic() - start}

    def run_row(self, name, nodes, one_round):
        if self.options.rows and self.options.rows not in name:
            return
        results = {}
        standing = {peer: self.cluster(peer, nodes) for peer in self.peers()}
        try:
            for number in range(self.options.rounds + 1):
                for peer, cluster in standing.items():
                    got = one_round(cluster, peer)
                    # The first round warms the machine's memory, and is not counted.
                    if number > 0:
                        for key, value in got.items():
                            results.setdefault(key, {}).setdefault(peer, []).append(value)
        finally:
            for cluster in standing.values():
                cluster.stop()
        for key, by_peer in results.items():
            self.show(name, key, by_peer)

    def show(self, name, key, by_peer):
        middle = {peer: statistics.median(values) for peer, values in by_peer.items()}
        spread = {peer: f"{middle[peer]:.4g} [{min(v):.4g}..{max(v):.4g}]"
                  for peer, v in by_peer.items()}
        ratio = ""
        if len(middle) == 2 and middle["kafka"]:
            ratio = f"{middle['weir'] / middle['kafka']:.3f}"
        print(f"| {name} | {key} | {spread.get('weir', '')} | {spread.get('kafka', '')} "
              f"| {ratio} |", flush=True)

    def run(self):
        print("| what | | Weir | Kafka 4.3.1 | Weir / Kafka |\n|---|---|--:|--:|--:|", flush=True)
        flush_beside_cache = lambda c, p: "flush" if p == "weir" else "cache"
        self.run_row("one node, 1 KB, acks=all, cache", 1,
                     lambda c, p: self.fill(c, 1, 1, "cache"))
        self.run_row("three nodes, 6 partitions, 1 KB, acks=all, cache", 3,
                     lambda c, p: self.fill(c, 6, 3, "cache"))
        self.run_row("three nodes, Weir flushing, Kafka not", 3,
                     lambda c, p: self.fill(c, 6, 3, flush_beside_cache(c, p)))
        self.run_row("latency at 2,000/s, three nodes, cache", 3,
                     lambda c, p: self.pace(c, 6, 3, "cache"))
        self.run_row("latency at 2,000/s, three nodes, Weir flushing, Kafka not", 3,
                     lambda c, p: self.pace(c, 6, 3, flush_beside_cache(c, p)))
        self.run_row("latency at 2,000/s, three nodes, both flushing", 3,
                     lambda c, p: self.pace(c, 6, 3, "flush"))
        self.run_row("latency at 10,000/s, 1,000 partitions, Weir flushing, Kafka not", 3,
                     lambda c, p: self.pace(c, 1000, 3, flush_beside_cache(c, p), rate=10_000))
        self.run_row("read from the start, 1 KB, one node", 1, lambda c, p: self.read(c))
        self.run_row("memory of three nodes after 1 GB", 3, lambda c, p: self.memory(c))
        self.run_row("kill -9 of a leader", 3, lambda c, p: self.kill(c))
        self.run_row("kill -9 and restart with 10,000 partitions", 1,
                     lambda c, p: self.restart(c))

    def soak(self, seconds):
        """50 partitions' worth of producers for long: does the tail grow?"""
        for peer in self.peers():
            cluster = self.cluster(peer, 3)
            try:
                topic = self.fresh()
                cluster.create(topic, 100, 3, "flush" if peer == "weir" else "cache")
                got = self.load(cluster, topic, "pace", rate=5000, seconds=seconds, linger_ms=0)
                print(peer, json.dumps(got), flush=True)
            finally:
                cluster.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rows", default="", help="only rows whose name has this in it")
    parser.add_argument("--only", choices=["weir", "kafka"])
    parser.add_argument("--bin", default=clusters.ROOT / "bazel-bin")
    parser.add_argument("--linger-ms", type=float, default=5,
                        help="with a pace: how long a batch waits for company at most; 5 is what "
                        "both clients do unless they are told otherwise")
    parser.add_argument("--soak", type=float, default=0, help="instead: one load for so many seconds")
    options = parser.parse_args()
    bench = Bench(options)
    try:
        if options.soak:
            bench.soak(options.soak)
        else:
            bench.run()
    finally:
        shutil.rmtree(bench.folder, ignore_errors=True)


if __name__ == "__main__":
    main()
