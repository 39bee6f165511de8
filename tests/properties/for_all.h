// A RapidCheck property inside a Catch test. The seed is fixed: every run tries the same cases. A case that
// fails is printed as RapidCheck shrank it.
#pragma once

#include <rapidcheck.h>
#include <rapidcheck/detail/TestListenerAdapter.h>

#include <catch2/catch.hpp>
#include <cstdint>
#include <sstream>
#include <string>
#include <unordered_map>
#include <utility>

namespace support {

using Reproductions = std::unordered_map<std::string, rc::detail::Reproduce>;

struct Cases {
  int count = 200;
  int size = 100;  // RapidCheck's: lists grow up to this length
  std::uint64_t seed = 1;
};

template <class Property>
void for_all(const Cases& cases, Property&& property) {
  rc::detail::TestParams params;
  params.seed = cases.seed;
  params.maxSuccess = cases.count;
  params.maxSize = cases.size;
  // RapidCheck's own listener and configuration would announce a seed that is not used.
  rc::detail::TestListenerAdapter silent;
  const auto result = rc::detail::checkTestable(std::forward<Property>(property), rc::detail::TestMetadata{},
                                                params, silent, Reproductions{});
  std::ostringstream message;
  rc::detail::printResultMessage(result, message);
  INFO(message.str());
  REQUIRE(result.template is<rc::detail::SuccessResult>());
}

}  // namespace support
