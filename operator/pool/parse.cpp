#include "operator/pool/parse.h"

#include <set>
#include <utility>

#include "operator/pool/bind.h"
#include "operator/pool/normalize.h"
#include "operator/pool/rules.h"
#include "operator/pool/unsupported.h"
#include "operator/pool/yaml.h"

namespace wp::pool {
namespace {

using nlohmann::json;

std::string text_of(const json& object, const char* name) {
  const auto it = object.find(name);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string{};
}

std::map<std::string, std::string> text_map(const json& object, const char* name) {
  std::map<std::string, std::string> out;
  const auto it = object.find(name);
  if (it == object.end() || !it->is_object()) return out;
  for (const auto& [key, value] : it->items()) {
    if (value.is_string()) out[key] = value.get<std::string>();
  }
  return out;
}

// kind and apiVersion: absent in the items of some lists, so only wrong ones count; a file has to
// name both.
void check_type(const json& object, const ParseOptions& options,
                std::vector<SpecProblem>& problems) {
  const std::pair<const char*, std::string_view> expected[] = {{"apiVersion", kApiVersion},
                                                               {"kind", kKind}};
  for (const auto& [name, value] : expected) {
    const auto it = object.find(name);
    if (it == object.end()) {
      if (options.strict) problems.push_back({name, "is missing", std::string(value)});
    } else if (*it != value) {
      problems.push_back({name, "is " + shown(*it), std::string(value)});
    }
  }
}

void check_top_level(const json& object, std::vector<SpecProblem>& problems) {
  static const std::set<std::string, std::less<>> known = {"apiVersion", "kind", "metadata", "spec",
                                                           "status"};
  for (const auto& [name, value] : object.items()) {
    if (!known.contains(name)) {
      problems.push_back({name, "is not a known field", "apiVersion, kind, metadata, spec"});
    }
  }
}

}  // namespace

std::string SpecProblem::line() const {
  std::string text = path + " " + what;
  if (!allowed.empty()) text += "; allowed: " + allowed;
  return text;
}

std::string summary(const std::vector<SpecProblem>& problems, std::size_t limit) {
  std::string text;
  for (std::size_t i = 0; i < problems.size(); ++i) {
    const std::string line = (text.empty() ? "" : "; ") + problems[i].line();
    const std::string more = " (and " + std::to_string(problems.size() - i) + " more)";
    // The first line stands even if it is long: a message that names nothing helps nobody.
    if (i > 0 && text.size() + line.size() + more.size() > limit) return text + more;
    text += line;
  }
  return text;
}

Metadata parse_metadata(const json& object) {
  Metadata meta;
  const auto it = object.find("metadata");
  if (it == object.end() || !it->is_object()) return meta;
  meta.ns = text_of(*it, "namespace");
  meta.name = text_of(*it, "name");
  meta.uid = text_of(*it, "uid");
  meta.resource_version = text_of(*it, "resourceVersion");
  meta.created = text_of(*it, "creationTimestamp");
  const auto generation = it->find("generation");
  if (generation != it->end() && generation->is_number_integer()) {
    meta.generation = generation->get<std::int64_t>();
  }
  meta.deleting = !text_of(*it, "deletionTimestamp").empty();
  meta.labels = text_map(*it, "labels");
  meta.annotations = text_map(*it, "annotations");
  const auto finalizers = it->find("finalizers");
  if (finalizers != it->end() && finalizers->is_array()) {
    for (const json& one : *finalizers) {
      if (one.is_string()) meta.finalizers.push_back(one.get<std::string>());
    }
  }
  return meta;
}

ParsedPool read_pool(const json& object, const ParseOptions& options) {
  ParsedPool out;
  if (!object.is_object()) {
    out.problems.push_back({"the pool", "is not a map", "apiVersion, kind, metadata and spec"});
    return out;
  }
  out.pool.meta = parse_metadata(object);
  if (out.pool.meta.ns.empty()) out.pool.meta.ns = "default";
  check_type(object, options, out.problems);
  if (options.strict) check_top_level(object, out.problems);
  const json spec = normalize_spec(object, options, out.problems);
  // The rules would only repeat, in other words, what is wrong with a field's shape.
  if (out.problems.empty()) check_rules(out.pool.meta, spec, options, out.problems);
  if (!out.problems.empty()) return out;
  out.pool.spec = bind_spec(out.pool.meta, spec);
  out.unsupported = find_unsupported(object);
  return out;
}

Pool parse_pool(const json& object, const ParseOptions& options) {
  ParsedPool parsed = read_pool(object, options);
  if (!parsed.problems.empty()) throw SpecError(std::move(parsed.problems));
  if (!parsed.unsupported.empty()) throw SpecError(std::move(parsed.unsupported));
  return std::move(parsed.pool);
}

Pool parse_pool_text(std::string_view yaml, const ParseOptions& options) {
  json object;
  try {
    object = yaml_document(yaml);
  } catch (const YamlError& error) {
    throw SpecError({{"the pool", std::string("can't be read: ") + error.what(), ""}});
  }
  return parse_pool(object, options);
}

}  // namespace wp::pool
