#include <fmt/format.h>

#include "tests/queue/model/player.h"

namespace wp::test {

using queue::ConfigWritten;
using queue::JobState;
using queue::LossCause;
using queue::RetiredBy;

namespace {

std::vector<std::string> some_pods(Dice& dice) {
  std::vector<std::string> pods = {fmt::format("pod-{}", dice(4))};
  if (dice.one_in(3)) pods.push_back(fmt::format("pod-{}", dice(4)));
  if (pods.size() == 2 && pods[0] == pods[1]) pods.pop_back();
  return pods;
}

RetiredBy some_retirer(Dice& dice) {
  return dice.one_in(3) ? RetiredBy::person : RetiredBy::controller;
}

}  // namespace

void Player::retire(Dice& dice) {
  woken_ = false;
  const auto pods = some_pods(dice);
  const RetiredBy by = some_retirer(dice);
  const bool stale = dice.one_in(6);
  const bool lapsed = dice.one_in(3);
  const auto answer =
      queue_.retire(pods, by, world_.term - (stale ? 1 : 0), lapsed ? Millis{0} : Millis{3600000});
  say(fmt::format("  {} of {}{}", by == RetiredBy::person ? "person" : "controller", pods.front(),
                  lapsed ? ", lapsed" : ""));
  const bool refused = stale && by == RetiredBy::controller;
  expect(answer.has_value() != refused, "RETIRE is wrong about the term");
  if (refused) return;
  for (std::size_t i = 0; i < pods.size(); ++i) {
    expect((*answer)[i] == static_cast<int>(world_.held(pods[i]).size()),
           "RETIRE is wrong about what a pod holds");
    const auto there = world_.retirements.find(pods[i]);
    const bool by_person =
        there != world_.retirements.end() && there->second.by == RetiredBy::person;
    if (by == RetiredBy::controller && by_person) continue;
    world_.retirements[pods[i]] = {by, lapsed && by == RetiredBy::controller};
  }
}

void Player::unretire(Dice& dice) {
  const auto pods = some_pods(dice);
  const RetiredBy by = some_retirer(dice);
  const bool stale = dice.one_in(6);
  const auto answer = queue_.unretire(pods, by, world_.term - (stale ? 1 : 0));
  const bool refused = stale && by == RetiredBy::controller;
  expect(answer.has_value() != refused, "UNRETIRE is wrong about the term");
  if (refused) {
    woken_ = false;
    return;
  }
  int back = 0;
  for (const std::string& pod : pods) {
    const auto there = world_.retirements.find(pod);
    if (there == world_.retirements.end()) continue;
    if (by == RetiredBy::controller && there->second.by == RetiredBy::person) continue;
    world_.retirements.erase(there);
    ++back;
  }
  expect(*answer == back, "UNRETIRE is wrong about how many");
}

void Player::reclaim(Dice& dice) {
  auto gone = some_pods(dice);
  if (dice.one_in(3)) {
    gone.push_back(model_workers()[static_cast<std::size_t>(dice(6))]);
  }
  const LossCause cause = dice.one_in(2) ? LossCause::crash : LossCause::loss;
  const std::string except =
      dice.one_in(3) ? model_workers()[static_cast<std::size_t>(dice(6))] : "";
  std::string names;
  for (const std::string& name : gone) names += " " + name;
  say(fmt::format("  {} of{} except {}", cause == LossCause::crash ? "crash" : "loss", names,
                  except));
  const bool stale = dice.one_in(10);
  const auto answer = queue_.reclaim(gone, cause, "is gone", world_.term - (stale ? 1 : 0), except);
  expect(answer.has_value() != stale, "RECLAIM is wrong about the term");
  if (stale) {
    woken_ = false;
    return;
  }
  int taken = 0;
  for (const std::string& name : gone) {
    const auto held = world_.held(name, except);
    taken += static_cast<int>(held.size());
    if (cause == LossCause::crash) {
      world_.take_back_crashed(held);
    } else {
      world_.take_back(held, World::Back::loss);
    }
  }
  expect(answer->taken == taken && answer->left == 0,
         fmt::format("RECLAIM takes {} and leaves {}, not {} and 0", answer->taken, answer->left,
                     taken));
}

void Player::trim() {
  const int due = static_cast<int>(world_.in(JobState::delayed).size());
  const int active = static_cast<int>(world_.in(JobState::active).size());
  const auto answer = queue_.trim();
  world_.notice_gap();
  world_.promote_due();
  const int promoted = due - static_cast<int>(world_.in(JobState::delayed).size());
  world_.reap();
  const int reaped = active - static_cast<int>(world_.in(JobState::active).size());
  expect(answer.promoted == promoted, "TRIM is wrong about what it promoted");
  expect(answer.reaped == reaped, "TRIM is wrong about what it reaped");
  trimmed_ = world_.buried = true;
}

void Player::config(Dice& dice) {
  if (!world_.orphaned && dice.one_in(8)) {
    expect(queue_.write_config({{"paused", "1"}}, "x", "pool-uid", world_.term - 1) ==
               ConfigWritten::stale_term,
           "CONFIG takes an old term");
    expect(queue_.write_config({{"paused", "1"}}, "x", "another", world_.term + 5) ==
               ConfigWritten::other_owner,
           "CONFIG takes another pool's write");
    woken_ = false;
    return;
  }
  Settings& s = world_.settings;
  switch (dice(13)) {
    case 0:
      s.max_active = dice(5);
      break;
    case 1:
      world_.set_rate(dice(3) * 2);
      break;
    case 2:
      s.max_depth = dice(3) * 6;
      break;
    case 3:
      s.max_attempts = 1 + dice(4);
      break;
    case 4:
      s.max_crashes = dice(3);
      break;
    case 5:
      s.max_losses = dice(4);
      break;
    case 6:
      s.keep_done = dice(4) * 3;
      break;
    case 7:
      s.keep_dead = dice.one_in(2) ? 10000 : dice(4);
      break;
    case 8:
      s.keep_dead_bytes = dice(3) * 100;
      break;
    case 9:
      s.paused = !s.paused;
      break;
    case 10:
      s.keep_payloads = !s.keep_payloads;
      break;
    case 11:
      s.slow_retries = !s.slow_retries;
      break;
    default:
      s.lease_ms = 3600000 + dice(2) * 3600000;
  }
  if (dice.one_in(4)) s.paused = false;
  ++world_.term;
  std::string text;
  for (const auto& [field, value] : s.fields()) text += fmt::format(" {}={}", field, value);
  say(text);
  const auto written =
      queue_.write_config(s.fields(), fmt::format("hash {}", world_.term), "pool-uid", world_.term);
  expect(written == ConfigWritten::written, "CONFIG refuses its pool's write");
  world_.orphaned = false;
}

void Player::orphan() {
  woken_ = false;
  expect(queue_.orphan("another", world_.term) ==
             (world_.orphaned ? ConfigWritten::unchanged : ConfigWritten::other_owner),
         "ORPHAN takes another pool's word");
  (void)queue_.orphan("pool-uid", world_.term);
  world_.orphaned = true;
}

void Player::counts() {
  woken_ = false;
  const auto counts = queue_.counts({.horizon = Millis{600000}, .terminating = {"pod-3"}});
  const auto size = [this](JobState state) {
    return static_cast<std::int64_t>(world_.in(state).size());
  };
  std::int64_t due = 0, serving = 0;
  for (const ModelJob* job : world_.in(JobState::delayed)) due += job->due == kLater ? 0 : 1;
  for (const ModelJob* job : world_.in(JobState::active)) {
    serving += world_.retired(job->worker) || pod_of(job->worker) == "pod-3" ? 0 : 1;
  }
  expect(counts.waiting == size(JobState::ready) + size(JobState::alone), "COUNTS: waiting");
  expect(counts.alone == size(JobState::alone), "COUNTS: alone");
  expect(counts.due == due && counts.due_soon == due, "COUNTS: due");
  expect(counts.delayed == size(JobState::delayed), "COUNTS: delayed");
  expect(counts.active == size(JobState::active), "COUNTS: active");
  expect(counts.active_serving == serving, "COUNTS: active on serving workers");
  expect(counts.dead == size(JobState::dead), "COUNTS: dead");
  expect(counts.done == size(JobState::done), "COUNTS: done");
  expect(counts.paused == !world_.may_claim(), "COUNTS: paused");
  compare_stat();
}

}  // namespace wp::test
