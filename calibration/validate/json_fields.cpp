#include "calibration/validate/json_fields.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>

#include "scenarios/input_error.h"

namespace calibration {

using nlohmann::json;

json load_json_object(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  if (!in) {
    throw scenarios::InputError{
        {.file = path.string(), .found = "no file that can be read", .expected = "JSON"}};
  }
  std::ostringstream buffer;
  buffer << in.rdbuf();
  const std::string text = std::move(buffer).str();
  try {
    json document = json::parse(text);
    if (document.is_object()) {
      return document;
    }
  } catch (const json::parse_error& error) {
    const auto end = text.begin() + static_cast<std::ptrdiff_t>(std::min(error.byte, text.size()));
    throw scenarios::InputError{{.file = path.string(),
                                 .line = 1 + std::count(text.begin(), end, '\n'),
                                 .found = "text that is not JSON",
                                 .expected = "a JSON object",
                                 .suggestion = "was the file cut off?"}};
  }
  throw scenarios::InputError{
      {.file = path.string(), .found = "JSON that is no object", .expected = "a JSON object"}};
}

void JsonFields::fail(const std::string& key, const std::string& found, const char* expected) const {
  const std::string name = inside_.empty() ? key : inside_ + "." + key;
  throw scenarios::InputError{
      {.file = file_, .found = found + " at " + scenarios::quoted(name), .expected = expected}};
}

const json& JsonFields::at(const std::string& key, const char* expected) const {
  if (!has(key)) {
    fail(key, "nothing", expected);
  }
  return object_.at(key);
}

bool JsonFields::has(const std::string& key) const {
  const auto found = object_.find(key);
  return found != object_.end() && !found->is_null();
}

std::string JsonFields::text(const std::string& key) const {
  const json& value = at(key, "a text");
  if (!value.is_string()) {
    fail(key, value.type_name(), "a text");
  }
  return value.get<std::string>();
}

std::int64_t JsonFields::integer(const std::string& key) const {
  const json& value = at(key, "a whole number");
  if (!value.is_number_integer() || value.get<double>() < 0 || value.get<double>() > 9e18) {
    fail(key, value.is_number() ? value.dump() : value.type_name(), "a whole number, not negative");
  }
  return value.get<std::int64_t>();
}

double JsonFields::number(const std::string& key) const {
  const json& value = at(key, "a number");
  if (!value.is_number() || !std::isfinite(value.get<double>()) || value.get<double>() < 0) {
    fail(key, value.is_number() ? value.dump() : value.type_name(), "a number, not negative");
  }
  return value.get<double>();
}

bool JsonFields::boolean(const std::string& key) const {
  const json& value = at(key, "true or false");
  if (!value.is_boolean()) {
    fail(key, value.type_name(), "true or false");
  }
  return value.get<bool>();
}

JsonFields JsonFields::object(const std::string& key) const {
  const json& value = at(key, "an object");
  if (!value.is_object()) {
    fail(key, value.type_name(), "an object");
  }
  return {value, file_, inside_.empty() ? key : inside_ + "." + key};
}

}  // namespace calibration
