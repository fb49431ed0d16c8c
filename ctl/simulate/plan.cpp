#include "ctl/simulate/plan.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <fmt/format.h>
#include <optional>
#include <string_view>
#include <utility>

#include "base/options.h"
#include "base/units.h"
#include "ctl/simulate/generate.h"
#include "ctl/simulate/pool_params.h"

namespace wp::simulate {
namespace {

constexpr const char* kHpaLike = "HPA-like";

constexpr std::array<std::pair<scaling::Policy, const char*>, 4> kPolicies = {{
    {scaling::Policy::look_ahead, "LookAhead"},
    {scaling::Policy::slot_per_job, "SlotPerJob"},
    {scaling::Policy::threshold, "Threshold"},
    {scaling::Policy::target_depth, "TargetDepth"},
}};

std::optional<double> number_within(std::string_view text, double least, double most) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && value >= least && value <= most ? std::optional(value) : std::nullopt;
}

double parse_rate(std::string_view text) {
  const std::size_t slash = std::min(text.find('/'), text.size());
  const std::string_view unit = text.substr(slash);
  const double per = unit.empty() || unit == "/s" ? 1 : unit == "/m" ? 60 : unit == "/h" ? 3600 : 0;
  const auto value = number_within(text.substr(0, slash), 1e-6, 1e6);
  if (per == 0 || !value) {
    throw UsageError(
        fmt::format("rate: \"{}\" is not allowed: jobs per second above 0, or 30/m, 100/h", text));
  }
  return *value / per;
}

double parse_sigma(std::string_view text) {
  const auto value = number_within(text, 0, 4);
  if (!value) throw UsageError(fmt::format("sigma: \"{}\" is not allowed: 0 to 4", text));
  return *value;
}

Load load_of(const Request& request, const std::set<std::string>& given, std::optional<Load> kept) {
  const std::string recorded = kept ? "--from-queue" : request.file;
  if (!recorded.empty()) {
    for (const char* name : {"load", "rate", "service", "sigma", "duration"}) {
      if (!given.contains(name)) continue;
      throw UsageError(
          fmt::format("{}: is for generated loads, and {} is a recorded one", name, recorded));
    }
  }
  if (kept && !request.file.empty()) {
    throw UsageError(fmt::format("from-queue: the load is {} already", request.file));
  }
  if (kept) return *std::move(kept);
  if (!request.file.empty()) return read_load(request.file);
  Generated options;
  options.shape = parse_shape(request.shape);
  options.rate = request.rate.empty() ? usual_rate(options.shape) : parse_rate(request.rate);
  options.sigma = request.sigma.empty() ? usual_sigma(options.shape) : parse_sigma(request.sigma);
  options.service = request.service;
  options.duration = request.duration;
  options.seed = static_cast<std::uint64_t>(request.seed);
  return generate(options);
}

scaling::Headroom headroom_of(const std::string& name) {
  return name == "Low"    ? scaling::Headroom::low
         : name == "High" ? scaling::Headroom::high
                          : scaling::Headroom::normal;
}

// Without a pool every setting of ours holds, named or not; with one, those that were named.
void apply(const Request& r, const std::set<std::string>& given, bool all, scaling::Params& p) {
  const auto set = [&](const char* name, auto& field, auto value) {
    if (all || given.contains(name)) field = value;
  };
  set("min", p.min_replicas, static_cast<int>(r.min));
  set("max", p.max_replicas, static_cast<int>(r.max));
  set("concurrency", p.concurrency, static_cast<int>(r.concurrency));
  set("window", p.scale_down_window, r.window > Millis{0} ? std::optional(r.window) : std::nullopt);
  set("spare", p.spare_workers, static_cast<int>(r.spare));
  set("scale-to-zero-after", p.scale_to_zero_after, r.scale_to_zero_after);
  set("up-workers", p.up_workers, static_cast<int>(r.up_workers));
  set("target-wait", p.look_ahead.target_wait, r.target_wait);
  set("headroom", p.look_ahead.headroom, headroom_of(r.headroom));
  set("expected-duration", p.look_ahead.expected_duration, r.expected_duration);
  set("up-at-percent", p.threshold.up_at_percent, static_cast<int>(r.up_at));
  set("down-at-percent", p.threshold.down_at_percent, static_cast<int>(r.down_at));
  set("step", p.threshold.step, static_cast<int>(r.step));
  set("target-depth", p.threshold.target_depth, r.target_depth);
  set("cooldown", p.threshold.cooldown, r.cooldown);
  set("jobs-per-worker", p.jobs_per_worker, r.jobs_per_worker);
  if (p.min_replicas > p.max_replicas) {
    throw UsageError(fmt::format("min: {} is above max ({})", p.min_replicas, p.max_replicas));
  }
  if (std::min(p.max_replicas, p.budget.value_or(p.max_replicas)) < 1) {
    throw UsageError(fmt::format("max: {} nobody would run the jobs; allowed: at least 1",
                                 p.max_replicas < 1 ? "0 workers:" : "the budget fits no pod:"));
  }
  if (p.threshold.down_at_percent >= p.threshold.up_at_percent) {
    throw UsageError(fmt::format("down-at-percent: {} is not below up-at-percent ({})",
                                 p.threshold.down_at_percent, p.threshold.up_at_percent));
  }
}

// Each decision of each policy is kept for the plot.
void check_length(const Plan& plan) {
  constexpr std::int64_t kMostDecisions = 5'000'000;
  const Micros span = plan.load.last_arrival() + plan.surroundings.tail;
  const std::int64_t decisions = span / plan.surroundings.snapshot;
  if (decisions <= kMostDecisions) return;
  throw UsageError(fmt::format(
      "snapshot: {} makes {} decisions of this load; allowed: at most {}, by a longer one",
      format_duration(std::chrono::duration_cast<Millis>(plan.surroundings.snapshot)), decisions,
      kMostDecisions));
}

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) ==
           std::tolower(static_cast<unsigned char>(y));
  });
}

