// The numbers and the health of a status, from made-up findings.
#include "operator/controller/status_builder.h"

#include <doctest/doctest.h>

#include "operator/controller/job_figures.h"
#include "tests/operator/controller/findings.h"

using namespace wp;
using namespace wp::controller;
using pool::HealthStatus;
using wp::test::Found;

TEST_CASE("the numbers of queue and workers, the decision, the ramp and what was measured") {
  Found found;
  found.counts().due = 5;
  found.counts().delayed = 8;
  found.counts().dead = 2;
  found.f.fleet.members[0].by_us = true;
  found.f.fleet.members[1].stalled = true;
  found.count();
  found.f.fleet.silent = 1;
  found.f.ramp = pool::RampStatus{.step = 2, .state = "Advancing"};
  found.f.measured = pool::MeasuredStatus{800, 5200};
  found.f.jobs = pool::JobsStatus{.completed = 9};
  const pool::Status made = build_status(found.f);
  CHECK(made.observed_generation == 3);
  CHECK(made.replicas == 7);
  CHECK(made.ready_replicas == 7);
  CHECK(made.desired_replicas == 7);
  CHECK(made.selector == "workerpool.dev/pool=thumbnails");
  CHECK(made.queue->waiting == 125);
  CHECK(made.queue->delayed == 3);
  CHECK(made.queue->active == 14);
  CHECK(made.queue->dead == 2);
  CHECK(made.queue->oldest_wait_seconds == 2);
  CHECK(made.queue->backpressure == false);
  CHECK(made.workers->busy == 5);
  CHECK(made.workers->idle == 1);
  CHECK(made.workers->retiring == 1);
  CHECK(made.workers->stalled == 1);
  CHECK(made.workers->silent == 1);
  CHECK(made.jobs->completed == 9);
  CHECK(made.decision->cause == "Backlog");
  CHECK(made.ramp->step == 2);
  CHECK(made.measured->start_ms == 5200);
}

TEST_CASE("the decision's cause is what limits it, else what is wanted") {
  using scaling::Cause;
  Found found;
  CHECK(build_status(found.f).decision->cause == "Backlog");
  for (const auto& [cause, limited, word] : {std::tuple{Cause::backlog, Cause::at_max, "AtMax"},
                                             {Cause::idle, Cause::at_min, "AtMin"},
                                             {Cause::backlog, Cause::window, "Window"},
                                             {Cause::fixed, Cause::clamped, "Clamped"}}) {
    found.decide(7, cause, "7 workers", limited);
    CHECK(build_status(found.f).decision->cause == word);
  }
}

TEST_CASE("numbers of a queue that cannot be read are absent, its name is not") {
  Found found;
  found.unreadable(redis::ErrorClass::timeout);
  const pool::Status made = build_status(found.f);
  CHECK(made.queue->name == "media/thumbnails");
  CHECK_FALSE(made.queue->waiting.has_value());
  CHECK_FALSE(made.queue->active.has_value());
  CHECK_FALSE(made.queue->backpressure.has_value());
  CHECK_FALSE(made.workers.has_value());
  CHECK(made.ready_replicas == 7);
  CHECK(made.health == HealthStatus::degraded);
}

TEST_CASE("backpressure is on from the bound on") {
  Found deep(R"({"queue": {"maxDepth": 120}})");
  CHECK(build_status(deep.f).queue->backpressure == true);
  Found room(R"({"queue": {"maxDepth": 121}})");
  CHECK(build_status(room.f).queue->backpressure == false);
  Found endless(R"({"queue": {"maxDepth": 0, "maxBytes": "0"}})");
  CHECK(build_status(endless.f).queue->backpressure == false);
}

TEST_CASE("health by success and by stalled workers, whichever is worse") {
  struct Row {
    std::optional<int> success;
    int stalled;
    HealthStatus health;
  };
  for (const Row& row : {Row{std::nullopt, 0, HealthStatus::healthy},
                         {80, 0, HealthStatus::healthy},
                         {79, 0, HealthStatus::degraded},
                         {50, 0, HealthStatus::degraded},
                         {49, 0, HealthStatus::unhealthy},
                         {100, 1, HealthStatus::degraded},
                         {std::nullopt, 2, HealthStatus::degraded},
                         {100, 3, HealthStatus::unhealthy},
                         {49, 1, HealthStatus::unhealthy}}) {
    CAPTURE(row.success.value_or(-1));
    CAPTURE(row.stalled);
    CHECK(health_of(row.success, row.stalled) == row.health);
    Found found;
    found.f.health = health_of(row.success, 0);
    for (int i = 0; i < row.stalled; ++i) {
      found.f.fleet.members[static_cast<std::size_t>(i)].stalled = true;
    }
    found.count();
    CHECK(build_status(found.f).health == row.health);
  }
}

TEST_CASE("a pool that cannot work is not healthy") {
  Found broken;
  for (fleet::Member& one : broken.f.fleet.members) one.broken = true;
  broken.count();
  CHECK(build_status(broken.f).health == HealthStatus::unhealthy);
  Found blamed;
  blamed.f.obstacle = Obstacle{"InvalidSpec", "InvalidSpec", "x"};
  CHECK(build_status(blamed.f).health == HealthStatus::unhealthy);
}
