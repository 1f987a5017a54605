// SPDX-License-Identifier: Apache-2.0
// What commits, change by change: epochs of partitions grow and never fall, leaders come from those
// who have all that was committed, ISRs are among the replicas, and what was deleted does not come
// back. Looks at what has changed, so that it can look at every committed image. Pure.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/metadata/diff.h"
#include "common/metadata/image.h"
#include "tests/checker/findings.h"

namespace weir::checker {

class LawfulChanges {
 public:
  // The newest committed image. Images in between may be left out; an older one changes nothing.
  // Whether partitions have come or gone.
  bool Committed(const metadata::Image& image, Findings& findings);

  const metadata::Image& newest() const { return newest_; }
  // The topic has always promised to lose nothing that was committed: what was acknowledged is
  // flushed, and only who is in sync may lead.
  bool IsStrict(const TopicId& topic) const { return !weak_.contains(topic); }
  // The last entry up to `index` by which this replica came to its node; 0 where it was made there.
  LogIndex Since(const PartitionId& id, NodeId node, LogIndex index) const;

 private:
  using PartitionChange = metadata::Change<PartitionId, metadata::Partition>;

  void Judge(const metadata::Image& image, const metadata::Changes& changes, Findings& findings);
  void JudgeChange(const PartitionId& id, const metadata::Partition& before,
                   const metadata::Partition& after, bool is_next, Findings& findings) const;
  static void JudgeState(const PartitionId& id, const metadata::Partition& partition,
                         Findings& findings);
  void NoteMoves(const PartitionId& id, const metadata::Partition& before,
                 const metadata::Partition& after, LogIndex index);
  void FindWeakTopics(const metadata::Image& image, const metadata::Changes& changes);

  metadata::Image newest_;
  std::set<TopicId> deleted_;
  std::set<TopicId> weak_;
  // The entries by which replicas came to nodes, ascending.
  std::map<std::pair<PartitionId, NodeId>, std::vector<LogIndex>> came_;
};

}  // namespace weir::checker
