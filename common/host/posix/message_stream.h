// SPDX-License-Identifier: Apache-2.0
// What both ends of a stream have in common: the queue of messages to send, the credit of messages
// to receive, and the order of events up to OnEnd. Knows no gRPC: an end says how one read, one
// write and the finish are started, and tells when they are done.
//
// One strand only. Held by shared_ptr: by its handle, and by every operation under way.
#pragma once

#include <deque>
#include <memory>
#include <optional>

#include "common/host/network.h"
#include "common/host/posix/mailbox.h"

namespace weir::host {

class MessageStream : public std::enable_shared_from_this<MessageStream> {
 public:
  explicit MessageStream(std::shared_ptr<Mailbox> mailbox) : mailbox_(std::move(mailbox)) {}
  virtual ~MessageStream() = default;
  MessageStream(const MessageStream&) = delete;
  MessageStream& operator=(const MessageStream&) = delete;

  // What a Stream's holder holds; the stream is cancelled when it is dropped before the finish.
  std::shared_ptr<Stream> MakeHandle();

  // The network goes: the call is cancelled, and nobody hears of it.
  void Drop();
  bool ended() const { return ended_; }

 protected:
  // Whether another write follows at once, so that this one may wait for it.
  enum class Followed { kNo, kYes };

  // False: the call takes no reads any more.
  virtual bool StartRead() = 0;
  virtual void StartWrite(const Pieces& message, Followed followed) = 0;
  // After the last write is done. At a client: no more is sent. At a server: the end.
  virtual void StartFinish(const CallStatus& status) = 0;
  // Ends the call without waiting for anything. What is under way fails soon.
  virtual void CancelCall() = 0;
  // Whether a Finish with this status leaves nothing to wait for.
  virtual bool FinishCancels(const CallStatus& status) const = 0;
  // Whether the holder's going, after its Finish, still ends the call.
  virtual bool NeedsHolder() const = 0;
  // There is nothing more to read.
  virtual void OnReadsOver() = 0;

  // From here on messages are read.
  void Begin(std::shared_ptr<StreamEvents> events);
  // From here on messages are written.
  void BeginWriting(bool ok);
  void ReadDone(std::optional<Bytes> message);
  void WriteDone(bool ok);
  // The call is over; OnEnd follows, after what is still to be delivered.
  void CallEnded(CallStatus status);
  void TellPeerFinished();
  // The peer went away: a finish that has not started has nobody to hear it.
  void PeerCancelled();
  Mailbox& mailbox() { return *mailbox_; }
  bool cancelled() const { return cancelled_.has_value(); }

 private:
  class Handle;

  void Send(Pieces message);
  void Finish(CallStatus status);
  void PauseReading();
  void ResumeReading();
  void Abandon();

  void Cancel(CallStatus status);
  void Deliver();
  void StartNextWrite();
  void MaybeEnd();

  const std::shared_ptr<Mailbox> mailbox_;
  std::shared_ptr<StreamEvents> events_;

  // Receiving: at most one message is read ahead of a paused holder.
  bool paused_ = false;
  bool reading_ = false;
  bool reads_over_ = false;
  std::optional<Bytes> read_ahead_;

  // Sending.
  std::deque<Pieces> unsent_;
  size_t queued_bytes_ = 0;
  // Also until the call has begun.
  bool writing_ = true;
  bool write_failed_ = false;
  std::optional<CallStatus> finish_;
  bool finish_started_ = false;

  std::optional<CallStatus> cancelled_;
  std::optional<CallStatus> outcome_;
  bool ended_ = false;
};

}  // namespace weir::host
