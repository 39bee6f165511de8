// A trace whose `metadata` breaks off, before babeltrace2 sees it: 2.0.4 reads on at the end of the file for
// ever.
//
// Models:   CTF 1.8.3, section 7.1: metadata in packets, each of which says its own size.
#pragma once

#include <filesystem>

namespace calibration {

// Throws scenarios::InputError when the last packet is cut or a size cannot be. Metadata as plain text, or
// none, is left to babeltrace2.
void check_ctf_metadata(const std::filesystem::path& directory);

}  // namespace calibration
