#include "operator/scaling/look_ahead.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "operator/scaling/slot_per_job.h"
#include "operator/scaling/wording.h"

namespace wp::scaling {
namespace {

// The estimators move by themselves while jobs run or wait.
constexpr Millis kTick{1000};

std::int64_t whole_slots(double need) {
  // A hair above a whole number is the arithmetic's and not a slot.
  return static_cast<std::int64_t>(std::ceil(std::min(need, 1e12) - 1e-9));
}

// The term that decides, as arithmetic up to the number of slots.
std::string spell_need(const Demand& demand, const LookAheadInput& in, const LookAheadNeed& out) {
  const std::string jobs = spell_jobs(demand);
  const bool arriving = in.arrivals >= 0.05;
  if (out.need <= in.running) return jobs;
  if (out.burst >= out.base) {
    return fmt::format("{}{} at {} each, {} target", jobs,
                       arriving ? fmt::format(", {}/s arriving", spell_number(in.arrivals)) : "",
                       spell_time(in.service), spell_time(in.target));
  }
  const std::string headroom = fmt::format(" + {} headroom", spell_number(out.base - out.rate));
  return fmt::format("{}, {}/s at {} each: {} busy{}", jobs, spell_number(in.arrivals),
                     spell_time(in.service), spell_number(out.rate), in.beta > 0 ? headroom : "");
}

}  // namespace

double beta_of(Headroom headroom) {
  switch (headroom) {
    case Headroom::low:
      return 0;
    case Headroom::normal:
      return 0.5;
    case Headroom::high:
      return 1;
  }
  return 0.5;
}

LookAheadNeed look_ahead_need(const LookAheadInput& in) {
  LookAheadNeed out;
  const double idle = std::max(0.0, in.slots - in.running);
  out.left = in.slots > 0 ? std::max(0.0, in.waiting + in.arrivals * in.start - idle -
                                              in.slots * in.start / in.service)
                          : in.waiting;
  const double jobs = in.running + in.waiting;
  if (out.left > 0.5) {
    out.burst = (std::min(in.slots, jobs) + out.left + in.arrivals * in.target) * in.service /
                (in.service + in.target);
  }
  out.rate = std::min(in.arrivals * in.service, jobs);
  if (out.rate > 0.5) out.base = out.rate + in.beta * std::sqrt(out.rate);
  out.need = std::max({out.burst, out.base, in.running});
  return out;
}

Want look_ahead(const Params& params, const Demand& demand, const Workers& workers,
                const Estimators& estimators) {
  LookAheadInput in;
  in.slots = workers.serving_slots;
  in.waiting = static_cast<double>(demand.waiting + demand.due_soon);
  in.running = static_cast<double>(demand.active_serving);
  in.arrivals = estimators.arrivals_per_second();
  in.service = estimators.service_seconds();
  in.start = estimators.start_seconds();
  in.target = static_cast<double>(params.look_ahead.target_wait.count()) / 1000.0;
  in.beta = beta_of(params.look_ahead.headroom);
  const LookAheadNeed out = look_ahead_need(in);

  Want want;
  const double jobs = in.waiting + in.running;
  if (jobs == 0 && out.need < 0.5) {
    want.reason = fmt::format("{}: 0 workers", spell_jobs(demand));
    if (demand.active_all > 0) want.recheck = kTick;
    return want;
  }
  const std::int64_t slots = std::max<std::int64_t>(1, whole_slots(out.need));
  want.workers = ceil_div(slots, params.concurrency);
  want.cause = Cause::backlog;
  want.reason = fmt::format("{}: {}", spell_need(demand, in, out),
                            spell_slots(slots, params.concurrency, want.workers));
  want.recheck = kTick;
  return want;
}

}  // namespace wp::scaling
