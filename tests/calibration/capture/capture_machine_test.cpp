#include <catch2/catch.hpp>

#include "calibration/capture/event_rate.h"
#include "calibration/capture/machine.h"
#include "calibration/capture/symbols.h"

using namespace calibration;
using Form = TracepointField::Form;

TEST_CASE("a tracepoint's format says how each field is held", "[capture_machine]") {
  const TracepointFields fields = parse_tracepoint_format(
      "name: block_rq_issue\nID: 2104\nformat:\n"
      "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\n"
      "\tfield:dev_t dev;\toffset:8;\tsize:4;\tsigned:0;\n"
      "\tfield:char rwbs[10];\toffset:34;\tsize:10;\tsigned:0;\n"
      "\tfield:struct napi_struct * napi;\toffset:48;\tsize:8;\tsigned:0;\n"
      "\tfield:__data_loc char[] cmd;\toffset:60;\tsize:4;\tsigned:0;\n\n"
      "print fmt: \"%d,%d\", REC->dev\n");

  CHECK(fields.size() == 5);
  CHECK(fields.at("dev").form == Form::number);
  CHECK(fields.at("napi").offset == 48);
  CHECK(fields.at("rwbs").form == Form::text);
  CHECK(fields.at("rwbs").offset == 34);
  CHECK(fields.at("rwbs").size == 10);
  CHECK(fields.at("cmd").form == Form::text_elsewhere);
}

TEST_CASE("a format that makes no sense has the fields before the nonsense", "[capture_machine]") {
  CHECK(parse_tracepoint_format("").empty());
  CHECK(parse_tracepoint_format("field:int a;\toffset:x").empty());
  CHECK(parse_tracepoint_format("field:int a; offset:1; size:4;\nfield:int b; offset:8").size() == 1);
}

TEST_CASE("bpftrace's version is read from what it prints", "[capture_machine]") {
  CHECK(parse_bpftrace_version("bpftrace v0.17.0\n") == std::array{0, 17, 0});
  CHECK(parse_bpftrace_version("bpftrace v0.23.5-12-gabc") == std::array{0, 23, 5});
  CHECK(parse_bpftrace_version("bpftrace: command not found") == std::array{0, 0, 0});
}

TEST_CASE("the rate of events follows from what the kernel counts", "[capture_machine]") {
  const KernelCounts before = parse_proc_stat("cpu  1 2\nintr 1000 5 6\nctxt 500\nsoftirq 300 1 2\n");
  const KernelCounts after = parse_proc_stat("cpu  1 2\nintr 1010 5 6\nctxt 600\nsoftirq 305 1 2\n");

  CHECK(estimated_events(before, after) == 3 * 10 + 3 * 5 + 4 * 100);
}

TEST_CASE("the map has room for three times the events, and for a load that has yet to start",
          "[capture_machine]") {
  constexpr std::uint64_t plenty = std::uint64_t{64} << 30;

  CHECK(plan_map(1e6, 2, 2, plenty, 0).entries == 6'000'000);
  CHECK(plan_map(10, 2, 2, plenty, 0).entries == 200'000);
  CHECK(plan_map(10, 2, 2, plenty, 777).entries == 777);
  CHECK_FALSE(plan_map(1e6, 2, 2, plenty, 0).limited_by_memory);
}

TEST_CASE("the map never takes more than a quarter of the memory that is available", "[capture_machine]") {
  constexpr std::uint64_t available = 1 << 30;
  const MapPlan plan = plan_map(1e6, 100, 2, available, GENERATE(0U, 50'000'000U));

  CHECK(plan.limited_by_memory);
  CHECK(plan.kernel_bytes + plan.printing_bytes <= available / 4);
  CHECK(plan_map(1e6, 100, 2, 0, 0).entries > 0);
}

TEST_CASE("an address is named after the function that holds it", "[capture_machine]") {
  const KernelSymbols symbols{
      "ffffffff81000000 T _stext\n"
      "ffffffff81000100 t hrtimer_wakeup\n"
      "ffffffff81000100 t __alias\n"
      "ffffffff81000200 t tick_nohz_handler.isra.0\n"
      "ffffffff81000280 D some_data\n"
      "ffffffffc0000000 t nvme_irq\t[nvme]\n"
      "0000000000000000 T hidden\nnonsense\n"};

  CHECK(symbols.size() == 5);
  CHECK(symbols.function_at(0xffffffff81000100) == "hrtimer_wakeup");
  CHECK(symbols.function_at(0xffffffff810001ff) == "hrtimer_wakeup");
  CHECK(symbols.function_at(0xffffffff81000290) == "tick_nohz_handler");
  CHECK(symbols.function_at(0xffffffffc0000010) == "nvme_irq");
  CHECK(symbols.function_at(0xffffffff80000000).empty());
  CHECK(symbols.function_at(0xffffffffffffffff).empty());
  CHECK(KernelSymbols{""}.function_at(1).empty());
}

TEST_CASE("an interrupt's name is the last column of /proc/interrupts", "[capture_machine]") {
  const auto names = parse_interrupt_names(
      "           CPU0       CPU1\n"
      " 36:          0    1234567  PCI-MSIX-0000:00:02.0   1-edge      virtio1-req.0-and-more\n"
      " 37:          1          0  IR-PCI-MSI 1572864-edge      eth0-TxRx-0, other name\n"
      "LOC:          1          2   Local timer interrupts\n");

  CHECK(names.size() == 2);
  CHECK(names.at(36) == "virtio1-req.0-and-more");
  CHECK(names.at(37) == "eth0-TxRx-0, other name");
}
