#include <fmt/format.h>

#include "tests/queue/model/player.h"

namespace wp::test {

using queue::JobState;

void Player::manage(Kind kind, Dice& dice) {
  const Ids ids = some_ids(dice, 3);
  const int priority = dice(256);
  std::vector<queue::Managed> answers;
  switch (kind) {
    case Kind::cancel:
      answers = queue_.cancel(ids);
      break;
    case Kind::promote:
      answers = queue_.promote(ids);
      break;
    case Kind::reprioritise:
      answers = queue_.reprioritise(ids, priority);
      break;
    case Kind::redrive:
      answers = queue_.redrive(ids);
      break;
    default:
      answers = queue_.remove(ids);
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const JobState state = world_.place(ids[i]);
    say(fmt::format("  {}, {}", ids[i], to_string(state)));
    expect(answers[i].id == ids[i] && answers[i].state == state,
           fmt::format("{} is found {}, not {}", ids[i], to_string(answers[i].state),
                       to_string(state)));
    ModelJob* job = world_.find(ids[i]);
    const bool waits =
        state == JobState::ready || state == JobState::alone || state == JobState::delayed;
    if (kind == Kind::cancel && state == JobState::active) job->cancelled = true;
    if (kind == Kind::cancel && waits) {
      ++world_.stat["cancelled"];
      world_.bury(*job);
    }
    if (kind == Kind::promote && state == JobState::delayed) {
      job->seq = ++world_.seq;
      world_.enter_ready(*job);
    }
    if (kind == Kind::reprioritise && waits) job->priority = priority;
    if (kind == Kind::redrive && state == JobState::dead) {
      job->seq = ++world_.seq;
      job->failures = job->crashes = job->losses = job->deferrals = 0;
      world_.enter_ready(*job);
      ++world_.stat["redriven"];
    }
    if (kind == Kind::remove && job != nullptr && state != JobState::active) {
      world_.forget(ids[i]);
      ++world_.stat["removed"];
    }
  }
}

// Which of several equally old finished jobs go is the queue's choice: seen by what is left.
void Player::purge(Dice& dice) {
  const int limit = 1 + dice(6);
  const JobState state = std::array{JobState::ready, JobState::delayed, JobState::done,
                                    JobState::dead}[static_cast<std::size_t>(dice(4))];
  say(fmt::format("  {} of {}", limit, to_string(state)));
  World::Jobs all = state == JobState::ready ? world_.in(JobState::alone) : World::Jobs{};
  for (ModelJob* job : world_.in(state)) all.push_back(job);
  const auto answer = queue_.purge(state, limit);
  const auto dropped = std::min<std::size_t>(all.size(), static_cast<std::size_t>(limit));
  expect(answer.dropped == static_cast<std::int64_t>(dropped) &&
             answer.left == static_cast<std::int64_t>(all.size() - dropped),
         fmt::format("PURGE drops {} and leaves {}", answer.dropped, answer.left));
  world_.stat["removed"] += answer.dropped;
  Ids gone;
  for (ModelJob* job : all) {
    const bool ordered = state == JobState::ready;
    const bool drop =
        ordered ? gone.size() < dropped : queue_.job(job->id).state == JobState::unknown;
    if (drop) gone.push_back(job->id);
  }
  expect(gone.size() == dropped, "PURGE drops others than it says");
  if (state == JobState::dead || state == JobState::done) {
    Ids left;
    for (const ModelJob* job : all) {
      if (std::find(gone.begin(), gone.end(), job->id) == gone.end()) left.push_back(job->id);
    }
    for (const std::string& a : gone) {
      for (const std::string& b : left) {
        expect(world_.find(a)->ended <= world_.find(b)->ended,
               "PURGE does not begin at the oldest");
      }
    }
  }
  for (const std::string& id : gone) world_.forget(id);
}

void Player::pause(bool on) {
  const std::string before = on ? queue_.pause("somebody") : queue_.resume();
  expect(before == (world_.paused_by_person ? "somebody" : ""), "PAUSE: who held it before");
  world_.paused_by_person = on;
}

}  // namespace wp::test
