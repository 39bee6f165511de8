// Bad input (a scenario, a profile, a capture): where, what was found, what was expected, what to do.
//
//   throw scenarios::InputError{{.file = "nvme.yaml", .line = 14, .column = 9,
//                                .found = "unknown key 'aggregation_tim'", .expected = "a key of msix",
//                                .suggestion = "did you mean 'aggregation_time'?"}};
//   what(): nvme.yaml:14:9: found unknown key 'aggregation_tim', expected a key of msix; did you mean ...
//
// Only main() catches it and exits with status 2. Our own bugs are sim::check, never this.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace scenarios {

struct InputErrorDetails {
  std::string file;         // as the user named it
  std::int64_t line = 0;    // from 1; 0 when the trouble is the file as a whole
  std::int64_t column = 0;  // from 1, in bytes; 0 when the trouble is the line as a whole
  std::string found;
  std::string expected = {};    // may be left out
  std::string suggestion = {};  // may be left out
};

class InputError : public std::runtime_error {
 public:
  explicit InputError(InputErrorDetails details);

  const InputErrorDetails& details() const { return details_; }
  const std::string& file() const { return details_.file; }
  std::int64_t line() const { return details_.line; }
  std::int64_t column() const { return details_.column; }
  const std::string& found() const { return details_.found; }
  const std::string& expected() const { return details_.expected; }
  const std::string& suggestion() const { return details_.suggestion; }

 private:
  InputErrorDetails details_;
};

// `text` in single quotes, fit for one line of a terminal: control characters become \n, \t or \xNN and
// what is longer than `max_length` bytes is cut and ends in "...".
std::string quoted(std::string_view text, std::size_t max_length = 60);

}  // namespace scenarios
