// SPDX-License-Identifier: Apache-2.0
#include "storage/partition/leader_feeds.h"

#include <glog/logging.h>

#include <algorithm>
#include <deque>
#include <map>
#include <utility>
#include <variant>
#include <vector>

#include "common/codec/message.h"
#include "common/codec/payload.h"
#include "proto/node/replication.pb.h"
#include "storage/partition/batch_end.h"
#include "storage/partition/byte_rate.h"
#include "storage/partition/partition.h"
#include "storage/partition/proto_ids.h"

namespace weir::partition {
namespace {

using node::v1::FromFollower;
using node::v1::FromLeader;

constexpr size_t kReadBytes = 1 << 20;
constexpr size_t kReadLeast = 16 << 10;
// Records in memory here: queued, or being read. For one stream, and for all of them.
constexpr size_t kStreamBytes = 4 << 20;
constexpr size_t kAllStreamsBytes = 64 << 20;
// What a follower that names no credit may have under way or unacknowledged.
constexpr size_t kCreditUnsaid = 16 << 20;
// One partition may have this part of what is left of a stream's credit: so those that a slow disk
// holds up leave something to the others, however many they are.
constexpr size_t kPartOfCredit = 16;
// A high watermark waits this long for records that carry it. Nobody waits for it but consumers of
// a follower; under load it costs no message of its own.
constexpr Duration kHighWatermarkWait = std::chrono::milliseconds(5);
// What holds a throttled feed back may end otherwise than by time.
constexpr Duration kThrottleLook = std::chrono::milliseconds(500);

}  // namespace

struct LeaderFeeds::Shared {
  host::Host host;
  std::function<ClusterId()> cluster;
  std::function<Partition*(const PartitionId&)> find;
  // That are open.
  size_t streams = 0;
  ByteRate throttle;
};

namespace {

class FeedStream;

// What one follower's node is sent of one partition.
class Feed : public FeedEvents {
 public:
  Feed(std::weak_ptr<FeedStream> stream, PartitionId id) : stream_(std::move(stream)), id_(id) {}
  void OnMoved() override;
  void OnStopped() override;

  const PartitionId& id() const { return id_; }

  LeaderEpoch epoch = kNoLeaderEpoch;
  int64_t follow_id = 0;
  // Where the next Data begins: all before it was sent in this Follow.
  Offset next;
  Offset told_high_watermark;
  Offset told_start;
  bool is_reading = false;
  // In the stream's line of those who wait for room.
  bool is_in_line = false;
  // Among those that wait until the throttle lets more through.
  bool is_held_back = false;
  // Of the throttle's bytes, what the reading under way has taken.
  int64_t throttle_bytes = 0;
  // Among those whose high watermark is to be told.
  bool is_to_be_told = false;

  // What was sent and is not acknowledged: where each piece ends, and its bytes.
  struct Sent {
    Offset end;
    size_t bytes;
  };
  std::deque<Sent> unacked;
  size_t unacked_bytes = 0;

 private:
  const std::weak_ptr<FeedStream> stream_;
  const PartitionId id_;
};

// All that one follower's node follows here.
class FeedStream : public host::StreamEvents, public std::enable_shared_from_this<FeedStream> {
 public:
  FeedStream(std::shared_ptr<LeaderFeeds::Shared> shared, std::shared_ptr<host::Stream> stream)
      : shared_(std::move(shared)), stream_(std::move(stream)) {
    ++shared_->streams;
  }
  ~FeedStream() override {
    --shared_->streams;
    shared_->host.strand.Cancel(throttle_timer_);
    shared_->host.strand.Cancel(tell_timer_);
  }

  void OnMessage(Bytes message) override;
  void OnDrained() override { ServeLine(); }
  void OnPeerFinished() override { End(host::CallStatus::Ok()); }
  void OnEnd(host::CallStatus status) override;

  void Moved(Feed& feed);
  void Stopped(const Feed& feed);

 private:
  bool Introduce(const FromFollower& message);
  void Follow(const node::v1::Follow& follow);
  void Ack(const node::v1::Ack& ack);
  void Unfollow(const PartitionId& id);
  void End(host::CallStatus status);

