#include "runner/handlers/builtin.h"

#include <array>
#include <charconv>
#include <cstdlib>

#include <nlohmann/json.hpp>

#include "base/log.h"
#include "base/units.h"
#include "runner/handlers/outcome.h"

namespace wp::runner {
namespace {

constexpr std::array<std::string_view, 6> kNames = {"noop", "echo",  "sleep",
                                                    "fail", "crash", "memory"};

// Moved, never copied: a copy calls itself for each level, and the payload decides how many.
nlohmann::json parse_object(std::string_view payload) {
  nlohmann::json parsed = nlohmann::json::parse(payload, nullptr, false);
  if (!parsed.is_object()) parsed = nullptr;
  return parsed;
}

std::optional<std::int64_t> whole(const nlohmann::json& object, const char* key) {
  // Ten years in milliseconds, the longest duration; more would overflow a timer.
  constexpr std::int64_t kMax = std::int64_t{10} * 365 * 24 * 3600 * 1000;
  const auto it = object.find(key);
  if (it == object.end() || !it->is_number_integer()) return {};
  const auto value = it->get<std::int64_t>();
  if (value < 0 || value > kMax) return {};
  return value;
}

std::string_view strip(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ' || text.back() == '"')) {
    text.remove_suffix(1);
  }
  while (!text.empty() && (text.front() == ' ' || text.front() == '"')) text.remove_prefix(1);
  return text;
}

}  // namespace

std::optional<BuiltinKind> parse_builtin(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<BuiltinKind>(i);
  }
  return std::nullopt;
}

std::optional<Millis> parse_sleep(std::string_view payload) {
  if (const auto duration = parse_duration(strip(payload))) return duration;
  const nlohmann::json object = parse_object(payload);
  if (!object.is_object()) return std::nullopt;
  const auto ms = whole(object, "ms");
  if (!ms) return std::nullopt;
  return Millis{*ms};
}

std::optional<MemoryOrder> parse_memory(std::string_view payload) {
  constexpr std::int64_t kMax = 65536;
  MemoryOrder order;
  const std::string_view text = strip(payload);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), order.mib);
  if (error != std::errc{} || end != text.data() + text.size()) {
    const nlohmann::json object = parse_object(payload);
    if (!object.is_object()) return std::nullopt;
    const auto mib = whole(object, "mib");
    if (!mib) return std::nullopt;
    order.mib = *mib;
    order.hold = Millis{whole(object, "ms").value_or(0)};
  }
  if (order.mib < 0 || order.mib > kMax) return std::nullopt;
  return order;
}

void BuiltinHandler::start(Task task) {
  const std::int64_t epoch = task.job.epoch;
  const std::string& payload = task.job.payload;
  switch (kind_) {
    case BuiltinKind::noop:
      return end(epoch, ending_with(Verdict::complete, "null"));
    case BuiltinKind::echo:
      return end(epoch, complete_with(to_json_document(payload)));
    case BuiltinKind::fail:
      return end(epoch, ending_with(Verdict::fail, payload.empty() ? "failed as asked" : payload));
    case BuiltinKind::crash:
      log::error("the crash handler aborts this runner", {{"job", task.job.id}});
      std::abort();
    case BuiltinKind::sleep:
      if (const auto delay = parse_sleep(payload)) return wait(epoch, *delay, {});
      return end(epoch,
                 ending_with(Verdict::bury,
                             "the payload of sleep is a duration such as 500ms, or {\"ms\": 500}"));
    case BuiltinKind::memory:
      if (const auto order = parse_memory(payload)) {
        // Filled, so that every page is really there.
        std::string block(static_cast<std::size_t>(order->mib) * 1024 * 1024, 'm');
        return wait(epoch, order->hold, std::move(block));
      }
      return end(epoch,
                 ending_with(Verdict::bury,
                             "the payload of memory is MiB, or {\"mib\": 64, \"ms\": 1000}"));
  }
}

void BuiltinHandler::wait(std::int64_t epoch, Millis delay, std::string memory) {
  Waiting& waiting = waiting_[epoch];
  waiting.started = boot_now();
  waiting.memory = std::move(memory);
  waiting.timer =
      loop_.after(delay, [this, epoch] { end(epoch, ending_with(Verdict::complete, "null")); });
}

void BuiltinHandler::end(std::int64_t epoch, Ending ending) {
  ending.epoch = epoch;
  if (const auto it = waiting_.find(epoch); it != waiting_.end()) {
    ending.duration = boot_now() - it->second.started;
    waiting_.erase(it);
  }
  events_.ended(std::move(ending));
}

void BuiltinHandler::stop(std::int64_t epoch, const Stop& stop) {
  const auto it = waiting_.find(epoch);
  if (it == waiting_.end()) return;
  loop_.cancel(it->second.timer);
  end(epoch, stopped_ending(stop));
}

}  // namespace wp::runner
