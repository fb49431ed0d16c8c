// Debian's Prometheus on a free loopback port, with a folder of its own: scrapes what it is told to
// twice a second and evaluates a rules file. Ends with the object. One test's own.
#pragma once

#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "operator/kube/http.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace wp::test {

/// False when the program is not installed.
bool have_prometheus();

class Prometheus {
 public:
  explicit Prometheus(const std::string& rules);

  /// What the job is scraped from, from now on; an empty address: nothing.
  void scrape(const std::string& job, const std::string& address);

  /// The vector that an expression has now. Throws std::runtime_error with what Prometheus said.
  nlohmann::json query(const std::string& expression) const;
  /// Whether the alert fires, for that pool unless it is empty.
  bool fires(const std::string& alert, const std::string& pool = {}) const;
  /// Every alert that fires or is about to, for messages.
  std::string alerts() const;
  std::string log() const { return process_->output(); }

 private:
  nlohmann::json get(const std::string& path) const;

  OwnFolder folder_;
  std::unique_ptr<Process> process_;
  std::unique_ptr<kube::HttpClient> client_;
};

}  // namespace wp::test
