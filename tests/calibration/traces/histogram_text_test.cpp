#include "calibration/traces/histogram_text.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "calibration/traces/histogram_lines.h"
#include "tests/calibration/capture_bench.h"

using namespace calibration;

namespace {

CapturedTables tables_of(const CaptureBench& bench, std::string_view text) {
  return read_tables(bench.write("capture", text));
}

CapturedHistogram only_histogram(const CapturedTables& tables) {
  REQUIRE(tables.histograms.size() == 1);
  return tables.histograms.front();
}

HistogramBucket bucket(std::string_view line) {
  const auto parsed = parse_bpftrace_bucket(line);
  REQUIRE(parsed);
  return *parsed;
}

std::string repeated(const std::string& line, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) {
    text += line;
  }
  return text;
}

// One row of a bcc table: "256 -> 511 : 12 |***|".
std::string row(std::int64_t low, std::int64_t high, int count) {
  return std::to_string(low) + " -> " + std::to_string(high) + " : " + std::to_string(count) + " |*|\n";
}

}  // namespace

TEST_CASE("every form of a bpftrace bucket gives its edges, the upper one outside", "[histogram_lines]") {
  CHECK(bucket("[0]                   45 |@@@@|") == HistogramBucket{0, 1, 45});
  CHECK(bucket("[4, 8)                 0 |    |") == HistogramBucket{4, 8, 0});
  CHECK(bucket("[512, 1K)              3 |@   |") == HistogramBucket{512, 1024, 3});
  CHECK(bucket("[1M, 2M)               3 |@   |") == HistogramBucket{1 << 20, 2 << 20, 3});
  CHECK(bucket("(..., 0)              54 |@   |") == HistogramBucket{open_below, 0, 54});
  CHECK(bucket("[400, ...)             7 |@   |") == HistogramBucket{400, open_above, 7});
  CHECK(bucket("[-200, -100)           7 |@   |") == HistogramBucket{-200, -100, 7});
  // As versions before 0.10 printed them.
  CHECK(bucket("[0, 1]                 2 |@   |") == HistogramBucket{0, 2, 2});
  CHECK(bucket("[256k, 512k)           2 |    |") == HistogramBucket{256 << 10, 512 << 10, 2});
  CHECK(bucket("(...,0]                0 |    |") == HistogramBucket{open_below, 1, 0});
  CHECK(bucket("[2000,...)            39 |@   |") == HistogramBucket{2000, open_above, 39});
}

TEST_CASE("edges beyond 64 bits become the open end", "[histogram_lines]") {
  CHECK(bucket("[4E, 8E)  1 |@|") == HistogramBucket{std::int64_t{4} << 60, open_above, 1});
  CHECK(bucket("(..., 99999999999999999999) 1 |@|").upper == open_above);
  CHECK_FALSE(parse_bpftrace_bucket("[99999999999999999999, ...) 1 |@|"));
}

TEST_CASE("a line that only resembles a bucket is none", "[histogram_lines]") {
  CHECK_FALSE(parse_bpftrace_bucket("[8, 4)   1 |@|"));
  CHECK_FALSE(parse_bpftrace_bucket("[4, 8)   1"));
  CHECK_FALSE(parse_bpftrace_bucket("[4, 8)  -1 |@|"));
  CHECK_FALSE(parse_bpftrace_bucket("[...]"));
  CHECK_FALSE(parse_bpftrace_bucket("[01:42:29]"));
  CHECK_FALSE(parse_bcc_bucket("4 -> 7 : x |*|", false));
  CHECK_FALSE(parse_bcc_bucket("12:30:45", false));
}

