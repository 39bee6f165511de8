// Spans, groups and rules of the domains of some machines.
#include "models/sched_domains.h"

#include <catch2/catch.hpp>

namespace models {
namespace {

std::vector<int> spans(const SchedDomains& domains, int cpu) {
  std::vector<int> found;
  for (const SchedDomain& each : domains.of(static_cast<CpuId>(cpu))) {
    found.push_back(each.span.weight);
  }
  return found;
}

TEST_CASE("a level that spans no more than the one below is left out", "[sched_domains]") {
  CHECK(spans(SchedDomains{{.cpus = 1}}, 0) == std::vector<int>{});
  CHECK(spans(SchedDomains{{.cpus = 2}}, 1) == std::vector<int>{2});
  CHECK(spans(SchedDomains{{.cpus = 8, .smt = 2}}, 3) == std::vector<int>{2, 8});
  CHECK(spans(SchedDomains{{.cpus = 16, .smt = 2, .llc_cpus = 8}}, 3) == std::vector<int>{2, 8, 16});
  CHECK(spans(SchedDomains{{.cpus = 4, .smt = 2, .llc_cpus = 2}}, 3) == std::vector<int>{2, 4});
  CHECK(spans(SchedDomains{{.cpus = 4, .llc_cpus = 1}}, 3) == std::vector<int>{4});
}

TEST_CASE("each level has its rules", "[sched_domains]") {
  const SchedDomains domains{{.cpus = 16, .smt = 2, .llc_cpus = 8}};
  const auto of = domains.of(CpuId{9});

  CHECK(of[0].share_cpucapacity);
  CHECK(of[0].imbalance_pct == 110);
  CHECK(of[0].cache_nice_tries == 0);
  CHECK(of[1].share_llc);
  CHECK(of[1].imbalance_pct == 117);
  CHECK(of[1].cache_nice_tries == 1);
  CHECK(of[1].min_interval == 8);
  CHECK(of[1].max_interval == 16);
  CHECK(!of[2].share_llc);
  CHECK(of[2].busy_factor == 16);
}

TEST_CASE("a domain's groups are its children, the own one first, then around", "[sched_domains]") {
  const SchedDomains domains{{.cpus = 16, .smt = 2, .llc_cpus = 8}};
  const SchedDomain& mc = domains.of(CpuId{13})[1];

  REQUIRE(mc.groups.size() == 4);
  CHECK(mc.group(0).span.first == 12);
  CHECK(mc.group(1).span.first == 14);
  CHECK(mc.group(2).span.first == 8);
  CHECK(mc.group(3).span.first == 10);
  CHECK(mc.group(0).share_cpucapacity);
  CHECK(mc.group(0).cores == 1);
  CHECK(mc.group(0).capacity == 2048);
  CHECK(domains.of(CpuId{13})[2].group(0).cores == 4);
  CHECK(mc.parent == &domains.of(CpuId{13})[2].local_group());
  CHECK(domains.of(CpuId{13})[2].parent == nullptr);
}

TEST_CASE("the CPUs of an LLC share its state; without a shared cache level there is none",
          "[sched_domains]") {
  SchedDomains domains{{.cpus = 8, .llc_cpus = 4}};
  CHECK(domains.llc(CpuId{1}) == domains.llc(CpuId{3}));
  CHECK(domains.llc(CpuId{1}) != domains.llc(CpuId{4}));
  CHECK(domains.llc_size(CpuId{5}) == 4);
  CHECK(domains.share_llc(CpuId{4}, CpuId{7}));
  CHECK(domains.llc(CpuId{0})->nr_idle_scan == 0);
  CHECK(domains.llc(CpuId{0})->nr_busy_cpus == 4);

  SchedDomains none{{.cpus = 4, .llc_cpus = 1}};
  CHECK(none.llc(CpuId{1}) == nullptr);
  CHECK(none.llc_size(CpuId{1}) == 1);
  CHECK(!none.share_llc(CpuId{1}, CpuId{2}));
  CHECK(none.share_llc(CpuId{2}, CpuId{2}));

  SchedDomains smt_only{{.cpus = 4, .smt = 2, .llc_cpus = 1}};
  CHECK(smt_only.llc_size(CpuId{1}) == 2);  // threads of a core share its caches
}

}  // namespace
}  // namespace models
