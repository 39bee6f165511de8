#include <string>

#include "tests/fuzz/harness.h"

namespace fuzz {

// What stands behind the line that names the format; the first byte says which of the two it is.
void chain_rows(std::string_view input) {
  if (input.empty()) {
    return;
  }
  const bool stored = (input.front() & 1) == 0;
  events((stored ? "# chainsim chain 1\n" : "# chainsim chain raw 1\n") + std::string{input.substr(1)});
}

}  // namespace fuzz
