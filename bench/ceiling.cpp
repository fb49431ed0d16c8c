#include "bench/ceiling.h"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <stdexcept>

#include "tests/support/process.h"

namespace wp::bench {
namespace {

constexpr int kClients = 8;
constexpr std::size_t kEnvelopeBytes = 33;  // of a body beside the payload: head, type
constexpr std::size_t kOwnBytes = 70;       // fence, worker's name, facts
constexpr std::size_t kResultBytes = 52;    // result, duration, facts
constexpr int kStockBatch = 500;

constexpr std::array<const char*, 15> kKeys = {"nil", "cfg",   "ready",   "delayed", "active",
                                               "own", "held",  "meta",    "body",    "done",
                                               "res", "alone", "workers", "stat",    "wake"};

// ARGV: n, score of a finished job, score of a lease, own value, result value, then what a worker
// sends of each job: id, fence, result, duration.
constexpr const char* kStep = R"(
local r, n, worker = redis.call, tonumber(ARGV[1]), 'wp-bench-0-abcdef/12345678/'
r('DEL', nil_)
r('TIME')
r('HMGET', cfg, 'hash', 'owner', 'term', 'format', 'paused', 'lease_ms', 'seen', 'hold', 'seq',
  'epoch', 'bytes', 'max_active', 'max_attempts', 'max_crashes', 'max_losses', 'keep_done_count',
  'keep_done_age_ms', 'keep_dead_count', 'keep_dead_age_ms', 'keep_payloads')
r('ZCARD', ready)
r('ZRANGEBYSCORE', delayed, '-inf', ARGV[2], 'LIMIT', '0', '100')
r('ZRANGEBYSCORE', active, '-inf', '1', 'LIMIT', '0', '100')
r('ZRANGE', alone, '0', '0', 'WITHSCORES')
r('HGET', cfg, 'retire')
local ids = r('ZRANGE', ready, '0', n - 1)
r('ZREMRANGEBYRANK', ready, '0', #ids - 1)
local bodies = r('HMGET', body, unpack(ids))
r('HMGET', meta, unpack(ids))
local leases, owns, helds, held_ids, results, finished, reply = {}, {}, {}, {}, {}, {}, {}
for i = 1, #ids do
  local id, k = ids[i], 2 * i
  local member = worker .. id
  leases[k - 1], leases[k] = ARGV[3], id
  owns[k - 1], owns[k] = id, ARGV[4]
  helds[k - 1], helds[k] = '0', member
  held_ids[i] = member
  results[k - 1], results[k] = id, ARGV[5]
  finished[k - 1], finished[k] = ARGV[2], id
  reply[3 * i - 2], reply[3 * i - 1], reply[3 * i] = id, ARGV[4], bodies[i]
end
r('ZADD', active, unpack(leases))
r('HSET', own, unpack(owns))
r('ZADD', held, unpack(helds))
r('HMGET', own, unpack(ids))
r('ZREM', active, unpack(ids))
r('HDEL', own, unpack(ids))
r('ZREM', held, unpack(held_ids))
r('HDEL', body, unpack(ids))
r('HSET', res, unpack(results))
r('ZADD', done, unpack(finished))
r('ZCARD', done)
local old = r('ZRANGE', done, '0', n - 1)
r('ZREMRANGEBYRANK', done, '0', n - 1)
r('HDEL', res, unpack(old))
r('HMGET', stat, 'completed', 'started', 'busy_ms', 'duration:1', 'pickup:9')
r('HSET', stat, 'completed', n, 'started', n, 'busy_ms', n, 'duration:1', n, 'pickup:9', n)
r('HINCRBY', stat, '1', n)
r('ZADD', workers, ARGV[2], worker)
r('LINDEX', wake, '0')
r('ZRANGE', delayed, '0', '0', 'WITHSCORES')
r('ZRANGE', active, '0', '0', 'WITHSCORES')
r('HSET', cfg, 'seen', ARGV[2], 'epoch', ARGV[2], 'bytes', ARGV[2])
return reply
)";

// ARGV: n, then of each job: the beginning of its id, the end of its score, its body.
constexpr const char* kEnqueue = R"(
local r, n = redis.call, tonumber(ARGV[1])
r('TIME')
r('HMGET', cfg, 'hash', 'owner', 'format', 'paused', 'seq', 'bytes', 'max_depth', 'max_bytes',
  'max_payload', 'max_active')
r('ZCARD', ready)
local call = string.format('%.0f', 1000000 + r('HINCRBY', cfg, 'seq', 1))
local ids, rows, scores = {}, {}, {}
for i = 1, n do
  local at, k = 3 * i - 1, 2 * i
  local id = ARGV[at] .. call
  ids[i] = id
  rows[k - 1], rows[k] = id, ARGV[at + 2]
  scores[k - 1], scores[k] = call .. ARGV[at + 1], id
end
r('HMGET', body, unpack(ids))
r('HMGET', res, unpack(ids))
r('HSET', body, unpack(rows))
r('ZADD', ready, unpack(scores))
r('HSET', cfg, 'bytes', n)
r('HSET', stat, 'enqueued', n)
r('HINCRBY', stat, '1', n)
r('ZCARD', ready)
r('LINDEX', wake, '0')
return n
)";

std::string key_of(const std::string& part) {
  return "wp:{ceiling}:" + part;
}

std::string with_keys(const char* body) {
  std::string source;
  for (std::size_t i = 0; i < kKeys.size(); ++i) {
    const std::string name = kKeys.at(i);
    source += fmt::format("local {}=KEYS[{}]\n", name == "nil" ? "nil_" : name, i + 1);
  }
  return source + body;
}

// redis-benchmark --csv: a line of titles, then "name","calls a second",…
double rate_in(const std::string& csv) {
  const std::size_t line = csv.rfind("\n\"EVALSHA");
  const std::size_t next = line == std::string::npos ? line : csv.find("\",\"", line);
  const double rate = next == std::string::npos ? 0 : std::strtod(csv.c_str() + next + 3, nullptr);
  if (rate <= 0) throw std::runtime_error("redis-benchmark answered: " + csv.substr(0, 300));
  return rate;
}

}  // namespace