  // Serves the feed if it has something to send and there is room; else it stands in line.
  void Pump(const std::shared_ptr<Feed>& feed, Partition& partition);
  // There is something that the follower has not been sent.
  static bool HasMore(const Feed& feed, const Partition& partition);
  // The log begins later, or is known to be safe further, than it was told.
  static bool HasNews(const Feed& feed, const Partition& partition);
  // Sends what is in memory, or reads.
  void Serve(const std::shared_ptr<Feed>& feed, Partition& partition);
  size_t ReadSize() const;
  void Read(const std::shared_ptr<Feed>& feed, Partition& partition, size_t bytes);
  void HasRead(const std::shared_ptr<Feed>& feed, Result<Bytes> read);
  void GiveBackRoom();
  // It is throttled, and its time has not come: it is pumped again then.
  bool IsHeldBack(const std::shared_ptr<Feed>& feed, const Partition& partition);
  bool IsThrottled(const Partition& partition) const;
  void PumpHeldBack();
  void SendData(Feed& feed, const Partition& partition, Pieces records, Offset end);
  void ServeLine();
  void TellHighWatermarkSoon(const std::shared_ptr<Feed>& feed);
  void TellHighWatermarks();
  void SendHighWatermark(Feed& feed, const Partition& partition);
  void SendRefused(const PartitionId& id, LeaderEpoch epoch, int64_t follow_id, ErrorCode code,
                   Offset log_start);
  void Send(const FromLeader& message);
  bool HasRoom() const;
  // Of the follower's credit, what is neither under way nor being read.
  size_t CreditLeft() const;
  bool HasCredit(const Feed& feed) const;
  void NoteSent(Feed& feed, Offset end, size_t bytes);
  void NoteAcked(Feed& feed, Offset end);
  void Forget(const std::shared_ptr<Feed>& feed);
  Partition* FindLeading(const PartitionId& id) const;

