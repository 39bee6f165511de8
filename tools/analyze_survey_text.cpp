#include <fmt/format.h>

#include <array>

#include "calibration/analysis/stage_table.h"
#include "tools/analyze_survey.h"
#include "tools/tables.h"

namespace tools {
namespace {

std::string kind_name(SurveyKind kind) {
  constexpr std::array names{"events", "rows", "tables", "side file", "refused"};
  return names[static_cast<std::size_t>(kind)];
}

std::string stages_text(const SurveyRow& row) {
  if (row.stages.size() == calibration::stage_ids) {
    return fmt::format("all {} of them", row.stages.size());
  }
  std::string text;
  for (const SurveyedStage& stage : row.stages) {
    text += (text.empty() ? "" : " ") + stage.name;
  }
  return text;
}

// Below a row; without a newline at its end, which the table sets.
std::string remark(std::string_view what, const std::string& text) {
  std::string lines = wrapped(fmt::format("      {}: {}", what, text), 8);
  lines.erase(lines.find_last_not_of('\n') + 1);
  return lines;
}

}  // namespace

std::string survey_text(std::span<const SurveyRow> rows) {
  Table table{{"file", "format", "packed", "count", "broken"}};
  table.left(1);
  table.left(2);
  std::string folder;
  std::array<std::size_t, 5> kinds{};
  for (const SurveyRow& row : rows) {
    const std::filesystem::path path{row.file};
    if (const std::string parent = path.parent_path().string(); parent != folder) {
      table.heading(parent + "/");
      folder = parent;
    }
    ++kinds[static_cast<std::size_t>(row.kind)];
    const std::string format = row.kind == SurveyKind::side      ? "side file: " + row.format
                               : row.kind == SurveyKind::refused ? "refused"
                                                                 : row.format;
    table.row({"  " + path.filename().string(), format, row.compression == "none" ? "" : row.compression,
               row.counted, row.switches == 0 ? "" : fmt::format("{:.2f} %", 100 * row.broken_share())});
    if (!row.stages.empty()) {
      table.heading(remark("stages", stages_text(row)));
    }
    if (row.kind == SurveyKind::refused) {
      table.heading(remark("refused", row.reason));
    }
    for (const std::string& warning : row.warnings) {
      table.heading(remark("warning", warning));
    }
  }
  return table.text() + fmt::format(
                            "\n{} files: {} of events, {} of rows, {} of tables, {} beside captures, "
                            "{} refused.\n",
                            rows.size(), kinds[0], kinds[1], kinds[2], kinds[3], kinds[4]);
}

nlohmann::ordered_json survey_json(std::span<const SurveyRow> rows) {
  nlohmann::ordered_json files = nlohmann::ordered_json::array();
  for (const SurveyRow& row : rows) {
    nlohmann::ordered_json stages = nlohmann::ordered_json::array();
    for (const SurveyedStage& stage : row.stages) {
      stages.push_back({{"stage", stage.name}, {"count", stage.count}});
    }
    files.push_back({{"file", row.file},
                     {"kind", kind_name(row.kind)},
                     {"format", row.format},
                     {"compression", row.compression},
                     {"count", row.count},
                     {"switches", row.switches},
                     {"broken_switches", row.broken_switches},
                     {"stages", std::move(stages)},
                     {"warnings", row.warnings},
                     {"reason", row.reason}});
  }
  return {{"schema", 1}, {"files", std::move(files)}};
}

}  // namespace tools
