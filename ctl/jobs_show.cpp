#include "ctl/jobs_show.h"

#include <fmt/format.h>
#include <iostream>

#include <nlohmann/json.hpp>

#include "base/units.h"
#include "ctl/near_names.h"
#include "ctl/output/fields.h"
#include "ctl/output/format.h"
#include "ctl/output/table.h"
#include "ctl/workers_list.h"

namespace wp::ctl {
namespace {

using nlohmann::ordered_json;
using queue::JobState;
using queue::JobView;

constexpr std::size_t kShownBytes = 400;  // of payload, result and error in the table

std::string time_cell(Millis time) {
  return time > Millis{0} ? format_time(time) : std::string();
}

std::string cut(const std::string& text) {
  if (text.size() <= kShownBytes) return text;
  std::size_t end = kShownBytes;
  // Not within a character.
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80) --end;
  return text.substr(0, end) + fmt::format("... ({} bytes; -o json shows all)", text.size());
}

// A part of the result document as text; empty when absent.
std::string part(const ordered_json& document, const char* key) {
  const auto found = document.find(key);
  if (found == document.end() || found->is_null()) return {};
  if (found->is_string()) return found->get<std::string>();
  return found->dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::optional<std::int64_t> whole(const ordered_json& document, const char* key) {
  const auto found = document.find(key);
  if (found == document.end() || !found->is_number_integer()) return std::nullopt;
  return found->get<std::int64_t>();
}

bool is_text(const std::string& bytes) {
  try {
    (void)ordered_json(bytes).dump();
    return true;
  } catch (const nlohmann::json::type_error&) {
    return false;  // no UTF-8
  }
}

std::string hex(const std::string& bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return out;
}

// Why a job that could run does not, as far as the workers say it: a handler that is broken gives
// its jobs back without a trace in them. One worker that is well takes the job in its turn.
std::string held_up(Session& session, const JobView& job) {
  if (job.state != JobState::ready && job.state != JobState::alone) return {};
  const BrokenHandlers found =
      broken_handlers(worker_rows(session.queue.counts({.worker_info = true}), lease_of(session)));
  return found.all() ? found.text() : std::string();
}

ordered_json document_of(const Session& session, const JobView& job, const ordered_json& result,
                         const std::string& waits) {
  ordered_json document = {{"id", job.id},
                           {"queue", session.queue.name()},
                           {"redis", session.target.endpoint.describe()},
                           {"database", session.target.endpoint.database},
                           {"state", queue::to_string(job.state)},
                           {"held_up", text_or_null(waits)},
                           {"type", text_or_null(job.type)},
                           {"session", text_or_null(job.session)},
                           {"priority", job.priority},
                           {"enqueued", time_or_null(job.enqueued)},
                           {"due", time_or_null(job.due)},
                           {"finished", time_or_null(job.finished)},
                           {"worker", text_or_null(job.worker)},
                           {"epoch", job.epoch > 0 ? ordered_json(job.epoch) : ordered_json()},
                           {"lease_until", time_or_null(job.lease_until)},
                           {"failures", job.failures},
                           {"crashes", job.crashes},
                           {"losses", job.losses},
                           {"deferrals", job.deferrals}};
  if (job.timeout > Millis{0}) document["timeout_ms"] = job.timeout.count();
  if (!job.payload_kept) {
    document["payload"] = nullptr;
  } else if (is_text(job.payload)) {
    document["payload"] = job.payload;
  } else {
    document["payload_hex"] = hex(job.payload);
  }
  for (const auto& [key, value] : result.items()) document[key] = value;
  return document;
}

void print_history(const ordered_json& result) {
  const auto history = result.find("history");
  if (history == result.end() || !history->is_array() || history->empty()) return;
  Table table({{"AT"}, {"KIND"}, {"WORKER"}, {"ERROR"}});
  for (const ordered_json& attempt : *history) {
    if (!attempt.is_object()) continue;
    table.row({time_cell(Millis{whole(attempt, "at_ms").value_or(0)}), part(attempt, "kind"),
               part(attempt, "worker"), part(attempt, "error")});
  }
  std::cout << "\n" << table.text();
}

void print_table(const Session& session, const JobView& job, const ordered_json& result,
                 const std::string& waits) {
  Table facts({{""}, {""}});
  facts.row({"job", job.id});
  facts.row(
      {"queue", fmt::format("{} at {}", session.queue.name(), describe(session.target.endpoint))});
  facts.row({"state", std::string(queue::to_string(job.state))});
  if (!waits.empty()) facts.row({"held up", waits});
  facts.row({"type", job.type});
  if (!job.session.empty()) facts.row({"session", job.session});
  facts.row({"priority", std::to_string(job.priority)});
  if (job.timeout > Millis{0}) facts.row({"timeout", format_duration(job.timeout)});
  facts.row({"enqueued", time_cell(job.enqueued)});
  facts.row({"due", time_cell(job.due)});
  facts.row({"finished", time_cell(job.finished)});
  facts.row({"worker", job.worker});
  facts.row({"epoch", job.epoch > 0 ? std::to_string(job.epoch) : ""});
  facts.row({"lease until", time_cell(job.lease_until)});
  facts.row({"failures", std::to_string(job.failures)});
  facts.row({"crashes", std::to_string(job.crashes)});
  facts.row({"losses", std::to_string(job.losses)});
  facts.row({"deferrals", std::to_string(job.deferrals)});
  const auto progress = whole(result, "progress");
  const std::string message = part(result, "message");
  facts.row({"progress",
             progress ? fmt::format("{} %{}{}", *progress, message.empty() ? "" : ": ", message)
                      : message});
  const auto duration = whole(result, "duration_ms");
  facts.row({"duration", duration ? human_duration(Millis{*duration}) : ""});
  facts.row({"payload", job.payload_kept ? cut(job.payload) : ""});
  facts.row({"result", cut(part(result, "result"))});
  facts.row({"error", cut(part(result, "error"))});
  std::cout << facts.text();
  print_history(result);
}

}  // namespace

int jobs_show(Session& session, const std::string& id, Format format) {
  const JobView job = session.queue.job(id);
  if (job.state == JobState::unknown) {
    if (is_unknown(session.queue.counts())) {
      throw unknown_queue(session.connection, session.queue.name());
    }
    throw CommandError(
        kNotFound,
        fmt::format("no job {} in queue {} at {}; finished jobs are kept for a while only",
                    printable(id), session.queue.name(), describe(session.target.endpoint)));
  }
  ordered_json result = ordered_json::parse(job.result, nullptr, false);
  if (!result.is_object()) result = ordered_json::object();
  const std::string waits = held_up(session, job);
  if (format == Format::table) {
    print_table(session, job, result, waits);
  } else {
    std::cout << render(document_of(session, job, result, waits), format);
  }
  return kDone;
}

}  // namespace wp::ctl
