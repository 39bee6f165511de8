// Our own bugs: on in every build type, no recovery (STYLE section 6).
#pragma once

#include <cstdio>
#include <cstdlib>

namespace sim {

[[noreturn]] inline void check_failed(const char* what, const char* file, int line) {
  std::fprintf(stderr, "chainsim: internal error: %s (%s:%d)\n", what, file, line);
  std::abort();
}

inline void check(bool condition, const char* what, const char* file = __builtin_FILE(),
                  int line = __builtin_LINE()) {
  if (!condition) [[unlikely]] {
    check_failed(what, file, line);
  }
}

}  // namespace sim
