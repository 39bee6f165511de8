#include <algorithm>

#include "calibration/traces/histogram_text.h"
#include "tests/fuzz/harness.h"

namespace fuzz {
namespace {

void check_histogram(const calibration::CapturedHistogram& histogram) {
  const auto& buckets = histogram.buckets;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    promise(buckets[i].lower < buckets[i].upper, "a bucket is not empty");
    promise(i == 0 || buckets[i - 1].upper <= buckets[i].lower, "buckets ascend");
  }
  promise(histogram.underflow() + histogram.overflow() <= 2 * histogram.total() &&
              histogram.total() <= calibration::largest_total,
          "open buckets are part of the total");
  for (const double p : {0.001, 0.5, 1.0}) {
    const auto percentile = histogram.percentile(p);
    promise(percentile.has_value() == (histogram.total() > 0), "a histogram with samples has percentiles");
    promise(!percentile || std::find(buckets.begin(), buckets.end(), *percentile) != buckets.end(),
            "a percentile is one of the buckets");
  }
  const auto mean = histogram.mean();
  promise(!mean || mean->low <= mean->high, "the mean lies in an interval");
  promise(histogram.key.size() <= calibration::TableLimits::key + 3, "a key is cut");
}

}  // namespace

void tables(std::string_view input) {
  if (compressed(input)) {
    return;
  }
  may_refuse([&] {
    const calibration::CapturedTables tables = calibration::read_tables(path_of(input));
    for (const auto& histogram : tables.histograms) {
      check_histogram(histogram);
    }
    for (const auto& value : tables.values) {
      promise(value.key.size() <= calibration::TableLimits::key + 3, "a key is cut");
    }
    // One more says what was judged of the units.
    promise(tables.warnings.size() <= calibration::TableLimits::warnings + 1, "few warnings are kept");
  });
}

}  // namespace fuzz
