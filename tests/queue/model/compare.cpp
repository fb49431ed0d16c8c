// The whole of what is visible in Redis, against the model.
#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <set>

#include "tests/queue/model/player.h"

namespace wp::test {

using queue::JobState;
using queue::key_name;

namespace {

std::vector<std::string> ids_of(const redis::Reply& reply) {
  std::vector<std::string> out;
  for (const redis::Reply& item : reply.array()) out.push_back(item.text());
  return out;
}

std::string joined(const std::vector<std::string>& ids) {
  std::string out;
  for (const std::string& id : ids) out += " " + id;
  return out.empty() ? " nothing" : out;
}

bool is_finished(JobState state) {
  return state == JobState::done || state == JobState::dead;
}

}  // namespace

void Player::compare() {
  constexpr std::array kSets = {JobState::ready,  JobState::alone, JobState::delayed,
                                JobState::active, JobState::done,  JobState::dead};
  std::vector<redis::Command> commands;
  for (const JobState state : kSets) {
    commands.push_back({"ZRANGE", key_name("q", to_string(state)), "0", "-1"});
    if (is_finished(state)) commands.back().push_back("WITHSCORES");
  }
  commands.push_back({"LRANGE", key_name("q", "wake"), "0", "-1"});
  const Millis longest = system_clock().wall() + std::chrono::hours{3};
  commands.push_back({"ZRANGEBYSCORE", key_name("q", "active"), std::to_string(longest.count()),
                      "+inf", "LIMIT", "0", "1"});
  const auto replies = raw_.pipeline(commands);
  for (std::size_t i = 0; i < kSets.size(); ++i) {
    if (is_finished(kSets[i])) {
      compare_dropped(kSets[i], replies[i]);
      continue;
    }
    Ids real = ids_of(replies[i]);
    Ids model;
    for (const ModelJob* job : world_.in(kSets[i])) model.push_back(job->id);
    if (kSets[i] != JobState::ready && kSets[i] != JobState::alone) {
      std::sort(real.begin(), real.end());
      std::sort(model.begin(), model.end());
    }
    expect(real == model,
           fmt::format("{}:{}, not{}", to_string(kSets[i]), joined(real), joined(model)));
  }
  compare_token(ids_of(replies[kSets.size()]));
  expect(replies[kSets.size() + 1].array().empty(), "a lease is longer than any lease");
}

// Finished jobs: those that are there are known, and those that were dropped had to be. Which of
// those that ended within one ms goes first is the queue's choice.
void Player::compare_dropped(JobState state, const redis::Reply& real) {
  std::map<std::string, std::int64_t> there;
  for (std::size_t i = 0; i + 1 < real.array().size(); i += 2) {
    there[real.at(i).text()] = std::stoll(real.at(i + 1).text());
  }
  for (const auto& [id, ended] : there) {
    expect(world_.place(id) == state, fmt::format("{} is {}", id, to_string(state)));
  }
  World::Jobs kept, dropped;
  std::int64_t bytes = 0, newest_dropped = 0, latest = latest_;
  for (ModelJob* job : world_.in(state)) {
    if (const auto found = there.find(job->id); found != there.end()) {
      kept.push_back(job);
      bytes += static_cast<std::int64_t>(job->bytes);
      job->ended = found->second;
      latest = std::max(latest, job->ended);
    } else {
      dropped.push_back(job);
      // One that was never seen here ended just now.
      if (job->ended == 0) job->ended = latest_;
      newest_dropped = std::max(newest_dropped, job->ended);
    }
  }
  latest_ = latest;
  for (const ModelJob* job : kept) {
    expect(job->ended >= newest_dropped, job->id + " is kept, and a newer one was dropped");
  }
  const Settings& s = world_.settings;
  const bool dead = state == JobState::dead;
  const auto keep = static_cast<std::size_t>(dead ? s.keep_dead : s.keep_done);
  const std::int64_t keep_bytes = dead ? s.keep_dead_bytes : 0;
  const auto too_much = [&](std::size_t count, std::int64_t sum) {
    return count > keep || (keep_bytes > 0 && sum > keep_bytes);
  };
  if (dead ? world_.buried : trimmed_) {
    expect(!too_much(kept.size(), bytes) || dropped.size() >= 100,
           fmt::format("more {} jobs are kept than should be", to_string(state)));
    std::int64_t last = 0;
    for (const ModelJob* job : dropped) {
      if (job->ended == newest_dropped) last = std::max(last, std::int64_t(job->bytes));
    }
    expect(dropped.empty() || too_much(kept.size() + 1, bytes + last),
           fmt::format("more {} jobs are dropped than had to be", to_string(state)));
  } else {
    expect(dropped.empty(), fmt::format("{} jobs vanish", to_string(state)));
  }
  for (const ModelJob* job : dropped) {
    const std::string id = job->id;
    world_.forget(id);
  }
}

void Player::compare_token(const Ids& wake) {
  expect(wake.size() <= 1, "more than one token");
  if (popped_) return;
  const bool promised = woken_ && world_.may_claim() && (world_.new_suspect || first_delayed_);
  expect(!promised || !wake.empty(), "no token for a suspect or an earlier due time");
  if (!woken_) return;
  expect(!world_.claimable() || !wake.empty(), "no token, though a job could be claimed");
  expect(world_.claimable() || wake.empty() || wake[0] != "j",
         "a token, though no job could be claimed");
}

void Player::check() {
  for (const std::string& problem : queue_.check()) {
    const bool modelled = problem.find("no token says so") != std::string::npos && popped_;
    expect(modelled, "CHECK: " + problem);
  }
}

void Player::compare_stat() {
  const auto real = queue_.counts().stat;
  for (const char* name : {"enqueued", "duplicate", "refused", "started", "completed", "failed",
                           "retried", "deferred", "dead", "crashed", "lost", "interrupted",
                           "stalled", "cancelled", "removed", "redriven", "stale"}) {
    const auto found = real.find(name);
    const std::int64_t value = found == real.end() ? 0 : found->second;
    expect(value == world_.stat[name],
           fmt::format("counted {}: {}, not {}", name, value, world_.stat[name]));
  }
}

}  // namespace wp::test
