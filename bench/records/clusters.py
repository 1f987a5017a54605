# SPDX-License-Identifier: Apache-2.0
"""Clusters of real processes on this machine: Weir's and Kafka's, started, asked and stopped alike."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HERE = pathlib.Path(__file__).resolve().parent


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def cpu_seconds(pids):
    ticks = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_mb(pids):
    total = 0
    for pid in pids:
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                total += int(line.split()[1]) / 1024
    return total


def wait_for(what, seconds, check):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if check():
            return
        time.sleep(0.1)
    raise SystemExit(f"{what}: not within {seconds} s")


class Weir:
    name = "weir"

    def __init__(self, folder, nodes, bin_folder):
        self.dir = folder / "weir"
        self.bin = bin_folder
        self.nodes = nodes
        self.run("dev", "start", "--dir", self.dir, "--bin", self.bin, "--nodes", nodes,
                 "--controllers", 3 if nodes > 1 else 1)
        self.bootstrap = ",".join(p["endpoint"] for p in self.processes() if p["role"] == "node")

    def run(self, *words, check=True):
        line = [str(self.bin / "cli" / "weir"), *map(str, words)]
        done = subprocess.run(line, capture_output=True, text=True)
        if check and done.returncode != 0:
            raise SystemExit(f"{' '.join(line)}: {done.stderr}")
        return done.stdout

    def ask(self, *words, check=True):
        return self.run("--bootstrap", self.bootstrap, *words, check=check)

    def processes(self):
        """Each with its name, role, pid and endpoint."""
        listed = json.loads(self.run("dev", "status", "--dir", self.dir, "--format", "json"))
        rows = listed if isinstance(listed, list) else listed["processes"]
        found = []
        for row in rows:
            role = "node" if row["name"].startswith("node") else "controller"
            found.append({**row, "role": role})
        return found

    def pids(self):
        return [p["pid"] for p in self.processes() if p["pid"]]

    def create(self, topic, partitions, replicas, durability="cache"):
        self.ask("topic", "create", topic, "--partitions", partitions, "--replicas", replicas,
                 "-c", f"weir.durability={durability}",
                 "-c", f"min.insync.replicas={min(2, replicas)}")

    def delete(self, topic):
        self.ask("topic", "delete", topic, "--yes", check=False)

    def kill_busiest(self):
        self.run("dev", "kill", "--dir", self.dir, "busiest-node")

    def restart_killed(self):
        self.run("dev", "restart", "--dir", self.dir, "--killed")

    def healthy(self):
        self.ask("cluster", "health", "--wait", "60")

    def stop(self):
        self.run("dev", "stop", "--dir", self.dir, check=False)
        shutil.rmtree(self.dir, ignore_errors=True)


class Kafka:
    name = "kafka"

    def __init__(self, folder, nodes, jars, settings=()):
        self.dir = folder / "kafka"
        self.nodes = nodes
        self.jars = jars
        ports = free_ports(2 * nodes)
        self.bootstrap = ",".join(f"127.0.0.1:{p}" for p in ports[:nodes])
        voters = ",".join(f"{i}@127.0.0.1:{p}" for i, p in enumerate(ports[nodes:]))
        for i in range(nodes):
            home = self.dir / str(i)
            home.mkdir(parents=True)
            (home / "server.properties").write_text("\n".join([
                "process.roles=broker,controller",
                f"node.id={i}",
                f"controller.quorum.voters={voters}",
                f"listeners=PLAINTEXT://127.0.0.1:{ports[i]},"
                f"CONTROLLER://127.0.0.1:{ports[nodes + i]}",
                "controller.listener.names=CONTROLLER",
                "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
                f"log.dirs={home}/data",
                f"offsets.topic.replication.factor={min(3, nodes)}",
                f"min.insync.replicas={min(2, nodes)}",
                # What is deleted must not fill the disk for a minute.
                "log.segment.delete.delay.ms=1000",
                *settings,
            ]))
            self.java("kafka.tools.StorageTool", "format", "-t", "AAAAAAAAQACAAAAAAAAAAA",
                      "-c", home / "server.properties")
        self.children = [None] * nodes
        for i in range(nodes):
            self.start(i)
        self.healthy()

    def command(self, main, *words):
        return ["java", "-cp", f"{self.jars}/*", "-Dlog4j2.level=WARN", main, *map(str, words)]

    def java(self, main, *words, check=True):
        done = subprocess.run(self.command(main, *words), capture_output=True, text=True)
        if check and done.returncode != 0:
            raise SystemExit(f"{main} {words}: {done.stdout}{done.stderr}")
        return done.stdout

    def start(self, i):
        home = self.dir / str(i)
        line = self.command("kafka.Kafka", home / "server.properties")
        line[1:1] = ["-Xms1g", "-Xmx1g", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20",
                     "-XX:InitiatingHeapOccupancyPercent=35"]
        with open(home / "out.log", "a", encoding="utf-8") as out:
            self.children[i] = subprocess.Popen(line, stdout=out, stderr=out)

    def pids(self):
        return [child.pid for child in self.children if child.poll() is None]

    def topics(self, *words, check=True):
        return self.java("org.apache.kafka.tools.TopicCommand", "--bootstrap-server",
                         self.bootstrap, *words, check=check)

    def create(self, topic, partitions, replicas, durability="cache"):
        extra = ["--config", "flush.messages=1"] if durability == "flush" else []
        self.topics("--create", "--topic", topic, "--partitions", partitions,
                    "--replication-factor", replicas, *extra)

    def delete(self, topic):
        self.topics("--delete", "--topic", topic, check=False)

    def kill_busiest(self):
        # All lead alike; the last one is no worse than another.
        self.children[-1].send_signal(signal.SIGKILL)
        self.children[-1].wait()

    def restart_killed(self):
        for i, child in enumerate(self.children):
            if child.poll() is not None:
                self.start(i)

    def healthy(self):
        wait_for("Kafka", 90, lambda: all(self.listens(p) for p in self.bootstrap.split(",")))
        wait_for("Kafka's topics", 90, lambda: "unhealthy" not in self.topics(
            "--list", check=False) and not self.topics(
                "--describe", "--under-replicated-partitions", check=False).strip())

    @staticmethod
    def listens(endpoint):
        host, port = endpoint.split(":")
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex((host, int(port))) == 0

    def stop(self):
        for child in self.children:
            if child and child.poll() is None:
                child.kill()
                child.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


def jars():
    """Kafka's, from Maven's registry, kept beside other caches of this user."""
    place = pathlib.Path.home() / ".cache" / "weir-bench" / "kafka"
    if not list(place.glob("kafka_2.13-*.jar")):
        place.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mvn", "-q", "-B", "-f", HERE / "kafka-pom.xml",
                        "dependency:copy-dependencies", f"-DoutputDirectory={place}"], check=True)
    return place
