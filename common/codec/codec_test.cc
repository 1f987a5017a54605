// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "common/codec/big_endian.h"
#include "common/codec/crc32c.h"
#include "common/codec/reader.h"
#include "common/codec/varint.h"
#include "common/codec/writer.h"

namespace weir::codec {
namespace {

TEST(Crc32c, AgreesWithTheKnownVectors) {
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(Crc32c(""), 0u);
  // RFC 3720, B.4: 32 bytes of zeroes, and of ones.
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62a8ab43u);
}

TEST(Crc32c, CanBeTakenPieceByPiece) {
  std::string text = "the sum of the whole is the sum of its pieces";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    std::string_view view = text;
    EXPECT_EQ(Crc32c(view.substr(cut), Crc32c(view.substr(0, cut))), Crc32c(text));
  }
}

TEST(BigEndian, PutsTheHighByteFirst) {
  char bytes[8];
  StoreBigEndian<int32_t>(0x01020304, bytes);
  EXPECT_EQ(std::string_view(bytes, 4), std::string_view("\x01\x02\x03\x04", 4));
  StoreBigEndian<int64_t>(-2, bytes);
  EXPECT_EQ(LoadBigEndian<int64_t>(bytes), -2);
  EXPECT_EQ(LoadBigEndian<uint16_t>(bytes + 6), 0xfffe);
}

struct Vector {
  int64_t value;
  std::string bytes;
};

TEST(Varint, AgreesWithTheKnownVectors) {
  const Vector vectors[] = {
      {0, std::string("\x00", 1)},
      {-1, "\x01"},
      {1, "\x02"},
      {63, "\x7e"},
      {-64, "\x7f"},
      {64, std::string("\x80\x01", 2)},
      {8191, "\xfe\x7f"},
      {-8192, "\xff\x7f"},
      {std::numeric_limits<int32_t>::max(), "\xfe\xff\xff\xff\x0f"},
      {std::numeric_limits<int32_t>::min(), "\xff\xff\xff\xff\x0f"},
  };
  for (const Vector& vector : vectors) {
    std::string out;
    AppendVarint(static_cast<int32_t>(vector.value), &out);
    EXPECT_EQ(out, vector.bytes) << vector.value;
    EXPECT_EQ(VarlongSize(vector.value), out.size());
    std::string_view in = out;
    EXPECT_EQ(TakeVarint(&in), vector.value);
    EXPECT_TRUE(in.empty());
  }
}

TEST(Varint, RoundTripsEveryWidthOf64Bits) {
  for (int shift = 0; shift < 64; ++shift) {
    for (int64_t near : {-1, 0, 1}) {
      auto value = static_cast<int64_t>((uint64_t{1} << shift) + static_cast<uint64_t>(near));
      for (int64_t signed_value : {value, static_cast<int64_t>(~static_cast<uint64_t>(value))}) {
        std::string out;
        AppendVarlong(signed_value, &out);
        EXPECT_EQ(VarlongSize(signed_value), out.size());
        std::string_view in = out;
        EXPECT_EQ(TakeVarlong(&in), signed_value);
      }
    }
  }
}

TEST(Varint, RefusesWhatIsCutShortOrTooLong) {
  for (std::string bytes : {std::string(), std::string("\x80"), std::string("\xff\xff\xff\xff"),
                            std::string("\x80\x80\x80\x80\x80\x01"),
                            // 33 bits in five bytes.
                            std::string("\xff\xff\xff\xff\x1f")}) {
    std::string_view in = bytes;
    EXPECT_FALSE(TakeVarint(&in));
    EXPECT_EQ(in.size(), bytes.size());
  }
  std::string eleven = std::string(10, '\x80') + '\x01';
  std::string_view in = eleven;
  EXPECT_FALSE(TakeVarlong(&in));
  std::string overflow = std::string(9, '\xff') + '\x02';
  in = overflow;
  EXPECT_FALSE(TakeVarlong(&in));
}

TEST(Reader, ReadsWhatTheWriterWrote) {
  std::string out;
  Writer writer(&out);
  writer.Fixed<int16_t>(-7);
  writer.NullableRun("key");
  writer.NullableRun(std::nullopt);
  writer.Varlong(1'000'000'000'000);
  Reader reader(out);
  EXPECT_EQ(reader.Fixed<int16_t>(), -7);
  EXPECT_EQ(reader.NullableRun(), "key");
  EXPECT_EQ(reader.NullableRun(), std::nullopt);
  EXPECT_EQ(reader.Varlong(), 1'000'000'000'000);
  EXPECT_TRUE(reader.rest().empty());
  EXPECT_FALSE(reader.failed());
}

TEST(Reader, FailsForGoodWhenItReadsPastTheEnd) {
  Reader reader(std::string_view("\x00\x01\x02", 3));
  EXPECT_EQ(reader.Fixed<int32_t>(), 0);
  EXPECT_TRUE(reader.failed());
  EXPECT_EQ(reader.Fixed<int8_t>(), 0);
  Reader below("\x03");  // A length of -2.
  EXPECT_EQ(below.NullableRun(), std::nullopt);
  EXPECT_TRUE(below.failed());
}

}  // namespace
}  // namespace weir::codec
