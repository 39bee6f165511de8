#include "scenarios/input_error.h"

#include <utility>

namespace scenarios {
namespace {

void append_printable(std::string& out, char c) {
  constexpr std::string_view digits = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  if (c == '\n') {
    out += "\\n";
  } else if (c == '\r') {
    out += "\\r";
  } else if (c == '\t') {
    out += "\\t";
  } else if (byte < 0x20 || byte == 0x7f) {
    out += "\\x";
    out += digits[byte >> 4];
    out += digits[byte & 0xf];
  } else {
    out += c;
  }
}

// File names and texts come from the user: whatever is in them, the message stays on one line.
std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    append_printable(out, c);
  }
  return out;
}

std::string message(const InputErrorDetails& details) {
  std::string text = one_line(details.file);
  if (details.line > 0) {
    text += ':' + std::to_string(details.line);
    if (details.column > 0) {
      text += ':' + std::to_string(details.column);
    }
  }
  text += ": found " + one_line(details.found);
  if (!details.expected.empty()) {
    text += ", expected " + one_line(details.expected);
  }
  if (!details.suggestion.empty()) {
    text += "; " + one_line(details.suggestion);
  }
  return text;
}

}  // namespace

InputError::InputError(InputErrorDetails details)
    : std::runtime_error{message(details)}, details_{std::move(details)} {}

std::string quoted(std::string_view text, std::size_t max_length) {
  std::string out = "'";
  std::size_t cut = text.size();
  if (text.size() > max_length) {
    cut = max_length;
    // Never cut inside a UTF-8 character: its continuation bytes are 10xxxxxx.
    while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80) {
      --cut;
    }
  }
  for (const char c : text.substr(0, cut)) {
    append_printable(out, c);
  }
  if (cut < text.size()) {
    out += "...";
  }
  return out + "'";
}

}  // namespace scenarios