TEST_CASE("a bpftrace map of histograms gives one for each key", "[histogram_text]") {
  const CaptureBench bench;

  const CapturedTables tables = tables_of(bench,  // 0.17
                                          "Attaching 4 probes...\n"
                                          "\n"
                                          "@lat_us[dd, 0]: \n"
                                          "[4, 8)                 3 |@@@|\n"
                                          "[8, 16)                1 |@  |\n"
                                          "\n"
                                          "@lat_us[jbd2/vda1-8, 1]: \n"
                                          "(..., 0)               1 |@  |\n"
                                          "[0]                    2 |@  |\n"
                                          "\n"
                                          "@reads[dd]: 17\n"
                                          "@s: count 29, average 7626, total 221177\n"
                                          "@start: 11453552298110\n"
                                          "@t[0]: (0, rcu_preempt, 5)\n");

  CHECK(tables.format == "bpftrace maps");
  REQUIRE(tables.histograms.size() == 2);
  CHECK(tables.histograms[0].name == "@lat_us");
  CHECK(tables.histograms[0].key == "dd, 0");
  CHECK(tables.histograms[0].unit == TableUnit::us);
  CHECK(tables.histograms[0].line == 3);
  CHECK(tables.histograms[0].total() == 4);
  CHECK(tables.histograms[1].underflow() == 1);
  REQUIRE(tables.values.size() == 3);
  CHECK(tables.values[0].key == "dd");
  CHECK(tables.values[0].value == 17);
  CHECK(tables.values[1].value == 7626);
  REQUIRE(tables.values[1].stats);
  CHECK(tables.values[1].stats->total == 221177);
  CHECK(tables.text_values == 1);
  CHECK(tables.unknown_lines == 0);
}

TEST_CASE("later versions of bpftrace print maps a little differently", "[histogram_text]") {
  const CaptureBench bench;

  // From tests/runtime/call and src/output/text.cpp of bpftrace 0.26.
  const CapturedTables tables = tables_of(bench,
                                          "Attached 2 probes\n"
                                          "@:\n"
                                          "[2, 4)                 1 |@@|\n"
                                          "\n"
                                          "@stats: { .count = 221, .average = -10, .total = -2210 }\n"
                                          "@x[1]: (1, 2)\n"
                                          "@a:\n"
                                          "             8                 10\n"
                                          "hh:mm:ss.ms  |__________________|\n"
                                          "%H:00:00.500 |         *        | 9\n"
                                          "\n");

  CHECK(only_histogram(tables).name == "@");
  REQUIRE(tables.values.size() == 1);
  CHECK(tables.values[0].value == -10);
  CHECK(tables.values[0].stats->count == 221);
  CHECK(tables.text_values == 1);
  CHECK(tables.time_series == 1);
}

TEST_CASE("a stack as a key is joined into one line", "[histogram_text]") {
  const CaptureBench bench;

  const CapturedTables tables = tables_of(bench,
                                          "@st[\n"
                                          "    __schedule+1560\n"
                                          "    schedule+35\n"
                                          ", kworker/u8:2]: 20\n"
                                          "@hst[\n"
                                          "    __schedule+1560\n"
                                          "]: \n"
                                          "[8, 16)                7 |@|\n");

  CHECK(tables.stack_keys == 2);
  REQUIRE(tables.values.size() == 1);
  CHECK(tables.values[0].key == "__schedule+1560;schedule+35, kworker/u8:2");
  CHECK(tables.values[0].value == 20);
  CHECK(only_histogram(tables).key == "__schedule+1560");
  CHECK(only_histogram(tables).total() == 7);
}

TEST_CASE("bcc's tables carry their section, their clock and whole upper values", "[histogram_text]") {
  const CaptureBench bench;

  const CapturedTables tables = tables_of(bench,
                                          "# ./biolatency -D -T 1\n"
                                          "Tracing block device I/O... Hit Ctrl-C to end.\n"
                                          "06:20:16\n"
                                          "\n"
                                          "disk = 'xvda1'\n"
                                          "     msecs           : count     distribution\n"
                                          "       0 -> 1        : 36       |******|\n"
                                          "       2 -> 3        : 1        |*     |\n"
                                          "\n"
                                          "     runqlen       : count     distribution\n"
                                          "        0          : 1068     |****|\n"
                                          "        1          : 642      |**  |\n"
                                          "[...]\n");

  CHECK(tables.format == "bcc tables");
  REQUIRE(tables.histograms.size() == 2);
  CHECK(tables.histograms[0].key == "disk = 'xvda1'");
  CHECK(tables.histograms[0].time == "06:20:16");
  CHECK(tables.histograms[0].unit == TableUnit::ms);
  CHECK(tables.histograms[0].buckets == std::vector<HistogramBucket>{{0, 2, 36}, {2, 4, 1}});
  CHECK(tables.histograms[1].key.empty());
  CHECK(tables.histograms[1].unit == TableUnit::unknown);
  CHECK(tables.histograms[1].buckets == std::vector<HistogramBucket>{{0, 1, 1068}, {1, 2, 642}});
  CHECK(tables.histograms[1].cut);
}

