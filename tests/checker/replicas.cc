// SPDX-License-Identifier: Apache-2.0
#include "tests/checker/replicas.h"

#include <algorithm>
#include <sstream>

#include "common/records/batch.h"

namespace weir::checker {
namespace {

constexpr size_t kReadBytes = 1 << 20;

// All of one replica's batches in [from, to).
std::optional<std::string> ReadAll(cluster::Cluster& cluster, partition::Partition& partition,
                                   Offset from, Offset to) {
  std::string all;
  while (from < to) {
    std::optional<Result<Bytes>> read;
    partition.ReadForFeed(from, kReadBytes, [&](Result<Bytes> bytes) { read = std::move(bytes); });
    cluster.world().RunUntil([&] { return read.has_value(); }, std::chrono::seconds(10));
    if (!read || !*read || (*read)->empty()) return std::nullopt;
    records::BatchRun run(**read);
    for (auto batch = run.Next(); batch && *batch; batch = run.Next()) {
      const records::BatchHeader& header = (*batch)->header;
      if (header.base_offset >= to) return all;
      all.append((*batch)->bytes.view());
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
    std::optional<std::string> first;
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
