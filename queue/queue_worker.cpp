#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <set>
#include <string_view>
#include <utility>

#include "base/ids.h"
#include "queue/calls.h"
#include "queue/codec.h"
#include "queue/scripts.h"

namespace wp::queue {
namespace {

using redis::Reply;
using redis::ScriptCall;

std::string_view release_word(ReleaseKind kind) {
  switch (kind) {
    case ReleaseKind::unstarted:
      return "released";
    case ReleaseKind::interrupted:
      return "interrupted";
    case ReleaseKind::aside:
      return "aside";
  }
  return "released";
}

std::string_view outcome_word(Outcome outcome) {
  switch (outcome) {
    case Outcome::complete:
      return "complete";
    case Outcome::fail:
      return "fail";
    case Outcome::stall:
      return "stall";
    case Outcome::crash:
      return "crash";
    case Outcome::defer:
      return "defer";
    case Outcome::bury:
      return "bury";
  }
  return "fail";
}

Settled parse_settled(const std::string& word) {
  if (word == "gone") return Settled::session_gone;
  if (word == "toobig") return Settled::session_too_big;
  for (const Settled settled :
       {Settled::done, Settled::retried, Settled::deferred, Settled::dead, Settled::conflict}) {
    if (word == to_string(settled)) return settled;
  }
  return Settled::stale;
}

// The first value and the last five of a STEP's and a BEAT's reply.
void read_view(const Reply& reply, std::size_t from, WorkerView& view) {
  view.now = Millis{reply.at(0).integer()};
  view.retired = reply.at(from).integer() != 0;
  view.paused = reply.at(from + 1).integer() != 0;
  view.claimable = reply.at(from + 2).integer() != 0;
  view.next_due = optional_time(reply.at(from + 3));
  view.config_hash = reply.at(from + 4).text();
}

// Texts of results and errors are bounded here, whatever the caller does.
std::string bounded(const std::string& text, std::size_t max) {
  return text.size() <= max ? text : text.substr(0, max);
}

// The script takes completions first, then the others; and a claim once: a second settlement of it
// in the same call is stale. (The same job by another claim is another matter.)
struct Order {
  std::vector<std::size_t> places;  // of the settlements, in the order of the script
  std::size_t completions = 0;
};

Order order_of(const std::vector<Settlement>& settlements) {
  Order order;
  order.places.reserve(settlements.size());
  std::set<std::pair<std::string_view, std::int64_t>> named;
  std::vector<std::size_t> others;
  for (std::size_t i = 0; i < settlements.size(); ++i) {
    if (!named.emplace(settlements[i].id, settlements[i].epoch).second) continue;
    (settlements[i].outcome == Outcome::complete ? order.places : others).push_back(i);
  }
  order.completions = order.places.size();
  order.places.insert(order.places.end(), others.begin(), others.end());
  return order;
}

void add_settlement(std::vector<std::string>& args, const Settlement& s) {
  args.push_back(s.id);
  args.push_back(encode_fence(s.epoch));
  if (s.outcome == Outcome::complete) {
    args.push_back(encode_record(bounded(s.text, kMaxResultBytes), s.duration));
    args.push_back(std::to_string(s.duration.count()));
    return;
  }
  args.emplace_back(outcome_word(s.outcome));
  args.push_back(bounded(s.text, kMaxErrorBytes));
  args.push_back(std::to_string(s.duration.count()));
  args.push_back(std::to_string(s.delay.count()));
  args.push_back(std::to_string(random_u64() % 10000));
}

ClaimedJob decode_claim(const std::string& id, const std::string& packed_own,
                        const std::string& body, Millis now) {
  const Own own = decode_own(packed_own);
  ClaimedJob job;
  job.id = id;
  job.epoch = own.epoch;
  job.alone = own.suspect;
  job.priority = own.priority;
  job.failures = own.failures;
  job.crashes = own.crashes;
  job.losses = own.losses;
  job.waited = std::max(Millis{0}, now - own.ready_since);
  job.session = own.session;
  Envelope envelope = decode_envelope(
      std::string_view(body).substr(0, body.size() - std::min(body.size(), kBodyTailBytes)));
  job.type = std::move(envelope.type);
  job.payload = std::move(envelope.payload);
  job.chain = std::move(envelope.chain);
  job.previous = std::move(envelope.previous);
  job.timeout = envelope.timeout;
  return job;
}

}  // namespace

StepResult Queue::step(const std::string& worker, const std::vector<Settlement>& settlements,
                       int want) {
  const Order order = order_of(settlements);
  ScriptCall script = call(scripts().step);
  std::vector<std::string> extras;
  for (std::size_t i = 0; i < order.completions; ++i) {
    std::string packed = encode_extras(settlements[order.places[i]]);
    if (packed.empty()) continue;
    extras.push_back(std::to_string(i + 1));
    extras.push_back(std::move(packed));
  }
  script.args.reserve(5 + settlements.size() * 7 + extras.size());
  script.args = {worker, std::to_string(want), std::to_string(order.completions),
                 std::to_string(order.places.size() - order.completions),
                 std::to_string(extras.size() / 2)};
  for (const std::size_t place : order.places) add_settlement(script.args, settlements[place]);
  std::move(extras.begin(), extras.end(), std::back_inserter(script.args));
  const Reply reply = connection_.call(script);

  StepResult result;
  read_view(reply, 6, result.view);
  result.settled.resize(settlements.size(), Settled::stale);
  for (const std::size_t place : order.places) result.settled[place] = Settled::done;
  const auto& otherwise = reply.at(1).array();
  for (std::size_t i = 0; i + 1 < otherwise.size(); i += 2) {
    const std::size_t place = order.places.at(static_cast<std::size_t>(otherwise[i].integer()));
    const Reply& answer = otherwise[i + 1];
    const bool with_session = answer.type == Reply::Type::array;
    const Settled settled = parse_settled(with_session ? answer.at(0).text() : answer.text());
    result.settled[place] = settled;
    if (settled == Settled::conflict) {
      result.sessions[place] = {answer.at(1).integer(), answer.at(2).text()};
    }
  }
  const auto& claims = reply.at(2).array();
  result.claimed.reserve(claims.size());
  for (std::size_t i = 0; i < claims.size(); ++i) {
    result.claimed.push_back(decode_claim(claims[i].text(), reply.at(3).at(i).text(),
                                          reply.at(4).at(i).text(), result.view.now));
  }
  const auto& sessions = reply.at(5).array();
  for (std::size_t i = 0; i + 2 < sessions.size(); i += 3) {
    ClaimedJob& job = result.claimed.at(static_cast<std::size_t>(sessions[i].integer()));
    job.session_version = sessions[i + 1].integer();
    job.session_document = sessions[i + 2].text();
  }
  return result;
}

BeatResult Queue::beat(const std::string& worker, const std::vector<Claim>& claims,
                       const std::vector<Progress>& progress, const std::string& info, bool full) {
  ScriptCall script = call(scripts().beat);
  script.args = {worker, full ? "1" : "0", info, std::to_string(claims.size()),
                 std::to_string(progress.size())};
  for (const Claim& claim : claims) {
    script.args.push_back(claim.id);
    script.args.push_back(encode_fence(claim.epoch));
  }
  for (const Progress& p : progress) {
    script.args.push_back(p.id);
    script.args.push_back(std::to_string(p.percent));
    script.args.push_back(bounded(p.message, 200));
  }
  const Reply reply = connection_.call(script);
  BeatResult result;
  result.lost = texts(reply.at(1));
  result.view.cancelled = texts(reply.at(2));
  read_view(reply, 3, result.view);
  return result;
}

int Queue::release(const std::string& worker, const std::vector<Claim>& claims, ReleaseKind kind,
                   bool leave) {
  ScriptCall script = call(scripts().release);
  script.args = {worker, std::string(release_word(kind)), leave ? "1" : "0",
                 std::to_string(claims.size())};
  for (const Claim& claim : claims) {
    script.args.push_back(claim.id);
    script.args.push_back(encode_fence(claim.epoch));
  }
  return static_cast<int>(connection_.call(script).integer());
}

RegisterResult Queue::register_worker(const std::string& worker, const std::string& info,
                                      const std::map<std::string, std::string>& defaults) {
  ScriptCall script = call(scripts().register_worker);
  script.args = {worker, info, std::to_string(kFormat), std::to_string(defaults.size())};
  for (const auto& [field, value] : defaults) {
    script.args.push_back(field);
    script.args.push_back(value);
  }
  RegisterResult result;
  for (;;) {
    const Reply reply = connection_.call(script);
    if (reply.at(0).text() == "format") {
      throw FormatError(fmt::format(
          "queue {} is written in format {}, this version understands up to {}: upgrade it", name_,
          reply.at(1).integer(), kFormat));
    }
    result.now = Millis{reply.at(1).integer()};
    result.taken_back += static_cast<int>(reply.at(2).integer());
    if (reply.at(3).integer() > 0) continue;
    result.config = parse_config(reply.at(4));
    return result;
  }
}

}  // namespace wp::queue
