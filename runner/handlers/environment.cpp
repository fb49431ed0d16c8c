#include "runner/handlers/environment.h"

#include <array>
#include <cstring>
#include <fmt/format.h>

#include "runner/kept_environment.h"

extern char** environ;

namespace wp::runner {
namespace {

constexpr std::string_view kHidden = "WP_REDIS_";
constexpr std::array<std::string_view, 3> kSecrets = {
    "WP_REDIS_PASSWORD=", "WP_REDIS_SENTINEL_PASSWORD=", "WP_REDIS_URL="};

std::vector<std::string> job_entries(const Task& task, const JobFacts& facts) {
  const auto file = [&facts](bool there, const char* name) {
    return there ? facts.scratch + "/" + name : std::string();
  };
  const bool session = !task.job.session.empty();
  return {
      "WP_JOB_ID=" + task.job.id,
      "WP_JOB_TYPE=" + task.job.type,
      "WP_QUEUE=" + facts.queue,
      fmt::format("WP_ATTEMPT={}", task.job.failures + 1),
      fmt::format("WP_MAX_ATTEMPTS={}", task.max_attempts),
      fmt::format("WP_EPOCH={}", task.job.epoch),
      "WP_DEADLINE=" + (facts.deadline.count() > 0 ? format_time(facts.deadline) : std::string()),
      "WP_SESSION=" + task.job.session,
      "WP_SESSION_FILE=" + file(session, kSessionFile),
      "WP_SESSION_PATCH_FILE=" + file(session, kPatchFile),
      "WP_PREVIOUS_FILE=" + file(!task.job.previous.empty(), kPreviousFile),
      "WP_JOB_DIR=" + facts.scratch,
      "WP_PROGRESS_FD=3",
  };
}

// `base` but for the entries that have the names of these.
std::vector<std::string> without(const std::vector<std::string>& base,
                                 const std::vector<std::string>& own) {
  std::vector<std::string> all;
  all.reserve(base.size() + own.size());
  for (const std::string& entry : base) {
    const std::string_view name(entry.data(), std::min(entry.find('='), entry.size()));
    bool replaced = false;
    for (const std::string& mine : own) replaced |= mine.substr(0, mine.find('=')) == name;
    if (!replaced) all.push_back(entry);
  }
  return all;
}

}  // namespace

std::vector<std::string> inherited_environment() {
  std::vector<std::string> kept;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    std::string_view text(*entry);
    if (text.starts_with(kHidden) || text == kOwnOpenssl) continue;
    if (text.starts_with(kKept)) text.remove_prefix(std::string_view(kKept).size());
    kept.emplace_back(text);
  }
  return kept;
}

void forget_secret_environment() {
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    for (const std::string_view secret : kSecrets) {
      if (!std::string_view(*entry).starts_with(secret)) continue;
      char* value = *entry + secret.size();
      explicit_bzero(value, std::strlen(value));
    }
  }
}

std::vector<std::string> process_environment(const std::vector<std::string>& base,
                                             const std::string& queue, const std::string& marker) {
  std::vector<std::string> all = without(without(base, job_entries({}, {})), {marker});
  all.push_back("WP_QUEUE=" + queue);
  all.push_back(marker);
  return all;
}

std::vector<std::string> job_environment(const std::vector<std::string>& base, const Task& task,
                                         const JobFacts& facts) {
  const std::vector<std::string> own = job_entries(task, facts);
  std::vector<std::string> all = without(base, own);
  all.insert(all.end(), own.begin(), own.end());
  return all;
}

}  // namespace wp::runner
