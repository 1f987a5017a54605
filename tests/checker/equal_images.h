// SPDX-License-Identifier: Apache-2.0
// The cluster as every process sees it, held against each other: images of one index are equal,
// whoever folded them, and whether by entries or from a snapshot. A process that goes on from an
// image that was compared costs what has changed since. Pure.
#pragma once

#include <map>
#include <string>

#include "common/metadata/image.h"
#include "tests/checker/findings.h"

namespace weir::checker {

class EqualImages {
 public:
  // What has changed, all that is in the image, or that and the bytes of its snapshot.
  enum class Depth { kChanges, kAll, kBytes };

  // `process` has this image now.
  void Saw(const std::string& process, const metadata::Image& image, Depth depth,
           Findings& findings);
  // A new life of `process` begins with what it finds.
  void Forget(const std::string& process) { last_.erase(process); }

 private:
  // Images that processes may still come to: those who are further behind are not compared.
  static constexpr size_t kImagesKept = 4096;

  // The first image that was seen of each index. Copies share what they have in common.
  std::map<LogIndex, metadata::Image> first_;
  // What each process had last; equal to the first one seen of its index.
  std::map<std::string, metadata::Image> last_;
};

}  // namespace weir::checker
