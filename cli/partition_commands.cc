// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iostream>

#include "cli/commands.h"
#include "cli/partition_words.h"
#include "cli/quantity.h"
#include "cli/throttle.h"

namespace weir::cli {
namespace {

namespace admin = weir::admin::v1;

constexpr Duration kLookAgain = std::chrono::milliseconds(500);
// One request names no more partitions.
constexpr size_t kNamesMost = 1000;

struct ListOptions {
  std::string topic;
  bool moving = false;
};

host::Task<int> List(Cluster& cluster, Common common, ListOptions options) {
  Listing listing({"partition", "leader", "leader_epoch", "replicas", "isr", "adding", "removing"});
  admin::ListPartitionsRequest request;
  request.set_parent("topics/" + (options.topic.empty() ? "-" : options.topic));
  request.set_page_size(1000);
  do {
    auto answer =
        co_await Ask<admin::ListPartitionsResponse>(cluster, "Partitions/ListPartitions", request);
    if (!answer) co_return co_await ComplainOfTopic(cluster, options.topic, answer.error());
    for (const auto& each : answer->partitions()) {
      if (options.moving && each.adding().empty() && each.removing().empty()) continue;
      listing.Add({ShortName(each.name()), each.leader(), each.leader_epoch(),
                   ListOf(each.replicas()), ListOf(each.isr()), ListOf(each.adding()),
                   ListOf(each.removing())});
    }
    request.set_page_token(answer->next_page_token());
  } while (!request.page_token().empty());
  Print(common, listing);
  co_return kOk;
}

// How many of the named partitions are still moving.
host::Task<client::Outcome<int>> CountMoving(Cluster& cluster, std::vector<MoveWord> moves) {
  int moving = 0;
  std::string asked;
  client::Outcome<admin::GetTopicResponse> topic;
  std::ranges::sort(moves, {}, [](const MoveWord& move) { return move.partition.topic; });
  for (const MoveWord& move : moves) {
    if (move.partition.topic != asked) {
      asked = move.partition.topic;
      admin::GetTopicRequest request;
      request.set_name("topics/" + asked);
      topic = co_await Ask<admin::GetTopicResponse>(cluster, "Topics/GetTopic", request);
      if (!topic) co_return std::unexpected(topic.error());
    }
    for (const auto& each : topic->partitions()) {
      bool is_moving = !each.adding().empty() || !each.removing().empty();
      moving += each.partition() == move.partition.partition && is_moving ? 1 : 0;
    }
  }
  co_return moving;
}

struct ReassignOptions {
  std::vector<std::string> moves;
  bool dry_run = false;
  int wait_seconds = 0;
  // Empty: none.
  std::string throttle;
};

host::Task<int> WaitForMoves(Cluster& cluster, std::vector<MoveWord> moves, int wait_seconds) {
  Instant deadline = cluster.host.clock.Now() + std::chrono::seconds(wait_seconds);
  int told = -1;
  while (true) {
    auto moving = co_await CountMoving(cluster, moves);
    if (!moving) co_return Complain(moving.error());
    if (*moving == 0) co_return kOk;
    Instant next = cluster.host.clock.Now() + kLookAgain;
    if (next >= deadline) {
      co_return Complain(std::to_string(*moving) +
                         " partitions are still moving, and go on; see: weir partition list "
                         "--moving");
    }
    if (*moving != told) std::cerr << *moving << " partitions are moving" << std::endl;
    told = *moving;
    co_await host::AwaitDone([&](auto done) { cluster.host.strand.RunAt(next, std::move(done)); });
  }
}

host::Task<int> Reassign(Cluster& cluster, Common common, ReassignOptions options) {
  admin::ReassignPartitionsRequest request;
  request.set_validate_only(options.dry_run);
  std::vector<MoveWord> moves;
  Listing listing({"partition", "status", "replicas"});
  for (const std::string& word : options.moves) {
    auto move = ParseMove(word);
    if (!move) co_return Complain(move.error().message, kUsage);
    auto* added = request.add_moves();
    added->set_name(move->partition.name());
    for (int32_t node : move->nodes) added->add_replicas(node);
    listing.Add({ShortName(move->partition.name()), options.dry_run ? "POSSIBLE" : "OK",
                 ListOf(move->nodes)});
    moves.push_back(*std::move(move));
  }
  const bool is_throttled = !options.throttle.empty() && !options.dry_run;
  if (is_throttled) {
    auto rate = ParseBytes(options.throttle);
    if (!rate) co_return Complain(rate.error().message, kUsage);
    auto throttled = co_await Throttle(cluster, moves, *rate);
    if (!throttled) co_return Complain(throttled.error());
  }
  auto answer = co_await AskToChange<admin::ReassignPartitionsResponse>(
      cluster, "Partitions/ReassignPartitions", request);
  if (!answer) co_return Complain(answer.error());
  int code = kOk;
  if (!options.dry_run && options.wait_seconds > 0) {
    code = co_await WaitForMoves(cluster, moves, options.wait_seconds);
  }
  if (is_throttled && options.wait_seconds > 0 && code == kOk) {
    auto ended = co_await Unthrottle(cluster, std::move(moves));
    if (!ended) co_return Complain(ended.error());
  }
  Print(common, listing);
  co_return code;
}

host::Task<int> Cancel(Cluster& cluster, Common common, std::vector<std::string> words) {
  admin::CancelReassignmentsRequest request;
  Listing listing({"partition", "status"});
  for (const std::string& word : words) {
    auto partition = ParsePartition(word);
    if (!partition) co_return Complain(partition.error().message, kUsage);
    request.add_names(partition->name());
    listing.Add({word, "OK"});
  }
  auto answer = co_await AskToChange<admin::CancelReassignmentsResponse>(
      cluster, "Partitions/CancelReassignments", request);
  if (!answer) co_return Complain(answer.error());
  Print(common, listing);
  co_return kOk;
}

struct ElectOptions {
  std::vector<std::string> words;
  bool unclean = false;
  bool yes = false;
};

// The partitions that the words name: "orders/0", or all of "orders".
host::Task<client::Outcome<std::vector<std::string>>> NamesIn(Cluster& cluster,
                                                              std::vector<std::string> words) {
  std::vector<std::string> names;
  for (const std::string& word : words) {
    if (auto partition = ParsePartition(word)) {
      names.push_back(partition->name());
      continue;
    }
    admin::GetTopicRequest request;
    request.set_name("topics/" + word);
    auto topic = co_await Ask<admin::GetTopicResponse>(cluster, "Topics/GetTopic", request);
    if (!topic) co_return std::unexpected(topic.error());
    for (const auto& each : topic->partitions()) names.push_back(each.name());
  }
  co_return names;
}

host::Task<int> Elect(Cluster& cluster, Common common, ElectOptions options) {
  auto names = co_await NamesIn(cluster, options.words);
  if (!names) co_return Complain(names.error());
  Listing listing({"partition", "status", "leader", "message"});
  int code = kOk;
  for (size_t from = 0; from < names->size(); from += kNamesMost) {
    admin::ElectLeadersRequest request;
    request.set_election(options.unclean ? admin::ElectLeadersRequest::ELECTION_UNCLEAN
                                         : admin::ElectLeadersRequest::ELECTION_PREFERRED);
    for (size_t i = from; i < std::min(from + kNamesMost, names->size()); ++i) {
      request.add_names((*names)[i]);
    }
    auto answer = co_await AskToChange<admin::ElectLeadersResponse>(
        cluster, "Partitions/ElectLeaders", request);
    if (!answer) co_return Complain(answer.error());
    for (const auto& result : answer->results()) {
      bool is_done = result.reason().empty();
      std::string status = !is_done ? result.reason() : result.unclean() ? "UNCLEAN" : "OK";
      listing.Add({ShortName(result.name()), status, result.leader(), result.message()});
      if (!is_done && result.reason() != "ELECTION_NOT_NEEDED") code = kFailed;
    }
  }
  Print(common, listing);
  co_return code;
}

void AddReassign(CLI::App* noun, Invocation& invocation) {
  auto options = std::make_shared<ReassignOptions>();
  CLI::App* reassign = noun->add_subcommand("reassign", "Move partitions to other nodes");
  reassign
      ->add_option("MOVE", options->moves,
                   "TOPIC/NUMBER=NODE,NODE,...: where the partition is to lie; the first should "
                   "lead")
      ->required();
  reassign->add_flag("--dry-run", options->dry_run, "Only say whether it can be done");
  reassign
      ->add_option("--wait", options->wait_seconds,
                   "Look on until all of them have moved, for so many seconds")
      ->check(CLI::Range(0, 86400));
  reassign->add_option("--throttle", options->throttle,
                       "What each node may send and take in for the moves, a second: 20MB. With "
                       "--wait it ends with them; else reset *.replication.throttled.* in the end");
  reassign->footer(
      "All of them begin to move, or none does.\n"
      "Examples:\n"
      "  weir partition reassign orders/0=1,2,3\n"
      "  weir partition reassign orders/0=4,2,3 orders/1=2,3,4 --wait 600 --throttle 20MB");
  AddFormat(reassign, invocation);
  OnCluster(reassign, invocation, [options](Cluster& cluster, Common common) {
    return Reassign(cluster, common, *options);
  });
}

void AddElect(CLI::App* noun, Invocation& invocation) {
  auto options = std::make_shared<ElectOptions>();
  CLI::App* elect = noun->add_subcommand("elect", "Have preferred replicas lead again");
  elect->add_option("PARTITION", options->words, "TOPIC/NUMBER, or TOPIC for all of its partitions")
      ->required();
  elect->add_flag("--unclean", options->unclean,
                  "For partitions that nobody leads: any replica that is there. What it lacks is "
                  "LOST");
  elect->add_flag("-y,--yes", options->yes, "Do not ask");
  elect->footer(
      "Without it, leadership goes back a minute after a preferred replica is in sync again.\n"
      "Examples:\n"
      "  weir partition elect orders\n"
      "  weir partition elect orders/0 orders/3\n"
      "  weir partition elect orders/0 --unclean");
  AddFormat(elect, invocation);
  elect->callback([&invocation, options] {
    invocation.run = [&invocation, options] {
      if (options->unclean && !options->yes) {
        int code = Confirmed(
            "an unclean leader loses what it lacks",
            "Elect whoever is there, and lose for good what they lack of what was acknowledged?");
        if (code != kOk) return code;
      }
      return RunOnCluster(invocation.common, [&](Cluster& cluster) {
        return Elect(cluster, invocation.common, *options);
      });
    };
  });
}

}  // namespace

void AddPartitionCommands(CLI::App& app, Invocation& invocation) {
  CLI::App* noun =
      app.add_subcommand("partition", "Partitions: where they lie, and who leads them");
  noun->require_subcommand(1);

  auto options = std::make_shared<ListOptions>();
  CLI::App* list = noun->add_subcommand("list", "List partitions");
  list->add_option("TOPIC", options->topic, "Of this topic; else of all");
  list->add_flag("--moving", options->moving, "Only those on their way to other nodes");
  list->footer("Examples:\n  weir partition list orders\n  weir partition list --moving");
  AddFormat(list, invocation);
  OnCluster(list, invocation,
            [options](Cluster& cluster, Common common) { return List(cluster, common, *options); });

  AddReassign(noun, invocation);

  auto words = std::make_shared<std::vector<std::string>>();
  CLI::App* cancel = noun->add_subcommand("cancel", "Call moves back: to where they came from");
  cancel->add_option("PARTITION", *words, "TOPIC/NUMBER")->required();
  cancel->footer(
      "Examples:\n  weir partition cancel orders/0\n  weir partition cancel orders/0 logs/2");
  AddFormat(cancel, invocation);
  OnCluster(cancel, invocation,
            [words](Cluster& cluster, Common common) { return Cancel(cluster, common, *words); });

  AddElect(noun, invocation);
}

}  // namespace weir::cli
