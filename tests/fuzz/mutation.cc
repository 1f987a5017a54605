// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/mutation.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <random>

namespace weir::fuzz {
namespace {

constexpr size_t kInputBytesMax = size_t{1} << 16;

// Values that are the edge of something: of a sign, of a width, of a limit.
constexpr std::array<uint64_t, 14> kEdges = {0,          1,          0x7f,       0x80,
                                             0xff,       0x7fff,     0x8000,     0xffff,
                                             0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffffffffff,
                                             1ull << 63, ~0ull};

class Mutation {
 public:
  Mutation(const std::vector<std::string>& seeds, uint64_t number)
      : seeds_(seeds), random_(number) {}

  std::string Run() {
    if (!seeds_.empty()) input_ = seeds_[Below(seeds_.size())];
    // Mostly one fault: several hide one another.
    uint64_t faults = Below(3) == 0 ? 1 + Below(8) : 1;
    while (faults-- > 0) Spoil();
    if (input_.size() > kInputBytesMax) input_.resize(kInputBytesMax);
    return std::move(input_);
  }

 private:
  // In [0, bound), or 0.
  uint64_t Below(uint64_t bound) { return bound == 0 ? 0 : random_() % bound; }

  void Spoil() {
    switch (Below(8)) {
      case 0:
        return Cut();
      case 1:
        return Overwrite();
      case 2:
        return PutEdge();
      case 3:
        return PutVarint();
      case 4:
        return Splice();
      case 5:
        return Remove();
      case 6:
        return Repeat();
      default:
        return Flip();
    }
  }

  void Flip() {
    if (input_.empty()) return Overwrite();
    char& byte = input_[Below(input_.size())];
    byte = static_cast<char>(byte ^ (1 << Below(8)));
  }

  void Cut() { input_.resize(Below(input_.size() + 1)); }

  void Overwrite() {
    std::string noise(1 + Below(8), '\0');
    for (char& byte : noise) byte = static_cast<char>(random_());
    Put(noise);
  }

  // A whole number of 1 to 8 bytes, either end first.
  void PutEdge() {
    uint64_t edge = kEdges[Below(kEdges.size())];
    size_t width = size_t{1} << Below(4);
    std::string bytes(width, '\0');
    for (size_t i = 0; i < width; ++i) bytes[i] = static_cast<char>(edge >> (8 * i));
    if (Below(2) == 0) std::ranges::reverse(bytes);
    Put(bytes);
  }

  // A length, as Protobuf and Kafka's records write them.
  void PutVarint() {
    uint64_t edge = kEdges[Below(kEdges.size())];
    std::string bytes;
    for (; edge >= 0x80; edge >>= 7) bytes.push_back(static_cast<char>(edge | 0x80));
    bytes.push_back(static_cast<char>(edge));
    Put(bytes);
  }

  // Over what is there, or between.
  void Put(const std::string& bytes) {
    size_t at = Below(input_.size() + 1);
    size_t over = Below(4) == 0 ? 0 : std::min(bytes.size(), input_.size() - at);
    input_.replace(at, over, bytes);
  }

  // The beginning of this one, and the end of another.
  void Splice() {
    if (seeds_.empty()) return Overwrite();
    const std::string& other = seeds_[Below(seeds_.size())];
    input_.resize(Below(input_.size() + 1));
    input_ += other.substr(Below(other.size() + 1));
  }

  void Remove() {
    size_t at = Below(input_.size() + 1);
    input_.erase(at, 1 + Below(std::min<size_t>(16, input_.size() - at)));
  }

  void Repeat() {
    size_t at = Below(input_.size() + 1);
    std::string piece = input_.substr(at, 1 + Below(64));
    for (uint64_t times = 1 + Below(4); times > 0; --times) input_.insert(at, piece);
  }

  const std::vector<std::string>& seeds_;
  std::mt19937_64 random_;
  std::string input_;
};

}  // namespace

std::string InputOf(const std::vector<std::string>& seeds, uint64_t seed, uint64_t number) {
  if (number < seeds.size()) return seeds[number];
  return Mutation(seeds, seed * 1'000'003 + number).Run();
}

}  // namespace weir::fuzz
