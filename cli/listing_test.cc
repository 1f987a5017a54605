// SPDX-License-Identifier: Apache-2.0
#include "cli/listing.h"

#include <gtest/gtest.h>

#include <sstream>

#include "cli/nearest.h"

namespace weir::cli {
namespace {

TEST(Listing, AlignsItsColumnsUnderTitles) {
  Listing listing({"topic", "leader_epoch", "isr"});
  listing.Add({"orders", 12, Json::array({1, 2, 3})});
  listing.Add({"a", 3, Json::array()});
  std::ostringstream out;
  listing.PrintText(out);
  EXPECT_EQ(out.str(),
            "TOPIC   LEADER-EPOCH  ISR\n"
            "orders  12            [1 2 3]\n"
            "a       3             []\n");
}

TEST(Listing, IsAListOfObjectsAsJson) {
  Listing listing({"topic", "leader"});
  listing.Add({"orders", 1});
  EXPECT_EQ(listing.ToJson().dump(), R"([{"topic":"orders","leader":1}])");
}

TEST(Listing, ShowsNothingAsADash) {
  Listing listing({"name", "rack", "pid"});
  listing.Add({"x", "", nullptr});
  std::ostringstream out;
  listing.PrintText(out);
  EXPECT_EQ(out.str(), "NAME  RACK  PID\nx     -     -\n");
}

TEST(Sheet, AlignsValuesAndLeavesOutLists) {
  std::ostringstream out;
  PrintSheet(out, {{"healthy", true},
                   {"unhealthy_reasons", Json::array()},
                   {"parts", Json::array({{{"a", 1}}})}});
  EXPECT_EQ(out.str(), "Healthy:            true\nUnhealthy reasons:  []\n");
}

TEST(Nearest, FindsWhatWasMeant) {
  std::vector<std::string> names = {"create", "list", "describe", "delete"};
  EXPECT_EQ(Nearest("lsit", names), "list");
  EXPECT_EQ(Nearest("creat", names), "create");
  EXPECT_EQ(Nearest("xyzzy-nothing", names), std::nullopt);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3u);
}

}  // namespace
}  // namespace weir::cli
