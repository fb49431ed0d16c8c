#include "queue/job.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <utility>

#include "base/units.h"

namespace wp::queue {
namespace {

constexpr std::array<std::pair<JobState, std::string_view>, 7> kStates = {{
    {JobState::unknown, "unknown"},
    {JobState::ready, "ready"},
    {JobState::alone, "alone"},
    {JobState::delayed, "delayed"},
    {JobState::active, "active"},
    {JobState::done, "done"},
    {JobState::dead, "dead"},
}};

bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' ||
           c == '_' || c == ':' || c == '-';
  });
}

}  // namespace

std::string_view to_string(JobState state) {
  for (const auto& [value, name] : kStates) {
    if (value == state) return name;
  }
  return "unknown";
}

JobState parse_job_state(std::string_view text) {
  for (const auto& [value, name] : kStates) {
    if (name == text) return value;
  }
  return JobState::unknown;
}

std::string_view to_string(Settled settled) {
  switch (settled) {
    case Settled::done:
      return "done";
    case Settled::retried:
      return "retried";
    case Settled::deferred:
      return "deferred";
    case Settled::dead:
      return "dead";
    case Settled::stale:
      return "stale";
    case Settled::conflict:
      return "conflict";
    case Settled::session_gone:
      return "session gone";
    case Settled::session_too_big:
      return "session too big";
  }
  return "stale";
}

std::optional<NewJob> next_in_chain(const std::string& session, const std::vector<ChainStep>& chain,
                                    std::string_view result) {
  if (chain.empty()) return std::nullopt;
  const ChainStep& step = chain.front();
  NewJob next;
  next.id = step.id;
  next.type = step.type;
  next.payload = step.payload;
  next.priority = step.priority;
  next.timeout = step.timeout;
  next.session = session;
  next.chain.assign(chain.begin() + 1, chain.end());
  next.previous = result;
  return next;
}

std::string problem_with(const NewJob& job, std::int64_t max_payload) {
  if (!job.id.empty() && !is_word(job.id)) {
    return fmt::format("id \"{}\": allowed are 1 to 64 characters of A-Z a-z 0-9 . _ : -",
                       job.id.substr(0, 80));
  }
  if (!is_word(job.type)) {
    return fmt::format("type \"{}\": allowed are 1 to 64 characters of A-Z a-z 0-9 . _ : -",
                       job.type.substr(0, 80));
  }
  if (job.priority < 0 || job.priority > 255) {
    return fmt::format("priority {}: allowed are 0 to 255", job.priority);
  }
  if (job.delay < Millis{0} || job.delay > std::chrono::hours{24 * 3650}) {
    return fmt::format("delay {} ms: allowed are 0 to 10 years", job.delay.count());
  }
  if (job.timeout < Millis{0} || job.timeout > kMaxJobTimeout) {
    return fmt::format("timeout {} ms: allowed are 1 ms to 30 days, and 0 for none",
                       job.timeout.count());
  }
  if (job.unique.size() > kMaxUniqueBytes) {
    return fmt::format("unique key of {} bytes: allowed are {}", job.unique.size(),
                       kMaxUniqueBytes);
  }
  if (job.unique_for < Millis{0} || job.unique_for > std::chrono::hours{24 * 3650}) {
    return fmt::format("unique for {} ms: allowed are 0 to 10 years", job.unique_for.count());
  }
  if (!job.session.empty() && !is_word(job.session)) {
    return fmt::format("session \"{}\": allowed are 1 to 64 characters of A-Z a-z 0-9 . _ : -",
                       job.session.substr(0, 80));
  }
  if (job.chain.size() > kMaxChainSteps) {
    return fmt::format("chain of {} steps: allowed are {}", job.chain.size(), kMaxChainSteps);
  }
  for (const ChainStep& step : job.chain) {
    NewJob as_job;
    as_job.id = step.id;
    as_job.type = step.type;
    as_job.payload = step.payload;
    as_job.priority = step.priority;
    as_job.timeout = step.timeout;
    if (const std::string problem = problem_with(as_job, max_payload); !problem.empty()) {
      return "chain: " + problem;
    }
  }
  if (static_cast<std::int64_t>(job.payload.size()) > max_payload) {
    return fmt::format("payload of {} bytes: allowed are {}; pass larger things by reference",
                       job.payload.size(), format_bytes(max_payload));
  }
  return {};
}

}  // namespace wp::queue
