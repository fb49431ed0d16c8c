#include "queue/redis/settings.h"

#include <filesystem>
#include <fmt/format.h>
#include <stdexcept>

namespace wp::redis {
namespace {

// A path must mean the same to a child that runs in another folder.
std::string absolute(const std::string& path) {
  return path.empty() ? path : std::filesystem::absolute(path).lexically_normal().string();
}

void need_pair(const std::string& cert, const std::string& key, const char* prefix) {
  if (cert.empty() == key.empty()) return;
  throw UsageError(fmt::format("{0}-{1}: is missing: {0}-cert-file and {0}-key-file go together",
                               prefix, cert.empty() ? "cert-file" : "key-file"));
}

// The name of the first one that was given, or nothing.
std::string first_given(const std::vector<std::pair<std::string, bool>>& settings) {
  for (const auto& [name, given] : settings) {
    if (given) return name;
  }
  return {};
}

void apply_tls(const Settings& s, Endpoint& endpoint) {
  need_pair(s.cert_file, s.key_file, "redis");
  if (endpoint.tls) {
    endpoint.tls->ca_file = absolute(s.ca_file);
    endpoint.tls->cert_file = absolute(s.cert_file);
    endpoint.tls->key_file = absolute(s.key_file);
    endpoint.tls->server_name = s.server_name;
    endpoint.tls->insecure_skip_verify = s.insecure_skip_verify;
    return;
  }
  const std::string useless = first_given({{"redis-ca-file", !s.ca_file.empty()},
                                           {"redis-cert-file", !s.cert_file.empty()},
                                           {"redis-server-name", !s.server_name.empty()},
                                           {"redis-insecure-skip-verify", s.insecure_skip_verify}});
  if (!useless.empty()) {
    throw UsageError(fmt::format("{}: is for TLS, but {} goes without; write rediss:// in the URL",
                                 useless, endpoint.describe()));
  }
}

void find_sentinels(const Settings& s, Endpoint& endpoint) {
  if (s.sentinel_master.empty() && s.sentinel_nodes.empty()) return;
  if (s.sentinel_master.empty() || s.sentinel_nodes.empty()) {
    throw UsageError("redis-sentinel-master and redis-sentinel-nodes go together");
  }
  if (!endpoint.socket_path.empty()) {
    throw UsageError("redis-sentinel-master: a unix socket has no sentinels");
  }
  Sentinel sentinel;
  sentinel.master_name = s.sentinel_master;
  try {
    for (const std::string& node : s.sentinel_nodes) {
      sentinel.nodes.push_back(parse_address(node, kSentinelPort));
    }
  } catch (const std::invalid_argument& e) {
    throw UsageError(std::string("redis-sentinel-nodes: ") + e.what());
  }
  endpoint.host.clear();
  endpoint.port = Endpoint{}.port;
  endpoint.sentinel = std::move(sentinel);
}

void apply_sentinel(const Settings& s, Endpoint& endpoint) {
  need_pair(s.sentinel_cert_file, s.sentinel_key_file, "redis-sentinel");
  if (!endpoint.sentinel) {
    const std::string useless =
        first_given({{"redis-sentinel-username", !s.sentinel_username.empty()},
                     {"redis-sentinel-password", !s.sentinel_password.empty()},
                     {"redis-sentinel-password-file", !s.sentinel_password_file.empty()}});
    if (useless.empty()) return;
    throw UsageError(fmt::format("{}: but {} has no sentinels; write redis+sentinel://host/master",
                                 useless, endpoint.describe()));
  }
  Sentinel& sentinel = *endpoint.sentinel;
  sentinel.username = s.sentinel_username;
  sentinel.password = s.sentinel_password;
  sentinel.password_file = absolute(s.sentinel_password_file);
  if (s.sentinel_tls == "same") {
    sentinel.tls = endpoint.tls;
  } else if (s.sentinel_tls == "own") {
    sentinel.tls = Tls{.ca_file = absolute(s.sentinel_ca_file),
                       .ca_pem = {},
                       .cert_file = absolute(s.sentinel_cert_file),
                       .cert_pem = {},
                       .key_file = absolute(s.sentinel_key_file),
                       .key_pem = {},
                       .server_name = s.sentinel_server_name,
                       .insecure_skip_verify = s.sentinel_insecure_skip_verify};
  } else {
    sentinel.tls.reset();
  }
}

}  // namespace

void declare_settings(Options& options, Settings& settings, const std::string& url_help) {
  options.text({.name = "redis",
                .env = "WP_REDIS_URL",
                .help = "redis://host:port/db, rediss:// for TLS, unix:///path, or "
                        "redis+sentinel://host,host/master/db" +
                        (url_help.empty() ? "" : "; " + url_help),
                .placeholder = "URL",
                .secret = true},
               settings.url);
  options.text({.name = "redis-username", .env = "WP_REDIS_USERNAME", .help = "ACL user"},
               settings.username);
  options.text({.name = "redis-password",
                .env = "WP_REDIS_PASSWORD",
                .help = "better given by the environment or a file",
                .secret = true},
               settings.password);
  options.text({.name = "redis-password-file",
                .env = "WP_REDIS_PASSWORD_FILE",
                .help = "file that holds the password; it and those below are read at every "
                        "connect, so that a rotation needs no restart",
                .placeholder = "FILE"},
               settings.password_file);
  options.text({.name = "redis-ca-file",
                .env = "WP_REDIS_CA_FILE",
                .help = "rediss://: PEM of the CA that signed the server; else the system's CAs",
                .placeholder = "FILE"},
               settings.ca_file);
  options.text({.name = "redis-cert-file",
                .env = "WP_REDIS_CERT_FILE",
                .help = "rediss://: PEM of our certificate, where the server wants one",
                .placeholder = "FILE"},
               settings.cert_file);
  options.text({.name = "redis-key-file",
                .env = "WP_REDIS_KEY_FILE",
                .help = "rediss://: PEM of its key, without a passphrase",
                .placeholder = "FILE"},
               settings.key_file);
  options.text({.name = "redis-server-name",
                .env = "WP_REDIS_SERVER_NAME",
                .help = "rediss://: the name or address that the server's certificate has to be "
                        "for; else the URL's host",
                .placeholder = "NAME"},
               settings.server_name);
  options.toggle({.name = "redis-insecure-skip-verify",
                  .env = "WP_REDIS_INSECURE_SKIP_VERIFY",
                  .help = "rediss://: accept any certificate; whoever is in between reads the "
                          "password, so for tests only"},
                 settings.insecure_skip_verify);
  options.text({.name = "redis-sentinel-username",
                .env = "WP_REDIS_SENTINEL_USERNAME",
                .help = "ACL user at the sentinels, whose credentials are their own"},
               settings.sentinel_username);
  options.text({.name = "redis-sentinel-password",
                .env = "WP_REDIS_SENTINEL_PASSWORD",
                .help = "better given by the environment or a file",
                .secret = true},
               settings.sentinel_password);
  options.text({.name = "redis-sentinel-password-file",
                .env = "WP_REDIS_SENTINEL_PASSWORD_FILE",
                .help = "file that holds the sentinels' password",
                .placeholder = "FILE"},
               settings.sentinel_password_file);
}

void declare_sentinel_settings(Options& options, Settings& settings) {
  options.text({.name = "redis-sentinel-master",
                .env = "WP_REDIS_SENTINEL_MASTER",
                .help = "the master's name, where the URL does not say it",
                .placeholder = "NAME"},
               settings.sentinel_master);
  options.list({.name = "redis-sentinel-nodes",
                .env = "WP_REDIS_SENTINEL_NODES",
                .help = "host or host:port of each sentinel, where the URL does not say them",
                .placeholder = "NODE"},
               settings.sentinel_nodes);
  options.choice({.name = "redis-sentinel-tls",
                  .env = "WP_REDIS_SENTINEL_TLS",
                  .help = "TLS to the sentinels: same (as to Redis), own (by the settings below) "
                          "or off"},
                 settings.sentinel_tls, {"same", "own", "off"});
  options.text({.name = "redis-sentinel-ca-file",
                .env = "WP_REDIS_SENTINEL_CA_FILE",
                .help = "as redis-ca-file",
                .placeholder = "FILE"},
               settings.sentinel_ca_file);
  options.text({.name = "redis-sentinel-cert-file",
                .env = "WP_REDIS_SENTINEL_CERT_FILE",
                .help = "as redis-cert-file",
                .placeholder = "FILE"},
               settings.sentinel_cert_file);
  options.text({.name = "redis-sentinel-key-file",
                .env = "WP_REDIS_SENTINEL_KEY_FILE",
                .help = "as redis-key-file",
                .placeholder = "FILE"},
               settings.sentinel_key_file);
  options.text({.name = "redis-sentinel-server-name",
                .env = "WP_REDIS_SENTINEL_SERVER_NAME",
                .help = "as redis-server-name",
                .placeholder = "NAME"},
               settings.sentinel_server_name);
  options.toggle({.name = "redis-sentinel-insecure-skip-verify",
                  .env = "WP_REDIS_SENTINEL_INSECURE_SKIP_VERIFY",
                  .help = "as redis-insecure-skip-verify"},
                 settings.sentinel_insecure_skip_verify);
}

Endpoint make_endpoint(const Settings& settings, const std::string& url) {
  Endpoint endpoint;
  try {
    endpoint = parse_endpoint(settings.url.empty() ? url : settings.url);
  } catch (const std::invalid_argument& e) {
    throw UsageError(std::string("redis: ") + e.what());
  }
  if (!settings.username.empty()) endpoint.username = settings.username;
  if (!settings.password.empty()) endpoint.password = settings.password;
  endpoint.password_file = absolute(settings.password_file);
  apply_tls(settings, endpoint);
  find_sentinels(settings, endpoint);
  apply_sentinel(settings, endpoint);
  return endpoint;
}

namespace {

using Variables = std::vector<std::pair<std::string, std::string>>;

void add(Variables& variables, const std::string& name, const std::string& value) {
  if (!value.empty()) variables.emplace_back(name, value);
}

void add_tls(Variables& variables, const std::string& prefix, const Tls& tls) {
  add(variables, prefix + "CA_FILE", tls.ca_file);
  add(variables, prefix + "CERT_FILE", tls.cert_file);
  add(variables, prefix + "KEY_FILE", tls.key_file);
  add(variables, prefix + "SERVER_NAME", tls.server_name);
  if (tls.insecure_skip_verify) add(variables, prefix + "INSECURE_SKIP_VERIFY", "true");
}

}  // namespace

Variables to_environment(const Endpoint& endpoint) {
  Variables variables;
  add(variables, "WP_REDIS_URL", endpoint.describe());
  add(variables, "WP_REDIS_USERNAME", endpoint.username);
  add(variables, "WP_REDIS_PASSWORD", endpoint.password);
  add(variables, "WP_REDIS_PASSWORD_FILE", endpoint.password_file);
  if (endpoint.tls) add_tls(variables, "WP_REDIS_", *endpoint.tls);
  if (!endpoint.sentinel) return variables;
  const Sentinel& sentinel = *endpoint.sentinel;
  add(variables, "WP_REDIS_SENTINEL_USERNAME", sentinel.username);
  add(variables, "WP_REDIS_SENTINEL_PASSWORD", sentinel.password);
  add(variables, "WP_REDIS_SENTINEL_PASSWORD_FILE", sentinel.password_file);
  if (sentinel.tls == endpoint.tls) return variables;
  add(variables, "WP_REDIS_SENTINEL_TLS", sentinel.tls ? "own" : "off");
  if (sentinel.tls) add_tls(variables, "WP_REDIS_SENTINEL_", *sentinel.tls);
  return variables;
}

}  // namespace wp::redis
