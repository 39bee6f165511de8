#include "calibration/traces/captured_tables.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

namespace calibration {
namespace {

// "softirq = net_rx_action" and "hardirq = 'eth0'" give net_rx_action and eth0; "" for other sections.
std::string_view irq_name(std::string_view key) {
  for (const std::string_view section : {"hardirq = ", "softirq = "}) {
    if (key.starts_with(section)) {
      key.remove_prefix(section.size());
      if (key.size() >= 2 && key.front() == '\'' && key.back() == '\'') {
        key = key.substr(1, key.size() - 2);
      }
      return key;
    }
  }
  return {};
}

bool in_doubt(const CapturedHistogram& histogram) {
  return histogram.unit == TableUnit::us && !irq_name(histogram.key).empty();
}

// The shortest duration, in printed units; none when there is no value.
std::optional<std::int64_t> shortest(const CapturedHistogram& histogram) {
  for (const HistogramBucket& bucket : histogram.buckets) {
    if (bucket.count > 0) {
      return bucket.lower;
    }
  }
  return std::nullopt;
}

// A total that is below the shortest duration of the same name.
struct UnitProof {
  const CapturedHistogram* histogram;
  std::int64_t total;
  std::int64_t line;
};

std::optional<UnitProof> find_proof(const CapturedTables& tables) {
  constexpr std::uint64_t enough = 100;
  std::map<std::string_view, const CapturedValue*> smallest;  // total by name
  for (const CapturedValue& value : tables.values) {
    if (value.name == "TOTAL_usecs" && value.value > 0) {
      const CapturedValue*& known = smallest[value.key];
      known = known == nullptr || value.value < known->value ? &value : known;
    }
  }
  for (const CapturedHistogram& histogram : tables.histograms) {
    const auto total = smallest.find(irq_name(histogram.key));
    if (!in_doubt(histogram) || total == smallest.end() || histogram.total() < enough) {
      continue;
    }
    if (const auto least = shortest(histogram); least && total->second->value < *least) {
      return UnitProof{&histogram, total->second->value, total->second->line};
    }
  }
  return std::nullopt;
}

scenarios::InputError too_many(const CaptureFile& file, std::string_view what, std::size_t limit) {
  return file.error(0, "more than " + std::to_string(limit) + " " + std::string{what},
                    "tables that a person could read", "give the maps fewer keys, or split the file");
}

}  // namespace

std::uint64_t CapturedTables::samples() const {
  std::uint64_t sum = 0;
  for (const CapturedHistogram& histogram : histograms) {
    sum = std::min(sum + histogram.total(), largest_total);
  }
  return sum;
}

void TableStore::add(CapturedHistogram histogram) {
  buckets_ += histogram.buckets.size();
  if (tables_.histograms.size() == TableLimits::histograms) {
    throw too_many(file_, "histograms", TableLimits::histograms);
  }
  if (buckets_ > TableLimits::buckets) {
    throw too_many(file_, "buckets", TableLimits::buckets);
  }
  tables_.histograms.push_back(std::move(histogram));
}

void TableStore::add(CapturedValue value) {
  if (tables_.values.size() == TableLimits::values) {
    throw too_many(file_, "map entries", TableLimits::values);
  }
  tables_.values.push_back(std::move(value));
}

void TableStore::warn(std::int64_t line, std::string text) {
  if (tables_.warnings.size() < TableLimits::warnings) {
    tables_.warnings.push_back({.line = line, .text = std::move(text)});
  }
}

void TableStore::format(std::string_view name) {
  if (tables_.format.empty()) {
    tables_.format = name;
  }
}

std::string TableStore::cut(std::string_view text) {
  return text.size() <= TableLimits::key ? std::string{text}
                                         : std::string{text.substr(0, TableLimits::key - 3)} + "...";
}

bool TableStore::add_bucket(CapturedHistogram& histogram, const HistogramBucket& bucket) {
  const bool ascends = bucket.lower < bucket.upper &&
                       (histogram.buckets.empty() || histogram.buckets.back().upper <= bucket.lower);
  if (!ascends || histogram.buckets.size() == TableLimits::histogram_buckets) {
    return false;
  }
  histogram.buckets.push_back(bucket);
  return true;
}

TableUnit unit_of_name(std::string_view name) {
  struct Spelling {
    std::string_view text;
    TableUnit unit;
  };
  constexpr std::array spellings{
      Spelling{"ns", TableUnit::ns},  Spelling{"nsec", TableUnit::ns}, Spelling{"nsecs", TableUnit::ns},
      Spelling{"us", TableUnit::us},  Spelling{"usec", TableUnit::us}, Spelling{"usecs", TableUnit::us},
      Spelling{"ms", TableUnit::ms},  Spelling{"msec", TableUnit::ms}, Spelling{"msecs", TableUnit::ms},
      Spelling{"secs", TableUnit::s},
  };
  name.remove_prefix(name.starts_with('@') ? 1 : 0);
  if (const auto last = name.rfind('_'); last != std::string_view::npos) {
    name.remove_prefix(last + 1);
  }
  const auto found = std::find_if(spellings.begin(), spellings.end(),
                                  [&](const Spelling& spelling) { return spelling.text == name; });
  return found == spellings.end() ? TableUnit::unknown : found->unit;
}

void judge_units(CapturedTables& tables) {
  const auto first = std::find_if(tables.histograms.begin(), tables.histograms.end(), in_doubt);
  if (first == tables.histograms.end()) {
    return;
  }
  if (const auto proof = find_proof(tables)) {
    tables.warnings.push_back(
        {.line = first->line,
         .text = "printed as usecs, taken for nanoseconds: of " + std::to_string(proof->histogram->total()) +
                 " durations of " + std::string{irq_name(proof->histogram->key)} + " the shortest is " +
                 std::to_string(*shortest(*proof->histogram)) + ", but line " + std::to_string(proof->line) +
                 " prints a total of " + std::to_string(proof->total) + " usecs"});
    for (CapturedHistogram& histogram : tables.histograms) {
      histogram.unit = in_doubt(histogram) ? TableUnit::ns : histogram.unit;
    }
  } else {
    tables.warnings.push_back(
        {.line = first->line,
         .text = "usecs may be nanoseconds: bcc's hardirqs -d and softirqs -d mislabelled them until 2017, "
                 "and no total in this file tells"});
  }
}

}  // namespace calibration
