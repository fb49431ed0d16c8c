#include <fmt/format.h>

#include "tests/queue/model/player.h"
#include "tests/support/wait.h"

namespace wp::test {

using queue::JobState;
using queue::key_name;

// What happens to a queue from outside: by hand, on a connection of its own.
void Player::meddle(Kind kind, Dice& dice) {
  woken_ = false;
  const auto cfg = [this](const std::string& field, const std::string& value) {
    (void)raw_.execute({"HSET", key_name("q", "cfg"), field, value});
  };
  const auto pick = [&](const World::Jobs& jobs) -> ModelJob* {
    return jobs.empty() ? nullptr
                        : jobs[static_cast<std::size_t>(dice(static_cast<int>(jobs.size())))];
  };
  switch (kind) {
    case Kind::pop_token:
      (void)raw_.execute({"RPOP", key_name("q", "wake")});
      popped_ = true;
      break;
    case Kind::lapse:
      if (ModelJob* job = pick(world_.in(JobState::active)); job != nullptr) {
        const Ids ids = dice.one_in(2) ? Ids{job->id} : [&] {
          Ids all;
          for (const ModelJob* one : world_.held(job->worker)) all.push_back(one->id);
          return all;
        }();
        for (const std::string& id : ids) {
          (void)raw_.execute({"ZADD", key_name("q", "active"), "1", id});
          world_.find(id)->lapsed = true;
          say("  " + id);
        }
      }
      break;
    case Kind::gap:
      cfg("seen", "1000");
      world_.gap = true;
      break;
    case Kind::hold_over:
      cfg("hold", "0");
      world_.hold = false;
      break;
    case Kind::clock_back: {
      cfg("seen", "9007199254740000");
      if (ModelJob* job = pick(world_.in(JobState::active)); job != nullptr) {
        (void)raw_.execute({"ZADD", key_name("q", "active"), "9007199254740000", job->id});
        job->lapsed = false;
      }
      world_.gap = true;
      woken_ = true;
      trim();
      break;
    }
    case Kind::make_due:
      for (int n = 1 + dice(3); n > 0; --n) {
        ModelJob* job = pick(world_.in(JobState::delayed));
        if (job == nullptr) break;
        job->due = 1000 + world_.operation * 10 + n;
        (void)raw_.execute({"ZADD", key_name("q", "delayed"), std::to_string(job->due), job->id});
        say("  " + job->id);
      }
      break;
    case Kind::refill_rate:
      cfg("rate_at", "1000");
      world_.drawn = false;
      world_.set_rate(world_.settings.rate);
      break;
    case Kind::expire_session: {
      const std::string name = fmt::format("s{}", dice(3));
      (void)raw_.execute({"ZADD", key_name("q", "sessexp"), "XX", "1", name});
      if (world_.sessions.contains(name)) world_.sessions[name].expired = true;
      // Sessions live for more than a ms.
      const Millis now = system_clock().wall();
      (void)eventually([&] { return system_clock().wall() > now + Millis{1}; });
      break;
    }
    case Kind::expire_unique: {
      const std::string key = fmt::format("u{}", dice(3));
      (void)raw_.execute({"ZADD", key_name("q", "uniqexp"), "XX", "1", key});
      const auto found = world_.uniques.find(key);
      if (found != world_.uniques.end() && found->second.timed) found->second.expired = true;
      break;
    }
    default:
      break;
  }
}

}  // namespace wp::test
