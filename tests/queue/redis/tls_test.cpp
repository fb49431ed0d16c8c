// TLS with a real redis-server: who is let in, who is not, and what is said about it.
#include <string>

#include "queue/redis/connection.h"
#include "tests/queue/redis/support.h"
#include "tests/support/byte_server.h"
#include "tests/support/free_port.h"
#include "tests/support/redis_server.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tls_files.h"

using namespace wp;
using namespace wp::redis;
using test::contains;

namespace {

constexpr const char* kHere = "DNS:localhost,DNS:redis.test,IP:127.0.0.1";

class TlsServer {
 public:
  explicit TlsServer(const test::Certificate& certificate, const std::string& auth_clients = "no",
                     std::vector<std::string> extra = {}) {
    write(certificate);
    folder_.write("ca.pem", authority.pem());
    extra.push_back("tls-port " + std::to_string(port_));
    extra.push_back("tls-cert-file " + folder_.path() + "/server.pem");
    extra.push_back("tls-key-file " + folder_.path() + "/server.key");
    extra.push_back("tls-ca-cert-file " + folder_.path() + "/ca.pem");
    extra.push_back("tls-auth-clients " + auth_clients);
    server_.emplace(extra);
  }
  explicit TlsServer(const std::string& auth_clients = "no", std::vector<std::string> extra = {})
      : TlsServer(authority.issue("redis", kHere), auth_clients, std::move(extra)) {}

  // The one that signs, unless a test says otherwise.
  static inline const test::Authority authority;

  void write(const test::Certificate& certificate) const {
    folder_.write("server.pem", certificate.pem);
    folder_.write("server.key", certificate.key);
  }
  Endpoint endpoint(const std::string& host = "127.0.0.1") const {
    Endpoint endpoint = parse_endpoint("rediss://" + host + ":" + std::to_string(port_));
    endpoint.tls->ca_pem = authority.pem();
    return endpoint;
  }
  Endpoint plain_to_tls() const {
    return parse_endpoint("redis://127.0.0.1:" + std::to_string(port_));
  }
  test::RedisServer& server() { return *server_; }
  const test::OwnFolder& folder() const { return folder_; }

 private:
  test::OwnFolder folder_;
  int port_ = test::free_port();
  std::optional<test::RedisServer> server_;
};

constexpr Timeouts kPatient{.connect = Millis{10000}, .reply = Millis{10000}};

void check_works(const Endpoint& endpoint) {
  Connection connection(endpoint, kPatient);
  connection.connect();
  const std::string bytes = "a\r\n" + std::string(300000, '\0');
  (void)connection.execute({"SET", "k", bytes});
  CHECK(connection.execute({"GET", "k"}).text() == bytes);
}

Error refusal(const Endpoint& endpoint, Timeouts timeouts = kPatient) {
  Connection connection(endpoint, timeouts);
  const Error error = test::error_of([&] { connection.connect(); });
  CHECK_FALSE(connection.connected());
  CHECK(contains(error.what(), endpoint.describe()));
  CHECK_FALSE(contains(error.what(), "\n"));
  return error;
}

void check_refused(const Endpoint& endpoint, const std::string& says) {
  const Error error = refusal(endpoint);
  CHECK(error.error_class() == ErrorClass::tls);
  CAPTURE(std::string(error.what()));
  CHECK(contains(error.what(), says));
}

}  // namespace

TEST_CASE("a name, an address, a name of our choice; pipelines, pushes and time-outs") {
  TlsServer server;
  check_works(server.endpoint());
  check_works(server.endpoint("localhost"));
  Endpoint renamed = server.endpoint();
  renamed.tls->server_name = "redis.test";
  check_works(renamed);

  Connection connection(server.endpoint(), kPatient);
  connection.connect();
  const std::vector<Command> many(1000, {"ECHO", std::string(1000, 'x')});
  CHECK(connection.pipeline(many).size() == 1000);
  Connection listener(server.endpoint(), kPatient);
  listener.connect();
  // Two pushes in one TLS record: the second waits inside OpenSSL, where poll() can't see it.
  listener.send({"SUBSCRIBE", "a", "b"});
  CHECK(listener.read_push(Millis{10000}).at(1).text() == "a");
  CHECK(listener.read_push(Millis{10000}).at(1).text() == "b");
  CHECK(listener.read_push(Millis{1}).is_nil());
  (void)connection.execute({"PUBLISH", "a", "hello"});
  CHECK(listener.read_push(Millis{10000}).at(2).text() == "hello");

  Connection hasty(server.endpoint(), {.connect = Millis{10000}, .reply = Millis{100}});
  hasty.connect();
  server.server().pause();
  CHECK(test::error_of([&] { (void)hasty.execute({"PING"}); }).error_class() ==
        ErrorClass::timeout);
  server.server().resume();
  server.server().kill9();
  CHECK(test::error_of([&] { (void)connection.execute({"PING"}); }).error_class() ==
        ErrorClass::closed);
}

TEST_CASE("a certificate that we must not trust") {
  {
    TlsServer server;
    Endpoint stranger = server.endpoint();
    const test::Authority other;
    stranger.tls->ca_pem = other.pem();
    check_refused(stranger, "not signed by the given CA");
    stranger.tls->ca_pem.clear();
    check_refused(stranger, "not signed by any of the system's CAs");
    Endpoint wrong_name = server.endpoint();
    wrong_name.tls->server_name = "other.test";
    check_refused(wrong_name, "not for other.test");
    wrong_name.tls->insecure_skip_verify = true;
    check_works(wrong_name);
  }
  {
    // The address is not among the names: it is compared with addresses only.
    TlsServer server(TlsServer::authority.issue("127.0.0.1", "DNS:localhost,DNS:127.0.0.1"));
    check_works(server.endpoint("localhost"));
    check_refused(server.endpoint(), "not for 127.0.0.1");
  }
  {
    TlsServer server(TlsServer::authority.issue("redis", kHere, -60));
    check_refused(server.endpoint(), "expired");
    Endpoint careless = server.endpoint();
    careless.tls->insecure_skip_verify = true;
    check_works(careless);
  }
}

