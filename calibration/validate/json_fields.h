// JSON files that other runs of this program wrote, read with the errors that bad input deserves.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace calibration {

// Throws InputError: unreadable, not JSON (at its line), not an object.
nlohmann::json load_json_object(const std::filesystem::path& path);

// The fields of one object of the file, by key. Throws InputError that names file and key.
class JsonFields {
 public:
  JsonFields(const nlohmann::json& object, std::string file, std::string inside = "")
      : object_{object}, file_{std::move(file)}, inside_{std::move(inside)} {}

  bool has(const std::string& key) const;  // there, and not null
  std::string text(const std::string& key) const;
  std::int64_t integer(const std::string& key) const;  // >= 0
  double number(const std::string& key) const;         // finite, >= 0
  bool boolean(const std::string& key) const;
  JsonFields object(const std::string& key) const;
  const nlohmann::json& raw() const { return object_; }

 private:
  const nlohmann::json& at(const std::string& key, const char* expected) const;
  [[noreturn]] void fail(const std::string& key, const std::string& found, const char* expected) const;

  const nlohmann::json& object_;
  std::string file_, inside_;
};

}  // namespace calibration