Candidate candidate_of(std::string_view word, scaling::Params params) {
  if (same_word(word, kHpaLike)) return {kHpaLike, params, true};
  for (const auto& [policy, name] : kPolicies) {
    if (!same_word(word, name)) continue;
    params.policy = policy;
    return {name, params, false};
  }
  throw UsageError(fmt::format(
      "policy: \"{}\" is not allowed: LookAhead, SlotPerJob, Threshold, TargetDepth, HPA-like",
      word));
}

std::vector<std::string> words_of(const std::vector<std::string>& lists) {
  std::vector<std::string> words;
  for (const std::string& list : lists) {
    std::string_view rest = list;
    while (!rest.empty()) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      if (comma > 0) words.emplace_back(rest.substr(0, comma));
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  return words;
}

// Those that were named; else the pool's own first, and what it is to be compared with.
std::vector<Candidate> candidates_of(const Request& request, const scaling::Params& params) {
  std::vector<std::string> words = words_of(request.policies);
  if (words.empty()) {
    words = {"LookAhead", "SlotPerJob", "Threshold", kHpaLike};
    if (!request.pool_file.empty()) {
      const auto own = std::find_if(kPolicies.begin(), kPolicies.end(), [&](const auto& entry) {
        return entry.first == params.policy;
      });
      std::erase(words, own->second);
      words.insert(words.begin(), own->second);
    }
  }
  std::vector<Candidate> candidates;
  candidates.reserve(words.size());
  for (const std::string& word : words) {
    Candidate candidate = candidate_of(word, params);
    const bool again = std::any_of(candidates.begin(), candidates.end(),
                                   [&](const Candidate& c) { return c.name == candidate.name; });
    if (!again) candidates.push_back(std::move(candidate));
  }
  return candidates;
}

}  // namespace

Plan plan(const Request& request, const std::set<std::string>& given, std::optional<Load> kept) {
  if (request.file == "-" && request.pool_file == "-") {
    throw UsageError("pool-file: standard input is the load already");
  }
  PoolParams pool;
  if (!request.pool_file.empty()) pool = read_pool_params(request.pool_file);
  apply(request, given, request.pool_file.empty(), pool.params);
  Plan plan;
  plan.candidates = candidates_of(request, pool.params);
  plan.notes = std::move(pool.notes);
  plan.load = load_of(request, given, std::move(kept));
  plan.surroundings.concurrency = pool.params.concurrency;
  plan.surroundings.snapshot = request.snapshot;
  plan.surroundings.start_fixed = request.start_fixed;
  plan.surroundings.start_random = request.start_random;
  plan.surroundings.seed = static_cast<std::uint64_t>(request.seed);
  check_length(plan);
  return plan;
}

}  // namespace wp::simulate
