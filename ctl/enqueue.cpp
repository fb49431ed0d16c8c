#include "ctl/enqueue.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <iostream>
#include <optional>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/options.h"
#include "base/schema/schema.h"
#include "base/stop_signals.h"
#include "base/unique_fd.h"
#include "base/units.h"
#include "ctl/batch.h"
#include "ctl/lines.h"
#include "ctl/near_names.h"
#include "ctl/output/format.h"
#include "ctl/output/table.h"
#include "ctl/sender.h"

namespace wp::ctl {
namespace {

using nlohmann::ordered_json;
using queue::EnqueueRefused;
using queue::NewJob;

constexpr std::int64_t kLargestPayload = 1024 * 1024;
// A pipe that is quiet for so long gets what it has written so far sent.
constexpr Millis kPipePatience{50};

// The whole of a file, but not more than is needed to see that it is too long.
std::string read_bounded(const std::string& path, std::int64_t most, std::string_view what) {
  UniqueFd opened;
  int fd = STDIN_FILENO;
  if (path != "-") {
    opened.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!opened) {
      throw CommandError(kError, fmt::format("{}: {}: {}", what, path, std::strerror(errno)));
    }
    fd = opened.get();
  }
  std::string bytes;
  char chunk[64 * 1024];
  while (static_cast<std::int64_t>(bytes.size()) <= most) {
    const ssize_t n = ::read(fd, chunk, sizeof chunk);
    if (n == 0) return bytes;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0)
      throw CommandError(kError, fmt::format("{}: {}: {}", what, path, std::strerror(errno)));
    bytes.append(chunk, static_cast<std::size_t>(n));
  }
  return bytes;
}

// The words of a chain, from the command line or a file.
std::string chain_text(const std::string& text) {
  if (text.empty() || text.find_first_not_of(" \t\n") == text.find('[')) return text;
  const std::string path = text.starts_with("@") ? text.substr(1) : text;
  return read_bounded(path, static_cast<std::int64_t>(kMaxLineBytes), "chain");
}

std::string payload_of(const std::string& text) {
  if (text.starts_with("@@")) return text.substr(1);
  if (text.starts_with("@")) {
    std::string bytes = read_bounded(text.substr(1), kLargestPayload, "payload");
    if (static_cast<std::int64_t>(bytes.size()) <= kLargestPayload) return bytes;
    // Not all of it was read: its size is not known.
    throw CommandError(kUsage, fmt::format("payload: {}: longer than {}; pass larger things by "
                                           "reference",
                                           text.substr(1), format_bytes(kLargestPayload)));
  }
  return text;
}

std::string taken_before(std::int64_t jobs, std::int64_t line) {
  std::string text = fmt::format("{} jobs were taken before", jobs);
  if (line > 0) text += fmt::format(", up to line {}: go on with --from-line {}", line, line + 1);
  return text;
}

// One command's way from jobs to the report.
class Enqueue {
 public:
  Enqueue(const EnqueueRequest& request, const Target& target, const std::string& queue,
          Format format)
      : request_(request),
        format_(format),
        session_(target, queue),
        sender_(
            session_.queue, session_.connection,
            {.force = request.force,
             .wait = request.wait,
             .wait_replicas = static_cast<int>(request.wait_replicas),
             .wait_time = Millis{request.wait_ms}},
            [](Millis pause) { std::this_thread::sleep_for(pause); },
            [](const std::string& line) { std::cerr << "workerpoolctl: " << line << std::endl; }) {
    defaults_.type = request.type.empty() ? "default" : request.type;
    defaults_.priority = static_cast<int>(request.priority);
    defaults_.delay = request.delay;
    defaults_.timeout = request.timeout;
    defaults_.unique_for = request.unique_for;
    defaults_.session = request.session;
  }

  int one() {
    NewJob job = defaults_;
    job.id = request_.id;
    job.unique = request_.unique;
    job.payload = payload_of(request_.payload);
    const std::string chain = chain_text(request_.chain);
    look_at_queue();
    try {
      if (!chain.empty()) job.chain = parse_chain(chain, max_payload_);
    } catch (const BadLine& e) {
      throw CommandError(kUsage, printable(e.what()));
    }
    if (const std::string problem = queue::problem_with(job, max_payload_); !problem.empty()) {
      throw CommandError(kUsage, printable(problem));
    }
    if (const std::string problem = schema_problem(job); !problem.empty()) {
      throw CommandError(kUsage, problem);
    }
    chunk_ = {std::move(job)};
    const auto results = attempt();
    report(results.empty() ? nullptr : &results.front());
    return finish();
  }

