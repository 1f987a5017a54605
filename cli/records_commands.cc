// SPDX-License-Identifier: Apache-2.0
// Where logs begin and end, and from where on their records are kept.
#include <cerrno>
#include <cstdlib>
#include <optional>

#include "cli/commands.h"
#include "cli/leader_call.h"
#include "cli/moment.h"

namespace weir::cli {
namespace {

namespace logs = weir::log::v1;

struct OffsetsOptions {
  std::string topic;
  std::string time;
};

std::string DamageText(const logs::OffsetsResponse& offsets) {
  std::string text;
  for (const auto& damage : offsets.damages()) {
    text += (text.empty() ? "" : ",") + std::to_string(damage.from()) + "-" +
            std::to_string(damage.to());
  }
  return text;
}

host::Task<int> Offsets(Cluster& cluster, Common common, OffsetsOptions options) {
  std::optional<WallTime> at;
  if (!options.time.empty()) {
    auto parsed = ParseMoment(options.time, cluster.host.clock.WallNow());
    if (!parsed) co_return Complain(parsed.error().message, kUsage);
    at = *parsed;
  }
  auto topic = co_await LocateTopic(cluster, options.topic);
  if (!topic) co_return co_await ComplainOfTopic(cluster, options.topic, topic.error());
  std::vector<std::string> columns = {"partition", "leader",       "log_start", "high_watermark",
                                      "log_end",   "leader_epoch", "damaged"};
  if (at) columns.insert(columns.end(), {"offset", "timestamp"});
  Listing listing(columns);
  int code = kOk;
  for (const auto& partition : topic->partitions()) {
    const int32_t index = partition.partition();
    auto offsets = co_await AskLeader<logs::OffsetsResponse>(cluster, options.topic, index,
                                                             "Offsets", logs::OffsetsRequest());
    if (!offsets) {
      code = Complain(offsets.error());
      continue;
    }
    std::vector<Json> row = {index,
                             partition.leader(),
                             offsets->log_start(),
                             offsets->high_watermark(),
                             offsets->log_end(),
                             offsets->leader_epoch(),
                             DamageText(*offsets)};
    if (at) {
      logs::OffsetForTimeRequest request;
      request.set_timestamp_ms(at->ms);
      auto found = co_await AskLeader<logs::OffsetForTimeResponse>(cluster, options.topic, index,
                                                                   "OffsetForTime", request);
      if (!found) {
        code = Complain(found.error());
        continue;
      }
      row.push_back(found->offset());
      row.push_back(found->offset() < 0 ? "" : FormatMoment(WallTime{found->timestamp_ms()}));
    }
    listing.Add(std::move(row));
  }
  Print(common, listing);
  co_return code;
}

struct DeleteOptions {
  std::string topic;
  int partition = -1;
  std::string before;
  bool yes = false;
};

host::Task<int> Delete(Cluster& cluster, Common common, DeleteOptions options, int64_t before) {
  logs::DeleteRecordsRequest request;
  request.set_before(before);
  request.set_timeout_ms(static_cast<int32_t>(common.timeout_seconds) * 1000);
  auto deleted = co_await AskLeader<logs::DeleteRecordsResponse>(
      cluster, options.topic, options.partition, "DeleteRecords", request);
  if (!deleted) co_return co_await ComplainOfTopic(cluster, options.topic, deleted.error());
  Listing listing({"topic", "partition", "status", "log_start"});
  listing.Add({options.topic, options.partition, "OK", deleted->log_start()});
  Print(common, listing);
  co_return kOk;
}

// "end": all that is committed.
std::optional<int64_t> ParseBefore(const std::string& text) {
  if (text == "end") return -1;
  char* end = nullptr;
  errno = 0;
  const int64_t offset = std::strtoll(text.c_str(), &end, 10);
  const bool is_number = !text.empty() && *end == '\0' && errno == 0 && offset >= 0;
  return is_number ? std::optional(offset) : std::nullopt;
}

int RunDelete(const Invocation& invocation, const DeleteOptions& options) {
  auto before = ParseBefore(options.before);
  if (!before) {
    return Complain("'" + options.before + "' is no offset; write a number, or end", kUsage);
  }
  if (!options.yes) {
    const std::string where = options.topic + "/" + std::to_string(options.partition);
    int code = Confirmed("deleted records do not come back",
                         "Delete the records of " + where + " before " + options.before + "?");
    if (code != kOk) return code;
  }
  return RunOnCluster(invocation.common, [&](Cluster& cluster) {
    return Delete(cluster, invocation.common, options, *before);
  });
}

}  // namespace

void AddOffsetsCommand(CLI::App* topic_noun, Invocation& invocation) {
  auto options = std::make_shared<OffsetsOptions>();
  CLI::App* offsets =
      topic_noun->add_subcommand("offsets", "Where each partition's log begins and ends");
  offsets->add_option("NAME", options->topic, "The topic")->required();
  offsets->add_option("--at", options->time,
                      "Also the first record of this time or later: 2026-05-01T13:45:00Z, -90m, or "
                      "milliseconds since 1970");
  offsets->footer(
      "DAMAGED are the offsets that the leader's disk has lost, and has not yet got back from\n"
      "another replica. OFFSET is -1 where no record is as late.\n"
      "Examples:\n  weir topic offsets orders\n  weir topic offsets orders --at -1h");
  AddFormat(offsets, invocation);
  OnCluster(offsets, invocation, [options](Cluster& cluster, Common common) {
    return Offsets(cluster, common, *options);
  });
}

void AddRecordsCommands(CLI::App& app, Invocation& invocation) {
  CLI::App* noun = app.add_subcommand("records", "Delete records from the front of a log");
  noun->require_subcommand(1);
  auto options = std::make_shared<DeleteOptions>();
  CLI::App* remove =
      noun->add_subcommand("delete", "Delete the records of a partition before an offset");
  remove->add_option("TOPIC", options->topic, "The topic")->required();
  remove->add_option("--partition", options->partition, "The partition")
      ->required()
      ->check(CLI::NonNegativeNumber);
  remove
      ->add_option("--before", options->before,
                   "The first offset that stays; end: all that is committed goes")
      ->required();
  remove->add_flag("-y,--yes", options->yes, "Do not ask");
  remove->footer(
      "It is done when all replicas in sync have done it; nothing brings the records back.\n"
      "Examples:\n"
      "  weir records delete orders --partition 0 --before 1000\n"
      "  weir records delete orders --partition 0 --before end --yes");
  AddFormat(remove, invocation);
  remove->callback([&invocation, options] {
    invocation.run = [&invocation, options] { return RunDelete(invocation, *options); };
  });
}

}  // namespace weir::cli
