#include "ctl/simulate/plan.h"

#include <doctest/doctest.h>

#include "ctl/simulate/pool_params.h"
#include "tests/ctl/run.h"

using namespace wp;
using namespace wp::simulate;

namespace {

constexpr const char* kPool = R"(
apiVersion: workerpool.dev/v1alpha1
kind: WorkerPool
metadata: {name: images, namespace: media}
spec:
  queue: {name: media/images, redis: {url: "redis://redis:6379/0"}}
  workers:
    concurrency: 3
    template: {spec: {containers: [{name: worker, image: x}]}}
  jobs: {maxActive: 7}
  scaling:
    minReplicas: 2
    maxReplicas: 30
    policy: Threshold
    threshold: {upAtPercent: 300, downAtPercent: 40, step: 2, targetDepth: 10, cooldown: 30s}
    lookAhead: {targetWait: 5s, headroom: High, expectedDuration: 1m}
    targetDepth: {jobsPerWorker: 4}
    spareWorkers: 1
    scaleDownWindow: 20s
    scaleToZeroAfter: 2m
    maxScaleUp: {workers: 5, percent: 50, period: 10s}
)";

std::vector<std::string> names_of(const Plan& plan) {
  std::vector<std::string> names;
  for (const Candidate& candidate : plan.candidates) names.push_back(candidate.name);
  return names;
}

std::string problem(const Request& request, const std::set<std::string>& given = {}) {
  try {
    (void)plan(request, given);
  } catch (const UsageError& e) {
    return e.what();
  }
  return {};
}

}  // namespace

TEST_CASE("without any word: a steady load, and the policies worth comparing") {
  const Plan p = plan({}, {});
  CHECK(names_of(p) ==
        std::vector<std::string>{"LookAhead", "SlotPerJob", "Threshold", "HPA-like"});
  CHECK(p.load.name == "steady");
  CHECK(p.candidates[0].params.policy == scaling::Policy::look_ahead);
  CHECK(p.candidates[2].params.policy == scaling::Policy::threshold);
  CHECK(p.candidates[3].hpa_like);
  const scaling::Params& params = p.candidates[0].params;
  const scaling::Params usual;
  CHECK(params.max_replicas == 100);
  CHECK(params.min_replicas == 0);
  // The help's defaults are the operator's.
  CHECK(params.up_workers == usual.up_workers);
  CHECK(params.scale_to_zero_after == usual.scale_to_zero_after);
  CHECK_FALSE(params.scale_down_window);
  CHECK(params.look_ahead.target_wait == usual.look_ahead.target_wait);
  CHECK(params.look_ahead.headroom == usual.look_ahead.headroom);
  CHECK(params.look_ahead.expected_duration == usual.look_ahead.expected_duration);
  CHECK(params.threshold.up_at_percent == usual.threshold.up_at_percent);
  CHECK(params.threshold.down_at_percent == usual.threshold.down_at_percent);
  CHECK(params.threshold.step == usual.threshold.step);
  CHECK(params.threshold.target_depth == usual.threshold.target_depth);
  CHECK(params.threshold.cooldown == usual.threshold.cooldown);
  CHECK(params.jobs_per_worker == usual.jobs_per_worker);
  CHECK(params.spare_workers == usual.spare_workers);
}

TEST_CASE("a pool's own numbers, and what is named beside them wins") {
  const PoolParams pool = parse_pool_params(kPool, "pool.yaml");
  CHECK(pool.notes.empty());
  const scaling::Params& p = pool.params;
  CHECK(p.policy == scaling::Policy::threshold);
  CHECK(p.concurrency == 3);
  CHECK(p.min_replicas == 2);
  CHECK(p.max_replicas == 30);
  CHECK(p.max_active == 7);
  CHECK(p.spare_workers == 1);
  CHECK(p.jobs_per_worker == 4);
  CHECK(p.threshold.up_at_percent == 300);
  CHECK(p.threshold.down_at_percent == 40);
  CHECK(p.threshold.step == 2);
  CHECK(p.threshold.target_depth == 10);
  CHECK(p.threshold.cooldown == Millis{30000});
  CHECK(p.look_ahead.target_wait == Millis{5000});
  CHECK(p.look_ahead.headroom == scaling::Headroom::high);
  CHECK(p.look_ahead.expected_duration == Millis{60000});
  CHECK(p.scale_down_window == Millis{20000});
  CHECK(p.scale_to_zero_after == Millis{120000});
  CHECK(p.up_workers == 5);
  CHECK(p.up_percent == 50);
  CHECK(p.up_period == Millis{10000});

  const test::TempFolder folder;
  Request request;
  request.pool_file = folder.file("pool.yaml", kPool);
  request.max = 12;
  request.window = Millis{0};
  request.headroom = "Low";
  const Plan whole = plan(request, {});
  CHECK(names_of(whole) ==
        std::vector<std::string>{"Threshold", "LookAhead", "SlotPerJob", "HPA-like"});
  CHECK(whole.surroundings.concurrency == 3);
  CHECK(whole.candidates[0].params.max_replicas == 30);
  const Plan named = plan(request, {"max", "window", "headroom"});
  CHECK(named.candidates[0].params.max_replicas == 12);
  CHECK(named.candidates[0].params.min_replicas == 2);
  CHECK_FALSE(named.candidates[0].params.scale_down_window);
  CHECK(named.candidates[0].params.look_ahead.headroom == scaling::Headroom::low);
}

