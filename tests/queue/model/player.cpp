#include "tests/queue/model/player.h"

#include <fmt/format.h>

namespace wp::test {

using queue::JobState;

const std::vector<std::string>& model_workers() {
  static const std::vector<std::string> names = {"pod-0/a", "pod-0/b", "pod-1/a",
                                                 "pod-1/b", "pod-2/a", "pod-3/a"};
  return names;
}

Player::Player(redis::Connection& connection, redis::Connection& raw)
    : raw_(raw), queue_(connection, "q") {
  (void)raw_.execute({"FLUSHALL"});
  (void)raw_.execute({"HSET", queue::key_name("q", "cfg"), "max_payload", "2000"});
  (void)queue_.write_config(world_.settings.fields(), "hash", "pool-uid", world_.term);
}

void Player::say(const std::string& line) {
  story_ += "\n    " + line;
}

void Player::expect(bool fine, const std::string& what) {
  if (!fine) throw Mismatch(what + "; the story:" + story_);
}

Player::Ids Player::some_ids(Dice& dice, int at_most) {
  Ids all;
  for (const auto& [id, job] : world_.jobs) all.push_back(id);
  all.emplace_back("nobody");
  Ids out;
  const int n = 1 + dice(at_most);
  for (int i = 0; i < n && !all.empty(); ++i) {
    const auto at = all.begin() + dice(static_cast<int>(all.size()));
    out.push_back(*at);
    all.erase(at);
  }
  return out;
}

void Player::play(const Command& command) {
  ++world_.operation;
  world_.buried = world_.completed = world_.new_suspect = false;
  trimmed_ = first_delayed_ = false;
  woken_ = true;
  Dice dice(command.seed);
  const Kind kind = kind_of(command);
  say(fmt::format("{} {}", world_.operation, name_of(kind)));
  switch (kind) {
    case Kind::enqueue:
      enqueue(dice);
      break;
    case Kind::step:
    case Kind::lost_step:
      step(dice, kind == Kind::lost_step);
      break;
    case Kind::beat:
      beat(dice);
      break;
    case Kind::release:
      release(dice);
      break;
    case Kind::register_worker:
      register_worker(dice);
      break;
    case Kind::retire:
      retire(dice);
      break;
    case Kind::unretire:
      unretire(dice);
      break;
    case Kind::reclaim:
      reclaim(dice);
      break;
    case Kind::cancel:
    case Kind::promote:
    case Kind::reprioritise:
    case Kind::redrive:
    case Kind::remove:
      manage(kind, dice);
      break;
    case Kind::purge:
      purge(dice);
      break;
    case Kind::trim:
      trim();
      break;
    case Kind::pause:
    case Kind::resume:
      pause(kind == Kind::pause);
      break;
    case Kind::config:
      config(dice);
      break;
    case Kind::orphan:
      orphan();
      break;
    case Kind::counts:
      counts();
      break;
    default:
      meddle(kind, dice);
  }
  if (woken_) popped_ = false;
  compare();
  if (world_.operation % 8 == 0) check();
}

void Player::finish() {
  Settings& settings = world_.settings;
  settings.paused = false;
  settings.max_active = 0;
  settings.keep_done = 100000;
  settings.slow_retries = false;
  world_.set_rate(0);
  (void)queue_.resume();
  (void)queue_.write_config(settings.fields(), "last", "pool-uid", world_.term + 1);
  world_.paused_by_person = false;
  for (const std::string& worker : model_workers()) {
    (void)queue_.beat(worker, {}, {}, "", true);
    world_.take_back(world_.held(worker), World::Back::released);
  }
  for (const ModelJob* job : world_.in(JobState::delayed)) {
    (void)raw_.execute({"ZADD", queue::key_name("q", "delayed"), "1", job->id});
  }
  std::map<std::string, int> completed;
  for (int round = 0, idle = 0; idle < 3; ++round) {
    expect(round < 10000, "the last jobs do not end");
    const auto claimed = queue_.step("last/0", {}, 64).claimed;
    idle = claimed.empty() ? idle + 1 : 0;
    std::vector<queue::Settlement> settlements(claimed.size());
    for (std::size_t i = 0; i < claimed.size(); ++i) {
      settlements[i].id = claimed[i].id;
      settlements[i].epoch = claimed[i].epoch;
    }
    const auto result = queue_.step("last/0", settlements, 0);
    for (std::size_t i = 0; i < claimed.size(); ++i) {
      expect(result.settled[i] == queue::Settled::done, claimed[i].id + " does not complete");
      expect(++completed[claimed[i].id] == 1, claimed[i].id + " completes twice");
    }
  }
  for (auto& [id, job] : world_.jobs) {
    const bool lives = job.state != JobState::done && job.state != JobState::dead;
    expect(lives == (completed.count(id) == 1), id + " is lost, or runs though it ended");
    completed.erase(id);
    if (!lives) continue;
    ++world_.stat["completed"];
    ++world_.stat["started"];
  }
  expect(completed.empty(), "a job completes that nobody enqueued");
  popped_ = false;
  check();
  compare_stat();
}

}  // namespace wp::test
