// SPDX-License-Identifier: Apache-2.0
// Who takes part in the quorum, at the edge: it refuses what the quorum could not carry out, or
// would not survive.
#include <algorithm>
#include <memory>
#include <utility>

#include "common/base/planted_bug.h"
#include "controller/service/admin.h"
#include "controller/service/names.h"

namespace weir::service {
namespace {

// A member that was heard of within this answers.
constexpr Duration kAnswers = std::chrono::milliseconds(600);

bool IsChanging(const quorum::Quorum::Description& described) {
  return described.is_changing && !PLANTED_BUG("raft: two voters change at once");
}

std::unexpected<Refusal> Changing() {
  return Refuse(ErrorCode::kThrottlingQuotaExceeded,
                "another change of the quorum is on its way: ask again when it has committed");
}

// Why the quorum would stand still without `leaving`, if it would.
std::optional<std::string> Standstill(const quorum::Quorum::Description& described,
                                      ControllerId leaving) {
  int voters = 0;
  int answering = 0;
  for (const auto& known : described.voters) {
    if (known.voter.is_learner || known.voter.id.controller == leaving) continue;
    ++voters;
    if (known.silence < kAnswers) ++answering;
  }
  if (answering > voters / 2) return std::nullopt;
  return "without controller " + std::to_string(leaving.value()) + ", " + std::to_string(voters) +
         " voters stay, of which " + std::to_string(answering) +
         " answer: nothing could be decided any more. Bring others back first, or remove those "
         "that are dead; force removes it all the same";
}

}  // namespace

Answer<decide::Command> Admin::AddController(const admin::v1::AddControllerRequest& request) const {
  auto request_id = RequestIdIn(request.request_id());
  if (!request_id) return std::unexpected(request_id.error());
  auto directory = DirectoryId::FromBytes(request.directory_id());
  if (!directory || directory->is_nil() || request.controller_id() < 0) {
    return Refuse(ErrorCode::kInvalidRequest,
                  "a controller is added by its id, 0 or more, and the 16 bytes of its directory");
  }
  if (IsChanging(quorum_()->Describe())) return Changing();
  metadata::Voter voter{.id = ControllerId(request.controller_id()),
                        .directory = *directory,
                        .endpoint = request.endpoint()};
  return decide::AddLearner{std::move(voter), *request_id};
}

Answer<decide::Command> Admin::RemoveController(
    const admin::v1::RemoveControllerRequest& request) const {
  auto request_id = RequestIdIn(request.request_id());
  if (!request_id) return std::unexpected(request_id.error());
  decide::RemoveVoter command{.id = ControllerId(request.controller_id()),
                              .directory = std::nullopt,
                              .request_id = *request_id};
  if (!request.directory_id().empty()) {
    command.directory = DirectoryId::FromBytes(request.directory_id());
    if (!command.directory) {
      return Refuse(ErrorCode::kInvalidRequest, "directory_id must be 16 bytes, or empty");
    }
  }
  quorum::Quorum::Description described = quorum_()->Describe();
  if (IsChanging(described)) return Changing();
  bool is_voter = std::ranges::any_of(described.voters, [&](const auto& known) {
    return known.voter.id.controller == command.id && !known.voter.is_learner;
  });
  if (auto why = Standstill(described, command.id); why && is_voter && !request.force()) {
    return Refuse(ErrorCode::kPolicyViolation, std::move(*why));
  }
  return command;
}

void Admin::TransferLeadership(const admin::v1::TransferLeadershipRequest& request,
                               edge::Respond<admin::v1::TransferLeadershipResponse> respond) {
  using Response = admin::v1::TransferLeadershipResponse;
  quorum::Quorum::Description described = quorum_()->Describe();
  std::optional<raft::VoterId> successor;
  for (const auto& known : described.voters) {
    if (known.voter.id.controller.value() != request.controller_id()) continue;
    if (!known.voter.is_learner) successor = known.voter.id;
  }
  if (request.controller_id() >= 0 && !successor) {
    return respond(edge::ToStatus({ErrorCode::kVoterNotFound,
                                   "controller " + std::to_string(request.controller_id()) +
                                       " is no voter of the quorum"}),
                   {});
  }
  if (successor && described.leader && described.leader->id == successor->controller) {
    Response leads;
    leads.set_leader(successor->controller.value());
    return respond(host::CallStatus::Ok(), leads);
  }
  quorum_()->TransferLeadership(
      [this, respond = std::move(respond)](bool handed_over) mutable {
        if (!handed_over) {
          return respond(edge::ToStatus({ErrorCode::kRequestTimedOut,
                                         "nobody took over in time: the successor is dead, or too "
                                         "far behind; this controller leads on"}),
                         {});
        }
        Response response;
        auto now = active_->known();
        response.set_leader(now ? now->id.value() : -1);
        respond(host::CallStatus::Ok(), response);
      },
      successor);
}

}  // namespace weir::service