TEST_CASE("what of a pool is not simulated is said") {
  const std::string yaml = std::string(kPool) + R"(
    schedules: [{name: day, timeZone: UTC, start: "0 8 * * *", end: "0 18 * * *", minReplicas: 5}]
    ramp: {steps: [{maxReplicas: 2, stableFor: 1h}], rollbackTo: 1, rollbackWhen: {lostJobs: 1}}
  replicas: 3
  pause: ScaleIn
)";
  const PoolParams pool = parse_pool_params(yaml, "pool.yaml");
  REQUIRE(pool.notes.size() == 4);
  for (const char* field :
       {"spec.replicas", "spec.pause", "spec.scaling.ramp", "spec.scaling.schedules"}) {
    CAPTURE(field);
    CHECK(std::any_of(pool.notes.begin(), pool.notes.end(), [&](const std::string& note) {
      return note.starts_with(field) && note.find("is not simulated") != std::string::npos;
    }));
  }
}

TEST_CASE("a budget caps, where the pods say what they take") {
  const std::string yaml = std::string(kPool) + "    budget: {cpu: \"10\"}\n";
  const PoolParams silent = parse_pool_params(yaml, "f");
  CHECK_FALSE(silent.params.budget);
  REQUIRE(silent.notes.size() == 1);
  CHECK(silent.notes[0].starts_with("spec.scaling.budget.cpu counts nothing"));
  std::string saying = yaml;
  const std::string container = "{name: worker, image: x";
  saying.insert(saying.find(container) + container.size(), ", resources: {requests: {cpu: \"2\"}}");
  const PoolParams capped = parse_pool_params(saying, "f");
  CHECK(capped.params.budget == 5);
  CHECK(capped.notes.empty());
  const test::TempFolder folder;
  saying.replace(saying.find("{cpu: \"10\"}"), 11, "{cpu: \"1\"}");
  Request request;
  request.pool_file = folder.file("pool.yaml", saying);
  CHECK(problem(request).starts_with("max: the budget fits no pod: nobody would run"));
}

TEST_CASE("a file may hold other objects, but one pool") {
  const std::string other = "apiVersion: v1\nkind: Namespace\nmetadata: {name: media}\n---";
  CHECK(parse_pool_params(other + kPool, "f").params.max_replicas == 30);
  for (const auto& [yaml, begins] : {
           std::pair{std::string(kPool) + "\n---" + kPool, "f: holds 2 WorkerPools; allowed: one"},
           {other, "f: holds 0 WorkerPools"},
           {std::string(), "f: holds 0 WorkerPools"},
           {std::string("a: [1"), "f: line "},
           {std::string(kPool) + "    minReplica: 1\n", "f: spec.scaling.minReplica is not a"},
           {std::string(kPool) + "    minReplicas: 1\n", "f: line "},
       }) {
    CAPTURE(yaml);
    std::string what;
    try {
      (void)parse_pool_params(yaml, "f");
    } catch (const UsageError& e) {
      what = e.what();
    }
    CAPTURE(what);
    CHECK(what.starts_with(begins));
  }
}

TEST_CASE("policies by name, several at once, in any case, each once") {
  Request request;
  request.policies = {"hpa-like,LOOKAHEAD", "TargetDepth", "lookahead"};
  CHECK(names_of(plan(request, {})) ==
        std::vector<std::string>{"HPA-like", "LookAhead", "TargetDepth"});
  request.policies = {"LookAhaed"};
  CHECK(problem(request) ==
        "policy: \"LookAhaed\" is not allowed: LookAhead, SlotPerJob, Threshold, TargetDepth, "
        "HPA-like");
}

TEST_CASE("rates per second, minute and hour") {
  for (const auto& [rate, jobs] :
       {std::pair{"0.5", 1800.0}, {"30/m", 1800.0}, {"0.5/s", 1800.0}, {"1800/h", 1800.0}}) {
    CAPTURE(rate);
    Request request;
    request.rate = rate;
    request.policies = {"SlotPerJob"};
    CHECK(static_cast<double>(plan(request, {}).load.jobs.size()) ==
          doctest::Approx(jobs).epsilon(0.1));
  }
  for (const char* rate : {"0", "-1", "x", "1/d", "1/", "1 /m", "nan"}) {
    CAPTURE(rate);
    Request request;
    request.rate = rate;
    CHECK(problem(request).starts_with("rate: \"" + std::string(rate) + "\" is not allowed"));
  }
}

TEST_CASE("words that contradict each other") {
  Request request;
  request.min = 5;
  request.max = 4;
  CHECK(problem(request) == "min: 5 is above max (4)");
  request = {};
  request.max = 0;
  CHECK(problem(request).starts_with("max: 0 workers: nobody would run the jobs"));
  request = {};
  request.up_at = 50;
  CHECK(problem(request) == "down-at-percent: 50 is not below up-at-percent (50)");
  request = {};
  request.duration = std::chrono::hours{31 * 24};
  request.rate = "1/m";
  request.snapshot = Millis{10};
  CHECK(problem(request).starts_with("snapshot: 10ms makes "));
  request = {};
  request.sigma = "9";
  CHECK(problem(request).starts_with("sigma: \"9\" is not allowed"));
  request = {};
  request.file = "monday.csv";
  CHECK(problem(request, {"rate"}).starts_with("rate: is for generated loads"));
  CHECK_THROWS_AS((void)plan(request, {}, parse_load("1,2\n", "q")), UsageError);
  request.file = request.pool_file = "-";
  CHECK(problem(request).starts_with("pool-file: standard input"));
}
