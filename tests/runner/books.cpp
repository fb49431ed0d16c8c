#include "tests/runner/books.h"

#include <algorithm>
#include <cstdlib>
#include <doctest/doctest.h>
#include <fstream>
#include <signal.h>
#include <sstream>

namespace wp::test {
namespace {

constexpr const char* kHandler = R"sh(
  read -r what bytes
  echo "start $WP_JOB_ID $WP_EPOCH $$" >> "$HERE/ledger"
  if [ -n "$bytes" ] && [ "$(wc -c)" -ne "$bytes" ]; then
    echo "short $WP_JOB_ID" >> "$HERE/ledger"
    exit 1
  fi
  case $what in
    '') ;;
    go*) pause=0.02; while [ ! -e "$HERE/$what" ]; do sleep $pause; pause=0.1; done ;;
    fail*) [ -e "$HERE/$what" ] || { : > "$HERE/$what"; exit 1; } ;;
    *) sleep "$what" ;;
  esac
  echo "end $WP_JOB_ID" >> "$HERE/ledger"
)sh";

constexpr Millis kAgain{20};

std::string joined(const std::vector<std::string>& ids) {
  std::string out;
  for (const std::string& id : ids) out += id + " ";
  return out;
}

}  // namespace

bool soak() {
  const char* text = std::getenv("WORKERPOOL_SOAK");
  return text != nullptr && std::string(text) == "1";
}

RunnerSetup ledger_runner(const std::string& url, const Folder& folder, int slots,
                          const std::string& queue) {
  return {url,
          queue,
          {"--scratch-dir", folder.path(), "--concurrency", std::to_string(slots), "--", "/bin/sh",
           "-c", kHandler},
          {{"HERE", folder.path()}}};
}

void let_go(const Folder& folder, const std::string& name) {
  write_file(folder / name, "");
}

Ledger::Ledger(const Folder& folder) {
  std::ifstream file(folder / "ledger");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string what;
    Execution entry;
    words >> what >> entry.id;
    if (what == "end") {
      ends.insert(entry.id);
    } else if (what == "short") {
      shorts.insert(entry.id);
    } else {
      words >> entry.epoch >> entry.pid;
      starts.push_back(entry);
    }
  }
}

int Ledger::executions(const std::string& id) const {
  return static_cast<int>(std::count_if(starts.begin(), starts.end(),
                                        [&](const Execution& entry) { return entry.id == id; }));
}

pid_t wait_start(const Folder& folder, const std::string& id, int nth) {
  pid_t pid = 0;
  CAPTURE(id);
  REQUIRE(eventually(
      [&] {
        int seen = 0;
        for (const Ledger::Execution& entry : Ledger(folder).starts) {
          if (entry.id == id && entry.pid > 0 && ++seen == nth) pid = entry.pid;
        }
        return pid > 0;
      },
      Millis{60000}));
  return pid;
}

void wait_end(const Folder& folder, const std::string& id) {
  CAPTURE(id);
  REQUIRE(eventually([&] { return Ledger(folder).ends.contains(id); }, Millis{60000}));
}

bool gone(pid_t pid) {
  return kill(pid, 0) != 0;
}

Producer::Producer(std::string url, Production production)
    : url_(std::move(url)),
      production_(std::move(production)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

void Producer::run(const std::stop_token& stop) {
  redis::Connection connection(redis::parse_endpoint(url_),
                               {.connect = Millis{1000}, .reply = Millis{2000}});
  while (acknowledged_ < production_.jobs && !stop.stop_requested()) {
    const int count = std::min(production_.batch, production_.jobs - acknowledged_);
    std::vector<queue::NewJob> jobs(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      jobs[i].id = "job-" + std::to_string(acknowledged_ + static_cast<int>(i));
      jobs[i].payload = production_.payload;
    }
    while (!stop.stop_requested() && !enqueue(connection, jobs)) {
      ++repeated_;
      std::this_thread::sleep_for(kAgain);
    }
    if (!stop.stop_requested()) acknowledged_ += count;
  }
}

bool Producer::enqueue(redis::Connection& connection, std::vector<queue::NewJob>& jobs) {
  try {
    if (!connection.connected()) connection.connect();
    (void)queue::Queue(connection, "q").enqueue(jobs, true);
    if (production_.replicas == 0) return true;
    return connection.execute({"WAIT", std::to_string(production_.replicas), "1000"}).integer() >=
           production_.replicas;
  } catch (const redis::Error&) {
    connection.close();
    return false;
  } catch (const queue::EnqueueRefused&) {
    return false;
  }
}

std::vector<std::string> Producer::finish(Millis deadline) {
  REQUIRE(eventually([this] { return acknowledged_ == production_.jobs; }, deadline));
  std::vector<std::string> ids;
  for (int i = 0; i < production_.jobs; ++i) ids.push_back("job-" + std::to_string(i));
  return ids;
}

void wait_idle(QueueClient& queue, Millis deadline) {
  queue::Counts counts;
  const bool idle = eventually(
      [&] {
        counts = queue->counts();
        return counts.waiting + counts.delayed + counts.active == 0;
      },
      deadline, Millis{20});
  CAPTURE(counts.waiting);
  CAPTURE(counts.delayed);
  CAPTURE(counts.active);
  REQUIRE(idle);
}

void check_books(QueueClient& queue, const Folder& folder, const std::vector<std::string>& ids,
                 int explained) {
  const Ledger ledger(folder);
  const queue::Counts counts = queue->counts();
  const std::set<std::string> promised(ids.begin(), ids.end());
  std::vector<std::string> lost, unexpected;
  for (const std::string& id : promised) {
    const bool done = queue->job(id).state == queue::JobState::done;
    if (!done || !ledger.ends.contains(id)) lost.push_back(id);
  }
  std::set<std::int64_t> epochs;
  for (const Ledger::Execution& entry : ledger.starts) {
    if (!promised.contains(entry.id)) unexpected.push_back(entry.id);
    epochs.insert(entry.epoch);
  }
  CHECK(joined(lost) == "");
  CHECK(joined(unexpected) == "");
  CHECK(epochs.size() == ledger.starts.size());
  // With every job done and as many completions accepted as there are jobs, each has exactly one.
  CHECK(counts.done == static_cast<std::int64_t>(promised.size()));
  CHECK(counts.stat.at("completed") == static_cast<std::int64_t>(promised.size()));
  CHECK(static_cast<int>(ledger.starts.size() - promised.size()) <= explained);
  CHECK(joined(queue->check()) == "");
}

}  // namespace wp::test
