#include "operator/kube/watch.h"

#include <utility>

#include "operator/kube/document.h"

namespace wp::kube {
namespace {

using Json = nlohmann::json;

Next with_problem(Next next, const KubeError& error) {
  next.problem = error.what();
  next.problem_class = error.error_class();
  next.back_off = true;
  next.at_least = error.retry_after();
  return next;
}

}  // namespace

WatchMachine::Step WatchMachine::step(Said said) {
  return std::visit([this]<typename What>(What&& what) { return on(std::forward<What>(what)); },
                    std::move(said));
}

Next WatchMachine::list_again(const std::string& problem, const std::string& problem_class) {
  state_ = State::listing;
  mid_list_ = false;
  failures_at_version_ = 0;
  // Without a version: a quorum read. "0" could be answered from a cache that lags behind what was
  // seen already, and a destructive decision on an older state than the last one is the bug that
  // operators are known for.
  Next next;
  next.what = Next::Do::list;
  next.paged = paged_;
  next.back_off = true;
  next.problem = problem;
  next.problem_class = problem_class;
  return next;
}

Next WatchMachine::watch_again(bool back_off) const {
  Next next;
  next.what = Next::Do::watch;
  next.resource_version = version_;
  next.back_off = back_off;
  return next;
}

void WatchMachine::see(const Json& object) {
  std::string version = metadata_text(object, "resourceVersion");
  if (!version.empty()) version_ = std::move(version);
  failures_at_version_ = 0;
}

WatchMachine::Step WatchMachine::on(ListAnswered said) {
  Step step;
  Json& document = said.document;
  Json* const items =
      document.is_object() && document.contains("items") ? &document["items"] : nullptr;
  // An empty list may be written as null.
  if (items == nullptr || !(items->is_array() || items->is_null())) {
    step.next = list_again("the answer is not a list", "Protocol");
    return step;
  }
  if (!mid_list_) step.events.emplace_back(ReplaceBegun{});
  for (Json& item : *items) step.events.emplace_back(ReplaceItem{std::move(item)});
  const std::string token = continue_token(document);
  if (!token.empty()) {
    mid_list_ = true;
    step.next.what = Next::Do::list;
    step.next.continue_token = token;
    return step;
  }
  version_ = metadata_text(document, "resourceVersion");
  state_ = State::watching;
  mid_list_ = false;
  paged_ = true;
  listed_ = true;
  failures_at_version_ = 0;
  step.events.emplace_back(ReplaceEnded{});
  step.next = watch_again(false);
  return step;
}

WatchMachine::Step WatchMachine::on(const RequestFailed& said) {
  const KubeError& error = said.error;
  Step step;
  if (state_ == State::listing) {
    // The continue token expired before the last page: one list in one piece, as client-go does.
    if (mid_list_ && error.is_expired()) paged_ = false;
    step.next = with_problem(list_again(error.what(), error.error_class()), error);
    return step;
  }
  if (error.is_expired() || error.is_version_too_large() || error.is_invalid()) {
    step.next = with_problem(list_again(error.what(), error.error_class()), error);
    return step;
  }
  // Anything else says nothing about the version: the changes since are still to be had from it.
  const bool server_failed = error.code() >= 500;
  if (server_failed && ++failures_at_version_ >= kMaxFailuresAtVersion) {
    step.next = with_problem(list_again(error.what(), error.error_class()), error);
    return step;
  }
  step.next = with_problem(watch_again(true), error);
  return step;
}

WatchMachine::Step WatchMachine::on(WatchLine said) {
  Json& event = said.event;
  Step step;
  step.next.what = Next::Do::read;
  const Json* object = nullptr;
  std::string type;
  if (event.is_object() && event.contains("type") && event["type"].is_string() &&
      event.contains("object")) {
    type = event["type"].get<std::string>();
    object = &event["object"];
  }
  if (object == nullptr || !object->is_object()) {
    step.next = list_again("a line of the watch is not an event", "Protocol");
    return step;
  }
  if (type == "ERROR") return on_error_event(*object);
  see(*object);
  if (type == "ADDED" || type == "MODIFIED") {
    step.events.emplace_back(Applied{std::move(event["object"])});
  } else if (type == "DELETED") {
    step.events.emplace_back(Removed{std::move(event["object"])});
  }
  // A BOOKMARK only moves the version. Unknown types do the same: a newer server may have more.
  return step;
}

WatchMachine::Step WatchMachine::on_error_event(const Json& status) {
  const KubeError error(parse_status(status));
  Step step;
  const bool busy = error.code() == 429;
  const bool failed = error.code() == 500 && ++failures_at_version_ < kMaxFailuresAtVersion;
  step.next = with_problem(
      busy || failed ? watch_again(true) : list_again(error.what(), error.error_class()), error);
  return step;
}

WatchMachine::Step WatchMachine::on(WatchEnded said) {
  Step step;
  step.next = watch_again(said.very_short);
  if (said.very_short) {
    step.next.problem = "the watch ended at once and brought nothing";
    step.next.problem_class = "ShortWatch";
  }
  return step;
}

}  // namespace wp::kube
