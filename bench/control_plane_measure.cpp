// The operator on a real control plane: what it uses at rest with 1, 100 and all pools, how long a
// start takes, and its reaction.
#include <csignal>
#include <fmt/format.h>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "bench/load.h"
#include "bench/measures.h"
#include "bench/pools.h"
#include "bench/reaction.h"
#include "bench/resources.h"
#include "tests/support/process.h"

namespace wp::bench {
namespace {

constexpr int kBurst = 100;  // pools that wake at once
constexpr int kBursts = 3;

class Operator {
 public:
  Operator(const std::string& program, ControlPlane& plane)
      : program_(program), plane_(plane), log_(plane.file("operator.log")) {
    start();
  }
  ~Operator() { stop(); }
  Operator(const Operator&) = delete;
  Operator& operator=(const Operator&) = delete;

  void start() {
    process_ = std::make_unique<test::Process>(
        std::vector<std::string>{program_, "run", "--kubeconfig", plane_.operator_kubeconfig(),
                                 "--leader-elect", "--metrics-addr", "127.0.0.1:0", "--probe-addr",
                                 "127.0.0.1:0"},
        log_);
  }
  void stop() {
    process_->signal(SIGTERM);
    (void)process_->wait();
  }
  pid_t pid() const { return process_->pid(); }