  int batch() {
    LineReader reader(request_.batch);
    look_at_queue();
    if (reader.rewindable()) {
      std::string line;
      try {
        while (reader.next(line)) (void)parse(reader, line);
      } catch (const CommandError& e) {
        throw CommandError(e.code(), fmt::format("{}; nothing was sent", e.what()));
      }
      reader.rewind();
    }
    {
      // Ends at once, but not without the figures: with them the batch can be gone on with.
      const StopSignals stop([this](int) {
        std::cerr << "workerpoolctl: stopped by a signal, perhaps within a call; "
                  << taken_before(total_, acknowledged_line_) << std::endl;
        _exit(kStopped);
      });
      stream(reader);
    }
    report(nullptr);
    return finish();
  }

 private:
  // What the queue allows, before anything is sent.
  void look_at_queue() {
    queue::Config config;
    try {
      config = session_.queue.read_config();
    } catch (const redis::Error& e) {
      // A producer's user may have the right to enqueue and to nothing else.
      if (e.error_class() != redis::ErrorClass::permission) throw;
      return;
    }
    if (!request_.force && (!config.present || config.owner == "orphaned")) {
      throw unserved();
    }
    const std::int64_t allowed = config.number("max_payload", 0);
    if (allowed > 0) max_payload_ = std::min(allowed, kLargestPayload);
    try {
      schema_ = Schema::parse(config.text("schema", ""));
    } catch (const SchemaError& e) {
      throw CommandError(kError, fmt::format("queue {}: this version can't read its jobs.schema: "
                                             "{}; nothing was sent",
                                             session_.queue.name(), e.what()));
    }
  }

  CommandError unserved() {
    const CommandError unknown = unknown_queue(session_.connection, session_.queue.name());
    return {unknown.code(),
            fmt::format("{}; start its worker or pool first, or --force", unknown.what())};
  }

  // What the queue's jobs.schema says against the payloads. Empty when they are fine.
  std::string schema_problem(const NewJob& job) const {
    std::string problem = schema_.problem_with(job.payload);
    for (std::size_t i = 0; problem.empty() && i < job.chain.size(); ++i) {
      problem = schema_.problem_with(job.chain[i].payload);
      if (!problem.empty()) problem = fmt::format("chain: step {}: {}", i + 1, problem);
    }
    if (!problem.empty()) problem += "; so says jobs.schema of queue " + session_.queue.name();
    return problem;
  }

  std::optional<NewJob> parse(const LineReader& reader, const std::string& line) const {
    if (reader.number() < request_.from_line || is_blank(line)) return std::nullopt;
    try {
      if (line.size() > kMaxLineBytes) {
        throw BadLine("the line is longer than " + format_bytes(kMaxLineBytes));
      }
      NewJob job = parse_batch_line(line, defaults_, max_payload_);
      if (const std::string problem = schema_problem(job); !problem.empty()) throw BadLine(problem);
      return job;
    } catch (const BadLine& e) {
      throw CommandError(kUsage,
                         fmt::format("{}:{}: {}", reader.name(), reader.number(), e.what()));
    }
  }

  void stream(LineReader& reader) {
    std::string line;
    std::size_t bytes = 0;
    std::vector<std::int64_t> lines;  // of the chunk's jobs
    const auto flush = [&] {
      if (chunk_.empty()) return true;
      const bool taken = !attempt().empty();
      if (sender_.acknowledged() > 0) acknowledged_line_ = lines[sender_.acknowledged() - 1];
      total_ = sender_.sent().total();
      chunk_.clear();
      lines.clear();
      bytes = 0;
      return taken;
    };
    try {
      for (;;) {
        if (!chunk_.empty() && !reader.rewindable() && !reader.ready(kPipePatience) && !flush()) {
          return;
        }
        if (!reader.next(line)) break;
        std::optional<NewJob> job = parse(reader, line);
        if (!job) continue;
        const std::size_t size = call_bytes(*job);
        const bool fits =
            chunk_.size() < queue::kMaxJobsPerCall && bytes + size <= queue::kMaxBytesPerCall;
        if (!fits && !flush()) return;
        bytes += size;
        lines.push_back(reader.number());
        chunk_.push_back(std::move(*job));
      }
    } catch (const CommandError& e) {
      // A pipe can't be validated beforehand: what came before the bad line is sent.
      if (flush()) fail(e.code(), e.what());
      return;
    }
    (void)flush();
  }

  // Sends the chunk. Empty when it failed; the reason is kept for the end.
  std::vector<queue::Enqueued> attempt() {
    try {
      return sender_.send(chunk_);
    } catch (const EnqueueRefused& e) {
      refused(e);
    } catch (const redis::Error& e) {
      const CommandError error = to_command_error(e, session_.target);
      std::string why = error.what();
      if (sender_.unknown_outcome() && request_.batch.empty()) {
        why += fmt::format("; the job may have been taken: to repeat it safely, give --id {}",
                           chunk_.front().id);
      } else if (sender_.unknown_outcome()) {
        why += "; the last call, of at most 500 jobs, may have taken effect all the same";
      }
      fail(error.code(), why);
    }
    return {};
  }