Ceiling::Ceiling(Server& server) : server_(server) {
  load();
}

void Ceiling::load() {
  step_sha_ = server_.execute({"SCRIPT", "LOAD", with_keys(kStep)}).text();
  enqueue_sha_ = server_.execute({"SCRIPT", "LOAD", with_keys(kEnqueue)}).text();
}

void Ceiling::clear() {
  redis::Command command{"DEL"};
  for (const char* key : kKeys) command.push_back(key_of(key));
  (void)server_.execute(command);
}

double Ceiling::run(const std::string& sha, std::int64_t calls, int batch,
                    const std::vector<std::string>& args) {
  const std::filesystem::path log =
      std::filesystem::path(server_.redis().socket()).parent_path() / "ceiling.csv";
  std::error_code ignored;
  std::filesystem::remove(log, ignored);
  std::vector<std::string> words{
      "redis-benchmark",           "-s", server_.redis().socket(), "--csv",   "-c",
      std::to_string(kClients),    "-n", std::to_string(calls),    "EVALSHA", sha,
      std::to_string(kKeys.size())};
  for (const char* key : kKeys) words.push_back(key_of(key));
  words.insert(words.end(), args.begin(), args.end());
  const Account before = server_.account();
  test::Process process(words, log.string());
  if (process.wait(Millis{120000}) != 0) {
    throw std::runtime_error("redis-benchmark failed: " + process.output().substr(0, 300));
  }
  cpu_us_ = server_.account().since(before).cpu_us / static_cast<double>(calls * batch);
  return rate_in(process.output()) * batch;
}

double Ceiling::enqueue(int batch, std::int64_t calls, std::size_t payload) {
  std::vector<std::string> args{std::to_string(batch)};
  for (int i = 0; i < batch; ++i) {
    args.push_back(fmt::format("id{:04}", i));  // 13 characters with the call's number
    args.push_back(fmt::format("{:03}", i));
    args.push_back(std::string(kEnvelopeBytes + payload, 'x'));
  }
  return run(enqueue_sha_, calls, batch, args);
}

double Ceiling::step(int batch, std::int64_t calls) {
  const std::int64_t stock = batch * calls;
  (void)enqueue(kStockBatch, stock / kStockBatch + 20, 100);
  for (int i = 0; i < 1000; ++i) {
    (void)server_.execute({"ZADD", key_of("done"), "1", fmt::format("finished{:05}", i)});
  }
  std::vector<std::string> args{std::to_string(batch), "1753000000000", "1753000015000",
                                std::string(kOwnBytes, 'o'), std::string(kResultBytes, 'r')};
  for (int i = 0; i < batch; ++i) {
    args.insert(args.end(), {"0123456789abc", "1838193829831", "null", "0"});
  }
  return run(step_sha_, calls, batch, args);
}

}  // namespace wp::bench
