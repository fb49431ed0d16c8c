#include "operator/pool/yaml.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <yaml-cpp/yaml.h>

namespace wp::pool {
namespace {

using nlohmann::json;

int line_of(const YAML::Mark& mark) {
  return mark.is_null() ? 1 : mark.line + 1;
}

bool all_digits(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
  }
  return true;
}

template <typename Number>
std::optional<Number> number(std::string_view text, int base = 10) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// [-+]? digits, 0o octal, 0x hexadecimal. Nothing when it is no integer or does not fit.
std::optional<json> integer(std::string_view text) {
  if (text.starts_with("0o") || text.starts_with("0x")) {
    const auto value = number<std::uint64_t>(text.substr(2), text[1] == 'o' ? 8 : 16);
    return value ? std::optional<json>(*value) : std::nullopt;
  }
  std::string_view digits = text;
  if (digits.starts_with('-') || digits.starts_with('+')) digits.remove_prefix(1);
  if (!all_digits(digits)) return std::nullopt;
  if (text.starts_with('+')) text.remove_prefix(1);
  if (const auto value = number<std::int64_t>(text)) return json(*value);
  if (const auto value = number<std::uint64_t>(text)) return json(*value);
  return std::nullopt;
}

// [-+]? ( .digits | digits [ . digits? ] ) [ e [-+]? digits ]
bool looks_like_float(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  const std::size_t e = text.find_first_of("eE");
  if (e != std::string_view::npos) {
    std::string_view power = text.substr(e + 1);
    if (power.starts_with('-') || power.starts_with('+')) power.remove_prefix(1);
    if (!all_digits(power)) return false;
    text = text.substr(0, e);
  }
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos) return all_digits(text);
  const std::string_view whole = text.substr(0, dot);
  const std::string_view part = text.substr(dot + 1);
  if (whole.empty()) return all_digits(part);
  return all_digits(whole) && (part.empty() || all_digits(part));
}

bool is_inf_or_nan(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return text == ".inf" || text == ".Inf" || text == ".INF" || text == ".nan" || text == ".NaN" ||
         text == ".NAN";
}

json plain_scalar(const std::string& text, int line) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") {
    return nullptr;
  }
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  if (auto value = integer(text)) return *value;
  if (looks_like_float(text)) {
    const double value = std::strtod(text.c_str(), nullptr);
    if (!std::isfinite(value)) throw YamlError("the number is too large", line);
    return value;
  }
  if (is_inf_or_nan(text)) throw YamlError(text + " is not a number that is allowed here", line);
  return text;
}

json scalar(const YAML::Node& node) {
  const int line = line_of(node.Mark());
  const std::string& tag = node.Tag();
  const std::string& text = node.Scalar();
  if (tag == "?" || tag.empty()) return plain_scalar(text, line);
  if (tag == "!" || tag == "tag:yaml.org,2002:str") return text;
  for (const char* known : {"int", "float", "bool", "null"}) {
    if (tag != std::string("tag:yaml.org,2002:") + known) continue;
    json value = plain_scalar(text, line);
    if (value.is_string()) throw YamlError("\"" + text + "\" is no " + known, line);
    return value;
  }
  throw YamlError("the tag " + tag + " is not supported", line);
}

class Converter {
 public:
  explicit Converter(const YamlBounds& bounds) : bounds_(bounds) {}

  // `line` of the parent: yaml-cpp knows no place of some nodes.
  json convert(const YAML::Node& node, int depth) {
    const int line = line_of(node.Mark());
    if (depth > bounds_.depth) {
      throw YamlError("nested deeper than " + std::to_string(bounds_.depth) + " levels", line);
    }
    if (++values_ > bounds_.values) {
      throw YamlError("more than " + std::to_string(bounds_.values) + " values", line);
    }
    switch (node.Type()) {
      case YAML::NodeType::Scalar:
        return scalar(node);
      case YAML::NodeType::Sequence: {
        json list = json::array();
        for (const auto& item : node) list.push_back(convert(item, depth + 1));
        return list;
      }
      case YAML::NodeType::Map:
        return map(node, depth);
      default:
        return nullptr;
    }
  }

 private:
  json map(const YAML::Node& node, int depth) {
    json out = json::object();
    for (const auto& entry : node) {
      const int line = line_of(entry.first.Mark());
      if (!entry.first.IsScalar()) throw YamlError("a key has to be a text", line);
      const std::string& key = entry.first.Scalar();
      if (key == "<<" && entry.first.Tag() != "!") {
        throw YamlError("merge keys (<<) are not supported: write the fields out", line);
      }
      if (out.contains(key)) throw YamlError("\"" + key + "\" stands twice", line);
      out[key] = convert(entry.second, depth + 1);
    }
    return out;
  }

  const YamlBounds& bounds_;
  std::size_t values_ = 0;
};

}  // namespace

std::vector<json> yaml_documents(std::string_view text, const YamlBounds& bounds) {
  if (text.size() > bounds.bytes) {
    throw YamlError("larger than " + std::to_string(bounds.bytes) + " bytes", 1);
  }
  try {
    // What is no UTF-8 here would be refused later, where no line is known.
    static_cast<void>(json(text).dump());
  } catch (const json::type_error&) {
    throw YamlError("not UTF-8", 1);
  }
  std::vector<json> documents;
  try {
    Converter converter(bounds);
    for (const YAML::Node& node : YAML::LoadAll(std::string(text))) {
      if (!node.IsDefined() || node.IsNull()) continue;
      documents.push_back(converter.convert(node, 1));
    }
  } catch (const YAML::Exception& error) {
    throw YamlError(error.msg, line_of(error.mark));
  }
  return documents;
}

json yaml_document(std::string_view text, const YamlBounds& bounds) {
  std::vector<json> documents = yaml_documents(text, bounds);
  if (documents.size() != 1) {
    throw YamlError(documents.empty() ? "there is no document" : "more than one document (---)", 1);
  }
  return std::move(documents.front());
}

}  // namespace wp::pool
