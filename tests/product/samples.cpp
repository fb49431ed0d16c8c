#include "tests/product/samples.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "operator/pool/yaml.h"

namespace wp::test {
namespace {

std::filesystem::path folder_of_samples() {
  return std::filesystem::path(std::getenv("WORKERPOOL_SOURCE")) / "manifests/samples";
}

void replace_all(std::string& text, const std::string& what, const std::string& by) {
  for (std::size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
}

}  // namespace

const std::vector<SampleCase>& sample_cases() {
  static const std::vector<SampleCase> all = {
      // Of "one two three", computed elsewhere.
      {"quickstart",
       {"quickstart"},
       "6899ee404683a14e8c2a03149860df25d67d34d9cd4dae7350cbe91e4b3976be"},
      {"thresholds", {"thresholds"}, "13"},
      {.file = "browser-sessions",
       .pools = {"browser-small", "browser-medium", "browser-large"},
       .result = R"("visited":{"url":"example"})",
       .payload = R"({"url": "example"})"},
      {.file = "shared-sessions",
       .pools = {"shared-sessions"},
       .result = R"({"after":"processed","text":"ONE TWO THREE"})",
       .type = "upload",
       .session = "order-7",
       .then = {"process", "result"}},
      {"http-app", {"http-app"}, R"("letters":13)"},
      {"office-hours", {"office-hours"}, "3"},
  };
  return all;
}

std::vector<std::string> sample_files() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder_of_samples())) {
    if (entry.path().extension() == ".yaml") names.push_back(entry.path().stem());
  }
  return names;
}

std::vector<nlohmann::json> sample_documents(
    const SampleCase& sample, const std::vector<std::pair<std::string, std::string>>& replaced) {
  const auto path = folder_of_samples() / (std::string(sample.file) + ".yaml");
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  std::string text{std::istreambuf_iterator<char>(file), {}};
  for (const auto& [what, by] : replaced) replace_all(text, what, by);
  return pool::yaml_documents(text);
}

nlohmann::json volume_for(const nlohmann::json& claim, const std::string& ns,
                          const std::string& folder) {
  return {{"apiVersion", "v1"},
          {"kind", "PersistentVolume"},
          {"metadata", {{"name", "v-" + ns}}},
          {"spec",
           {{"capacity", {{"storage", "1Gi"}}},
            {"accessModes", claim.at("spec").at("accessModes")},
            {"hostPath", {{"path", folder}}},
            {"claimRef", {{"namespace", ns}, {"name", claim.at("metadata").at("name")}}}}}};
}

void enqueue_sample(queue::Queue& queue, const SampleCase& sample) {
  std::vector<queue::NewJob> jobs(1);
  queue::NewJob& first = jobs.front();
  first.id = "step-0";
  first.type = sample.type;
  first.payload = sample.payload;
  first.session = sample.session;
  for (std::size_t i = 0; i < sample.then.size(); ++i) {
    queue::ChainStep step;
    step.id = "step-" + std::to_string(i + 1);
    step.type = sample.then[i];
    first.chain.push_back(step);
  }
  (void)queue.enqueue(jobs);
}

queue::JobView last_of_sample(queue::Queue& queue, const SampleCase& sample) {
  return queue.job("step-" + std::to_string(sample.then.size()));
}

bool is_result_of(const SampleCase& sample, const queue::JobView& job) {
  const nlohmann::json document = nlohmann::json::parse(job.result, nullptr, false);
  if (!document.is_object() || !document.contains("result")) return false;
  return document.at("result").dump().find(sample.result) != std::string::npos;
}

}  // namespace wp::test
