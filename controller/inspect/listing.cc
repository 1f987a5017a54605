// SPDX-License-Identifier: Apache-2.0
#include "controller/inspect/listing.h"

#include <google/protobuf/util/json_util.h>

#include <nlohmann/json.hpp>

#include "common/metadata/record_text.h"
#include "proto/metadata/records.pb.h"

namespace weir::inspect {
namespace {

using nlohmann::ordered_json;
namespace v1 = metadata::v1;

template <class Message>
bool Parse(const Bytes& bytes, Message& message) {
  return message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

ordered_json JsonOf(const v1::Record& record) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(record, &text, options).ok()) return nullptr;
  return ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
}

ordered_json JsonOf(const raft::LogPosition& position) {
  return {{"index", position.index.value()}, {"term", position.term.value()}};
}

template <class Records>
ordered_json JsonOfAll(const Records& records) {
  ordered_json all = ordered_json::array();
  for (const v1::Record& record : records) all.push_back(JsonOf(record));
  return all;
}

template <class Records>
void TextOfAll(const Records& records, std::ostream& out) {
  for (const v1::Record& record : records) out << "  " << metadata::TextOf(record) << '\n';
}

std::string Hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (unsigned char byte : bytes) {
    hex.push_back(kDigits[byte >> 4]);
    hex.push_back(kDigits[byte & 15]);
  }
  return hex;
}

}  // namespace

void List(const quorum::Account& account, Format format, std::ostream& out) {
  const raft::HardState& state = account.hard_state;
  if (format == Format::kJson) {
    ordered_json json{{"kind", "account"},
                      {"writes", account.writes},
                      {"term", state.term.value()},
                      {"vote", nullptr},
                      {"begin", JsonOf(account.begin)},
                      {"last", JsonOf(account.last)},
                      {"snapshot", JsonOf(account.snapshot)}};
    if (state.vote) {
      json["vote"] = {{"controller", state.vote->controller.value()},
                      {"directory", state.vote->directory.ToString()}};
    }
    out << json.dump() << '\n';
    return;
  }
  out << "term " << state.term << ", vote ";
  if (state.vote) {
    out << "for controller " << state.vote->controller << " with directory "
        << state.vote->directory;
  } else {
    out << "for nobody";
  }
  out << ", snapshot to " << account.snapshot.index << '@' << account.snapshot.term << ", ";
  if (account.begin == account.last) {
    out << "no entries";
  } else {
    out << "entries " << account.begin.index + 1 << " to " << account.last.index << '@'
        << account.last.term;
  }
  out << ", " << account.writes << " writes\n";
}

void List(const quorum::LogEntry& entry, Format format, std::ostream& out) {
  v1::Entry parsed;
  bool is_known = Parse(entry.payload, parsed);
  if (format == Format::kJson) {
    ordered_json json{
        {"kind", "entry"}, {"index", entry.index.value()}, {"term", entry.term.value()}};
    if (!is_known) {
      json["payload"] = Hex(entry.payload.view());
    } else {
      if (!parsed.request_id().empty()) json["request_id"] = Hex(parsed.request_id());
      json["records"] = JsonOfAll(parsed.records());
    }
    out << json.dump() << '\n';
    return;
  }
  out << "entry " << entry.index << " term " << entry.term;
  if (!is_known) {
    out << ": no weir.metadata.v1.Entry; " << entry.payload.size() << " bytes\n";
    return;
  }
  if (auto request = Uuid::FromBytes(parsed.request_id()))
    out << " request " << request->ToString();
  out << '\n';
  TextOfAll(parsed.records(), out);
}

bool List(const quorum::StoredSnapshot& snapshot, Format format, std::ostream& out) {
  v1::Snapshot parsed;
  bool is_known = Parse(snapshot.state, parsed);
  if (format == Format::kJson) {
    ordered_json json{{"kind", "snapshot"}, {"last", JsonOf(snapshot.last)}};
    json["bytes"] = snapshot.state.size();
    if (is_known) json["records"] = JsonOfAll(parsed.records());
    out << json.dump() << '\n';
    return is_known;
  }
  out << "snapshot to " << snapshot.last.index << '@' << snapshot.last.term << ", "
      << snapshot.state.size() << " bytes";
  if (!is_known) {
    out << ": no weir.metadata.v1.Snapshot\n";
    return false;
  }
  out << ", " << parsed.records_size() << " records\n";
  TextOfAll(parsed.records(), out);
  return true;
}

}  // namespace weir::inspect
