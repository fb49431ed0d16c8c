// Schema::parse: refuses whatever it does not know.
#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <utility>

#include "base/schema/json_text.h"
#include "base/schema/node.h"

namespace wp {
namespace {

using nlohmann::json;

constexpr std::string_view kTypeWords =
    "null, boolean, integer, number, string, array, object, or a list of these";
constexpr std::string_view kKeywords =
    "type, enum, required, properties, additionalProperties, items, minimum, maximum, minLength, "
    "maxLength, minItems, maxItems, pattern, and title, description, default, examples, $schema, "
    "$id, which mean nothing";
constexpr std::array kAnnotations = {"title",    "description", "default",
                                     "examples", "$schema",     "$id"};

}  // namespace

SchemaError::SchemaError(const std::string& place, const std::string& problem,
                         const std::string& allowed)
    : std::invalid_argument(fmt::format("{}{}{}{}{}", place, place.empty() ? "" : " ", problem,
                                        allowed.empty() ? "" : "; allowed: ", allowed)),
      place_(place),
      problem_(problem),
      allowed_(allowed) {}

class SchemaParser {
 public:
  using Node = Schema::Node;

  // As deep as the JSON is.
  static std::unique_ptr<const Node> parse(const json& schema, const std::string& place) {
    if (!schema.is_object()) throw SchemaError(place, "is " + shown(schema), "a schema: an object");
    auto node = std::make_unique<Node>();
    for (const auto& [keyword, value] : schema.items()) {
      take(*node, keyword, value, place + step_to(keyword));
    }
    if (node->minimum && node->maximum && number_of(*node->minimum) > number_of(*node->maximum)) {
      throw SchemaError(place + "/minimum", "is above maximum", "a number up to maximum");
    }
    in_order(node->min_length, node->max_length, place, "Length");
    in_order(node->min_items, node->max_items, place, "Items");
    return node;
  }

 private:
  static void in_order(const std::optional<std::uint64_t>& least,
                       const std::optional<std::uint64_t>& most, const std::string& place,
                       const std::string& what) {
    if (!least || !most || *least <= *most) return;
    throw SchemaError(place + "/min" + what, "is above max" + what, "a number up to max" + what);
  }

  static void take(Node& node, const std::string& keyword, const json& value,
                   const std::string& place) {
    if (keyword == "type") {
      node.types = types(value, place);
    } else if (keyword == "enum") {
      if (!value.is_array() || value.empty()) {
        throw SchemaError(place, "is " + shown(value), "a list of at least one value");
      }
      node.values = value.get<std::vector<json>>();
    } else if (keyword == "required") {
      required(node, value, place);
    } else if (keyword == "properties") {
      if (!value.is_object()) {
        throw SchemaError(place, "is " + shown(value), "an object of schemas");
      }
      for (const auto& [name, schema] : value.items()) {
        node.properties[name] = parse(schema, place + step_to(name));
      }
    } else if (keyword == "additionalProperties") {
      if (!value.is_boolean()) throw SchemaError(place, "is " + shown(value), "true or false");
      node.closed = !value.get<bool>();
    } else if (keyword == "items") {
      if (!value.is_object()) {
        throw SchemaError(place, "is " + shown(value), "one schema for all items");
      }
      node.items = parse(value, place);
    } else if (keyword == "minimum") {
      node.minimum = number(value, place);
    } else if (keyword == "maximum") {
      node.maximum = number(value, place);
    } else if (keyword == "minLength") {
      node.min_length = size(value, place);
    } else if (keyword == "maxLength") {
      node.max_length = size(value, place);
    } else if (keyword == "minItems") {
      node.min_items = size(value, place);
    } else if (keyword == "maxItems") {
      node.max_items = size(value, place);
    } else if (keyword == "pattern") {
      pattern(node, value, place);
    } else if (std::find(kAnnotations.begin(), kAnnotations.end(), keyword) == kAnnotations.end()) {
      throw SchemaError(place, "is not supported", std::string(kKeywords));
    }
  }

  static unsigned types(const json& value, const std::string& place) {
    unsigned bits = 0;
    const json list = value.is_array() ? value : json::array({value});
    for (const json& word : list) {
      const auto is_word = [&word](const SchemaType& type) {
        return word.is_string() && word.get_ref<const std::string&>() == type.word;
      };
      const auto* known = std::find_if(kSchemaTypes.begin(), kSchemaTypes.end(), is_word);
      if (known == kSchemaTypes.end()) {
        throw SchemaError(place, "is " + shown(word), std::string(kTypeWords));
      }
      bits |= 1U << static_cast<unsigned>(known - kSchemaTypes.begin());
    }
    if (bits == 0) throw SchemaError(place, "is empty", std::string(kTypeWords));
    return bits;
  }

  static void required(Node& node, const json& value, const std::string& place) {
    const bool texts = value.is_array() && std::all_of(value.begin(), value.end(),
                                                       [](const json& v) { return v.is_string(); });
    if (!texts) throw SchemaError(place, "is not a list of names", "names of properties");
    node.required = value.get<std::vector<std::string>>();
  }

  static json number(const json& value, const std::string& place) {
    if (!value.is_number()) throw SchemaError(place, "is " + shown(value), "a number");
    return value;
  }

  static std::uint64_t size(const json& value, const std::string& place) {
    constexpr double kMost = 9007199254740992;
    if (!is_integer(value) || number_of(value) < 0 || number_of(value) > kMost) {
      throw SchemaError(place, "is " + shown(value), "an integer from 0 on");
    }
    return static_cast<std::uint64_t>(number_of(value));
  }

  static void pattern(Node& node, const json& value, const std::string& place) {
    if (!value.is_string()) {
      throw SchemaError(place, "is " + shown(value), "a regular expression");
    }
    try {
      node.pattern.emplace(value.get_ref<const std::string&>());
    } catch (const PatternError& e) {
      throw SchemaError(place, std::string("is ") + shown(value) + ": " + e.what(),
                        "regular expressions without back references, looking around and flags");
    }
  }
};

Schema Schema::parse(std::string_view text) {
  Schema schema;
  if (text.empty()) return schema;
  json parsed;
  try {
    parsed = read_json(text, kMaxBytes, kMaxDepth);
  } catch (const NotJson& e) {
    throw SchemaError("", "is no JSON: " + e.why, "a schema: an object");
  }
  auto root = SchemaParser::parse(parsed, "");
  if (!parsed.empty()) schema.root_ = std::move(root);
  return schema;
}

}  // namespace wp
