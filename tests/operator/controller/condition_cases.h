// The conditions with the findings that make them: a table. conditions_test.cpp goes through it.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "operator/pool/status.h"
#include "tests/operator/controller/findings.h"

namespace wp::test {

struct ConditionCase {
  std::string what;
  const char* spec;
  std::function<void(Found&)> change;
  std::string_view type;
  pool::ConditionStatus status;
  std::string_view reason;
  std::vector<const char*> words = {};  // of the message
};

std::vector<ConditionCase> condition_cases();

/// Gives the findings an obstacle.
void blame(Found& found, std::string_view type, std::string_view reason);

}  // namespace wp::test