  const std::shared_ptr<LeaderFeeds::Shared> shared_;
  // Null after the end.
  std::shared_ptr<host::Stream> stream_;
  // Who follows; none until the first message.
  NodeId node_ = kNoNode;
  std::map<PartitionId, std::shared_ptr<Feed>> feeds_;
  size_t reading_bytes_ = 0;
  size_t credit_ = kCreditUnsaid;
  // Invariant: the sum over feeds_.
  size_t unacked_bytes_ = 0;
  std::deque<std::weak_ptr<Feed>> line_;
  std::vector<std::weak_ptr<Feed>> to_be_told_;
  std::vector<std::weak_ptr<Feed>> held_back_;
  host::Strand::TimerId throttle_timer_ = 0;
  host::Strand::TimerId tell_timer_ = 0;
};

void Feed::OnMoved() {
  if (auto stream = stream_.lock()) stream->Moved(*this);
}

void Feed::OnStopped() {
  if (auto stream = stream_.lock()) stream->Stopped(*this);
}

void FeedStream::End(host::CallStatus status) {
  if (stream_) stream_->Finish(std::move(status));
}

void FeedStream::OnEnd(host::CallStatus) {
  stream_.reset();
  for (auto& [id, feed] : std::exchange(feeds_, {})) {
    Partition* partition = shared_->find(id);
    if (partition) partition->Unfollow(node_, feed.get());
  }
}

bool FeedStream::Introduce(const FromFollower& message) {
  if (node_ != kNoNode) return true;
  const ClusterId ours = shared_->cluster();
  if (ours == ClusterId()) {
    End({host::StatusCode::kUnavailable, "this node has not joined its cluster yet", ""});
    return false;
  }
  auto theirs = ClusterId::FromBytes(message.cluster_id());
  if (!theirs || *theirs != ours) {
    const std::string other = theirs ? theirs->ToString() : "no cluster";
    End({host::StatusCode::kFailedPrecondition,
         "this node belongs to cluster " + ours.ToString() + ", not to " + other, ""});
    return false;
  }
  if (message.node_id() < 0) {
    End({host::StatusCode::kInvalidArgument, "a follower's node id is 0 or more", ""});
    return false;
  }
  node_ = NodeId(message.node_id());
  return true;
}

void FeedStream::OnMessage(Bytes bytes) {
  if (!stream_) return;
  FromFollower message;
  if (!codec::ParseMessage(bytes.view(), &message)) {
    return End({host::StatusCode::kInvalidArgument, "not a FromFollower", ""});
  }
  if (!Introduce(message)) return;
  if (message.credit_bytes() > 0) credit_ = static_cast<size_t>(message.credit_bytes());
  switch (message.body_case()) {
    case FromFollower::kFollow:
      return Follow(message.follow());
    case FromFollower::kAck:
      return Ack(message.ack());
    case FromFollower::kUnfollow:
      if (auto id = IdOf(message.unfollow())) Unfollow(*id);
      return;
    case FromFollower::BODY_NOT_SET:
      return ServeLine();
  }
}

Partition* FeedStream::FindLeading(const PartitionId& id) const {
  Partition* partition = shared_->find(id);
  return partition && partition->leads() ? partition : nullptr;
}

void FeedStream::Follow(const node::v1::Follow& follow) {
  auto id = IdOf(follow);
  if (!id) return End({host::StatusCode::kInvalidArgument, "a topic id has 16 bytes", ""});
  const LeaderEpoch epoch(follow.leader_epoch());
  if (auto earlier = feeds_.extract(*id); !earlier.empty()) Forget(earlier.mapped());
  Partition* partition = FindLeading(*id);
  if (!partition) {
    return SendRefused(*id, epoch, follow.follow_id(), ErrorCode::kNotLeaderOrFollower, Offset(0));
  }

  auto feed = std::make_shared<Feed>(weak_from_this(), *id);
  feed->epoch = epoch;
  feed->follow_id = follow.follow_id();
  feed->next = Offset(follow.offset());
  // Nothing goes out for it before the answer, not even what the answer itself sets going.
  feed->is_reading = true;
  const replica::FollowAnswer answer =
      partition->Follow({.node = node_,
                         .node_epoch = NodeEpoch(follow.node_epoch()),
                         .leader_epoch = epoch,
                         .offset = Offset(follow.offset()),
                         .last_epoch = LeaderEpoch(follow.last_epoch()),
                         .flushed = Offset(follow.flushed()),
                         .start = Offset(follow.log_start())},
                        feed);
  if (auto* refused = std::get_if<replica::Refused>(&answer)) {
    const Offset start = partition->is_open() ? partition->log()->start() : Offset(0);
    SendRefused(*id, epoch, feed->follow_id, refused->code, start);
  } else if (auto* diverging = std::get_if<replica::Diverging>(&answer)) {
    FromLeader message;
    auto* told = message.mutable_diverging();
    PutId(*id, told);
    told->set_leader_epoch(epoch.value());
    told->set_follow_id(feed->follow_id);
    told->set_epoch(diverging->epoch.value());
    told->set_end(diverging->end.value());
    Send(message);
  } else {
    feed->is_reading = false;
    feeds_[*id] = feed;
    SendHighWatermark(*feed, *partition);
    Pump(feed, *partition);
  }
}

void FeedStream::Ack(const node::v1::Ack& ack) {
  auto id = IdOf(ack);
  auto found = id ? feeds_.find(*id) : feeds_.end();
  if (found == feeds_.end() || found->second->epoch != LeaderEpoch(ack.leader_epoch())) return;
  const std::shared_ptr<Feed> feed = found->second;
  Partition* partition = FindLeading(*id);
  if (partition) {
    partition->Acked(node_, feed.get(), Offset(ack.appended()), Offset(ack.flushed()),
                     Offset(ack.log_start()));
  }
  NoteAcked(*feed, Offset(ack.appended()));
  Moved(*feed);
  ServeLine();
}

void FeedStream::Unfollow(const PartitionId& id) {
  auto found = feeds_.extract(id);
  if (found.empty()) return;
  Forget(found.mapped());
  Partition* partition = shared_->find(id);
  if (partition) partition->Unfollow(node_, found.mapped().get());
}

void FeedStream::Stopped(const Feed& feed) {
  auto found = feeds_.find(feed.id());
  if (found == feeds_.end() || found->second.get() != &feed) return;
  const auto held = std::move(found->second);
  feeds_.erase(found);
  Forget(held);
  SendRefused(held->id(), held->epoch, held->follow_id, ErrorCode::kNotLeaderOrFollower, Offset(0));
}

void FeedStream::Moved(Feed& feed) {
  auto found = feeds_.find(feed.id());
  if (found == feeds_.end() || found->second.get() != &feed) return;
  Partition* partition = FindLeading(feed.id());
  if (partition) Pump(std::shared_ptr<Feed>(found->second), *partition);
}

bool FeedStream::HasRoom() const {
  const size_t most = std::clamp(kAllStreamsBytes / shared_->streams, kReadBytes, kStreamBytes);
  return stream_->queued_bytes() + reading_bytes_ + kReadBytes <= most;
}

size_t FeedStream::CreditLeft() const {
  const size_t used = unacked_bytes_ + reading_bytes_;
  return used < credit_ ? credit_ - used : 0;
}

// One that has nothing under way needs only that something is left, so that none is shut out.
bool FeedStream::HasCredit(const Feed& feed) const {
  const size_t left = CreditLeft();
  if (left == 0) return false;
  return feed.unacked_bytes == 0 || feed.unacked_bytes < left / kPartOfCredit;
}

void FeedStream::NoteSent(Feed& feed, Offset end, size_t bytes) {
  feed.unacked.push_back({end, bytes});
  feed.unacked_bytes += bytes;
  unacked_bytes_ += bytes;
}

void FeedStream::NoteAcked(Feed& feed, Offset end) {
  while (!feed.unacked.empty() && feed.unacked.front().end <= end) {
    feed.unacked_bytes -= feed.unacked.front().bytes;
    unacked_bytes_ -= feed.unacked.front().bytes;
    feed.unacked.pop_front();
  }
}

// No longer among feeds_: what was sent of it is the follower's to drop.
void FeedStream::Forget(const std::shared_ptr<Feed>& feed) {
  NoteAcked(*feed, Offset::Max());
  if (line_.empty()) return;
  shared_->host.strand.Post([stream = weak_from_this()] {
    if (auto held = stream.lock()) held->ServeLine();
  });
}

void FeedStream::Pump(const std::shared_ptr<Feed>& feed, Partition& partition) {
  if (!stream_ || feed->is_reading || feed->is_in_line || feed->is_held_back) return;
  if (HasMore(*feed, partition)) {
    if (IsHeldBack(feed, partition)) return;
    // Who has taken its part of the credit goes on with its next acknowledgement.
    if (feed->unacked_bytes > 0 && !HasCredit(*feed)) return;
    // Fair: who comes while others wait stands behind them.
    if (line_.empty() && HasRoom() && HasCredit(*feed)) return Serve(feed, partition);
    feed->is_in_line = true;
    line_.push_back(feed);
    return;
  }
  if (HasNews(*feed, partition)) TellHighWatermarkSoon(feed);
}

// In turn, for as long as there is room and credit.
void FeedStream::ServeLine() {
  while (stream_ && !line_.empty() && HasRoom()) {
    auto feed = line_.front().lock();
    if (feed && feed->unacked_bytes == 0 && !HasCredit(*feed)) return;
    line_.pop_front();
    if (!feed) continue;
    feed->is_in_line = false;
    auto found = feeds_.find(feed->id());
    if (found == feeds_.end() || found->second != feed) continue;
    Partition* partition = FindLeading(feed->id());
    if (!partition || feed->is_reading || !HasMore(*feed, *partition)) continue;
    if (HasCredit(*feed) && !IsHeldBack(feed, *partition)) Serve(feed, *partition);
  }
}

// In sync it is never throttled: the producers wait for it.
bool FeedStream::IsThrottled(const Partition& partition) const {
  const PartitionState& state = partition.state();
  return state.throttled_as_leader && !state.assignment.isr.contains(node_);
}

bool FeedStream::IsHeldBack(const std::shared_ptr<Feed>& feed, const Partition& partition) {
  const Instant now = shared_->host.clock.Now();
  if (!IsThrottled(partition) || shared_->throttle.IsReady(now)) return false;
  feed->is_held_back = true;
  held_back_.push_back(feed);
  if (throttle_timer_ == 0) {
    const Instant at = std::min(shared_->throttle.ReadyAt(), now + kThrottleLook);
    throttle_timer_ = shared_->host.strand.RunAt(at, [stream = weak_from_this()] {
      if (auto held = stream.lock()) held->PumpHeldBack();
    });
  }
  return true;
}

void FeedStream::PumpHeldBack() {
  throttle_timer_ = 0;
  for (const std::weak_ptr<Feed>& each : std::exchange(held_back_, {})) {
    auto feed = each.lock();
    if (!feed) continue;
    feed->is_held_back = false;
    auto found = feeds_.find(feed->id());
    Partition* partition = FindLeading(feed->id());
    if (found != feeds_.end() && found->second == feed && partition) Pump(feed, *partition);
  }
}

bool FeedStream::HasNews(const Feed& feed, const Partition& partition) {
  return feed.told_high_watermark < partition.high_watermark() ||
         feed.told_start < partition.log()->start();
}

bool FeedStream::HasMore(const Feed& feed, const Partition& partition) {
  return feed.next < partition.log()->written() || partition.HasTailFrom(feed.next);
}

size_t FeedStream::ReadSize() const {
  return std::clamp(CreditLeft() / kPartOfCredit, kReadLeast, kReadBytes);
}

void FeedStream::Serve(const std::shared_ptr<Feed>& feed, Partition& partition) {
  const size_t bytes = ReadSize();
  if (feed->next < partition.log()->written()) return Read(feed, partition, bytes);
  auto tail = partition.TailFrom(feed->next, bytes);
  if (!tail) return;
  if (IsThrottled(partition)) {
    shared_->throttle.Take(static_cast<int64_t>(SizeOf(tail->records)), shared_->host.clock.Now());
  }
  SendData(*feed, partition, std::move(tail->records), tail->end);
  Pump(feed, partition);
}

// One batch may be larger than `bytes`: room is taken for as much as may come.
void FeedStream::Read(const std::shared_ptr<Feed>& feed, Partition& partition, size_t bytes) {
  feed->is_reading = true;
  feed->throttle_bytes = IsThrottled(partition) ? static_cast<int64_t>(bytes) : 0;
  shared_->throttle.Take(feed->throttle_bytes, shared_->host.clock.Now());
  reading_bytes_ += kReadBytes;
  // Given back even where the log, and the callback with it, goes before it has read.
  std::shared_ptr<void> room(nullptr, [stream = weak_from_this()](void*) {
    if (auto held = stream.lock()) held->GiveBackRoom();
  });
  partition.ReadForFeed(
      feed->next, bytes,
      [stream = weak_from_this(), feed, room = std::move(room)](Result<Bytes> read) {
        if (auto held = stream.lock()) held->HasRead(feed, std::move(read));
      });
}

void FeedStream::GiveBackRoom() {
  reading_bytes_ -= kReadBytes;
  if (line_.empty()) return;
  shared_->host.strand.Post([stream = weak_from_this()] {
    if (auto held = stream.lock()) held->ServeLine();
  });
}

void FeedStream::HasRead(const std::shared_ptr<Feed>& feed, Result<Bytes> read) {
  feed->is_reading = false;
  if (feed->throttle_bytes > 0) {
    const int64_t size = read ? static_cast<int64_t>(read->size()) : 0;
    shared_->throttle.Take(size - feed->throttle_bytes, shared_->host.clock.Now());
  }
  if (!stream_) return;
  auto found = feeds_.find(feed->id());
  Partition* partition = FindLeading(feed->id());
  if (found == feeds_.end() || found->second != feed || !partition) return;
  const auto end = read ? EndOfBatches(read->view()) : std::nullopt;
  if (end && *end > feed->next) {
    SendData(*feed, *partition, {std::move(*read)}, *end);
    return Pump(feed, *partition);
  }
  // What it needs is gone meanwhile, or cannot be read: it follows anew, and hears why.
  if (!read) LOG(WARNING) << "cannot feed " << feed->id() << ": " << read.error();
  partition->Unfollow(node_, feed.get());
  Stopped(*feed);
}

void FeedStream::SendData(Feed& feed, const Partition& partition, Pieces records, Offset end) {
  FromLeader header;
  auto* data = header.mutable_data();
  PutId(feed.id(), data);
  data->set_leader_epoch(feed.epoch.value());
  data->set_follow_id(feed.follow_id);
  data->set_offset(feed.next.value());
  data->set_high_watermark(partition.high_watermark().value());
  data->set_log_start(partition.log()->start().value());
  feed.next = end;
  feed.told_high_watermark = partition.high_watermark();
  feed.told_start = partition.log()->start();
  NoteSent(feed, end, SizeOf(records));
  stream_->Send(codec::WithPayload(header, FromLeader::kRecordsFieldNumber, std::move(records)));
}

// Once for all that moves meanwhile; what carries records tells it anyway.
void FeedStream::TellHighWatermarkSoon(const std::shared_ptr<Feed>& feed) {
  if (std::exchange(feed->is_to_be_told, true)) return;
  to_be_told_.push_back(feed);
  if (tell_timer_ != 0) return;
  const Instant at = shared_->host.clock.Now() + kHighWatermarkWait;
  tell_timer_ = shared_->host.strand.RunAt(at, [stream = weak_from_this()] {
    if (auto held = stream.lock()) held->TellHighWatermarks();
  });
}

void FeedStream::TellHighWatermarks() {
  tell_timer_ = 0;
  for (const std::weak_ptr<Feed>& each : std::exchange(to_be_told_, {})) {
    auto feed = each.lock();
    if (!feed) continue;
    feed->is_to_be_told = false;
    if (!stream_ || feed->is_reading || feed->is_in_line) continue;
    auto found = feeds_.find(feed->id());
    Partition* partition = FindLeading(feed->id());
    if (found == feeds_.end() || found->second != feed || !partition) continue;
    if (HasNews(*feed, *partition)) {
      SendHighWatermark(*feed, *partition);
    }
  }
}

void FeedStream::SendHighWatermark(Feed& feed, const Partition& partition) {
  FromLeader message;
  auto* told = message.mutable_high_watermark();
  PutId(feed.id(), told);
  told->set_leader_epoch(feed.epoch.value());
  told->set_follow_id(feed.follow_id);
  told->set_high_watermark(partition.high_watermark().value());
  told->set_log_start(partition.log()->start().value());
  feed.told_high_watermark = partition.high_watermark();
  feed.told_start = partition.log()->start();
  Send(message);
}

void FeedStream::SendRefused(const PartitionId& id, LeaderEpoch epoch, int64_t follow_id,
                             ErrorCode code, Offset log_start) {
  FromLeader message;
  auto* refused = message.mutable_refused();
  PutId(id, refused);
  refused->set_leader_epoch(epoch.value());
  refused->set_follow_id(follow_id);
  refused->set_error_code(static_cast<int32_t>(code));
  refused->set_log_start(log_start.value());
  Send(message);
}

void FeedStream::Send(const FromLeader& message) {
  if (stream_) stream_->Send({Bytes::FromString(message.SerializeAsString())});
}

}  // namespace

LeaderFeeds::LeaderFeeds(host::Host host, std::function<ClusterId()> cluster,
                         std::function<Partition*(const PartitionId&)> find)
    : shared_(std::make_shared<Shared>(Shared{host, std::move(cluster), std::move(find), 0, {}})) {}

void LeaderFeeds::SetThrottle(int64_t bytes_per_second) {
  shared_->throttle.Set(bytes_per_second, shared_->host.clock.Now());
}

host::StreamMethod LeaderFeeds::Method() {
  return [shared = shared_](
             const host::Caller&,
             std::shared_ptr<host::Stream> stream) -> std::shared_ptr<host::StreamEvents> {
    return std::make_shared<FeedStream>(shared, std::move(stream));
  };
}

}  // namespace weir::partition
