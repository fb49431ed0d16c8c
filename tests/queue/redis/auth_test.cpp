// Users and passwords, and their rotation while connections live.
#include "queue/redis/connection.h"
#include "tests/queue/redis/support.h"
#include "tests/support/byte_server.h"
#include "tests/support/redis_server.h"
#include "tests/support/temp_folder.h"

using namespace wp;
using namespace wp::redis;
using test::contains;
using test::RedisServer;

namespace {

constexpr Timeouts kPatient{.connect = Millis{10000}, .reply = Millis{10000}};

}  // namespace

TEST_CASE("an ACL user and the default one") {
  RedisServer server({"requirepass secret", "user worker on >pw ~wp:* +@all"});
  Endpoint endpoint = server.endpoint();
  endpoint.username = "worker";
  endpoint.password = "pw";
  Connection worker(endpoint, kPatient);
  worker.connect();
  CHECK(worker.execute({"ACL", "WHOAMI"}).text() == "worker");
  CHECK(test::error_of([&] {
          (void)worker.execute({"GET", "other"});
        }).error_class() == ErrorClass::permission);
  CHECK(worker.connected());  // another password would not help
  endpoint.username.clear();
  endpoint.password = "secret";
  Connection standard(endpoint, kPatient);
  standard.connect();
  CHECK(standard.execute({"ACL", "WHOAMI"}).text() == "default");
}

TEST_CASE("a password file is read at every connect, without its newline") {
  RedisServer server({"requirepass first"});
  const test::OwnFolder folder;
  Endpoint endpoint = server.endpoint();
  endpoint.password = "ignored";
  endpoint.password_file = folder.write("password", "first\r\n");
  Connection connection(endpoint, kPatient);
  connection.connect();
  (void)connection.execute({"CONFIG", "SET", "requirepass", "second"});
  (void)folder.write("password", "second");
  connection.connect();
  CHECK(connection.execute({"PING"}).text() == "PONG");
  (void)folder.write("password", "third-hidden\n");
  const Error wrong = test::error_of([&] { connection.connect(); });
  CHECK(wrong.error_class() == ErrorClass::auth);
  CHECK_FALSE(contains(wrong.what(), "third-hidden"));
  CHECK_FALSE(connection.connected());
  std::filesystem::remove(endpoint.password_file);
  const Error missing = test::error_of([&] { connection.connect(); });
  CHECK(missing.error_class() == ErrorClass::auth);
  CHECK(contains(missing.what(), "cannot read the password file " + endpoint.password_file));
}

TEST_CASE("a server that asks for a password in the middle of life gets the new one") {
  RedisServer server({"requirepass first"});
  const test::OwnFolder folder;
  Endpoint endpoint = server.endpoint();
  endpoint.password_file = folder.write("password", "first");
  Connection connection(endpoint, kPatient);
  connection.connect();
  (void)connection.execute({"CONFIG", "SET", "requirepass", "second"});
  (void)connection.execute({"RESET"});  // nobody any more, as after a change of the user
  const Error error = test::error_of([&] { (void)connection.execute({"GET", "k"}); });
  CHECK(error.error_class() == ErrorClass::auth);
  CHECK_FALSE(error.connection_lost());  // it was not done
  CHECK_FALSE(connection.connected());
  (void)folder.write("password", "second");
  connection.connect();
  CHECK(connection.execute({"GET", "k"}).is_nil());
}

TEST_CASE("what a server answered stays out of logs; what we say ourselves does not") {
  CHECK(Error(ErrorClass::auth, "WRONGPASS for user \x1b[2J").loggable() == "an error reply");
  CHECK(Error(ErrorClass::server, "anything").loggable() == "an error reply");
  CHECK(Error(ErrorClass::refused, "redis:6379: nobody listens").loggable() ==
        "redis:6379: nobody listens");
}

TEST_CASE("errors out of a script are told by their cause, on every version") {
  CHECK(classify_reply("READONLY You can't write against a read only replica script: 6e, on "
                       "@user_script:1.") == ErrorClass::read_only);
  CHECK(classify_reply("ERR Error running script (call to f_6e): @user_script:1: -READONLY You "
                       "can't write against a read only replica.") == ErrorClass::read_only);
  CHECK(classify_reply("ERR Error running script (call to f_6e): @user_script:1: -OOM command not "
                       "allowed when used memory > 'maxmemory'.") == ErrorClass::out_of_memory);
  CHECK(classify_reply("ERR The user executing the script can't access at least one of the keys "
                       "mentioned in the command arguments script: 6e, on @user_script:1.") ==
        ErrorClass::permission);
  CHECK(classify_reply("ERR ACL failure in script: No permissions to access a key script: 6e, on "
                       "@user_script:1.") == ErrorClass::permission);
  CHECK(classify_reply("ERR Error running script (call to f_6e): @user_script:1: nonsense") ==
        ErrorClass::server);
}

TEST_CASE("what a hostile server repeats of us does not get far: it is clipped") {
  const test::ByteServer server("-WRONGPASS " + std::string(100000, 'x') + "\r\n");
  Endpoint endpoint = server.endpoint();
  endpoint.password = "pw";
  Connection connection(endpoint, kPatient);
  const Error error = test::error_of([&] { connection.connect(); });
  CHECK(error.error_class() == ErrorClass::auth);
  CHECK(std::string(error.what()).size() < 300);
}