TEST_CASE("a server that wants a client certificate") {
  TlsServer server("yes");
  check_refused(server.endpoint(), "may want a client certificate");
  const test::Certificate ours = TlsServer::authority.issue("worker", "");
  Endpoint known = server.endpoint();
  known.tls->cert_pem = ours.pem;
  known.tls->key_pem = ours.key;
  check_works(known);
  const test::Authority other;
  const test::Certificate strange = other.issue("worker", "");
  known.tls->cert_pem = strange.pem;
  known.tls->key_pem = strange.key;
  check_refused(known, "refuses our client certificate");
}

TEST_CASE("files that can't be used are named, before anything is sent") {
  TlsServer server;
  const test::OwnFolder& folder = server.folder();
  const auto with = [&](auto change) {
    Endpoint endpoint = server.endpoint();
    change(*endpoint.tls);
    return endpoint;
  };
  check_refused(with([&](Tls& tls) { tls.ca_file = "/nowhere/ca.pem"; }),
                "cannot read the CA file /nowhere/ca.pem: No such file");
  const std::string text = folder.write("text", "no PEM");
  check_refused(with([&](Tls& tls) { tls.ca_file = text; }), text + " holds no certificate");
  const std::string empty = folder.write("empty", "");
  check_refused(with([&](Tls& tls) { tls.ca_file = empty; }), empty + " holds no certificate");
  check_refused(with([&](Tls& tls) { tls.cert_file = tls.key_file = text; }),
                "the client certificate file " + text + " holds no certificate");
  const std::string cert = folder.path() + "/server.pem";
  check_refused(with([&](Tls& tls) {
                  tls.cert_file = cert;
                  tls.key_file = text;
                }),
                "the client key file " + text + " holds no key");
  check_refused(with([&](Tls& tls) { tls.cert_file = cert; }), "the client key holds no key");
  const std::string other = folder.write("other.key", TlsServer::authority.issue("other", "").key);
  check_refused(with([&](Tls& tls) {
                  tls.cert_file = cert;
                  tls.key_file = other;
                }),
                other + " does not belong to the client certificate file " + cert);
}

TEST_CASE("TLS to a port without it, and the reverse") {
  TlsServer server("no", {"timeout 0"});
  // Redis takes our ClientHello for the start of a command and waits for its end.
  Endpoint reverse = parse_endpoint("rediss" + server.server().tcp_url().substr(5));
  const Error silent = refusal(reverse, {.connect = Millis{200}, .reply = Millis{200}});
  CHECK((silent.error_class() == ErrorClass::timeout || silent.error_class() == ErrorClass::tls));
  CHECK(contains(silent.what(), "TLS"));
  const test::ByteServer talker("-ERR unknown command\r\n");
  Endpoint rude = talker.endpoint();
  rude.tls.emplace();
  check_refused(rude, "does not speak TLS");

  Connection plain(server.plain_to_tls(), kPatient);
  plain.connect();
  const Error error = test::error_of([&] { (void)plain.execute({"PING"}); });
  CHECK(error.connection_lost());
  CHECK_FALSE(plain.connected());
}

TEST_CASE("a handshake that stalls ends with the connect time-out") {
  const test::ByteServer mute("");
  Endpoint endpoint = mute.endpoint();
  endpoint.tls.emplace();
  const test::Stopwatch watch;
  const Error error = refusal(endpoint, {.connect = Millis{150}, .reply = Millis{60000}});
  CHECK(error.error_class() == ErrorClass::timeout);
  CHECK(contains(error.what(), "handshake"));
  CHECK(watch.elapsed() < Millis{5000});
  const test::ByteServer rude("", test::ByteServer::Then::close);
  endpoint = rude.endpoint();
  endpoint.tls.emplace();
  CHECK(refusal(endpoint).error_class() == ErrorClass::closed);
}

TEST_CASE("CA, certificate and key are read anew at every connect") {
  TlsServer server("yes");
  const test::OwnFolder ours;
  const test::Certificate first = TlsServer::authority.issue("worker", "");
  Endpoint endpoint = server.endpoint();
  endpoint.tls->ca_pem.clear();
  endpoint.tls->ca_file = ours.write("ca.pem", TlsServer::authority.pem());
  endpoint.tls->cert_file = ours.write("worker.pem", first.pem);
  endpoint.tls->key_file = ours.write("worker.key", first.key);
  Connection connection(endpoint, kPatient);
  connection.connect();

  // Everything is signed by a new authority from now on.
  const test::Authority next;
  server.server().stop();
  server.write(next.issue("redis", kHere));
  server.folder().write("ca.pem", next.pem());
  server.server().start();
  CHECK(test::error_of([&] { (void)connection.execute({"PING"}); }).connection_lost());
  CHECK(test::error_of([&] { connection.connect(); }).error_class() == ErrorClass::tls);
  const test::Certificate second = next.issue("worker", "");
  ours.write("ca.pem", next.pem());
  CHECK(test::error_of([&] { connection.connect(); }).error_class() == ErrorClass::tls);
  ours.write("worker.pem", second.pem);
  ours.write("worker.key", second.key);
  connection.connect();
  CHECK(connection.execute({"PING"}).text() == "PONG");
}
