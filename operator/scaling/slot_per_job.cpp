#include "operator/scaling/slot_per_job.h"

#include <fmt/format.h>

#include "operator/scaling/wording.h"

namespace wp::scaling {

std::string spell_jobs(const Demand& demand) {
  std::string text = fmt::format("{} waiting + ", demand.waiting);
  if (demand.due_soon > 0) text += fmt::format("{} due soon + ", demand.due_soon);
  return text += fmt::format("{} running", demand.active_serving);
}

Want slot_per_job(const Params& params, const Demand& demand) {
  const std::int64_t jobs = demand.waiting + demand.due_soon + demand.active_serving;
  Want want;
  want.workers = ceil_div(jobs, params.concurrency);
  want.cause = jobs > 0 ? Cause::backlog : Cause::idle;
  want.reason = fmt::format("{}: {}", spell_jobs(demand),
                            spell_slots(jobs, params.concurrency, want.workers));
  return want;
}

}  // namespace wp::scaling
