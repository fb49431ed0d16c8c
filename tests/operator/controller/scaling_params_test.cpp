// Every field of a pool that is about its size arrives where the scaling reads it.
#include "operator/controller/scaling_params.h"

#include "operator/sizing/params_of.h"
#include "tests/operator/pool/support.h"

using namespace wp;
using namespace wp::controller;
using pool::pool_with;
using sizing::params_of;

TEST_CASE("a pool that says nothing has the defaults of the scaling's own parameters") {
  const scaling::Params p = params_of(pool_with("{}").spec);
  const scaling::Params defaults;
  CHECK(p.policy == scaling::Policy::look_ahead);
  CHECK(p.look_ahead.target_wait == defaults.look_ahead.target_wait);
  CHECK(p.look_ahead.headroom == defaults.look_ahead.headroom);
  CHECK(p.look_ahead.expected_duration == defaults.look_ahead.expected_duration);
  CHECK(p.threshold.up_at_percent == defaults.threshold.up_at_percent);
  CHECK(p.threshold.down_at_percent == defaults.threshold.down_at_percent);
  CHECK(p.threshold.step == defaults.threshold.step);
  CHECK(p.threshold.target_depth == defaults.threshold.target_depth);
  CHECK(p.threshold.cooldown == defaults.threshold.cooldown);
  CHECK(p.jobs_per_worker == defaults.jobs_per_worker);
  CHECK(p.concurrency == defaults.concurrency);
  CHECK(p.min_replicas == defaults.min_replicas);
  CHECK(p.max_replicas == defaults.max_replicas);
  CHECK(p.spare_workers == defaults.spare_workers);
  CHECK(p.pause == defaults.pause);
  CHECK_FALSE(p.fixed);
  CHECK_FALSE(p.ramp);
  CHECK_FALSE(p.schedule);
  CHECK_FALSE(p.budget);
  CHECK(p.max_active == defaults.max_active);
  CHECK(p.scale_to_zero_after == defaults.scale_to_zero_after);
  CHECK_FALSE(p.scale_down_window);
  CHECK(p.up_workers == defaults.up_workers);
  CHECK(p.up_percent == defaults.up_percent);
  CHECK(p.up_period == defaults.up_period);
  CHECK(p.fallback_replicas == defaults.fallback_replicas);
  CHECK(p.fallback_after == defaults.fallback_after);
  CHECK_FALSE(p.foreign);
  CHECK_FALSE(p.hold_while_active);
}

TEST_CASE("a pool that says all of it") {
  const scaling::Params p = params_of(pool_with(R"({
    "queue": {"type": "List", "name": "jobs"}, "replicas": 7, "pause": "ScaleOut",
    "workers": {"concurrency": 3, "handler": null}, "jobs": {"maxActive": 40},
    "scaling": {"minReplicas": 2, "maxReplicas": 50, "policy": "Threshold",
      "lookAhead": {"targetWait": "7s", "headroom": "High", "expectedDuration": "3m"},
      "threshold": {"upAtPercent": 300, "downAtPercent": 60, "step": 4, "targetDepth": 9,
                    "cooldown": "90s"},
      "targetDepth": {"jobsPerWorker": 25}, "spareWorkers": 1, "scaleDownWindow": "2m",
      "scaleToZeroAfter": "5m", "maxScaleUp": {"workers": 8, "percent": 30, "period": "9s"},
      "fallback": {"replicas": 5, "after": "45s"}}})")
                                          .spec);
  CHECK(p.policy == scaling::Policy::threshold);
  CHECK(p.look_ahead.target_wait == Millis{7000});
  CHECK(p.look_ahead.headroom == scaling::Headroom::high);
  CHECK(p.look_ahead.expected_duration == Millis{180000});
  CHECK(p.threshold.up_at_percent == 300);
  CHECK(p.threshold.down_at_percent == 60);
  CHECK(p.threshold.step == 4);
  CHECK(p.threshold.target_depth == 9);
  CHECK(p.threshold.cooldown == Millis{90000});
  CHECK(p.jobs_per_worker == 25);
  CHECK(p.concurrency == 3);
  CHECK(p.min_replicas == 2);
  CHECK(p.max_replicas == 50);
  CHECK(p.spare_workers == 1);
  CHECK(p.pause == scaling::Pause::scale_out);
  CHECK(p.fixed == 7);
  CHECK(p.max_active == 40);
  CHECK(p.scale_to_zero_after == Millis{300000});
  CHECK(p.scale_down_window == Millis{120000});
  CHECK(p.up_workers == 8);
  CHECK(p.up_percent == 30);
  CHECK(p.up_period == Millis{9000});
  CHECK(p.fallback_replicas == 5);
  CHECK(p.fallback_after == Millis{45000});
  CHECK(p.foreign);
  CHECK(p.hold_while_active);
}

