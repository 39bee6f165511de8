#include "tools/live/namespaces.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <utility>

#include "tools/live/namespaces_veth.h"

namespace tools::live {
namespace {

void require(bool done, const std::string& what) {
  if (!done) {
    throw std::runtime_error{what + ": " + std::strerror(errno)};
  }
}

// A new namespace for this process; the descriptor keeps it.
int new_network() {
  require(::unshare(CLONE_NEWNET) == 0, "a network namespace (unshare)");
  const int file = ::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  require(file >= 0, "/proc/self/ns/net");
  // Without it, the ends' router solicitations would be traffic that nobody asked for. A kernel without IPv6
  // has no such file.
  if (const int knob = ::open("/proc/sys/net/ipv6/conf/default/disable_ipv6", O_WRONLY | O_CLOEXEC);
      knob >= 0) {
    [[maybe_unused]] const auto written = ::write(knob, "1", 1);
    ::close(knob);
  }
  return file;
}

void enter(int network) {
  require(::setns(network, CLONE_NEWNET) == 0, "entering a network namespace (setns)");
}

sockaddr_in address_of(std::size_t pair, bool servers, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(pair_address(pair, servers));
  return address;
}

int tcp_socket() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  require(socket >= 0, "a TCP socket");
  const int yes = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  return socket;
}

// A mount of /sys that shows the network namespace that this process is in.
class Sysfs {
 public:
  Sysfs() {
    require(::mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) == 0,
            "a mount of sysfs");
  }
  ~Sysfs() { ::umount2("/sys", MNT_DETACH); }
  Sysfs(const Sysfs&) = delete;
  Sysfs& operator=(const Sysfs&) = delete;
};

void set_threaded(const std::string& name) {
  const std::string path = "/sys/class/net/" + name + "/threaded";
  const int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  require(file >= 0, "threaded NAPI of a veth (" + path + ")");
  const bool done = ::write(file, "1", 1) == 1;
  const int error = errno;
  ::close(file);
  errno = error;
  require(done, "threaded NAPI of a veth (" + path + ")");
}

std::string attribute_of(const std::string& name, const char* attribute) {
  std::string text;
  std::getline(std::ifstream{"/sys/class/net/" + name + "/" + attribute}, text);
  return text;
}

// Carrier and queueing discipline follow the second end's being up, in the kernel's own time (link_watch.c);
// what is sent before is lost, and TCP repeats it after a second.
void wait_until_up(const std::vector<PairConfig>& pairs) {
  constexpr int looks = 2000;
  constexpr useconds_t between = 1000;
  const Sysfs sysfs;
  for (const PairConfig& pair : pairs) {
    for (int look = 0; attribute_of(pair.name, "operstate") != "up"; ++look) {
      if (look == looks) {
        throw std::runtime_error{"the carrier of " + pair.name + ": none after two seconds"};
      }
      ::usleep(between);
    }
  }
  ::usleep(between);  // it is up a moment before it is activated
}

std::vector<PairEnd> set_up_ends(const std::vector<PairConfig>& pairs, bool servers) {
  const Sysfs sysfs;
  std::vector<PairEnd> ends;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    bring_up(pairs[i].name, pair_address(i, servers));
    if (pairs[i].gro) {
      set_offload(pairs[i].name, Offload::gro, true);
      set_offload(pairs[i].name, Offload::tso, false);
    }
    if (pairs[i].threaded) {
      set_threaded(pairs[i].name);
    }
    ends.push_back({.gro = offload(pairs[i].name, Offload::gro),
                    .tso = offload(pairs[i].name, Offload::tso),
                    .gso = offload(pairs[i].name, Offload::gso),
                    .threaded = attribute_of(pairs[i].name, "threaded") == "1"});
  }
  return ends;
}

}  // namespace

Namespaces::Namespaces(const std::vector<PairConfig>& pairs, std::string congestion_control)
    : congestion_control_{std::move(congestion_control)} {
  require(::unshare(CLONE_NEWNS) == 0, "a mount namespace (unshare)");
  require(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "mounts of our own");
  agents_ = new_network();
  servers_ = new_network();
  constexpr int first_index = 10;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    make_veth(pairs[i].name, agents_, first_index + static_cast<int>(i));
  }
  servers_ends_ = set_up_ends(pairs, true);
  enter(agents_);
  agents_ends_ = set_up_ends(pairs, false);
  wait_until_up(pairs);
  enter(servers_);
  wait_until_up(pairs);
}

Namespaces::~Namespaces() {
  ::close(agents_);
  ::close(servers_);
}

ConnectedPair Namespaces::connect(std::size_t pair, bool bulk) {
  enter(bulk ? agents_ : servers_);
  const int listener = tcp_socket();
  sockaddr_in address = address_of(pair, !bulk, 0);
  socklen_t length = sizeof address;
  require(::bind(listener, reinterpret_cast<sockaddr*>(&address), length) == 0, "bind");
  require(::listen(listener, 1) == 0, "listen");
  require(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length) == 0, "getsockname");
  enter(bulk ? servers_ : agents_);
  const int client = tcp_socket();
  require(::connect(client, reinterpret_cast<sockaddr*>(&address), length) == 0, "connecting over a veth");
  const int server = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  require(server >= 0, "accept");
  const int yes = 1;
  ::setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  ::close(listener);
  set_congestion_control(client);
  set_congestion_control(server);
  return bulk ? ConnectedPair{server, client} : ConnectedPair{client, server};
}

void Namespaces::set_congestion_control(int socket) const {
  require(congestion_control_.empty() ||
              ::setsockopt(socket, IPPROTO_TCP, TCP_CONGESTION, congestion_control_.data(),
                           static_cast<socklen_t>(congestion_control_.size())) == 0,
          "the congestion control " + congestion_control_ + " (TCP_CONGESTION)");
}

void Namespaces::enter_agents() const { enter(agents_); }
void Namespaces::enter_servers() const { enter(servers_); }

}  // namespace tools::live
