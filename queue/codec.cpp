#include "queue/codec.h"

#include <algorithm>
#include <limits>

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/ids.h"
#include "queue/redis/error.h"

namespace wp::queue {
namespace {

using nlohmann::json;

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// Whether bytes are a document that is nested no deeper than anybody nests. Reading MessagePack,
// copying and writing call themselves for each level: a document from elsewhere would decide how
// much of our stack they take.
class Shallow : public json::json_sax_t {
 public:
  static bool is(std::string_view bytes, json::input_format_t format) {
    Shallow shallow;
    return json::sax_parse(bytes, &shallow, format);
  }

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool key(string_t&) override { return true; }
  bool start_object(std::size_t) override { return ++depth_ <= kDeepest; }
  bool start_array(std::size_t) override { return ++depth_ <= kDeepest; }
  bool end_object() override { return --depth_ >= 0; }
  bool end_array() override { return --depth_ >= 0; }
  bool parse_error(std::size_t, const std::string&, const json::exception&) override {
    return false;
  }

 private:
  static constexpr int kDeepest = 100;
  int depth_ = 0;
};

// A result is shown as JSON where the handler wrote JSON, else as a string.
json result_value(const std::string& text) {
  return Shallow::is(text, json::input_format_t::json) ? json::parse(text) : json(text);
}

// JSON holds UTF-8 only; any other payload travels as base64.
bool is_utf8(const std::string& text) {
  try {
    (void)json(text).dump();
    return true;
  } catch (const json::exception&) {
    return false;
  }
}

json encode_step(const ChainStep& step) {
  json out = {{"id", step.id}, {"type", step.type}, {"priority", step.priority}};
  if (is_utf8(step.payload)) {
    out["payload"] = step.payload;
  } else {
    out["payload_base64"] = to_base64(step.payload);
  }
  if (step.timeout > Millis{0}) out["timeout_ms"] = step.timeout.count();
  return out;
}

std::string text_member(const json& object, const char* name, std::string fallback) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : fallback;
}

Millis timeout_member(const json& object) {
  const auto found = object.find("timeout_ms");
  if (found == object.end() || !found->is_number()) return Millis{0};
  const double value = found->get<double>();
  const bool fine = value >= 1 && value <= static_cast<double>(kMaxJobTimeout.count());
  return Millis{fine ? static_cast<std::int64_t>(value) : 0};
}

// ENQUEUE does not look into chains: what no job may have is replaced before it becomes one. An id
// may not be a path, for one.
void make_valid(ChainStep& step) {
  constexpr std::int64_t kAny = std::numeric_limits<std::int64_t>::max();
  NewJob job;
  job.id = step.id;
  if (!problem_with(job, kAny).empty()) step.id.clear();  // one is made when it is enqueued
  job = NewJob{};
  job.type = step.type;
  if (!problem_with(job, kAny).empty()) step.type = "default";
}

std::vector<ChainStep> decode_chain(const json& header) {
  std::vector<ChainStep> chain;
  const auto steps = header.find("chain");
  if (steps == header.end() || !steps->is_array()) return chain;
  for (const json& raw : *steps) {
    if (!raw.is_object()) continue;
    ChainStep step;
    step.id = text_member(raw, "id", "");
    step.type = text_member(raw, "type", "default");
    step.payload = raw.contains("payload_base64")
                       ? from_base64(text_member(raw, "payload_base64", "")).value_or("")
                       : text_member(raw, "payload", "");
    const auto priority = raw.find("priority");
    if (priority != raw.end() && priority->is_number_integer()) {
      // As a double: no whole number of JSON turns into another one by its size.
      step.priority = static_cast<int>(std::clamp(priority->get<double>(), 0.0, 255.0));
    }
    step.timeout = timeout_member(raw);
    make_valid(step);
    chain.push_back(std::move(step));
  }
  return chain;
}

// Reads big-endian integers one after the other. Throws when the bytes end too early.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  std::int64_t number(std::size_t size) {
    std::uint64_t value = 0;
    for (const char c : text(size)) value = value << 8U | static_cast<unsigned char>(c);
    return static_cast<std::int64_t>(value);
  }
  std::int64_t signed_number(std::size_t size) {
    const std::int64_t value = number(size);
    const std::int64_t half = std::int64_t{1} << (size * 8 - 1);
    return value < half ? value : value - 2 * half;
  }
  /// At the end of the bytes, whatever stands between.
  std::int64_t last_number(std::size_t size) {
    if (bytes_.size() > size) bytes_.remove_prefix(bytes_.size() - size);
    return number(size);
  }
  std::string_view text(std::size_t size) {
    if (bytes_.size() < size) {
      throw redis::Error(redis::ErrorClass::protocol, "a claim's fence is shorter than its format");
    }
    const std::string_view out = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return out;
  }

 private:
  std::string_view bytes_;
};

}  // namespace

std::string encode_envelope(const NewJob& job) {
  std::string bytes;
  if (job.type != "default" || job.timeout > Millis{0} || !job.chain.empty() ||
      !job.previous.empty()) {
    json header = {{"type", job.type}};
    if (job.timeout > Millis{0}) header["timeout_ms"] = job.timeout.count();
    for (const ChainStep& step : job.chain) header["chain"].push_back(encode_step(step));
    if (!job.previous.empty()) header["previous"] = job.previous;
    bytes = dump(header);
  }
  bytes += '\n';
  bytes += job.payload;
  return bytes;
}

