// `pools explain` in the situations that bring somebody to it, on statuses that the operator's own
// code built from made-up findings: what a tired person reads, word for word.
#include "ctl/pools/explain.h"

#include <doctest/doctest.h>

#include "tests/ctl/stored_pool.h"

using namespace wp;
using namespace wp::ctl;
using wp::test::Found;
using wp::test::had_jobs;
using wp::test::kDecided;
using wp::test::kNow;
using wp::test::stored;

namespace {

std::string text_of(const Found& found, const std::string& spec_patch) {
  return explain(stored(found, spec_patch), kNow).text();
}

// So many of the seven are ready.
void ready(Found& found, std::size_t count) {
  for (std::size_t i = count; i < found.f.fleet.members.size(); ++i) {
    fleet::Member& one = found.f.fleet.members[i];
    one.pod.ready = one.registered = false;
    one.held = 0;
  }
  found.count();
  found.f.fleet.idle = 0;
}

}  // namespace

TEST_CASE("explained: growing") {
  const std::string spec = R"({"scaling": {"policy": "LookAhead"}})";
  Found found(spec);
  had_jobs(found);
  ready(found, 3);
  found.decide(8, scaling::Cause::backlog,
               "120 waiting + 14 running at 0.8 s each, 2 s target: 31 slots / 4 = 8 workers");
  CHECK(text_of(found, spec) == R"(media/thumbnails: 8 workers wanted, 3 ready, Healthy

Decision  8 workers for 12s: Backlog, the jobs that wait and run want so many
          120 waiting + 14 running at 0.8 s each, 2 s target: 31 slots / 4 = 8 workers
Queue     media/thumbnails: 120 waiting (the oldest for 2.0s), 0 delayed, 14 running, 0 dead
Workers   7 there, 3 ready: 3 busy, 0 idle
          3 of 8 workers are ready; scaling up: the others are being created
Jobs      ended in the last 10 min: 310 a minute, 99 % succeed, runs took 800ms on average, 95 % within 2.0s;
          in all: 5120 completed, 12 failed attempts
Inputs    LookAhead: works off within 2s what waits when a pod started now is ready; headroom Normal
          0 to 10 workers, 4 jobs at once each
          estimate: 800ms a job (about the last 2 min, with those that still run), a pod starts in 5.2s
          up: at most 20 or 100 % more per 5s; down: after 16s below (3 pod starts); to zero: after 1m
Found in  kubeconfig /home/ann/.kube/config, context prod
Trouble   none
Next      nothing to do
)");
}

TEST_CASE("explained: at max") {
  const std::string spec = R"({"scaling": {"policy": "SlotPerJob", "maxReplicas": 7}})";
  Found found(spec);
  had_jobs(found);
  found.decide(7, scaling::Cause::backlog,
               "120 waiting + 14 running: 134 slots / 4 = 34 workers; maxReplicas 7",
               scaling::Cause::at_max);
  CHECK(text_of(found, spec) == R"(media/thumbnails: 7 workers wanted, 7 ready, Healthy

Decision  7 workers for 12s: AtMax, the jobs want more than maxReplicas
          120 waiting + 14 running: 134 slots / 4 = 34 workers; maxReplicas 7
Held by   spec.scaling.maxReplicas = 7
Queue     media/thumbnails: 120 waiting (the oldest for 2.0s), 0 delayed, 14 running, 0 dead
Workers   7 there, 7 ready: 6 busy, 1 idle
Jobs      ended in the last 10 min: 310 a minute, 99 % succeed, runs took 800ms on average, 95 % within 2.0s;
          in all: 5120 completed, 12 failed attempts
Inputs    SlotPerJob: a slot for each job that waits or runs
          0 to 7 workers, 4 jobs at once each
          estimate: 800ms a job (about the last 2 min, with those that still run), a pod starts in 5.2s
          up: at most 20 or 100 % more per 5s; down: after 16s below (3 pod starts); to zero: after 1m
Found in  kubeconfig /home/ann/.kube/config, context prod
Trouble   none
Next      raise scaling.maxReplicas, or workers.concurrency where a worker can run more jobs at once
)");
}

TEST_CASE("explained: cooling down") {
  const std::string spec = R"({"scaling": {"policy": "SlotPerJob", "spareWorkers": 1},
                               "jobs": {"maxActive": 100}})";
  Found found(spec);
  had_jobs(found);
  found.counts().waiting = 0;
  found.counts().oldest_wait.reset();
  found.counts().active = 2;
  for (std::size_t i = 0; i < 7; ++i) {
    fleet::Member& one = found.f.fleet.members[i];
    one.held = i == 0 || i == 5 ? 1 : 0;
    one.by_us = i >= 4;
  }
  found.count();
  found.decide(4, scaling::Cause::backlog,
               "0 waiting + 2 running: 2 slots / 4 = 1 worker; + 1 spare = 2; 4 wanted within the "
               "last 15 s: 4",
               scaling::Cause::window);
  ShownPool shown = stored(found, spec);
  shown.leaving = {{"w-5", false}, {"w-6", false}, {"w-7", true}};
  CHECK(explain(shown, kNow).text() == R"(media/thumbnails: 4 workers wanted, 7 ready, Healthy

Decision  4 workers for 12s: Window, more were wanted a moment ago
          0 waiting + 2 running: 2 slots / 4 = 1 worker; + 1 spare = 2; 4 wanted within the last 15 s: 4
Held by   spec.scaling.scaleDownWindow
Queue     media/thumbnails: 0 waiting, 0 delayed, 2 running, 0 dead
Workers   7 there, 7 ready: 1 busy, 3 idle, 3 retiring
          3 of 7 leave: 1 still finishes a job
Leaving   w-5, w-6, w-7 (ends)
Jobs      ended in the last 10 min: 310 a minute, 99 % succeed, runs took 800ms on average, 95 % within 2.0s;
          in all: 5120 completed, 12 failed attempts
Inputs    SlotPerJob: a slot for each job that waits or runs
          0 to 10 workers, 4 jobs at once each, 1 spare, 100 jobs in all
          estimate: 800ms a job (about the last 2 min, with those that still run), a pod starts in 5.2s
          up: at most 20 or 100 % more per 5s; down: after 16s below (3 pod starts); to zero: after 1m
Found in  kubeconfig /home/ann/.kube/config, context prod
Trouble   none
Next      they leave by themselves; a shorter scaling.scaleDownWindow (the last one: scaling.scaleToZeroAfter)
          lets them go sooner
)");
}