  void refused(const EnqueueRefused& e) {
    const bool full = e.reason() == EnqueueRefused::Reason::full ||
                      e.reason() == EnqueueRefused::Reason::out_of_memory;
    if (e.reason() == EnqueueRefused::Reason::no_pool) {
      const CommandError unknown = unserved();
      fail(unknown.code(), unknown.what());
    } else if (full) {
      retry_after_ = e.retry_after();
      fail(kFull, fmt::format("{}: try again in {}, or wait for room with --wait", e.what(),
                              human_duration(e.retry_after())));
    } else {
      fail(kError, e.what());
    }
  }

  void fail(Exit code, const std::string& why) {
    code_ = code;
    error_ = why;
  }

  // On stdout, also when it failed half way.
  void report(const queue::Enqueued* job) const {
    const Sent& sent = sender_.sent();
    if (format_ != Format::table) {
      ordered_json document;
      if (job != nullptr) {
        document["id"] = job->id;
        document["state"] = queue::to_string(job->state);
      }
      document["accepted"] = sent.accepted;
      document["duplicates"] = sent.duplicates;
      if (sent.unsure > 0) document["unsure"] = sent.unsure;
      if (sent.replicas) document["replicas"] = *sent.replicas;
      document["queue"] = session_.queue.name();
      document["redis"] = session_.target.endpoint.describe();
      document["database"] = session_.target.endpoint.database;
      if (!request_.batch.empty()) document["acknowledged_line"] = acknowledged_line_.load();
      if (code_ != kDone) document["error"] = error_;
      if (retry_after_) document["retry_after_ms"] = retry_after_->count();
      std::cout << render(document, format_) << std::flush;
      return;
    }
    std::string line;
    if (job != nullptr) line = fmt::format("{} {}: ", job->id, queue::to_string(job->state));
    line += fmt::format("accepted {}, duplicates {}", sent.accepted, sent.duplicates);
    if (sent.unsure > 0) {
      line +=
          fmt::format(" ({} of them perhaps by a repeated call of this very command)", sent.unsure);
    }
    if (sent.replicas) line += fmt::format("; on {} replicas", *sent.replicas);
    line +=
        fmt::format("; queue {} at {}", session_.queue.name(), describe(session_.target.endpoint));
    std::cout << line << std::endl;
  }

  int finish() const {
    const auto replicas = sender_.sent().replicas;
    if (code_ == kDone && replicas && *replicas < request_.wait_replicas) {
      throw CommandError(
          kTooFewReplicas,
          fmt::format("taken, but only {} of {} replicas had it within {} ms: a failover now may "
                      "lose it; send it again with its id to be sure",
                      *replicas, request_.wait_replicas, request_.wait_ms));
    }
    if (code_ == kDone) return kDone;
    std::string message = error_;
    if (!request_.batch.empty()) {
      message += "; " + taken_before(sender_.sent().total(), acknowledged_line_);
    }
    throw CommandError(code_, message);
  }

  const EnqueueRequest& request_;
  Format format_;
  Session session_;
  Sender sender_;
  NewJob defaults_;
  std::int64_t max_payload_ = kLargestPayload;
  Schema schema_;
  std::vector<NewJob> chunk_;
  // Read by the thread of the signals.
  std::atomic<std::int64_t> acknowledged_line_ = 0;
  std::atomic<std::int64_t> total_ = 0;
  Exit code_ = kDone;
  std::string error_;
  std::optional<Millis> retry_after_;
};

}  // namespace

void check_request(const EnqueueRequest& request) {
  if (!request.batch.empty()) {
    if (!request.id.empty())
      throw UsageError("id: belongs in the batch's lines, not beside --batch");
    if (!request.payload.empty()) {
      throw UsageError("payload: belongs in the batch's lines, not beside --batch");
    }
    if (!request.unique.empty() || !request.chain.empty()) {
      throw UsageError("unique and chain: belong in the batch's lines, not beside --batch");
    }
    return;
  }
  if (request.type.empty()) {
    throw UsageError("TYPE: is missing; enqueue TYPE, or enqueue --batch FILE");
  }
  if (request.unique.empty() && request.unique_for > Millis{0}) {
    throw UsageError("unique-for: goes with --unique only");
  }
  if (request.from_line != 1) throw UsageError("from-line: goes with --batch only");
}

int enqueue(const EnqueueRequest& request, const Target& target, const std::string& queue,
            Format format) {
  Enqueue run(request, target, queue, format);
  return request.batch.empty() ? run.one() : run.batch();
}

}  // namespace wp::ctl
