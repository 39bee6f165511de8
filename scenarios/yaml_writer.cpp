// The writing half of yaml.h.
#include <algorithm>
#include <cctype>

#include "scenarios/yaml.h"

namespace scenarios {
namespace {

constexpr std::size_t widest = 110;

bool is_plain(std::string_view text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL" ||
      text.back() == ' ') {
    return false;
  }
  const auto is_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  const auto allowed = [&](char c) {
    return is_word(c) || (c != '\0' && std::string_view{"_./%+- ()"}.find(c) != std::string_view::npos);
  };
  const bool negative = text.size() > 1 && text[0] == '-' && is_word(text[1]);
  const bool starts_well = negative || is_word(text[0]) || text[0] == '/' || text[0] == '.' || text[0] == '_';
  return starts_well && std::all_of(text.begin(), text.end(), allowed);
}

std::string scalar_text(const std::string& text) {
  if (is_plain(text)) {
    return text;
  }
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\x";
      out += digits[byte >> 4];
      out += digits[byte & 0xf];
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string flow(const Yaml& node) {
  std::string out;
  switch (node.kind) {
    case Yaml::Kind::null:
      return "null";
    case Yaml::Kind::scalar:
      return scalar_text(node.scalar);
    case Yaml::Kind::list:
      for (const Yaml& item : node.items) {
        out += (out.empty() ? "" : ", ") + flow(item);
      }
      return "[" + out + "]";
    case Yaml::Kind::map:
      for (const Yaml::Entry& entry : node.entries) {
        out += (out.empty() ? "" : ", ") + scalar_text(entry.key) + ": " + flow(entry.value);
      }
      return "{" + out + "}";
  }
  return out;
}

bool is_collection(const Yaml& node) { return node.kind == Yaml::Kind::list || node.kind == Yaml::Kind::map; }

// A long list of small items, several on a line.
std::string wrapped(const Yaml& list, std::size_t indent) {
  std::string out = "[";
  std::size_t column = widest;  // the first item starts a line
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    const std::string item = flow(list.items[i]) + (i + 1 < list.items.size() ? "," : "");
    if (column + item.size() + 1 > widest) {
      out += "\n" + std::string(indent + 2, ' ');
      column = indent + 2;
    } else {
      out += ' ';
      ++column;
    }
    out += item;
    column += item.size();
  }
  return out + "]";
}

void write_block(const Yaml& map, std::size_t indent, std::string& out);

// What follows "key:", with the line's end.
void write_value(const Yaml& value, std::size_t indent, std::size_t column, std::string& out) {
  const std::string line = flow(value);
  const bool fits = column + 1 + line.size() <= widest;
  if (!is_collection(value) || (fits && indent > 0)) {
    out += " " + line + "\n";
  } else if (value.kind == Yaml::Kind::list) {
    out += " " + (fits ? line : wrapped(value, indent)) + "\n";
  } else {
    out += "\n";
    write_block(value, indent + 2, out);
  }
}

void write_block(const Yaml& map, std::size_t indent, std::string& out) {
  for (const Yaml::Entry& entry : map.entries) {
    const std::string start = std::string(indent, ' ') + scalar_text(entry.key) + ":";
    out += start;
    write_value(entry.value, indent, start.size(), out);
  }
}

}  // namespace

Yaml yaml_scalar(std::string text) {
  Yaml node;
  node.kind = Yaml::Kind::scalar;
  node.scalar = std::move(text);
  return node;
}

Yaml yaml_list(std::vector<Yaml> items) {
  Yaml node;
  node.kind = Yaml::Kind::list;
  node.items = std::move(items);
  return node;
}

Yaml yaml_map(std::vector<std::pair<std::string, Yaml>> entries) {
  Yaml node;
  node.kind = Yaml::Kind::map;
  for (auto& [key, value] : entries) {
    node.entries.push_back({std::move(key), {}, std::move(value)});
  }
  return node;
}

std::string write_yaml_inline(const Yaml& node) { return flow(node); }

std::string write_yaml(const Yaml& root) {
  std::string out;
  if (root.kind == Yaml::Kind::map) {
    write_block(root, 0, out);
  } else {
    out = flow(root) + "\n";
  }
  return out;
}

}  // namespace scenarios
