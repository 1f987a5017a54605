// SPDX-License-Identifier: Apache-2.0
#include "tests/checker/replicas.h"

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

#include "common/records/batch.h"
#include "common/records/record_reader.h"

namespace weir::checker {
namespace {

constexpr size_t kReadBytes = 1 << 20;

// Of a log, what must be the same on all of its replicas.
class Kept {
 public:
  explicit Kept(bool is_compacted) : is_compacted_(is_compacted) {}

  void Add(const records::BatchRun::Batch& batch) {
    if (!is_compacted_) {
      bytes_.append(batch.bytes.view());
      return;
    }
    records::RecordReader reader(batch.header, batch.bytes.view());
    for (auto record = reader.Next(); record && *record; record = reader.Next()) {
      last_[std::string((*record)->key.value_or(""))] = {
          (*record)->offset, std::string((*record)->value.value_or(""))};
    }
  }
  bool operator==(const Kept&) const = default;

 private:
  bool is_compacted_;
  std::string bytes_;
  std::map<std::string, std::pair<Offset, std::string>> last_;
};

// Of one replica's batches in [from, to).
std::optional<Kept> ReadAll(cluster::Cluster& cluster, partition::Partition& partition, Offset from,
                            Offset to) {
  Kept all(partition.state().log.compacted);
  int patience = 20;
  while (from < to) {
    std::optional<Result<Bytes>> read;
    partition.ReadForFeed(from, kReadBytes, [&](Result<Bytes> bytes) { read = std::move(bytes); });
    cluster.world().RunUntil([&] { return read.has_value(); }, std::chrono::seconds(10));
    if (!read || !*read || (*read)->empty()) {
      // Files are put in the place of others while they are read.
      if (from < partition.log()->start() || --patience == 0) return std::nullopt;
      cluster.world().RunFor(std::chrono::milliseconds(10));
      continue;
    }
    records::BatchRun run(**read);
    for (auto batch = run.Next(); batch && *batch; batch = run.Next()) {
      const records::BatchHeader& header = (*batch)->header;
      if (header.base_offset >= to) return all;
      all.Add(**batch);
      from = header.base_offset + header.last_offset_delta + 1;
    }
  }
  return all;
}

using Replicas = std::map<std::string, partition::Partition*>;

Offset StartOf(const Replicas& replicas) {
  Offset start(0);
  for (const auto& [name, replica] : replicas) start = std::max(start, replica->log()->start());
  return start;
}

std::vector<std::string> Compare(cluster::Cluster& cluster, const PartitionId& id,
                                 const Replicas& replicas) {
  Offset to = Offset::Max();
  for (const auto& [name, replica] : replicas) to = std::min(to, replica->high_watermark());
  std::vector<std::string> wrong;
  // What is old goes while it is read.
  for (std::optional<Offset> from; from != StartOf(replicas);) {
    from = StartOf(replicas);
    wrong.clear();
    std::optional<Kept> first;
    for (const auto& [name, replica] : replicas) {
      auto all = ReadAll(cluster, *replica, *from, to);
      if (!first) first = all;
      if (all && *all == *first) continue;
      std::ostringstream words;
      words << name << ": partition " << id << " differs from its other replicas in [" << *from
            << ", " << to << ")";
      wrong.push_back(words.str());
    }
  }
  return wrong;
}

}  // namespace

std::vector<std::string> CompareReplicas(cluster::Cluster& cluster) {
  std::vector<std::string> wrong;
  controller::Controller* active = cluster.active();
  if (!active) return {"no controller is active"};
  metadata::Image image = active->machine().committed();
  for (const auto& [id, record] : image.partitions) {
    Replicas replicas;
    for (const auto& replica : record.replicas) {
      std::string name = "node-" + std::to_string(replica.node.value());
      storage::StorageNode* node = cluster.node(name);
      partition::Partition* held = node ? node->partitions()->Find(id) : nullptr;
      if (held && held->log()) {
        replicas[name] = held;
      } else {
        wrong.push_back(name + " holds no replica that the image gives it");
      }
    }
    for (std::string& words : Compare(cluster, id, replicas)) wrong.push_back(std::move(words));
  }
  return wrong;
}

}  // namespace weir::checker
