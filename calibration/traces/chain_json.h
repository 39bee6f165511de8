// Rows of our chain program as `bpftrace -f json` prints them. The whole map is one line:
//
//   {"type": "printf", "data": "# chainsim chain raw 1\n"}
//   {"type": "map", "data": {"@e": {"11393006782345,0": [207884,3487513804800,515396075640,1,0,"swapper/0"],
//   ...}}}
//
// Versions: 0.17 as printed by it; later ones by the repository's tests and src/output up to 0.26: numbers
// that
//           a double cannot hold are printed as text, and spaces may be missing.
// Memory:   that line, so at most max_map bytes; only `capture` streams. Throws InputError for more, and for
// a
//           pipe, which cannot be opened a second time.
#pragma once

#include "calibration/traces/text_format.h"

namespace calibration {

inline constexpr std::size_t max_chain_map = std::size_t{512} << 20;  // bytes of the line

TextFormat chain_json_format();

}  // namespace calibration
