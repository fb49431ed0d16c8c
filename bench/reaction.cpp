#include "bench/reaction.h"

#include <fmt/format.h>
#include <stdexcept>

namespace wp::bench {
namespace {

constexpr Millis kDeadline{30000};
// The operator has said all, and the controllers have made their pods.
constexpr Millis kQuiet{300};

void add_details(Figure& figure, const std::string& name, const Samples& samples) {
  figure.details[name + " p50"] = percentile(samples, 0.5);
  figure.details[name + " p99"] = percentile(samples, 0.99);
}

}  // namespace

void ReactionTimes::report(const std::string& name, const std::string& goal, Report& report) const {
  if (total.empty()) return;
  Figure p50{name + "_p50", "ms", "", {percentile(total, 0.5)}, {percentile(bare, 0.5)}};
  Figure p99{name + "_p99", "ms", goal, {percentile(total, 0.99)}, {percentile(bare, 0.99)}};
  p99.details["tries"] = static_cast<double>(total.size());
  p99.details["p90"] = percentile(total, 0.9);
  p99.details["longest"] = percentile(total, 1);
  add_details(p99, "until sent", until_sent);
  add_details(p99, "API server", server);
  report.add(std::move(p50));
  report.add(std::move(p99));
}

ReactionBench::ReactionBench(ControlPlane& plane, Server& server, Pools& pools,
                             int bare_deployments)
    : plane_(plane), pools_(pools), bare_(plane, server, bare_deployments) {}

void ReactionBench::one(const std::string& name, ReactionTimes& times) {
  (void)plane_.audit().wait_quiet(kQuiet, kDeadline);
  const std::size_t from = plane_.audit().requests().size();
  settle({name}, {pools_.enqueue(name)}, from, times);
  (void)plane_.audit().wait_quiet(kQuiet, kDeadline);
  times.bare.push_back(bare_.react());
}

void ReactionBench::burst(const std::vector<std::string>& names, ReactionTimes& times) {
  (void)plane_.audit().wait_quiet(kQuiet, kDeadline);
  const std::size_t from = plane_.audit().requests().size();
  std::vector<double> begun;
  for (const std::string& name : names) begun.push_back(pools_.enqueue(name));
  settle(names, begun, from, times);
  (void)plane_.audit().wait_quiet(kQuiet, kDeadline);
  const Samples bare = bare_.react_all();
  times.bare.insert(times.bare.end(), bare.begin(), bare.end());
}

void ReactionBench::settle(const std::vector<std::string>& names, const std::vector<double>& begun,
                           std::size_t from, ReactionTimes& times) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string deployment = names[i] + "-worker";
    const AuditedRequest* scaled = plane_.audit().wait_for(
        from,
        [&](const AuditedRequest& request) {
          return request.resource == "deployments/scale" && request.verb == "patch" &&
                 request.ns == kPoolNamespace && request.name == deployment && request.code == 200;
        },
        kDeadline);
    if (scaled == nullptr) throw std::runtime_error(names[i] + " is not woken by its job");
    times.total.push_back((scaled->completed - begun[i]) * 1000);
    times.until_sent.push_back((scaled->received - begun[i]) * 1000);
    times.server.push_back((scaled->completed - scaled->received) * 1000);
  }
  // What waits for a worker that never comes would be told again and again.
  for (const std::string& name : names) pools_.empty(name);
}

}  // namespace wp::bench
