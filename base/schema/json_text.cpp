#include "base/schema/json_text.h"

#include <cmath>
#include <fmt/format.h>
#include <set>
#include <vector>

namespace wp {
namespace {

using nlohmann::json;

constexpr std::size_t kShownBytes = 60;

// Looks at a text before it is read. A member that is there twice means the first to some readers
// and the last to others. (The library's callback would see it, too, but takes time that grows with
// the square of a list.)
class Strict : public nlohmann::json_sax<json> {
 public:
  explicit Strict(int max_depth) : max_depth_(max_depth) {}

  bool null() override { return true; }
  bool boolean(bool /*value*/) override { return true; }
  bool number_integer(number_integer_t /*value*/) override { return true; }
  bool number_unsigned(number_unsigned_t /*value*/) override { return true; }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override { return true; }
  bool string(string_t& /*value*/) override { return true; }
  bool binary(binary_t& /*value*/) override { return true; }
  bool start_object(std::size_t /*size*/) override {
    names_.emplace_back();
    return enter();
  }
  bool end_object() override {
    names_.pop_back();
    --depth_;
    return true;
  }
  bool start_array(std::size_t /*size*/) override { return enter(); }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool key(string_t& name) override {
    if (names_.back().insert(name).second) return true;
    why_ = fmt::format("the member {} is there twice", shown(name));
    return false;
  }
  bool parse_error(std::size_t byte, const std::string& /*token*/,
                   const json::exception& e) override {
    constexpr int kNumberTooLarge = 406;
    why_ = e.id == kNumberTooLarge ? fmt::format("the number before byte {} is too large", byte)
                                   : fmt::format("it goes wrong at byte {}", byte);
    return false;
  }

  const std::string& why() const { return why_; }

 private:
  bool enter() {
    if (++depth_ <= max_depth_) return true;
    why_ = fmt::format("it is nested more than {} deep", max_depth_);
    return false;
  }

  int max_depth_;
  int depth_ = 0;
  std::vector<std::set<std::string>> names_;
  std::string why_;
};

}  // namespace

// The library takes a NUL for the end, and skips a byte order mark.
json read_json(std::string_view text, std::size_t max_bytes, int max_depth) {
  if (text.size() > max_bytes) {
    throw NotJson{fmt::format("{} bytes: allowed are {}", text.size(), max_bytes)};
  }
  if (text.starts_with("\xEF\xBB\xBF")) throw NotJson{"it begins with a byte order mark"};
  if (text.find('\0') != std::string_view::npos) throw NotJson{"it contains a NUL byte"};
  Strict strict(max_depth);
  if (!json::sax_parse(text, &strict)) throw NotJson{strict.why()};
  return json::parse(text);
}

bool is_integer(const json& value) {
  if (!value.is_number_float()) return value.is_number();
  const double number = value.get<double>();
  return std::isfinite(number) && std::trunc(number) == number;
}

// 64 bits of mantissa hold every number that was read.
long double number_of(const json& value) {
  if (value.is_number_unsigned()) return static_cast<long double>(value.get<std::uint64_t>());
  if (value.is_number_integer()) return static_cast<long double>(value.get<std::int64_t>());
  return static_cast<long double>(value.get<double>());
}

bool are_equal(const json& a, const json& b, std::int64_t& steps) {
  --steps;
  if (a.is_number() && b.is_number()) return number_of(a) == number_of(b);
  if (a.type() != b.type()) return false;
  if (!a.is_structured()) return a == b;
  if (a.size() != b.size()) return false;
  auto one = a.begin();
  auto other = b.begin();
  for (; one != a.end(); ++one, ++other) {
    if (a.is_object() && one.key() != other.key()) return false;  // both are sorted
    if (!are_equal(*one, *other, steps)) return false;
  }
  return true;
}

std::string shown(const json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "an array";
  std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  if (text.size() > kShownBytes) text.replace(kShownBytes - 3, std::string::npos, "...");
  return text;
}

std::string step_to(std::string_view key) {
  const std::string quoted = shown(json(std::string(key.substr(0, kShownBytes))));
  std::string text = "/";
  for (const char c : std::string_view(quoted).substr(1)) {
    if (c == '~') {
      text += "~0";
    } else if (c == '/') {
      text += "~1";
    } else {
      text += c;
    }
  }
  if (text.ends_with('"')) text.pop_back();
  return text;
}

}  // namespace wp
