#include "queue/queue.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

#include "queue/calls.h"
#include "queue/scripts.h"

namespace wp::queue {

using redis::Reply;
using redis::Script;
using redis::ScriptCall;

ScriptCall make_call(const Script& script, std::string_view queue) {
  ScriptCall call;
  call.script = &script;
  call.keys.reserve(script.key_names().size());
  for (const std::string& part : script.key_names()) call.keys.push_back(key_name(queue, part));
  return call;
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

std::string shown_owner(std::string_view owner) {
  const std::size_t at = owner.find('@');
  const std::string_view name = at == std::string_view::npos ? owner : owner.substr(at + 1);
  return problem_with_queue_name(name).empty() ? std::string(name) : "an unreadable name";
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

Config Queue::read_config() {
  return parse_config(connection_.execute({"HGETALL", key_name(name_, "cfg")}));
}

std::vector<std::string> Queue::check() {
  return texts(connection_.call(call(scripts().check)));
}

}  // namespace wp::queue