 private:
  std::string program_;
  ControlPlane& plane_;
  std::string log_;
  std::unique_ptr<test::Process> process_;
};

// What was asked since then, by "verb resource", each times `scale`.
std::map<std::string, double> requests_since(AuditLog& audit, std::size_t from, double scale = 1) {
  std::map<std::string, double> requests;
  const auto& all = audit.requests();
  for (std::size_t i = from; i < all.size(); ++i) {
    requests[all[i].verb + " " + all[i].resource] += scale;
  }
  return requests;
}

double sum(const std::map<std::string, double>& parts) {
  double total = 0;
  for (const auto& [name, value] : parts) total += value;
  return total;
}

// Nothing is enqueued, nothing changes.
void measure_rest(const Effort& effort, int pools, ControlPlane& plane, Server& server,
                  const Operator& running, Report& report) {
  // What was put off for some seconds is said, too.
  (void)plane.audit().wait_quiet(Millis{8000}, Millis{60000});
  const double minutes = effort.idle_seconds / 60.0;
  const std::size_t from = plane.audit().requests().size();
  const Account redis_before = server.account();
  const double cpu_before = cpu_ms(running.pid());
  std::this_thread::sleep_for(std::chrono::seconds{effort.idle_seconds});
  const double cpu = cpu_ms(running.pid()) - cpu_before;
  const Account redis = server.account().since(redis_before);
  const auto requests = requests_since(plane.audit(), from, 1 / minutes);

  const Memory used = memory_of(running.pid());
  Figure memory{fmt::format("rest_{}_memory", pools), "MiB", "", {used.resident}, {}};
  if (pools == effort.pools) memory.goal = "< 64";
  memory.details["anonymous"] = used.anonymous;
  report.add(std::move(memory));
  Figure processor{fmt::format("rest_{}_cpu", pools), "ms/min", "", {cpu / minutes}, {}};
  processor.details["ms/min of Redis"] = redis.cpu_us / 1000 / minutes;
  report.add(std::move(processor));
  Figure api{fmt::format("rest_{}_api", pools), "requests/min", "the Lease only", {}, {}};
  api.ours = {sum(requests)};
  api.details = requests;
  report.add(std::move(api));
  report.add({fmt::format("rest_{}_redis", pools),
              "scripts/min",
              "",
              {static_cast<double>(redis.script_calls) / minutes},
              {}});
}

// What comes at rest, too: the Lease, and the Deployments that are applied again every ten minutes.
bool is_regular(const AuditedRequest& request) {
  return AuditLog::is_renewal(request) ||
         (request.verb == "patch" && request.resource.starts_with("deployments"));
}

// With all pools there: from the start of the process until nothing is left to say.
void measure_start(const Effort& effort, ControlPlane& plane, Operator& running, Report& report) {
  constexpr Millis kQuiet{2000};
  running.stop();
  const std::size_t from = plane.audit().requests().size();
  const double begin = wall_seconds();
  running.start();
  const pid_t pid = running.pid();
  const auto begun = [](const AuditedRequest& request) { return request.resource == "pods"; };
  if (plane.audit().wait_for(from, begun, Millis{60000}) == nullptr ||
      !plane.audit().wait_quiet(kQuiet, Millis{300000}, is_regular)) {
    throw std::runtime_error("the operator does not come to rest after its start");
  }
  double last = begin;
  for (std::size_t i = from; i < plane.audit().requests().size(); ++i) {
    const AuditedRequest& request = plane.audit().requests()[i];
    if (!is_regular(request)) last = std::max(last, request.completed);
  }
  Figure start{fmt::format("start_{}", effort.pools), "s", "", {last - begin}, {}};
  start.details = requests_since(plane.audit(), from);
  start.details["CPU ms"] = cpu_ms(pid);
  start.details["resident MiB"] = memory_of(pid).resident;
  report.add(std::move(start));
}

std::vector<std::string> names(int from, int to) {
  std::vector<std::string> all;
  for (int i = from; i < to; ++i) all.push_back(fmt::format("p{}", i));
  return all;
}

void measure(const Effort& effort, Report& report) {
  ControlPlane plane;
  Server server;
  Operator running(effort.operator_program, plane);
  Pools pools(plane, server);
  ReactionBench reaction(plane, server, pools, kBurst);

  // One pool at a time, each a new one: a pool that was woken is not at zero for a while.
  ReactionTimes alone;
  for (int i = 0; i < effort.tries; ++i) {
    const std::string name = fmt::format("alone{}", i);
    pools.add({name});
    reaction.one(name, alone);
    pools.remove(name);
  }
  alone.report("reaction_1", "< 50", report);

  ReactionTimes rested;  // the connections to the API server have been closed
  std::vector<std::string> asleep;
  int there = 0;
  for (const int count : {1, 100, effort.pools}) {
    if (count <= there || count > effort.pools) continue;
    const std::vector<std::string> added = names(there, count);
    const double begin = seconds_now();
    pools.add(added);
    if (count == effort.pools) {
      report.add({fmt::format("create_{}", count - there), "s", "", {seconds_now() - begin}, {}});
    }
    there = count;
    measure_rest(effort, count, plane, server, running, report);
    // Another one takes the place of the one that is awake.
    reaction.one(added.front(), rested);
    pools.remove(added.front());
    pools.add({fmt::format("r{}", count)});
    asleep.insert(asleep.end(), added.begin() + 1, added.end());
  }
  rested.report("reaction_after_rest", "", report);
  measure_start(effort, plane, running, report);

  ReactionTimes many;
  for (int i = 0; i < effort.tries && !asleep.empty(); ++i) {
    // Neighbours by name may be neighbours elsewhere: 7919 is a prime.
    const std::size_t at = static_cast<std::size_t>(i) * 7919 % asleep.size();
    reaction.one(asleep[at], many);
    asleep.erase(asleep.begin() + static_cast<std::ptrdiff_t>(at));
  }
  many.report(fmt::format("reaction_{}", effort.pools), "< 150", report);

  ReactionTimes burst;
  for (int i = 0; i < kBursts && asleep.size() >= kBurst; ++i) {
    reaction.burst({asleep.end() - kBurst, asleep.end()}, burst);
    asleep.resize(asleep.size() - kBurst);
  }
  burst.report(fmt::format("reaction_{}_burst_{}", effort.pools, kBurst), "", report);
}

}  // namespace

void measure_control_plane(const Effort& effort, Report& report) {
  if (effort.operator_program.empty()) {
    report.skip("control-plane", "workerpool-operator is not built");
    return;
  }
  try {
    measure(effort, report);
  } catch (const NoControlPlane& error) {
    report.skip("control-plane", error.what());
  }
}

}  // namespace wp::bench
