// What a whole reconcile costs when nothing is to be done: a real Redis, read by the real reader,
// and a workload that only answers, so that none of it is the API server's.
#include <fmt/format.h>
#include <map>
#include <stdexcept>
#include <vector>

#include "bench/allocations.h"
#include "bench/measures.h"
#include "bench/resources.h"
#include "bench/server.h"
#include "operator/controller/controller.h"
#include "operator/controller/reconciler.h"
#include "operator/pool/parse.h"
#include "tests/support/wait.h"

namespace wp::bench {
namespace {

constexpr int kReconciles = 20000;  // of a round

// A target at zero that is as it should be.
class RestingWorkload final : public workload::Workload {
 public:
  workload::View observe(const pool::Pool&) const override {
    workload::View view;
    view.known = true;
    view.selector = "workerpool.dev/pool=resting";
    return view;
  }
  void ensure(const pool::Pool&, int) override {}
  void scale(const pool::Pool&, int, const std::vector<std::string>&) override {
    throw std::runtime_error("a pool at rest was scaled");
  }
  int mark(const pool::Pool&, const std::vector<std::string>&) override { return 0; }
  int unmark(const pool::Pool&, const std::vector<std::string>&) override { return 0; }
  void remove(const pool::Pool&, const std::string&) override {}
  void forget(const std::string&) override {}
};

class RestingPools {
 public:
  RestingPools(Server& server, int count) : backlog_([](const std::string&) {}) {
    for (int i = 0; i < count; ++i) add(fmt::format("p{}", i));
    options_.pools = [this](const std::string& key) { return pools_.at(key); };
    options_.endpoint = [address = server.endpoint()](const pool::Pool&, bool) { return address; };
    options_.write_status = [this](const pool::Pool&, const pool::Status&) { ++writes_; };
    options_.workload = &workload_;
    options_.metrics = &metrics_;
    options_.term = 1;
    options_.status_interval = Millis{0};  // nothing to say is left for later
    reconciler_ = std::make_unique<controller::Reconciler>(options_, backlog_);
    // All queues were read, and everything that was to be said is said.
    const bool rests = test::eventually(
        [this] {
          const int before = writes_;
          for (const auto& [key, pool] : pools_) (void)reconciler_->reconcile(key);
          return writes_ == before && is_read();
        },
        Millis{60000}, Millis{200});
    if (!rests) throw std::runtime_error("the pools do not come to rest");
  }

  /// Microseconds of this thread's processor for one reconcile.
  double reconcile_all(Figure& figure) {
    const auto rounds = kReconciles / static_cast<int>(pools_.size());
    const int written = writes_;
    const std::int64_t allocated = allocations();
    const double begin = own_cpu_us();
    for (int i = 0; i < rounds; ++i) {
      for (const auto& [key, pool] : pools_) (void)reconciler_->reconcile(key);
    }
    const double took = own_cpu_us() - begin;
    const double count = rounds * static_cast<double>(pools_.size());
    if (writes_ != written) throw std::runtime_error("a pool at rest wrote its status");
    figure.details["allocations"] = static_cast<double>(allocations() - allocated) / count;
    return took / count;
  }

 private:
  void add(const std::string& name) {
    nlohmann::json object = {
        {"apiVersion", "workerpool.dev/v1alpha1"},
        {"kind", "WorkerPool"},
        {"metadata",
         {{"namespace", "bench"}, {"name", name}, {"uid", "uid-" + name}, {"generation", 1}}},
        {"spec", {{"workers", {{"handler", {{"exec", {{"command", {"true"}}}}}}}}}}};
    auto stored = std::make_shared<controller::StoredPool>();
    stored->parsed = pool::read_pool(object, {.local = true});
    if (!stored->parsed.usable()) {
      throw std::runtime_error(pool::summary(stored->parsed.problems) +
                               pool::summary(stored->parsed.unsupported));
    }
    pools_[stored->parsed.pool.key()] = std::move(stored);
  }
  bool is_read() const {
    for (const auto& [key, pool] : pools_) {
      const auto latest = backlog_.latest(key);
      if (!latest || !latest->counts) return false;
    }
    return true;
  }

  std::map<std::string, std::shared_ptr<const controller::StoredPool>> pools_;
  metrics::Registry metrics_;
  RestingWorkload workload_;
  controller::Controller::Options options_;
  int writes_ = 0;
  backlog::BacklogReader backlog_;
  std::unique_ptr<controller::Reconciler> reconciler_;
};

}  // namespace

void measure_reconcile(const Effort& effort, Report& report) {
  for (const int count : {1, effort.pools}) {
    Server server;
    RestingPools pools(server, count);
    Figure figure{fmt::format("reconcile_{}", count), "CPU us", "", {}, {}};
    for (int round = 0; round < effort.rounds; ++round) {
      figure.ours.push_back(pools.reconcile_all(figure));
    }
    report.add(std::move(figure));
  }
}

}  // namespace wp::bench
