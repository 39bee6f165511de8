// "Did you mean ...?": the nearest of the names that would have been right.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace scenarios {

// Insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b`
// (optimal string alignment distance), each counted as one.
int edit_distance(std::string_view a, std::string_view b);

// "did you mean 'duration'?", or "" when nothing is near: a third of the letters may be wrong, at least one.
std::string did_you_mean(std::string_view found, const std::vector<std::string>& known);

// "a, b, c"
std::string listed(const std::vector<std::string>& names);

}  // namespace scenarios
