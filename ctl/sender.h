// Sends jobs call by call and keeps the books. A connection that breaks is opened again, and the
// same call repeated with the same ids: nothing is enqueued twice. Owned by the main thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/backoff.h"
#include "queue/queue.h"

namespace wp::ctl {

/// What Redis has acknowledged so far.
struct Sent {
  std::int64_t accepted = 0;
  std::int64_t duplicates = 0;
  /// Of the duplicates: answered to a repeated call, so that its first try may have enqueued them.
  std::int64_t unsure = 0;
  /// Of all calls the fewest replicas that had it in time; only where they are waited for.
  std::optional<std::int64_t> replicas = {};
  std::int64_t total() const { return accepted + duplicates; }
};

class Sender {
 public:
  struct Settings {
    bool force = false;
    bool wait = false;      // a full queue is waited for
    int wait_replicas = 0;  // after each call, WAIT for so many; 0: for none
    Millis wait_time{0};    // at most so long
    int tries = 8;          // of one call, while the connection breaks
    Backoff::Limits backoff{.initial = Millis{100}, .max = Millis{5000}};
    Millis longest_wait{30'000};  // between two tries on a full queue
  };

  /// `sleep` waits; `say` tells a person why it takes long, one line each.
  Sender(queue::Queue& queue, redis::Connection& connection, Settings settings,
         std::function<void(Millis)> sleep, std::function<void(const std::string&)> say);

  /// One call: at most 500 jobs and 1 MiB (see `call_bytes`). Ids that are absent are made, in
  /// place. Throws queue::EnqueueRefused (nothing of this call was taken) and redis::Error when the
  /// tries are used up; `unknown_outcome` then says whether the call may have taken effect.
  std::vector<queue::Enqueued> send(std::vector<queue::NewJob>& jobs);

  const Sent& sent() const { return sent_; }
  std::size_t acknowledged() const { return acknowledged_; }
  bool unknown_outcome() const { return unknown_outcome_; }

 private:
  /// `made`: the jobs whose id is of our own making.
  std::vector<queue::Enqueued> send_call(std::vector<queue::NewJob>& jobs,
                                         const std::vector<bool>& made);
  void wait_for_replicas();
  void reconnect_after(const redis::Error& error, int tried, Backoff& backoff);

  queue::Queue& queue_;
  redis::Connection& connection_;
  Settings settings_;
  std::function<void(Millis)> sleep_;
  std::function<void(const std::string&)> say_;
  Sent sent_;
  std::size_t acknowledged_ = 0;
  bool unknown_outcome_ = false;
};

/// The bytes a job takes of a call's bound.
std::size_t call_bytes(const queue::NewJob& job);

}  // namespace wp::ctl
