// The samples of manifests/samples as tests use them: what each of their pools is given to do, and
// its documents with what a cluster of tests cannot have replaced. Not thread safe.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "queue/queue.h"

namespace wp::test {

struct SampleCase {
  const char* file;
  std::vector<const char*> pools;
  const char* result;  // a part of the last job's
  const char* type = "job";
  const char* payload = "one two three";
  const char* session = "";
  std::vector<const char*> then = {};  // the types of the steps that follow
};

const std::vector<SampleCase>& sample_cases();
/// The names of all files there, without the ending.
std::vector<std::string> sample_files();

/// `replaced`: each first text becomes the second, in this order.
std::vector<nlohmann::json> sample_documents(
    const SampleCase& sample, const std::vector<std::pair<std::string, std::string>>& replaced);

/// A volume that the claim takes, on the node's own disk.
nlohmann::json volume_for(const nlohmann::json& claim, const std::string& ns,
                          const std::string& folder);

/// Enqueues its job, and the chain behind it.
void enqueue_sample(queue::Queue& queue, const SampleCase& sample);
/// The last job of the chain.
queue::JobView last_of_sample(queue::Queue& queue, const SampleCase& sample);
/// Whether that job's result is what it should be.
bool is_result_of(const SampleCase& sample, const queue::JobView& job);

}  // namespace wp::test
