#include "queue/calls.h"
#include "queue/codec.h"
#include "queue/scripts.h"

namespace wp::queue {
namespace {

using redis::Reply;
using redis::Script;
using redis::ScriptCall;

constexpr std::string_view kPerson = "person";

std::string word_of(RetiredBy by) {
  return by == RetiredBy::person ? std::string(kPerson) : "controller";
}

ConfigWritten parse_written(const std::string& answer) {
  if (answer == "written") return ConfigWritten::written;
  if (answer == "unchanged") return ConfigWritten::unchanged;
  return answer == "stale" ? ConfigWritten::stale_term : ConfigWritten::other_owner;
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

}  // namespace

ConfigWritten Queue::write_config(const std::map<std::string, std::string>& fields,
                                  const std::string& hash, const std::string& owner,
                                  std::int64_t term) {
  ScriptCall script = call(scripts().config);
  script.args = {hash, owner, std::to_string(term), std::to_string(kFormat),
                 std::to_string(fields.size() + 1)};
  for (const auto& [field, value] : fields) {
    script.args.push_back(field);
    script.args.push_back(value);
  }
  script.args.emplace_back("about");
  script.args.emplace_back(kAbout);
  return parse_written(connection_.call(script).text());
}

ConfigWritten Queue::orphan(const std::string& owner, std::int64_t term) {
  ScriptCall script = call(scripts().orphan);
  script.args = {owner, std::to_string(term)};
  return parse_written(connection_.call(script).text());
}

ScriptCall Queue::counts_call(std::string_view queue, const CountsOptions& options) {
  ScriptCall script = make_call(scripts().counts, queue);
  script.args = {std::to_string(options.horizon.count()), options.worker_info ? "1" : "0",
                 std::to_string(options.failures_since.value_or(Millis{-1}).count()),
                 std::to_string(options.terminating.size())};
  script.args.insert(script.args.end(), options.terminating.begin(), options.terminating.end());
  return script;
}

Counts Queue::parse_counts(const Reply& reply) {
  Counts counts;
  std::size_t i = 0;
  const auto next = [&]() -> const Reply& { return reply.at(i++); };
  counts.now = Millis{next().integer()};
  counts.waiting = next().integer();
  counts.alone = next().integer();
  counts.waiting += counts.alone;
  counts.due = next().integer();
  counts.due_soon = next().integer();
  counts.delayed = next().integer();
  counts.active = next().integer();
  counts.active_serving = next().integer();
  counts.dead = next().integer();
  counts.done = next().integer();
  counts.bytes = next().integer();
  counts.dead_bytes = next().integer();
  counts.next_due = optional_time(next());
  counts.oldest_wait = optional_time(next());
  counts.paused = next().integer() != 0;
  counts.paused_by = next().text();
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
                              workers[w + 3].integer() != 0, workers[w + 4].text(),
                              says_broken(workers[w + 4].text())});
  }
  const auto& retired = next().array();
  for (std::size_t r = 0; r + 3 < retired.size(); r += 4) {
    counts.retired.push_back(
        {retired[r].text(),
         retired[r + 1].text() == kPerson ? RetiredBy::person : RetiredBy::controller,
         Millis{retired[r + 2].integer()}, static_cast<int>(retired[r + 3].integer())});
  }
  const auto& failures = next().array();
  for (std::size_t f = 0; f + 3 < failures.size(); f += 4) {
    counts.failures.push_back({failures[f].text(), Millis{failures[f + 1].integer()},
                               failures[f + 2].text(), failures[f + 3].text()});
  }
  return counts;
}

Counts Queue::counts(const CountsOptions& options) {
  return parse_counts(connection_.call(counts_call(name_, options)));
}

ScriptCall Queue::retire_call(std::string_view queue, const std::vector<std::string>& pods,
                              RetiredBy by, std::int64_t term, Millis lapse) {
  ScriptCall script = make_call(scripts().retire, queue);
  script.args = {word_of(by), std::to_string(term), std::to_string(lapse.count())};
  script.args.insert(script.args.end(), pods.begin(), pods.end());
  return script;
}

std::optional<std::vector<int>> Queue::parse_retired(const Reply& reply) {
  if (reply.at(0).text() == "stale") return std::nullopt;
  std::vector<int> held;
  for (const Reply& count : reply.at(1).array()) held.push_back(static_cast<int>(count.integer()));
  return held;
}

std::optional<std::vector<int>> Queue::retire(const std::vector<std::string>& pods, RetiredBy by,
                                              std::int64_t term, Millis lapse) {
  return parse_retired(connection_.call(retire_call(name_, pods, by, term, lapse)));
}

ScriptCall Queue::unretire_call(std::string_view queue, const std::vector<std::string>& pods,
                                RetiredBy by, std::int64_t term) {
  ScriptCall script = make_call(scripts().unretire, queue);
  script.args = {word_of(by), std::to_string(term)};
  script.args.insert(script.args.end(), pods.begin(), pods.end());
  return script;
}

std::optional<int> Queue::parse_unretired(const Reply& reply) {
  if (reply.at(0).text() == "stale") return std::nullopt;
  return static_cast<int>(reply.at(1).integer());
}

std::optional<int> Queue::unretire(const std::vector<std::string>& pods, RetiredBy by,
                                   std::int64_t term) {
  return parse_unretired(connection_.call(unretire_call(name_, pods, by, term)));
}

ScriptCall Queue::reclaim_call(std::string_view queue, const std::vector<std::string>& gone,
                               LossCause cause, const std::string& reason, std::int64_t term,
                               const std::string& except) {
  ScriptCall script = make_call(scripts().reclaim, queue);
  script.args = {std::to_string(term), cause == LossCause::crash ? "crash" : "loss", reason,
                 except};
  script.args.insert(script.args.end(), gone.begin(), gone.end());
  return script;
}

std::optional<Reclaimed> Queue::parse_reclaimed(const Reply& reply) {
  if (reply.at(0).text() == "stale") return std::nullopt;
  return Reclaimed{static_cast<int>(reply.at(1).integer()),
                   static_cast<int>(reply.at(2).integer())};
}

std::optional<Reclaimed> Queue::reclaim(const std::vector<std::string>& gone, LossCause cause,
                                        const std::string& reason, std::int64_t term,
                                        const std::string& except) {
  return parse_reclaimed(connection_.call(reclaim_call(name_, gone, cause, reason, term, except)));
}

ScriptCall Queue::trim_call(std::string_view queue) {
  return make_call(scripts().trim, queue);
}

Trimmed Queue::trim() {
  return parse_trimmed(connection_.call(trim_call(name_)));
}

Trimmed Queue::parse_trimmed(const Reply& reply) {
  return {static_cast<int>(reply.at(0).integer()), static_cast<int>(reply.at(1).integer()),
          static_cast<int>(reply.at(2).integer())};
}

}  // namespace wp::queue
