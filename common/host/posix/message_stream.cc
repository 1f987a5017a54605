// SPDX-License-Identifier: Apache-2.0
#include "common/host/posix/message_stream.h"

#include <glog/logging.h>

#include <utility>

namespace weir::host {

class MessageStream::Handle : public Stream {
 public:
  explicit Handle(std::shared_ptr<MessageStream> stream) : stream_(std::move(stream)) {}
  ~Handle() override { stream_->Abandon(); }

  void Send(Pieces message) override { stream_->Send(std::move(message)); }
  size_t queued_bytes() const override { return stream_->queued_bytes_; }
  void Finish(CallStatus status) override { stream_->Finish(std::move(status)); }
  void PauseReading() override { stream_->PauseReading(); }
  void ResumeReading() override { stream_->ResumeReading(); }

 private:
  std::shared_ptr<MessageStream> stream_;
};

std::shared_ptr<Stream> MessageStream::MakeHandle() {
  return std::make_shared<Handle>(shared_from_this());
}

void MessageStream::Begin(std::shared_ptr<StreamEvents> events) {
  events_ = std::move(events);
  Deliver();
}

void MessageStream::BeginWriting(bool ok) {
  writing_ = false;
  write_failed_ = !ok;
  if (!ok) {
    unsent_.clear();
    queued_bytes_ = 0;
  }
  StartNextWrite();
}

void MessageStream::Send(Pieces message) {
  if (ended_ || cancelled_ || finish_ || write_failed_) return;
  queued_bytes_ += SizeOf(message);
  unsent_.push_back(std::move(message));
  StartNextWrite();
}

void MessageStream::Finish(CallStatus status) {
  if (ended_ || cancelled_ || finish_) return;
  if (FinishCancels(status)) {
    Cancel({StatusCode::kCancelled, std::move(status.message), {}});
    return;
  }
  finish_ = std::move(status);
  StartNextWrite();
}

void MessageStream::Abandon() {
  if (ended_ || cancelled_) return;
  if (finish_ && !NeedsHolder()) return;
  Cancel({StatusCode::kCancelled, "the stream was dropped", {}});
}

void MessageStream::Drop() {
  auto self = shared_from_this();
  auto events = std::move(events_);
  if (!ended_ && !cancelled_) Cancel({StatusCode::kCancelled, "the process is going", {}});
}

void MessageStream::Cancel(CallStatus status) {
  cancelled_ = std::move(status);
  unsent_.clear();
  queued_bytes_ = 0;
  read_ahead_.reset();
  CancelCall();
  if (!finish_) finish_ = *cancelled_;
  StartNextWrite();
}

void MessageStream::PauseReading() { paused_ = true; }

void MessageStream::ResumeReading() {
  if (!std::exchange(paused_, false) || ended_) return;
  if (!read_ahead_) {
    Deliver();
    return;
  }
  // Not within this call.
  mailbox_->Push([self = shared_from_this()] { self->Deliver(); });
}

void MessageStream::ReadDone(std::optional<Bytes> message) {
  reading_ = false;
  if (!message) {
    reads_over_ = true;
    if (!ended_ && !cancelled_) OnReadsOver();
  } else if (!ended_ && !cancelled_) {
    read_ahead_ = std::move(message);
  }
  Deliver();
}

void MessageStream::Deliver() {
  if (read_ahead_ && !paused_ && !ended_ && events_) {
    Bytes message = std::move(*read_ahead_);
    read_ahead_.reset();
    events_->OnMessage(std::move(message));
  }
  // Where the holder paused or cancelled in there, the next read waits, or never comes.
  if (events_ && !read_ahead_ && !reading_ && !paused_ && !reads_over_ && !outcome_ &&
      !cancelled_) {
    reading_ = StartRead();
  }
  MaybeEnd();
}

void MessageStream::StartNextWrite() {
  if (writing_ || finish_started_) return;
  if (!unsent_.empty()) {
    writing_ = true;
    StartWrite(unsent_.front(), unsent_.size() > 1 ? Followed::kYes : Followed::kNo);
  } else if (finish_) {
    finish_started_ = true;
    StartFinish(*finish_);
  }
}

void MessageStream::WriteDone(bool ok) {
  writing_ = false;
  // A cancel has emptied the queue, and a failed write does; the end will say why.
  bool taken = ok && !unsent_.empty();
  if (taken) {
    queued_bytes_ -= SizeOf(unsent_.front());
    unsent_.pop_front();
  } else {
    write_failed_ = true;
    unsent_.clear();
    queued_bytes_ = 0;
  }
  StartNextWrite();
  if (taken && unsent_.empty() && !ended_ && events_) events_->OnDrained();
}

void MessageStream::PeerCancelled() {
  if (ended_ || cancelled_ || finish_started_) return;
  Cancel({StatusCode::kCancelled, "the client went away", {}});
}

void MessageStream::TellPeerFinished() {
  if (!ended_ && !cancelled_ && events_) events_->OnPeerFinished();
}

void MessageStream::CallEnded(CallStatus status) {
  outcome_ = std::move(status);
  // A read that is still out comes back; a message in hand of a call that broke is lost with it,
  // so that even a paused holder hears of the break.
  if (outcome_->code == StatusCode::kUnavailable || outcome_->code == StatusCode::kCancelled) {
    read_ahead_.reset();
  }
  MaybeEnd();
}

void MessageStream::MaybeEnd() {
  if (ended_ || !outcome_ || reading_ || read_ahead_) return;
  ended_ = true;
  unsent_.clear();
  queued_bytes_ = 0;
  auto self = shared_from_this();
  auto events = std::move(events_);
  if (events) events->OnEnd(cancelled_ ? *cancelled_ : *outcome_);
}

}  // namespace weir::host
