#include "operator/controller/pool_metrics.h"

namespace wp::controller {

void publish_metrics(metrics::Registry& metrics, const Findings& f) {
  const pool::Metadata& meta = f.pool->pool.meta;
  const auto gauge = [&](const char* name, const char* help, const char* label, const char* value,
                         double number) {
    metrics.gauge(name, help, {{"namespace", meta.ns}, {"pool", meta.name}, {label, value}})
        .Set(number);
  };
  const auto replicas = [&](const char* kind, int number) {
    gauge("workerpool_replicas", "Workers by kind.", "kind", kind, number);
  };
  if (f.decision) replicas("desired", f.decision->replicas);
  replicas("ready", f.view.ready());
  replicas("busy", f.fleet.busy);
  replicas("idle", f.fleet.idle);
  replicas("retiring", f.fleet.leaving_busy);
  replicas("silent", f.fleet.silent);
  if (!f.fresh) return;
  const queue::Counts& counts = *f.backlog->counts;
  const auto backlog = [&](const char* state, std::int64_t number) {
    gauge("workerpool_backlog", "Jobs by state.", "state", state, static_cast<double>(number));
  };
  backlog("waiting", counts.waiting);
  backlog("due", counts.due);
  backlog("delayed", counts.delayed - counts.due);
  backlog("active", counts.active);
  backlog("dead", counts.dead);
}

}  // namespace wp::controller
