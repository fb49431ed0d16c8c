#include "queue/queue.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

#include "base/ids.h"
#include "base/units.h"
#include "queue/codec.h"
#include "queue/scripts.h"

namespace wp::queue {
namespace {

using redis::Reply;
using redis::Script;
using redis::ScriptCall;

constexpr std::int64_t kLargestPayload = 1024 * 1024;

ScriptCall make_call(const Script& script, std::string_view queue) {
  ScriptCall call;
  call.script = &script;
  call.keys.reserve(script.key_names().size());
  for (const std::string& part : script.key_names()) call.keys.push_back(key_name(queue, part));
  return call;
}

std::string_view outcome_word(Outcome outcome) {
  switch (outcome) {
    case Outcome::complete:
      return "complete";
    case Outcome::fail:
      return "fail";
    case Outcome::crash:
      return "crash";
    case Outcome::defer:
      return "defer";
    case Outcome::bury:
      return "bury";
  }
  return "fail";
}

Settled parse_settled(const std::string& word) {
  for (const Settled settled :
       {Settled::done, Settled::retried, Settled::deferred, Settled::dead}) {
    if (word == to_string(settled)) return settled;
  }
  return Settled::stale;
}

std::optional<Millis> optional_time(const Reply& reply) {
  const std::int64_t value = reply.integer();
  return value < 0 ? std::nullopt : std::optional(Millis{value});
}

std::vector<std::string> texts(const Reply& reply) {
  std::vector<std::string> out;
  for (const Reply& item : reply.array()) out.push_back(item.text());
  return out;
}

// The last five values of a STEP's and a BEAT's reply.
void read_view(const Reply& reply, std::size_t from, WorkerView& view) {
  view.now = Millis{reply.at(0).integer()};
  view.retired = reply.at(from).integer() != 0;
  view.paused = reply.at(from + 1).integer() != 0;
  view.claimable = reply.at(from + 2).integer() != 0;
  view.next_due = optional_time(reply.at(from + 3));
  view.config_hash = reply.at(from + 4).text();
}

Config parse_config(const Reply& reply) {
  Config config;
  const auto& items = reply.array();
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    config.fields[items[i].text()] = items[i + 1].text();
  }
  config.hash = config.text("hash", "");
  config.owner = config.text("owner", "");
  config.present = !config.hash.empty();
  return config;
}

// T:types keeps "#name" → number, "number" → waiting, and "used".
std::map<std::string, std::int64_t> parse_types(const Reply& reply) {
  std::map<std::string, std::string> names{{"0", "other"}};
  const auto& items = reply.array();
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    const std::string& field = items[i].text();
    if (field.starts_with('#')) names[items[i + 1].text()] = field.substr(1);
  }
  std::map<std::string, std::int64_t> types;
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    const auto name = names.find(items[i].text());
    if (name != names.end()) types[name->second] = items[i + 1].integer();
  }
  return types;
}

// Texts of results and errors are bounded here, whatever the caller does.
std::string bounded(const std::string& text, std::size_t max) {
  return text.size() <= max ? text : text.substr(0, max);
}

}  // namespace

std::string key_name(std::string_view queue, std::string_view part) {
  return fmt::format("wp:{{{}}}:{}", queue, part);
}

std::string owner_of(std::string_view uid, std::string_view pool_key) {
  return fmt::format("{}@{}", uid, pool_key);
}

bool owner_gives_way(std::string_view owner, std::string_view mine) {
  if (owner.empty() || owner == "standalone" || owner == "orphaned") return true;
  const std::size_t at = owner.find('@');
  const std::size_t mine_at = mine.find('@');
  return at != std::string_view::npos && mine_at != std::string_view::npos &&
         owner.substr(at) == mine.substr(mine_at);
}

std::string problem_with_queue_name(std::string_view name) {
  const bool fine =
      !name.empty() && name.size() <= 128 && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
               c == '.' || c == '_' || c == ':' || c == '/' || c == '-';
      });
  if (fine) return {};
  return fmt::format("queue \"{}\": allowed are 1 to 128 characters of A-Z a-z 0-9 . _ : / -",
                     name.substr(0, 140));
}

std::int64_t Config::number(std::string_view field, std::int64_t fallback) const {
  const auto found = fields.find(std::string(field));
  if (found == fields.end()) return fallback;
  std::int64_t value = 0;
  const std::string& text = found->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? value : fallback;
}

std::string Config::text(std::string_view field, std::string_view fallback) const {
  const auto found = fields.find(std::string(field));
  return found == fields.end() ? std::string(fallback) : found->second;
}

Queue::Queue(redis::Connection& connection, std::string name)
    : connection_(connection), name_(std::move(name)) {}

ScriptCall Queue::call(const Script& script) const {
  return make_call(script, name_);
}

