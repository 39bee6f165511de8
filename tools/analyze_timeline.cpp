#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "tools/analyze_report.h"
#include "tools/tables.h"

namespace tools {
namespace {

using calibration::Blame;
using calibration::PathPiece;
using calibration::SlowStep;

constexpr std::size_t bar_width = 40;
constexpr std::size_t most_lines = 24;  // of a step; shorter pieces are put together

// Neighbours on the same CPU with the same blame read as one.
bool same(const PathPiece& a, const PathPiece& b) {
  return a.blame == b.blame && a.pid == b.pid && a.behind == b.behind && a.cpu == b.cpu;
}

std::vector<PathPiece> in_order(const SlowStep& slow) {
  std::vector<PathPiece> pieces;
  for (auto piece = slow.path.pieces.rbegin(); piece != slow.path.pieces.rend(); ++piece) {
    if (!pieces.empty() && same(pieces.back(), *piece) && pieces.back().to == piece->from) {
      pieces.back().to = piece->to;
    } else {
      pieces.push_back(*piece);
    }
  }
  return pieces;
}

// The length below which pieces are put together, so that `most_lines` stay.
std::int64_t shortest_shown(const std::vector<PathPiece>& pieces) {
  if (pieces.size() <= most_lines) {
    return 0;
  }
  std::vector<std::int64_t> spans;
  for (const PathPiece& piece : pieces) {
    spans.push_back(piece.to - piece.from);
  }
  const auto place = spans.begin() + static_cast<std::ptrdiff_t>(most_lines / 2);
  std::nth_element(spans.begin(), place, spans.end(), std::greater<>{});
  return *place;
}

std::string bar(const SlowStep& slow, std::int64_t from, std::int64_t to) {
  const auto scale = static_cast<double>(bar_width) / static_cast<double>(slow.step.duration());
  const auto begin = static_cast<std::size_t>(static_cast<double>(from - slow.step.intended) * scale);
  const auto end = static_cast<std::size_t>(static_cast<double>(to - slow.step.intended) * scale + 0.5);
  std::string text(bar_width, ' ');
  for (std::size_t i = begin; i < std::min(std::max(end, begin + 1), bar_width); ++i) {
    text[i] = '#';
  }
  return text;
}

std::string line(const SlowStep& slow, std::int64_t from, std::int64_t to, int cpu, const std::string& what) {
  return fmt::format("  {:>10} {:>9} {:>3} |{}| {}\n",
                     microseconds(static_cast<double>(from - slow.step.intended)),
                     microseconds(static_cast<double>(to - from)), cpu < 0 ? "" : std::to_string(cpu),
                     bar(slow, from, to), what);
}

}  // namespace

std::string piece_text(const Analyzed& analyzed, const PathPiece& piece) {
  const auto& analysis = *analyzed.analysis;
  std::string text{to_string(piece.blame)};
  if (piece.blame == Blame::run_queue) {
    text += fmt::format(" behind {}", analysis.task_name(piece.behind));
  }
  return piece.peer ? text + fmt::format(" of {} (peer)", analysis.task_name(piece.pid)) : text;
}

std::string timeline_text(const Analyzed& analyzed, const SlowStep& slow, std::size_t number) {
  const auto& step = slow.step;
  std::string text = fmt::format(
      "{}. {} step {}, {} us, from {:.6f} s\n", number, analyzed.analysis->task_name(step.pid), step.number,
      microseconds(static_cast<double>(step.duration())), static_cast<double>(step.intended) * 1e-9);
  text += fmt::format("  {:>10} {:>9} {:>3} |{:<{}}|\n", "at us", "for us", "cpu", "", bar_width);
  const std::vector<PathPiece> pieces = in_order(slow);
  const std::int64_t shortest = shortest_shown(pieces);
  for (std::size_t i = 0; i < pieces.size();) {
    if (pieces[i].to - pieces[i].from >= shortest) {
      text += line(slow, pieces[i].from, pieces[i].to, pieces[i].cpu, piece_text(analyzed, pieces[i]));
      ++i;
      continue;
    }
    const std::size_t first = i;
    while (i < pieces.size() && pieces[i].to - pieces[i].from < shortest) {
      ++i;
    }
    text += i - first == 1 ? line(slow, pieces[first].from, pieces[first].to, pieces[first].cpu,
                                  piece_text(analyzed, pieces[first]))
                           : line(slow, pieces[first].from, pieces[i - 1].to, -1,
                                  fmt::format("({} short pieces)", i - first));
  }
  return text;
}

}  // namespace tools
