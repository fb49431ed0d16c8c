#include "tests/operator/fleet/model_operator.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "operator/fleet/departure.h"

namespace wp::fleet::model {
namespace {

const auto kUid = [](const Pod& pod) { return pod.uid; };
const auto kId = [](const ReplicaSet& set) { return set.id; };
const auto kOne = [](const Deployment&) { return 0; };

}  // namespace

Operator::Operator(Chance& chance, Cluster& cluster, Workers& workers)
    : chance_(chance), cluster_(cluster), workers_(workers) {}

void Operator::maybe_crash() {
  if (faults.crash_in > 0 && chance_.one_in(faults.crash_in)) throw Crash{};
}

Operator::Fate Operator::fate() {
  maybe_crash();
  if (faults.fail_in > 0 && chance_.one_in(faults.fail_in)) return Fate::failed;
  if (faults.lose_in > 0 && chance_.one_in(faults.lose_in)) return Fate::lost;
  return Fate::done;
}

void Operator::advance(Millis now) {
  if (!alive_) {
    if (now < back_at_) return;
    // It lists everything anew, and knows what the server knows.
    alive_ = known_ = woken_ = true;
    pods_ = {};
    sets_ = {};
    deployment_ = {};
    pods_.advance(cluster_.pods_log, now, kUid);
    sets_.advance(cluster_.sets_log, now, kId);
    deployment_.advance(cluster_.deployments_log, now, kOne);
    next_read_ = now;
  }
  pods_.lag = sets_.lag = deployment_.lag = faults.watch_lag;
  // The three watches are streams of their own.
  if (!chance_.one_in(5) && pods_.advance(cluster_.pods_log, now, kUid)) woken_ = true;
  if (!chance_.one_in(5) && sets_.advance(cluster_.sets_log, now, kId)) woken_ = true;
  if (!chance_.one_in(5) && deployment_.advance(cluster_.deployments_log, now, kOne)) {
    woken_ = true;
  }
  if (desired != last_desired_) woken_ = true;
  last_desired_ = desired;
  try {
    if (now >= next_read_ || (orders_ && now >= orders_at_)) read_queue();
    if ((woken_ || now >= wake_at_) && now >= retry_at_) reconcile();
  } catch (const Crash&) {
    cluster_.trace("the operator dies");
    alive_ = false;
    back_at_ = now + (chance_.one_in(3) ? Millis{0} : chance_.between(0, 25000));
    memory_ = {};
    written_pods_.clear();
    written_deployment_.reset();
    counts_.reset();
    orders_.reset();
    orders_pending_ = false;
    scaled_at_.reset();
    answers_lost_ = false;
  } catch (const Failed&) {
    retry_at_ = now + chance_.between(50, 1000);
    woken_ = true;
  }
}

// Orders go out first; each is dropped when it fails, since the reading shows what is to be done.
void Operator::read_queue() {
  next_read_ = cluster_.now + Millis{1000};
  woken_ = true;
  if (workers_.away) {
    orders_.reset();
    error_ = true;
    return;
  }
  bool lost = false;
  if (orders_) {
    maybe_crash();
    const Plan orders = *std::exchange(orders_, std::nullopt);
    const Fate outcome = fate();
    if (outcome != Fate::failed) {
      workers_.unretire(orders.unretire, queue::RetiredBy::controller);
      if (outcome != Fate::lost || chance_.one_in(2)) {
        workers_.retire(orders.retire, queue::RetiredBy::controller);
      }
    }
    lost = outcome != Fate::done;
  }
  if (lost) {
    error_ = true;
    next_read_ = cluster_.now + chance_.between(50, 1000);
    return;
  }
  counts_ = workers_.counts();
  read_at_ = cluster_.now;
  error_ = false;
  orders_pending_ = false;
}

workload::View Operator::observe() {
  workload::View view;
  view.known = known_;
  Deployment deployment = deployment_.objects[0];
  if (written_deployment_ && written_deployment_->entry >= deployment_.read) {
    deployment = written_deployment_->object;
  }
  view.replicas = deployment.replicas;
  workload::Witness witness;
  int populated = 0;
  int asked_for = 0;
  bool current = deployment.observed >= deployment.generation;
  seen_ = 0;
  for (const auto& [id, set] : sets_.objects) {
    if (set.observed < set.generation) current = false;
    asked_for += set.replicas;
    if (std::max(set.replicas, set.existing) == 0) continue;
    ++populated;
    witness.existing += set.existing;
    witness.marked += set.marked;
    witness.ready += set.ready;
    seen_ = std::max(seen_, set.seen);
  }
  const bool mixed =
      populated > 1 || (populated == 1 && !sets_.objects.contains(deployment.newest_set));
  witness.current = current && asked_for == deployment.replicas && populated <= 1;
  if (status_tells) view.witness = witness;
  view.observed = deployment.observed >= deployment.generation;
  view.rolling = mixed || !view.observed;
  for (const auto& [uid, known] : pods_.objects) {
    const auto written = written_pods_.find(uid);
    const bool newer = written != written_pods_.end() && written->second.entry >= pods_.read;
    const Pod& pod = newer ? written->second.object : known;
    if (pod.gone) continue;
    workload::WorkerPod made;
    made.name = made.uid = pod.uid;
    made.created = pod.created;
    made.assigned = pod.assigned;
    made.running = pod.running;
    made.ready = pod.ready;
    made.ready_since = pod.ready_since;
    made.terminating = pod.terminating;
    made.marked = pod.marked;
    made.outbid = pod.marked && pod.cost > kMarkCost;
    made.deletion_cost = pod.cost;
    view.pods.push_back(std::move(made));
  }
  return view;
}

void Operator::reconcile() {
  maybe_crash();
  woken_ = false;
  wake_at_ = cluster_.now + Millis{3600000};
  if (!known_) {  // ensure() reads it
    written_deployment_ = {cluster_.deployments_log.entries.size(), cluster_.deployment};
    known_ = true;
  }
  for (int step = 0; step < 3 && take_step(); ++step) {
  }
}

bool Operator::take_step() {
  const workload::View view = observe();
  const Fleet fleet = join(view, counts_ ? &*counts_ : nullptr, Millis{15000}, 1);
  Situation situation;
  situation.now = cluster_.now;
  situation.view = &view;
  situation.fleet = &fleet;
  situation.fresh = counts_ && !error_ && cluster_.now - read_at_ < Millis{5000};
  situation.reading_age = cluster_.now - read_at_;
  situation.orders_pending = orders_pending_;
  situation.desired = desired;
  situation.may_shrink = may_shrink;
  situation.max_jobs = max_jobs;
  const Plan made = plan(memory_, situation);
  ++plans;
  for (const Note& note : made.notes) aborted += note.kind == Note::Kind::scale_in_aborted ? 1 : 0;
  if (made.recheck) wake_at_ = std::min(wake_at_, cluster_.now + *made.recheck);
  if (cluster_.traced) {
    cluster_.trace(fmt::format(
        "plan: desired {} replicas {} unretire {} retire {} unmark {} mark {} to {} fresh {} "
        "pending {}",
        desired, view.replicas, fmt::join(made.unretire, ","), fmt::join(made.retire, ","),
        fmt::join(made.unmark, ","), fmt::join(made.mark, ","), made.replicas.value_or(-1),
        situation.fresh, orders_pending_));
  }
  check_marks(made);
  check_given_up(made, fleet, view);
  if (!made.unretire.empty() || !made.retire.empty()) {
    Plan orders;
    orders.unretire = made.unretire;
    orders.retire = made.retire;
    orders_ = std::move(orders);
    orders_at_ = cluster_.now + chance_.between(0, 60);
    orders_pending_ = true;
    for (const std::string& uid : made.retire) {
      if (!workers_.is_retired(uid)) last_write = cluster_.now;
    }
    if (!made.unretire.empty()) last_write = cluster_.now;
  }
  for (const std::string& uid : made.unmark) write_mark(uid, false);
  for (const std::string& uid : made.mark) write_mark(uid, true);
  bool scaled = false;
  if (made.replicas && *made.replicas != view.replicas) {
    if (scaled_at_ && cluster_.now - *scaled_at_ < Millis{1000}) {
      wake_at_ = std::min(wake_at_, *scaled_at_ + Millis{1000});
    } else {
      if (*made.replicas < view.replicas) check_lowering(made);
      scale(made);
      scaled = true;
    }
  }
  return scaled || !made.mark.empty() || !made.unmark.empty();
}

void Operator::write_mark(const std::string& uid, bool marked) {
  last_write = cluster_.now;
  const Fate outcome = fate();
  if (outcome == Fate::failed) throw Failed{};
  const auto found = cluster_.pods.find(uid);
  if (found == cluster_.pods.end()) return;
  Pod& pod = found->second;
  pod.marked = marked;
  pod.cost = marked ? kMarkCost : 0;
  cluster_.changed(pod);
  if (outcome == Fate::lost) {
    answers_lost_ = true;
    throw Failed{};
  }
  written_pods_[uid] = {cluster_.pods_log.entries.size() - 1, pod};
}

void Operator::scale(const Plan& made) {
  last_write = cluster_.now;
  Deployment known = deployment_.objects[0];
  if (written_deployment_ && written_deployment_->entry >= deployment_.read) {
    known = written_deployment_->object;
  }
  const Fate outcome = fate();
  if (outcome == Fate::failed) throw Failed{};
  const bool lowers = *made.replicas < known.replicas;
  if (!made.victims.empty() && !sees_all_pods()) throw Failed{};
  if (lowers && known.version == cluster_.deployment.version) {
    cluster_.ready_for_us.clear();
    for (const auto& [uid, pod] : pods_.objects) {
      if (pod.ready && !pod.terminating) cluster_.ready_for_us[uid] = pod.cost;
    }
    ++lowered;
  }
  if (!cluster_.scale(*made.replicas, known.version, Cause::ours, seen_)) throw Failed{};
  scaled_at_ = cluster_.now;
  if (outcome == Fate::lost) {
    known_ = false;
    throw Failed{};
  }
  written_deployment_ = {cluster_.deployments_log.entries.size() - 1, cluster_.deployment};
}

// What the read before a lowering shows.
bool Operator::sees_all_pods() {
  std::size_t there = 0;
  for (const auto& [uid, pod] : cluster_.pods) {
    if (pod.terminating) continue;
    ++there;
    const auto written = written_pods_.find(uid);
    const auto known = pods_.objects.find(uid);
    const bool newer = written != written_pods_.end() && written->second.entry >= pods_.read;
    if (!newer && (known == pods_.objects.end() || known->second.gone)) return false;
    if ((newer ? written->second.object : known->second) != pod) return false;
  }
  const auto active = std::count_if(pods_.objects.begin(), pods_.objects.end(), [](auto& one) {
    return !one.second.gone && !one.second.terminating;
  });
  return active == static_cast<std::ptrdiff_t>(there);
}

// Marks and un-marks are never on their way to the picker together, as far as counts can tell.
void Operator::check_marks(const Plan& made) {
  if (answers_lost_ || (made.mark.empty() && made.unmark.empty())) return;
  std::string crossed;
  int under_way = 0;
  int gone = 0;  // marked ones: in the counts, they make up for marks that are under way
  for (const auto& [uid, known] : cluster_.picker_pods.objects) {
    const auto pod = cluster_.pods.find(uid);
    const bool there = pod != cluster_.pods.end() && !pod->second.terminating;
    if (known.marked && !known.terminating && !known.gone && !there) ++gone;
  }
  for (const auto& [uid, pod] : cluster_.pods) {
    if (pod.terminating) continue;
    const auto known = cluster_.picker_pods.objects.find(uid);
    const bool counted = known != cluster_.picker_pods.objects.end() && known->second.marked;
    if (status_tells && pod.marked && !counted && !made.unmark.empty()) {
      ++under_way;
      crossed = uid;
    }
    if (status_tells && !pod.marked && counted && !made.mark.empty()) {
      wrong.push_back("marks while an un-mark is on its way: " + uid);
    }
  }
  // What is marked next, and lowered by, is held against the picker's own picture then.
  if (under_way > gone) wrong.push_back("un-marks while a mark is on its way: " + crossed);
}

// Whose mark was given up serves before it is off only when it is needed.
void Operator::check_given_up(const Plan& made, const Fleet& fleet, const workload::View& view) {
  if (!memory_.aborted || !may_shrink || (view.rolling && view.observed)) return;
  int serving = 0;  // once the orders are carried out
  bool marked = false;
  for (const Member& member : fleet.members) {
    if (member.pod.terminating) continue;
    const bool called = std::find(made.unretire.begin(), made.unretire.end(), member.pod.uid) !=
                        made.unretire.end();
    marked = marked || (called && member.pod.marked);
    if (called || !member.retired) ++serving;
  }
  if (marked && serving > desired) wrong.push_back("a marked worker that nobody needs serves");
}

void Operator::check_lowering(const Plan& made) {
  for (const std::string& uid : made.victims) {
    const auto pod = cluster_.pods.find(uid);
    if (pod == cluster_.pods.end() || pod->second.terminating) continue;
    if (workers_.held(uid) > 0) wrong.push_back("lowered by a worker that holds a job: " + uid);
    if (!workers_.is_retired(uid, Millis{15000})) {
      wrong.push_back("lowered by a worker that is not retired for long: " + uid);
    }
    if (!pod->second.marked) wrong.push_back("lowered by a worker without a mark: " + uid);
  }
  // Places without a pod need no marks.
  if (!status_tells || answers_lost_ || made.victims.empty()) return;
  for (const auto& [uid, pod] : cluster_.pods) {
    const auto known = cluster_.picker_pods.objects.find(uid);
    const bool counted = known != cluster_.picker_pods.objects.end() && known->second.marked;
    if (!pod.terminating && counted != pod.marked) {
      wrong.push_back("lowered while the picker has another picture of the marks: " + uid);
    }
  }
}

}  // namespace wp::fleet::model