Envelope decode_envelope(std::string_view bytes) {
  const std::size_t line = bytes.find('\n');
  if (line == 0) return {"default", std::string(bytes.substr(1)), {}, {}, {}};
  if (line != std::string_view::npos) {
    const json header = json::parse(bytes.substr(0, line), nullptr, false);
    if (header.is_object()) {
      return {text_member(header, "type", "default"), std::string(bytes.substr(line + 1)),
              decode_chain(header), text_member(header, "previous", ""), timeout_member(header)};
    }
  }
  return {"default", std::string(bytes), {}, {}, {}};
}

std::string encode_options(const NewJob& job) {
  if (job.unique.empty() && job.session.empty()) return {};
  json options = json::object();
  if (!job.unique.empty()) {
    options["unique"] = job.unique;
    if (job.unique_for > Millis{0}) options["unique_ms"] = job.unique_for.count();
  }
  if (!job.session.empty()) options["session"] = job.session;
  return dump(options);
}

std::string encode_extras(const Settlement& settlement) {
  if (!settlement.session && !settlement.next) return {};
  json extras = json::object();
  if (settlement.session) {
    extras["v"] = settlement.session->version;
    extras["d"] = settlement.session->document;
  }
  if (settlement.next) {
    const NewJob& next = *settlement.next;
    // A step that its producer did not name gets its name here: a repeat of the call is stale.
    extras["n"] = {next.id.empty() ? make_job_id() : next.id, next.priority, next.type,
                   encode_envelope(next), next.session};
  }
  std::string bytes;
  json::to_msgpack(extras, bytes);
  return bytes;
}

std::string encode_fence(std::int64_t epoch) {
  std::string bytes(8, '\0');
  for (std::size_t i = 8; i > 0; --i, epoch >>= 8) bytes[i - 1] = static_cast<char>(epoch & 0xFF);
  return bytes;
}

// By hand: this is the hot path, and the general writer takes ten times as long.
std::string encode_record(std::string_view result, Millis duration) {
  std::string bytes;
  bytes.reserve(result.size() + 20);
  const auto put = [&](std::uint64_t value, int size) {
    for (int shift = (size - 1) * 8; shift >= 0; shift -= 8) {
      bytes += static_cast<char>(value >> shift & 0xFF);
    }
  };
  bytes += "\xa1r\xda";  // "r": a text of up to 64 KiB
  put(result.size(), 2);
  bytes += result;
  bytes += "\xa1\x64\xcf";  // "d": a number of 64 bits
  put(static_cast<std::uint64_t>(std::max<std::int64_t>(0, duration.count())), 8);
  return bytes;
}

// The layouts are those of lua/lib/own.lua and lua/lib/meta.lua.
Own decode_own(std::string_view packed) {
  constexpr std::int64_t kSuspect = 1;
  constexpr std::int64_t kNamed = 4;
  Reader read(packed);
  Own own;
  const Millis since{read.signed_number(6)};
  own.failures = static_cast<int>(read.number(3));
  own.crashes = static_cast<int>(read.number(3));
  own.losses = static_cast<int>(read.number(3));
  (void)read.number(1);  // deferrals
  (void)read.number(4);  // bytes
  const std::int64_t flags = read.number(1);
  own.suspect = (flags & kSuspect) != 0;
  own.priority = static_cast<int>(read.number(1));
  (void)read.number(1);  // type
  own.ready_since = Millis{read.number(6)} + since;
  (void)read.number(6);  // seq
  if ((flags & kNamed) != 0) own.session = read.text(static_cast<std::size_t>(read.number(1)));
  own.epoch = read.last_number(8);
  return own;
}

bool says_broken(const std::string& info) {
  if (info.empty()) return false;
  const json words = json::parse(info, nullptr, false);
  if (!words.is_object()) return false;
  const auto broken = words.find("broken");
  return broken != words.end() && broken->is_boolean() && broken->get<bool>();
}

std::string result_to_json(std::string_view packed) {
  if (!Shallow::is(packed, json::input_format_t::msgpack)) return "{}";
  const json doc = json::from_msgpack(packed, true, false);
  if (!doc.is_object()) return "{}";
  json out = json::object();
  for (const auto& [key, value] : doc.items()) {
    if (key == "r" && value.is_string()) out["result"] = result_value(value.get<std::string>());
    if (key == "e") out["error"] = value;
    if (key == "d") out["duration_ms"] = value;
    if (key == "p") out["progress"] = value;
    if (key == "m") out["message"] = value;
    if (key == "h" && value.is_array()) {
      json history = json::array();
      for (const json& attempt : value) {
        if (!attempt.is_array() || attempt.size() < 4) continue;
        history.push_back({{"at_ms", attempt[0]},
                           {"kind", attempt[1]},
                           {"error", attempt[2]},
                           {"worker", attempt[3]}});
      }
      out["history"] = std::move(history);
    }
  }
  return dump(out);
}

}  // namespace wp::queue
