// SPDX-License-Identifier: Apache-2.0
#include "controller/quorum/rocksdb/entry_codec.h"

#include <optional>
#include <utility>

#include "common/codec/crc32c.h"

namespace weir::quorum {
namespace {

constexpr char kEntryPrefix = 'e';
// Of what the account says of the layout of all.
constexpr uint64_t kFormat = 1;

// The key is part of what is checked: a value under another key is as wrong as another value.
uint32_t Checksum(std::string_view key, std::string_view rest) {
  return codec::Crc32c(rest, codec::Crc32c(key));
}

void PutNumber(std::string& to, uint64_t number, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) {
    to.push_back(static_cast<char>(number >> shift));
  }
}

// Takes the number off the front; nothing if there is too little.
std::optional<uint64_t> TakeNumber(std::string_view& from, size_t bytes) {
  if (from.size() < bytes) return std::nullopt;
  uint64_t number = 0;
  for (size_t i = 0; i < bytes; ++i) number = (number << 8) | static_cast<uint8_t>(from[i]);
  from.remove_prefix(bytes);
  return number;
}

void PutPosition(std::string& to, const raft::LogPosition& position) {
  PutNumber(to, static_cast<uint64_t>(position.index.value()), 8);
  PutNumber(to, static_cast<uint64_t>(position.term.value()), 8);
}

std::optional<raft::LogPosition> TakePosition(std::string_view& from) {
  auto index = TakeNumber(from, 8);
  auto term = TakeNumber(from, 8);
  if (!index || !term) return std::nullopt;
  return raft::LogPosition{LogIndex(static_cast<int64_t>(*index)),
                           Term(static_cast<int64_t>(*term))};
}

std::string Sealed(std::string_view key, std::string rest) {
  std::string value;
  value.reserve(rest.size() + 4);
  PutNumber(value, Checksum(key, rest), 4);
  value += rest;
  return value;
}

Result<std::string_view> Unsealed(std::string_view key, std::string_view value) {
  auto crc = TakeNumber(value, 4);
  if (!crc || *crc != Checksum(key, value)) {
    return Fail(Error::Kind::kCorrupt, "a checksum in the quorum's log does not match");
  }
  return value;
}

std::unexpected<Error> TooShort() {
  return Fail(Error::Kind::kCorrupt, "a value in the quorum's log is too short");
}

}  // namespace

std::string EntryKey(LogIndex index) {
  std::string key(1, kEntryPrefix);
  PutNumber(key, static_cast<uint64_t>(index.value()), 8);
  return key;
}

std::string EntryKeysEnd() { return std::string(1, kEntryPrefix + 1); }

std::string EntryValue(const LogEntry& entry, Term previous) {
  std::string rest;
  PutNumber(rest, static_cast<uint64_t>(previous.value()), 8);
  PutNumber(rest, static_cast<uint64_t>(entry.term.value()), 8);
  rest += entry.payload.view();
  return Sealed(EntryKey(entry.index), std::move(rest));
}

Result<StoredEntry> ReadEntry(std::string_view key, std::string_view value) {
  auto rest = Unsealed(key, value);
  if (!rest) return std::unexpected(rest.error());
  if (key.empty() || key[0] != kEntryPrefix) {
    return Fail(Error::Kind::kCorrupt, "a key in the quorum's log is none of an entry");
  }
  key.remove_prefix(1);
  auto index = TakeNumber(key, 8);
  auto previous = TakeNumber(*rest, 8);
  auto term = TakeNumber(*rest, 8);
  if (!index || !previous || !term || !key.empty()) return TooShort();
  return StoredEntry{{LogIndex(static_cast<int64_t>(*index)), Term(static_cast<int64_t>(*term)),
                      Bytes::FromString(std::string(*rest))},
                     Term(static_cast<int64_t>(*previous))};
}

std::string AccountValue(const Account& account) {
  std::string rest;
  PutNumber(rest, kFormat, 1);
  PutNumber(rest, account.writes, 8);
  PutPosition(rest, account.begin);
  PutPosition(rest, account.last);
  PutPosition(rest, account.snapshot);
  const raft::HardState& state = account.hard_state;
  PutNumber(rest, static_cast<uint64_t>(state.term.value()), 8);
  if (state.vote) {
    PutNumber(rest, static_cast<uint64_t>(state.vote->controller.value()), 4);
    rest += state.vote->directory.ToBytes();
  }
  return Sealed(kAccountKey, std::move(rest));
}

Result<Account> ReadAccount(std::string_view value) {
  auto rest = Unsealed(kAccountKey, value);
  if (!rest) return std::unexpected(rest.error());
  auto format = TakeNumber(*rest, 1);
  auto writes = TakeNumber(*rest, 8);
  auto begin = TakePosition(*rest);
  auto last = TakePosition(*rest);
  auto snapshot = TakePosition(*rest);
  auto term = TakeNumber(*rest, 8);
  if (!format || !writes || !begin || !last || !snapshot || !term) return TooShort();
  if (*format != kFormat) {
    return Fail(Error::Kind::kCorrupt, "the quorum's log has format " + std::to_string(*format) +
                                           "; this version reads format " +
                                           std::to_string(kFormat));
  }
  Account account{*writes,
                  {Term(static_cast<int64_t>(*term)), std::nullopt},
                  *begin,
                  *last,
                  *snapshot};
  if (rest->empty()) return account;
  auto controller = TakeNumber(*rest, 4);
  auto directory = DirectoryId::FromBytes(*rest);
  if (!controller || !directory) return TooShort();
  account.hard_state.vote =
      raft::VoterId{ControllerId(static_cast<int32_t>(*controller)), *directory};
  return account;
}

std::string SnapshotValue(const StoredSnapshot& snapshot) {
  std::string rest;
  PutPosition(rest, snapshot.last);
  rest += snapshot.state.view();
  return Sealed(kSnapshotKey, std::move(rest));
}

Result<StoredSnapshot> ReadSnapshotValue(std::string_view value) {
  auto rest = Unsealed(kSnapshotKey, value);
  if (!rest) return std::unexpected(rest.error());
  auto last = TakePosition(*rest);
  if (!last) return TooShort();
  return StoredSnapshot{*last, Bytes::FromString(std::string(*rest))};
}

}  // namespace weir::quorum
