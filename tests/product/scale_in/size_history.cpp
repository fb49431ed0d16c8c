#include "tests/product/scale_in/size_history.h"

#include <algorithm>

#include "tests/support/wait.h"

namespace wp::test {
namespace {

using Json = nlohmann::json;

// While only the number changes, the controller has everything else already.
bool is_rolling(const Json& deployment) {
  const Json& status = deployment.at("status");
  return status.value("observedGeneration", 0) < deployment.at("metadata").at("generation") ||
         status.value("updatedReplicas", 0) != status.value("replicas", 0);
}

}  // namespace

SizeHistory::SizeHistory(kube::ClusterConfig cluster, const std::string& path)
    : client_(std::move(cluster)) {
  const std::size_t slash = path.rfind('/');
  const std::string watch =
      path.substr(0, slash) + "?watch=true&fieldSelector=metadata.name%3D" + path.substr(slash + 1);
  thread_ = std::jthread([this, watch](const std::stop_token& stop) {
    // The server ends a watch after half an hour or more.
    while (!stop.stop_requested()) {
      std::string rest;
      const auto take = [&](std::string_view bytes) {
        rest += bytes;
        for (std::size_t end; (end = rest.find('\n')) != std::string::npos;
             rest.erase(0, end + 1)) {
          add(std::string_view(rest).substr(0, end));
        }
        return !stop.stop_requested();
      };
      try {
        client_.stream(watch, {.on_data = take});
      } catch (const kube::KubeError&) {
        return;  // stopped
      }
    }
  });
  // From here on nothing is missed.
  (void)eventually([this] { return !states().empty(); });
}

SizeHistory::~SizeHistory() {
  thread_.request_stop();
  client_.stop();
}

void SizeHistory::add(std::string_view line) {
  const Json event = Json::parse(line);
  if (event.at("type") == "BOOKMARK" || event.at("type") == "ERROR") return;
  const Json& object = event.at("object");
  const std::lock_guard lock(mutex_);
  states_.push_back({object.at("spec").at("replicas").get<int>(), is_rolling(object)});
}

std::vector<SizeHistory::State> SizeHistory::states() const {
  const std::lock_guard lock(mutex_);
  return states_;
}

int SizeHistory::highest() const {
  int most = 0;
  for (const State& state : states()) most = std::max(most, state.wanted);
  return most;
}

int SizeHistory::lowered_while_rolling() const {
  int times = 0;
  const std::vector<State> all = states();
  for (std::size_t i = 1; i < all.size(); ++i) {
    times += all[i].wanted < all[i - 1].wanted && all[i - 1].rolling ? 1 : 0;
  }
  return times;
}

}  // namespace wp::test
