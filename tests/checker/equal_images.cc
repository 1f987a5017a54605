// SPDX-License-Identifier: Apache-2.0
#include "tests/checker/equal_images.h"

#include "common/metadata/diff.h"
#include "common/metadata/snapshot.h"

namespace weir::checker {
namespace {

using metadata::Image;

// What is in no map of the image.
bool HasEqualFields(const Image& a, const Image& b) {
  return a.index == b.index && a.term == b.term && a.cluster_id == b.cluster_id &&
         a.created_at == b.created_at && a.voters == b.voters && a.opened_term == b.opened_term &&
         a.opened_by == b.opened_by && a.producer_ids == b.producer_ids &&
         a.topic_ids.size() == b.topic_ids.size() && a.requests.size() == b.requests.size();
}

bool HasEqualBytes(const Image& a, const Image& b) {
  return metadata::SerializeDeterministically(metadata::ToSnapshot(a)) ==
         metadata::SerializeDeterministically(metadata::ToSnapshot(b));
}

}  // namespace

void EqualImages::Saw(const std::string& process, const Image& image, Depth depth,
                      Findings& findings) {
  auto [last, is_new] = last_.try_emplace(process);
  bool is_known_before = !is_new && first_.contains(last->second.index);
  if (depth == Depth::kChanges && !is_new && last->second.index == image.index) return;
  auto [same, is_first] = first_.emplace(image.index, image);
  bool is_equal = true;
  if (is_first) {
    if (first_.size() > kImagesKept) first_.erase(first_.begin());
  } else if (depth != Depth::kChanges || !is_known_before) {
    is_equal =
        image == same->second && (depth != Depth::kBytes || HasEqualBytes(image, same->second));
  } else {
    // Both have come from equal images: they are equal now if what has changed is.
    const Image& origin = first_.at(last->second.index);
    is_equal = HasEqualFields(image, same->second) &&
               metadata::Diff(last->second, image) == metadata::Diff(origin, same->second);
  }
  if (!is_equal) {
    findings.Add(process, ": its image of index ", image.index,
                 " is another than that of those who came there before");
  }
  last->second = image;
}

}  // namespace weir::checker