std::vector<Enqueued> Queue::enqueue(std::vector<NewJob>& jobs, bool force, std::size_t* taken) {
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const std::string problem = problem_with(jobs[i], kLargestPayload);
    if (!problem.empty()) throw std::invalid_argument(fmt::format("job {}: {}", i + 1, problem));
    if (jobs[i].id.empty()) jobs[i].id = make_job_id();
  }
  if (taken != nullptr) *taken = 0;

  std::vector<Enqueued> results;
  results.reserve(jobs.size());
  for (std::size_t next = 0; next < jobs.size();) {
    ScriptCall script = call(scripts().enqueue);
    std::vector<std::string> words;
    std::size_t bytes = 0;
    std::size_t end = next;
    while (end < jobs.size() && end - next < kMaxJobsPerCall) {
      const NewJob& job = jobs[end];
      std::string envelope = encode_envelope(job.type, job.payload);
      if (end > next && bytes + envelope.size() > kMaxBytesPerCall) break;
      bytes += envelope.size();
      words.push_back(job.id);
      words.push_back(std::to_string(job.priority));
      words.push_back(std::to_string(job.delay.count()));
      words.push_back(job.type);
      words.push_back(std::move(envelope));
      ++end;
    }
    script.args = {force ? "1" : "0", std::to_string(end - next)};
    std::move(words.begin(), words.end(), std::back_inserter(script.args));

    Reply reply;
    try {
      reply = connection_.call(script);
    } catch (const redis::Error& e) {
      if (e.error_class() != redis::ErrorClass::out_of_memory) throw;
      throw EnqueueRefused(EnqueueRefused::Reason::out_of_memory, Millis{1000},
                           "Redis is at maxmemory: try again when jobs have completed");
    }
    const std::string& verdict = reply.at(0).text();
    if (verdict == "full") {
      throw EnqueueRefused(EnqueueRefused::Reason::full, Millis{reply.at(1).integer()},
                           fmt::format("queue {} is full (its max{} is reached)", name_,
                                       reply.at(2).text() == "bytes" ? "Bytes" : "Depth"));
    }
    if (verdict == "nopool") {
      throw EnqueueRefused(
          EnqueueRefused::Reason::no_pool, Millis{0},
          fmt::format("no pool or worker serves queue {}: check its name, or force the enqueue",
                      name_));
    }
    if (verdict == "toobig") {
      throw EnqueueRefused(
          EnqueueRefused::Reason::too_big, Millis{0},
          fmt::format("job {}: payload of {} bytes; queue {} allows {} (jobs.maxPayload): pass "
                      "larger things by reference",
                      next + static_cast<std::size_t>(reply.at(1).integer()), reply.at(2).integer(),
                      name_, format_bytes(reply.at(3).integer())));
    }
    const Reply& states = reply.at(1);
    for (std::size_t i = next; i < end; ++i) {
      const std::string& state = states.at(i - next).text();
      Enqueued result{jobs[i].id, state != "new", JobState::ready};
      if (result.duplicate) {
        result.state = parse_job_state(state);
      } else if (jobs[i].delay > Millis{0}) {
        result.state = JobState::delayed;
      }
      results.push_back(std::move(result));
    }
    next = end;
    if (taken != nullptr) *taken = next;
  }
  return results;
}

StepResult Queue::step(const std::string& worker, const std::vector<Settlement>& settlements,
                       int want) {
  ScriptCall script = call(scripts().step);
  script.args = {worker, std::to_string(want), std::to_string(settlements.size())};
  for (const Settlement& s : settlements) {
    script.args.push_back(s.id);
    script.args.push_back(std::to_string(s.epoch));
    script.args.emplace_back(outcome_word(s.outcome));
    script.args.push_back(
        bounded(s.text, s.outcome == Outcome::complete ? kMaxResultBytes : kMaxErrorBytes));
    script.args.push_back(std::to_string(s.duration.count()));
    script.args.push_back(std::to_string(s.delay.count()));
    // Only a failure's backoff uses the chance.
    script.args.push_back(s.outcome == Outcome::complete ? "0"
                                                         : std::to_string(random_u64() % 10000));
  }
  const Reply reply = connection_.call(script);
  StepResult result;
  for (const Reply& settled : reply.at(1).array()) {
    result.settled.push_back(parse_settled(settled.text()));
  }
  for (const Reply& raw : reply.at(2).array()) {
    ClaimedJob job;
    job.id = raw.at(0).text();
    job.epoch = raw.at(1).integer();
    job.alone = raw.at(2).integer() != 0;
    job.failures = static_cast<int>(raw.at(3).integer());
    job.crashes = static_cast<int>(raw.at(4).integer());
    job.losses = static_cast<int>(raw.at(5).integer());
    job.waited = Millis{raw.at(6).integer()};
    Envelope envelope = decode_envelope(raw.at(7).text());
    job.type = std::move(envelope.type);
    job.payload = std::move(envelope.payload);
    result.claimed.push_back(std::move(job));
  }
  read_view(reply, 3, result.view);
  return result;
}

BeatResult Queue::beat(const std::string& worker, const std::vector<Claim>& claims,
                       const std::vector<Progress>& progress, const std::string& info, bool full) {
  ScriptCall script = call(scripts().beat);
  script.args = {worker, full ? "1" : "0", info, std::to_string(claims.size()),
                 std::to_string(progress.size())};
  for (const Claim& claim : claims) {
    script.args.push_back(claim.id);
    script.args.push_back(std::to_string(claim.epoch));
  }
  for (const Progress& p : progress) {
    script.args.push_back(p.id);
    script.args.push_back(std::to_string(p.percent));
    script.args.push_back(bounded(p.message, 200));
  }
  const Reply reply = connection_.call(script);
  BeatResult result;
  result.lost = texts(reply.at(1));
  result.view.cancelled = texts(reply.at(2));
  read_view(reply, 3, result.view);
  return result;
}

