// Task groups that always want the CPU: at every level of the hierarchy service follows the weights, a
// group's being its shares (cgroup cpu.weight 100 is 1024).
//
// Each queue is an EEVDF queue of its own, whose time is what its group gets: the bounds of
// eevdf_shares_test.cpp hold in it, with the group's service for the time, r the largest slice, q the tick
// and n the members of that queue.
#include <algorithm>
#include <catch2/catch.hpp>
#include <ostream>
#include <vector>

#include "tests/models/fair_bench.h"
#include "tests/properties/for_all.h"

namespace models {

struct GroupOfHogs {
  int shares = 1024;
  bool nested = false;  // in the group before it, if there is one
  std::vector<int> nice{0};
};

inline void showValue(const GroupOfHogs& group, std::ostream& out) {
  out << "{shares " << group.shares << (group.nested ? ", inside the one before" : "") << ", hogs of nice ";
  rc::show(group.nice, out);
  out << "}";
}

}  // namespace models

namespace rc {

template <>
struct Arbitrary<models::GroupOfHogs> {
  static Gen<models::GroupOfHogs> arbitrary() {
    const auto hogs = gen::resize(3, gen::nonEmpty(gen::container<std::vector<int>>(gen::inRange(-10, 11))));
    return gen::build<models::GroupOfHogs>(gen::set(&models::GroupOfHogs::shares, gen::inRange(100, 10'001)),
                                           gen::set(&models::GroupOfHogs::nested, gen::arbitrary<bool>()),
                                           gen::set(&models::GroupOfHogs::nice, hogs));
  }
};

}  // namespace rc

namespace models {
namespace {

// One queue of the hierarchy: who competes in it, and with what weight.
struct Level {
  struct Member {
    std::vector<const SchedEntity*> tasks;  // whose service is the member's
    std::int64_t weight;
  };
  std::vector<Member> members;
};

class Hierarchy {
 public:
  Hierarchy(KernelRelease release, const std::vector<int>& root_nice, const std::vector<GroupOfHogs>& groups)
      : bench_{release}, levels_(groups.size() + 1) {
    std::vector<GroupId> ids;
    std::vector<std::size_t> parents;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      const bool nested = groups[i].nested && i > 0;
      parents.push_back(nested ? i : 0);
      ids.push_back(bench_.group(groups[i].shares, nested ? ids[i - 1] : GroupId::root));
    }
    std::vector<std::vector<const SchedEntity*>> below(groups.size() + 1);
    const auto add = [&](std::size_t level, int nice) {
      SchedEntity& se = bench_.task(level == 0 ? GroupId::root : ids[level - 1], nice);
      levels_[level].members.push_back({{&se}, se.load.weight});
      for (std::size_t at = level;; at = parents[at - 1]) {
        below[at].push_back(&se);
        if (at == 0) {
          break;
        }
      }
    };
    for (const int nice : root_nice) {
      add(0, nice);
    }
    for (std::size_t i = 0; i < groups.size(); ++i) {
      for (const int nice : groups[i].nice) {
        add(i + 1, nice);
      }
    }
    for (std::size_t i = 0; i < groups.size(); ++i) {
      levels_[parents[i]].members.push_back({below[i + 1], groups[i].shares});
    }
    for (SchedEntity& se : bench_.tasks) {
      bench_.enqueue(se);
    }
    bench_.schedule();
  }

  void run(int ticks) {
    for (int tick = 1; tick <= ticks; ++tick) {
      bench_.run(sim::Nanos{q});
      bench_.fair.update_curr(CpuId{0}, bench_.clock);
      for (const Level& level : levels_) {
        check(level, tick);
      }
    }
  }

 private:
  static constexpr std::int64_t q = 4'000'000;
  static constexpr std::int64_t r = 3'000'000;

  static std::int64_t service(const Level::Member& member) {
    std::int64_t sum = 0;
    for (const SchedEntity* se : member.tasks) {
      sum += se->sum_exec_runtime;
    }
    return sum;
  }

  static void check(const Level& level, int tick) {
    std::int64_t given = 0;
    std::int64_t weight = 0;
    std::int64_t heaviest = 0;
    for (const Level::Member& member : level.members) {
      given += service(member);
      weight += member.weight;
      heaviest = std::max(heaviest, member.weight);
    }
    // An update loses a virtual ns, and a group's reciprocal weight up to w/2^32 of what it charges.
    const std::int64_t rounding = 4 * (tick + 2) * (heaviest / 1024 + 1) + given / 100'000;
    const auto others = static_cast<std::int64_t>(level.members.size()) - 1;
    for (const Level::Member& member : level.members) {
      const std::int64_t share = given * member.weight / weight;
      RC_ASSERT(service(member) <= share + r + q + rounding);
      RC_ASSERT(service(member) >= share - (r + others * q) - rounding);
    }
  }

  FairBench bench_;
  std::vector<Level> levels_;  // the root's, then each group's
};

TEST_CASE("service follows the shares of groups at every level of the hierarchy", "[property][fair][group]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  support::for_all({.count = 100, .size = 6}, [release] {
    const auto root = *rc::gen::resize(3, rc::gen::container<std::vector<int>>(rc::gen::inRange(-10, 11)))
                           .as("nice of hogs at the root");
    const auto groups = *rc::gen::nonEmpty<std::vector<GroupOfHogs>>().as("groups");
    Hierarchy hierarchy{release, root, groups};
    hierarchy.run(300);
  });
}

}  // namespace
}  // namespace models
