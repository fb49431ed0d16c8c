#include "operator/scaling/target_depth.h"

#include <fmt/format.h>

#include "operator/scaling/slot_per_job.h"
#include "operator/scaling/wording.h"

namespace wp::scaling {

Want target_depth(const Params& params, const Demand& demand) {
  const std::int64_t jobs = demand.waiting + demand.due_soon + demand.active_serving;
  Want want;
  want.workers = ceil_div(jobs, params.jobs_per_worker);
  want.cause = jobs > 0 ? Cause::backlog : Cause::idle;
  want.reason = fmt::format("{}: {} jobs / {} = {}", spell_jobs(demand), jobs,
                            params.jobs_per_worker, spell_workers(want.workers));
  const int running = ceil_div(demand.active_serving, params.concurrency);
  if (running > want.workers) {
    want.workers = running;
    want.reason += fmt::format("; {} run: {}", demand.active_serving, spell_workers(running));
  }
  return want;
}

}  // namespace wp::scaling
