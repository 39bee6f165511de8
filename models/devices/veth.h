// A veth pair between two network namespaces of this host.
//
// Models: drivers/net/veth.c:veth_xmit -> __netif_rx: the frame joins the sending CPU's backlog and
//         NET_RX runs at the sender's local_bh_enable. No interrupt exists in this chain.
// Left out: the veth's own NAPI (GRO on at the receiver), XDP.
#pragma once

#include <string>
#include <string_view>

namespace models {

struct VethConfig {
  static constexpr std::string_view model = "veth";
  std::string name;
  bool gro = false;       // GRO on at both ends and TSO off: each end has a NAPI of its own, below
  bool threaded = false;  // that NAPI polls in a kernel thread; needs gro
};

template <class Visitor>
void fields(VethConfig& config, Visitor&& field) {
  field("name", config.name);
  field("gro", config.gro);
  field("threaded", config.threaded);
}

}  // namespace models
