// The captures that come with the program: what their README says of them is what the readers find.
#include <catch2/catch.hpp>

#include "calibration/fit/summary.h"
#include "tests/calibration/capture_bench.h"

using namespace calibration;

namespace {

MeasuredCapture shipped(const std::string& name) {
  const std::filesystem::path path = shipped_captures() / name;
  return measure(find_captures({&path, 1}).entries.at(0));
}

}  // namespace

TEST_CASE("all shipped captures are found with their side files", "[shipped]") {
  const std::filesystem::path path = shipped_captures();

  const CaptureSet set = find_captures({&path, 1});

  CHECK(set.entries.size() == 15);
  CHECK(set.loads() == std::vector<std::string>{"idle", "mixed", "n4"});
  for (const CaptureEntry& entry : set.entries) {
    CHECK(entry.roles.has_value());
    CHECK(entry.steps.has_value());
    CHECK(program_named(entry.program).has_value());
  }
}

TEST_CASE("idle.irq has the disk's interrupt 3330 times, mostly below a microsecond", "[shipped]") {
  const MeasuredCapture capture = shipped("idle.irq.txt.gz");

  CHECK(capture.log.rows == 3338);
  CHECK(capture.log.attach_lines == 1);
  CHECK(capture.log.unknown_lines == 0);
  CHECK(capture.find("irq.36")->count() == 3330);
  CHECK(capture.find("irq.36")->values.quantile(0.5) == 0);
  CHECK(capture.find("irq.36")->values.max() == 24);
}

TEST_CASE("idle.wakeup has the agent's wakeups apart from the tracer's", "[shipped]") {
  const MeasuredCapture capture = shipped("idle.wakeup.txt.gz");

  CHECK(capture.find("wakeup_to_run.agent")->count() == 8814);
  CHECK(capture.find("wakeup_to_run.server")->count() == 5837);
  CHECK(capture.find("wakeup_to_run.tracer")->count() == 1350);
  CHECK(capture.find("wakeup_to_run.other")->count() == 165);
  CHECK(capture.find("wakeup_to_run.agent")->values.quantile(0.5) == 10);
  CHECK(capture.find("step")->count() == 2959);
}

TEST_CASE("idle.epoll is nearly all the tracer", "[shipped]") {
  const MeasuredCapture capture = shipped("idle.epoll.txt.gz");

  CHECK(capture.log.rows == 497'657);
  CHECK(capture.find("epoll_wait.agent")->count() == 3250);
  CHECK(capture.find("epoll_wait.tracer")->values.values().size() < 300);
  REQUIRE(capture.tracer);
  CHECK(capture.tracer->row_share > 0.99);
  CHECK(capture.tracer->loop_us == Approx(14.0).margin(0.1));
}

TEST_CASE("n4.softirq loses five rows to the uptime and one to a late start stamp", "[shipped]") {
  const MeasuredCapture capture = shipped("n4.softirq.txt.gz");

  CHECK(capture.log.rows == 39'037);
  CHECK(capture.flaw("uptime_as_duration")->count == 5);
  CHECK(capture.flaw("start_after_end")->count == 1);
  CHECK(capture.flaw("impossible_duration") == nullptr);
  CHECK(capture.find("softirq.NET_RX")->count() == 24'694);
  CHECK(capture.find("softirq.NET_RX")->values.max() == 106);
  CHECK(capture.find("softirq.BLOCK")->count() == 11'932);
}

TEST_CASE("mixed.softirq shows two CPUs in NET_RX at once, and is corrected for it", "[shipped]") {
  const MeasuredCapture capture = shipped("mixed.softirq.txt.gz");
  const MeasuredQuantity& net_rx = *capture.find("softirq.NET_RX");

  CHECK(capture.flaw("uptime_as_duration")->count == 75);
  CHECK(capture.flaw("start_after_end")->count == 17);
  CHECK(net_rx.count() == 91'850);
  CHECK(net_rx.values.max() == 242);
  REQUIRE(net_rx.corrected);
  CHECK(net_rx.corrected->mean() - net_rx.values.mean() == Approx(0.2).margin(0.05));
  CHECK_FALSE(capture.find("softirq.BLOCK")->corrected);
}

TEST_CASE("n4.uring has one io_uring_enter for each of the agents' steps", "[shipped]") {
  const MeasuredCapture capture = shipped("n4.uring.txt.gz");

  CHECK(capture.find("io_uring_enter.agent")->count() == 12'845);
  CHECK(capture.steps == 12'845);
  CHECK(capture.span_s == Approx(5.0).margin(0.01));
  CHECK(capture.flaws.size() == 1);  // the truncation alone
}

TEST_CASE("a summary names each quantity with its percentiles and each flaw with what was done",
          "[shipped]") {
  const std::string text = summary(shipped("n4.softirq.txt.gz"));

  CHECK(text.starts_with("n4.softirq.txt.gz: softirq program, load n4, 39037 rows, 12518 steps in 5.00 s\n"));
  CHECK(
      text.find(
          "  softirq.NET_RX                  24694       3 us      13 us      35 us      60 us     106 us") !=
      std::string::npos);
  CHECK(text.find("~28 us") != std::string::npos);  // p99 of 132 values
  CHECK(text.find("uptime_as_duration: 5 rows print the machine's uptime") != std::string::npos);
  CHECK(text.find("-> dropped\n") != std::string::npos);
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    CHECK(end - begin <= 110);
    begin = end + 1;
  }
}

TEST_CASE("every shipped quantity is described to within its own certainty", "[shipped]") {
  for (const char* name : {"idle.softirq.txt.gz", "n4.irq.txt.gz", "mixed.uring.txt.gz"}) {
    std::vector<NamedFit> fits;
    for (const MeasuredQuantity& quantity : shipped(name).quantities) {
      fits.push_back({.name = quantity.name, .fit = fit(quantity)});
      const FittedDistribution& fitted = fits.back().fit;
      if (fitted.form == "quantiles") {
        CHECK(fitted.goodness.ks < 0.005);
        CHECK(std::abs(fitted.goodness.p99_error) < 0.1);
      } else {
        CHECK(fitted.goodness.ks < 0.06);
      }
    }
    CHECK(fit_table(fits).find(fits.front().name) != std::string::npos);
  }
}
