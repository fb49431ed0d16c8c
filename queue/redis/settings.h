// The settings by which every program is told where its Redis is and who it is there: one table of
// flags and environment variables (WP_REDIS_*), so that all programs have the same ones, and the
// way from them to an Endpoint. Used by main() only, before any thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/options.h"
#include "queue/redis/endpoint.h"

namespace wp::redis {

/// As the user gave them; empty is not given.
struct Settings {
  std::string url = {};
  std::string username = {};
  std::string password = {};
  std::string password_file = {};
  std::string ca_file = {};
  std::string cert_file = {};
  std::string key_file = {};
  std::string server_name = {};
  bool insecure_skip_verify = false;

  std::string sentinel_username = {};
  std::string sentinel_password = {};
  std::string sentinel_password_file = {};

  // What a URL says too, apart from the rest: for whoever can't write one, such as an operator
  // that takes the URL from a Secret. Only declare_sentinel_settings() has these.
  std::string sentinel_master = {};
  std::vector<std::string> sentinel_nodes = {};
  std::string sentinel_tls = "same";  // same (as to Redis), own (the files below) or off
  std::string sentinel_ca_file = {};
  std::string sentinel_cert_file = {};
  std::string sentinel_key_file = {};
  std::string sentinel_server_name = {};
  bool sentinel_insecure_skip_verify = false;
};

/// `url_help` says what holds without --redis.
void declare_settings(Options& options, Settings& settings, const std::string& url_help);
void declare_sentinel_settings(Options& options, Settings& settings);

/// `url` when the settings name none. Throws UsageError with one line that names the setting, also
/// for a setting that the URL makes useless: a CA file beside redis:// would protect nothing.
/// Paths become absolute. The passwords are the given ones; files are read at every connect.
Endpoint make_endpoint(const Settings& settings, const std::string& url);

/// The same the other way round: the variables with which a program of ours on this machine gets to
/// `endpoint`. PEM text and passwords are values there, never words of a command line.
std::vector<std::pair<std::string, std::string>> to_environment(const Endpoint& endpoint);

}  // namespace wp::redis
