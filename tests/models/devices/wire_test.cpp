#include "models/devices/wire.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "tests/models/devices/bench.h"

namespace models {
namespace {

// 1 byte takes 1 ns; a frame of n bytes of payload takes n + 90 ns.
constexpr sim::BytesPerSecond byte_per_ns{1'000'000'000};

struct ServerBench {
  explicit ServerBench(RemoteServerConfig config) : server{engine, config} {
    server.deliver.connect<&ServerBench::deliver>(*this);
  }
  bool deliver(const Packet& packet) {
    if (drops > 0) {
      --drops;
      return false;
    }
    at.push_back(engine.now().time_since_epoch());
    packets.push_back(packet);
    return true;
  }

  sim::Engine engine;
  RemoteServer server;
  Times at;
  std::vector<Packet> packets;
  int drops = 0;
};

RemoteCall call_of(int flow, std::int64_t reply) {
  return {.flow = FlowId{flow},
          .request_bytes = sim::Bytes{10},
          .reply_bytes = sim::Bytes{reply},
          .one_way = 5us,
          .service = 300us,
          .completion = CompletionId{flow},
          .latency_class = LatencyClass::agent_interactive};
}

TEST_CASE("a reply comes back after the request's way, its service and its own way", "[wire]") {
  ServerBench bench{{.link_rate = byte_per_ns}};

  CHECK(bench.server.request(call_of(1, 10)));
  bench.engine.run_for(1ms);

  CHECK(bench.at == Times{100ns + 5us + 300us + 100ns + 5us});
  CHECK(bench.packets[0].completion == CompletionId{1});
  CHECK(bench.packets[0].latency_class == LatencyClass::agent_interactive);
}

TEST_CASE("a request that has crossed the link already is not charged for it again", "[wire]") {
  ServerBench bench{{.link_rate = byte_per_ns}};
  RemoteCall call = call_of(1, 10);
  call.request_bytes = sim::Bytes{0};

  bench.server.request(call);
  bench.engine.run_for(1ms);

  CHECK(bench.at == Times{310us + 100ns});
}

TEST_CASE("a long reply arrives as frames of one mss, spaced by the link, and the last one ends it",
          "[wire]") {
  ServerBench bench{{.link_rate = byte_per_ns, .mss = 1000}};

  bench.server.request(call_of(1, 2048));
  bench.engine.run_for(1ms);

  const sim::Nanos start = 310us + 100ns;
  CHECK(bench.at == Times{start + 1090ns, start + 2180ns, start + 2318ns});
  CHECK(bench.packets[1].bytes == 1000);
  CHECK(bench.packets[2].bytes == 48);
  CHECK_FALSE(bench.packets[1].ends_message);
  CHECK(bench.packets[2].ends_message);
}

TEST_CASE("replies of one instant share the link", "[wire]") {
  ServerBench bench{{.link_rate = byte_per_ns, .mss = 1000}};

  bench.server.request(call_of(1, 2000));
  bench.server.request(call_of(2, 10));
  bench.engine.run_for(1ms);

  const sim::Nanos start = 310us + 100ns;
  CHECK(bench.at == Times{start + 1090ns, start + 2180ns, start + 2280ns});
  CHECK(bench.packets[2].flow == FlowId{2});
}

TEST_CASE("a dropped frame is sent again after the timeout and holds back what follows it", "[wire]") {
  ServerBench bench{{.link_rate = byte_per_ns, .mss = 1000, .rto = 200ms}};
  bench.drops = 1;

  bench.server.request(call_of(1, 2000));
  bench.engine.run_for(1s);

  const sim::Nanos first = 310us + 100ns + 1090ns;
  CHECK(bench.at == Times{first + 200ms, first + 200ms + 1090ns});
  CHECK(bench.server.retransmissions() == 1);
}

TEST_CASE("a call beyond the limit is rejected and counted, and a finished one makes room", "[wire]") {
  ServerBench bench{{.max_calls = 1}};

  CHECK(bench.server.request(call_of(1, 10)));
  CHECK_FALSE(bench.server.request(call_of(2, 10)));
  bench.engine.run_for(1ms);

  CHECK(bench.server.request(call_of(3, 10)));
  CHECK(bench.server.rejected() == 1);
}

struct SourceBench {
  explicit SourceBench(FlowSourceConfig config) : source{engine, config, sim::Rng{3}.stream("flows")} {
    source.burst.connect<&SourceBench::burst>(*this);
  }
  int burst(const Packet& packet, int count) {
    at.push_back(engine.now().time_since_epoch());
    flows.push_back(packet.flow);
    return std::min(count, room);
  }

  sim::Engine engine;
  FlowSource source;
  Times at;
  std::vector<FlowId> flows;
  int room = 1000;
};

TEST_CASE("a traffic source keeps its rate, with one event per burst", "[wire]") {
  SourceBench bench{{.rate = sim::BytesPerSecond{250'000'000}, .burst_frames = 8}};  // 2 Gbit/s

  bench.source.start();
  bench.engine.run_for(4s);

  // 86 k bursts at exponential gaps: one standard deviation of their number is 0.3 %.
  const double bytes_per_second = static_cast<double>(bench.source.frames()) * default_mss / 4;
  CHECK(bytes_per_second == Approx(250e6).epsilon(0.015));
  CHECK(bench.engine.executed() == bench.at.size());
}

TEST_CASE("gaps between bursts are exponential beyond the time the burst itself takes", "[wire]") {
  SourceBench bench{
      {.rate = sim::BytesPerSecond{100'000'000}, .burst_frames = 1, .mss = 1000, .link_rate = byte_per_ns}};

  bench.source.start();
  bench.engine.run_for(1s);

  // The period is 10 us, the burst takes 1090 ns: P(gap > 8910 ns) = exp(-1) = 0.368.
  int longer = 0;
  sim::Nanos last{0};
  for (const sim::Nanos at : bench.at) {
    CHECK(at - last >= 1090ns);
    longer += at - last > 10us ? 1 : 0;
    last = at;
  }
  CHECK(longer / static_cast<double>(bench.at.size()) == Approx(0.368).margin(0.01));
}

TEST_CASE("a source that asks for more than its link sends back to back", "[wire]") {
  SourceBench bench{
      {.rate = sim::BytesPerSecond{2'000'000'000}, .burst_frames = 2, .mss = 1000, .link_rate = byte_per_ns}};

  bench.source.start();
  bench.engine.run_for(7us);

  CHECK(bench.at == Times{2180ns, 4360ns, 6540ns});
}

TEST_CASE("flows take turns", "[wire]") {
  SourceBench bench{{.first_flow = FlowId{40}, .flows = 2, .rate = sim::BytesPerSecond{1'000'000'000}}};

  bench.source.start();
  bench.engine.run_for(1ms);

  REQUIRE(bench.flows.size() > 3);
  CHECK(bench.flows[0] == FlowId{40});
  CHECK(bench.flows[1] == FlowId{41});
  CHECK(bench.flows[2] == FlowId{40});
}

TEST_CASE("a source goes on whatever the NIC drops, and counts it", "[wire]") {
  SourceBench bench{{.rate = sim::BytesPerSecond{1'000'000'000}, .burst_frames = 8}};
  bench.room = 3;

  bench.source.start();
  bench.engine.run_for(1ms);

  CHECK(bench.at.size() > 50);
  CHECK(bench.source.drops() == 5 * static_cast<std::int64_t>(bench.at.size()));
}

TEST_CASE("a stopped source sends nothing more", "[wire]") {
  SourceBench bench{{.rate = sim::BytesPerSecond{1'000'000'000}}};

  bench.source.start();
  bench.engine.run_for(1ms);
  const std::size_t before = bench.at.size();
  bench.source.stop();
  bench.engine.run_for(1ms);

  CHECK(before > 0);
  CHECK(bench.at.size() == before);
}

}  // namespace
}  // namespace models
