// Two network namespaces joined by veth pairs, and TCP connections across them, all without a name: the
// namespaces exist as long as a process or a socket is in them, the pairs as long as the namespaces.
//
//   agents ── veth0 (10.64.0.1) ═══ veth0 (10.64.0.2) ── servers, bulk senders
//
// The pair is made by rtnetlink (drivers/net/veth.c:veth_newlink, VETH_INFO_PEER), never seen from the
// machine's own namespace. With `gro`, a veth has a NAPI of its own at the receiver, which frames reach only
// if the sender segments in software (veth_xmit, veth_skb_is_eligible_for_gro): so GRO goes on and TSO off at
// both ends. GSO stays: a send is cut into frames behind TCP.
//
// The caller must be a process of its own with one thread: it changes namespaces. Throws std::runtime_error,
// naming what was declined.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tools::live {

struct PairConfig {
  std::string name;  // of both ends
  bool gro = false;
  bool threaded = false;  // /sys/class/net/NAME/threaded
};

// Features of one end as the kernel reports them.
struct PairEnd {
  bool gro = false, tso = false, gso = false, threaded = false;
};

struct ConnectedPair {
  int agents = -1;  // file descriptors, TCP_NODELAY
  int servers = -1;
};

class Namespaces {
 public:
  // Leaves the machine's network and mount namespaces. `congestion_control`: of the connections, such as
  // "cubic"; empty: the machine's default.
  Namespaces(const std::vector<PairConfig>& pairs, std::string congestion_control);
  ~Namespaces();
  Namespaces(const Namespaces&) = delete;
  Namespaces& operator=(const Namespaces&) = delete;

  // A connection over the pair with that index; opened from the servers' end if `bulk`.
  ConnectedPair connect(std::size_t pair, bool bulk);

  void enter_agents() const;  // by any process that has inherited this
  void enter_servers() const;

  const PairEnd& agents_end(std::size_t pair) const { return agents_ends_[pair]; }
  const PairEnd& servers_end(std::size_t pair) const { return servers_ends_[pair]; }

 private:
  void set_congestion_control(int socket) const;

  std::string congestion_control_;
  int agents_ = -1;  // file descriptors of the namespaces
  int servers_ = -1;
  std::vector<PairEnd> agents_ends_, servers_ends_;
};

}  // namespace tools::live
