// A veth pair by rtnetlink, and its settings by ioctl; all in the network namespace that the process is in.
// Throws std::runtime_error, naming what was declined.
#pragma once

#include <cstdint>
#include <string>

namespace tools::live {

// ETHTOOL_SGRO, STSO, SGSO; TSO is all of NETIF_F_ALL_TSO.
enum class Offload : std::uint8_t { gro, tso, gso };

// 10.64.PAIR.1 at the agents' end, .2 at the servers'; host byte order.
constexpr std::uint32_t pair_address(std::size_t pair, bool servers) {
  return 0x0a400000U | static_cast<std::uint32_t>(pair & 0xffU) << 8U | (servers ? 2U : 1U);
}

// One end here, the other in `peer_network` (a descriptor of it), both called `name`. `index` is free in
// both; the ends' indexes differ, else link_watch.c:linkwatch_urgent_event takes a carrier for a matter that
// can wait for a second.
void make_veth(const std::string& name, int peer_network, int index);

void bring_up(const std::string& name, std::uint32_t address);  // a /24

void set_offload(const std::string& name, Offload which,
                 bool on);  // read back: the kernel may say yes and not do it
bool offload(const std::string& name, Offload which);

}  // namespace tools::live
