#include "operator/pool/normalize.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <regex>
#include <string>
#include <utility>

#include "base/units.h"
#include "operator/pool/fields.h"

namespace wp::pool {
namespace {

using nlohmann::json;

struct Node {
  const Field* field = nullptr;
  std::optional<std::regex> form;
  std::map<std::string, Node, std::less<>> children;  // of an object; "[]": the items of a list
};

Node build_tree() {
  Node root;
  for (const Field& field : fields()) {
    Node* node = &root;
    std::string_view rest = field.path;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find('.'), rest.size());
      std::string_view name = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      const bool items = name.ends_with("[]");
      if (items) name.remove_suffix(2);
      node = &node->children[std::string(name)];
      if (items) node = &node->children["[]"];
    }
    node->field = &field;
    if (field.kind == Kind::text && !field.form.empty()) {
      node->form.emplace(field.form.begin(), field.form.end(),
                         std::regex::ECMAScript | std::regex::optimize);
    }
  }
  return root;
}

const Node& spec_node() {
  static const Node root = build_tree();
  return root.children.find("spec")->second;
}

std::vector<std::string_view> words_of(std::string_view form) {
  std::vector<std::string_view> words;
  while (!form.empty()) {
    const std::size_t end = std::min(form.find('|'), form.size());
    words.push_back(form.substr(0, end));
    form.remove_prefix(std::min(end + 1, form.size()));
  }
  return words;
}

std::string joined(const std::vector<std::string_view>& words) {
  std::string text;
  for (const std::string_view word : words) {
    if (!text.empty()) text += ", ";
    text += word;
  }
  return text;
}

std::string from_to(const std::string& min, const std::string& max) {
  return "from " + min + " to " + max;
}

