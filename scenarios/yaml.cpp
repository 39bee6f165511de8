#include "scenarios/yaml.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace scenarios {
namespace {

constexpr std::size_t largest_file = std::size_t{16} * 1024 * 1024;
constexpr int deepest = 64;           // an alias to its own anchor never ends
constexpr int most_values = 1 << 20;  // nor do aliases of aliases of aliases, for practical purposes

// What turns yaml-cpp's nodes into ours.
class Converter {
 public:
  // `line` > 0 keeps every place on that line, `column` columns further: a --set argument.
  Converter(std::string file, std::int64_t line, std::int64_t column)
      : file_{std::move(file)}, line_{line}, column_{column} {}

  Place place(const YAML::Mark& mark) const {
    if (mark.is_null()) {
      return {file_, line_, 0};
    }
    return {file_, line_ > 0 ? line_ : mark.line + 1, mark.column + 1 + column_};
  }

  Yaml convert(const YAML::Node& node, int depth) {
    Yaml result;
    result.place = place(node.Mark());
    if (depth > deepest || ++values_ > most_values) {
      input_error(result.place, "a document that is too deep or too large",
                  "at most 64 levels, without loops");
    }
    if (node.IsScalar()) {
      result.kind = Yaml::Kind::scalar;
      result.scalar = node.Scalar();
    } else if (node.IsSequence()) {
      result.kind = Yaml::Kind::list;
      for (const YAML::Node& item : node) {
        result.items.push_back(convert(item, depth + 1));
      }
    } else if (node.IsMap()) {
      result.kind = Yaml::Kind::map;
      for (const auto& pair : node) {
        add_entry(result, pair.first, pair.second, depth);
      }
    }
    return result;
  }

 private:
  void add_entry(Yaml& map, const YAML::Node& key, const YAML::Node& value, int depth) {
    const Place key_place = place(key.Mark());
    if (!key.IsScalar()) {
      input_error(key_place, "a key that is no text", "a name, then ':'");
    }
    if (const Yaml::Entry* first = map.entry(key.Scalar())) {
      input_error(key_place, "duplicate key " + quoted(key.Scalar()), "each key once",
                  "the first is in line " + std::to_string(first->key_place.line));
    }
    map.entries.push_back({key.Scalar(), key_place, convert(value, depth + 1)});
  }

  std::string file_;
  std::int64_t line_;
  std::int64_t column_;
  int values_ = 0;
};

Yaml parse(const std::string& text, Converter converter, std::string_view what) {
  const std::string expected{what};
  if (text.find('\0') != std::string::npos) {
    input_error(converter.place(YAML::Mark::null_mark()), "binary data", expected);
  }
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(text);
    if (documents.empty() || documents.front().IsNull()) {
      input_error(converter.place(YAML::Mark::null_mark()), "nothing in it", expected);
    }
    if (documents.size() > 1) {
      input_error(converter.place(documents[1].Mark()), "a second document", "one document in a file");
    }
    return converter.convert(documents.front(), 0);
  } catch (const YAML::Exception& failure) {
    input_error(converter.place(failure.mark), "what is not YAML (" + failure.msg + ")", expected);
  }
}

std::string read_file(const std::string& path, std::string_view what) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{std::fopen(path.c_str(), "rbe"), &std::fclose};
  if (!file) {
    input_error({path, 0, 0}, std::strerror(errno), std::string{what});
  }
  std::string text;
  std::string block(65536, '\0');
  while (const std::size_t length = std::fread(block.data(), 1, block.size(), file.get())) {
    text.append(block, 0, length);
    if (text.size() > largest_file) {
      input_error({path, 0, 0}, "more than 16 MiB", std::string{what});
    }
  }
  if (std::ferror(file.get()) != 0) {
    input_error({path, 0, 0}, std::strerror(errno), std::string{what});
  }
  return text;
}

}  // namespace

const Yaml::Entry* Yaml::entry(std::string_view key) const {
  const auto at = std::find_if(entries.begin(), entries.end(), [&](const Entry& e) { return e.key == key; });
  return at == entries.end() ? nullptr : &*at;
}

const Yaml* Yaml::find(std::string_view key) const {
  const Entry* found = entry(key);
  return found == nullptr ? nullptr : &found->value;
}

Yaml* Yaml::find(std::string_view key) { return const_cast<Yaml*>(std::as_const(*this).find(key)); }

Yaml load_yaml(const std::string& path, std::string_view what) {
  return parse(read_file(path, what), Converter{path, 0, 0}, what);
}

Yaml parse_yaml(const std::string& text, const std::string& name, std::string_view what) {
  return parse(text, Converter{name, 0, 0}, what);
}

Yaml parse_yaml(const std::string& text, const Place& start, std::string_view what) {
  return parse(text, Converter{start.file, start.line, start.column}, what);
}

void input_error(const Place& place, std::string found, std::string expected, std::string suggestion) {
  throw InputError{{.file = place.file,
                    .line = place.line,
                    .column = place.column,
                    .found = std::move(found),
                    .expected = std::move(expected),
                    .suggestion = std::move(suggestion)}};
}

std::string describe(const Yaml& node) {
  switch (node.kind) {
    case Yaml::Kind::scalar:
      return quoted(node.scalar);
    case Yaml::Kind::list:
      return "a list";
    case Yaml::Kind::map:
      return "a map";
    case Yaml::Kind::null:
      break;
  }
  return "nothing";
}

}  // namespace scenarios
