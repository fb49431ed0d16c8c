#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <stdexcept>

#include "queue/calls.h"
#include "queue/codec.h"
#include "queue/scripts.h"

namespace wp::queue {
namespace {

using redis::Reply;
using redis::Script;
using redis::ScriptCall;

constexpr int kMaxManaged = 1000;  // ids of one call

bool is_waiting(JobState state) {
  return state == JobState::ready || state == JobState::alone || state == JobState::delayed;
}

void check_count(std::size_t count) {
  if (count > kMaxManaged) {
    throw std::invalid_argument(fmt::format("{} jobs: allowed are {} a call", count, kMaxManaged));
  }
}

}  // namespace

std::vector<Managed> Queue::manage(const Script& script, std::vector<std::string> args,
                                   const std::vector<std::string>& ids,
                                   const std::function<bool(JobState)>& changes) {
  check_count(ids.size());
  if (ids.empty()) return {};
  ScriptCall script_call = call(script);
  script_call.args = std::move(args);
  script_call.args.insert(script_call.args.end(), ids.begin(), ids.end());
  const Reply reply = connection_.call(script_call);
  std::vector<Managed> out;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const JobState state = parse_job_state(reply.at(i).text());
    out.push_back({ids[i], state, changes(state)});
  }
  return out;
}

std::vector<Managed> Queue::cancel(const std::vector<std::string>& ids) {
  return manage(scripts().cancel, {}, ids,
                [](JobState state) { return is_waiting(state) || state == JobState::active; });
}

std::vector<Managed> Queue::promote(const std::vector<std::string>& ids) {
  return manage(scripts().promote, {}, ids,
                [](JobState state) { return state == JobState::delayed; });
}

std::vector<Managed> Queue::reprioritise(const std::vector<std::string>& ids, int priority) {
  if (priority < 0 || priority > 255) {
    throw std::invalid_argument(fmt::format("priority {}: allowed are 0 to 255", priority));
  }
  return manage(scripts().reprioritise, {std::to_string(priority)}, ids, is_waiting);
}

std::vector<Managed> Queue::remove(const std::vector<std::string>& ids) {
  return manage(scripts().remove, {}, ids, [](JobState state) {
    return state != JobState::active && state != JobState::unknown;
  });
}

std::vector<Managed> Queue::redrive(const std::vector<std::string>& ids) {
  check_count(ids.size());
  if (ids.empty()) return {};
  ScriptCall script = call(scripts().redrive);
  script.args = {"0"};
  script.args.insert(script.args.end(), ids.begin(), ids.end());
  const Reply reply = connection_.call(script);
  std::vector<Managed> out;
  for (std::size_t i = 0; i + 1 < reply.array().size(); i += 2) {
    const JobState state = parse_job_state(reply.at(i + 1).text());
    out.push_back({reply.at(i).text(), state, state == JobState::dead});
  }
  return out;
}

std::vector<Managed> Queue::redrive_oldest(int limit) {
  ScriptCall script = call(scripts().redrive);
  script.args = {std::to_string(std::clamp(limit, 1, kMaxManaged))};
  const Reply reply = connection_.call(script);
  std::vector<Managed> out;
  for (std::size_t i = 0; i + 1 < reply.array().size(); i += 2) {
    out.push_back({reply.at(i).text(), JobState::dead, true});
  }
  return out;
}

Purged Queue::purge(JobState state, int limit) {
  const bool fine = state == JobState::ready || state == JobState::delayed ||
                    state == JobState::done || state == JobState::dead;
  if (!fine) {
    throw std::invalid_argument(fmt::format(
        "purge of {} jobs: allowed are ready, delayed, done and dead", to_string(state)));
  }
  ScriptCall script = call(scripts().purge);
  script.args = {state == JobState::ready ? "waiting" : std::string(to_string(state)),
                 std::to_string(std::clamp(limit, 1, kMaxManaged))};
  const Reply reply = connection_.call(script);
  return {reply.at(0).integer(), reply.at(1).integer()};
}

std::string Queue::pause(const std::string& by) {
  if (by.empty() || by.size() > 64) {
    throw std::invalid_argument("pause: a name of 1 to 64 bytes says who did it");
  }
  ScriptCall script = call(scripts().pause);
  script.args = {by};
  return connection_.call(script).text();
}

std::string Queue::resume() {
  ScriptCall script = call(scripts().pause);
  script.args = {""};
  return connection_.call(script).text();
}

JobView Queue::job(const std::string& id) {
  ScriptCall script = call(scripts().job);
  script.args = {id};
  const Reply reply = connection_.call(script);
  JobView view;
  view.id = id;
  view.state = parse_job_state(reply.at(0).text());
  if (view.state == JobState::unknown) return view;
  view.priority = static_cast<int>(reply.at(1).integer());
  view.enqueued = Millis{reply.at(2).integer()};
  view.failures = static_cast<int>(reply.at(3).integer());
  view.crashes = static_cast<int>(reply.at(4).integer());
  view.losses = static_cast<int>(reply.at(5).integer());
  view.deferrals = static_cast<int>(reply.at(6).integer());
  const Millis score{reply.at(7).integer()};
  if (view.state == JobState::delayed) view.due = score;
  if (view.state == JobState::done || view.state == JobState::dead) view.finished = score;
  if (view.state == JobState::active) {
    view.lease_until = score;
    view.epoch = reply.at(8).integer();
    view.worker = reply.at(9).text();
    view.cancelled = reply.at(10).integer() != 0;
  }
  view.session = reply.at(11).text();
  view.unique = reply.at(12).text();
  if (!reply.at(13).is_nil()) {
    Envelope envelope = decode_envelope(reply.at(13).text());
    view.type = std::move(envelope.type);
    view.payload = std::move(envelope.payload);
    view.timeout = envelope.timeout;
    view.payload_kept = true;
  } else {
    view.type = reply.at(15).text();
  }
  view.result = result_to_json(reply.at(14).is_nil() ? "" : reply.at(14).text());
  return view;
}

JobPage Queue::list(JobState state, int offset, int limit) {
  if (state == JobState::unknown) throw std::invalid_argument("list: no such state");
  ScriptCall script = call(scripts().list);
  script.args = {std::string(to_string(state)), std::to_string(std::max(0, offset)),
                 std::to_string(std::clamp(limit, 1, kMaxManaged))};
  const Reply reply = connection_.call(script);
  // The score of those that wait is their place, not a time.
  const bool timed = state != JobState::ready && state != JobState::alone;
  JobPage page;
  page.total = reply.at(0).integer();
  for (std::size_t i = 1; i + 1 < reply.array().size(); i += 2) {
    page.jobs.emplace_back(reply.at(i).text(), Millis{timed ? reply.at(i + 1).integer() : 0});
  }
  return page;
}

}  // namespace wp::queue
