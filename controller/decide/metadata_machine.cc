// SPDX-License-Identifier: Apache-2.0
#include "controller/decide/metadata_machine.h"

#include <glog/logging.h>

#include <utility>

#include "common/base/planted_bug.h"
#include "common/metadata/apply.h"
#include "common/metadata/records.h"
#include "common/metadata/snapshot.h"
#include "controller/decide/decisions.h"
#include "controller/decide/request_answers.h"

namespace weir::decide {
namespace {

// How much of a snapshot is written at a time: a few milliseconds' worth.
constexpr size_t kPieceBytes = size_t{256} << 10;

// An image on its way to a snapshot.
class Written final : public machine::SnapshotSource {
 public:
  explicit Written(metadata::Image image) : writer_(std::move(image)) {}
  Bytes Next() override { return Bytes::FromString(writer_.Next(kPieceBytes)); }

 private:
  metadata::SnapshotWriter writer_;
};

// The command's idempotence key, if it is of a kind that has one and one was given. What only asks
// whether it would be decided has none.
std::optional<RequestId> RequestIdOf(const Command& command) {
  return std::visit(
      [](const auto& c) -> std::optional<RequestId> {
        if constexpr (requires { c.validate_only; }) {
          if (c.validate_only) return std::nullopt;
        }
        if constexpr (requires { c.request_id; }) {
          return c.request_id;
        } else {
          return std::nullopt;
        }
      },
      command);
}

}  // namespace

Decision MetadataMachine::Decide(const State& tip, const Command& command, machine::Now now) const {
  auto request_id = RequestIdOf(command);
  if (request_id && !PLANTED_BUG("decide: requests are forgotten")) {
    if (const std::string* told = tip.requests.Find(*request_id)) {
      return {std::nullopt, DecodeAnswer(*told, command)};
    }
  }
  Decision decision =
      std::visit([&](const auto& c) { return decide::Decide(tip, c, now); }, command);
  // What is decided in part is asked for again, and is remembered once the last part is.
  bool is_whole = !decision.answer || !std::holds_alternative<DecidedInPart>(*decision.answer);
  if (request_id && is_whole) {
    // A refusal is remembered as well, and that there was nothing to do: another attempt of this
    // request may still be under way, and must not be decided after the caller was told.
    if (!decision.entry) decision.entry.emplace();
    decision.entry->set_request_id(request_id->ToBytes());
    *decision.entry->add_records() =
        metadata::ToRecord({*request_id, EncodeAnswer(decision.answer)});
  }
  return decision;
}

MetadataMachine::State MetadataMachine::Apply(State state, const Entry& entry,
                                              machine::Position position) const {
  return metadata::Apply(std::move(state), entry, LogIndex(position.index), Term(position.epoch));
}

MetadataMachine::Entry MetadataMachine::Open(int64_t epoch) const {
  Entry entry;
  *entry.add_records() = metadata::ToTermRecord(Term(epoch), self_);
  return entry;
}

Bytes MetadataMachine::Encode(const Entry& entry) const {
  return Bytes::FromString(metadata::SerializeDeterministically(entry));
}

MetadataMachine::Entry MetadataMachine::Decode(const Bytes& bytes) const {
  Entry entry;
  CHECK(entry.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
      << "a committed entry of the metadata log cannot be read";
  return entry;
}

std::unique_ptr<machine::SnapshotSource> MetadataMachine::TakeSnapshot(const State& state) const {
  if (PLANTED_BUG("quorum: a snapshot lacks a record") && !state.topics.empty()) {
    State lacking = state;
    lacking.partitions.Erase(lacking.partitions.begin()->first);
    return std::make_unique<Written>(std::move(lacking));
  }
  return std::make_unique<Written>(state);
}

MetadataMachine::State MetadataMachine::Restore(const Bytes& snapshot,
                                                machine::Position position) const {
  auto read = metadata::ReadSnapshot(snapshot.view());
  CHECK(read) << "the snapshot of the metadata log cannot be read: " << read.error();
  State state = std::move(*read);
  state.index = LogIndex(position.index);
  state.term = Term(position.epoch);
  return state;
}

}  // namespace weir::decide
