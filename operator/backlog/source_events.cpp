// The subscription thread of a source.
#include <algorithm>

#include "base/log.h"
#include "operator/backlog/source.h"

namespace wp::backlog {
namespace {

constexpr Millis kWakeGap{10};  // two wake-ups of one pool are at least so far apart
constexpr Millis kSubscriptionPing{30000};
constexpr Millis kSubscribeRetry{5000};
constexpr Millis kNothingToFollow{15000};

Millis now() {
  return system_clock().steady();
}

}  // namespace

std::vector<std::string> BacklogReader::Source::channels() const {
  std::vector<std::string> names;
  for (const auto& [key, entry] : entries_) {
    names.push_back(queue::key_name(entry.watch.queue, "events"));
  }
  return names;
}

void BacklogReader::Source::wake(const std::string& channel) {
  {
    const std::lock_guard lock(mutex_);
    for (auto& [key, entry] : entries_) {
      if (channel.empty() || queue::key_name(entry.watch.queue, "events") == channel) {
        entry.next_read = std::min(entry.next_read, std::max(now(), entry.last_read + kWakeGap));
      }
    }
  }
  changed_.notify_all();
}

void BacklogReader::Source::wait_a_while(Millis time) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, time, [this] { return stop_ || channels_changed_; });
}

void BacklogReader::Source::subscribe_loop() {
  bool told = false;
  for (;;) {
    redis::Command subscribe{"SUBSCRIBE"};
    {
      const std::lock_guard lock(mutex_);
      if (stop_) return;
      channels_changed_ = false;
      subscription_.clear_interrupt();
      for (std::string& name : channels()) subscribe.push_back(std::move(name));
    }
    if (subscribe.size() == 1) {
      wait_a_while(kNothingToFollow);
      continue;
    }
    try {
      subscription_.connect();
      subscription_.send(subscribe);
      wake("");  // whatever was announced while nobody listened
      for (bool pinged = false;;) {
        const redis::Reply push = subscription_.read_push(kSubscriptionPing);
        if (push.is_nil()) {
          // A peer that vanished without a word shows by the missing answer.
          if (pinged) break;
          subscription_.send({"PING"});
          pinged = true;
          continue;
        }
        pinged = false;
        told = false;
        if (push.at(0).text() == "message") wake(push.at(1).text());
      }
    } catch (const redis::Error& error) {
      {
        const std::lock_guard lock(mutex_);
        if (stop_) return;
        if (channels_changed_) continue;
      }
      if (!told) {
        told = true;
        log::warn("queue events cannot be followed; reading each second instead",
                  {{"class", redis::to_string(error.error_class())}, {"error", error.what()}});
      }
      subscription_.close();
      wait_a_while(error.connection_lost() ? Millis{500} : kSubscribeRetry);
    }
  }
}

}  // namespace wp::backlog
