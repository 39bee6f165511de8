// A directory of handmade captures that is gone after the test, and the captures that are shipped.
#pragma once

#include <stdlib.h>

#include <boost/iostreams/copy.hpp>
#include <boost/iostreams/device/array.hpp>
#include <boost/iostreams/device/back_inserter.hpp>
#include <boost/iostreams/filter/gzip.hpp>
#include <boost/iostreams/filter/lzma.hpp>
#include <boost/iostreams/filter/zstd.hpp>
#include <boost/iostreams/filtering_stream.hpp>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

#include "calibration/fit/measured.h"
#include "scenarios/input_error.h"

class CaptureBench {
 public:
  CaptureBench() {
    std::string pattern = (std::filesystem::temp_directory_path() / "chainsim-captures-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
      throw std::runtime_error{"no temporary directory"};
    }
    directory = pattern;
  }
  ~CaptureBench() {
    std::error_code ignored;
    std::filesystem::remove_all(directory, ignored);
  }
  CaptureBench(const CaptureBench&) = delete;
  CaptureBench& operator=(const CaptureBench&) = delete;

  std::filesystem::path write(const std::string& name, std::string_view content) const {
    std::ofstream{directory / name, std::ios::binary} << content;
    return directory / name;
  }

  // The capture of that name with whatever side files lie beside it.
  calibration::MeasuredCapture measure(const std::string& name) const {
    const std::filesystem::path path = directory / name;
    return calibration::measure(calibration::find_captures({&path, 1}).entries.at(0));
  }

  std::filesystem::path directory;
};

template <class Compressor>
std::string compressed(const std::string& text, Compressor compressor) {
  namespace io = boost::iostreams;
  std::string result;
  io::filtering_istream in;
  in.push(compressor);
  in.push(io::array_source{text.data(), text.size()});
  io::copy(in, io::back_inserter(result));
  return result;
}

inline std::string gzipped(const std::string& text) {
  return compressed(text, boost::iostreams::gzip_compressor{});
}
inline std::string zstd_of(const std::string& text) {
  return compressed(text, boost::iostreams::zstd_compressor{});
}
inline std::string xz_of(const std::string& text) {
  return compressed(text, boost::iostreams::lzma_compressor{});
}

// The InputError that `action` throws; fails the test when it throws none.
template <class Action>
scenarios::InputError input_error_of(Action&& action) {
  try {
    action();
  } catch (const scenarios::InputError& error) {
    return error;
  }
  throw std::runtime_error{"no InputError was thrown"};
}

inline std::filesystem::path shipped_captures() {
  return std::filesystem::path{CHAINSIM_SOURCE_DIR} / "calibration/captures/bpftrace-seed";
}
