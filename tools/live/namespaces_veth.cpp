#include "tools/live/namespaces_veth.h"

#include <arpa/inet.h>
#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace tools::live {
namespace {

[[noreturn]] void declined(const std::string& what, int error) {
  throw std::runtime_error{what + ": " + std::strerror(error)};
}

// A netlink message under construction: attributes, some of them nested.
class Message {
 public:
  Message(std::uint16_t type, std::uint16_t flags) {
    auto& header = at<nlmsghdr>(take(sizeof(nlmsghdr)));
    header.nlmsg_type = type;
    header.nlmsg_flags = flags;
  }

  void link_header(int index) {
    auto& header = at<ifinfomsg>(take(sizeof(ifinfomsg)));
    header.ifi_family = AF_UNSPEC;
    header.ifi_index = index;
  }

  void attribute(int type, const void* value, std::size_t bytes) {
    const std::size_t begin = take(sizeof(rtattr) + bytes);
    at<rtattr>(begin).rta_type = static_cast<std::uint16_t>(type);
    at<rtattr>(begin).rta_len = static_cast<std::uint16_t>(sizeof(rtattr) + bytes);
    std::memcpy(bytes_.data() + begin + sizeof(rtattr), value, bytes);
  }
  void attribute(int type, const std::string& text) { attribute(type, text.c_str(), text.size() + 1); }

  std::size_t open(int type) {
    const std::size_t begin = take(sizeof(rtattr));
    at<rtattr>(begin).rta_type = static_cast<std::uint16_t>(type);
    return begin;
  }
  void close(std::size_t begin) { at<rtattr>(begin).rta_len = static_cast<std::uint16_t>(size_ - begin); }

  const void* data() {
    at<nlmsghdr>(0).nlmsg_len = static_cast<std::uint32_t>(size_);
    return bytes_.data();
  }
  std::size_t size() const { return size_; }

 private:
  template <class T>
  T& at(std::size_t offset) {
    return *reinterpret_cast<T*>(bytes_.data() + offset);
  }
  std::size_t take(std::size_t bytes) {
    const std::size_t begin = size_;
    size_ += NLMSG_ALIGN(bytes);
    return begin;
  }

  alignas(8) std::array<std::byte, 512> bytes_{};  // far more than a veth needs
  std::size_t size_ = 0;
};

// veth_newlink heeds the peer's only where both are given.
constexpr int peer_index_offset = 1000;

int netlink_answer(Message& message) {
  const int socket = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (socket < 0) {
    return errno;
  }
  struct {
    nlmsghdr header;
    nlmsgerr error;
    std::array<std::byte, 1024> rest;
  } answer{};
  const void* const data = message.data();
  const bool talked =
      ::send(socket, data, message.size(), 0) == static_cast<ssize_t>(message.size()) &&
      ::recv(socket, &answer, sizeof answer, 0) >= static_cast<ssize_t>(sizeof(nlmsghdr) + sizeof(nlmsgerr));
  const int error = talked ? -answer.error.error : EIO;
  ::close(socket);
  return error;
}

class Interface {
 public:
  explicit Interface(const std::string& name)
      : name_{name}, socket_{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)} {
    std::strncpy(request_.ifr_name, name.c_str(), IFNAMSIZ - 1);
  }
  ~Interface() { ::close(socket_); }
  Interface(const Interface&) = delete;
  Interface& operator=(const Interface&) = delete;

  ifreq& call(unsigned long operation, const char* what) {
    if (::ioctl(socket_, operation, &request_) != 0) {
      declined(std::string{what} + " of " + name_, errno);
    }
    return request_;
  }
  ifreq& request() { return request_; }
  void set_address(std::uint32_t address) {
    sockaddr_in value{};
    value.sin_family = AF_INET;
    value.sin_addr.s_addr = htonl(address);
    std::memcpy(&request_.ifr_addr, &value, sizeof value);
  }

 private:
  const std::string& name_;
  int socket_;
  ifreq request_{};
};

struct OffloadCalls {
  std::uint32_t get, set;
  const char* what;
};

OffloadCalls calls_of(Offload which) {
  constexpr std::array<OffloadCalls, 3> calls{{{ETHTOOL_GGRO, ETHTOOL_SGRO, "GRO"},
                                               {ETHTOOL_GTSO, ETHTOOL_STSO, "TSO"},
                                               {ETHTOOL_GGSO, ETHTOOL_SGSO, "GSO"}}};
  return calls[static_cast<std::size_t>(which)];
}

}  // namespace

void make_veth(const std::string& name, int peer_network, int index) {
  if (name.size() >= IFNAMSIZ) {
    throw std::runtime_error{"a veth called " + name + ": an interface's name has at most 15 bytes"};
  }
  Message message{RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL};
  message.link_header(index);
  message.attribute(IFLA_IFNAME, name);
  const std::size_t info = message.open(IFLA_LINKINFO);
  message.attribute(IFLA_INFO_KIND, "veth", 4);
  const std::size_t data = message.open(IFLA_INFO_DATA);
  const std::size_t peer = message.open(VETH_INFO_PEER);
  message.link_header(index + peer_index_offset);
  message.attribute(IFLA_IFNAME, name);
  message.attribute(IFLA_NET_NS_FD, &peer_network, sizeof peer_network);
  message.close(peer);
  message.close(data);
  message.close(info);
  if (const int error = netlink_answer(message); error != 0) {
    declined("a veth pair " + name, error);
  }
}

void bring_up(const std::string& name, std::uint32_t address) {
  Interface interface { name };
  interface.set_address(address);
  interface.call(SIOCSIFADDR, "the address");
  interface.set_address(0xffffff00U);
  interface.call(SIOCSIFNETMASK, "the netmask");
  ifreq& flags = interface.call(SIOCGIFFLAGS, "the flags");
  flags.ifr_flags = static_cast<short>(flags.ifr_flags | IFF_UP);
  interface.call(SIOCSIFFLAGS, "the flags");
}

void set_offload(const std::string& name, Offload which, bool on) {
  Interface interface { name };
  ethtool_value value{.cmd = calls_of(which).set, .data = on ? 1U : 0U};
  interface.request().ifr_data = reinterpret_cast<char*>(&value);
  interface.call(SIOCETHTOOL, calls_of(which).what);
  if (offload(name, which) != on) {
    throw std::runtime_error{std::string{calls_of(which).what} + " of " + name + ": the kernel keeps it " +
                             (on ? "off" : "on")};
  }
}

bool offload(const std::string& name, Offload which) {
  Interface interface { name };
  ethtool_value value{.cmd = calls_of(which).get, .data = 0};
  interface.request().ifr_data = reinterpret_cast<char*>(&value);
  interface.call(SIOCETHTOOL, calls_of(which).what);
  return value.data != 0;
}

}  // namespace tools::live
