#include "bench/audit_log.h"

#include <array>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "tests/support/wait.h"

namespace wp::bench {
namespace {

using nlohmann::json;

constexpr Millis kLook{5};  // at the file; the times are the log's own

// 2026-11-21T06:32:38.123456Z
double parse_time(const std::string& text) {
  std::tm parts{};
  const char* rest = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr) throw std::runtime_error("the audit log holds no time: " + text);
  const double fraction = *rest == '.' ? std::strtod(rest, nullptr) : 0;
  return static_cast<double>(timegm(&parts)) + fraction;
}

std::optional<AuditedRequest> parse(const std::string& line) {
  const json event = json::parse(line, nullptr, false);
  if (!event.is_object()) throw std::runtime_error("the audit log holds something else: " + line);
  AuditedRequest request;
  request.verb = event.value("verb", "");
  const std::string stage = event.value("stage", "");
  // A watch goes on for minutes: what counts is that it was opened.
  if (stage != (request.verb == "watch" ? "ResponseStarted" : "ResponseComplete")) {
    return std::nullopt;
  }
  const json object = event.value("objectRef", json::object());
  request.resource = object.value("resource", "");
  if (object.contains("subresource")) {
    request.resource += "/" + object.at("subresource").get<std::string>();
  }
  request.ns = object.value("namespace", "");
  request.name = object.value("name", "");
  request.agent = event.value("userAgent", "");
  request.code = event.value("responseStatus", json::object()).value("code", 0);
  request.received = parse_time(event.at("requestReceivedTimestamp"));
  request.completed = parse_time(event.at("stageTimestamp"));
  return request;
}

}  // namespace

double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string AuditLog::policy(const std::string& user) {
  return json({{"apiVersion", "audit.k8s.io/v1"},
               {"kind", "Policy"},
               {"omitStages", {"RequestReceived"}},
               {"rules", {{{"level", "Metadata"}, {"users", {user}}}, {{"level", "None"}}}}})
      .dump();
}

const std::deque<AuditedRequest>& AuditLog::requests() {
  if (!in_.is_open()) in_.open(file_);
  in_.clear();  // the end of the file was met before
  std::array<char, 65536> buffer{};
  while (in_.read(buffer.data(), buffer.size()), in_.gcount() > 0) {
    partial_.append(buffer.data(), static_cast<std::size_t>(in_.gcount()));
  }
  std::size_t begin = 0;
  for (std::size_t end; (end = partial_.find('\n', begin)) != std::string::npos; begin = end + 1) {
    if (auto request = parse(partial_.substr(begin, end - begin))) {
      requests_.push_back(std::move(*request));
    }
  }
  partial_.erase(0, begin);
  return requests_;
}

const AuditedRequest* AuditLog::wait_for(std::size_t from, const Match& match, Millis deadline) {
  const AuditedRequest* found = nullptr;
  (void)test::eventually(
      [&] {
        const auto& all = requests();
        for (; from < all.size(); ++from) {
          if (!match(all[from])) continue;
          found = &all[from];
          return true;
        }
        return false;
      },
      deadline, kLook);
  return found;
}

bool AuditLog::wait_quiet(Millis gap, Millis deadline, const Match& ignored) {
  const double silence = static_cast<double>(gap.count()) / 1000;
  const double begin = wall_seconds();
  return test::eventually(
      [&] {
        double last = begin;
        const auto& all = requests();
        for (auto it = all.rbegin(); it != all.rend(); ++it) {
          if (ignored(*it)) continue;
          last = std::max(last, it->completed);
          break;
        }
        return wall_seconds() - last > silence;
      },
      deadline, Millis{20});
}

}  // namespace wp::bench
