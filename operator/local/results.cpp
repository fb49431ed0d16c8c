#include "operator/local/results.h"

#include <algorithm>
#include <fstream>
#include <stdexcept>

namespace wp::local {
namespace {

constexpr std::int64_t kPage = 200;

}  // namespace

nlohmann::json result_of(const queue::JobView& job) {
  nlohmann::json line = {{"id", job.id}, {"state", std::string(queue::to_string(job.state))}};
  if (!job.type.empty()) line["type"] = job.type;
  const nlohmann::json kept = nlohmann::json::parse(job.result, nullptr, false);
  if (!kept.is_object()) return line;
  const char* outcome = job.state == queue::JobState::done ? "result" : "error";
  for (const char* field : {outcome, "duration_ms"}) {
    if (kept.contains(field)) line[field] = kept[field];
  }
  return line;
}

std::int64_t write_results(redis::Connection& connection, const std::string& queue, Millis since,
                           const std::string& path) {
  std::ofstream out(path, std::ios::trunc);
  queue::Queue jobs(connection, queue);
  std::int64_t written = 0;
  for (const char* set : {"done", "dead"}) {
    const std::string key = queue::key_name(queue, set);
    std::int64_t from =
        connection.execute({"ZCOUNT", key, "-inf", "(" + std::to_string(since.count())}).integer();
    while (true) {
      const redis::Reply page = connection.execute(
          {"ZRANGE", key, std::to_string(from), std::to_string(from + kPage - 1)});
      for (const redis::Reply& id : page.array()) {
        const queue::JobView job = jobs.job(id.text());
        out << result_of(job).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
            << '\n';
        ++written;
      }
      if (page.array().empty()) break;
      from += kPage;
    }
  }
  out.flush();
  if (!out) throw std::runtime_error("results: cannot write \"" + path + "\"");
  return written;
}

}  // namespace wp::local
