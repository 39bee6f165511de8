#include "calibration/traces/bpftrace_json.h"

#include <catch2/catch.hpp>

#include "calibration/traces/bpftrace_rows.h"
#include "calibration/traces/histogram_text.h"
#include "tests/calibration/capture_bench.h"

using namespace calibration;

namespace {

using Kind = BpftraceRecord::Kind;

BpftraceRecord record(std::string_view line) {
  auto parsed = parse_bpftrace_record(line);
  REQUIRE(parsed);
  return *parsed;
}

struct ReadRows {
  std::vector<BpftraceRow> rows;
  BpftraceLog log;
};

ReadRows rows_of(const CaptureBench& bench, std::string_view text) {
  BpftraceReader reader{bench.write("capture", text)};
  ReadRows read;
  for (BpftraceRow row; reader.next(row);) {
    read.rows.push_back(row);
  }
  read.log = reader.log();
  return read;
}

}  // namespace

TEST_CASE("records of bpftrace 0.17 give text, counts and maps", "[bpftrace_json]") {
  CHECK(record(R"({"type": "attached_probes", "data": {"probes": 4}})").count == 4);
  const auto text = record(R"({"type": "printf", "data": "irq=36 duration=1us\n"})");
  CHECK(text.kind == Kind::text);
  CHECK(text.text == "irq=36 duration=1us\n");
  CHECK(record(R"({"type": "printf", "data": "two\nlines q\"uo\\te\n"})").text == "two\nlines q\"uo\\te\n");
  CHECK(record(R"({"type": "lost_events", "data": {"events": 17}})").count == 17);
  CHECK(record(R"({"type": "value", "data": [1,2]})").kind == Kind::other);

  const auto map = record(R"({"type": "map", "data": {"@c": {"rcu_preempt": 29, "bash": 30}}})");
  REQUIRE(map.values.size() == 2);
  CHECK(map.values[0].name == "@c");
  CHECK(map.values[0].key == "bash");
  CHECK(map.values[0].value == 30);
  CHECK(record(R"({"type": "map", "data": {"@n": 11456632397526}})").values.at(0).value == 11456632397526);
  CHECK(record(R"({"type": "map", "data": {"@t": {"0": [0,"kworker/0:0",5]}}})").text_values == 1);
}

TEST_CASE("a JSON histogram has its last value inside, ours the edge outside", "[bpftrace_json]") {
  const auto open = record(
      R"({"type": "hist", "data": {"@lk": {"1": [{"max": 99, "count": 4}, {"min": 100, "max": 199, "count": 0}, {"min": 400, "count": 3}], "0": []}}})");

  REQUIRE(open.histograms.size() == 2);
  CHECK(open.histograms[0].total() == 0);
  CHECK(open.histograms[1].key == "1");
  CHECK(open.histograms[1].buckets ==
        std::vector<HistogramBucket>{{open_below, 100, 4}, {100, 200, 0}, {400, open_above, 3}});
}

TEST_CASE("a map of stats is told from stats themselves", "[bpftrace_json]") {
  const auto one =
      record(R"({"type": "stats", "data": {"@s": {"count": 155, "average": 6866, "total": 1064280}}})");
  REQUIRE(one.values.size() == 1);
  CHECK(one.values[0].key.empty());
  CHECK(one.values[0].stats->count == 155);

  const auto keyed = record(
      R"({"type": "stats", "data": {"@sk": {"0,dd": {"count": 5, "average": 2, "total": 10}, "1,dd": {"count": 1, "average": 3, "total": 3}}}})");
  REQUIRE(keyed.values.size() == 2);
  CHECK(keyed.values[1].key == "1,dd");
  CHECK(keyed.values[1].stats->total == 3);
}

TEST_CASE("a stack's frames are joined in its key", "[bpftrace_json]") {
  const auto map =
      record(R"({"type": "map", "data": {"@st": {"\n    schedule+35\n    io_schedule+63\n,dd": 2}}})");

  CHECK(map.values.at(0).key == "    schedule+35;    io_schedule+63;,dd");
}

TEST_CASE("records of later versions are read as well", "[bpftrace_json]") {
  // From tests/runtime/json-output and src/output/json.cpp of bpftrace 0.26.
  CHECK(record(R"({"type": "attached_probes", "count": 1, "data": {"probes": 1}})").count == 1);
  CHECK(record(R"({"type": "lost_events", "count": 9, "data": {"events": 9}})").count == 9);
  CHECK(record(R"({"type": "map", "data": {"@x": "9223372036854775807"}})").values.at(0).value == INT64_MAX);
  CHECK(record(R"({"type": "map", "data": {"@x": 18446744073709551615}})").values.at(0).value == INT64_MAX);
  CHECK(record(R"({"type": "map", "data": {"@a": {"a": 0, "c": "str", "d": [5,6]}}})").text_values == 2);
  const auto series = record(
      R"({"type": "tseries", "data": {"@a": [{"interval_start":"1970-01-01T00:00:00.500000000","value":9}]}})");
  CHECK(series.time_series == 1);
  const auto error = record(
      R"({"type": "helper_error", "msg": "Bad address", "helper": "probe_read_user", "retcode": -14, "filename": "stdin", "line": 1, "col": 87})");
  CHECK(error.kind == Kind::message);
  CHECK(error.text == "Bad address");
}

