// What a pod takes as the scheduler counts it, and how many fit.
#include "operator/scaling/budget.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace wp::scaling;
using nlohmann::json;

namespace {

struct Row {
  const char* what;
  const char* spec;  // of the pod template
  std::optional<std::int64_t> cpu, memory;
};

constexpr std::int64_t kMi = 1 << 20;

}  // namespace

TEST_CASE("a pod's request") {
  for (
      const Row& row : {
          Row{"one container",
              R"({"containers": [{"resources": {"requests": {"cpu": "500m", "memory": "64Mi"}}}]})",
              500, 64 * kMi},
          Row{"two are added",
              R"({"containers": [{"resources": {"requests": {"cpu": "500m"}}}, {"resources": {"requests": {"cpu": 1}}}]})",
              1500,
              {}},
          Row{"a limit stands for a request",
              R"({"containers": [{"resources": {"limits": {"cpu": "2", "memory": "1Gi"}, "requests": {"cpu": "250m"}}}]})",
              250, 1024 * kMi},
          Row{"an init container that needs more",
              R"({"initContainers": [{"resources": {"requests": {"cpu": 3}}}, {"resources": {"requests": {"cpu": 2}}}], "containers": [{"resources": {"requests": {"cpu": 1, "memory": "10Mi"}}}]})",
              3000, 10 * kMi},
          Row{"a sidecar runs beside",
              R"({"initContainers": [{"restartPolicy": "Always", "resources": {"requests": {"cpu": "100m"}}}], "containers": [{"resources": {"requests": {"cpu": 1}}}]})",
              1100,
              {}},
          Row{"an init container after a sidecar",
              R"({"initContainers": [{"restartPolicy": "Always", "resources": {"requests": {"cpu": "100m"}}}, {"resources": {"requests": {"cpu": 2}}}], "containers": [{"resources": {"requests": {"cpu": 1}}}]})",
              2100,
              {}},
          Row{"an init container before it",
              R"({"initContainers": [{"resources": {"requests": {"cpu": 2}}}, {"restartPolicy": "Always", "resources": {"requests": {"cpu": "100m"}}}], "containers": [{"resources": {"requests": {"cpu": 1}}}]})",
              2000,
              {}},
          Row{"overhead is added",
              R"({"overhead": {"cpu": "250m", "memory": "120Mi"}, "containers": [{"resources": {"requests": {"cpu": 1}}}]})",
              1250, 120 * kMi},
          Row{"the pod's own request replaces all",
              R"({"resources": {"requests": {"cpu": 4}}, "containers": [{"resources": {"requests": {"cpu": 1, "memory": "5Mi"}}}]})",
              4000, 5 * kMi},
          Row{"none", R"({"containers": [{"name": "a"}]})", {}, {}},
          Row{"zero is one",
              R"({"containers": [{"resources": {"requests": {"cpu": "0"}}}]})",
              0,
              {}},
          Row{"nonsense is none",
              R"({"containers": [{"resources": {"requests": {"cpu": "lots", "memory": []}}}, 7, null], "initContainers": {}})",
              {},
              {}},
          Row{"no containers", "{}", {}, {}},
      }) {
    CAPTURE(row.what);
    const PodRequest request = request_of(json{{"spec", json::parse(row.spec)}});
    CHECK(request.cpu_millis == row.cpu);
    CHECK(request.memory == row.memory);
  }
  CHECK_FALSE(request_of(json()).cpu_millis);
}

TEST_CASE("how many fit, by the scarcer of the two") {
  const PodRequest request{500, 100 * kMi};
  CHECK(cap_of({4000, {}}, request).workers == 8);
  CHECK(cap_of({4499, {}}, request).workers == 8);
  CHECK(cap_of({{}, 350 * kMi}, request).workers == 3);
  CHECK(cap_of({4000, 350 * kMi}, request).workers == 3);
  CHECK(cap_of({1000, 350 * kMi}, request).workers == 2);
  CHECK(cap_of({499, {}}, request).workers == 0);
  CHECK_FALSE(cap_of({}, request).workers);
  CHECK(cap_of({}, {}).problem.empty());
}

TEST_CASE("a template without requests: nothing is counted, and that is said") {
  BudgetCap cap = cap_of({4000, kMi}, {});
  CHECK_FALSE(cap.workers);
  CHECK(cap.problem ==
        "budget.cpu counts nothing: no container of the workers requests cpu; budget.memory counts "
        "nothing: no container of the workers requests memory");
  cap = cap_of({4000, 10 * kMi}, {std::nullopt, 5 * kMi});
  CHECK(cap.workers == 2);
  CHECK(cap.problem == "budget.cpu counts nothing: no container of the workers requests cpu");
  CHECK(cap_of({4000, {}}, {0, {}}).problem == cap.problem);
}
