#include "ctl/batch.h"

#include <algorithm>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/units.h"
#include "ctl/output/table.h"

namespace wp::ctl {
namespace {

using nlohmann::json;

constexpr std::string_view kAllowed =
    "allowed keys are type, payload, id, priority, delay, timeout, unique, unique_for, session, "
    "chain";

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// What was found, for an error: short, and on one line. Never the parts of a structure: writing
// them recurses, and the depth is the file's.
std::string shown(const json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "a list";
  const std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  return text.size() <= 60 ? text : text.substr(0, 57) + "...";
}

// Walks over the tokens of a text that is known to be valid JSON.
class Tokens {
 public:
  explicit Tokens(std::string_view text) : text_(text) {}

  void skip_spaces() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip(std::size_t n) { at_ = std::min(at_ + n, text_.size()); }

  /// A string with its quotes.
  std::string_view string() {
    const std::size_t start = at_++;
    while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    skip(1);
    return text_.substr(start, at_ - start);
  }

  /// Any value, without the blanks between its tokens.
  std::string value() {
    std::string out;
    int depth = 0;
    while (at_ < text_.size()) {
      const char c = peek();
      if (depth == 0 && (c == ',' || c == '}' || c == ']')) break;
      if (c == '"') {
        out += string();
        continue;
      }
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') --depth;
      if (!is_space(c)) out += c;
      ++at_;
    }
    return out;
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

// The text of a member of the object in `line`. Parsing and writing the value anew would round
// large numbers and sort the keys; producers and handlers agree on bytes, not on our idea of JSON.
std::string compact_member(std::string_view line, std::string_view name) {
  if (line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
  Tokens tokens(line);
  std::string found;
  tokens.skip_spaces();
  tokens.skip(1);  // {
  for (;;) {
    tokens.skip_spaces();
    if (tokens.peek() != '"') return found;
    const json key = json::parse(tokens.string(), nullptr, false);
    tokens.skip_spaces();
    tokens.skip(1);  // :
    tokens.skip_spaces();
    std::string value = tokens.value();
    if (key == name) found = std::move(value);
    tokens.skip(1);  // , or }
  }
}

const std::string& text_of(const json& value, std::string_view key) {
  if (!value.is_string()) throw BadLine(fmt::format("{}: {} is not a text", key, shown(value)));
  return value.get_ref<const std::string&>();
}

json parse_json(std::string_view text) {
  try {
    return json::parse(text);
  } catch (const json::exception& e) {
    // The library's text, without its "[json.exception.…]" and without a line number of its own.
    std::string_view why = e.what();
    if (const std::size_t bracket = why.find("] "); bracket != std::string_view::npos) {
      why.remove_prefix(bracket + 2);
    }
    if (const std::size_t colon = why.find(": "); colon != std::string_view::npos) {
      why.remove_prefix(colon + 2);
    }
    throw BadLine(fmt::format("not JSON: {}", printable(why.substr(0, 160))));
  }
}

Millis duration_of(const json& value, std::string_view key, std::string_view most = "10 years") {
  const auto duration = value.is_string() ? parse_duration(value.get<std::string>()) : std::nullopt;
  if (duration) return *duration;
  throw BadLine(fmt::format("{} {}: allowed is a duration such as \"90s\" or \"5m\", up to {}", key,
                            shown(value), most));
}

void take(queue::NewJob& job, const std::string& key, const json& value, std::string_view line,
          std::int64_t max_payload) {
  if (key == "type") {
    job.type = text_of(value, key);
  } else if (key == "id") {
    job.id = text_of(value, key);
    if (job.id.empty()) {
      throw BadLine(
          "id \"\": allowed are 1 to 64 characters of A-Z a-z 0-9 . _ : -; leave the key "
          "away to get one made");
    }
  } else if (key == "payload") {
    job.payload = value.is_string() ? value.get<std::string>() : compact_member(line, "payload");
  } else if (key == "priority") {
    const bool fine = value.is_number_integer() && value >= 0 && value <= 255;
    if (!fine) throw BadLine(fmt::format("priority {}: allowed are 0 to 255", shown(value)));
    job.priority = value.get<int>();
  } else if (key == "delay") {
    job.delay = duration_of(value, key);
  } else if (key == "timeout") {
    job.timeout = duration_of(value, key, "30 days");
  } else if (key == "unique") {
    job.unique = text_of(value, key);
  } else if (key == "unique_for") {
    job.unique_for = duration_of(value, key);
  } else if (key == "session") {
    job.session = text_of(value, key);
  } else if (key == "chain") {
    job.chain = parse_chain(compact_member(line, "chain"), max_payload);
  } else {
    throw BadLine(fmt::format("unknown key {}: {}", shown(json(key)), kAllowed));
  }
}

}  // namespace

std::vector<queue::ChainStep> parse_chain(std::string_view list, std::int64_t max_payload) {
  const json parsed = parse_json(list);
  if (!parsed.is_array()) {
    throw BadLine(fmt::format("chain: {} is not a list of steps", shown(parsed)));
  }
  std::vector<queue::ChainStep> steps;
  Tokens tokens(list);
  tokens.skip_spaces();
  tokens.skip(1);  // [
  for (const json& raw : parsed) {
    tokens.skip_spaces();
    const std::string text = tokens.value();
    tokens.skip(1);  // , or ]
    for (const auto& [key, value] : raw.items()) {
      const bool fine =
          key == "type" || key == "payload" || key == "id" || key == "priority" || key == "timeout";
      if (raw.is_object() && !fine) {
        throw BadLine(
            fmt::format("chain: unknown key {}: allowed are type, payload, id, priority, timeout",
                        shown(json(key))));
      }
    }
    try {
      queue::NewJob job = parse_batch_line(text, {}, max_payload);
      steps.push_back({job.id, job.type, job.payload, job.priority, job.timeout});
    } catch (const BadLine& e) {
      throw BadLine(fmt::format("chain: step {}: {}", steps.size() + 1, e.what()));
    }
  }
  return steps;
}

bool is_blank(std::string_view line) {
  return std::all_of(line.begin(), line.end(), is_space);
}

queue::NewJob parse_batch_line(std::string_view line, const queue::NewJob& defaults,
                               std::int64_t max_payload) {
  const json parsed = parse_json(line);
  if (!parsed.is_object()) {
    throw BadLine(fmt::format("{} is not a JSON object; {}", shown(parsed), kAllowed));
  }
  queue::NewJob job = defaults;
  job.id.clear();
  job.payload.clear();
  for (const auto& [key, value] : parsed.items()) take(job, key, value, line, max_payload);
  if (const std::string problem = queue::problem_with(job, max_payload); !problem.empty()) {
    throw BadLine(printable(problem));
  }
  return job;
}

}  // namespace wp::ctl