TEST_CASE("what is no whole record is none", "[bpftrace_json]") {
  CHECK_FALSE(parse_bpftrace_record(R"({"type": "printf", "data": "irq=36 dur)"));
  CHECK_FALSE(parse_bpftrace_record(R"({"type": 5})"));
  CHECK_FALSE(parse_bpftrace_record(R"(["type"])"));
  CHECK_FALSE(parse_bpftrace_record(""));
  const std::string deep = R"({"type": "map", "data": {"@x": )" + std::string(1'000'000, '[');
  CHECK_FALSE(parse_bpftrace_record(deep));
  CHECK_FALSE(parse_bpftrace_record(deep + std::string(1'000'000, ']') + "}}"));
}

TEST_CASE("a task name that is no UTF-8 does not lose its map", "[bpftrace_json]") {
  CHECK(record("{\"type\": \"map\", \"data\": {\"@c\": {\"a\xff\": 3}}}").values.at(0).key == "a?");
}

TEST_CASE("rows of the five programs are read from -f json as from text", "[bpftrace_json]") {
  const CaptureBench bench;

  const ReadRows read =
      rows_of(bench,
              "{\"type\": \"attached_probes\", \"data\": {\"probes\": 2}}\n"
              "{\"type\": \"printf\", \"data\": \"pid=1 wake_to_run=3us\\n\"}\n"
              "{\"type\": \"lost_events\", \"data\": {\"events\": 12}}\n"
              "{\"type\": \"printf\", \"data\": \"pid=2 wake_to_run=\"}\n"
              "{\"type\": \"printf\", \"data\": \"4us\\npid=3 wake_to_run=5us\\n\"}\n"
              "\n\n"
              "{\"type\": \"map\", \"data\": {\"@wake\": {\"77\": 7302861, \"78\": 7302862}}}\n");

  REQUIRE(read.rows.size() == 3);
  CHECK(read.rows[1].key == 2);
  CHECK(read.rows[1].duration_us == 4);
  CHECK(read.rows[2].duration_us == 5);
  CHECK(read.log.json);
  CHECK(read.log.program == BpftraceProgram::wakeup);
  CHECK(read.log.attach_lines == 1);
  CHECK(read.log.lost_events == 12);
  CHECK(read.log.map_lines == 2);
  CHECK(read.log.unknown_lines == 0);
}

TEST_CASE("a record cut in the middle is kept aside as a cut row is", "[bpftrace_json]") {
  const CaptureBench bench;
  const std::string row = "{\"type\": \"printf\", \"data\": \"irq=1 duration=2us\\n\"}";

  const ReadRows read = rows_of(bench, row + "\n" + row.substr(0, 40));

  CHECK(read.rows.size() == 1);
  REQUIRE(read.log.partial_last_line);
  CHECK(read.log.partial_last_line->line == 2);
}

TEST_CASE("JSON of another program is refused by what it printed", "[bpftrace_json]") {
  const CaptureBench bench;

  const auto error = input_error_of(
      [&] { rows_of(bench, "{\"type\": \"printf\", \"data\": \"softirq vec=3 latency=4us\\n\"}\n"); });

  CHECK(error.found() == "'softirq vec=3 latency=4us'");
  CHECK(error.line() == 1);
}

TEST_CASE("a map in one line longer than any row is read whole", "[bpftrace_json]") {
  const CaptureBench bench;
  std::string map = "{\"type\": \"map\", \"data\": {\"@c\": {";
  for (int i = 0; i < 50'000; ++i) {
    map += (i == 0 ? "\"" : ", \"") + std::to_string(i) + "\": 1";
  }

  const CapturedTables tables = read_tables(bench.write("capture", map + "}}}\n"));

  CHECK(tables.format == "bpftrace -f json");
  CHECK(tables.values.size() == 50'000);
}

TEST_CASE("maps among many printed records are found, printed records alone are no tables",
          "[bpftrace_json]") {
  const CaptureBench bench;
  std::string text;
  for (int i = 0; i < 1000; ++i) {
    text += "{\"type\": \"printf\", \"data\": \"packet 17\\n\"}\n";
  }

  const auto error = input_error_of([&] { read_tables(bench.write("printed", text)); });
  const CapturedTables tables =
      read_tables(bench.write("maps", text + "{\"type\": \"map\", \"data\": {\"@c\": 5}}\n"));

  CHECK(error.found() == "printed records and no map");
  CHECK(tables.printed_records == 1000);
  CHECK(tables.values.size() == 1);
}

TEST_CASE("an unfinished line that grows without end is cut", "[bpftrace_json]") {
  PrintedLines lines;
  for (int i = 0; i < 1000; ++i) {
    lines.add(std::string(1000, 'x'));
  }

  CHECK(lines.unfinished().size() <= PrintedLines::longest);
}
