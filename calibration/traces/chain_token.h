// A name as one word of a stored row: bytes that would break the row (space, control characters, %) are %XX,
// no name at all is "-".
#pragma once

#include <string>
#include <string_view>

namespace calibration {

void append_token(std::string& out, std::string_view text);

// The name that `token` stands for; `space` holds it where it differs from the token.
std::string_view read_token(std::string_view token, std::string& space);

}  // namespace calibration
