// The fuzzer of one reader: compiled once for each, with FUZZED_READER the name of its function.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/harness.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::FUZZED_READER({reinterpret_cast<const char*>(data), size});
  return 0;
}
