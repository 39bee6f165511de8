// The stage table and the differences of report_sections.h.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "tools/report_sections.h"
#include "tools/tables.h"

namespace tools {
namespace {

using models::Metric;
using scenarios::Report;

// The proposal's stage table, with its own words and targets.
struct StageRow {
  std::string_view stage;
  Metric metric;
  std::string_view proposal;  // typical / tail, in us
  std::string_view target;
};
constexpr std::array stage_rows{
    StageRow{"IRQ entry / handler", Metric::stage_irq, "1-10 / 10-50+", "bounded, attributed"},
    StageRow{"NAPI / softirq", Metric::stage_softirq, "5-50 / 100-500+", "latency-bounded batching"},
    StageRow{"blk-mq completion", Metric::stage_block, "5-30 / 100+", "completion priority + steering"},
    StageRow{"wakeup-to-run", Metric::wakeup_to_run, "20-200 / 500+", "warm CPU, IRQ-quiet CPU"},
    StageRow{"epoll / io_uring return", Metric::stage_return, "5-50 / 100+", "step-attributed gate latency"},
};

struct Compared {
  std::string_view label;
  Metric metric;
  double p;
};
constexpr std::array compared{
    Compared{"step p50", Metric::step, 0.5},
    Compared{"step p99", Metric::step, 0.99},
    Compared{"step p99.9", Metric::step, 0.999},
    Compared{"session p50", Metric::session, 0.5},
    Compared{"session p99", Metric::session, 0.99},
    Compared{"wakeup_to_run p50", Metric::wakeup_to_run, 0.5},
    Compared{"wakeup_to_run p99", Metric::wakeup_to_run, 0.99},
    Compared{"completion to CQE p99", Metric::completion_to_cqe, 0.99},
    Compared{"epoll_wait blocked p99", Metric::epoll_blocked, 0.99},
    Compared{"io_uring_enter p99", Metric::io_uring_enter, 0.99},
};

constexpr std::size_t differences_per_table = 3;

std::string difference_cell(const std::optional<scenarios::Difference>& found) {
  if (!found) {
    return "-";
  }
  const double half = (found->interval.high - found->interval.low) / 2;
  return fmt::format("{} +-{} {:>6} % {:<7}", signed_number(found->mean / 1000), microseconds(half),
                     signed_number(100 * found->relative), verdict_text(*found));
}

std::string difference_part(const Report& report, std::size_t first) {
  const std::size_t last = std::min(first + differences_per_table, report.variants.size());
  std::vector<std::string> header{"PAIRED DIFFERENCE in us"};
  for (std::size_t v = first; v < last; ++v) {
    header.push_back(
        fmt::format("{} - {}  {:<7}", report.variants[v]->name, report.variants[0]->name, "verdict"));
  }
  Table table{header};
  for (const Compared& row : compared) {
    std::vector<std::string> cells{std::string{row.label}};
    for (std::size_t v = first; v < last; ++v) {
      cells.push_back(difference_cell(
          scenarios::difference(report.result.variants[v], report.result.variants[0], row.metric, row.p)));
    }
    table.row(std::move(cells));
  }
  return table.text();
}

}  // namespace

std::string stage_table(const Report& report) {
  const std::size_t last = report.variants.size() - 1;
  std::vector<std::string> header{"STAGES in us"};
  const auto add_columns = [&](std::size_t v) {
    header.push_back("typical " + report.variants[v]->name);
    header.push_back("tail " + report.variants[v]->name);
  };
  add_columns(0);
  if (last > 0) {
    add_columns(last);
  }
  header.insert(header.end(), {"proposal", "agent-aware target"});
  Table table{header};
  table.left(header.size() - 1);
  for (const StageRow& row : stage_rows) {
    std::vector<std::string> cells{std::string{row.stage}};
    const auto add_cells = [&](std::size_t v) {
      for (const double p : {0.5, 0.99}) {
        const auto estimate = scenarios::percentile(report.result.variants[v], row.metric, p);
        cells.push_back(estimate ? microseconds(estimate->value) + (estimate->judged ? " " : "*") : "-");
      }
    };
    add_cells(0);
    if (last > 0) {
      add_cells(last);
    }
    cells.insert(cells.end(), {std::string{row.proposal}, std::string{row.target}});
    table.row(std::move(cells));
  }
  return table.text() +
         "typical: p50, tail: p99; under 'proposal' what it expects without and with contention.\n";
}

std::string verdict_text(const scenarios::Difference& difference) {
  if (!difference.judged) {
    return "*";
  }
  switch (difference.verdict) {
    case sim::Verdict::lower:
      return "LOWER";
    case sim::Verdict::higher:
      return "HIGHER";
    case sim::Verdict::cannot_tell:
      break;
  }
  return "unclear";
}

std::string difference_table(const Report& report) {
  std::string text;
  for (std::size_t first = 1; first < report.variants.size(); first += differences_per_table) {
    text += difference_part(report, first);
  }
  return text.empty() ? "" : text + "LOWER, HIGHER: the 95 % interval leaves out 0; unclear: it does not.\n";
}

}  // namespace tools