// What a field takes, in words: the `allowed` of its problems.
std::string allowed(const Field& field) {
  const std::string min = std::to_string(field.min);
  const std::string max = std::to_string(field.max);
  const std::string or_blank = field.has(kBlank) ? ", or \"\" for the default" : "";
  switch (field.kind) {
    case Kind::object:
      return "a map of fields";
    case Kind::free:
      return "a map";
    case Kind::list:
      return "a list of " + min + " to " + max + " items";
    case Kind::integer:
      return "a whole number " + from_to(min, max);
    case Kind::boolean:
      return "true or false";
    case Kind::text:
      if (!field.allowed.empty()) return std::string(field.allowed) + or_blank;
      return "a text of " + min + " to " + max + " characters" + or_blank;
    case Kind::duration:
      return "a time such as \"90s\" or \"5m\", " +
             from_to(format_duration(Millis{field.min}), format_duration(Millis{field.max})) +
             or_blank;
    case Kind::bytes:
      return "a size such as \"64Ki\" or \"512Mi\", " +
             from_to(format_bytes(field.min), format_bytes(field.max)) + or_blank;
    case Kind::cpu:
      return "an amount of CPU such as \"500m\" or \"1.5\"" + or_blank;
    case Kind::choice:
      return joined(words_of(field.form));
    case Kind::int_or_percent:
      return "a whole number such as 1 or a share such as \"25%\"";
  }
  return {};
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

bool is_int_or_percent(const json& value) {
  if (value.is_number_integer()) return value >= 0 && value <= 10000;
  static const std::regex form("^(0|[1-9][0-9]{0,3}%?|0%)$");
  return value.is_string() && std::regex_match(value.get_ref<const std::string&>(), form);
}

bool is_cpu(const std::string& text) {
  static const std::regex form("^([0-9]{1,9}m|[0-9]{1,6}(\\.[0-9]{1,3})?)$");
  return std::regex_match(text, form);
}

class Walk {
 public:
  Walk(const ParseOptions& options, std::vector<SpecProblem>& problems)
      : options_(options), problems_(problems) {}

  json object(const Node& node, const json& value, const std::string& path) {
    json out = json::object();
    for (const auto& [name, child] : node.children) {
      const auto it = value.find(name);
      const std::string child_path = path + "." + name;
      if (it != value.end() && !it->is_null()) {
        if (auto kept = any(child, *it, child_path)) out[name] = std::move(*kept);
        continue;
      }
      if (auto kept = preset(child, child_path)) out[name] = std::move(*kept);
    }
    if (options_.strict) unknown(node, value, path);
    return out;
  }

 private:
  std::optional<json> preset(const Node& node, const std::string& path) {
    const Field& field = *node.field;
    // A local pool may leave the queue to the program that runs it.
    if (field.path == "spec.queue" && options_.local) return object(node, json::object(), path);
    if (field.has(kRequired)) {
      report(path, "is missing", allowed(field));
      return std::nullopt;
    }
    if (field.preset == nullptr) return std::nullopt;
    switch (field.kind) {
      case Kind::object:
        return object(node, json::object(), path);
      case Kind::list:
      case Kind::integer:
      case Kind::boolean:
        return json::parse(field.preset);
      default:
        return json(field.preset);
    }
  }

  std::optional<json> any(const Node& node, const json& value, const std::string& path) {
    const Field& field = *node.field;
    if (field.has(kBlank) && value == "") return std::nullopt;
    switch (field.kind) {
      case Kind::object:
        if (!value.is_object()) break;
        return object(node, value, path);
      case Kind::free:
        if (!value.is_object()) break;
        return value;
      case Kind::list:
        if (!value.is_array() || !within(field, static_cast<std::int64_t>(value.size()))) break;
        return items(node.children.find("[]")->second, value, path);
      default:
        if (!fits(node, value)) break;
        return value;
    }
    std::string what = "is " + shown(value);
    if (field.has(kQuiet)) what = "has a form that is not allowed";
    if (value.is_structured()) what = value.is_array() ? "is a list" : "is a map";
    if (field.kind == Kind::list && value.is_array()) {
      what = "has " + std::to_string(value.size()) + " items";
    }
    report(path, what, allowed(field));
    return std::nullopt;
  }

  json items(const Node& node, const json& value, const std::string& path) {
    json out = json::array();
    for (std::size_t i = 0; i < value.size(); ++i) {
      auto kept = any(node, value[i], path + "[" + std::to_string(i) + "]");
      if (kept) out.push_back(std::move(*kept));
    }
    return out;
  }

  static bool within(const Field& field, std::int64_t number) {
    return number >= field.min && number <= field.max;
  }

  static bool fits(const Node& node, const json& value) {
    const Field& field = *node.field;
    if (field.kind == Kind::integer) {
      // An unsigned number above the signed range must not wrap into it.
      if (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX) return false;
      return value.is_number_integer() && within(field, value.get<std::int64_t>());
    }
    if (field.kind == Kind::boolean) return value.is_boolean();
    if (field.kind == Kind::int_or_percent) return is_int_or_percent(value);
    if (!value.is_string()) return false;
    const std::string& text = value.get_ref<const std::string&>();
    switch (field.kind) {
      case Kind::duration: {
        const auto millis = parse_duration(text);
        return millis && within(field, millis->count());
      }
      case Kind::bytes: {
        const auto bytes = parse_bytes(text);
        return bytes && within(field, *bytes);
      }
      case Kind::cpu:
        return is_cpu(text);
      case Kind::choice: {
        const auto words = words_of(field.form);
        return std::find(words.begin(), words.end(), text) != words.end();
      }
      default:
        return within(field, static_cast<std::int64_t>(characters(text))) &&
               (!node.form || std::regex_match(text, *node.form));
    }
  }

  void unknown(const Node& node, const json& value, const std::string& path) {
    for (const auto& [name, ignored] : value.items()) {
      if (node.children.contains(name)) continue;
      std::vector<std::string_view> known;
      for (const auto& [child, unused] : node.children) known.push_back(child);
      report(path + "." + name, "is not a known field", joined(known));
    }
  }

  void report(std::string path, std::string what, std::string allowed_words) {
    problems_.push_back({std::move(path), std::move(what), std::move(allowed_words)});
  }

  const ParseOptions& options_;
  std::vector<SpecProblem>& problems_;
};

}  // namespace

json normalize_spec(const json& object, const ParseOptions& options,
                    std::vector<SpecProblem>& problems) {
  const auto it = object.find("spec");
  if (it == object.end() || !it->is_object()) {
    problems.push_back({"spec", "is missing", "a map of fields"});
    return json::object();
  }
  return Walk(options, problems).object(spec_node(), *it, "spec");
}

std::string shown(const json& value) {
  constexpr std::size_t kLimit = 60;
  // What is not UTF-8 is replaced: a message has to be valid in JSON again.
  std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  if (text.size() <= kLimit) return text;
  std::size_t end = kLimit;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

}  // namespace wp::pool
