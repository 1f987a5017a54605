// SPDX-License-Identifier: Apache-2.0
#include "common/codec/compression.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "common/codec/big_endian.h"

namespace weir::codec {
namespace {

constexpr size_t kPlenty = size_t{64} << 20;

std::string FromHex(std::string_view hex) {
  std::string bytes;
  for (size_t at = 0; at < hex.size(); at += 2) {
    bytes.push_back(static_cast<char>(std::stoi(std::string(hex.substr(at, 2)), nullptr, 16)));
  }
  return bytes;
}

// What was compressed in each of kAnswers.
std::string Lines() {
  std::string lines;
  for (int i = 0; i < 40; ++i) {
    lines += "key-" + std::to_string(i % 7) + " value-" + std::to_string(i * i) + "\n";
  }
  return lines;
}

// Lines(), as other programs compress it.
struct Answered {
  const char* by;
  Compression compression;
  const char* hex;
};

const Answered kAnswers[] = {
    {"Kafka's Java client", Compression::kGzip,
     "1f8b08000000000000ff5d92310e03210c04fbbc221f388935c607cf4971d5a54da4fc3e27b246da942310"
     "b36b731e9faddcdf8fe7ebd8caedbc08244c32924faaa431c9f3664c6c446b1383587fa729f1219670d174"
     "8807a5a8c9202ab88b0b31448611623366b31535c4675d9b5573f1d580f89cf9563987f8bc6bbd66437c6d"
     "0ff105f3a52f789ebeddb4dfcef7d3d75db736986fed8df9d73ccb5f41144e604d144df7879ce1fa27c621"
     "a71435b4e5b525576dbbf6f805ebebee6e7a020000"},
    {"Kafka's Java client", Compression::kSnappy,
     "82534e4150505900000000010000000100000124fa04346b65792d302076616c75652d300a010e00310d0e"
     "0031050e00320d0e0034050e00330d0e0039050e00340d0e043136050f00350d0f043235050f00360d0f00"
     "33091e11650034093c11660036095911670038097611680431300994156a00320920116b043134093f116c"
     "043136095e116d043139097d116e00320d9c116f0432350920117004323809401170043332096011700433"
     "360980117000340da011700434340920117004343809401170043532096011700435370980117000360da0"
     "117000360d20117000370d40117000370d60117000380d80117000390da0117000390dc011700431303ae1"
     "000431302d0211720431312d2311730031314411740431322d6511750431332d8611760431342da7303420"
     "76616c75652d313532310a"},
    {"Kafka's Java client", Compression::kLz4,
     "04224d186040823d010000e06b65792d302076616c75652d300a0e0013310e0011310e0013320e0011340e"
     "0013330e0011390e0013340e002131360f0013350f002132350f0013360f0012331e0004650012343c0004"
     "660012365900046700123876000468002231309400056a0012322000046b002231343f00046c002231365e"
     "00046d002231397d00046e0013329c00046f00223235200004700022323840000470002233326000047000"
     "22333680000470001334a00004700022343420000470002234384000047000223532600013331c01223537"
     "80000470001336a000047000133620000470001337400004700013376000047000133880000470001339a0"
     "000470001339c0000470002b3130e10023313002010472002331312301047300233132a400047400233132"
     "65010475002331338601047600233134a70104770050313532310a00000000"},
    {"Kafka's Java client at level 12", Compression::kLz4,
     "04224d1860408200010000e06b65792d302076616c75652d300a0e0013310e0011310e0013320e0011340e"
     "0013330e0011390e0014342a0011360f0013350f002132350f0013360f003833360a650029343966002936"
     "34670029383168003a3130306a002932316b00393134346c00393136396d00393139366e0013329c001532"
     "ab00193670002a3238da003933323470003933363170003a343030dd0029343170002a3438df0039353239"
     "70003935373670003936323570003936373670002a3732e0003937383470002a3834b6013a393030b8012a"
     "363150011b30e1004a3130383952013a313536530104440115311100293936750039313336e60000a60119"
     "34770050313532310a00000000"},
    {"Kafka's Java client", Compression::kZstd,
     "28b52ffd00580c050002881414c0251d00e01c5af46fae943bc9245374852a8705025b36115b92457e38f4"
     "8fae361a999293d74d8a5a35d31e9fa772c967546d7f9cd326eb21d1eaf33ca757ebf4914b8ea210c28c22"
     "080006c38ca2100148a811706af7cf90a3a41d103246afd101a06a44898a6888381252c35c050921e7320b"
     "7a4a5b8d3da5db2885dc4c0738a27ca8d63518a17df8daad6b4d5fba52b6245bb112cfe0bdcc83a12a0100"
     "00"},
    {"gzip's own tool", Compression::kGzip,
     "1f8b08000000000000035d92310e03210c04fbbc221f388935c607cf4971d5a54da4fc3e27b246da942310"
     "b36b731e9faddcdf8fe7ebd8caedbc08244c32924faaa431c9f3664c6c446b1383587fa729f1219670d174"
     "8807a5a8c9202ab88b0b31448611623366b31535c4675d9b5573f1d580f89cf9563987f8bc6bbd66437c6d"
     "0ff105f3a52f789ebeddb4dfcef7d3d75db736986fed8df9d73ccb5f41144e604d144df7879ce1fa27c621"
     "a71435b4e5b525576dbbf6f805ebebee6e7a020000"},
    {"lz4's own tool, with a checksum of the contents", Compression::kLz4,
     "04224d186440a73d010000e06b65792d302076616c75652d300a0e0013310e0011310e0013320e0011340e"
     "0013330e0011390e0013340e002131360f0013350f002132350f0013360f0012331e0004650012343c0004"
     "660012365900046700123876000468002231309400056a0012322000046b002231343f00046c002231365e"
     "00046d002231397d00046e0013329c00046f00223235200004700022323840000470002233326000047000"
     "22333680000470001334a00004700022343420000470002234384000047000223532600013331c01223537"
     "80000470001336a000047000133620000470001337400004700013376000047000133880000470001339a0"
     "000470001339c0000470002b3130e10023313002010472002331312301047300233132a400047400233132"
     "65010475002331338601047600233134a70104770050313532310a0000000007cb51bf"},
    {"liblz4 with linked blocks, a size and both checksums", Compression::kLz4,
     "04224d185c407a0200000000000043a5000000e06b65792d302076616c75652d300a0e0013310e0011310e"
     "0013320e0011340e0013330e0011390e0013340e002131360f0013350f002132350f0013360f0012331e00"
     "04650012343c0004660012365900046700123876000468002231309400056a0012322000046b002231343f"
     "00046c002231365e00046d002231397d00046e0013329c00046f0022323520000470002232384000047000"
     "223332600060352076616c75cda27dbea100000042652d333680000470001334a000047000223434200004"
     "7000223438400013320c01223532600004700022353780000470001336a00004e000133620000470001337"
     "400004700013376000047000133880000470001339a0000470001339c00004700032313032a10004710023"
     "31300201047200233131230104730014314401047400233132650104e5002331338601047600233134a701"
     "04770050313532310a9ee132c00000000007cb51bf"},
    {"zstd's own tool, with a checksum", Compression::kZstd,
     "28b52ffd04580d050002881414c0251d00e01c5af46fae943bc9245374852a8705025b36115b92457e38f4"
     "8fae361a999293d74d8a5a35d31e9fa772c967546d7f9cd326eb21d1eaf33ca757ebf4914b8ea210c28c22"
     "080006c38ca2100148a811706af7cf90a3a41d103246afd101a06a44898a6888381252c35c050921e7320b"
     "7a4a5b8d3da5db2885dc4c0738a27ca8d63518a17df8daad6b4d5fba52b6245bb112cfe0bdcc83a12a8fca"
     "a459"},
    {"a bare block, as librdkafka writes it", Compression::kSnappy,
     "fa04346b65792d302076616c75652d300a010e00310d0e0031050e00320d0e0034050e00330d0e0039050e"
     "00340d0e043136050f00350d0f043235050f00360d0f0033091e11650034093c1166003609591167003809"
     "7611680431300994156a00320920116b043134093f116c043136095e116d043139097d116e00320d9c116f"
     "0432350920117004323809401170043332096011700433360980117000340da01170043434092011700434"
     "38094011700435320960117004353709801170043632293c117000360d20117000370d40117000370d6011"
     "7000380d80117000390da0117000390dc011700431303ae1000431302d0211720431312d23117300313144"
     "11740431322d6511750431332d8600334d020431342da730342076616c75652d313532310a"},
};

// Something of everything: runs, repetitions near and far, noise.
std::string SomeBytes(std::mt19937_64& random, size_t size) {
  std::string bytes;
  while (bytes.size() < size) {
    size_t length = 1 + random() % 200;
    switch (random() % 3) {
      case 0:
        bytes.append(length, static_cast<char>(random()));
        break;
      case 1:
        if (!bytes.empty()) bytes += bytes.substr(random() % bytes.size(), length);
        break;
      default:
        for (size_t i = 0; i < length; ++i) bytes.push_back(static_cast<char>(random()));
    }
  }
  bytes.resize(size);
  return bytes;
}

ErrorCode CodeOf(const Answer<std::string>& answer) {
  return answer ? ErrorCode::kNone : answer.error().code;
}

TEST(Compression, ReadsWhatOthersWrite) {
  for (const Answered& answered : kAnswers) {
    auto read = Decompress(answered.compression, FromHex(answered.hex), kPlenty);
    ASSERT_TRUE(read) << answered.by << ' ' << NameOf(answered.compression) << ": " << read.error();
    EXPECT_EQ(*read, Lines()) << answered.by << ' ' << NameOf(answered.compression);
  }
}

TEST(Compression, WritesTheFramingOfKafkasClients) {
  // As others' readers need it, whatever the library chooses inside.
  EXPECT_TRUE(Compress(Compression::kGzip, Lines()).starts_with(FromHex("1f8b08")));
  EXPECT_TRUE(Compress(Compression::kSnappy, Lines())
                  .starts_with(FromHex("82534e415050590000000001000000010000")));
  // Version 1, independent blocks of 64 KiB, no checksums; and the header's own sum.
  EXPECT_TRUE(Compress(Compression::kLz4, Lines()).starts_with(FromHex("04224d18604082")));
  EXPECT_TRUE(Compress(Compression::kZstd, Lines()).starts_with(FromHex("28b52ffd")));
}

TEST(Compression, ReadsBackWhatItWrote) {
  std::mt19937_64 random(1);
  for (size_t size : {0u, 1u, 2u, 100u, 32'767u, 32'768u, 32'769u, 65'536u, 65'537u, 300'000u}) {
    std::string bytes = SomeBytes(random, size);
    for (Compression compression : kCompressions) {
      std::string compressed = Compress(compression, bytes);
      auto read = Decompress(compression, compressed, size);
      ASSERT_TRUE(read) << NameOf(compression) << ' ' << size << ": " << read.error();
      EXPECT_EQ(*read, bytes) << NameOf(compression) << ' ' << size;
      EXPECT_EQ(Compress(compression, bytes), compressed);
    }
  }
}

TEST(Compression, KnowsEveryLevelOfKafka) {
  std::string lines = Lines();
  for (Compression compression : kCompressions) {
    auto levels = LevelsOf(compression);
    if (!levels) {
      EXPECT_FALSE(IsLevel(compression, 0)) << NameOf(compression);
      continue;
    }
    EXPECT_TRUE(IsLevel(compression, levels->usual));
    EXPECT_FALSE(IsLevel(compression, levels->least - 1 - (levels->least == 0)));
    EXPECT_FALSE(IsLevel(compression, levels->most + 1));
    for (int level = std::max(levels->least, -3); level <= levels->most; ++level) {
      if (!IsLevel(compression, level)) continue;
      auto read = Decompress(compression, Compress(compression, lines, level), lines.size());
      ASSERT_TRUE(read) << NameOf(compression) << ' ' << level;
      EXPECT_EQ(*read, lines);
    }
    EXPECT_EQ(Compress(compression, lines), Compress(compression, lines, levels->usual));
    auto least = Decompress(compression, Compress(compression, lines, levels->least), kPlenty);
    EXPECT_EQ(*least, lines);
  }
  EXPECT_FALSE(IsLevel(Compression::kGzip, 0));
}

TEST(Compression, TriesHarderAtAHigherLevel) {
  std::mt19937_64 random(2);
  std::string bytes = SomeBytes(random, 200'000);
  EXPECT_LT(Compress(Compression::kGzip, bytes, 9).size(),
            Compress(Compression::kGzip, bytes, 1).size());
  EXPECT_LT(Compress(Compression::kZstd, bytes, 19).size(),
            Compress(Compression::kZstd, bytes, 1).size());
  EXPECT_LT(Compress(Compression::kLz4, bytes, 12).size(),
            Compress(Compression::kLz4, bytes).size());
}

TEST(Compression, RefusesOneByteBeyondTheLimit) {
  std::string lines = Lines();
  for (Compression compression : kCompressions) {
    std::string compressed = Compress(compression, lines);
    EXPECT_TRUE(Decompress(compression, compressed, lines.size())) << NameOf(compression);
    for (size_t limit : {lines.size() - 1, lines.size() / 2, size_t{1}, size_t{0}}) {
      EXPECT_EQ(CodeOf(Decompress(compression, compressed, limit)), ErrorCode::kMessageTooLarge)
          << NameOf(compression) << ' ' << limit;
    }
  }
}

TEST(Compression, RefusesEveryShorterStream) {
  for (const Answered& answered : kAnswers) {
    std::string bytes = FromHex(answered.hex);
    for (size_t size = 0; size < bytes.size(); ++size) {
      auto read = Decompress(answered.compression, bytes.substr(0, size), kPlenty);
      // A chunked snappy stream may end behind its header, and is a whole and empty one then.
      if (answered.compression == Compression::kSnappy && read) {
        EXPECT_EQ(size, 16u) << answered.by;
        EXPECT_EQ(*read, "");
        continue;
      }
      EXPECT_EQ(CodeOf(read), ErrorCode::kCorruptMessage) << answered.by << ' ' << size;
    }
  }
}

TEST(Compression, HoldsAFrameToItsChecksums) {
  for (const Answered& answered : kAnswers) {
    std::string by = answered.by;
    if (!by.contains("checksum") && answered.compression != Compression::kGzip) continue;
    std::string bytes = FromHex(answered.hex);
    bytes[bytes.size() - 1] = static_cast<char>(bytes.back() ^ 1);
    EXPECT_FALSE(Decompress(answered.compression, bytes, kPlenty)) << by;
  }
  // The header's checksum, where nothing else would tell.
  std::string lz4 = Compress(Compression::kLz4, Lines());
  lz4[6] = static_cast<char>(lz4[6] ^ 1);
  EXPECT_EQ(CodeOf(Decompress(Compression::kLz4, lz4, kPlenty)), ErrorCode::kCorruptMessage);
}

TEST(Compression, RefusesWhatIsOfAnotherKind) {
  for (Compression written : kCompressions) {
    std::string compressed = Compress(written, Lines());
    for (Compression read : kCompressions) {
      if (read == written || read == Compression::kNone) continue;
      auto answer = Decompress(read, compressed, kPlenty);
      ASSERT_EQ(CodeOf(answer), ErrorCode::kCorruptMessage)
          << NameOf(written) << " as " << NameOf(read);
      EXPECT_TRUE(answer.error().message.contains(NameOf(read))) << answer.error();
    }
  }
}

TEST(Compression, ReadsJoinedStreamsWhereTheFormatJoins) {
  std::string lines = Lines();
  for (Compression compression : {Compression::kGzip, Compression::kSnappy, Compression::kZstd}) {
    std::string once = Compress(compression, lines);
    auto read = Decompress(compression, once + once, kPlenty);
    ASSERT_TRUE(read) << NameOf(compression) << ": " << read.error();
    EXPECT_EQ(*read, lines + lines) << NameOf(compression);
    EXPECT_EQ(CodeOf(Decompress(compression, once + "!", kPlenty)), ErrorCode::kCorruptMessage);
  }
  std::string frame = Compress(Compression::kLz4, lines);
  EXPECT_EQ(CodeOf(Decompress(Compression::kLz4, frame + frame, kPlenty)),
            ErrorCode::kCorruptMessage);
}

TEST(Compression, SaysWhatIsWrong) {
  std::string chunk_beyond = Compress(Compression::kSnappy, Lines());
  StoreBigEndian<int32_t>(1 << 20, chunk_beyond.data() + 16);
  std::string newer = Compress(Compression::kSnappy, Lines());
  StoreBigEndian<int32_t>(2, newer.data() + 12);
  // 2^32 - 1 bytes, it says.
  std::string promises("\xff\xff\xff\xff\x0f\x00z", 7);
  struct {
    Compression compression;
    std::string bytes;
    const char* says;
  } const table[] = {
      {Compression::kGzip, "", "ends early"},
      {Compression::kGzip, "plain text", "incorrect header check"},
      {Compression::kSnappy, "", "is empty"},
      {Compression::kSnappy, chunk_beyond, "ends within a chunk"},
      {Compression::kSnappy, newer, "readable from version 2"},
      {Compression::kSnappy, promises, "promises 4294967295"},
      {Compression::kLz4, "plain text", "does not begin with a frame's magic"},
      {Compression::kLz4, FromHex("04224d18"), "ends early"},
      {Compression::kZstd, "plain text", "Unknown frame descriptor"},
      {Compression::kZstd, FromHex("28b52ffd"), "ends early"},
  };
  for (const auto& row : table) {
    auto read = Decompress(row.compression, row.bytes, kPlenty);
    ASSERT_EQ(CodeOf(read), ErrorCode::kCorruptMessage) << row.says;
    EXPECT_TRUE(read.error().message.contains(row.says)) << read.error();
  }
}

}  // namespace
}  // namespace weir::codec
