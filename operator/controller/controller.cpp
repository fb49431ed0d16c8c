#include "operator/controller/controller.h"

#include "base/log.h"
#include "operator/controller/reconciler.h"

namespace wp::controller {

Controller::Controller(Options options)
    : options_(std::move(options)),
      queue_({.name = "workerpool", .metrics = options_.metrics}),
      backlog_(std::make_unique<backlog::BacklogReader>(
          [this](const std::string& pool_key) { queue_.add(pool_key); })),
      reconciler_(std::make_unique<Reconciler>(options_, *backlog_,
                                               [this] { return queue_.size() > 0; })) {}

Controller::~Controller() {
  stop();
}

void Controller::start() {
  for (int i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { work(); });
}

void Controller::stop() {
  queue_.shut_down();
  threads_.clear();  // joins
}

void Controller::work() {
  while (const auto key = queue_.get()) {
    const char* result = "success";
    try {
      const Reconciler::Result done = reconciler_->reconcile(*key);
      queue_.forget(*key);
      if (done.again) {
        queue_.add_after(*key, *done.again);
        result = "requeue_after";
      }
    } catch (const std::exception& error) {
      // Caught at the border of a reconcile: counted, told, and tried again with backoff.
      log::warn("reconcile failed", {{"pool", *key}, {"error", error.what()}});
      queue_.add_rate_limited(*key);
      result = "error";
    }
    queue_.done(*key);
    if (options_.metrics != nullptr) {
      options_.metrics
          ->counter("controller_runtime_reconcile_total", "Reconciles by result.",
                    {{"controller", "workerpool"}, {"result", result}})
          .Increment();
    }
  }
}

}  // namespace wp::controller