TEST_CASE("perf-tools name the upper edge, bcc the last value", "[histogram_text]") {
  const CaptureBench bench;

  const CapturedHistogram iolatency =
      only_histogram(tables_of(bench,
                               "  >=(ms) .. <(ms)   : I/O      |Distribution |\n"
                               "       0 -> 1       : 4381     |######|\n"
                               "       1 -> 2       : 9        |#     |\n"));
  CHECK(iolatency.unit == TableUnit::ms);
  CHECK(iolatency.buckets == std::vector<HistogramBucket>{{0, 1, 4381}, {1, 2, 9}});

  const CapturedHistogram stat =
      only_histogram(tables_of(bench,
                               "            Range          : Count    Distribution\n"
                               "              -> -1        : 29       |##|\n"
                               "            0 -> 0         : 1        |# |\n"
                               "         1024 ->           : 1        |# |\n"));
  CHECK(stat.buckets == std::vector<HistogramBucket>{{open_below, 0, 29}, {0, 1, 1}, {1024, open_above, 1}});
  CHECK(stat.overflow() == 1);
}

TEST_CASE("biolatency's JSON is read as its tables are", "[histogram_text]") {
  const CaptureBench bench;

  const CapturedHistogram histogram = only_histogram(
      tables_of(bench,
                "{'ts': '2020-12-30 14:42:03', 'val_type': 'msecs', 'data': [{'interval-start': 0, "
                "'interval-end': 1, 'count': 11}, {'interval-start': 2, 'interval-end': 3, 'count': 3}], "
                "'flags': 'Flush'}\n"));

  CHECK(histogram.unit == TableUnit::ms);
  CHECK(histogram.time == "2020-12-30 14:42:03");
  CHECK(histogram.key == "'flags': 'Flush'");
  CHECK(histogram.buckets == std::vector<HistogramBucket>{{0, 2, 11}, {2, 4, 3}});
}

TEST_CASE("rtla's columns become a histogram each, checked against its count", "[histogram_text]") {
  const CaptureBench bench;

  const CapturedTables tables = tables_of(bench,
                                          "# RTLA timerlat histogram\n"
                                          "# Time unit is microseconds (us)\n"
                                          "# Duration:   0 00:10:00\n"
                                          "Index   IRQ-000   Thr-000\n"
                                          "0           276         0\n"
                                          "3             0        12\n"
                                          "over:         0         2\n"
                                          "count:      276        15\n"
                                          "min:          0         3\n");

  CHECK(tables.format == "rtla histogram");
  REQUIRE(tables.histograms.size() == 2);
  CHECK(tables.histograms[1].name == "Thr-000");
  CHECK(tables.histograms[1].unit == TableUnit::us);
  CHECK(tables.histograms[1].buckets ==
        std::vector<HistogramBucket>{{0, 1, 0}, {3, 4, 12}, {4, open_above, 2}});
  REQUIRE(tables.warnings.size() == 1);
  CHECK(tables.warnings[0].line == 8);
  CHECK(tables.warnings[0].text == "Thr-000: the rows count 14 samples, rtla says 15");
}

