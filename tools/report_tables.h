// What `run` and `compare` print: the numbers of scenarios/results.h, the first thing to look at first.
#pragma once

#include <string>

#include "scenarios/results_json.h"

namespace tools {

std::string run_text(const scenarios::Report& report);      // one variant: metrics by percentile
std::string compare_text(const scenarios::Report& report);  // variants side by side, differences, guards

// The metrics of one variant that have samples, by percentile, with intervals; and what the marks mean.
std::string metric_table(const scenarios::Report& report, std::size_t variant);
std::string interval_note(const scenarios::Report& report);

// "OUTSIDE CALIBRATED DOMAIN: ...", or "" when inside.
std::string domain_label(const scenarios::Variant& variant);

}  // namespace tools
