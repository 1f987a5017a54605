// SPDX-License-Identifier: Apache-2.0
#include "bench/quorum/load.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace weir::bench {
namespace {

constexpr Duration kPatience = std::chrono::seconds(10);

double Seconds(Duration d) { return static_cast<double>(d.count()) / 1e9; }

}  // namespace

Load::Load(int connections) {
  for (int i = 0; i < connections; ++i) {
    connections_.push_back(std::make_unique<host::GrpcNetwork>(loop_));
  }
}

std::pair<host::CallStatus, Bytes> Load::Ask(const host::Endpoint& to, const std::string& method,
                                             Bytes request) {
  std::optional<std::pair<host::CallStatus, Bytes>> answer;
  connections_.front()->Call(to, method, {std::move(request)}, kPatience,
                             [&](host::CallStatus status, Bytes bytes) {
                               answer.emplace(std::move(status), std::move(bytes));
                               loop_.Stop();
                             });
  loop_.Run();
  return *answer;
}

Measured Load::Run(const Target& target, int depth, Duration length) {
  target_ = &target;
  failed_ = 0;
  took_.clear();
  Instant start = clock_.Now();
  end_ = start + length;
  for (int i = 0; i < depth; ++i) StartCall();
  loop_.Run();
  Duration lasted = clock_.Now() - start;
  Measured measured{.failed = failed_};
  if (took_.empty()) return measured;
  std::ranges::sort(took_);
  auto ms = [&](double part) {
    return Seconds(took_[static_cast<size_t>(part * static_cast<double>(took_.size() - 1))]) * 1e3;
  };
  measured.calls_per_second = static_cast<double>(took_.size()) / Seconds(lasted);
  measured.p50_ms = ms(0.50);
  measured.p99_ms = ms(0.99);
  return measured;
}

void Load::StartCall() {
  ++under_way_;
  Instant asked = clock_.Now();
  auto& connection = *connections_[number_ % connections_.size()];
  connection.Call(target_->leader, target_->method, {target_->request(number_++)}, kPatience,
                  [this, asked](host::CallStatus status, const Bytes&) {
                    --under_way_;
                    Instant now = clock_.Now();
                    if (status.ok()) {
                      took_.push_back(now - asked);
                    } else {
                      ++failed_;
                    }
                    if (now < end_) return StartCall();
                    if (under_way_ == 0) loop_.Stop();
                  });
}

}  // namespace weir::bench
