#include "operator/kube/event_series.h"

#include <fmt/format.h>
#include <utility>

#include "operator/kube/timestamp.h"

namespace wp::kube {
namespace {

// The API server's limits.
constexpr std::size_t kMaxNote = 1024;
constexpr std::size_t kMaxWord = 128;
constexpr std::size_t kMaxNameStem = 220;  // of 253, less the suffix

std::string series_key(const Event& event) {
  const ObjectReference& object = event.regarding;
  // Not the note: it often holds a number that differs each time, and their rate is bounded.
  return fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}", event.type == EventType::normal ? "N" : "W",
                     event.reason, event.action, object.kind, object.ns, object.name, object.uid);
}

std::string namespace_of(const Event& event) {
  return event.regarding.ns.empty() ? "default" : event.regarding.ns;
}

}  // namespace

std::string cut_utf8(std::string text, std::size_t limit) {
  if (text.size() <= limit) return text;
  // A continuation byte is 10xxxxxx: the cut may only come before a byte that is none.
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0u) == 0x80u) --limit;
  text.resize(limit);
  return text;
}

EventSeries::EventSeries(std::string controller, std::string instance, Limits limits)
    : controller_(std::move(controller)),
      instance_(cut_utf8(std::move(instance), kMaxWord)),
      limits_(limits) {}

std::vector<EventWrite> EventSeries::seen(const Event& event, Millis steady, Millis wall) {
  std::vector<EventWrite> writes = sweep(steady);
  const std::string key = series_key(event);
  const auto found = series_.find(key);
  if (found == series_.end()) {
    Series fresh;
    fresh.event = event;
    fresh.name = new_name(event, wall);
    fresh.written_note = event.note;
    fresh.last_seen = steady;
    fresh.last_seen_wall = wall;
    fresh.note_seen_wall = wall;
    fresh.last_written = steady;
    writes.push_back(creation(key, fresh, wall));
    // Beyond the limit an event is written and not remembered: memory stays bounded, and what is
    // lost is only the aggregation.
    if (series_.size() < limits_.max_series) series_.emplace(key, std::move(fresh));
    return writes;
  }
  Series& series = found->second;
  series.repeats = event.note == series.event.note ? series.repeats + 1 : 1;
  series.event = event;
  series.last_seen = steady;
  series.last_seen_wall = wall;
  if (event.note != series.written_note) {
    if (series.notes < limits_.notes || steady - series.last_written >= limits_.note_again) {
      renew(key, series, steady, writes);
    }
    return writes;
  }
  ++series.count;
  series.note_seen_wall = wall;
  if (series.written_count == 1 || steady - series.last_written >= limits_.heartbeat) {
    writes.push_back(update(key, series, steady));
  }
  return writes;
}

std::vector<EventWrite> EventSeries::sweep(Millis steady) {
  std::vector<EventWrite> writes;
  for (auto it = series_.begin(); it != series_.end();) {
    Series& series = it->second;
    const bool ends = steady - series.last_seen >= limits_.window;
    if (series.event.note != series.written_note &&
        (ends || steady - series.last_written >= limits_.note_again)) {
      renew(it->first, series, steady, writes);
    }
    if (!ends) {
      ++it;
      continue;
    }
    if (series.count > series.written_count) writes.push_back(update(it->first, series, steady));
    it = series_.erase(it);
  }
  return writes;
}

void EventSeries::renew(const std::string& key, Series& series, Millis steady,
                        std::vector<EventWrite>& writes) {
  if (series.count > series.written_count) writes.push_back(update(key, series, steady));
  series.name = new_name(series.event, series.last_seen_wall);
  series.written_note = series.event.note;
  series.note_seen_wall = series.last_seen_wall;
  series.count = series.repeats;
  series.written_count = 1;
  series.last_written = steady;
  ++series.notes;
  writes.push_back(creation(key, series, series.last_seen_wall));
}

std::optional<EventWrite> EventSeries::restart(const EventWrite& gone, Millis wall) {
  const auto found = series_.find(gone.key);
  if (found == series_.end() || found->second.name != gone.name) return std::nullopt;
  Series& series = found->second;
  series.name = new_name(series.event, wall);
  series.written_note = series.event.note;
  series.note_seen_wall = wall;
  series.count = 1;
  series.written_count = 1;
  return creation(gone.key, series, wall);
}

EventWrite EventSeries::creation(const std::string& key, const Series& series, Millis wall) const {
  const Event& event = series.event;
  const ObjectReference& object = event.regarding;
  nlohmann::json regarding = {{"apiVersion", object.api_version},
                              {"kind", object.kind},
                              {"name", object.name},
                              {"uid", object.uid}};
  if (!object.ns.empty()) regarding["namespace"] = object.ns;
  if (!object.resource_version.empty()) regarding["resourceVersion"] = object.resource_version;
  const std::string ns = namespace_of(event);
  nlohmann::json body = {{"apiVersion", "events.k8s.io/v1"},
                         {"kind", "Event"},
                         {"metadata", {{"name", series.name}, {"namespace", ns}}},
                         {"eventTime", format_micro_time(wall)},
                         {"type", event.type == EventType::normal ? "Normal" : "Warning"},
                         {"reason", cut_utf8(event.reason, kMaxWord)},
                         {"action", cut_utf8(event.action, kMaxWord)},
                         {"reportingController", controller_},
                         {"reportingInstance", instance_},
                         {"regarding", std::move(regarding)},
                         {"note", cut_utf8(event.note, kMaxNote)}};
  return {key, true, ns, series.name, std::move(body)};
}

EventWrite EventSeries::update(const std::string& key, Series& series, Millis steady) const {
  series.written_count = series.count;
  series.last_written = steady;
  nlohmann::json body = {
      {"series",
       {{"count", series.count}, {"lastObservedTime", format_micro_time(series.note_seen_wall)}}}};
  return {key, false, namespace_of(series.event), series.name, std::move(body)};
}

std::string EventSeries::new_name(const Event& event, Millis wall) {
  const std::uint64_t nanos =
      static_cast<std::uint64_t>(wall.count()) * 1'000'000 + serial_++ % 1'000'000;
  return fmt::format("{}.{:x}", cut_utf8(event.regarding.name, kMaxNameStem), nanos);
}

}  // namespace wp::kube