int Queue::release(const std::string& worker, const std::vector<Claim>& claims, ReleaseKind kind,
                   bool leave) {
  ScriptCall script = call(scripts().release);
  script.args = {worker, kind == ReleaseKind::unstarted ? "released" : "interrupted",
                 leave ? "1" : "0", std::to_string(claims.size())};
  for (const Claim& claim : claims) {
    script.args.push_back(claim.id);
    script.args.push_back(std::to_string(claim.epoch));
  }
  return static_cast<int>(connection_.call(script).integer());
}

RegisterResult Queue::register_worker(const std::string& worker, const std::string& info,
                                      const std::map<std::string, std::string>& defaults) {
  ScriptCall script = call(scripts().register_worker);
  script.args = {worker, info, std::to_string(kFormat), std::to_string(defaults.size())};
  for (const auto& [field, value] : defaults) {
    script.args.push_back(field);
    script.args.push_back(value);
  }
  const Reply reply = connection_.call(script);
  if (reply.at(0).text() == "format") {
    throw FormatError(fmt::format(
        "queue {} is written in format {}, this version understands up to {}: upgrade it", name_,
        reply.at(1).integer(), kFormat));
  }
  RegisterResult result;
  result.now = Millis{reply.at(1).integer()};
  result.taken_back = static_cast<int>(reply.at(2).integer());
  result.config = parse_config(reply.at(3));
  return result;
}

ConfigWritten Queue::write_config(const std::map<std::string, std::string>& fields,
                                  const std::string& hash, const std::string& owner,
                                  std::int64_t term) {
  ScriptCall script = call(scripts().config);
  script.args = {hash, owner, std::to_string(term), std::to_string(kFormat),
                 std::to_string(fields.size())};
  for (const auto& [field, value] : fields) {
    script.args.push_back(field);
    script.args.push_back(value);
  }
  const std::string answer = connection_.call(script).text();
  if (answer == "written") return ConfigWritten::written;
  if (answer == "unchanged") return ConfigWritten::unchanged;
  return answer == "stale" ? ConfigWritten::stale_term : ConfigWritten::other_owner;
}

Config Queue::read_config() {
  return parse_config(connection_.execute({"HGETALL", key_name(name_, "cfg")}));
}

ScriptCall Queue::counts_call(std::string_view queue, Millis horizon,
                              const std::vector<std::string>& terminating, bool worker_info) {
  ScriptCall script = make_call(scripts().counts, queue);
  script.args = {std::to_string(horizon.count()), worker_info ? "1" : "0",
                 std::to_string(terminating.size())};
  script.args.insert(script.args.end(), terminating.begin(), terminating.end());
  return script;
}

Counts Queue::parse_counts(const Reply& reply) {
  Counts counts;
  std::size_t i = 0;
  const auto next = [&]() -> const Reply& { return reply.at(i++); };
  counts.now = Millis{next().integer()};
  counts.waiting = next().integer();
  counts.due = next().integer();
  counts.due_soon = next().integer();
  counts.delayed = next().integer();
  counts.active = next().integer();
  counts.active_serving = next().integer();
  counts.dead = next().integer();
  counts.done = next().integer();
  counts.bytes = next().integer();
  counts.next_due = optional_time(next());
  counts.oldest_wait = optional_time(next());
  counts.paused = next().integer() != 0;
  counts.config_present = next().integer() != 0;
  counts.config_hash = next().text();
  counts.config_owner = next().text();
  counts.config_term = next().integer();
  const auto& stat = next().array();
  for (std::size_t s = 0; s + 1 < stat.size(); s += 2) {
    counts.stat[stat[s].text()] = stat[s + 1].integer();
  }
  counts.types = parse_types(next());
  const auto& workers = next().array();
  for (std::size_t w = 0; w + 4 < workers.size(); w += 5) {
    counts.workers.push_back({workers[w].text(), Millis{workers[w + 1].integer()},
                              static_cast<int>(workers[w + 2].integer()),
                              workers[w + 3].integer() != 0, workers[w + 4].text()});
  }
  return counts;
}

Counts Queue::counts(Millis horizon, const std::vector<std::string>& terminating,
                     bool worker_info) {
  return parse_counts(connection_.call(counts_call(name_, horizon, terminating, worker_info)));
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
  }
  if (!reply.at(10).is_nil()) {
    Envelope envelope = decode_envelope(reply.at(10).text());
    view.type = std::move(envelope.type);
    view.payload = std::move(envelope.payload);
    view.payload_kept = true;
  }
  view.result = result_to_json(reply.at(11).is_nil() ? "" : reply.at(11).text());
  return view;
}

std::vector<std::string> Queue::check() {
  return texts(connection_.call(call(scripts().check)));
}

}  // namespace wp::queue
