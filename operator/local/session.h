// The operator's controller, wired for one pool on this machine: a lookup that knows one pool, an
// endpoint that is given, workers that are processes, and a display where a cluster has a status
// and events. Owned by the main thread; the controller's threads call into it.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/metrics.h"
#include "operator/controller/controller.h"
#include "operator/local/bell.h"
#include "operator/local/display.h"
#include "operator/local/report.h"
#include "operator/local/status_file.h"
#include "operator/pool/pool.h"
#include "operator/workload/local_workload.h"
#include "queue/redis/endpoint.h"

namespace wp::local {

class Session {
 public:
  struct Options {
    pool::Pool pool;
    redis::Endpoint endpoint;
    std::string runner;
    std::string directory;   // handlers run there
    std::string log_folder;  // empty: workers write to stderr
    std::int64_t term = 0;
    queue::Counts before;  // the queue as it was found
    StatusFile* status_file = nullptr;
    Display* display = nullptr;
    Bell* bell = nullptr;
    metrics::Registry* metrics = nullptr;
  };

  explicit Session(Options options);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void start();
  /// Decides nothing any more, and sends the workers home: at first running jobs finish; called
  /// again they are given back.
  void drain();
  bool workers_are_gone() { return workload_->wait_until_gone(Millis{0}); }

  /// The pool as it is known now, and the books of what was seen. Main thread.
  Picture look();
  /// Whether, by what is known, every job was run and the workers are back at their floor.
  bool looks_over() const;
  /// Waiting for nothing: the display may be looked at less often.
  bool at_rest() const;

  Seen seen() const;

 private:
  std::shared_ptr<const controller::StoredPool> look_up(const std::string& key) const;
  void take_status(const pool::Status& after);
  void leave_status(const nlohmann::json& status) const;
  void tell_event(const controller::EventNote& event);
  void note_end(const workload::WorkerEnd& end);
  Millis since_start() const;
  void say(const std::string& line) const;

  Options options_;
  std::string key_;
  Millis started_;
  int floor_ = 0;  // workers that stay when nothing is to be done

  mutable std::mutex mutex_;  // guards what follows up to the next blank line
  std::shared_ptr<const controller::StoredPool> stored_;
  int decided_ = 0;
  Seen seen_;
  std::optional<Millis> first_job_;
  Millis last_busy_{0};
  std::optional<queue::Counts> counts_;
  Picture picture_;

  std::unique_ptr<controller::Controller> controller_;
  std::unique_ptr<workload::LocalWorkload> workload_;  // ends first: it calls the controller
};

/// How many jobs a runner says it executed, from the end of its log; nothing when it did not say.
std::optional<std::int64_t> executed_by_log(const std::string& log_file);

}  // namespace wp::local