TEST_CASE("explained: unreachable queue") {
  const std::string spec = R"({"scaling": {"policy": "Threshold", "fallback": {"replicas": 9}}})";
  Found found(spec);
  had_jobs(found);
  found.unreadable(redis::ErrorClass::refused);
  found.decide(7, scaling::Cause::unknown, "the queue could not be read: 7 workers held",
               scaling::Cause::unknown);
  CHECK(text_of(found, spec) == R"(media/thumbnails: 7 workers wanted, 7 ready, Degraded

Decision  7 workers for 12s: Unknown, the queue cannot be read, so the size is held
          the queue could not be read: 7 workers held
Held by   spec.queue.redis: mend what QueueReachable says; scaling.fallback sets a size for such times
Queue     media/thumbnails: cannot be read now, so nothing is known of it
Workers   7 there, 7 ready
Jobs      ended in the last 10 min: 310 a minute, 99 % succeed, runs took 800ms on average, 95 % within 2.0s;
          in all: 5120 completed, 12 failed attempts
Inputs    Threshold: more above 200 % waiting jobs per worker, fewer below 50 %; one change per 1m
          0 to 10 workers, 4 jobs at once each
          estimate: 800ms a job (about the last 2 min, with those that still run), a pod starts in 5.2s
          up: at most 20 or 100 % more per 5s; down: after 16s below (3 pod starts); to zero: after 1m
Found in  kubeconfig /home/ann/.kube/config, context prod
Trouble   QueueReachable for 12s (Refused): 7 workers are held while the queue cannot be read (Refused): check
          queue.redis.url and that Redis runs there; when it was last read 120 jobs waited and 14 ran
Next      mend the way to Redis (queue.redis); the size is held meanwhile
)");
}

TEST_CASE("explained: ramp rolled back") {
  const std::string spec = R"({"scaling": {"policy": "TargetDepth", "minReplicas": 1,
      "schedules": [{"name": "office", "timeZone": "UTC", "start": "0 8 * * 1-5",
                     "end": "0 18 * * 1-5", "minReplicas": 4}],
      "ramp": {"steps": [{"maxReplicas": 2, "stableFor": "2h"},
                         {"maxReplicas": 3, "stableFor": "4h"}],
               "rollbackTo": 1, "rollbackWhen": {"lostJobs": 1}}}})";
  Found found(spec);
  had_jobs(found);
  found.f.fleet.members.resize(1);
  found.count();
  found.f.ramp = pool::RampStatus{.step = 2,
                                  .since = format_time_seconds(kDecided - Millis{600'000}),
                                  .state = "RolledBack",
                                  .trigger = "lostJobs: 2, limit 1",
                                  .jobs = {"order-17", "order-23"},
                                  .hash = "5f2c",
                                  .reset = ""};
  found.decide(1, scaling::Cause::backlog,
               "120 waiting + 14 running: 134 jobs / 10 = 14 workers; the ramp is rolled back to 1",
               scaling::Cause::ramp_step);
  CHECK(text_of(found, spec) == R"(media/thumbnails: 1 worker wanted, 1 ready, Healthy

Decision   1 worker for 12s: RampStep, the ramp is rolled back
           120 waiting + 14 running: 134 jobs / 10 = 14 workers; the ramp is rolled back to 1
Held by    spec.scaling.ramp.rollbackTo = 1
Queue      media/thumbnails: 120 waiting (the oldest for 2.0s), 0 delayed, 14 running, 0 dead
Workers    1 there, 1 ready: 1 busy, 0 idle
Jobs       ended in the last 10 min: 310 a minute, 99 % succeed, runs took 800ms on average, 95 % within 2.0s;
           in all: 5120 completed, 12 failed attempts
Inputs     TargetDepth: a worker for every 10 jobs
           1 to 10 workers, 4 jobs at once each
           estimate: 800ms a job (about the last 2 min, with those that still run), a pod starts in 5.2s
           up: at most 20 or 100 % more per 5s; down: after 16s below (3 pod starts); to zero: after 1m
Ramp       rolled back to 1 worker for 10m12s: lostJobs: 2, limit 1
           jobs: order-17 order-23
Schedules  office: at least 4 from "0 8 * * 1-5" to "0 18 * * 1-5", UTC; begins in 2d01h
Found in   kubeconfig /home/ann/.kube/config, context prod
Trouble    the ramp is rolled back, see Ramp
Next       mend what fired it, then let the ramp begin anew:
           kubectl -n media annotate wp thumbnails workerpool.dev/ramp-reset=$(date +%s) --overwrite
)");
}
