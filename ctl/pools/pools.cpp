#include "ctl/pools/pools.h"

#include <fmt/format.h>
#include <functional>
#include <iostream>
#include <optional>
#include <thread>

#include "base/options.h"
#include "ctl/output/format.h"
#include "ctl/output/table.h"
#include "ctl/pools/explain.h"
#include "ctl/pools/facts.h"
#include "operator/kube/config.h"
#include "operator/kube/document.h"

namespace wp::ctl {
namespace {

using nlohmann::ordered_json;

constexpr Millis kWatchInterval{1000};

bool is_empty(const std::vector<ShownPool>& pools) {
  return pools.empty();
}
bool is_empty(const ShownPool&) {
  return false;
}

// The cluster's answer; the local pools' when there is no cluster, it has none (of that name), or
// does not answer, which is then said on stderr.
template <typename Answer>
Answer ask(const PoolsRequest& request, const std::string& folder,
           const std::function<Answer(PoolSource&)>& question) {
  const auto local = local_pools(folder);
  if (request.local) return question(*local);
  const bool may_be_local = !request.names_cluster() && !local->list().empty();
  try {
    Answer answer = question(*cluster_pools(request));
    return may_be_local && is_empty(answer) ? question(*local) : std::move(answer);
  } catch (const kube::KubeConfigError& error) {
    if (request.names_cluster()) throw UsageError(error.what());
    if (may_be_local) return question(*local);
    throw CommandError(kUnreachable,
                       fmt::format("{}; and no pool of local mode runs here", error.what()));
  } catch (const CommandError& error) {
    if (!may_be_local) throw;
    if (error.code() != kNotFound) {
      std::cerr << "workerpoolctl: " << error.what() << "; these are local pools\n";
      return question(*local);
    }
    try {
      return question(*local);
    } catch (const CommandError& neither) {
      throw CommandError(neither.code(), fmt::format("{}; {}", error.what(), neither.what()));
    }
  }
}

ordered_json to_document(const std::vector<ShownPool>& pools) {
  ordered_json list = ordered_json::array();
  for (const ShownPool& one : pools) {
    ordered_json object = ordered_json::parse(one.object.dump());
    object["source"] = one.source;
    list.push_back(std::move(object));
  }
  return {{"pools", std::move(list)}};
}

std::string list_text(const std::vector<ShownPool>& pools, const PoolsRequest& request,
                      Format format) {
  if (format != Format::table) return render(to_document(pools), format);
  if (pools.empty()) return "no pools\n";
  return pools_table(pools, request.wide, system_clock().wall());
}

}  // namespace

std::string pools_table(const std::vector<ShownPool>& pools, bool wide, Millis now) {
  std::vector<Column> columns = {{"NAME"},
                                 {"WAITING", Align::right},
                                 {"ACTIVE", Align::right},
                                 {"DESIRED", Align::right},
                                 {"READY", Align::right},
                                 {"BUSY", Align::right},
                                 {"HEALTH"},
                                 {"AGE", Align::right}};
  if (wide) {
    for (const Column& more : std::vector<Column>{{"QUEUE"},
                                                  {"MIN", Align::right},
                                                  {"MAX", Align::right},
                                                  {"SUCCESS%", Align::right},
                                                  {"P95", Align::right},
                                                  {"CAUSE"}}) {
      columns.push_back(more);
    }
  }
  Table table(std::move(columns));
  for (const ShownPool& one : pools) {
    const PoolFacts facts = facts_of(one, now);
    const pool::Status& s = facts.status;
    const auto queue = s.queue.value_or(pool::QueueStatus{});
    const auto jobs = s.jobs.value_or(pool::JobsStatus{});
    std::vector<std::string> cells = {
        one.key(),
        cell(queue.waiting),
        cell(queue.active),
        cell(s.desired_replicas),
        cell(s.ready_replicas),
        s.workers ? std::to_string(s.workers->busy) : "",
        s.health ? std::string(to_string(*s.health)) : "",
        facts.since(kube::metadata_text(one.object, "creationTimestamp"))};
    if (wide) {
      const pool::Scaling& scaling = facts.declared().scaling;
      for (std::string& more : std::vector<std::string>{
               queue.name, std::to_string(scaling.min_replicas),
               std::to_string(scaling.max_replicas), cell(jobs.success_percent),
               jobs.p95_duration_ms ? human_duration(Millis{*jobs.p95_duration_ms}) : "",
               s.decision ? s.decision->cause : ""}) {
        cells.push_back(std::move(more));
      }
    }
    table.row(std::move(cells));
  }
  return table.text();
}

int pools_list(const PoolsRequest& request, const std::string& folder, Format format) {
  std::string before;
  for (;;) {
    const auto pools = ask<std::vector<ShownPool>>(
        request, folder, [](PoolSource& source) { return source.list(); });
    const std::string text = list_text(pools, request, format);
    if (text != before) std::cout << (before.empty() ? "" : "\n") << text << std::flush;
    if (!request.watch) return kDone;
    before = text;
    std::this_thread::sleep_for(kWatchInterval);
  }
}

int pools_explain(const PoolsRequest& request, const std::string& folder, Format format) {
  const auto shown = ask<ShownPool>(request, folder,
                                    [&](PoolSource& source) { return source.find(request.name); });
  const Explanation explanation = explain(shown, system_clock().wall());
  std::cout << (format == Format::table ? explanation.text()
                                        : render(explanation.document, format));
  return kDone;
}

}  // namespace wp::ctl