TEST_CASE("every word of a choice") {
  const auto policy = [](const std::string& word) {
    return params_of(pool_with(R"({"scaling": {"policy": ")" + word + R"("}})").spec).policy;
  };
  CHECK(policy("LookAhead") == scaling::Policy::look_ahead);
  CHECK(policy("SlotPerJob") == scaling::Policy::slot_per_job);
  CHECK(policy("TargetDepth") == scaling::Policy::target_depth);
  const auto pause = [](const std::string& word) {
    return params_of(pool_with(R"({"pause": ")" + word + R"("})").spec).pause;
  };
  CHECK(pause("None") == scaling::Pause::none);
  CHECK(pause("ScaleIn") == scaling::Pause::scale_in);
  CHECK(pause("Scaling") == scaling::Pause::scaling);
  CHECK(pause("Claims") == scaling::Pause::claims);
  const auto headroom = [](const std::string& word) {
    return params_of(
               pool_with(R"({"scaling": {"lookAhead": {"headroom": ")" + word + R"("}}})").spec)
        .look_ahead.headroom;
  };
  CHECK(headroom("Low") == scaling::Headroom::low);
  CHECK(headroom("Normal") == scaling::Headroom::normal);
}

TEST_CASE("schedules at a time of day, read anew when they change, and the ramp as it stands") {
  ScalingParams params;
  const char* const day = R"({"scaling": {"schedules": [{"name": "day", "start": "0 8 * * *",
                              "end": "0 18 * * *", "minReplicas": 4}]}})";
  const scaling::RampBounds ramp{2, 3, 4, 0, false};
  const Millis nine{9 * 3600 * 1000};
  scaling::Params p = params.at(pool_with(day), ramp, nine);
  REQUIRE(p.schedule);
  CHECK(p.schedule->name == "day");
  CHECK(p.schedule->min_replicas == 4);
  REQUIRE(p.ramp);
  CHECK(p.ramp->max_replicas == 4);
  CHECK(params.next_edge() == nine);
  CHECK_FALSE(params.at(pool_with(day), {}, Millis{19 * 3600 * 1000}).schedule);
  p = params.at(pool_with(R"({"scaling": {"schedules": [{"name": "night", "start": "0 2 * * *",
      "end": "0 18 * * *", "minReplicas": 6, "timeZone": "Asia/Kolkata"}]}})"),
                {}, nine);
  CHECK(p.schedule->name == "night");
  CHECK_FALSE(p.ramp);
  CHECK_FALSE(params.at(pool_with("{}"), {}, nine).schedule);
  CHECK_FALSE(params.next_edge());
  CHECK(params.problem().empty());
}

TEST_CASE("a schedule that this machine can't read is no floor, and that is said") {
  ScalingParams params;
  pool::Pool pool = pool_with("{}");
  pool.spec.scaling.schedules = {{"day", "Mars/Olympus", "0 8 * * *", "0 9 * * *", 3}};
  for (int i = 0; i < 2; ++i) {
    CHECK_FALSE(params.at(pool, {}, Millis{0}).schedule);
    CHECK(params.problem() == "schedule day: this machine knows no time zone Mars/Olympus");
  }
  CHECK(params.at(pool_with("{}"), {}, Millis{0}).max_replicas == 10);
  CHECK(params.problem().empty());
}

TEST_CASE("a budget by the pool's own template") {
  ScalingParams params;
  const pool::Pool pool = pool_with(R"({"scaling": {"budget": {"cpu": "4", "memory": "8Gi"}},
      "workers": {"template": {"spec": {"containers": [{"name": "app", "image": "a",
        "resources": {"requests": {"cpu": "500m", "memory": "2Gi"}}}]}}}})");
  CHECK(params.at(pool, {}, Millis{0}).budget == 4);
  CHECK(params.problem().empty());
  // Whatever somebody else has made of the Deployment meanwhile.
  CHECK(params.at(pool, {}, Millis{0}, scaling::PodRequest{2000, {}}).budget == 4);
  CHECK_FALSE(
      params.at(pool_with(R"({"scaling": {"budget": {"cpu": "4"}}})"), {}, Millis{0}).budget);
  CHECK_FALSE(params.at(pool_with("{}"), {}, Millis{0}).budget);
}

TEST_CASE("a budget by the pods of a Deployment that is not ours, once it was seen") {
  ScalingParams params;
  const pool::Pool pool = pool_with(R"({"scaling": {"budget": {"cpu": "4", "memory": "8Gi"}},
      "workers": {"deploymentRef": {"name": "n8n"}, "handler": null, "template": null}})");
  CHECK_FALSE(params.at(pool, {}, Millis{0}).budget);
  CHECK(params.problem().empty());
  CHECK(params.at(pool, {}, Millis{0}, scaling::PodRequest{500, std::int64_t{4} << 30}).budget ==
        2);
  CHECK(params.problem().empty());
  CHECK(params.at(pool, {}, Millis{0}, scaling::PodRequest{2000, {}}).budget == 2);
  CHECK(params.problem() ==
        "spec.scaling.budget.memory counts nothing: no container of the workers requests memory");
}
