// SPDX-License-Identifier: Apache-2.0
#include "cli/record_format.h"

namespace weir::cli {
namespace {

// What stands after a backslash; -1 where it is none of ours.
int Escaped(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case 'r':
      return '\r';
    case '0':
      return '\0';
    case '\\':
      return '\\';
    default:
      return -1;
  }
}

}  // namespace

Result<RecordFormat> RecordFormat::Parse(std::string_view format) {
  RecordFormat parsed;
  std::string text;
  auto end_text = [&] {
    if (!text.empty()) parsed.parts_.push_back({0, std::exchange(text, {})});
  };
  for (size_t i = 0; i < format.size(); ++i) {
    char c = format[i];
    if (c != '%' && c != '\\') {
      text += c;
      continue;
    }
    char next = i + 1 < format.size() ? format[++i] : ' ';
    if (c == '%' && next == '%') {
      text += '%';
    } else if (c == '%' && std::string_view("tpokvTs").find(next) != std::string_view::npos) {
      end_text();
      parsed.parts_.push_back({next, {}});
    } else if (c == '\\' && Escaped(next) >= 0) {
      text += static_cast<char>(Escaped(next));
    } else {
      return Fail(Error::Kind::kInvalid,
                  std::string("'") + c + next +
                      "' means nothing in a format: there are %t topic, %p partition, %o offset, "
                      "%k key, %v value, %T timestamp, %s size, %%, \\n, \\t, \\r, \\0 and \\\\");
    }
  }
  end_text();
  return parsed;
}

void RecordFormat::Print(std::string& out, std::string_view topic, PartitionIndex partition,
                         const client::ReadRecord& record) const {
  for (const Part& part : parts_) {
    switch (part.field) {
      case 't':
        out += topic;
        break;
      case 'p':
        out += std::to_string(partition.value());
        break;
      case 'o':
        out += std::to_string(record.offset.value());
        break;
      case 'k':
        if (record.key) out += record.key->view();
        break;
      case 'v':
        if (record.value) out += record.value->view();
        break;
      case 'T':
        out += std::to_string(record.timestamp.ms);
        break;
      case 's':
        out += std::to_string(record.value ? record.value->size() : 0);
        break;
      default:
        out += part.text;
        break;
    }
  }
}

}  // namespace weir::cli
