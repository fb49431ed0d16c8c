#include <fmt/format.h>

#include "base/ids.h"
#include "base/units.h"
#include "queue/calls.h"
#include "queue/codec.h"
#include "queue/scripts.h"

namespace wp::queue {
namespace {

using redis::Reply;
using redis::ScriptCall;

constexpr std::int64_t kLargestPayload = 1024 * 1024;

// A refusal as the exception that says it.
[[noreturn]] void refuse(const Reply& reply, const std::string& queue, std::size_t first) {
  const std::string& verdict = reply.at(0).text();
  if (verdict == "full") {
    throw EnqueueRefused(EnqueueRefused::Reason::full, Millis{reply.at(1).integer()},
                         fmt::format("queue {} is full (its max{} is reached)", queue,
                                     reply.at(2).text() == "bytes" ? "Bytes" : "Depth"));
  }
  if (verdict == "nopool") {
    throw EnqueueRefused(
        EnqueueRefused::Reason::no_pool, Millis{0},
        fmt::format("no pool or worker serves queue {}: check its name, or force the enqueue",
                    queue));
  }
  if (verdict == "toobig") {
    throw EnqueueRefused(
        EnqueueRefused::Reason::too_big, Millis{0},
        fmt::format("job {}: payload of {} bytes; queue {} allows {} (jobs.maxPayload {}): pass "
                    "larger things by reference",
                    first + static_cast<std::size_t>(reply.at(1).integer()), reply.at(2).integer(),
                    queue, reply.at(3).integer(), format_bytes(reply.at(3).integer())));
  }
  if (verdict == "format") {
    throw FormatError(fmt::format("queue {} has format {}, this program knows {}: use a newer one",
                                  queue, reply.at(1).integer(), kFormat));
  }
  if (verdict == "bad") {
    throw std::invalid_argument(fmt::format(
        "job {}: {}", first + static_cast<std::size_t>(reply.at(1).integer()), reply.at(2).text()));
  }
  throw redis::Error(redis::ErrorClass::protocol, "ENQUEUE answered \"" + verdict + "\"");
}

}  // namespace

std::vector<Enqueued> Queue::enqueue(std::vector<NewJob>& jobs, bool force, std::size_t* taken) {
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const std::string problem = problem_with(jobs[i], kLargestPayload);
    if (!problem.empty()) throw std::invalid_argument(fmt::format("job {}: {}", i + 1, problem));
    if (jobs[i].id.empty()) jobs[i].id = make_job_id();
    for (ChainStep& step : jobs[i].chain) {
      if (step.id.empty()) step.id = make_job_id();
    }
  }
  if (taken != nullptr) *taken = 0;

  std::vector<Enqueued> results;
  results.reserve(jobs.size());
  for (std::size_t next = 0; next < jobs.size();) {
    ScriptCall script = call(scripts().enqueue);
    std::vector<std::string> words;
    std::size_t bytes = 0;
    std::size_t end = next;
    while (end < jobs.size() && end - next < kMaxJobsPerCall) {
      const NewJob& job = jobs[end];
      std::string envelope = encode_envelope(job);
      if (end > next && bytes + envelope.size() > kMaxBytesPerCall) break;
      bytes += envelope.size();
      words.push_back(job.id);
      words.push_back(std::to_string(job.priority));
      words.push_back(std::to_string(job.delay.count()));
      words.push_back(job.type);
      words.push_back(encode_options(job));
      words.push_back(std::move(envelope));
      ++end;
    }
    script.args = {force ? "1" : "0", std::to_string(end - next)};
    std::move(words.begin(), words.end(), std::back_inserter(script.args));

    Reply reply;
    try {
      reply = connection_.call(script);
    } catch (const redis::Error& e) {
      if (e.error_class() != redis::ErrorClass::out_of_memory) throw;
      throw EnqueueRefused(EnqueueRefused::Reason::out_of_memory, Millis{1000},
                           "Redis is at maxmemory: try again when jobs have completed");
    }
    if (reply.at(0).text() != "ok") refuse(reply, name_, next);
    const Reply& states = reply.at(1);
    for (std::size_t i = next; i < end; ++i) {
      const Reply& answer = states.at(i - next);
      const bool other = answer.type == Reply::Type::array;  // by the unique key: state, id
      const std::string& state = other ? answer.at(0).text() : answer.text();
      Enqueued result{other ? answer.at(1).text() : jobs[i].id, state != "new", JobState::ready};
      if (result.duplicate) {
        result.state = parse_job_state(state);
      } else if (jobs[i].delay > Millis{0}) {
        result.state = JobState::delayed;
      }
      results.push_back(std::move(result));
    }
    next = end;
    if (taken != nullptr) *taken = next;
  }
  return results;
}

}  // namespace wp::queue
