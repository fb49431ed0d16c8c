#include <fmt/format.h>
#include <set>

#include "tests/queue/model/player.h"

namespace wp::test {

using queue::EnqueueRefused;
using queue::JobState;
using queue::NewJob;

std::string Player::some_new_id(Dice& dice) {
  // A few ids come again and again.
  return dice.one_in(3) ? fmt::format("d{}", dice(8)) : fmt::format("n{:04}", ++made_);
}

NewJob Player::some_job(Dice& dice) {
  NewJob job;
  job.id = some_new_id(dice);
  job.priority = std::array{0, 100, 255}[static_cast<std::size_t>(dice(3))];
  job.type = fmt::format("t{}", dice(40));
  job.payload = fmt::format("payload {} of {}", ++made_, job.id);
  if (dice.one_in(60)) job.payload.append(2000, 'x');
  if (dice.one_in(5)) job.delay = std::chrono::hours{1 + dice(3)};
  if (dice.one_in(5)) job.timeout = Millis{1 + dice(3)};
  if (dice.one_in(5)) {
    job.unique = fmt::format("u{}", dice(3));
    if (dice.one_in(2)) job.unique_for = std::chrono::hours{1};
  }
  if (dice.one_in(4)) job.session = fmt::format("s{}", dice(3));
  if (dice.one_in(6)) {
    for (int steps = 1 + dice(2); steps > 0; --steps) {
      job.chain.push_back(
          {some_new_id(dice), "later", fmt::format("step {}", steps), 100, Millis{dice(2) * 1000}});
    }
  }
  return job;
}

void Player::enqueue(Dice& dice) {
  std::vector<NewJob> jobs;
  for (int n = 1 + dice(4); n > 0; --n) jobs.push_back(some_job(dice));
  const bool force = dice.one_in(4);
  for (const NewJob& job : jobs) {
    say(fmt::format("  {} priority {} delay {} unique {} session {}", job.id, job.priority,
                    job.delay.count(), job.unique, job.session));
  }

  // Refused as a whole, or taken as a whole.
  std::optional<EnqueueRefused::Reason> refused;
  std::set<std::string> fresh, keys;
  int now = 0;
  for (const NewJob& job : jobs) {
    const bool taken_key =
        !job.unique.empty() && (world_.holder(job.unique) != nullptr || keys.contains(job.unique));
    if (world_.find(job.id) != nullptr || fresh.contains(job.id) || taken_key) continue;
    fresh.insert(job.id);
    if (!job.unique.empty()) keys.insert(job.unique);
    if (job.delay == Millis{0}) ++now;
  }
  int depth =
      static_cast<int>(world_.in(JobState::ready).size() + world_.in(JobState::alone).size());
  for (const ModelJob* job : world_.in(JobState::delayed)) depth += job->due == kLater ? 0 : 1;
  const int max_depth = world_.settings.max_depth;
  if (max_depth > 0 && !fresh.empty() && depth + now > max_depth) {
    refused = EnqueueRefused::Reason::full;
  }
  for (const NewJob& job : jobs) {
    if (job.payload.size() > 2000) refused = EnqueueRefused::Reason::too_big;
  }
  if (world_.orphaned && !force) refused = EnqueueRefused::Reason::no_pool;

  try {
    const auto answers = queue_.enqueue(jobs, force);
    expect(!refused.has_value(), "an enqueue is taken that should be refused");
    expect_enqueued(jobs, answers);
  } catch (const EnqueueRefused& e) {
    expect(refused == e.reason(), fmt::format("refused otherwise than it should be: {}", e.what()));
    world_.stat["refused"] += static_cast<std::int64_t>(jobs.size());
    woken_ = false;
  }
}

void Player::expect_enqueued(const std::vector<NewJob>& jobs,
                             const std::vector<queue::Enqueued>& answers) {
  const bool none_delayed = world_.in(JobState::delayed).empty();
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const NewJob& job = jobs[i];
    const ModelUnique* holder = job.unique.empty() ? nullptr : world_.holder(job.unique);
    queue::Enqueued model{job.id, false, JobState::ready};
    if (world_.find(job.id) != nullptr) {
      model = {job.id, true, world_.place(job.id)};
    } else if (holder != nullptr) {
      model = {holder->id, true, world_.place(holder->id)};
    } else {
      model.state = world_.admit(job).state;
      first_delayed_ = first_delayed_ || (none_delayed && model.state == JobState::delayed);
    }
    if (model.duplicate) ++world_.stat["duplicate"];
    const queue::Enqueued& real = answers[i];
    expect(
        real.id == model.id && real.duplicate == model.duplicate && real.state == model.state,
        fmt::format("enqueue of {} answers {} {} {}, not {} {} {}", job.id, real.id, real.duplicate,
                    to_string(real.state), model.id, model.duplicate, to_string(model.state)));
  }
}

}  // namespace wp::test
