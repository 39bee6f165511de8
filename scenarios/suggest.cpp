#include "scenarios/suggest.h"

#include <algorithm>
#include <cstddef>

namespace scenarios {

int edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<int>> d(a.size() + 1, std::vector<int>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    d[i][0] = static_cast<int>(i);
  }
  for (std::size_t j = 0; j <= b.size(); ++j) {
    d[0][j] = static_cast<int>(j);
  }
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const int substitution = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, substitution});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[a.size()][b.size()];
}

std::string did_you_mean(std::string_view found, const std::vector<std::string>& known) {
  constexpr std::size_t longest = 80;  // beyond it nobody mistyped a key, and the table would be large
  if (found.size() > longest) {
    return "";
  }
  const std::string* nearest = nullptr;
  int least = 0;
  for (const std::string& name : known) {
    const int distance = edit_distance(found, name);
    if (nearest == nullptr || distance < least) {
      nearest = &name;
      least = distance;
    }
  }
  const int allowed = std::max(1, static_cast<int>(found.size()) / 3);
  return nearest != nullptr && least <= allowed ? "did you mean '" + *nearest + "'?" : "";
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

}  // namespace scenarios
