#include "tests/queue/model/world.h"

#include <algorithm>
#include <set>

#include "queue/codec.h"

namespace wp::test {

using queue::JobState;

std::string pod_of(const std::string& worker) {
  return worker.substr(0, worker.find('/'));
}

std::map<std::string, std::string> Settings::fields() const {
  const auto text = [](auto value) { return std::to_string(value); };
  return {{"max_active", text(max_active)},
          {"rate_jobs", text(rate)},
          {"rate_per_ms", "3600000"},
          {"max_depth", text(max_depth)},
          {"max_attempts", text(max_attempts)},
          {"max_crashes", text(max_crashes)},
          {"max_losses", text(max_losses)},
          {"keep_done_count", text(keep_done)},
          {"keep_done_age_ms", "0"},
          {"keep_dead_count", text(keep_dead)},
          {"keep_dead_age_ms", "0"},
          {"keep_dead_bytes", text(keep_dead_bytes)},
          {"session_max_bytes", text(session_bytes)},
          {"paused", paused ? "1" : "0"},
          {"keep_payloads", keep_payloads ? "1" : "0"},
          {"backoff_initial_ms", slow_retries ? "3600000" : "0"},
          {"backoff_max_ms", slow_retries ? "3600000" : "0"},
          {"lease_ms", text(lease_ms)}};
}

ModelJob* World::find(const std::string& id) {
  const auto found = jobs.find(id);
  return found == jobs.end() ? nullptr : &found->second;
}

JobState World::place(const std::string& id) {
  const ModelJob* job = find(id);
  return job == nullptr ? JobState::unknown : job->state;
}

World::Jobs World::in(JobState state) {
  Jobs out;
  for (auto& [id, job] : jobs) {
    if (job.state == state) out.push_back(&job);
  }
  if (state == JobState::ready || state == JobState::alone) {
    std::sort(out.begin(), out.end(), [](const ModelJob* a, const ModelJob* b) {
      return a->priority != b->priority ? a->priority > b->priority : a->seq < b->seq;
    });
  } else if (state == JobState::delayed) {
    std::stable_sort(out.begin(), out.end(),
                     [](const ModelJob* a, const ModelJob* b) { return a->due < b->due; });
  }
  return out;
}

World::Jobs World::held(const std::string& name, const std::string& except) {
  Jobs out;
  for (auto& [id, job] : jobs) {
    if (job.state != JobState::active || job.worker == except) continue;
    if (job.worker == name || pod_of(job.worker) == name) out.push_back(&job);
  }
  return out;
}

bool World::claimable() {
  const auto active = static_cast<int>(in(JobState::active).size());
  return !in(JobState::ready).empty() && may_claim() && tokens() > 0 &&
         (settings.max_active <= 0 || active < settings.max_active);
}

bool World::retired(const std::string& worker) const {
  const auto found = retirements.find(pod_of(worker));
  return found != retirements.end() && !found->second.lapsed;
}

const ModelUnique* World::holder(const std::string& key) const {
  const auto found = uniques.find(key);
  return found == uniques.end() || found->second.expired ? nullptr : &found->second;
}

ModelSession* World::session(const std::string& name) {
  const auto found = sessions.find(name);
  return found == sessions.end() || found->second.expired ? nullptr : &found->second;
}

void World::touch_session(const std::string& name) {
  if (session(name) == nullptr) sessions[name] = {};
}

ModelJob& World::admit(const queue::NewJob& job) {
  ModelJob made;
  made.id = job.id;
  made.payload = job.payload;
  made.session = job.session;
  if (job.unique_for == Millis{0}) made.unique = job.unique;
  made.priority = job.priority;
  made.seq = ++seq;
  made.bytes = queue::encode_envelope(job).size();
  made.chain = job.chain;
  made.previous = job.previous;
  made.timeout = job.timeout;
  ModelJob& stored = jobs[job.id] = made;
  if (!job.session.empty()) touch_session(job.session);
  if (!job.unique.empty()) uniques[job.unique] = {job.id, job.unique_for > Millis{0}, false};
  if (job.delay > Millis{0}) {
    stored.state = JobState::delayed;
    stored.due = kLater;
  } else {
    enter_ready(stored);
  }
  ++stat["enqueued"];
  return stored;
}

void World::enter_ready(ModelJob& job) {
  job.state = job.suspect ? JobState::alone : JobState::ready;
  new_suspect = new_suspect || job.suspect;
}

void World::release_unique(const ModelJob& job) {
  const auto found = uniques.find(job.unique);
  if (found != uniques.end() && found->second.id == job.id) uniques.erase(found);
}

void World::bury(ModelJob& job) {
  job.state = JobState::dead;
  job.ended = 0;
  release_unique(job);
  ++stat["dead"];
  buried = true;
}

void World::forget(const std::string& id) {
  const auto found = jobs.find(id);
  release_unique(found->second);
  jobs.erase(found);
}

void World::take_back(const Jobs& taken, Back how) {
  for (ModelJob* job : taken) {
    bool dead = false;
    if (job->cancelled) {
      dead = true;
      ++stat["cancelled"];
    } else if (how == Back::loss || how == Back::suspect) {
      dead = ++job->losses > settings.max_losses;
      job->suspect = job->suspect || how == Back::suspect;
      ++stat["lost"];
    } else if (how == Back::crash) {
      dead = ++job->crashes > settings.max_crashes;
      ++stat["crashed"];
    } else if (how == Back::interrupted) {
      ++stat["interrupted"];
    }
    job->cancelled = false;
    if (dead) {
      bury(*job);
    } else if (how == Back::aside) {
      job->state = JobState::delayed;
      job->due = kLater;
    } else {
      enter_ready(*job);
    }
  }
}

void World::take_back_crashed(const Jobs& taken) {
  take_back(taken, taken.size() <= 1 ? Back::crash : Back::suspect);
}

void World::promote_due() {
  Jobs due = in(JobState::delayed);
  if (due.size() > 100) due.resize(100);
  for (ModelJob* job : due) {
    if (job->due == kLater) break;
    job->seq = ++seq;
    enter_ready(*job);
  }
}

void World::reap() {
  if (hold) return;
  Jobs lapsed;
  for (ModelJob* job : in(JobState::active)) {
    if (job->lapsed && lapsed.size() < 100) lapsed.push_back(job);
  }
  take_back(lapsed, Back::loss);
}

World::Jobs World::claim(const std::string& worker, int want) {
  if (want <= 0 || !may_claim() || retired(worker)) return {};
  int room = std::min(want, tokens());
  if (settings.max_active > 0) {
    room = std::min(room, settings.max_active - static_cast<int>(in(JobState::active).size()));
  }
  if (room <= 0) return {};
  const Jobs mine = held(worker);
  if (mine.size() == 1 && mine[0]->suspect) return {};
  Jobs ready = in(JobState::ready);
  const Jobs alone = in(JobState::alone);
  Jobs chosen;
  const auto precedes = [](const ModelJob& a, const ModelJob& b) {
    return a.priority != b.priority ? a.priority > b.priority : a.seq < b.seq;
  };
  if (!alone.empty() && mine.empty() && (ready.empty() || precedes(*alone[0], *ready[0]))) {
    chosen = {alone[0]};
  } else {
    if (static_cast<int>(ready.size()) > room) ready.resize(static_cast<std::size_t>(room));
    chosen = ready;
  }
  for (ModelJob* job : chosen) {
    job->state = JobState::active;
    job->worker = worker;
    job->lapsed = job->cancelled = false;
  }
  stat["started"] += static_cast<std::int64_t>(chosen.size());
  if (settings.rate > 0 && !chosen.empty()) {
    level = std::min(level, settings.rate) - static_cast<int>(chosen.size());
    drawn = true;
  }
  return chosen;
}

queue::Settled World::end_otherwise(ModelJob& job, const queue::Settlement& s, std::int64_t now) {
  using queue::Outcome;
  Outcome outcome = s.outcome;
  bool dead = outcome == Outcome::bury;
  if (job.cancelled) {
    job.cancelled = false;
    ++stat["cancelled"];
    bury(job);
    return queue::Settled::dead;
  }
  const bool later = outcome == Outcome::defer && ++job.deferrals <= 100;
  if (outcome == Outcome::defer && !later) outcome = Outcome::fail;
  if (outcome == Outcome::fail || outcome == Outcome::stall) {
    dead = ++job.failures >= settings.max_attempts;
    ++stat["failed"];
    if (outcome == Outcome::stall) ++stat["stalled"];
  } else if (outcome == Outcome::crash) {
    dead = ++job.crashes > settings.max_crashes;
    ++stat["crashed"];
  }
  if (dead) {
    bury(job);
    return queue::Settled::dead;
  }
  ++stat[later ? "deferred" : "retried"];
  job.state = JobState::delayed;
  const bool waits = later ? s.delay > Millis{0} : settings.slow_retries;
  job.due = waits ? kLater : now;
  return later ? queue::Settled::deferred : queue::Settled::retried;
}

queue::Settled World::settle_session(const ModelJob& job, const queue::Settlement& s) {
  if (!s.session) return queue::Settled::done;
  ModelSession* there = job.session.empty() ? nullptr : session(job.session);
  if (there == nullptr) return queue::Settled::session_gone;
  if (there->version != s.session->version) return queue::Settled::conflict;
  if (static_cast<int>(s.session->document.size()) > settings.session_bytes) {
    return queue::Settled::session_too_big;
  }
  *there = {there->version + 1, s.session->document, false};
  return queue::Settled::done;
}

queue::Settled World::complete(ModelJob& job, const queue::Settlement& s) {
  completed = true;
  ++stat["completed"];
  release_unique(job);
  job.state = JobState::done;
  job.ended = 0;
  job.cancelled = false;
  if (s.next && find(s.next->id) != nullptr) {
    ++stat["duplicate"];
  } else if (s.next) {
    (void)admit(*s.next);
  }
  return queue::Settled::done;
}

std::vector<queue::Settled> World::settle(const std::string& worker,
                                          const std::vector<queue::Settlement>& settlements,
                                          std::int64_t now) {
  std::vector<queue::Settled> answers;
  std::set<std::string> named;
  std::set<std::pair<std::string, std::int64_t>> sent;
  for (const queue::Settlement& s : settlements) {
    const ModelJob* job = find(s.id);
    const bool ours = job != nullptr && job->state == JobState::active && job->worker == worker &&
                      job->epoch == s.epoch && named.insert(s.id).second;
    // A claim that is named again in one call is not sent again: nothing counts it.
    if (!ours && sent.emplace(s.id, s.epoch).second) ++stat["stale"];
    if (ours) sent.emplace(s.id, s.epoch);
    answers.push_back(ours ? settle_session(*job, s) : queue::Settled::stale);
  }
  for (std::size_t i = 0; i < settlements.size(); ++i) {
    if (answers[i] != queue::Settled::done) continue;
    const queue::Settlement& s = settlements[i];
    ModelJob& job = jobs.at(s.id);
    answers[i] =
        s.outcome == queue::Outcome::complete ? complete(job, s) : end_otherwise(job, s, now);
  }
  return answers;
}

void World::set_rate(int jobs_a_period) {
  settings.rate = jobs_a_period;
  // What is in the bucket stays there, also while the rate is off or the bucket smaller.
  if (!drawn) level = jobs_a_period;
}

void World::notice_gap() {
  if (!gap) return;
  gap = false;
  hold = true;
}

}  // namespace wp::test
