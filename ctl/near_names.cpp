#include "ctl/near_names.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <numeric>

#include "base/clock.h"
#include "ctl/output/table.h"

namespace wp::ctl {
namespace {

constexpr std::size_t kMostNames = 2000;
constexpr std::size_t kNearQueues = 5;
constexpr Millis kLongestScan{1000};

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

// Levenshtein's distance, one row at a time.
std::size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

// "wp:{name}:cfg" → name.
std::string queue_of(std::string_view key) {
  constexpr std::string_view kFront = "wp:{";
  constexpr std::string_view kBack = "}:cfg";
  if (!key.starts_with(kFront) || !key.ends_with(kBack) ||
      key.size() <= kFront.size() + kBack.size()) {
    return {};
  }
  key.remove_prefix(kFront.size());
  key.remove_suffix(kBack.size());
  return std::string(key);
}

}  // namespace

FoundQueues find_queues(redis::Connection& connection) {
  FoundQueues found;
  std::vector<std::string>& names = found.names;
  const Millis end = system_clock().steady() + kLongestScan;
  std::string cursor = "0";
  do {
    const redis::Reply reply =
        connection.execute({"SCAN", cursor, "MATCH", "wp:{*}:cfg", "COUNT", "1000"});
    cursor = reply.at(0).text();
    for (const redis::Reply& key : reply.at(1).array()) {
      std::string name = queue_of(key.text());
      if (!name.empty()) names.push_back(std::move(name));
    }
  } while (cursor != "0" && names.size() < kMostNames && system_clock().steady() < end);
  found.all = cursor == "0";
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());  // SCAN may repeat itself
  return found;
}

std::vector<std::string> nearest(std::vector<std::string> names, std::string_view wanted,
                                 std::size_t most) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  struct Ranked {
    std::size_t distance;
    std::string name;
  };
  std::vector<Ranked> near;
  const std::string target = lower(wanted);
  for (const std::string& name : names) {
    const std::string candidate = lower(name);
    const std::size_t distance = edits(target, candidate);
    const std::size_t shorter = std::min(target.size(), candidate.size());
    const bool part = shorter >= 3 && (candidate.find(target) != std::string::npos ||
                                       target.find(candidate) != std::string::npos);
    // Two letters in the wrong order are two edits.
    const bool few = distance <= std::max<std::size_t>(2, target.size() / 3) && distance < shorter;
    if (part || few) {
      near.push_back({part ? std::min<std::size_t>(distance, 1) : distance, name});
    }
  }
  std::stable_sort(near.begin(), near.end(),
                   [](const Ranked& a, const Ranked& b) { return a.distance < b.distance; });
  std::vector<std::string> chosen;
  chosen.reserve(near.size());
  for (Ranked& ranked : near) chosen.push_back(std::move(ranked.name));
  if (chosen.empty()) chosen = std::move(names);
  if (chosen.size() > most) chosen.resize(most);
  return chosen;
}

CommandError unknown_queue(redis::Connection& connection, const std::string& queue) {
  std::vector<std::string> names;
  try {
    names = find_queues(connection).names;
    std::erase(names, queue);  // a part of a configuration, such as a person's pause
    names = nearest(std::move(names), queue, kNearQueues);
  } catch (const redis::Error&) {
    // A user without the right to SCAN: the error below stands without names.
  }
  std::string message =
      fmt::format("no pool or worker serves queue {} at {}, database {}", queue,
                  connection.endpoint().describe(), connection.endpoint().database);
  if (names.empty()) {
    message += "; no other queue was found there";
  } else {
    message +=
        fmt::format("; queues there: {}", printable(fmt::format("{}", fmt::join(names, ", "))));
  }
  return {kNotFound, message};
}

bool is_unknown(const queue::Counts& counts) {
  return !counts.config_present && counts.workers.empty() &&
         counts.waiting + counts.delayed + counts.active + counts.dead + counts.done == 0;
}

}  // namespace wp::ctl
