// Kubernetes events (events.k8s.io/v1): what `kubectl describe` shows. emit() puts the event into a
// bounded queue and returns; a thread of the recorder's own sends it. Equal events become
// one event with a count, and those that differ only in their notes few (event_series.h). What
// cannot be sent is dropped and counted: an event never delays or fails the work it tells about.
// Any thread may call.
#pragma once

#include <memory>
#include <string>

#include "operator/kube/client.h"

namespace wp::kube {

struct ObjectReference {
  std::string api_version = {};
  std::string kind = {};
  std::string ns = {};  // empty: the event goes to the namespace "default"
  std::string name = {};
  std::string uid = {};
  std::string resource_version = {};  // may be empty
};

enum class EventType { normal, warning };

struct Event {
  ObjectReference regarding = {};
  EventType type = EventType::normal;
  std::string reason = {};  // CamelCase, at most 128 bytes
  std::string action = {};  // CamelCase verb of what was done; at most 128 bytes
  std::string note = {};    // for people; cut at 1024 bytes, between characters
};

struct EventOptions {
  std::string controller = {};  // reportingController, a qualified name: example.dev/operator
  std::string instance = {};    // reportingInstance, for example the pod's name
  std::size_t queue_limit = 1000;
  Millis series_window{360000};  // an equal event within it joins the series
  Millis heartbeat{1800000};     // a long series is written again so often
  Millis retry_delay{10000};     // ±25 %; for failures of the transport only
  int attempts = 12;
  ClientOptions client = {};
  metrics::Registry* metrics = nullptr;  // events_*; must outlive the recorder
};

class EventRecorder {
 public:
  EventRecorder(const ClusterConfig& config, EventOptions options);
  ~EventRecorder();  // stop() without a wait
  EventRecorder(const EventRecorder&) = delete;
  EventRecorder& operator=(const EventRecorder&) = delete;

  /// Never blocks and never throws.
  void emit(Event event);

  /// Sends what is queued, for at most `flush`, then ends the thread. Later events are dropped.
  void stop(Millis flush);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace wp::kube
