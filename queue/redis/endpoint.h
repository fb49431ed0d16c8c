// Where a Redis is and who we are there: parsed from a URL, with what no URL holds beside it. Pure
// values. `describe` is what logs and errors print: it holds no password.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wp::redis {

/// One server: TCP, or a unix socket when there is a path.
struct Address {
  std::string host;
  int port = 6379;
  std::string socket_path = {};

  /// host:port, [v6]:port or the path.
  std::string describe() const;
  bool operator==(const Address&) const = default;
};

/// How TLS is spoken. Of each pair a file is read anew at every connect, else the PEM text counts.
struct Tls {
  std::string ca_file;  // who may have signed the server; neither: the system's CAs
  std::string ca_pem;
  std::string cert_file;  // ours, with its chain; neither: none
  std::string cert_pem;
  std::string key_file;
  std::string key_pem;
  std::string server_name;  // whom the certificate has to be for; empty: the host
  bool insecure_skip_verify = false;

  bool operator==(const Tls&) const = default;
};

/// The servers that know which one is the master, and who we are to them.
struct Sentinel {
  std::string master_name;
  std::vector<Address> nodes;
  std::string username;
  std::string password;
  std::string password_file;  // wins over `password`; read at every connect
  std::optional<Tls> tls;

  bool operator==(const Sentinel&) const = default;
};

struct Endpoint {
  std::string host;  // empty with a unix socket or sentinels
  int port = 6379;
  std::string socket_path;  // unix:///path
  int database = 0;
  std::string username;
  std::string password;
  std::string password_file;  // wins over `password`; read at every connect
  std::optional<Tls> tls;
  std::optional<Sentinel> sentinel;  // then the master that they name is connected to

  /// redis://host:6379/0, unix:///path or redis+sentinel://a:26379,b:26379/main/0, for people.
  /// Parsed again it is the same place, without credentials and files.
  std::string describe() const;

  bool operator==(const Endpoint&) const = default;
};

/// redis:// or rediss:// (TLS) [user:password@]host[:port][/db], unix:///path[?db=n], or
/// redis+sentinel:// or rediss+sentinel:// (TLS to both) [user:password@]host[:port],…/master[/db].
/// Throws std::invalid_argument with one line that names what is wrong and what is allowed (and
/// never the password).
Endpoint parse_endpoint(std::string_view url);

/// "host", "host:port" or "[v6]:port". Throws std::invalid_argument.
Address parse_address(std::string_view text, int default_port);

constexpr int kSentinelPort = 26379;

}  // namespace wp::redis
