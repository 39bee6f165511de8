// `chainsim analyze --survey`: what each of many files is, and what can be measured from it. One file's
// refusal never stops the others.
//
//   survey_files(paths) ──► survey(path), each ──► survey_text, survey_json
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tools {

enum class SurveyKind {
  events,  // a capture that analyze reads
  rows,    // of the proposal's five programs: calibrate reads them
  tables,  // histograms, maps and totals
  side,    // belongs to a capture, or describes it: steps, roles, settings, READMEs, licences
  refused,
};

struct SurveyedStage {
  std::string name;         // as in analyze's stage table
  std::uint64_t count = 0;  // durations
};

struct SurveyRow {
  std::string file;
  SurveyKind kind = SurveyKind::refused;
  std::string format;       // "ftrace text", "wakeup rows", "bcc tables", "steps"
  std::string compression;  // "gzip", "zstd", "xz" or "none"; "" for a directory
  std::uint64_t count = 0;  // events, rows, histograms, steps
  std::string counted;      // the same with its name: "12845 steps", "18 histograms, 158 numbers"
  std::uint64_t switches = 0;
  std::uint64_t broken_switches = 0;  // that leave another task than the CPU's last one
  std::vector<SurveyedStage> stages;
  std::vector<std::string> warnings;
  std::string reason;  // why it was refused

  double broken_share() const {
    return switches == 0 ? 0 : static_cast<double>(broken_switches) / static_cast<double>(switches);
  }
};

// The files below these, sorted; a directory that is one capture (it has a `metadata`) is one entry. Throws
// InputError when there is nothing at a path.
std::vector<std::filesystem::path> survey_files(std::span<const std::string> paths);

// Throws only what is no bad input (OutputError, std::bad_alloc).
SurveyRow survey(const std::filesystem::path& path);

// Each of survey_files(paths), until Ctrl-C.
std::vector<SurveyRow> survey_all(std::span<const std::string> paths);

std::string survey_text(std::span<const SurveyRow> rows);
nlohmann::ordered_json survey_json(std::span<const SurveyRow> rows);

}  // namespace tools