TEST_CASE("a percentile is the bucket that holds its rank, a mean lies between the edges",
          "[histogram_text]") {
  CapturedHistogram histogram;
  histogram.buckets = {{0, 2, 50}, {2, 4, 0}, {4, 8, 49}, {8, 16, 1}};

  CHECK(histogram.percentile(0.5) == HistogramBucket{0, 2, 50});
  CHECK(histogram.percentile(0.51) == HistogramBucket{4, 8, 49});
  CHECK(histogram.percentile(0.99) == HistogramBucket{4, 8, 49});
  CHECK(histogram.percentile(0.991) == HistogramBucket{8, 16, 1});
  REQUIRE(histogram.mean());
  CHECK(histogram.mean()->low == Approx((4 * 49 + 8) / 100.0));
  CHECK(histogram.mean()->high == Approx((50 + 7 * 49 + 15) / 100.0));

  histogram.buckets.push_back({16, open_above, 1});
  CHECK(std::isinf(histogram.mean()->high));
  CHECK_FALSE(CapturedHistogram{}.percentile(0.5));
  CHECK_FALSE(CapturedHistogram{}.mean());
}

TEST_CASE("counts that do not fit into 64 bits together stay at the largest total", "[histogram_text]") {
  CapturedHistogram histogram;
  histogram.buckets = {{0, 1, UINT64_MAX}, {1, 2, UINT64_MAX}};

  CHECK(histogram.total() == largest_total);
  CHECK(histogram.percentile(1.0)->lower == 0);
}

TEST_CASE("usecs that cannot be are nanoseconds where a total of the same file proves it",
          "[histogram_text]") {
  const CaptureBench bench;
  const std::string table = "softirq = net_rx\n     usecs : count distribution\n" + row(512, 1023, 99) +
                            "\n" + "softirq = rcu\n     usecs : count distribution\n" + row(512, 1023, 100) +
                            "\n";
  const std::string totals = "SOFTIRQ                    TOTAL_usecs\nnet_rx    90\n";

  const CapturedTables proven = tables_of(bench, totals + "rcu      511\n\n" + table);
  CHECK(proven.histograms[0].unit == TableUnit::ns);
  CHECK(proven.histograms[1].unit == TableUnit::ns);
  REQUIRE(proven.warnings.size() == 1);
  CHECK(proven.warnings[0].text ==
        "printed as usecs, taken for nanoseconds: of 100 durations of rcu the shortest is 512, but line 3 "
        "prints "
        "a total of 511 usecs");

  const CapturedTables open = tables_of(bench, totals + "rcu      512\n\n" + table);
  CHECK(open.histograms[1].unit == TableUnit::us);
  REQUIRE(open.warnings.size() == 1);
  CHECK(open.warnings[0].text.starts_with("usecs may be nanoseconds"));

  const CapturedTables other =
      tables_of(bench, "disk = 'sda'\n     usecs : count distribution\n" + row(4, 7, 9));
  CHECK(other.warnings.empty());
}

TEST_CASE("an average that is printed in the wrong unit is put right by its histogram", "[histogram_text]") {
  const CaptureBench bench;

  const CapturedTables tables = tables_of(bench, "     usecs : count distribution\n" + row(4096, 8191, 10) +
                                                     "\navg = 4229 nsecs, total: 42290 nsecs, count: 10\n");

  REQUIRE(only_histogram(tables).stated);
  CHECK(only_histogram(tables).stated->unit == TableUnit::us);
  CHECK(only_histogram(tables).stated->average == 4229);
  REQUIRE(tables.warnings.size() == 1);
  CHECK(tables.warnings[0].line == 4);
}

TEST_CASE("totals tables give a value for each column", "[histogram_text]") {
  const CaptureBench bench;

  // The form of libbpf-tools since 2025 (bcc pull request 5228), then argdist's.
  const CapturedTables tables = tables_of(bench,
                                          "HARDIRQ                    TOTAL_count TOTAL_usecs MAX_usecs\n"
                                          "ata_piix                             2          32        21\n"
                                          "\n"
                                          "        COUNT      EVENT\n"
                                          "        21         $PID = 2780\n");

  REQUIRE(tables.values.size() == 4);
  CHECK(tables.values[1].name == "TOTAL_usecs");
  CHECK(tables.values[1].key == "ata_piix");
  CHECK(tables.values[1].unit == TableUnit::us);
  CHECK(tables.values[1].value == 32);
  CHECK(tables.values[3].key == "$PID = 2780");
  CHECK(tables.values[3].value == 21);
}

