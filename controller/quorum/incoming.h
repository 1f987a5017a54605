// SPDX-License-Identifier: Apache-2.0
// One stream that a peer has opened to this voter. The network holds it; the voter may be gone
// before.
#pragma once

#include <memory>
#include <optional>

#include "controller/quorum/quorum.h"

namespace weir::quorum {

class Quorum::Incoming final : public host::StreamEvents {
 public:
  Incoming(std::weak_ptr<Quorum*> quorum, std::shared_ptr<host::Stream> stream)
      : quorum_(std::move(quorum)), stream_(std::move(stream)) {}

  void OnMessage(Bytes bytes) override;
  void OnPeerFinished() override;
  void OnEnd(host::CallStatus status) override;

  // Back to who opened it.
  void Answer(Pieces message);

 private:
  void Refuse(host::CallStatus status);

  std::weak_ptr<Quorum*> quorum_;
  std::shared_ptr<host::Stream> stream_;
  std::optional<raft::VoterId> from_;
  bool refused_ = false;
};

}  // namespace weir::quorum
