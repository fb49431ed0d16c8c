// The moments of a retirement at which an operator can be struck or held, as points in what it
// sends: each order to Redis and each write to the API server, not yet sent and answered. Found by
// the fault shim, so the struck operator talks to a PlainApi. One test's own; asserts by doctest.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/product/crew.h"
#include "tests/product/plain_api.h"
#include "tests/support/fault_plan.h"

namespace wp::test {

struct Step {
  std::string name;
  std::vector<Shot> shots;  // the last one is the moment; those before lead to it
};

/// Of a crew that loses so many workers, in the order in which they come.
std::vector<Step> retirement_steps(const Crew& crew, int victims);

/// An operator of the crew, in place of the one before, that comes to one step and no further. To
/// be kept for as long as it runs.
class StruckOperator {
 public:
  /// `signals`: what happens to it there (SIGKILL, SIGSTOP). Unless that kills it, the thread that
  /// comes there waits for let_go().
  StruckOperator(Crew& crew, const PlainApi& api, const Step& step, std::vector<int> signals = {},
                 std::vector<std::string> arguments = {});

  /// Waits until it is there. Fails the test when it does not come there.
  void wait_there();
  void let_go() const;

 private:
  Crew& crew_;
  OwnFolder folder_;
  FaultPlan plan_;
};

}  // namespace wp::test