TEST_CASE("what is mostly something else is refused by its name", "[histogram_text]") {
  const CaptureBench bench;
  const auto refused = [&](std::string_view text) { return input_error_of([&] { tables_of(bench, text); }); };

  const auto rows = refused(
      "Attaching 4 probes...\nTIME(ms)     DISK   COMM   PID    LAT(ms)\n611  nvme0n1  bash  4179  10\n");
  CHECK(rows.line() == 2);
  CHECK(rows.found().starts_with("rows of biosnoop"));
  CHECK(refused("\n\n").found() == "no table");
  CHECK(refused("@x: 5\nalpha\nbeta\n").line() == 2);
  // The NUL at the end would be the error if the reader got there.
  CHECK(refused(repeated("net: packet 17 of 40\n", 100'000) + std::string{"\0\n", 2}).line() == 1);
}

TEST_CASE("a cut last line is not counted", "[histogram_text]") {
  const CaptureBench bench;

  const CapturedTables tables = tables_of(bench, "@us:\n[4, 8)   3 |@|\n[8, 16)   1");

  CHECK(tables.partial_last_line);
  CHECK(only_histogram(tables).cut);
  CHECK(only_histogram(tables).total() == 3);
}

TEST_CASE("buckets out of order are not taken into a histogram", "[histogram_text]") {
  const CaptureBench bench;

  const CapturedTables tables = tables_of(bench, "@us:\n[4, 8)   3 |@|\n[4, 8)   9 |@|\n[8, 16)   1 |@|\n");

  CHECK(only_histogram(tables).total() == 4);
  CHECK(tables.unknown_lines == 1);
}

TEST_CASE("a reader of tables keeps no more than its limits", "[histogram_text]") {
  const CaptureBench bench;
  std::string maps;
  for (std::size_t i = 0; i <= TableLimits::values; ++i) {
    maps += "@x[" + std::to_string(i) + "]: 1\n";
  }

  CHECK(input_error_of([&] { tables_of(bench, maps); }).line() == 1 + std::int64_t{TableLimits::values});
  CHECK(tables_of(bench, "@x[" + std::string(10'000, 'k') + "]: 5\n").values[0].key.size() ==
        TableLimits::key);
  const CapturedTables stack = tables_of(bench, "@x: 1\n@y: 2\n@z[\n" + repeated("frame\n", 200) + "]: 3\n");
  CHECK(stack.values.back().key.size() == TableLimits::key);
}

TEST_CASE("no damage to a capture of tables does more than an input error", "[histogram_text]") {
  const CaptureBench bench;
  const std::string good =
      "@us[dd]:\n[1K, 2K)  123 |@@|\n(..., 0)  5 |@|\n[1000, ...)  5 |@|\n@s: count 2, average 7, total "
      "14\n@st[\n  f+1\n"
      "]: 2\n     usecs : count distribution\n 4 -> 7 : 12 |**|\n# RTLA timerlat histogram\nIndex IRQ-000\n0 "
      "5\n"
      "{\"type\": \"hist\", \"data\": {\"@h\": [{\"min\": 2, \"max\": 3, \"count\": 1}]}}\n";
  std::uint32_t random = 1;
  int read = 0;
  for (int round = 0; round < 2000; ++round) {
    std::string text = good;
    for (int edits = 0; edits < 3; ++edits) {
      random = random * 1664525 + 1013904223;
      text[(random >> 8) % text.size()] = static_cast<char>(random >> 24);
    }
    try {
      for (const CapturedHistogram& histogram : tables_of(bench, text).histograms) {
        read += histogram.percentile(0.99) && histogram.mean() ? 1 : 0;
      }
    } catch (const scenarios::InputError& error) {
      CHECK(std::string{error.what()}.find('\n') == std::string::npos);
    }
  }
  CHECK(read > 0);
}
