#include "tests/product/scale_in/steps.h"

#include <csignal>
#include <doctest/doctest.h>

#include "queue/scripts.h"

namespace wp::test {
namespace {

// The Lease of the operator before may have to run out first, and a new one begins with a pause.
constexpr Millis kThere{120000};

Shot sent(std::string word, const char* place, int nth = 1) {
  return {.call = "send", .place = place, .words = {std::move(word)}, .nth = nth};
}

// A request's head and its body are sent apart: what follows is the answer to both.
Shot answered() {
  return {.call = "reply"};
}

std::vector<Shot> struck(std::vector<Shot> shots, const std::vector<int>& signals) {
  shots.back().signals = signals;
  // A process that is stopped does not stand still at once: its thread is held as well.
  shots.back().hold = signals != std::vector<int>{SIGKILL};
  return shots;
}

}  // namespace

std::vector<Step> retirement_steps(const Crew& crew, int victims) {
  const std::string retire = queue::scripts().retire.sha1();
  const std::string mark = "PATCH /api/v1/namespaces/" + crew.ns() + "/pods/";
  const std::string lower = "PATCH " + crew.workers_path("scale");
  // Scaling up writes to the same path: what is meant comes after the retirement.
  const Shot begun = sent(retire, "after");
  const Shot first_mark = sent(mark, "after");
  const Shot last_mark = sent(mark, "after", victims);
  return {
      {"before retiring", {sent(retire, "before")}},
      {"retired", {begun, answered()}},
      {"before the first mark", {begun, sent(mark, "before")}},
      {"one marked", {begun, first_mark, answered()}},
      {"before the last mark", {begun, sent(mark, "before", victims)}},
      {"all marked", {begun, last_mark, answered()}},
      {"before lowering", {begun, sent(lower, "before")}},
      {"lowered", {begun, sent(lower, "after"), answered()}},
  };
}

StruckOperator::StruckOperator(Crew& crew, const PlainApi& api, const Step& step,
                               std::vector<int> signals, std::vector<std::string> arguments)
    : crew_(crew), plan_(struck(step.shots, signals), folder_.path() + "/hits") {
  arguments.insert(arguments.end(), {"--kubeconfig", api.kubeconfig()});
  crew.product().start_operator({arguments, plan_.environment()});
}

void StruckOperator::wait_there() {
  const bool there =
      eventually([this] { return plan_.hits() == plan_.shots(); }, kThere, Millis{5});
  CAPTURE(plan_.hits());
  CAPTURE(crew_.story());
  REQUIRE_MESSAGE(there, "the operator did not come to that step");
}

void StruckOperator::let_go() const {
  plan_.let_go(plan_.shots() - 1);
}

}  // namespace wp::test
