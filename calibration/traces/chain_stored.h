// The stored form of chain rows, read: what chain_writer.cpp writes. Found by chain_rows_format().
#pragma once

#include <memory>
#include <string_view>

#include "calibration/traces/text_format.h"

namespace calibration {

inline constexpr std::string_view chain_stored_tag = "# chainsim chain ";  // and the version

std::unique_ptr<EventSource> open_stored_rows(TextInput input);

}  // namespace calibration
