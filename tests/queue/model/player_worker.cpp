#include <algorithm>
#include <fmt/format.h>

#include "tests/queue/model/player.h"

namespace wp::test {

using queue::Claim;
using queue::ClaimedJob;
using queue::JobState;
using queue::Outcome;
using queue::Settled;
using queue::Settlement;

namespace {
const std::string& some_worker(Dice& dice) {
  const auto& names = model_workers();
  return names[static_cast<std::size_t>(dice(static_cast<int>(names.size())))];
}
}  // namespace

void Player::forget_claim(const std::string& worker, const std::string& id) {
  auto& mine = known_[worker];
  const auto found = mine.find(id);
  if (found == mine.end()) return;
  old_.push_back({worker, {id, found->second.epoch}});
  mine.erase(found);
}

// Most of what the worker believes to hold, and some that it can't.
std::vector<Claim> Player::some_claims(Dice& dice, const std::string& worker, int of_four) {
  std::vector<Claim> claims;
  for (const auto& [id, job] : known_[worker]) {
    if (dice(4) < of_four) claims.push_back({id, job.epoch});
  }
  if (!old_.empty() && dice.one_in(6)) {
    claims.push_back(old_[static_cast<std::size_t>(dice(static_cast<int>(old_.size())))].claim);
  }
  const auto active = world_.in(JobState::active);
  if (!active.empty() && dice.one_in(6)) {
    const ModelJob& job = *active[static_cast<std::size_t>(dice(static_cast<int>(active.size())))];
    claims.push_back({job.id, job.epoch - dice(2)});
  }
  const auto same = [](const Claim& a, const Claim& b) { return a.id == b.id; };
  std::stable_sort(claims.begin(), claims.end(),
                   [](const Claim& a, const Claim& b) { return a.id < b.id; });
  claims.erase(std::unique(claims.begin(), claims.end(), same), claims.end());
  return claims;
}

Settlement Player::some_settlement(Dice& dice, const ClaimedJob& job) {
  Settlement s;
  s.id = job.id;
  s.epoch = job.epoch;
  const int end = dice(12);
  s.outcome = end < 7    ? Outcome::complete
              : end == 7 ? Outcome::fail
              : end == 8 ? Outcome::stall
              : end == 9 ? Outcome::crash
              : end < 11 ? Outcome::defer
                         : Outcome::bury;
  s.text = s.outcome == Outcome::complete ? fmt::format("\"result of {}\"", job.id) : "no luck";
  s.duration = Millis{dice(100)};
  if (s.outcome == Outcome::defer && dice.one_in(2)) s.delay = std::chrono::hours{1};
  if (s.outcome != Outcome::complete) return s;
  s.next = next_in_chain(job.session, job.chain, s.text);
  if ((!job.session.empty() && dice.one_in(2)) || dice.one_in(30)) {
    const auto version = job.session_version + (dice.one_in(4) ? 1 - dice(3) : 0);
    const std::string by(dice.one_in(10) ? 80U : 4U, 'x');
    s.session = {version, fmt::format("{{\"by\":\"{}\"}}", by)};
  }
  return s;
}

// Completions first: the order in which they are settled.
std::vector<Settlement> Player::some_settlements(Dice& dice, const std::string& worker) {
  std::vector<Settlement> out;
  for (const auto& [id, job] : known_[worker]) {
    if (dice.one_in(2)) out.push_back(some_settlement(dice, job));
  }
  if (!out.empty() && dice.one_in(8)) out.push_back(out.front());
  for (const Claim& claim : some_claims(dice, worker, 0)) {
    ClaimedJob job;
    job.id = claim.id;
    job.epoch = claim.epoch;
    out.push_back(some_settlement(dice, job));
  }
  std::stable_partition(out.begin(), out.end(),
                        [](const Settlement& s) { return s.outcome == Outcome::complete; });
  return out;
}

void Player::step(Dice& dice, bool reply_lost) {
  const std::string& worker = some_worker(dice);
  const auto settlements = some_settlements(dice, worker);
  do_step(worker, settlements, dice(6), reply_lost);
}

void Player::do_step(const std::string& worker, const std::vector<Settlement>& settlements,
                     int want, bool reply_lost) {
  say(fmt::format("  {} wants {}", worker, want));
  const bool none_delayed = world_.in(JobState::delayed).empty();
  const auto result = queue_.step(worker, settlements, want);
  world_.notice_gap();
  const auto answers = world_.settle(worker, settlements, result.view.now.count());
  for (std::size_t i = 0; i < settlements.size(); ++i) {
    const Settlement& s = settlements[i];
    say(fmt::format("  settles {} epoch {} outcome {}: {}", s.id, s.epoch,
                    static_cast<int>(s.outcome), to_string(result.settled[i])));
    expect(result.settled[i] == answers[i],
           fmt::format("{} is settled as {}, not {}", s.id, to_string(result.settled[i]),
                       to_string(answers[i])));
    const bool stays = answers[i] == Settled::conflict || answers[i] == Settled::session_gone ||
                       answers[i] == Settled::session_too_big;
    if (answers[i] == Settled::conflict) {
      const ModelSession* there = world_.session(world_.find(s.id)->session);
      const auto& told = result.sessions.at(i);
      see_session(world_.find(s.id)->session, told.version);
      // A later settlement of this call may have changed it.
      expect(told.version <= there->version, "a conflict tells a session that never was");
      ClaimedJob& job = known_[worker][s.id];
      job.session_version = told.version;
    } else if (!stays) {
      forget_claim(worker, s.id);
    }
  }
  if (world_.completed && world_.settings.keep_done == 0) {
    std::erase_if(world_.jobs, [](const auto& job) {
      return job.second.state == JobState::done && job.second.ended == 0;
    });
  } else if (world_.completed) {
    trimmed_ = true;
  }
  const auto delayed = world_.in(JobState::delayed);
  first_delayed_ = none_delayed && !delayed.empty();
  world_.promote_due();
  world_.reap();
  expect_claims(worker, result.claimed, want);
  expect(result.view.retired == world_.retired(worker), "STEP is wrong about the retirement");
  expect(result.view.paused == !world_.may_claim(), "STEP is wrong about the pause");
  expect(result.view.claimable == world_.claimable(), "STEP is wrong about what is claimable");
  if (reply_lost) return;
  for (const ClaimedJob& job : result.claimed) {
    forget_claim(worker, job.id);
    known_[worker][job.id] = job;
  }
}

void Player::expect_claims(const std::string& worker, const std::vector<ClaimedJob>& claimed,
                           int want) {
  const auto chosen = world_.claim(worker, want);
  std::string real, model;
  for (const ClaimedJob& job : claimed) real += " " + job.id;
  for (const ModelJob* job : chosen) model += " " + job->id;
  say("  claims" + real);
  expect(real == model, fmt::format("{} claims{}, not{}", worker, real, model));
  for (std::size_t i = 0; i < claimed.size(); ++i) {
    const ClaimedJob& job = claimed[i];
    ModelJob& known = *chosen[i];
    expect(job.epoch > epoch_, job.id + " is claimed with an old epoch");
    epoch_ = known.epoch = job.epoch;
    expect(job.failures == known.failures && job.crashes == known.crashes &&
               job.losses == known.losses,
           fmt::format("{} is claimed with failures {} crashes {} losses {}, not {} {} {}", job.id,
                       job.failures, job.crashes, job.losses, known.failures, known.crashes,
                       known.losses));
    expect(job.priority == known.priority && job.payload == known.payload &&
               job.previous == known.previous && job.session == known.session &&
               job.timeout == known.timeout && job.alone == known.suspect &&
               job.chain.size() == known.chain.size(),
           job.id + " is claimed with other facts than it was enqueued with");
    if (job.session.empty()) continue;
    const ModelSession* session = world_.session(job.session);
    if (session != nullptr) see_session(job.session, job.session_version);
    expect(job.session_version == (session == nullptr ? -1 : session->version) &&
               job.session_document == (session == nullptr ? "" : session->document),
           job.id + " is claimed with another state of its session");
  }
}

// The version with which a session begins is the queue's choice, but none that there was before.
void Player::see_session(const std::string& name, std::int64_t version) {
  ModelSession& session = world_.sessions.at(name);
  std::int64_t& highest = session_versions_[name];
  if (session.version == kUnseen) {
    expect(version > highest, "session " + name + " begins with a version that there was before");
    session.version = version;
  }
  highest = std::max(highest, version);
}

void Player::beat(Dice& dice) {
  const std::string& worker = some_worker(dice);
  const bool full = dice.one_in(4);
  const auto claims = some_claims(dice, worker, full ? 4 : 3);
  std::vector<queue::Progress> progress;
  for (const Claim& claim : claims) {
    if (dice.one_in(4)) progress.push_back({claim.id, dice(101), "so far"});
  }
  say(fmt::format("  {} names {}{}", worker, claims.size(), full ? ", full" : ""));
  const auto result = queue_.beat(worker, claims, progress, dice.one_in(4) ? "{}" : "", full);

  world_.notice_gap();
  Ids lost, cancelled;
  World::Jobs unknown = world_.held(worker);
  for (const Claim& claim : claims) {
    ModelJob* job = world_.find(claim.id);
    if (job == nullptr || job->state != JobState::active || job->worker != worker ||
        job->epoch != claim.epoch) {
      lost.push_back(claim.id);
      continue;
    }
    job->lapsed = false;
    if (job->cancelled) cancelled.push_back(job->id);
    std::erase(unknown, job);
  }
  if (full) world_.take_back(unknown, World::Back::released);
  trimmed_ = world_.buried = true;
  expect(result.lost == lost, "BEAT is wrong about what is lost");
  expect(result.view.cancelled == cancelled, "BEAT is wrong about what is cancelled");
  expect(result.view.retired == world_.retired(worker), "BEAT is wrong about the retirement");
  expect(result.view.paused == !world_.may_claim(), "BEAT is wrong about the pause");
  const bool suspect_for_me =
      world_.may_claim() && !world_.in(JobState::alone).empty() && world_.held(worker).empty();
  expect(result.view.claimable == (world_.claimable() || suspect_for_me),
         "BEAT is wrong about what is claimable");
  for (const std::string& id : lost) {
    const auto mine = known_[worker].find(id);
    const ModelJob* job = world_.find(id);
    const bool still = mine != known_[worker].end() && job != nullptr &&
                       job->state == JobState::active && job->worker == worker &&
                       job->epoch == mine->second.epoch;
    if (!still) forget_claim(worker, id);
  }
}

void Player::release(Dice& dice) {
  const std::string& worker = some_worker(dice);
  const auto claims = some_claims(dice, worker, 3);
  const bool none_delayed = world_.in(JobState::delayed).empty();
  const int how = dice(4);
  World::Jobs mine;
  for (const Claim& claim : claims) {
    ModelJob* job = world_.find(claim.id);
    if (job != nullptr && job->state == JobState::active && job->worker == worker &&
        job->epoch == claim.epoch) {
      mine.push_back(job);
    }
  }
  const int released = queue_.release(worker, claims,
                                      how == 0   ? queue::ReleaseKind::aside
                                      : how == 1 ? queue::ReleaseKind::interrupted
                                                 : queue::ReleaseKind::unstarted,
                                      dice.one_in(3));
  say(fmt::format("  {} gives {} back{}, {} are its own", worker, claims.size(),
                  how == 0 ? " for later" : "", mine.size()));
  world_.take_back(mine, how == 0   ? World::Back::aside
                         : how == 1 ? World::Back::interrupted
                                    : World::Back::released);
  if (how == 0) put_off(mine);
  first_delayed_ = none_delayed && !world_.in(JobState::delayed).empty();
  expect(released == static_cast<int>(mine.size()), "RELEASE is wrong about what was its own");
  for (const Claim& claim : claims) forget_claim(worker, claim.id);
}

// Later here is a fact, and no time that may pass while a test runs.
void Player::put_off(const World::Jobs& aside) {
  const Millis later = system_clock().wall() + std::chrono::hours{1};
  for (const ModelJob* job : aside) {
    if (job->state != JobState::delayed) continue;
    (void)raw_.execute(
        {"ZADD", queue::key_name("q", "delayed"), "XX", std::to_string(later.count()), job->id});
  }
}

void Player::register_worker(Dice& dice) {
  const std::string& worker = some_worker(dice);
  const auto held = world_.held(pod_of(worker), worker);
  say(fmt::format("  {} finds {} of earlier incarnations", worker, held.size()));
  const int taken = queue_.register_worker(worker, "{}", {}).taken_back;
  expect(taken == static_cast<int>(held.size()), "REGISTER takes back something else");
  world_.take_back_crashed(held);
}

}  // namespace wp::test
