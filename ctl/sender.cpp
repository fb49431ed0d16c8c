#include "ctl/sender.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "base/ids.h"
#include "ctl/output/format.h"
#include "queue/codec.h"

namespace wp::ctl {
namespace {

using queue::EnqueueRefused;

// Answered, and certainly not done: the server is a replica since a failover, or has just come back
// and reads its data.
bool not_done_yet(const redis::Error& error) {
  return error.error_class() == redis::ErrorClass::read_only ||
         error.error_class() == redis::ErrorClass::loading;
}

// Worth another try.
bool passes(const redis::Error& error) {
  return error.connection_lost() || not_done_yet(error);
}

bool is_full(const EnqueueRefused& refused) {
  return refused.reason() == EnqueueRefused::Reason::full ||
         refused.reason() == EnqueueRefused::Reason::out_of_memory;
}

}  // namespace

std::size_t call_bytes(const queue::NewJob& job) {
  return queue::encode_envelope(job).size();
}

Sender::Sender(queue::Queue& queue, redis::Connection& connection, Settings settings,
               std::function<void(Millis)> sleep, std::function<void(const std::string&)> say)
    : queue_(queue),
      connection_(connection),
      settings_(settings),
      sleep_(std::move(sleep)),
      say_(std::move(say)) {}

std::vector<queue::Enqueued> Sender::send(std::vector<queue::NewJob>& jobs) {
  std::vector<bool> made(jobs.size(), false);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (!jobs[i].id.empty()) continue;
    jobs[i].id = make_job_id();
    made[i] = true;
  }
  acknowledged_ = 0;
  bool waited = false;
  std::size_t size = jobs.size();
  std::vector<queue::Enqueued> all;
  while (acknowledged_ < jobs.size()) {
    size = std::min(size, jobs.size() - acknowledged_);
    try {
      const auto from = static_cast<std::ptrdiff_t>(acknowledged_);
      const auto to = from + static_cast<std::ptrdiff_t>(size);
      std::vector<queue::NewJob> call(jobs.begin() + from, jobs.begin() + to);
      const auto results = send_call(call, {made.begin() + from, made.begin() + to});
      all.insert(all.end(), results.begin(), results.end());
      acknowledged_ += size;
    } catch (const EnqueueRefused& refused) {
      if (!is_full(refused)) throw;
      // A call is taken as a whole or not at all: what there is room for goes in smaller ones.
      if (size > 1) {
        size /= 2;
        continue;
      }
      if (!settings_.wait) throw;
      // Everyone who was refused gets the same hint; the chance keeps them from coming at once.
      const Millis hint = std::clamp(refused.retry_after(), Millis{100}, settings_.longest_wait);
      if (!std::exchange(waited, true)) {
        say_(fmt::format("{}; {} taken so far, waiting for room", refused.what(), sent_.total()));
      }
      sleep_(hint + Millis{static_cast<std::int64_t>(random_u64() % 250)});
      size = jobs.size();
    }
  }
  return all;
}

std::vector<queue::Enqueued> Sender::send_call(std::vector<queue::NewJob>& jobs,
                                               const std::vector<bool>& made) {
  Backoff backoff(settings_.backoff);
  bool repeated = false;
  for (int tried = 1;; ++tried) {
    try {
      if (!connection_.connected()) connection_.connect();
      // From here to the answer the call's outcome is open.
      unknown_outcome_ = true;
      std::vector<queue::Enqueued> results = queue_.enqueue(jobs, settings_.force);
      // On the same connection, and within the try: one that breaks here repeats the call.
      wait_for_replicas();
      unknown_outcome_ = false;
      for (std::size_t i = 0; i < results.size(); ++i) {
        // An id of our own making that lives already is our first try's.
        if (repeated && made[i]) results[i].duplicate = false;
        ++(results[i].duplicate ? sent_.duplicates : sent_.accepted);
        if (repeated && results[i].duplicate) ++sent_.unsure;
      }
      return results;
    } catch (const EnqueueRefused&) {
      unknown_outcome_ = false;
      throw;
    } catch (const redis::Error& e) {
      if (!passes(e)) {
        unknown_outcome_ = repeated;
        throw;
      }
      repeated = repeated || (unknown_outcome_ && !not_done_yet(e));
      unknown_outcome_ = repeated;
      if (tried >= settings_.tries) throw;
      reconnect_after(e, tried, backoff);
    }
  }
}

void Sender::wait_for_replicas() {
  if (settings_.wait_replicas == 0) return;
  constexpr Millis kBeyond{5000};
  const std::int64_t replicas =
      connection_
          .execute({"WAIT", std::to_string(settings_.wait_replicas),
                    std::to_string(std::max<std::int64_t>(1, settings_.wait_time.count()))},
                   settings_.wait_time + kBeyond)
          .integer();
  sent_.replicas = std::min(sent_.replicas.value_or(replicas), replicas);
}

void Sender::reconnect_after(const redis::Error& error, int tried, Backoff& backoff) {
  const Millis pause = backoff.next(random_u64());
  say_(fmt::format("{}: {}; {} acknowledged so far, try {} of {} in {}",
                   redis::to_string(error.error_class()), error.what(), sent_.total(), tried + 1,
                   settings_.tries, human_duration(pause)));
  sleep_(pause);
  connection_.close();
}

}  // namespace wp::ctl
