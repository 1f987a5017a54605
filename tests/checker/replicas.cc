// SPDX-License-Identifier: Apache-2.0
#include "tests/checker/replicas.h"

#include <algorithm>
#include <map>
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
  while (from < to) {
    std::optional<Result<Bytes>> read;
    partition.ReadForFeed(from, kReadBytes, [&](Result<Bytes> bytes) { read = std::move(bytes); });
    cluster.world().RunUntil([&] { return read.has_value(); }, std::chrono::seconds(10));
    if (!read || !*read || (*read)->empty()) return std::nullopt;
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

}  // namespace

std::vector<std::string> CompareReplicas(cluster::Cluster& cluster) {
  std::vector<std::string> wrong;
  controller::Controller* active = cluster.active();
  if (!active) return {"no controller is active"};
  metadata::Image image = active->machine().committed();
  for (const auto& [id, record] : image.partitions) {
    std::map<std::string, partition::Partition*> replicas;
    Offset from(0);
    Offset to = Offset::Max();
    for (const auto& replica : record.replicas) {
      std::string name = "node-" + std::to_string(replica.node.value());
      storage::StorageNode* node = cluster.node(name);
      partition::Partition* held = node ? node->partitions()->Find(id) : nullptr;
      if (!held || !held->log()) {
        wrong.push_back(name + " holds no replica that the image gives it");
        continue;
      }
      replicas[name] = held;
      from = std::max(from, held->log()->start());
      to = std::min(to, held->high_watermark());
    }
    std::optional<Kept> first;
    for (auto& [name, replica] : replicas) {
      auto all = ReadAll(cluster, *replica, from, to);
      if (!first) first = all;
      if (!all || *all != *first) {
        std::ostringstream words;
        words << name << ": partition " << id << " differs from its other replicas in [" << from
              << ", " << to << ")";
        wrong.push_back(words.str());
      }
    }
  }
  return wrong;
}

}  // namespace weir::checker
