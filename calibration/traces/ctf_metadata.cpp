#include "calibration/traces/ctf_metadata.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>
#include <system_error>

#include "scenarios/input_error.h"

namespace calibration {
namespace {

// A packet's header: magic, UUID, checksum, then both sizes in bits, then five single bytes.
constexpr std::size_t header_size = 37;
constexpr std::size_t content_size_at = 24;
constexpr std::size_t packet_size_at = 28;
constexpr std::uint32_t magic = 0x75d11d57;

using Header = std::array<char, header_size>;

std::uint32_t word(const Header& header, std::size_t at, bool swapped) {
  std::uint32_t value = 0;
  std::memcpy(&value, header.data() + at, sizeof value);
  return swapped ? __builtin_bswap32(value) : value;
}

bool has_magic(const Header& header, bool swapped) { return word(header, 0, swapped) == magic; }

}  // namespace

void check_ctf_metadata(const std::filesystem::path& directory) {
  const std::filesystem::path path = directory / "metadata";
  std::error_code error;
  const std::uint64_t size = std::filesystem::file_size(path, error);
  std::ifstream file{path, std::ios::binary};
  Header header{};
  if (error || !file.read(header.data(), sizeof(std::uint32_t)) ||
      (!has_magic(header, false) && !has_magic(header, true))) {
    return;
  }
  const bool swapped = has_magic(header, true);
  for (std::uint64_t at = 0; at < size;) {
    file.seekg(static_cast<std::streamoff>(at));
    const bool whole = static_cast<bool>(file.read(header.data(), header_size));
    const std::uint64_t packet = whole ? word(header, packet_size_at, swapped) / 8 : 0;
    const std::uint64_t content = whole ? word(header, content_size_at, swapped) / 8 : 0;
    if (!whole || !has_magic(header, swapped) || content < header_size || packet < content ||
        packet > size - at) {
      throw scenarios::InputError{
          {.file = path.string(),
           .found = "metadata that is damaged or breaks off, in its packet at byte " + std::to_string(at),
           .expected = "whole packets",
           .suggestion = "copy or record it again"}};
    }
    at += packet;
  }
}

}  // namespace calibration
