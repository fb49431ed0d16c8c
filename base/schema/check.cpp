// Schema::problem_with.
#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "base/schema/json_text.h"
#include "base/schema/node.h"

namespace wp {
namespace {

using nlohmann::json;

// Characters, as JSON Schema counts them: code points.
std::size_t length_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80;
  }));
}

}  // namespace

// One payload's check. Goes no deeper than the schema.
class SchemaCheck {
 public:
  using Node = Schema::Node;

  struct Problem {
    std::string place;  // from the value that was looked at on
    std::string text;
  };

  std::optional<Problem> look(const Node& node, const json& value) {
    if (--steps_ < 0) return too_costly();
    if (node.types != 0 && (node.types & type_bits(value)) == 0) {
      return not_allowed(value, type_list(node.types));
    }
    if (node.values) {
      const bool found = std::any_of(node.values->begin(), node.values->end(), [&](const json& v) {
        return steps_ >= 0 && are_equal(v, value, steps_);
      });
      if (!found) return steps_ < 0 ? too_costly() : not_allowed(value, value_list(*node.values));
    }
    if (value.is_number()) return number(node, value);
    if (value.is_string()) return text(node, value);
    if (value.is_array()) return list(node, value);
    if (value.is_object()) return object(node, value);
    return std::nullopt;
  }

 private:
  static Problem not_allowed(const json& value, const std::string& allowed) {
    return {"", fmt::format("{} is not allowed: {}", shown(value), allowed)};
  }
  static Problem too_costly() {
    return {"", "takes too long to be checked: a long text for its pattern, or too many values"};
  }
  static Problem at(const std::string& step, Problem problem) {
    return {step + problem.place, std::move(problem.text)};
  }

  static unsigned type_bits(const json& value) {
    const auto bit = [](unsigned place) { return 1U << place; };
    if (value.is_null()) return bit(0);
    if (value.is_boolean()) return bit(1);
    if (value.is_number()) return is_integer(value) ? bit(2) | bit(3) : bit(3);
    if (value.is_string()) return bit(4);
    return value.is_array() ? bit(5) : bit(6);
  }

  static std::string type_list(unsigned types) {
    std::string text;
    for (std::size_t i = 0; i < kSchemaTypes.size(); ++i) {
      if ((types >> i & 1U) == 0) continue;
      text += fmt::format("{}{}", text.empty() ? "" : " or ", kSchemaTypes[i].shown);
    }
    return text;
  }

  static std::string value_list(const std::vector<json>& values) {
    constexpr std::size_t kMost = 8;
    std::string text = values.size() == 1 ? "only " : "one of ";
    for (std::size_t i = 0; i < values.size() && i < kMost; ++i) {
      text += (i == 0 ? "" : ", ") + shown(values[i]);
    }
    return values.size() > kMost ? text + fmt::format(" and {} more", values.size() - kMost) : text;
  }

  static std::optional<Problem> number(const Node& node, const json& value) {
    if (node.minimum && number_of(value) < number_of(*node.minimum)) {
      return not_allowed(value, "at least " + shown(*node.minimum));
    }
    if (node.maximum && number_of(value) > number_of(*node.maximum)) {
      return not_allowed(value, "at most " + shown(*node.maximum));
    }
    return std::nullopt;
  }

  std::optional<Problem> text(const Node& node, const json& value) {
    const std::string& bytes = value.get_ref<const std::string&>();
    const std::size_t length = length_of(bytes);
    if (node.min_length && length < *node.min_length) {
      return not_allowed(value, fmt::format("at least {} characters", *node.min_length));
    }
    if (node.max_length && length > *node.max_length) {
      return not_allowed(value, fmt::format("at most {} characters", *node.max_length));
    }
    if (!node.pattern) return std::nullopt;
    const std::optional<bool> occurs = node.pattern->occurs_in(bytes, steps_);
    if (!occurs) return too_costly();
    if (*occurs) return std::nullopt;
    return not_allowed(value, "what matches " + shown(json(node.pattern->expression())));
  }

  std::optional<Problem> list(const Node& node, const json& value) {
    if (node.min_items && value.size() < *node.min_items) {
      return Problem{"", fmt::format("an array of {} is not allowed: at least {} items",
                                     value.size(), *node.min_items)};
    }
    if (node.max_items && value.size() > *node.max_items) {
      return Problem{"", fmt::format("an array of {} is not allowed: at most {} items",
                                     value.size(), *node.max_items)};
    }
    if (!node.items) return std::nullopt;
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (auto problem = look(*node.items, value[i])) return at(fmt::format("/{}", i), *problem);
    }
    return std::nullopt;
  }

  std::optional<Problem> object(const Node& node, const json& value) {
    for (const std::string& name : node.required) {
      if (--steps_ < 0) return too_costly();
      if (!value.contains(name)) return Problem{step_to(name), "is missing"};
    }
    for (const auto& [name, member] : value.items()) {
      const auto known = node.properties.find(name);
      if (known != node.properties.end()) {
        if (auto problem = look(*known->second, member)) return at(step_to(name), *problem);
      } else if (node.closed) {
        return Problem{step_to(name), "is not allowed: " + names_of(node)};
      }
    }
    return std::nullopt;
  }

  static std::string names_of(const Node& node) {
    constexpr std::size_t kMost = 8;
    if (node.properties.empty()) return "no member at all";
    std::string text = "only ";
    std::size_t n = 0;
    for (const auto& [name, schema] : node.properties) {
      if (n == kMost) return text + fmt::format(" and {} more", node.properties.size() - kMost);
      text += (n++ == 0 ? "" : ", ") + step_to(name).substr(1);
    }
    return text;
  }

  std::int64_t steps_ = Schema::kMaxSteps;
};

std::string Schema::problem_with(std::string_view payload) const {
  if (empty()) return {};
  json parsed;
  try {
    parsed = read_json(payload, kMaxPayloadBytes, kMaxPayloadDepth);
  } catch (const NotJson& e) {
    return "payload: is no JSON: " + e.why;
  }
  const auto problem = SchemaCheck().look(*root_, parsed);
  if (!problem) return {};
  return fmt::format("{}: {}", problem->place.empty() ? "payload" : problem->place, problem->text);
}

}  // namespace wp
