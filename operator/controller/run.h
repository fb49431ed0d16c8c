// What the reconciler keeps of a pool between reconciles, and what one reconcile carries from step
// to step. Inside the controller only; one thread at a time per pool.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "operator/controller/announcer.h"
#include "operator/controller/controller.h"
#include "operator/controller/job_figures.h"
#include "operator/controller/scaling_params.h"
#include "operator/controller/status_builder.h"
#include "operator/controller/status_pace.h"
#include "operator/fleet/recovery.h"
#include "operator/fleet/retirement.h"
#include "operator/scaling/decide.h"
#include "operator/scaling/pod_starts.h"
#include "operator/scaling/ramp.h"

namespace wp::controller {

/// Keyed by the pool's uid; may be lost at any moment.
struct Memory {
  std::string uid;
  scaling::State scaling;
  ScalingParams params;
  JobFigures figures;

  std::optional<redis::Endpoint> endpoint;
  std::int64_t endpoint_generation = -1;
  Millis endpoint_at{0};

  std::int64_t rejected_generation = -1;  // the API server said no to this one
  std::string rejected_message;

  fleet::Memory retirement;
  fleet::RecoveryMemory recovery;
  scaling::PodStarts pod_starts;
  Announcer announcer;
  std::optional<Millis> unknown_since;  // the queue could not be read, or not lately
  std::optional<scaling::RampState> ramp;
  std::optional<redis::ErrorClass> counted_error;  // of a reading that failed
  bool counted_saturation = false;
  bool ramp_known = false;                       // read from the status, once
  std::vector<queue::Failure> failures;          // the newest, for the ramp; the last is the newest
  std::map<std::string, std::int64_t> counters;  // of the queue, when last read
  Millis settled_at{0};                          // after the queue's loss: nobody leaves before
  std::optional<Millis> scaled_at;
  std::optional<pool::Status> written;  // the status as we last wrote it
  StatusPace::Turn status_turn;
};

// Everything that one reconcile carries from step to step.
struct Run {
  const std::string& key;
  std::shared_ptr<const StoredPool> stored;
  const pool::Pool& pool;
  Memory& memory;
  const Controller::Options& options;
  pool::Status before = {};
  Findings findings = {};
  backlog::Orders orders = {};  // to the queue, given at the end
  std::optional<scaling::RampOutcome> ramp = {};
  std::optional<std::string> remove = {};  // a pod that is to be deleted, by uid
  std::optional<Millis> again = {};

  void come_back(Millis wait) { again = again ? std::min(*again, wait) : wait; }
  Announcer::Tell teller() const {
    return [this](EventNote note) {
      if (options.write_event) options.write_event(pool, note);
    };
  }
};

}  // namespace wp::controller
