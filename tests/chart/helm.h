// The chart of helm/workerpool as helm makes objects of it. Helm is the one of $HELM, else of
// tests/cluster/assets --node; where there is none the process exits with 77 (skipped) and the
// reason. One thread.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace wp::test {

struct Answer {
  bool ok = false;
  std::string text;  // stdout and stderr
};

/// A command for a shell.
Answer shell(const std::string& command);

/// The root of the sources.
std::string source_folder();

/// Helm with these words (for a shell); the chart's folder is put in for CHART.
Answer helm(const std::string& words);

/// The objects of `helm template` for the release workerpool in workerpool-system, with these
/// further words: values by --set. Throws std::runtime_error with what helm said.
std::vector<nlohmann::json> rendered(const std::string& words = {});

/// The one object of that kind and, if given, name. Throws std::runtime_error when it is not there.
nlohmann::json object_of(const std::vector<nlohmann::json>& objects, const std::string& kind,
                         const std::string& name = {});

/// Values that turn on one part of the chart each, as words for rendered(): every template is made
/// by one of them at least.
struct Variant {
  std::string name;
  std::string words;
};
const std::vector<Variant>& variants();

}  // namespace wp::test
